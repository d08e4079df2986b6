"""Faces in MXNet RecordIO, the form most published recognition sets come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from faceresearch.datasets.parsers.face_records import FaceRecords, open_face_records, read_property
from faceresearch.datasets.recognition import RecognitionDataset
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS


@DATASETS.register_module()
class RecordFaceDataset(RecognitionDataset):
    """The images of a ``.rec`` file, read without mxnet.

    All forms of :mod:`faceresearch.datasets.parsers.face_records` are read; a missing ``.idx`` is made up for by going
    through the records. Of several labels the first is the identity. A sample is named by the key of its record.
    Images are whatever OpenCV decodes (JPEG in all published sets), BGR.

    Args:
        data_root: folder of the files.
        rec_file: the records, relative to ``data_root``.
        idx_file: their index; None: the same name with the suffix ``.idx``, if it is there.
        num_classes: identities the network has centres for; see
            :class:`~faceresearch.datasets.recognition.RecognitionDataset`, also for the following.
        min_images: leave out identities with fewer images.
        max_images: use at most so many images of an identity.
        pipeline: transforms, applied in order; ``LoadImage`` decodes.
        test_mode: evaluation.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these.
        metainfo: facts about the data set.
        lazy_init: do not open the files until they are needed.

    Raises:
        UserError: a file is missing, truncated, damaged or of another kind; file and byte are named.
    """

    def __init__(
        self,
        data_root: str | None = 'data/ms1m-retinaface-t1',
        rec_file: str = 'train.rec',
        idx_file: str | None = None,
        num_classes: int | None = None,
        min_images: int = 1,
        max_images: int | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.rec_file = rec_file
        self.idx_file = idx_file
        self._records: FaceRecords | None = None
        self._path = ''
        super().__init__(
            data_root=data_root,
            num_classes=num_classes,
            min_images=min_images,
            max_images=max_images,
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def load_identities(self) -> np.ndarray:
        """Open the record file."""
        path = self.resolve(self.rec_file)
        if not path.is_file():
            raise UserError(
                f'{path}: no such record file; unpack the data set (train.rec, train.idx, property) there, or set'
                ' data_root and rec_file'
            )
        records = open_face_records(path, self.resolve(self.idx_file) if self.idx_file else None)
        self._records, self._path = records, str(path)
        identities = records.identities
        stated = read_property(path.with_name('property'))
        found = int(identities.max()) + 1
        print_log(
            f'{path}: {len(identities):,} images of {found:,} identities ({records.form})'
            + (f', {stated[0]:,} in {Path("property")}' if stated and stated[0] != found else ''),
            logger='current',
        )
        return identities

    def image_info(self, index: int) -> dict[str, Any]:
        """Return key, label and encoded image of a record."""
        records = self._records
        assert records is not None
        identity, data = records.read(index)
        key = str(records.keys[index])
        return {
            'img_path': f'{self._path}#{key}',
            'img_id': key,
            'gt_identity': identity,
            'img_bytes': data,
        }
