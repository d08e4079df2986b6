"""What data sets of attributes share: labels by name, splits that keep a person together, and what is skipped."""

from __future__ import annotations

import logging
import math
import zlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mmengine.logging import print_log

from faceresearch.datasets.attribute_labels import labels_of, order_map
from faceresearch.datasets.base import FaceDataset
from faceresearch.datasets.parsers.annotations import Problems, safe_name
from faceresearch.errors import UserError

Part = Literal['all', 'train', 'val']
Relabel = Mapping[str, Sequence[Any]]


class AttributeDataset(FaceDataset):
    """Images of one face each with ``gt_attributes``, a dict by name; what is not known is absent, −1 or NaN.

    Subclasses implement :meth:`read`. Where a data set has no split of its own, ``part`` makes one: all images of a
    group (a person, a video; an image where the data tell no more) fall on one side, decided by the checksum of the
    group's name, so that it does not depend on what else is there.

    Args:
        data_root: folder of the data set.
        ann_file: annotation file, relative to ``data_root``, where there is one.
        part: ``train``, ``val`` or ``all``.
        val_share: share of the groups in ``val``.
        split_seed: another number gives another split.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.
        relabel: label → (its order here, the order wanted), and as a third, classes that are merged into one of another
            name: ``dict(emotion=('affectnet8/emotion', 'affectnet7/emotion'))``. Images that have no label left are
            left out.
        limits: label → (least, largest) number that is of use: what lies outside is not known. Images that have no label
            left are left out.

    Raises:
        UserError: the data are not there, no image is left, or an argument has no meaning.
    """

    #: Whether each sample is a file; otherwise the annotations hold the images.
    files = True

    #: What the data are called in errors, and where they come from.
    title = 'the data set'
    source = ''

    def __init__(
        self,
        data_root: str = 'data',
        ann_file: str = '',
        part: Part = 'all',
        val_share: float = 0.2,
        split_seed: int = 0,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
        relabel: Relabel | None = None,
        limits: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        if part not in ('all', 'train', 'val') or not 0 < val_share < 1:
            raise UserError(
                f"{type(self).__name__}: part={part!r}, val_share={val_share}: use 'all', 'train' or 'val', and a share"
                ' between 0 and 1'
            )
        self.part, self.val_share, self.split_seed = part, val_share, split_seed
        self.relabel = {
            name: (order_map(*orders), len(labels_of(orders[1]))) for name, orders in (relabel or {}).items()
        }
        self.limits = {name: (low, high) for name, (low, high) in (limits or {}).items()}
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

    @abstractmethod
    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Return samples with ``img_path`` relative to the data root, ``gt_attributes`` and, where there is one, ``group``."""

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the annotations, drop images that are not there, and take this part.

        Raises:
            UserError: see the class.
        """
        root = Path(self.data_root or '.')
        annotations = Path(self.ann_file) if self.ann_file else root
        if not annotations.exists():
            raise UserError(
                f'{annotations}: not there; put {self.title} under {root} (data_root)'
                f'{f", from {self.source}" if self.source else ""}'
            )
        problems = Problems(annotations)
        samples: list[dict[str, Any]] = []
        without = 0
        for sample in self.read(problems):
            name, line = sample.pop('name'), sample.pop('line', 0)
            safe = safe_name(name)
            labels = self._wanted_labels(sample['gt_attributes'])
            if safe is None:
                problems.add('image path outside the data set', line, name)
            elif self.files and not (root / safe).is_file():
                problems.add('image not there', line, name)
            elif labels is None:
                without += 1
            elif self._wanted(sample.get('group', safe)):
                path = str(root / safe) if self.files else f'{annotations}:{line}'
                samples.append({'img_path': path, 'img_id': safe, **sample, 'gt_attributes': labels})
        if without:
            print_log(f'{annotations}: left out {without} images without a label that is wanted', logger='current')
        if summary := problems.summary():
            print_log(summary, logger='current', level=logging.WARNING)
        if not samples:
            raise UserError(f'{annotations}: no image of {self.title} is left{f" ({summary})" if summary else ""}')
        print_log(f'{annotations}: {len(samples)} images ({self.part})', logger='current')
        return samples

    def _wanted_labels(self, labels: dict[str, Any]) -> dict[str, Any] | None:
        """Return labels in the orders and within the limits wanted; None if none is left."""
        new = dict(labels)
        for name in self.relabel.keys() & labels.keys():
            new[name] = translated(labels[name], *self.relabel[name])
        for name, (low, high) in self.limits.items():
            if name in new and not low <= new[name] <= high:
                new[name] = math.nan
        changed = self.relabel.keys() | self.limits.keys()
        return None if changed and all(map(_is_unknown, new.values())) else new

    def _wanted(self, group: str) -> bool:
        if self.part == 'all':
            return True
        number = zlib.crc32(f'{self.split_seed}/{group}'.encode()) / 2**32
        return (number < self.val_share) == (self.part == 'val')


def _is_unknown(label: Any) -> bool:
    return not np.ndim(label) and not label >= 0 and (isinstance(label, int) or label != label)


def translated(label: Any, numbers: np.ndarray, classes: int) -> Any:
    """Return a class (or shares of all classes) in another order; −1 where nothing of it is left.

    Args:
        label: number of a class, −1 for unknown, or a distribution (C,).
        numbers: of :func:`~faceresearch.datasets.attribute_labels.order_map`.
        classes: of the other order.
    """
    if not np.ndim(label):
        return int(numbers[label]) if label >= 0 else -1
    shares = np.zeros(classes, np.float32)
    kept = numbers >= 0
    np.add.at(shares, numbers[kept], np.asarray(label, np.float32)[kept])
    total = float(shares.sum())
    return shares / total if total > 0 else -1


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, without their ends and without a byte order mark.

    Raises:
        UserError: it is not text.
    """
    try:
        return path.read_text(encoding='utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f'{path}: is not a text file ({error.reason})') from error
    except OSError as error:
        raise UserError(f'{path}: cannot be read ({error.strerror})') from error
