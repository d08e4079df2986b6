"""Draw the classes of an image's pixels over it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

#: Share of the image in what is drawn, as in yakhyo's pictures; the rest is colour.
_IMAGE_SHARE = 0.6


def draw_mask(image: np.ndarray, mask: np.ndarray, palette: np.ndarray | Sequence[Sequence[int]]) -> np.ndarray:
    """Return a copy of an image with a mask's classes in colour; background (0) and ignored pixels (255) stay.

    Args:
        image: (H, W, 3) uint8 BGR.
        mask: (h, w) uint8 class ids; one of another size is brought to the image's by the nearest pixel.
        palette: (C, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    if mask.shape != (height, width):
        mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    table = np.zeros((256, 3), np.uint8)
    colours = np.asarray(palette, np.uint8)
    table[: len(colours)] = colours[:, ::-1]
    shown = (mask > 0) & (mask < len(colours))
    mixed = cv2.addWeighted(image, _IMAGE_SHARE, table[mask], 1 - _IMAGE_SHARE, 0)
    return np.where(shown[..., None], mixed, image)
