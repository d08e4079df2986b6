"""Users' own faces, in COCO's annotation form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from faceresearch.datasets.parsers import FaceAnnotations, Problems
from faceresearch.datasets.parsers.coco import read_coco
from faceresearch.datasets.wider_face import WiderFaceDataset
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS


@DATASETS.register_module()
class CocoFaceDataset(WiderFaceDataset):
    """Images with face boxes and, where the file has them, key points, from a COCO JSON file.

    Samples are those of :class:`~faceresearch.datasets.wider_face.WiderFaceDataset`, named by ``file_name`` without
    suffix. Annotations with ``iscrowd`` or ``ignore`` become regions to ignore; a face without ``keypoints``, and a key
    point with v = 0, has none. Entries that cannot be used are skipped, and one line in the log says how many.

    Args:
        data_root: folder that the next two start from.
        ann_file: COCO JSON with ``images``, ``annotations`` and, when there are several, ``categories``.
        img_dir: folder that every ``file_name`` starts from.
        categories: names of the categories that are faces; None: ``face``, or the only one there is.
        num_keypoints: points of a face, K; faces with another number keep their boxes only.
        whole_landmarks: see :class:`~faceresearch.datasets.wider_face.WiderFaceDataset`.
        filter_empty: leave out images without a face that is not ignored; None: in training.
        missing: what to do when some of the listed images are not on disk: ``skip`` them, with a warning that says
            how many, or ``error``. When none is there it is an error in any case.
        pipeline: transforms, applied in order. ``RandomFlip(permutation=…)`` must fit the points.
        test_mode: evaluation; see :class:`~faceresearch.datasets.base.FaceDataset`.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not read annotations until they are needed.

    Raises:
        UserError: the data are not there, or not in COCO's form; or, with ``missing='error'``, images are missing.
    """

    title = 'COCO faces'

    def __init__(
        self,
        data_root: str = 'data/faces',
        ann_file: str = 'annotations/train.json',
        img_dir: str = 'images',
        categories: Sequence[str] | None = None,
        num_keypoints: int = 5,
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
        if num_keypoints < 1:
            raise UserError(f'CocoFaceDataset: num_keypoints={num_keypoints}: at least 1')
        self.categories = None if categories is None else tuple(categories)
        self.num_keypoints = num_keypoints
        super().__init__(
            data_root=data_root,
            ann_file=ann_file,
            img_dir=img_dir,
            whole_landmarks=whole_landmarks,
            filter_empty=filter_empty,
            missing=missing,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def read(self) -> tuple[list[FaceAnnotations], Problems]:
        """Read the annotation file."""
        return read_coco(self.ann_file, self.categories, self.num_keypoints)

    def remedy(self) -> str:
        """Return what a user does who does not have the data."""
        return 'set data_root, ann_file and img_dir; tools/convert_dataset.py makes COCO files from other forms'
