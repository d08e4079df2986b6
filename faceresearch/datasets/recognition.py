"""The base of data sets of faces with an identity each, from thousands to tens of millions of images."""

from __future__ import annotations

import copy
import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from mmengine.dataset import Compose
from mmengine.logging import print_log

from faceresearch.datasets.base import BrokenImageError, FaceDataset
from faceresearch.datasets.batch_builder import BatchBuilder
from faceresearch.datasets.batch_pool import BatchPool, can_share
from faceresearch.errors import UserError


class RecognitionDataset(FaceDataset):
    """Faces with an identity each. Nothing is kept per image but a few numbers.

    Subclasses implement ``load_identities() -> (N,) int64``, the identity of every image (−1: unknown), and
    ``image_info(index) -> dict`` with ``img_path``, ``img_id``, ``gt_identity`` and, unless the image is read from
    ``img_path``, ``img_bytes``, the encoded image.

    Samples are as :class:`~faceresearch.datasets.base.FaceDataset` says. In training a loader gets batches in one
    piece, where the pipeline ends in ``PackFaceInputs``, consists of this project's transforms, and gives images of
    one size: ``inputs`` is a (N, 3, H, W) uint8 tensor, in shared memory when it comes from a worker, and
    ``data_samples`` a :class:`~faceresearch.structures.FaceBatch`. What is in it does not depend on that.

    Args:
        data_root: folder that relative paths start from.
        num_classes: identities the network has centres for. A data set with more is an error, one with fewer a warning.
        min_images: leave out identities with fewer images, and number the remaining ones from 0 on.
        max_images: of an identity with more images, use only the first ones.
        pipeline: transforms, applied in order.
        test_mode: evaluation; see :class:`~faceresearch.datasets.base.FaceDataset`.
        seed: the first part of every sample's seed.
        indices: use only the first N images, or only these; counted after the two choices above.
        metainfo: facts about the data set.
        lazy_init: do not open the files until they are needed.

    Raises:
        UserError: the data are not there or damaged, no image is left, or there are more identities than classes.
    """

    def __init__(
        self,
        data_root: str | None = '',
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
        if min_images < 1 or (max_images is not None and max_images < min_images):
            raise UserError(
                f'{type(self).__name__}: min_images={min_images}, max_images={max_images}: at least 1, and not less than'
                ' min_images'
            )
        self.num_classes = num_classes
        self.min_images = min_images
        self.max_images = max_images
        self._chosen = np.zeros(0, np.int64)
        self._identities = np.zeros(0, np.int64)
        self._num_identities = 0
        #: Set when images turn out to differ in size, or to carry more than a batch in one piece holds.
        self._one_by_one = False
        self._pool: BatchPool | None = None
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
    def load_identities(self) -> np.ndarray:
        """Open the files and return the identity of every image, (N,) int64, −1 where it is unknown."""

    @abstractmethod
    def image_info(self, index: int) -> dict[str, Any]:
        """Return what is known of image ``index`` of all images."""

    def full_init(self) -> None:
        """Open the files and choose the images."""
        if self._fully_initialized:  # type: ignore[has-type]
            return
        identities = np.asarray(self.load_identities(), np.int64)
        if not len(identities):
            raise UserError(f'{type(self).__name__}: no image under {self.data_root!r}')
        self._chosen, self._identities = self._choose(identities)
        self._num_identities = int(self._identities.max()) + 1
        if self._indices is not None:
            part = slice(self._indices) if isinstance(self._indices, int) else np.asarray(self._indices)
            self._chosen, self._identities = self._chosen[part], self._identities[part]
        self._check_classes()
        self._fully_initialized = True

    def _choose(self, identities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which images are used, and their identities."""
        chosen = np.arange(len(identities))
        known = identities >= 0
        if self.max_images is not None:
            order = np.argsort(identities, kind='stable')
            starts = np.searchsorted(identities[order], identities[order])
            within = np.empty_like(order)
            within[order] = np.arange(len(order)) - starts
            chosen = np.flatnonzero(~known | (within < self.max_images))
        counts = np.bincount(identities[known]) if known.any() else np.zeros(0, np.int64)
        if self.min_images == 1:
            return chosen, identities[chosen]
        enough = counts >= self.min_images
        numbers = np.where(enough, np.cumsum(enough) - 1, -1)
        chosen = chosen[known[chosen]]
        chosen = chosen[enough[identities[chosen]]]
        if not len(chosen):
            raise UserError(f'{type(self).__name__}: no identity has min_images={self.min_images} images')
        print_log(
            f'{type(self).__name__}: {int((counts > 0).sum() - enough.sum()):,} identities with fewer than'
            f' {self.min_images} images are left out; {int(enough.sum()):,} remain',
            logger='current',
        )
        return chosen, numbers[identities[chosen]]

    def _check_classes(self) -> None:
        if self.num_classes is None or self._num_identities == self.num_classes:
            return
        text = f'{type(self).__name__}: {self._num_identities:,} identities under {self.data_root!r}'
        if self._num_identities > self.num_classes:
            raise UserError(f'{text}, more than num_classes={self.num_classes}; set num_classes={self._num_identities}')
        print_log(
            f'{text}, {self.num_classes:,} in the config: {self.num_classes - self._num_identities:,} class centres'
            f' have no image (num_classes={self._num_identities} leaves them out)',
            logger='current',
            level=logging.WARNING,
        )

    @property
    def num_identities(self) -> int:
        """The highest identity of the data set, plus one: how many class centres a network needs."""
        self.full_init()
        return self._num_identities

    @property
    def identities(self) -> np.ndarray:
        """Identity of every image that is used, (len(self),) int64."""
        self.full_init()
        return self._identities

    def load_data_list(self) -> list[dict[str, Any]]:
        """Return what is known of every image; only for data sets that fit into memory."""
        return [self.get_data_info(index) for index in range(len(self))]

    def __len__(self) -> int:
        self.full_init()
        return len(self._chosen)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return what is known of image ``idx`` of those that are used."""
        self.full_init()
        info = self.image_info(int(self._chosen[idx]))
        info['gt_identity'] = int(self._identities[idx])
        return info

    @property
    def __getitems__(self) -> Callable[[list[int]], Any] | None:
        """What torch's loaders ask for a whole batch; None where images must be prepared one by one."""
        steps = getattr(self.pipeline, 'transforms', [])
        ours = all(type(step).__module__.startswith('faceresearch.') for step in steps)
        if self.test_mode or self._one_by_one or not ours or not steps or type(steps[-1]).__name__ != 'PackFaceInputs':
            return None
        return self._batch

    def share_batches(self, batch_size: int, num_workers: int, prefetch: int) -> None:
        """Have workers that are forked from now on fill the same memory again and again."""
        if not num_workers or not can_share() or self.__getitems__ is None or len(self) < batch_size:
            return
        channels, height, width = self[0]['inputs'].shape
        self._pool = BatchPool((batch_size, height, width, channels), num_workers, prefetch + 3)

    def _batch(self, indices: list[int]) -> Any:
        """Return the samples of a batch in one piece, or a list of them if they do not fit into one."""
        self.full_init()
        steps, pack = self.pipeline.transforms[:-1], self.pipeline.transforms[-1]
        size = len(self._chosen)
        builder = BatchBuilder(len(indices), pack.meta_keys, self._pool)
        for number, index in enumerate(indices):
            epoch, position = divmod(int(index), size)
            if not builder.add(number, self._prepared(epoch, position, steps) or self._replacement(index, steps)):
                self._one_by_one = True
                return [self[i] for i in indices]
        return builder.batch()

    def _prepared(self, epoch: int, position: int, steps: Sequence[Callable[..., Any]]) -> dict[str, Any] | None:
        """Return an image after all transforms but the last; None if it cannot be used."""
        raw = partial(self.raw_sample, epoch=epoch)
        # The same call as for a single image, without the global generators, which our transforms do not draw from.
        results: dict[str, Any] | None = raw(position)
        assert results is not None
        rng = np.random.default_rng([self.seed, epoch, position])
        results.update(rng=rng, epoch=epoch, num_samples=len(self._chosen), raw_sample=raw, replaced=[])
        try:
            for step in steps:
                results = step(results)
                if results is None:
                    return None
        except BrokenImageError:
            return None
        return results

    def _replacement(self, index: int, steps: Sequence[Callable[..., Any]]) -> dict[str, Any]:
        """Return the next image that can be used in place of a broken one, as :meth:`__getitem__` finds it."""
        unpacked = copy.copy(self)
        unpacked.pipeline = Compose(list(steps))
        return FaceDataset.__getitem__(unpacked, index)
