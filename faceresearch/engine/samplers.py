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
from faceresearch.datasets.shard_faces import WebFaceShards
from faceresearch.engine.seeded_dataset import SeededDataset
from faceresearch.errors import UserError


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


@DATA_SAMPLERS.register_module()
class IdentityBalancedSampler(Sampler[int]):
    """Batches of P identities with K images each (FaceNet, arXiv:1503.03832 §3.2, and the metric losses after it).

    Every group of K indices is of one identity. An epoch visits the identities in rounds, each round in an order drawn
    from (seed, epoch), until as many images were drawn as the data set has; an identity gives its images in an order of
    its own, from the next on in the next round, so that frequent identities come no more often than rare ones. One with
    fewer than K images repeats them. Groups are dealt out to the processes in turn: which groups an epoch has does not
    depend on their number. A batch size that is a multiple of K holds whole groups, of different identities while
    batches are shorter than a round.

    Args:
        dataset: with ``identities`` (N,) int64, as :class:`~faceresearch.datasets.recognition.RecognitionDataset` has.
        images_per_identity: K, at least 2 for losses that compare images of one person.
        seed: the same in all processes; None draws one and shares it.
        round_up: repeat a few groups so that all processes get equally many.

    Raises:
        UserError: the data set has no identities, or K is below 1.
    """

    def __init__(
        self, dataset: Sized, images_per_identity: int = 4, seed: int | None = None, round_up: bool = True
    ) -> None:
        inner = getattr(dataset, '_dataset', dataset)
        if not hasattr(inner, 'identities'):
            raise UserError(f'IdentityBalancedSampler: {type(inner).__name__} has no identities to balance')
        if images_per_identity < 1:
            raise UserError(f'IdentityBalancedSampler: images_per_identity={images_per_identity} is not at least 1')
        self.rank, self.world_size = get_dist_info()
        self.images_per_identity = images_per_identity
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self._stride = len(inner)
        identities = np.asarray(inner.identities)[: len(dataset)]
        usable = np.flatnonzero(identities >= 0)
        #: Indices by identity, one identity after the other, and where each begins.
        self._members = usable[np.argsort(identities[usable], kind='stable')]
        counts = np.bincount(identities[usable])
        self._counts = counts[counts > 0]
        self._starts = np.cumsum(self._counts) - self._counts
        self._groups = max(1, len(usable) // images_per_identity)
        share = self._groups if round_up else self._groups - self.rank
        self.num_samples = math.ceil(share / self.world_size) * images_per_identity

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        count, size = len(self._counts), self.images_per_identity
        order = np.concatenate([rng.permutation(count) for _ in range(math.ceil(self._groups / count))])
        # Those at the end repeat the first ones, for the processes that would come off short.
        groups = np.arange(max(self._groups, self.num_samples // size * self.world_size)) % self._groups
        order, turns = order[groups], groups // count
        # An order of each identity's own images: sorted by identity first, by a random number second.
        owner = np.repeat(np.arange(count), self._counts)
        shuffled = self._members[np.lexsort((rng.random(len(owner)), owner))]
        mine = slice(self.rank, None, self.world_size)
        steps = turns[mine, None] * size + np.arange(size)
        chosen = shuffled[self._starts[order[mine], None] + steps % self._counts[order[mine], None]]
        return iter((chosen.reshape(-1)[: self.num_samples] + self.epoch * self._stride).tolist())

    def __len__(self) -> int:
        """Samples of this process in an epoch."""
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration is about."""
        self.epoch = epoch


class StreamSampler(Sampler[None]):
    """Stands where a loader's sampler is, for data sets that decide the order themselves, and tells them the epoch.

    Args:
        dataset: the data set.
    """

    def __init__(self, dataset: WebFaceShards) -> None:
        self.dataset = dataset
        dataset.share()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration is about."""
        self.dataset.set_epoch(epoch)

    def skip(self, count: int) -> None:
        """Leave out the first ``count`` batches of the next iteration."""
        self.dataset.skip(count)

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


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
