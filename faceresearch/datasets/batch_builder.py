"""Samples joined to a batch in one piece, in the memory that leaves a loader worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch

from faceresearch.datasets.batch_pool import BatchPool, PooledImages
from faceresearch.structures import FaceBatch

#: Results that a batch in one piece can hold; a pipeline that makes more is run image by image.
_PLAIN = {'img', 'img_path', 'img_id', 'gt_identity', 'ori_shape', 'img_shape', 'scale_factor', 'flip'}
_OF_THE_PIPELINE = {'rng', 'epoch', 'num_samples', 'raw_sample', 'replaced'}
_KNOWN = _PLAIN | _OF_THE_PIPELINE


class BatchBuilder:
    """Joins transform results to a batch in one piece.

    Each image is copied to its place as soon as it is ready: the next one is decoded into the same memory, which is in
    the processor's cache, and the batch need not be copied again to leave a worker.

    Args:
        size: images in the batch.
        meta_keys: the metainfo to keep, where present.
        pool: places for batches of this size, used in a loader worker.

    Attributes:
        identities: of the images.
        columns: the images' metainfo by its name; None where an image has none.
    """

    def __init__(self, size: int, meta_keys: Sequence[str], pool: BatchPool | None = None) -> None:
        self.size = size
        self.identities = [-1] * size
        self.columns: dict[str, list[Any]] = {key: [None] * size for key in (*meta_keys, 'replaced')}
        self._pool = pool
        self._inputs: torch.Tensor | PooledImages | None = None
        self._rows = np.zeros((0, 0, 0, 3), np.uint8)
        self._shape: tuple[int, ...] = ()

    def put(self, number: int, image: np.ndarray, mirrored: bool = False) -> bool:
        """Copy an image (H, W, 3) to its place, mirrored if wanted; False if it has another size than the first."""
        if self._inputs is None:
            self._allocate((self.size, *image.shape))
        if image.shape != self._shape:
            return False
        # Mirrored in the processor's cache and copied from there: four times as fast as mirroring into the batch's memory.
        self._rows[number] = cv2.flip(image, 1) if mirrored else image
        return True

    def add(self, number: int, results: dict[str, Any]) -> bool:
        """Add an image with its metainfo, and say whether it fits: no more results than a batch holds, and its size."""
        image = results['img']
        # A mirrored view: OpenCV mirrors faster than numpy copies backwards.
        mirrored = image.strides[1] < 0
        if not results.keys() <= _KNOWN or not self.put(number, image[:, ::-1] if mirrored else image, mirrored):
            return False
        self.identities[number] = results['gt_identity']
        for key, column in self.columns.items():
            column[number] = results.get(key) or None
        return True

    def _allocate(self, shape: tuple[int, ...]) -> None:
        place = self._pool.take(shape) if self._pool is not None else None
        if self._pool is not None and place is not None:
            self._inputs, self._rows = PooledImages(self._pool.number, place), self._pool.batches[place]
        else:
            rows = _shared_if_worker(shape)
            self._inputs, self._rows = rows.permute(0, 3, 1, 2), rows.numpy()
        self._shape = shape[1:]

    def batch(self) -> dict[str, Any]:
        """Return ``inputs`` (N, 3, H, W) uint8, stored with channels innermost, and ``data_samples``, a ``FaceBatch``."""
        assert self._inputs is not None
        present = {key: column for key, column in self.columns.items() if any(column)}
        identities = torch.tensor(self.identities, dtype=torch.int64)
        return {'inputs': self._inputs, 'data_samples': FaceBatch(identities, present)}


def _shared_if_worker(shape: tuple[int, ...]) -> torch.Tensor:
    """Return an empty uint8 tensor, in a loader worker in shared memory, where it need not be copied to be sent."""
    if torch.utils.data.get_worker_info() is None:
        return torch.empty(shape, dtype=torch.uint8)
    # As torch's own collate function does.
    storage = torch.UntypedStorage._new_shared(int(np.prod(shape)))
    return torch.empty(0, dtype=torch.uint8).set_(storage).resize_(shape)
