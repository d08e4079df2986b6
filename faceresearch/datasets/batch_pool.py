"""Memory that loader workers fill with batches again and again.

A batch of a worker ordinarily goes into fresh shared memory, which the system clears page by page at the first touch:
some twenty microseconds an image were measured, a fifth of what decoding it takes. A pool is made before the workers are
forked, so that both sides have it; only the number of a place in it is sent. A place is free again when the last tensor
that shows it is gone.
"""

from __future__ import annotations

import itertools
import mmap
import multiprocessing
import weakref
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.data import get_worker_info

_NUMBERS = itertools.count()
#: Pools by number, in the process that made them and in all that were forked from it.
_POOLS: weakref.WeakValueDictionary[int, BatchPool] = weakref.WeakValueDictionary()


class BatchPool:
    """Places for batches of one shape, some for each worker.

    Args:
        shape: of a batch, uint8.
        num_workers: processes that fill places.
        places: of each worker; as many batches as it prepares ahead, and some that are in use.
    """

    def __init__(self, shape: tuple[int, ...], num_workers: int, places: int) -> None:
        self.number = next(_NUMBERS)
        self.shape = shape
        self.places = places
        count, size = num_workers * places, int(np.prod(shape))
        self._memory = mmap.mmap(-1, max(1, count * size))
        self._flags = mmap.mmap(-1, max(1, count))
        self.batches = np.frombuffer(self._memory, np.uint8, count * size).reshape(count, *shape)
        self.busy = np.frombuffer(self._flags, np.uint8, count)
        _POOLS[self.number] = self

    def take(self, shape: tuple[int, ...]) -> int | None:
        """Return a free place of this worker and mark it; None if there is none, or it is of another shape."""
        worker = get_worker_info()
        if worker is None or shape != self.shape:
            return None
        own = slice(worker.id * self.places, (worker.id + 1) * self.places)
        free = np.flatnonzero(self.busy[own] == 0)
        if not len(free):
            return None
        place = own.start + int(free[0])
        self.busy[place] = 1
        return place


def can_share() -> bool:
    """Whether workers are forked, and so have the memory of the process that starts them."""
    return multiprocessing.get_start_method() == 'fork'


class PooledImages:
    """A filled place, (N, H, W, 3) uint8, on its way to the training process, where it arrives as a tensor (N, 3, H, W).

    Args:
        pool: number of the pool.
        place: in it.
    """

    def __init__(self, pool: int, place: int) -> None:
        self.pool = pool
        self.place = place

    def __reduce__(self) -> tuple[Callable[[int, int], torch.Tensor], tuple[int, int]]:
        return _arrived, (self.pool, self.place)


def _arrived(number: int, place: int) -> torch.Tensor:
    pool = _POOLS[number]
    # An array of its own, whose end says that nobody looks at the place any more. The pool lives as long.
    rows = np.ndarray(pool.shape, np.uint8, buffer=pool.batches[place].data)
    weakref.finalize(rows, _release, pool, place)
    return torch.from_numpy(rows).permute(0, 3, 1, 2)


def _release(pool: BatchPool, place: int) -> None:
    pool.busy[place] = 0
