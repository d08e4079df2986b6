"""Landmark data sets that come as MATLAB files: COFW and AFLW."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceresearch.datasets.base import BrokenImageError
from faceresearch.datasets.landmark_sets import require
from faceresearch.datasets.landmarks import LandmarkDataset
from faceresearch.datasets.parsers.annotations import Problems, safe_name
from faceresearch.datasets.parsers.landmarks import FacePoints
from faceresearch.datasets.parsers.matlab import read_mat
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS
from faceresearch.transforms.loading import MAX_PIXELS

#: Names of images, boxes and points in COFW's files, by split.
_COFW = {'train': ('IsTr', 'bboxesTr', 'phisTr'), 'test': ('IsT', 'bboxesT', 'phisT')}
#: Faces of AFLW-19's training set; the others are for tests.
_AFLW_TRAIN = 20_000


@DATASETS.register_module()
class COFWDataset(LandmarkDataset):
    """COFW (Burgos-Artizzu et al., ICCV 2013): 29 points, many of them occluded; images and points in one MATLAB 7.3 file.

    Occluded points are annotated, and count. Columns: left, top, width and height of the box; 29 x, 29 y and 29 flags of
    occlusion, counted from 1 (mmpose tools/dataset_converters/parse_cofw_dataset.py). Needs the extra ``convert`` (h5py).

    Args:
        data_root: folder of ``COFW_train_color.mat`` and ``COFW_test_color.mat``.
        split: ``train`` (1,345 faces) or ``test`` (507).
        pipeline, test_mode, seed, indices, metainfo, lazy_init: see
            :class:`~faceresearch.datasets.landmarks.LandmarkDataset`.

    Raises:
        UserError: the file is missing or another one, or h5py is not installed.
    """

    title = 'COFW'

    def __init__(
        self,
        data_root: str | None = 'data/cofw',
        split: Literal['train', 'test'] = 'train',
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if split not in _COFW:
            raise UserError(f"COFWDataset: split={split!r} is unknown; use 'train' or 'test'")
        self.split = split
        super().__init__(
            data_root=data_root,
            ann_file=f'COFW_{split}_color.mat',
            img_dir='',
            scheme='cofw29',
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def read(self) -> tuple[list[FacePoints], Problems]:
        """Read boxes and points; images stay in the file."""
        path = require(Path(self.ann_file), self)
        problems = Problems(path)
        images, boxes, points = _COFW[self.split]
        with _open_h5(path) as file:
            try:
                # MATLAB stores columns first: (4, N), and 29 x, 29 y, 29 flags of occlusion times N.
                corners = np.asarray(file[boxes], np.float64).T
                numbers = np.asarray(file[points], np.float64).T
                count = file[images].size
            except (KeyError, TypeError, ValueError, OSError) as error:
                raise UserError(f'{path}: not a file of COFW ({error}); {self.remedy()}') from error
        if corners.shape != (count, 4) or numbers.shape != (count, 87):
            raise UserError(
                f'{path}: not a file of COFW: {count} images, boxes {corners.shape}, points {numbers.shape}'
            )
        faces = []
        for number in range(count):
            # Counted from 1.
            coordinates = numbers[number, :58].reshape(2, 29).T - 1
            low = corners[number, :2] - 1
            faces.append(
                FacePoints(
                    f'{self.split}_{number + 1:04d}.jpg',
                    coordinates,
                    box=np.concatenate([low, low + corners[number, 2:]]),
                    line=0,
                    image={'cofw_number': number},
                )
            )
        return faces, problems

    def raw_sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return a face with its image ``img`` (H, W, 3) BGR out of the file."""
        sample = super().raw_sample(index, epoch)
        with _open_h5(Path(self.ann_file)) as file:
            try:
                stored = file[file[_COFW[self.split][0]][()].reshape(-1)[sample['cofw_number']]]
                if stored.dtype != np.uint8 or stored.ndim not in (2, 3) or stored.size > MAX_PIXELS:
                    raise ValueError(f'{stored.dtype} {stored.shape}')
                pixels = np.asarray(stored).T
            except (KeyError, TypeError, ValueError, IndexError, OSError) as error:
                raise BrokenImageError(f'{self.ann_file}: image {sample["cofw_number"] + 1} ({error})') from error
        sample['img'] = (
            np.repeat(pixels[..., None], 3, 2) if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., ::-1])
        )
        return sample

    def remedy(self) -> str:
        """Return what a user does who does not have the data."""
        return f'download COFW (colour) from https://data.caltech.edu/records/bc0bf-nc666 and unpack it in {self.data_root!r}'


