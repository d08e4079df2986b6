"""Faces in MXNet RecordIO, the form most published recognition sets come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from faceresearch.datasets.base import BrokenImageError
from faceresearch.datasets.batch_builder import BatchBuilder
from faceresearch.datasets.parsers.face_records import FaceRecords, open_face_records, read_property
from faceresearch.datasets.recognition import RecognitionDataset
from faceresearch.datasets.seeding import first_draws
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS
from faceresearch.transforms.formatting import PackFaceInputs
from faceresearch.transforms.geometric import RandomFlip
from faceresearch.transforms.loading import LoadImage, decode_image


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

    def _batch(self, indices: list[int]) -> Any:
        """As with any pipeline; training's plain one has less ado for each image."""
        steps = getattr(self.pipeline, 'transforms', [])
        plain = [type(step) for step in steps] in ([LoadImage, PackFaceInputs], [LoadImage, RandomFlip, PackFaceInputs])
        return (self._plain_batch(indices, steps) if plain else None) or super()._batch(indices)

    def _plain_batch(self, indices: list[int], steps: Sequence[Any]) -> dict[str, Any] | None:
        """Decode, and mirror some; None where images differ in size."""
        self.full_init()
        records = self._records
        assert records is not None
        epochs, positions = np.divmod(np.asarray(indices, np.int64), len(self._chosen))
        mirrored = [False] * len(indices)
        if len(steps) == 3:
            mirrored = (first_draws(self.seed, epochs, positions) < steps[1].prob).tolist()
        chosen = self._chosen[positions]
        keys = [str(key) for key in records.keys[chosen].tolist()]
        names = [f'{self._path}#{key}' for key in keys]
        builder = BatchBuilder(len(indices), steps[-1].meta_keys, self._pool)
        broken, shape = [], (0, 0)
        for number, (data, name, mirror) in enumerate(zip(records.images(chosen), names, mirrored)):
            try:
                image = decode_image(data, name)
            except BrokenImageError:
                broken.append(number)
                continue
            shape = image.shape[:2]
            if not builder.put(number, image, mirror):
                return None
        builder.identities = self._identities[positions].tolist()
        facts: dict[str, list[Any]] = {
            'img_path': names,
            'img_id': keys,
            'flip': [is_one or None for is_one in mirrored],
            'scale_factor': [(1.0, 1.0)] * len(indices),
        }
        facts['ori_shape'] = facts['img_shape'] = [shape] * len(indices)
        builder.columns.update({name: facts[name] for name in facts.keys() & builder.columns.keys()})
        if all(builder.add(number, self._replacement(indices[number], steps[:-1])) for number in broken):
            return builder.batch()
        return None
