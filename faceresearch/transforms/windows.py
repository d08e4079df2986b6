"""Crops of a part of a face's box, or of more than it, beyond the image's border if need be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from faceresearch.errors import UserError
from faceresearch.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CropFacePart(BaseTransform):
    """Stretch a part of the face's box, or more than it, to a fixed size; at random in training.

    The box is ``results['bbox']`` (1, 4) xyxy; without one it is the whole image. Beyond the image's border its edge
    is repeated.

    Args:
        part: left, top, right and bottom as shares of the box's sides: (0, 0, 1, 1) is the box, (0, 0, 1, 0.5) its upper
            half. Of a box from hairline to chin, eyes are at 0.3 to 0.5 of its height.
        size: side of the result, or (h, w).
        shift: largest shift, as a share of the box's sides.
        scale: range of a factor on the part's sides.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self,
        part: Sequence[float] = (0.0, 0.0, 1.0, 1.0),
        size: int | tuple[int, int] = 112,
        shift: float = 0.0,
        scale: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        if len(part) != 4 or part[0] >= part[2] or part[1] >= part[3]:
            raise UserError(f'CropFacePart: part={tuple(part)}: give left < right and top < bottom')
        if shift < 0 or not 0 < scale[0] <= scale[1]:
            raise UserError(f'CropFacePart: shift={shift}, scale={tuple(scale)}: no meaning')
        self.part = tuple(part)
        self.size = (size, size) if isinstance(size, int) else (size[0], size[1])
        self.shift, self.scale = shift, (scale[0], scale[1])

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        x1, y1, x2, y2 = face_box(results)
        sides = np.array([x2 - x1, y2 - y1])
        low = np.array([x1, y1]) + np.array(self.part[:2]) * sides
        high = np.array([x1, y1]) + np.array(self.part[2:]) * sides
        middle = (low + high) / 2 + rng.uniform(-self.shift, self.shift, 2) * sides
        half = (high - low) / 2 * rng.uniform(*self.scale)
        results['img'] = stretched(results['img'], (*(middle - half), *(middle + half)), self.size)
        results['img_shape'] = self.size
        return results


@TRANSFORMS.register_module()
class CropAroundPoints(BaseTransform):
    """Cut the box of a face's points out with the margins of head pose estimation; what is outside the image is black.

    Of a box of width w and height h, first x1 falls by left · k · w, then y1 by top · k · h, then x2 grows by right · k
    of the width as it is now, and y2 by bottom · k of the height (natanielruiz/deep-head-pose code/datasets.py, and after
    it FSA-Net, WHENet, 6DRepNet).

    Args:
        margins: left, top, right, bottom.
        k: range of k; one number in tests.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self,
        margins: Sequence[float] = (0.6, 2.0, 0.6, 0.6),
        k: tuple[float, float] = (0.2, 0.4),
    ) -> None:
        if len(margins) != 4 or min(margins) < 0 or not 0 <= k[0] <= k[1]:
            raise UserError(f'CropAroundPoints: margins={tuple(margins)}, k={tuple(k)}: give four, and a rising range')
        self.margins, self.k = tuple(margins), (k[0], k[1])

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        k = results['rng'].uniform(*self.k)
        # Towards zero, as an int() of the original's does.
        x1, y1, x2, y2 = (int(value) for value in margin_box(face_box(results), self.margins, k))
        image = results['img']
        height, width = image.shape[:2]
        canvas = np.zeros((max(y2 - y1, 1), max(x2 - x1, 1), 3), np.uint8)
        inside = image[max(y1, 0) : min(y2, height), max(x1, 0) : min(x2, width)]
        if inside.size:
            top, left = max(-y1, 0), max(-x1, 0)
            canvas[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
        results['img'] = canvas
        results['img_shape'] = canvas.shape[:2]
        return results


@TRANSFORMS.register_module()
class CentreCrop(BaseTransform):
    """Resize the short side and take the middle: torchvision's Resize and CenterCrop of evaluations.

    Args:
        short: the short side, in pixels.
        size: side of the result.

    Raises:
        UserError: the result would be larger than the image.
    """

    def __init__(self, short: int = 256, size: int = 224) -> None:
        if not 0 < size <= short:
            raise UserError(f'CentreCrop: size={size}, short={short}: size is above 0 and at most short')
        self.short, self.size = short, size

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        height, width = results['img'].shape[:2]
        scale = self.short / min(height, width)
        sides = (max(self.short, int(width * scale)), max(self.short, int(height * scale)))
        # Averages where it shrinks, as PIL does.
        image = cv2.resize(results['img'], sides, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        left, top = round((sides[0] - self.size) / 2), round((sides[1] - self.size) / 2)
        results['img'] = np.ascontiguousarray(image[top : top + self.size, left : left + self.size])
        results['img_shape'] = (self.size, self.size)
        return results


def face_box(results: dict[str, Any]) -> np.ndarray:
    """Return a sample's box (4,) xyxy float64; without one, the whole image."""
    height, width = results['img'].shape[:2]
    return np.asarray(results.get('bbox', [[0, 0, width, height]]), np.float64).reshape(-1, 4)[0]


def margin_box(box: np.ndarray, margins: Sequence[float], k: float) -> tuple[float, float, float, float]:
    """Return a box (4,) xyxy enlarged as :class:`CropAroundPoints` says."""
    x1, y1, x2, y2 = (float(value) for value in box)
    x1 -= margins[0] * k * abs(x2 - x1)
    y1 -= margins[1] * k * abs(y2 - y1)
    x2 += margins[2] * k * abs(x2 - x1)
    y2 += margins[3] * k * abs(y2 - y1)
    return x1, y1, x2, y2


def stretched(image: np.ndarray, box: Sequence[float], size: tuple[int, int]) -> np.ndarray:
    """Return what a box xyxy of an image (H, W, 3) shows, stretched to (h, w); the image's edge goes on beyond it."""
    x1, y1, x2, y2 = box
    height, width = size
    factors = np.array([(x2 - x1) / width, (y2 - y1) / height])
    # Pixel i is the square from i to i + 1; OpenCV counts from its middle.
    offset = np.array([x1, y1]) + factors / 2 - 0.5
    matrix = np.array([[factors[0], 0, offset[0]], [0, factors[1], offset[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        np.ascontiguousarray(image), matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
