"""What data sets of face presentation attacks share, and CelebA-Spoof."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceresearch.datasets.attribute_base import AttributeDataset
from faceresearch.datasets.attribute_labels import labels_of, same_class
from faceresearch.datasets.base import BrokenImageError
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.datasets.parsers.images import image_size
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS

#: CelebA-Spoof's number 40: what a face is shown on.
CELEBA_SPOOF_TYPES = (
    'live',
    'photo',
    'poster',
    'A4',
    'face mask',
    'upper-body mask',
    'region mask',
    'PC',
    'pad',
    'phone',
    '3-D mask',
)
#: Attacks that are paper; the others are screens and solid masks.
_PAPER = frozenset({'photo', 'poster', 'A4', 'face mask', 'upper-body mask', 'region mask', 'print'})
#: CelebA-Spoof stores boxes as if each image had this side.
_BOX_FRAME = 224


def spoof_label(attack: str, labels: Sequence[str]) -> int:
    """Return the class of a kind of attack, or of ``live``, in an order with ``real`` and one or two others."""
    names = [same_class(name) for name in labels]
    if same_class(attack) == 'real':
        return names.index('real')
    if 'fake' in names:
        return names.index('fake')
    return names.index('print' if attack in _PAPER else 'replay')


class SpoofDataset(AttributeDataset):
    """Samples with the label ``spoof`` and ``attack``, the kind of attack."""

    labels: tuple[str, ...]

    def sample(self, name: str, attack: str, line: int = 0) -> dict[str, Any]:
        """Return a sample; ``attack`` is ``live`` or a kind of attack."""
        return {
            'name': name,
            'line': line,
            'attack': attack,
            'gt_attributes': {'spoof': spoof_label(attack, self.labels)},
        }


@DATASETS.register_module()
class CelebASpoofDataset(SpoofDataset):
    """CelebA-Spoof (Zhang et al., ECCV 2020), intra test: 625,537 images.

    ``metas/intra_test/{train,test}_label.json`` has 44 integers for each image; number 40 is the kind of attack, 43 says
    live (0) or spoof (1). A face's box stands beside its image (``…_BB.txt``: x y w h score, as if the image were
    224 × 224).

    Args:
        data_root: folder with ``Data`` and ``metas``.
        ann_file: label file, relative to ``data_root``.
        labels: order of the classes. Of ``minivision/spoof``, paper is ``print``; screens and solid masks are ``replay``.
        boxes: read the boxes; without, the whole image is the face.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.
    """

    title = 'CelebA-Spoof'
    source = 'github.com/ZhangYuanhan-AI/CelebA-Spoof'

    def __init__(
        self,
        data_root: str = 'data/CelebA_Spoof',
        ann_file: str = 'metas/intra_test/train_label.json',
        labels: str | Sequence[str] = 'minivision/spoof',
        boxes: bool = True,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.labels = labels_of(labels)
        self.boxes = boxes
        super().__init__(
            data_root=data_root,
            ann_file=ann_file,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the label file."""
        try:
            content = json.loads(Path(self.ann_file).read_text(encoding='utf-8'))
        except (ValueError, OSError, RecursionError) as error:
            raise UserError(f'{self.ann_file}: is not the JSON of CelebA-Spoof ({error})') from error
        if not isinstance(content, dict):
            raise UserError(f'{self.ann_file}: is not an object of lists by image, as CelebA-Spoof has it')
        samples = []
        for name, values in content.items():
            if not isinstance(values, list) or len(values) != 44 or not all(isinstance(v, int) for v in values):
                problems.add('not 44 integers', 0, str(name))
                continue
            kind, spoof = values[40], values[43]
            if not 0 <= kind < len(CELEBA_SPOOF_TYPES) or spoof not in (0, 1) or (kind > 0) != bool(spoof):
                problems.add('kind of attack and live/spoof contradict each other', 0, f'{name}: {kind}, {spoof}')
                continue
            samples.append(self.sample(name, CELEBA_SPOOF_TYPES[kind]))
        return samples

    def raw_sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Add the box, which needs the image's size.

        Raises:
            BrokenImageError: image or box cannot be read.
        """
        results = super().raw_sample(index, epoch)
        if self.boxes:
            path = Path(results['img_path'])
            results['bbox'] = _read_box(path.with_name(f'{path.stem}_BB.txt'), path)
        return results


def _read_box(path: Path, image: Path) -> np.ndarray:
    size = image_size(image)
    if size is None:
        raise BrokenImageError(f'{image}: cannot be read')
    try:
        x, y, w, h = (float(text) for text in path.read_text(encoding='ascii').split()[:4])
    except (OSError, ValueError) as error:
        raise BrokenImageError(f'{path}: has no box x y w h') from error
    height, width = size
    frame = np.array([width, height, width, height]) / _BOX_FRAME
    box = np.array([x, y, x + w, y + h]) * frame
    if not np.isfinite(box).all() or w <= 0 or h <= 0:
        raise BrokenImageError(f'{path}: the box {x:g} {y:g} {w:g} {h:g} is none')
    return box[None].astype(np.float32)
