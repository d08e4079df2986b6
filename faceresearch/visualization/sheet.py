"""Contact sheets: many pictures on one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from faceresearch.visualization.labels import shorten, write

_BACKGROUND = 28
_GAP = 6
_TITLE_HEIGHT = 9


def fit(image: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, float]:
    """Scale an image (H, W, 3) to fit into ``size`` (h, w), keeping its proportions.

    Returns:
        The scaled image, and the factor from its pixels to the new ones.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    new = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, new, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), scale


def contact_sheet(
    images: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    cell: tuple[int, int] = (320, 320),
) -> np.ndarray:
    """Arrange images in a grid, row by row, each scaled to fit its cell.

    Args:
        images: each (H, W, 3) uint8 BGR, of any size.
        titles: a line of text for each, written under it and shortened to the cell's width.
        columns: images in a row; by default such that the sheet is about 4:3.
        cell: (h, w) of the largest picture in pixels. Images that fit exactly are not resampled.

    Returns:
        The sheet, (H, W, 3) uint8 BGR.

    Raises:
        ValueError: no images, or another number of titles.
    """
    if not images:
        raise ValueError('contact_sheet: no images')
    if titles is not None and len(titles) != len(images):
        raise ValueError(f'contact_sheet: {len(images)} images but {len(titles)} titles')
    height, width = cell
    if columns is None:
        columns = max(1, round(math.sqrt(len(images) * height / width * 4 / 3)))
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    title = 2 * _TITLE_HEIGHT if titles is not None else 0
    pitch_y, pitch_x = height + title + _GAP, width + _GAP
    sheet = np.full((rows * pitch_y + _GAP, columns * pitch_x + _GAP, 3), _BACKGROUND, np.uint8)
    for i, image in enumerate(images):
        top, left = _GAP + i // columns * pitch_y, _GAP + i % columns * pitch_x
        picture = image if _fits_exactly(image, cell) else fit(image, cell)[0]
        h, w = picture.shape[:2]
        y, x = top + (height - h) // 2, left + (width - w) // 2
        sheet[y : y + h, x : x + w] = picture
        if titles is not None:
            text = shorten(titles[i], _TITLE_HEIGHT, width)
            write(sheet, text, (left, top + height + _TITLE_HEIGHT + 5), _TITLE_HEIGHT)
    return sheet


def _fits_exactly(image: np.ndarray, cell: tuple[int, int]) -> bool:
    height, width = image.shape[:2]
    return (height == cell[0] and width <= cell[1]) or (width == cell[1] and height <= cell[0])
