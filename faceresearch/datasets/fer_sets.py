"""FER2013 and FER+ in their official form: one csv file that holds the images themselves, and one of votes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from faceresearch.datasets.attribute_base import AttributeDataset, Part, Relabel
from faceresearch.datasets.attribute_labels import ORDERS
from faceresearch.datasets.attribute_tables import read_table
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS

Usage = Literal['Training', 'PublicTest', 'PrivateTest']
Votes = Literal['majority', 'distribution']
SIDE = 48
_LABEL = 'emotion'
#: Columns of fer2013new.csv: eight emotions, then what is none.
_EMOTIONS = ('neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear', 'contempt')
_NONE = ('unknown', 'NF')


@DATASETS.register_module()
class FER2013Dataset(AttributeDataset):
    """FER2013 (Goodfellow et al. 2013): ``fer2013.csv`` with the columns emotion, pixels and Usage.

    Pixels are 48 × 48 grey values with blanks between them. Rows that are no such image, have no emotion from 0 to 6 or
    another usage are skipped and counted, with their line.

    Args:
        data_root: folder of the file.
        ann_file: the file, relative to ``data_root``.
        usage: which rows: ``Training``, ``PublicTest``, ``PrivateTest``, or several.
        part: see :class:`~faceresearch.datasets.attribute_base.AttributeDataset`, also for the following.
        val_share: share of the images in ``val``.
        split_seed: another number gives another split.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read the file until it is needed.
        relabel: other orders of the labels.

    Raises:
        UserError: see the class; or there is no such usage.
    """

    title = 'FER2013'
    source = 'kaggle.com/competitions/challenges-in-representation-learning-facial-expression-recognition-challenge'
    files = False

    def __init__(
        self,
        data_root: str = 'data/fer2013',
        ann_file: str = 'fer2013.csv',
        usage: Usage | Sequence[Usage] = ('Training', 'PublicTest', 'PrivateTest'),
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
    ) -> None:
        self.usage = (usage,) if isinstance(usage, str) else tuple(usage)
        wrong = [name for name in self.usage if name not in get_args(Usage)]
        if wrong or not self.usage:
            raise UserError(
                f'{type(self).__name__}: usage={wrong or list(self.usage)}: use {", ".join(get_args(Usage))}'
            )
        super().__init__(
            data_root,
            ann_file,
            part,
            val_share,
            split_seed,
            pipeline,
            test_mode,
            seed,
            indices,
            metainfo,
            lazy_init,
            relabel,
        )

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read the file."""
        samples = []
        for line, row in read_table(Path(self.ann_file), ('emotion', 'pixels', 'Usage'), problems):
            if not _used(row['Usage'], self.usage, line, problems):
                continue
            number = whole_number(row['emotion'])
            if number is None or number >= len(ORDERS['fer2013/emotion']):
                problems.add('emotion outside the list', line, row['emotion'])
                continue
            pixels = _pixels(row['pixels'], line, problems)
            if pixels is not None:
                samples.append({'name': f'{line}', 'line': line, 'pixels': pixels, 'gt_attributes': {_LABEL: number}})
        return samples

    def raw_sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return what is known of an image before any transform, with the image ``img`` (48, 48, 3) uint8."""
        sample = super().raw_sample(index, epoch)
        sample['img'] = np.repeat(sample.pop('pixels')[..., None], 3, axis=2)
        return sample


@DATASETS.register_module()
class FERPlusDataset(FER2013Dataset):
    """FER+ (Barsoum et al. 2016, arXiv:1608.01041): ten people's votes for each image of FER2013, in the same order.

    ``fer2013new.csv`` has the columns Usage, Image name, and the votes. As its authors do (microsoft/FERPlus
    src/ferplus.py): a single vote for a class does not count; with ``majority``, an image counts if more than half of the
    votes that are left are for one emotion; with ``distribution``, the emotions of most votes are taken until they have
    three quarters of the votes, at most three of them, and an image counts if they have more than half. Images without
    such a label, or of no face, are left out.

    Args:
        data_root: folder of both files.
        ann_file: the votes, relative to ``data_root``.
        pixels: FER2013's own file, relative to ``data_root``.
        votes: ``majority``: the label is a class; ``distribution``: shares of all eight, for training.
        usage: see :class:`FER2013Dataset`, also for the following.
        part: ``train``, ``val`` or ``all``.
        val_share: share of the images in ``val``.
        split_seed: another number gives another split.
        pipeline: transforms, applied in order.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read the files until they are needed.
        relabel: other orders of the labels.

    Raises:
        UserError: see :class:`FER2013Dataset`; or the two files do not have the same rows.
    """

    title = 'FER+'
    source = 'github.com/microsoft/FERPlus'

    def __init__(
        self,
        data_root: str = 'data/fer2013',
        ann_file: str = 'fer2013new.csv',
        pixels: str = 'fer2013.csv',
        votes: Votes = 'majority',
        usage: Usage | Sequence[Usage] = ('Training', 'PublicTest', 'PrivateTest'),
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
    ) -> None:
        if votes not in get_args(Votes):
            raise UserError(f'FERPlusDataset: votes={votes!r} is unknown; use {", ".join(get_args(Votes))}')
        self.pixels, self.votes = pixels, votes
        super().__init__(
            data_root,
            ann_file,
            usage,
            part,
            val_share,
            split_seed,
            pipeline,
            test_mode,
            seed,
            indices,
            metainfo,
            lazy_init,
            relabel,
        )

    def read(self, problems: Problems) -> list[dict[str, Any]]:
        """Read both files, row by row."""
        images = self.resolve(self.pixels)
        if not images.is_file():
            raise UserError(
                f'{images}: not there; FER+ has only the votes: put fer2013.csv there, from {super().source}'
            )
        # Of these two, a malformed row would move all that follow.
        damaged = Problems(Path(self.ann_file)), Problems(images)
        votes = read_table(damaged[0].file, ('Usage', 'Image name', *_EMOTIONS, *_NONE), damaged[0])
        pixels = read_table(images, ('pixels', 'Usage'), damaged[1])
        samples = []
        for voted, seen in zip_longest(votes, pixels):
            told = next((found.summary() for found in damaged if found.counts), None)
            if voted is None or seen is None or voted[1]['Usage'] != seen[1]['Usage'] or told:
                raise UserError(
                    f'{self.ann_file}:{voted[0] if voted else "end"} does not go with'
                    f' {images}:{seen[0] if seen else "end"}: both need the same rows in the same order'
                    f'{f" ({told})" if told else ""}'
                )
            line, row = voted
            # Rows without a name are those of no face.
            if not row['Image name'] or not _used(row['Usage'], self.usage, line, problems):
                continue
            label = self._label(row, line, problems)
            values = None if label is None else _pixels(seen[1]['pixels'], seen[0], problems, images.name)
            if values is not None:
                name = row['Image name']
                samples.append({'name': name, 'line': line, 'pixels': values, 'gt_attributes': {_LABEL: label}})
        return samples

    def _label(self, row: dict[str, str], line: int, problems: Problems) -> Any:
        numbers = [whole_number(row[name]) for name in (*_EMOTIONS, *_NONE)]
        if None in numbers or not sum(numbers):  # type: ignore[arg-type]
            problems.add('votes missing or no numbers', line, ','.join(row[name] for name in (*_EMOTIONS, *_NONE)))
            return None
        shares = count_votes(np.array(numbers), self.votes)
        if shares is None:
            return None
        return int(shares.argmax()) if self.votes == 'majority' else shares.astype(np.float32)


def count_votes(votes: np.ndarray, rule: Votes) -> np.ndarray | None:
    """Return the shares (8,) of the emotions, or None where the votes do not agree enough.

    Args:
        votes: (10,), for eight emotions, for ``unknown`` and for ``no face``.
        rule: see :class:`FERPlusDataset`.
    """
    counts = np.where(votes > 1, votes, 0)
    total, none = counts.sum(), len(_EMOTIONS)
    if not total:
        return None
    if rule == 'majority':
        best = int(counts.argmax())
        return np.eye(none)[best] if best < none and counts[best] > total / 2 else None
    taken = np.zeros(len(counts))
    number = 0
    while taken.sum() < 0.75 * total and number < 3:
        alike = np.flatnonzero(counts == counts.max())
        emotions = alike[alike < none]
        taken[emotions] = counts[emotions]
        counts[alike] = 0
        number += len(emotions)
        if len(emotions) < len(alike):
            # Nobody knows, or sees a face: what has fewer votes than that does not count, and the first place decides.
            if not taken.any():
                return None
            break
    if taken.sum() <= total / 2 or number > 3:
        return None
    return taken[:none] / taken.sum()


def whole_number(text: str) -> int | None:
    """Return a whole number, not negative, as spreadsheets and tables write it (``7``, ``7.0``), or None."""
    whole, _, rest = text.strip().partition('.')
    return int(whole) if whole.isdecimal() and whole.isascii() and len(whole) < 10 and not rest.strip('0') else None


def _used(usage: str, wanted: Sequence[str], line: int, problems: Problems) -> bool:
    if usage not in get_args(Usage):
        problems.add('usage outside the list', line, usage)
    return usage in wanted


def _pixels(text: str, line: int, problems: Problems, file: str | None = None) -> np.ndarray | None:
    """Return grey values (48, 48) uint8; None, counted, where the text is no such image."""
    try:
        values = np.array(text.split(), np.int64)
    except (ValueError, OverflowError):
        values = np.zeros(0, np.int64)
    if values.shape != (SIDE * SIDE,) or values.min() < 0 or values.max() > 255:
        problems.add(f'pixels are no {SIDE} x {SIDE} values from 0 to 255', line, f'{text[:20]}…', file=file)
        return None
    return values.astype(np.uint8).reshape(SIDE, SIDE)
