"""Landmark data sets in their official forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceresearch.datasets.landmarks import Box, LandmarkDataset
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.datasets.parsers.coco import read_coco
from faceresearch.datasets.parsers.dlib_xml import read_dlib_xml
from faceresearch.datasets.parsers.landmarks import (
    WFLW_SUBSETS,
    FacePoints,
    read_point_files,
    read_points_csv,
    read_pts_folders,
    read_wflw,
)
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS

#: Folders of the splits of 300-W that papers report on.
IBUG_SPLITS: dict[str, tuple[str, ...]] = {
    'train': ('afw', 'helen/trainset', 'lfpw/trainset'),
    'common': ('helen/testset', 'lfpw/testset'),
    'challenge': ('ibug',),
    'full': ('helen/testset', 'lfpw/testset', 'ibug'),
    'test': ('300W/01_Indoor', '300W/02_Outdoor'),
}


@DATASETS.register_module()
class IBUG300WDataset(LandmarkDataset):
    """300-W (Sagonas et al., 2016): 68 points in ``.pts`` files beside the images, counted from 1.

    ``full`` is ``common`` and ``challenge`` together, which are its subsets. The boxes are those of the points, since the
    official ones are another archive.

    Args:
        data_root: folder of ``afw``, ``helen``, ``ibug``, ``lfpw`` and, for the test set, ``300W``.
        split: ``train`` (3,148 faces), ``common`` (554), ``challenge`` (135), ``full`` (689) or ``test`` (600).
        origin: coordinate of the middle of the first pixel in the files.
        convert_to, box_scale: see :class:`~faceresearch.datasets.landmarks.LandmarkDataset`, as for the following.
        pipeline, test_mode, seed, indices, metainfo, lazy_init: see there.

    Raises:
        UserError: a folder is missing, or the split is unknown.
    """

    title = '300-W'

    def __init__(
        self,
        data_root: str | None = 'data/300w',
        split: str = 'train',
        origin: float = 1.0,
        convert_to: str | None = None,
        box_scale: float = 1.0,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if split not in IBUG_SPLITS:
            raise UserError(f'IBUG300WDataset: split={split!r} is unknown; use {", ".join(IBUG_SPLITS)}')
        self.split, self.origin = split, origin
        super().__init__(
            data_root=data_root,
            ann_file='',
            img_dir='',
            scheme='300w68',
            convert_to=convert_to,
            box='points',
            box_scale=box_scale,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def read(self) -> tuple[list[FacePoints], Problems]:
        """Read the files of the split's folders."""
        root = self.resolve()
        missing = [folder for folder in IBUG_SPLITS[self.split] if not (root / folder).is_dir()]
        if missing:
            raise UserError(f'300-W: {root / missing[0]} does not exist; {self.remedy()}')
        problems = Problems(root)
        faces = read_pts_folders(root, IBUG_SPLITS[self.split], problems, self.origin)
        if self.split == 'full':
            for face in faces:
                face.subsets = ('challenge' if face.name.startswith('ibug/') else 'common',)
        return faces, problems

    def remedy(self) -> str:
        """Return what a user does who does not have the data."""
        return f'ask for 300-W at https://ibug.doc.ic.ac.uk/resources/300-W/ and unpack it in {self.data_root!r}'


