"""Pairs of aligned faces to verify: InsightFace's .bin files, lists of pairs over folders, CFP, RFW."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from faceresearch.datasets.base import FaceDataset
from faceresearch.datasets.parsers.cfp import CFPProtocol, read_cfp_pairs
from faceresearch.datasets.parsers.exclusion import read_excluded
from faceresearch.datasets.parsers.images import images_by_stem, stem_of
from faceresearch.datasets.parsers.pair_bin import read_pair_bin
from faceresearch.datasets.parsers.pairs import PairLines, read_pair_lines
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS

#: CFP: a split is used if this share of its pairs is there.
_ENOUGH = 0.9


@dataclass
class PairTable:
    """What is compared.

    Attributes:
        images: each image once, with ``img_id`` and ``img_path``; an image that is not on disk has no ``img_path``.
        pairs: (P, 2) positions in ``images``.
        issame: (P,) bool.
        folds: (P,) integers, or None: consecutive ones.
        groups: (P,) strings, or None.
    """

    images: list[dict[str, Any]]
    pairs: np.ndarray
    issame: np.ndarray
    folds: np.ndarray | None = None
    groups: np.ndarray | None = None


class PairDataset(FaceDataset):
    """Images of faces, each once, and which of them are compared.

    Subclasses implement ``load_pairs() -> PairTable``. Samples carry ``img_id``. The metainfo has ``img_ids``, ``pairs``
    (P, 2) positions in them, ``issame`` (P,), ``folds`` (P,) and ``groups`` (P,) or None, and, where images are missing,
    ``images_expected`` and ``pairs_expected``.

    Args:
        data_root: folder that relative paths start from.
        exclude: text file of image names (``img_id``), one a line, whose pairs are left out: a clean subset.
        pipeline: transforms, applied in order.
        test_mode: evaluation; see :class:`~faceresearch.datasets.base.FaceDataset`.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read files until they are needed.

    Raises:
        UserError: the data are not there or not in the form expected.
    """

    def __init__(
        self,
        data_root: str | None = '',
        exclude: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = True,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.exclude = exclude
        super().__init__(
            data_root=data_root,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    @abstractmethod
    def load_pairs(self) -> PairTable:
        """Read what is compared."""

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the pairs, leave out what is excluded or missing, and tell the metric of the rest.

        Raises:
            UserError: see the class; or nothing is left.
        """
        table = self.load_pairs()
        kept = self._not_excluded(table)
        images_expected, pairs_expected = len(np.unique(table.pairs[kept])), int(kept.sum())
        there = np.array(['img_path' in image for image in table.images], bool)
        kept &= there[table.pairs].all(1)
        if not kept.any():
            raise UserError(f'{type(self).__name__}: no pair is left of {len(kept)}; {self.remedy()}')
        used, pairs = np.unique(table.pairs[kept], return_inverse=True)
        images = [table.images[number] for number in used]
        self._metainfo.update(
            img_ids=[image['img_id'] for image in images],
            pairs=pairs.reshape(-1, 2),
            issame=table.issame[kept],
            folds=None if table.folds is None else table.folds[kept],
            groups=None if table.groups is None else table.groups[kept],
            images_expected=images_expected,
            pairs_expected=pairs_expected,
        )
        if pairs_expected > kept.sum():
            missing = [image['img_id'] for image, is_there in zip(table.images, there) if not is_there]
            warn(
                f'{type(self).__name__}: {len(missing)} images are missing, {pairs_expected - kept.sum()} of'
                f' {pairs_expected} pairs are left out (first: {", ".join(missing[:3])})'
            )
        return images

    def _not_excluded(self, table: PairTable) -> np.ndarray:
        if self.exclude is None:
            return np.ones(len(table.pairs), bool)
        excluded = read_excluded(self.exclude)
        out = np.array([not excluded.isdisjoint(image.get('names', (image['img_id'],))) for image in table.images])
        if not out.any():
            warn(f'{self.exclude}: names no image of this set, such as {table.images[0]["img_id"]!r}')
        return ~out[table.pairs].any(1)

    def remedy(self) -> str:
        """Return what a user does who does not have the data."""
        return f'check the files under {self.data_root!r}, or set data_root'


