"""Data sets of face presentation attacks in their official forms."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceresearch.datasets.attribute_base import AttributeDataset, read_lines
from faceresearch.datasets.attribute_labels import labels_of, same_class
from faceresearch.datasets.base import BrokenImageError
from faceresearch.datasets.folder_faces import images_below
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


@DATASETS.register_module()
class SpoofListDataset(SpoofDataset):
    """Lists of images or of videos' frames, one a line, of one or several domains: cross-domain protocols (OCIM).

    A line is ``path label`` with blanks or a comma between; a label is 1, +1, ``live`` or ``real`` for a real face, and
    0, −1, −2, ``print``, ``replay``, … for an attack (−1 is print, −2 replay, as in OULU-NPU). A path that is a folder
    stands for the images in it, the frames of a video. In train-on-three-test-on-one protocols, ``domains`` names a list
    for each of OULU-NPU, CASIA-FASD, Replay-Attack and MSU-MFSD.

    Args:
        data_root: folder that paths start from.
        domains: name of a domain → its list, relative to ``data_root``.
        labels: order of the classes.
        split: a name that samples carry: a threshold is fixed on the samples of ``dev`` and applied to the others.
        frames: of a folder, use so many images, evenly spread; None: all.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.

    Raises:
        UserError: a list is not there.
    """

    title = 'lists of faces and attacks'

    def __init__(
        self,
        data_root: str = 'data/spoof',
        domains: Mapping[str, str] | None = None,
        labels: str | Sequence[str] = 'binary/spoof',
        split: str = 'test',
        frames: int | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.labels = labels_of(labels)
        self.domains = dict(domains or {'': 'list.txt'})
        self.split = split
        self.frames = frames
        super().__init__(
            data_root=data_root,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the lists."""
        root = Path(self.data_root or '.')
        samples: list[dict[str, Any]] = []
        for domain, name in self.domains.items():
            path = root / name
            if not path.is_file():
                raise UserError(f'{path}: not there; it is to list the images of domain {domain!r}, one a line')
            for number, line in enumerate(read_lines(path), 1):
                if not line.strip():
                    continue
                parts = re.split(r'[,\s]+', line.strip())
                attack = _attack_of(parts[-1]) if len(parts) == 2 else None
                if attack is None:
                    problems.add('not a path and a label', number, line[:60], file=name)
                    continue
                for image in self._images(root, parts[0]):
                    found = self.sample(image, attack, number)
                    samples.append(
                        {**found, 'group': parts[0], 'video': parts[0], 'domain': domain, 'split': self.split}
                    )
        return samples

    def _images(self, root: Path, name: str) -> list[str]:
        folder = root / name
        if not folder.is_dir():
            return [name]
        return [f'{name}/{image}' for image in _spread(list(images_below(folder)), self.frames)]


def _spread(names: list[str], count: int | None) -> list[str]:
    if count is None or len(names) <= count:
        return names
    return [names[i] for i in np.linspace(0, len(names) - 1, count).round().astype(int)]


def _attack_of(text: str) -> str | None:
    lowered = text.lower()
    if lowered in ('1', '+1', 'live', 'real'):
        return 'live'
    numbers = {'0': 'attack', '-1': 'print', '-2': 'replay'}
    if lowered in numbers:
        return numbers[lowered]
    return lowered if re.fullmatch(r'[a-z][\w-]*', lowered) else None