@DATASETS.register_module()
class WFLWDataset(LandmarkDataset):
    """WFLW (Wu et al., CVPR 2018): 98 points, a box and six attributes a line.

    Args:
        data_root: folder of ``WFLW_images`` and ``WFLW_annotations``.
        split: ``train`` (7,500 faces) or ``test`` (2,500).
        subset: use only the faces with this attribute; all count in their subsets either way.
        convert_to, box, box_scale: see :class:`~faceresearch.datasets.landmarks.LandmarkDataset`, as for the following.
        pipeline, test_mode, seed, indices, metainfo, lazy_init: see there.

    Raises:
        UserError: the data are not there, or the split or subset is unknown.
    """

    title = 'WFLW'

    def __init__(
        self,
        data_root: str | None = 'data/wflw',
        split: Literal['train', 'test'] = 'train',
        subset: str | None = None,
        convert_to: str | None = None,
        box: Box = 'given',
        box_scale: float = 1.0,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if split not in ('train', 'test') or subset not in (None, *WFLW_SUBSETS):
            raise UserError(
                f"WFLWDataset: split={split!r}, subset={subset!r}: use 'train' or 'test', and one of"
                f' {", ".join(WFLW_SUBSETS)}'
            )
        self.subset = subset
        super().__init__(
            data_root=data_root,
            ann_file=f'WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_{split}.txt',
            img_dir='WFLW_images',
            scheme='wflw98',
            convert_to=convert_to,
            box=box,
            box_scale=box_scale,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def read(self) -> tuple[list[FacePoints], Problems]:
        """Read the list."""
        problems = Problems(require(Path(self.ann_file), self))
        faces = read_wflw(Path(self.ann_file), problems)
        return [face for face in faces if self.subset is None or self.subset in face.subsets], problems

    def remedy(self) -> str:
        """Return what a user does who does not have the data."""
        return (
            'download images and annotations from https://wywu.github.io/projects/LAB/WFLW.html and unpack them in'
            f' {self.data_root!r}'
        )


@DATASETS.register_module()
class PointFilesDataset(LandmarkDataset):
    """LaPa (Liu et al., AAAI 2020) and JD-landmark: a text file of 106 points for each image, and JD's ``.rect`` boxes.

    Args:
        data_root: folder of the next three. LaPa's ``train`` is data_root; its points are in ``landmarks``.
        img_dir: images.
        points_dir: text files.
        rect_dir: boxes; None: those of the points.
        scheme: landmark scheme of the files, see :class:`~faceresearch.datasets.landmarks.LandmarkDataset`.
        convert_to, box_scale, groups, share: see there, as for the following.
        pipeline, test_mode, seed, indices, metainfo, lazy_init: see there.

    Raises:
        UserError: the data are not there.
    """

    title = 'landmark files'

    def __init__(
        self,
        data_root: str | None = 'data/LaPa/train',
        img_dir: str = 'images',
        points_dir: str = 'landmarks',
        rect_dir: str | None = None,
        scheme: str | Mapping[str, Any] = 'lapa106',
        convert_to: str | None = None,
        box_scale: float = 1.0,
        groups: str | None = None,
        share: tuple[float, float] = (0.0, 1.0),
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.points_dir, self.rect_dir = points_dir, rect_dir
        super().__init__(
            data_root=data_root,
            ann_file='',
            img_dir=img_dir,
            scheme=scheme,
            convert_to=convert_to,
            box='given',
            box_scale=box_scale,
            groups=groups,
            share=share,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def read(self) -> tuple[list[FacePoints], Problems]:
        """Read the files of the folder."""
        points = require(self.resolve(self.points_dir), self)
        rects = None if self.rect_dir is None else require(self.resolve(self.rect_dir), self)
        problems = Problems(points)
        return read_point_files(Path(self.data_prefix['img_path']), points, rects, problems), problems

    def remedy(self) -> str:
        """Return what a user does who does not have the data."""
        return f'unpack LaPa (https://github.com/JDAI-CV/lapa-dataset) under {self.data_root!r}, or set the folders'


@DATASETS.register_module()
class PointsCsvDataset(LandmarkDataset):
    """A table of points: a header line, then ``image, x0, y0, x1, y1, …`` a line; boxes are those of the points.

    The arguments are those of :class:`~faceresearch.datasets.landmarks.LandmarkDataset`.
    """

    title = 'table of landmarks'

    def read(self) -> tuple[list[FacePoints], Problems]:
        """Read the table."""
        problems = Problems(require(Path(self.ann_file), self))
        return read_points_csv(Path(self.ann_file), problems), problems


@DATASETS.register_module()
class DlibXmlDataset(LandmarkDataset):
    """An XML file of dlib's imglab, with boxes and numbered parts.

    The arguments are those of :class:`~faceresearch.datasets.landmarks.LandmarkDataset`.
    """

    title = 'imglab file'

    def read(self) -> tuple[list[FacePoints], Problems]:
        """Read the file."""
        problems = Problems(require(Path(self.ann_file), self))
        return read_dlib_xml(Path(self.ann_file), problems), problems


@DATASETS.register_module()
class CocoLandmarkDataset(LandmarkDataset):
    """A COCO JSON file with key points, such as mmpose's of 300-W, WFLW, COFW, AFLW and LaPa.

    ``keypoint_range`` takes some of the points of each annotation: (26, 94) the face of Halpe's 136, whose boxes are
    people's (``box='points'``).

    Args:
        data_root, ann_file, img_dir, scheme, convert_to, box, box_scale, groups, share: see
            :class:`~faceresearch.datasets.landmarks.LandmarkDataset`.
        num_keypoints: points of an annotation; None: those of the scheme.
        keypoint_range: first point, and the one after the last.
        categories: names of the categories that are faces; None: ``face``, or the only one there is.
        pipeline, test_mode, seed, indices, metainfo, lazy_init: see there.
    """

    title = 'COCO landmarks'

    def __init__(
        self,
        data_root: str | None = 'data/landmarks',
        ann_file: str = 'annotations/train.json',
        img_dir: str = 'images',
        scheme: str | Mapping[str, Any] = '300w68',
        convert_to: str | None = None,
        box: Box = 'given',
        box_scale: float = 1.0,
        groups: str | None = None,
        share: tuple[float, float] = (0.0, 1.0),
        num_keypoints: int | None = None,
        keypoint_range: tuple[int, int] | None = None,
        categories: Sequence[str] | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.num_keypoints, self.keypoint_range, self.categories = num_keypoints, keypoint_range, categories
        super().__init__(
            data_root, ann_file, img_dir, scheme, convert_to, box, box_scale, groups, share,
            pipeline, test_mode, seed, indices, metainfo, lazy_init,
        )  # fmt: skip

    def read(self) -> tuple[list[FacePoints], Problems]:
        """Read the file; annotations without points are passed over."""
        count = self.num_keypoints or self.file_scheme.num_points
        images, problems = read_coco(require(Path(self.ann_file), self), self.categories, count)
        part = slice(*(self.keypoint_range or (0, count)))
        faces = []
        for image in images:
            sizes = image.extras.get('box_size', np.full(len(image.bboxes), np.nan))
            for i in np.flatnonzero(image.visible[:, part].any(1) & ~image.ignore):
                faces.append(
                    FacePoints(
                        image.name,
                        image.keypoints[i, part],
                        image.visible[i, part],
                        image.bboxes[i],
                        image.line,
                        size=image.size,
                        box_size=None if np.isnan(sizes[i]) else float(sizes[i]),
                    )
                )
        return faces, problems


def require(path: Path, dataset: LandmarkDataset) -> Path:
    """Return a path that exists.

    Raises:
        UserError: it does not.
    """
    if not path.exists():
        raise UserError(f'{dataset.title}: {path} does not exist; {dataset.remedy()}')
    return path
