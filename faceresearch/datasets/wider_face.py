"""WIDER FACE, and any other data set in one of its annotation forms."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mmengine.logging import print_log

from faceresearch.datasets.base import FaceDataset
from faceresearch.datasets.parsers import FaceAnnotations, Problems, read_annotations
from faceresearch.datasets.parsers.images import stem_of
from faceresearch.datasets.parsers.wider import AnnotationFormat
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS

_DOWNLOAD = (
    'download WIDER_train.zip, WIDER_val.zip and wider_face_split.zip from http://shuoyang1213.me/WIDERFACE/'
    ' and unpack them in {root}, or set data_root'
)


@DATASETS.register_module()
class WiderFaceDataset(FaceDataset):
    """Images with face boxes and, where the annotations have them, five points.

    A sample is named ``event/file`` (``img_id``), carries ``gt_bboxes`` (N, 4) xyxy in pixels, ``gt_bboxes_labels``
    (N,), all 0, ``gt_ignore_flags`` (N,), set on faces marked invalid, ``gt_keypoints`` (N, 5, 2) and
    ``gt_keypoints_visible`` (N, 5), all False for a face without points. Boxes without width or height, coordinates
    that are not finite, malformed lines and paths that leave the image folder are skipped; one line in the log says
    how many, and gives the first three by file and line.

    Args:
        data_root: the folder the official archives are unpacked in.
        ann_file: annotations in any public form, relative to ``data_root``.
        img_dir: image folder, relative to ``data_root``.
        ann_format: ``official``, ``mat``, ``retinaface``, ``scrfd`` or ``list``; None: recognised by content.
        events: use only the images of these folders.
        whole_landmarks: a face that lacks some of its points has none. For networks that learn all points of a face or
            none of them (RetinaFace, SCRFD); those that learn each by itself (YOLO) can use the others.
        filter_empty: leave out images without a face that is not ignored; None: in training.
        missing: what to do when some of the listed images are not on disk: ``skip`` them, with a warning that says
            how many, or ``error``. When none is there it is an error in any case.
        pipeline: transforms, applied in order.
        test_mode: evaluation; see :class:`~faceresearch.datasets.base.FaceDataset`.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.

    Raises:
        UserError: the data are not there, or not in a known form; or, with ``missing='error'``, images are missing.
    """

    METAINFO = {'classes': ('face',)}
    #: What the data are called in errors.
    title = 'WIDER FACE'

    def __init__(
        self,
        data_root: str = 'data/widerface',
        ann_file: str = 'wider_face_split/wider_face_train.mat',
        img_dir: str = 'WIDER_train/images',
        ann_format: AnnotationFormat | None = None,
        events: Sequence[str] | None = None,
        whole_landmarks: bool = False,
        filter_empty: bool | None = None,
        missing: Literal['skip', 'error'] = 'skip',
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if missing not in ('skip', 'error'):
            raise UserError(f"WiderFaceDataset: missing={missing!r} is unknown; use 'skip' or 'error'")
        self.ann_format = ann_format
        self.events = None if events is None else tuple(events)
        self.whole_landmarks = whole_landmarks
        self.filter_empty = not test_mode if filter_empty is None else filter_empty
        self.missing = missing
        super().__init__(
            data_root=data_root,
            ann_file=ann_file,
            data_prefix={'img_path': img_dir},
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the annotations and find the images.

        Raises:
            UserError: see the class.
        """
        folder = Path(self.data_prefix['img_path'])
        self._check_present(folder)
        annotations, problems = self.read()
        summary = problems.summary()
        if summary:
            print_log(summary, logger='current', level=logging.WARNING)
        annotations = self._images_on_disk(self._of_events(annotations), folder)
        if self.whole_landmarks:
            for item in annotations:
                item.visible &= item.visible.all(1, keepdims=True)
                item.keypoints[~item.visible] = 0
        self._check_names(annotations)
        listed = len(annotations)
        if self.filter_empty:
            annotations = [item for item in annotations if not item.ignore.all()]
        if not annotations:
            raise UserError(
                f'{self.ann_file}: {f"none of {listed} images has a face to train on" if listed else "lists no image"}'
            )
        print_log(
            f'{Path(self.ann_file).name}: {len(annotations)} images, {sum(len(a.bboxes) for a in annotations)} faces'
            f'{f", {listed - len(annotations)} images without faces left out" if listed > len(annotations) else ""}',
            logger='current',
        )
        return [_sample(item, folder) for item in annotations]

    def read(self) -> tuple[list[FaceAnnotations], Problems]:
        """Read the annotation file."""
        return read_annotations(self.ann_file, self.ann_format)

    def remedy(self) -> str:
        """Return what a user does who does not have the data."""
        return _DOWNLOAD.format(root=self.data_root)

    def _check_present(self, folder: Path) -> None:
        for path, there in ((folder, folder.is_dir()), (Path(self.ann_file), Path(self.ann_file).is_file())):
            if not there:
                raise UserError(f'{self.title}: {path} does not exist; {self.remedy()}')

    def _check_names(self, annotations: list[FaceAnnotations]) -> None:
        """Refuse two images of one name: metrics would take them for one."""
        seen: dict[str, str] = {}
        for item in annotations:
            other = seen.setdefault(stem_of(item.name), item.name)
            if other != item.name:
                raise UserError(
                    f'{self.ann_file}: {other} and {item.name} differ in their suffix only; rename one of them'
                )

    def _of_events(self, annotations: list[FaceAnnotations]) -> list[FaceAnnotations]:
        if self.events is None:
            return annotations
        known = {item.name.split('/')[0] for item in annotations}
        unknown = [event for event in self.events if event not in known]
        if unknown:
            raise UserError(f'{self.ann_file}: no event {unknown[0]!r}; there are {", ".join(sorted(known)[:5])}, …')
        return [item for item in annotations if item.name.split('/')[0] in self.events]

    def _images_on_disk(self, annotations: list[FaceAnnotations], folder: Path) -> list[FaceAnnotations]:
        # One listing per folder: asking for each file takes long on network disks.
        listings = {parent: _listing(folder / parent) for parent in {_parent(item.name) for item in annotations}}
        present = [item for item in annotations if item.name.rpartition('/')[2] in listings[_parent(item.name)]]
        absent = len(annotations) - len(present)
        if not absent:
            return present
        there = {item.name for item in present}
        first = list(islice((item.name for item in annotations if item.name not in there), 3))
        text = f'{absent} of {len(annotations)} images listed in {self.ann_file} are not in {folder}'
        if not present:
            raise UserError(f'{self.title}: all {text}; {self.remedy()}')
        if self.missing == 'error':
            raise UserError(f"{text} (first: {', '.join(first)}); complete them or set missing='skip'")
        print_log(f'{text} and are left out (first: {", ".join(first)})', logger='current', level=logging.WARNING)
        return present


def _sample(item: FaceAnnotations, folder: Path) -> dict[str, Any]:
    return {
        'img_path': str(folder / item.name),
        'img_id': stem_of(item.name),
        'gt_bboxes': item.bboxes.astype(np.float32),
        'gt_bboxes_labels': np.zeros(len(item.bboxes), np.int64),
        'gt_ignore_flags': item.ignore,
        'gt_keypoints': item.keypoints.astype(np.float32),
        'gt_keypoints_visible': item.visible,
    }


def _parent(name: str) -> str:
    return name.rpartition('/')[0]


def _listing(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()}
    except OSError:
        return set()
