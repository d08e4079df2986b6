"""The surface maps of a head on the grid of :mod:`.head_shape`, and painting into them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .parts import Part

_SHIFT = 4


@dataclass
class HeadMaps:
    """Maps (H, 2H[, 3]) over directions.

    ``radius`` with everything worn, ``face_radius`` the bare head (labels come from it), ``albedo`` BGR in [0, 1]
    (display values),
    ``ambient`` occlusion factor, ``gloss`` strength of highlights, ``bump`` fine relief (length units), ``part`` ids
    of :class:`Part`.
    """

    radius: np.ndarray
    face_radius: np.ndarray
    albedo: np.ndarray
    ambient: np.ndarray
    gloss: np.ndarray
    bump: np.ndarray
    part: np.ndarray

    @classmethod
    def bare(cls, radius: np.ndarray, colour: np.ndarray) -> HeadMaps:
        """Maps of one plain colour around a bare head."""
        shape = radius.shape
        albedo = np.empty((*shape, 3), np.float32)
        albedo[:] = colour
        return cls(
            radius.copy(),
            radius,
            albedo,
            np.ones(shape, np.float32),
            np.full(shape, 0.25, np.float32),
            np.zeros(shape, np.float32),
            np.full(shape, Part.SKIN, np.uint8),
        )

    @property
    def height(self) -> int:
        """Rows of the grid."""
        return self.radius.shape[0]

    @property
    def detailed(self) -> bool:
        """Whether pores, lines and creases could be seen at this resolution."""
        return self.height > 80

    def to_cells(self, uphi: np.ndarray) -> np.ndarray:
        """Directions (n, 2) in fractional (column, row) positions."""
        scale = self.height / np.pi
        return uphi * (scale, -scale) + (self.height - 0.5, self.height / 2 - 0.5)


Window = tuple[slice, slice]


def soft_polygon(maps: HeadMaps, outline: np.ndarray, softness: float = 0.0) -> tuple[Window, np.ndarray]:
    """Coverage mask of a closed ``outline`` (n, 2 directions), blurred by ``softness`` radians, in the window it
    touches.
    """
    cells = maps.to_cells(outline)
    sigma = softness * maps.height / np.pi
    margin = int(3 * sigma) + 2
    h, w = maps.radius.shape
    x0, y0 = np.maximum(np.floor(cells.min(0)).astype(int) - margin, 0)
    x1, y1 = np.minimum(np.ceil(cells.max(0)).astype(int) + margin + 1, (w, h))
    if x1 <= x0 or y1 <= y0:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), np.float32)
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    points = np.round((cells - (x0, y0)) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, _SHIFT)
    soft: np.ndarray = mask.astype(np.float32) / 255
    if sigma > 0.3:
        soft = np.asarray(cv2.GaussianBlur(soft, (0, 0), sigma), np.float32)
    return (slice(y0, y1), slice(x0, x1)), soft


def soft_line(maps: HeadMaps, points: np.ndarray, width: float, softness: float = 0.0) -> tuple[Window, np.ndarray]:
    """Coverage mask of a line through ``points`` (n, 2 directions) of ``width`` radians; thinner than a cell fades
    instead.
    """
    cells = maps.to_cells(points)
    sigma = softness * maps.height / np.pi
    pixels = width * maps.height / np.pi
    margin = int(3 * sigma + pixels) + 2
    h, w = maps.radius.shape
    x0, y0 = np.maximum(np.floor(cells.min(0)).astype(int) - margin, 0)
    x1, y1 = np.minimum(np.ceil(cells.max(0)).astype(int) + margin + 1, (w, h))
    if x1 <= x0 or y1 <= y0:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), np.float32)
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.polylines(
        mask,
        [np.round((cells - (x0, y0)) * (1 << _SHIFT)).astype(np.int32)],
        False,
        255,
        max(1, round(pixels)),
        cv2.LINE_AA,
        _SHIFT,
    )
    soft: np.ndarray = mask.astype(np.float32) * np.float32(min(1.0, pixels) / 255)
    if sigma > 0.3:
        soft = np.asarray(cv2.GaussianBlur(soft, (0, 0), sigma), np.float32)
    return (slice(y0, y1), slice(x0, x1)), soft


def ellipse(u: float, phi: float, ru: float, rphi: float, count: int = 20) -> np.ndarray:
    """Outline (count, 2) of an ellipse of directions."""
    return _circle(count) * (ru, rphi) + (u, phi)


@lru_cache(maxsize=8)
def _circle(count: int) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(t), np.sin(t)], 1)


def paint(
    maps: HeadMaps,
    region: tuple[Window, np.ndarray],
    colour: np.ndarray,
    alpha: float = 1.0,
    part: Part | None = None,
    gloss: float | None = None,
) -> None:
    """Mixes a BGR ``colour`` into a region; sets its part id (where covered by half) and its gloss if given."""
    window, mask = region
    if mask.size == 0:
        return
    weight = (mask * np.float32(alpha))[..., None]
    target = maps.albedo[window]
    target += weight * (np.asarray(colour, np.float32) - target)
    if gloss is not None:
        maps.gloss[window] += mask * (np.float32(gloss) - maps.gloss[window])
    if part is not None:
        maps.part[window][mask > 0.5] = part


def darken(maps: HeadMaps, region: tuple[Window, np.ndarray], amount: float) -> None:
    """Lowers the ambient light in a region (creases, hollows)."""
    window, mask = region
    maps.ambient[window] *= 1 - np.float32(amount) * mask


def tint(maps: HeadMaps, region: tuple[Window, np.ndarray], factor: np.ndarray) -> None:
    """Multiplies the albedo in a region by a BGR ``factor``."""
    window, mask = region
    maps.albedo[window] *= 1 + mask[..., None] * (np.asarray(factor, np.float32) - 1)
