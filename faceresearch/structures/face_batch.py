"""The samples of a whole batch in a few arrays, for training at thousands of images a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement, LabelData

from faceresearch.structures.face_data_sample import FaceDataSample


class FaceBatch(BaseDataElement):
    """What is known of the faces of a batch: one tensor of identities, and their metainfo in columns.

    It stands for a list of :class:`FaceDataSample` with ``gt_identity``: the samples are made when they are asked for
    by index or in a loop, and kept. Made in a loader worker one by one, and handed over one by one, they would cost
    more than decoding the images.

    Args:
        identities: (N,) int64.
        columns: lists of N values by the name of the metainfo; None where a sample has none of that name.
    """

    identities: torch.Tensor
    columns: dict[str, list[Any]]

    def __init__(self, identities: torch.Tensor, columns: dict[str, list[Any]]) -> None:
        super().__init__()
        self.set_field(identities, 'identities')
        self.set_field(columns, 'columns')
        self._samples: list[FaceDataSample] | None = None

    def __reduce__(self) -> tuple[Any, tuple[np.ndarray, dict[str, list[Any]]]]:
        # As an array: a tensor would be sent through a file of shared memory.
        return _arrived, (self.identities.cpu().numpy(), self.columns)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == '_samples':
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def to(self, *args: Any, **kwargs: Any) -> FaceBatch:
        """Move the identities to a device, all at once."""
        return FaceBatch(self.identities.to(*args, **kwargs), self.columns)

    def pin_memory(self) -> FaceBatch:
        """Pin the identities' memory, for the loader's thread that does so."""
        return FaceBatch(self.identities.pin_memory(), self.columns)

    def __len__(self) -> int:
        return len(self.identities)

    def __getitem__(self, index: int) -> FaceDataSample:
        return self._made()[index]

    def __iter__(self) -> Iterator[FaceDataSample]:
        return iter(self._made())

    def _made(self) -> list[FaceDataSample]:
        if self._samples is None:
            self._samples = [self._sample(index) for index in range(len(self))]
        return self._samples

    def _sample(self, index: int) -> FaceDataSample:
        metainfo = {name: column[index] for name, column in self.columns.items() if column[index] is not None}
        sample = FaceDataSample(metainfo=metainfo)
        sample.gt_identity = LabelData(label=self.identities[index : index + 1])
        return sample

    def metainfo_column(self, name: str) -> Sequence[Any]:
        """Return one kind of metainfo of the samples that have it."""
        return [value for value in self.columns.get(name, ()) if value is not None]


def _arrived(identities: np.ndarray, columns: dict[str, list[Any]]) -> FaceBatch:
    return FaceBatch(torch.from_numpy(identities), columns)