@DATASETS.register_module()
class AFLWDataset(LandmarkDataset):
    """AFLW with 19 points (Zhu et al., CVPR 2016): ``AFLWinfo_release.mat`` and the images of AFLW.

    Columns: left, right, top and bottom of the box; 19 x, then 19 y, taken as they are; ``ra`` is the order in which the first
    20,000 faces are for training (D-X-Y/SAN cache_data/aflw_from_mat.py). All 19 points count, hidden ones among them. Errors are divided by the box's longer side. Faces of the test set without a
    hidden point count in the subset ``frontal``.

    Args:
        data_root: folder of the next two.
        ann_file: ``AFLWinfo_release.mat``.
        img_dir: images, with the folders 0, 2 and 3.
        split: ``train`` (20,000 faces) or ``test`` (4,386).
        pipeline, test_mode, seed, indices, metainfo, lazy_init: see
            :class:`~faceresearch.datasets.landmarks.LandmarkDataset`.

    Raises:
        UserError: the data are not there.
    """

    title = 'AFLW'

    def __init__(
        self,
        data_root: str | None = 'data/aflw',
        ann_file: str = 'AFLWinfo_release.mat',
        img_dir: str = 'data/flickr',
        split: Literal['train', 'test'] = 'train',
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if split not in ('train', 'test'):
            raise UserError(f"AFLWDataset: split={split!r} is unknown; use 'train' or 'test'")
        self.split = split
        super().__init__(
            data_root=data_root,
            ann_file=ann_file,
            img_dir=img_dir,
            scheme='aflw19',
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def read(self) -> tuple[list[FacePoints], Problems]:
        """Read the faces of the split, in the order of the file's permutation."""
        path = require(Path(self.ann_file), self)
        problems = Problems(path)
        content = read_mat(path, ('bbox', 'data', 'mask_new', 'nameList', 'ra'))
        try:
            order = content['ra'].reshape(-1).astype(np.int64) - 1
            chosen = order[:_AFLW_TRAIN] if self.split == 'train' else order[_AFLW_TRAIN:]
            return [face for n in chosen if (face := self._face(content, int(n), problems)) is not None], problems
        except (IndexError, TypeError, ValueError) as error:
            raise UserError(f'{path}: not AFLWinfo_release.mat ({error}); {self.remedy()}') from error

    def _face(self, content: dict[str, Any], number: int, problems: Problems) -> FacePoints | None:
        text = str(content['nameList'][number, 0][0])
        name = safe_name(text)
        if name is None:
            problems.add('path leaves the image folder', 0, text[:60])
            return None
        left, right, top, bottom = content['bbox'][number].astype(np.float64)
        points = content['data'][number].astype(np.float64).reshape(2, 19).T
        frontal = self.split == 'test' and bool((content['mask_new'][number] > 0).all())
        box = np.array([left, top, right, bottom])
        return FacePoints(name, points, box=box, subsets=('frontal',) if frontal else ())

    def remedy(self) -> str:
        """Return what a user does who does not have the data."""
        return (
            'ask for AFLW at https://www.tugraz.at/institute/icg/research/team-bischof/lrs/downloads/aflw/, take'
            f' AFLWinfo_release.mat from http://mmlab.ie.cuhk.edu.hk/projects/compositional.html, and put both in {self.data_root!r}'
        )


def _open_h5(path: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise UserError(f'{path}: MATLAB 7.3 files need h5py: pip install h5py') from error
    try:
        return h5py.File(path, 'r')
    except OSError as error:
        raise UserError(f'{path}: not a MATLAB 7.3 file that can be read ({error})') from error