@DATASETS.register_module()
class OuluNpuDataset(SpoofDataset):
    """OULU-NPU (Boulkenafet et al., FG 2017): the frames of its videos, by one of its protocols.

    A line of ``Protocols/Protocol_1/Train.txt`` is ``+1,1_1_01_1``: label and video, phone_session_subject_access;
    access 1 is real, 2 and 3 are prints, 4 and 5 replays. The frames of a video are images in ``<frames_dir>/<video>/``.

    Args:
        data_root: folder of the data set.
        ann_file: list of the protocol, relative to ``data_root``.
        frames_dir: folder of the folders of frames, relative to ``data_root``.
        labels: order of the classes.
        split: a name that samples carry, ``dev`` or ``test``.
        frames: of a video, use so many frames, evenly spread; None: all.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.
    """

    title = 'OULU-NPU'
    source = 'sites.google.com/site/oulunpudatabase'
    _NAME = re.compile(r'([1-6])_([1-3])_(\d\d)_([1-5])')

    def __init__(
        self,
        data_root: str = 'data/oulu_npu',
        ann_file: str = 'Protocols/Protocol_1/Train.txt',
        frames_dir: str = 'frames',
        labels: str | Sequence[str] = 'minivision/spoof',
        split: Literal['train', 'dev', 'test'] = 'test',
        frames: int | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.labels = labels_of(labels)
        self.frames_dir = frames_dir
        self.split = split
        self.frames = frames
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
        """Read the protocol's list and list the frames."""
        samples: list[dict[str, Any]] = []
        for number, line in enumerate(read_lines(Path(self.ann_file)), 1):
            if not line.strip():
                continue
            label, _, video = (part.strip() for part in line.partition(','))
            match = self._NAME.fullmatch(video)
            if match is None or label not in ('+1', '1', '-1', '-2'):
                problems.add('not a label and a video (+1,1_1_01_1)', number, line[:60])
                continue
            attack = {'1': 'live', '2': 'print', '3': 'print', '4': 'replay', '5': 'replay'}[match.group(4)]
            if (attack == 'live') != (label in ('+1', '1')):
                problems.add('label and name contradict each other', number, line[:60])
                continue
            samples += self._frames(video, attack, number, {'group': match.group(3)}, problems)
        return samples

    def _frames(
        self, video: str, attack: str, line: int, facts: dict[str, Any], problems: Problems
    ) -> list[dict[str, Any]]:
        folder = Path(self.data_root or '.', self.frames_dir, video)
        images = _spread(list(images_below(folder)), self.frames) if folder.is_dir() else []
        if not images:
            problems.add('video without frames', line, f'{self.frames_dir}/{video}')
        return [
            {
                **self.sample(f'{self.frames_dir}/{video}/{image}', attack, line),
                'video': video,
                'split': self.split,
                **facts,
            }
            for image in images
        ]


@DATASETS.register_module()
class SiWDataset(OuluNpuDataset):
    """Spoof in the Wild (Liu et al., CVPR 2018): the frames of its videos, by one of its protocols.

    Videos are named subject-sensor-type-medium-session (``003-1-2-1-1``), type 1 live, 2 print, 3 replay. Subjects of
    the official training and test sets are in ``ann_file``'s two lists, here a text file of video names. Protocol 1
    trains on the first 60 frames; protocol 2 leaves one replay medium out, protocol 3 prints or replays.

    Args:
        data_root: folder of the data set.
        ann_file: text file of video names, one a line, relative to ``data_root``.
        frames_dir: folder of the folders of frames, relative to ``data_root``.
        labels: order of the classes.
        split: a name that samples carry, ``dev`` or ``test``.
        frames: of a video, use so many frames, evenly spread; None: all.
        first: use only the first so many frames of a video; 60 in the training of protocol 1.
        media: use only replays of these media; protocol 2 trains on three and tests on the fourth.
        attacks: use only these attacks, ``print`` or ``replay``; protocol 3.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.
    """

    title = 'SiW'
    source = 'cvlab.cse.msu.edu/siw-spoof-in-the-wild-database.html'
    _NAME = re.compile(r'(\d{3})-(\d)-([123])-(\d)-(\d)')

    def __init__(
        self,
        data_root: str = 'data/siw',
        ann_file: str = 'train.txt',
        frames_dir: str = 'frames',
        labels: str | Sequence[str] = 'minivision/spoof',
        split: Literal['train', 'dev', 'test'] = 'test',
        frames: int | None = None,
        first: int | None = None,
        media: Sequence[int] | None = None,
        attacks: Sequence[str] = ('print', 'replay'),
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.first = first
        self.media = None if media is None else {str(number) for number in media}
        self.attacks = {'live', *attacks}
        super().__init__(
            data_root,
            ann_file,
            frames_dir,
            labels,
            split,
            frames,
            pipeline,
            test_mode,
            seed,
            indices,
            metainfo,
            lazy_init,
        )

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the list of videos and list the frames."""
        samples: list[dict[str, Any]] = []
        for number, line in enumerate(read_lines(Path(self.ann_file)), 1):
            video = line.strip().removesuffix('.mov')
            if not video:
                continue
            match = self._NAME.fullmatch(video)
            if match is None:
                problems.add('not a video (003-1-2-1-1)', number, line[:60])
                continue
            attack = {'1': 'live', '2': 'print', '3': 'replay'}[match.group(3)]
            other_medium = attack == 'replay' and self.media is not None and match.group(4) not in self.media
            if attack not in self.attacks or other_medium:
                continue
            found = self._frames(video, attack, number, {'group': match.group(1)}, problems)
            samples += found[: self.first]
        return samples
