"""What metrics read from samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

import numpy as np


class Named(Protocol):
    """What a metric keeps of an image."""

    name: str


ResultT = TypeVar('ResultT', bound=Named)


def once_each(results: Iterable[ResultT]) -> list[ResultT]:
    """Drop repeated images: samplers of several processes pad the last batch with the first images."""
    return list({result.name: result for result in reversed(list(results))}.values())[::-1]


def to_original(coordinates: np.ndarray, sample: dict[str, Any]) -> np.ndarray:
    """Bring ground truth from pixels of the network's input to pixels of the original image.

    Args:
        coordinates: (..., 2n), x and y in turn: boxes (N, 4) xyxy or points (N, K, 2).
        sample: has ``scale_factor`` (w, h) and ``pad_offset`` (x, y), where the image was resized or padded.
    """
    repeats = coordinates.shape[-1] // 2
    offset = np.tile(np.asarray(sample.get('pad_offset', (0.0, 0.0)), np.float64), repeats)
    factor = np.tile(np.asarray(sample.get('scale_factor', (1.0, 1.0)), np.float64), repeats)
    return (coordinates.astype(np.float64) - offset) / factor