@DATASETS.register_module()
class PairBinDataset(PairDataset):
    """Verification files of InsightFace: LFW, CFP-FP, AgeDB-30, CALFW, CPLFW, … as ``.bin``.

    The name of an image (``img_id``) is its number in the file, from 0; images that are in it several times are read
    and embedded once, under the first number. The file is a pickle and is read without unpickling.

    Several files are judged together: the stem of each (``lfw``) is the group of its pairs, and the first part of the
    names of its images (``lfw/0``). Those that are missing are left out with a warning: not every training set comes with all.

    Args:
        ann_file: the file, or a list of files, relative to ``data_root``.
        data_root: see :class:`PairDataset`, as for the others.
        exclude: text file of image names, one a line.
        pipeline: transforms.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read the file until it is needed.

    Raises:
        UserError: the file is missing, all of several are, or it is not such a file.
    """

    def __init__(
        self,
        ann_file: str | Sequence[str],
        data_root: str | None = '',
        exclude: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = True,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.bin_files = ann_file if isinstance(ann_file, str) else list(ann_file)
        self._encoded: list[bytes] = []
        super().__init__(data_root, exclude, pipeline, test_mode, seed, indices, metainfo, lazy_init)

    def load_pairs(self) -> PairTable:
        """Read the file, or those of several that are there."""
        self._encoded = []
        if isinstance(self.bin_files, str):
            path = self.resolve(self.bin_files)
            if not path.is_file():
                raise UserError(f'{path} does not exist; {self.remedy()}')
            return self._read(path, '')
        paths = [self.resolve(name) for name in self.bin_files]
        there = [path for path in paths if path.is_file()]
        if not there:
            raise UserError(
                f'none of {", ".join(map(str, paths))} exists; {self.remedy()}, or train without validation:'
                ' val_cfg=null val_dataloader=null val_evaluator=null'
            )
        if len(there) < len(paths):
            warn(f'not judged, because absent: {", ".join(str(path) for path in paths if path not in there)}')
        return joined([(path.stem, self._read(path, f'{path.stem}/')) for path in there])

    def _read(self, path: Path, prefix: str) -> PairTable:
        encoded, issame = read_pair_bin(path)
        first: dict[bytes, int] = {}
        position = np.array([first.setdefault(image, len(first)) for image in encoded])
        numbers: list[list[str]] = [[] for _ in first]
        for number, place in enumerate(position):
            numbers[place].append(f'{prefix}{number}')
        images = [
            {'img_id': names[0], 'names': names, 'img_path': f'{path}#{names[0]}', 'position': place}
            for place, names in enumerate(numbers, len(self._encoded))
        ]
        self._encoded += first
        return PairTable(images, position.reshape(-1, 2), np.array(issame, bool))

    def raw_sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return name and encoded image."""
        info = super().raw_sample(index, epoch)
        info['img_bytes'] = self._encoded[info['position']]
        return info

    def remedy(self) -> str:
        """Return what a user does who does not have the data."""
        return (
            'the .bin files come with the training sets of insightface (recognition/_datasets_); put them under'
            f' {self.data_root!r}, or set data_root'
        )


class _FolderPairs(PairDataset):
    """Pairs of images in a folder."""

    img_dir: str

    def table(self, lines: PairLines, folder: Path, groups: list[str] | None = None, prefix: str = '') -> PairTable:
        """Find the images of pairs; their names are paths below ``folder`` without suffix, with ``prefix`` before."""
        if not folder.is_dir():
            raise UserError(f'{folder}: no such image folder; {self.remedy()}')
        listing = images_by_stem(folder)
        names = [stem_of(name) for pair in zip(lines.first, lines.second) for name in pair]
        place: dict[str, int] = {}
        position = np.array([place.setdefault(name, len(place)) for name in names]).reshape(-1, 2)
        images = [
            {'img_id': prefix + name, **({'img_path': str(folder / listing[name])} if name in listing else {})}
            for name in place
        ]
        folds = np.array(lines.folds) if lines.folds else None
        return PairTable(images, position, np.array(lines.issame, bool), folds)


@DATASETS.register_module()
class PairTxtDataset(_FolderPairs):
    """Pairs listed in a text file: LFW's ``pairs.txt``, or ``issame path path`` for pairs of one's own.

    See :func:`~faceresearch.datasets.parsers.pairs.read_pair_lines` for the forms. The name of an image (``img_id``) is
    its path below ``img_dir`` without suffix. Malformed lines are skipped, and one line in the log gives the first
    three by number.

    Args:
        ann_file: the list, relative to ``data_root``.
        img_dir: image folder, relative to ``data_root``.
        data_root: see :class:`PairDataset`, as for the others.
        template: path of an image of LFW's form, without suffix.
        exclude: text file of image names, one a line.
        pipeline: transforms.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read the file until it is needed.

    Raises:
        UserError: the data are not there, or the list holds no pair.
    """

    def __init__(
        self,
        ann_file: str,
        img_dir: str = '',
        data_root: str | None = '',
        template: str = '{name}/{name}_{number:04d}',
        exclude: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = True,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.pair_file, self.img_dir, self.template = ann_file, img_dir, template
        super().__init__(data_root, exclude, pipeline, test_mode, seed, indices, metainfo, lazy_init)

    def load_pairs(self) -> PairTable:
        """Read the list and find the images."""
        lines, problems = read_pair_lines(self.resolve(self.pair_file), self.template)
        report(problems.summary())
        return self.table(lines, self.resolve(self.img_dir))


@DATASETS.register_module()
class CFPDataset(_FolderPairs):
    """Celebrities in Frontal-Profile by its own protocol files.

    Splits, of 700 pairs each, are the folds. Where images are missing, a split of which fewer than nine in ten pairs are
    there is left out as a whole, and a warning says so. The images are photographs: align them first
    (tools/align_faces.py) into a folder with the same relative paths.

    Args:
        data_root: folder of ``Protocol``.
        img_dir: folder of the aligned images, relative to ``data_root``, with ``001/frontal/01.jpg`` and so on in it.
        protocol: ``FF`` (frontal-frontal) or ``FP`` (frontal-profile).
        exclude: text file of image names (``001/frontal/01``), one a line.
        pipeline: transforms.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read the files until they are needed.

    Raises:
        UserError: the data are not there, or fewer than two splits are.
    """

    def __init__(
        self,
        data_root: str | None = 'data/cfp',
        img_dir: str = 'Data/Images',
        protocol: CFPProtocol = 'FP',
        exclude: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = True,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if protocol not in ('FF', 'FP'):
            raise UserError(f"CFPDataset: protocol={protocol!r} is unknown; use 'FF' or 'FP'")
        self.img_dir, self.protocol = img_dir, protocol
        super().__init__(data_root, exclude, pipeline, test_mode, seed, indices, metainfo, lazy_init)

    def load_pairs(self) -> PairTable:
        """Read the splits and find the images."""
        lines, problems = read_cfp_pairs(self.resolve('Protocol'), self.protocol)
        for found in problems:
            report(found.summary())
        table = self.table(lines, self.resolve(self.img_dir))
        assert table.folds is not None
        there = np.array(['img_path' in image for image in table.images], bool)[table.pairs].all(1)
        splits = [int(split) for split in np.unique(table.folds)]
        used = [split for split in splits if there[table.folds == split].mean() >= _ENOUGH]
        if len(used) < 2:
            raise UserError(
                f'CFPDataset: {len(used)} of {len(splits)} splits are there, two are needed; {self.remedy()}'
            )
        if len(used) < len(splits):
            warn(
                f'CFP: splits {", ".join(map(str, used))} of {len(splits)} are judged; images of the others are missing'
                ' and the figures are not those of the whole set'
            )
        kept = np.isin(table.folds, used)
        return PairTable(table.images, table.pairs[kept], table.issame[kept], table.folds[kept])


@DATASETS.register_module()
class RFWDataset(_FolderPairs):
    """Racial Faces in the Wild (Wang et al., ICCV 2019): 6,000 pairs in each of four groups, in LFW's form.

    Args:
        data_root: folder of ``data/<group>/<person>/<person>_0001.jpg`` (aligned) and
            ``txts/<group>/<group>_pairs.txt``.
        groups: names of the groups; in metric keys they are lower case.
        exclude: text file of image names (``African/m.01/m.01_0001``), one a line.
        pipeline: transforms.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read the files until they are needed.

    Raises:
        UserError: the data of a group are not there.
    """

    def __init__(
        self,
        data_root: str | None = 'data/rfw',
        groups: Sequence[str] = ('African', 'Asian', 'Caucasian', 'Indian'),
        exclude: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = True,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.groups = tuple(groups)
        super().__init__(data_root, exclude, pipeline, test_mode, seed, indices, metainfo, lazy_init)

    def load_pairs(self) -> PairTable:
        """Read the lists and find the images of all groups."""
        parts: list[tuple[str, PairTable]] = []
        for group in self.groups:
            lines, problems = read_pair_lines(self.resolve('txts', group, f'{group}_pairs.txt'))
            report(problems.summary())
            parts.append((group.lower(), self.table(lines, self.resolve('data', group), prefix=f'{group}/')))
        return joined(parts)

    def remedy(self) -> str:
        """Return what a user does who does not have the data."""
        return f'ask for RFW at http://whdeng.cn/RFW and unpack test/ in {self.data_root!r}, or set data_root'


def joined(parts: Sequence[tuple[str, PairTable]]) -> PairTable:
    """Return the pairs of several sets as one, each a group of the given name."""
    images: list[dict[str, Any]] = []
    pairs: list[np.ndarray] = []
    for _, part in parts:
        pairs.append(part.pairs + len(images))
        images += part.images
    folds = [part.folds for _, part in parts if part.folds is not None]
    return PairTable(
        images,
        np.concatenate(pairs),
        np.concatenate([part.issame for _, part in parts]),
        np.concatenate(folds) if len(folds) == len(parts) else None,
        np.repeat([name for name, _ in parts], [len(part.issame) for _, part in parts]),
    )


def report(summary: str | None) -> None:
    """Log what was skipped, if anything was."""
    if summary:
        warn(summary)


def warn(message: str) -> None:
    """Log a warning."""
    print_log(message, logger='current', level=logging.WARNING)
