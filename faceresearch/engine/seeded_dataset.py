"""Data sets of other packages, with samples that depend on (seed, epoch, index) alone."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from faceresearch.datasets.base import global_seed

_OWN = ('inner', 'seed')


class SeededDataset(Dataset):
    """Seeds the global generators, which transforms of mmdet, mmpose and torchvision draw from, before each sample.

    As with :class:`~faceresearch.datasets.base.FaceDataset`, index ``epoch * len(self) + i`` asks for sample ``i`` in that
    epoch. Everything else is the data set's own.

    Args:
        inner: the data set.
        seed: first part of every sample's seed.
    """

    inner: Any
    seed: int

    def __init__(self, inner: Sized, seed: int) -> None:
        self.inner = inner
        self.seed = seed

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int) -> Any:
        epoch, position = divmod(int(index), len(self))
        rng = np.random.default_rng([self.seed, epoch, position])
        with torch.random.fork_rng(devices=[]), global_seed(rng):
            torch.manual_seed(int(rng.integers(2**62)))
            return self.inner[position]

    def get_data_info(self, index: int) -> Any:
        """Return what is known of a sample before it is loaded; samplers that sort by shape ask for it."""
        return self.inner.get_data_info(int(index) % len(self))

    def __getattr__(self, name: str) -> Any:
        if name in _OWN:  # not set yet, while a worker unpickles
            raise AttributeError(name)
        return getattr(self.inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # Hooks exchange a data set's pipeline.
        if name in _OWN:
            object.__setattr__(self, name, value)
        else:
            setattr(self.inner, name, value)
