"""The order in which a training visits its images."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from faceresearch.datasets.base import FaceDataset
from faceresearch.engine.seeded_dataset import SeededDataset


@DATA_SAMPLERS.register_module()
class EpochSampler(Sampler[int]):
    """Yield ``epoch * len(dataset) + index``, so that a sample's augmentation depends on (seed, epoch, index) alone.

    The order of an epoch is a permutation drawn from (seed, epoch); process r of w takes every w-th entry from r on.
    Data sets that do not take the epoch from the index get plain indices.

    Args:
        dataset: the data set.
        shuffle: False visits the images in their own order.
        seed: the same in all processes; None draws one and shares it.
        round_up: repeat a few images so that all processes get equally many (training needs that).
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None, round_up: bool = True) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.shuffle = shuffle
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        size = len(dataset)
        self.num_samples = math.ceil((size if round_up else size - self.rank) / self.world_size)
        # mmengine's `num_batch_per_epoch` shortens a data set by a wrapper that hides its length.
        inner = getattr(dataset, '_dataset', dataset)
        self._stride = len(inner) if isinstance(inner, FaceDataset | SeededDataset) else 0

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        order = np.random.default_rng([self.seed, self.epoch]).permutation(size) if self.shuffle else np.arange(size)
        mine = np.resize(order, max(size, self.num_samples * self.world_size))[self.rank :: self.world_size]
        return iter((mine[: self.num_samples] + self.epoch * self._stride).tolist())

    def __len__(self) -> int:
        """Samples of this process in an epoch."""
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration is about."""
        self.epoch = epoch


class ResumableBatches:
    """A batch sampler whose next iteration can leave out batches that were used before an interruption.

    Args:
        inner: the batch sampler that decides.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self._skipped = 0

    def skip(self, count: int) -> None:
        """Leave out the first ``count`` batches of the next iteration, without loading them."""
        self._skipped = count

    def __iter__(self) -> Iterator[list[int]]:
        skipped, self._skipped = self._skipped, 0
        for number, batch in enumerate(self.inner):
            if number >= skipped:
                yield batch

    def __len__(self) -> int:
        return len(self.inner)

    def __getattr__(self, name: str) -> Any:
        if name == 'inner':  # not set yet, while a worker unpickles
            raise AttributeError(name)
        return getattr(self.inner, name)
