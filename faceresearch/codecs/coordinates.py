"""Landmarks as numbers relative to the crop."""

from __future__ import annotations

from torch import Tensor

from faceresearch.errors import UserError
from faceresearch.registry import CODECS


@CODECS.register_module()
class CoordinateCodec:
    """Points of a crop as numbers that are ``low`` at its left and upper edge and ``high`` at the opposite one.

    PFLD's are 0 and 1. insightface's 2d106 has −1 and 1: pixels are (p + 1)·96 in its crop of 192.

    Args:
        low: at pixel position 0.
        high: at pixel position width, or height.

    Raises:
        UserError: both are the same.
    """

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        if low == high:
            raise UserError(f'CoordinateCodec: low={low} and high={high} must differ')
        self.low = low
        self.high = high

    def encode(self, points: Tensor, size: tuple[int, int]) -> Tensor:
        """Encode points (..., K, 2), in pixels of a crop of ``size`` (h, w), as (..., 2K): x and y in turn."""
        extent = points.new_tensor([size[1], size[0]])
        return (self.low + points / extent * (self.high - self.low)).flatten(-2)

    def decode(self, coordinates: Tensor, size: tuple[int, int]) -> Tensor:
        """Invert :meth:`encode`: (..., 2K) to points (..., K, 2), in pixels of a crop of ``size`` (h, w)."""
        extent = coordinates.new_tensor([size[1], size[0]])
        return (coordinates.unflatten(-1, (-1, 2)) - self.low) / (self.high - self.low) * extent
