"""Join samples to a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def list_collate(batch: Sequence[dict[str, Any]] | dict[str, Any]) -> dict[str, Any]:
    """Join samples to lists; images keep their own sizes until the data preprocessor pads and stacks them.

    What a data set has made into a batch itself (``RecognitionDataset``: a dict) is left as it is.
    """
    if isinstance(batch, dict):
        return batch
    return {key: [sample[key] for sample in batch] for key in batch[0]}
