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
        sample: has ``scale_factor`` (w, h) and ``pad_offset`` (x, y), where the image was resized or padded, or
            ``warp_matrix`` (2, 3), where it was cropped; then boxes become those around their corners.
    """
    if sample.get('warp_matrix') is not None:
        return _unwarped(coordinates.astype(np.float64), np.asarray(sample['warp_matrix'], np.float64))
    repeats = coordinates.shape[-1] // 2
    offset = np.tile(np.asarray(sample.get('pad_offset', (0.0, 0.0)), np.float64), repeats)
    factor = np.tile(np.asarray(sample.get('scale_factor', (1.0, 1.0)), np.float64), repeats)
    return (coordinates.astype(np.float64) - offset) / factor


def _unwarped(coordinates: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    inverse = np.linalg.inv(matrix[:, :2])
    if coordinates.shape[-1] == 2:
        return (coordinates - matrix[:, 2]) @ inverse.T
    corners = coordinates[..., [0, 1, 2, 1, 2, 3, 0, 3]].reshape(*coordinates.shape[:-1], 4, 2)
    corners = (corners - matrix[:, 2]) @ inverse.T
    return np.concatenate([corners.min(-2), corners.max(-2)], -1)
