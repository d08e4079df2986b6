"""AdaFace's augmentation of aligned faces: unrecognisable parts, low resolution, light (mk-minchul/AdaFace, §4.1).

Each is applied with probability 0.2, in the order of this file, after :class:`~.geometric.RandomFlip`. A face stays where
alignment has put it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from faceresearch.errors import UserError
from faceresearch.registry import TRANSFORMS
from faceresearch.transforms.geometric import INTERPOLATIONS

_MAX_TRIES = 10


def _check_prob(name: str, prob: float) -> None:
    if not 0 <= prob <= 1:
        raise UserError(f'{name}: prob={prob}: a probability is between 0 and 1')


@TRANSFORMS.register_module()
class RandomCropOnBlack(BaseTransform):
    """Keep a random part of the image at its place and make all around it black.

    The part is drawn as torchvision's RandomResizedCrop draws it; AdaFace does not enlarge it.

    Args:
        prob: probability.
        scale: range of the part's area, as a fraction of the image's.
        ratio: range of width / height; its logarithm is drawn uniformly.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self, prob: float = 0.2, scale: tuple[float, float] = (0.2, 1.0), ratio: tuple[float, float] = (0.75, 4 / 3)
    ) -> None:
        _check_prob('RandomCropOnBlack', prob)
        if not 0 < scale[0] <= scale[1] <= 1 or not 0 < ratio[0] <= ratio[1]:
            raise UserError(
                f'RandomCropOnBlack: scale={tuple(scale)}, ratio={tuple(ratio)}: both rise and are above 0, and no part'
                ' is larger than the image'
            )
        self.prob = prob
        self.scale = (scale[0], scale[1])
        self.ratio = (ratio[0], ratio[1])

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        if rng.random() >= self.prob:
            return results
        image = results['img']
        top, left, height, width = self._part(rng, *image.shape[:2])
        window = np.s_[top : top + height, left : left + width]
        canvas = np.zeros_like(image)
        canvas[window] = image[window]
        results['img'] = canvas
        return results

    def _part(self, rng: np.random.Generator, rows: int, columns: int) -> tuple[int, int, int, int]:
        for _ in range(_MAX_TRIES):
            area = rows * columns * rng.uniform(*self.scale)
            ratio = math.exp(rng.uniform(math.log(self.ratio[0]), math.log(self.ratio[1])))
            width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < width <= columns and 0 < height <= rows:
                return int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1)), height, width
        # The largest part in the middle that has an allowed ratio.
        ratio = float(np.clip(columns / rows, *self.ratio))
        width, height = min(columns, round(rows * ratio)), min(rows, round(columns / ratio))
        return (rows - height) // 2, (columns - width) // 2, height, width


@TRANSFORMS.register_module()
class RandomLowResolution(BaseTransform):
    """Shrink the image and enlarge it again, each with an interpolation of its own.

    Args:
        prob: probability.
        ratio: range of the small image's side as a fraction; the fraction of a pixel is dropped.
        methods: interpolations to draw from, twice: some of ``linear``, ``cubic``, ``area``, ``nearest``, ``lanczos``.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self,
        prob: float = 0.2,
        ratio: tuple[float, float] = (0.2, 1.0),
        methods: Sequence[str] = tuple(INTERPOLATIONS),
    ) -> None:
        _check_prob('RandomLowResolution', prob)
        if not 0 < ratio[0] <= ratio[1] <= 1 or not methods or not set(methods) <= set(INTERPOLATIONS):
            raise UserError(
                f'RandomLowResolution: ratio={tuple(ratio)}, methods={list(methods)}: the ratio rises, above 0 and up to'
                f' 1, and methods are some of {", ".join(INTERPOLATIONS)}'
            )
        self.prob = prob
        self.ratio = (ratio[0], ratio[1])
        self.methods = tuple(methods)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        if rng.random() >= self.prob:
            return results
        height, width = results['img'].shape[:2]
        ratio = rng.uniform(*self.ratio)
        down, up = (INTERPOLATIONS[self.methods[k]] for k in rng.integers(len(self.methods), size=2))
        size = (max(1, int(ratio * width)), max(1, int(ratio * height)))
        small = cv2.resize(np.ascontiguousarray(results['img']), size, interpolation=down)
        results['img'] = cv2.resize(small, (width, height), interpolation=up)
        return results


@TRANSFORMS.register_module()
class RandomColorJitter(BaseTransform):
    """Change brightness, contrast and saturation by a factor each, in random order.

    The arithmetic on 8 bits is Pillow's ImageEnhance (and so torchvision's ColorJitter), to the last bit.

    Args:
        prob: probability.
        brightness: factors are drawn from 1 − this to 1 + this.
        contrast: the same, about the image's mean grey.
        saturation: the same, about each pixel's grey.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self, prob: float = 0.2, brightness: float = 0.5, contrast: float = 0.5, saturation: float = 0.5
    ) -> None:
        _check_prob('RandomColorJitter', prob)
        self.prob = prob
        self.amounts = (brightness, contrast, saturation)
        if not all(0 <= amount <= 1 for amount in self.amounts):
            raise UserError(
                f'RandomColorJitter: brightness={brightness}, contrast={contrast}, saturation={saturation}: amounts are'
                ' between 0 and 1'
            )

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        if rng.random() >= self.prob:
            return results
        factors = 1 + rng.uniform(-1, 1, 3) * self.amounts
        image = np.ascontiguousarray(results['img'])
        for step in rng.permutation(3):
            image = _STEPS[step](image, float(factors[step]))
        results['img'] = image
        return results


@TRANSFORMS.register_module()
class RandomErasing(BaseTransform):
    """Cut a random rectangle out of the image (Cutout, arXiv:1708.04552; Random Erasing, arXiv:1708.04896).

    Args:
        prob: probability.
        area: range of the rectangle's area, as a fraction of the image's.
        ratio: range of width / height; its logarithm is drawn uniformly.
        fill: grey level, or one per channel; None fills with noise.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self,
        prob: float = 0.2,
        area: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 1 / 0.3),
        fill: float | Sequence[float] | None = 0,
    ) -> None:
        _check_prob('RandomErasing', prob)
        if not 0 < area[0] <= area[1] <= 1 or not 0 < ratio[0] <= ratio[1]:
            raise UserError(
                f'RandomErasing: area={tuple(area)}, ratio={tuple(ratio)}: ranges rise and are above 0, and no area is'
                ' larger than the image'
            )
        self.prob = prob
        self.area = (area[0], area[1])
        self.ratio = (ratio[0], ratio[1])
        self.fill = fill

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        if rng.random() >= self.prob:
            return results
        image = np.array(results['img'])
        rows, columns = image.shape[:2]
        area = rows * columns * rng.uniform(*self.area)
        ratio = math.exp(rng.uniform(math.log(self.ratio[0]), math.log(self.ratio[1])))
        height = int(np.clip(round(math.sqrt(area / ratio)), 1, rows))
        width = int(np.clip(round(math.sqrt(area * ratio)), 1, columns))
        top, left = int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
        window = image[top : top + height, left : left + width]
        window[:] = rng.integers(0, 256, window.shape, np.uint8) if self.fill is None else self.fill
        results['img'] = image
        return results


def _grey(image: np.ndarray) -> np.ndarray:
    """Pillow's luma (h, w) uint8 of a BGR image: ITU-R 601 in sixteen binary places, rounded."""
    blue, green, red = (image[..., k].astype(np.uint32) for k in range(3))
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).astype(np.uint8)


def _mix(start: np.ndarray | float, values: np.ndarray, factor: float) -> np.ndarray:
    """Pillow's blend in single precision: from ``start`` towards ``values`` and beyond, cut off, fraction dropped."""
    start = np.asarray(start, np.float32)
    return np.clip(start + np.float32(factor) * (values.astype(np.float32) - start), 0, 255).astype(np.uint8)


def _brightness(image: np.ndarray, factor: float) -> np.ndarray:
    return cv2.LUT(image, _mix(0, np.arange(256), factor))


def _contrast(image: np.ndarray, factor: float) -> np.ndarray:
    return cv2.LUT(image, _mix(int(_grey(image).mean() + 0.5), np.arange(256), factor))


def _saturation(image: np.ndarray, factor: float) -> np.ndarray:
    return _mix(_grey(image)[..., None], image, factor)


_STEPS: tuple[Callable[[np.ndarray, float], np.ndarray], ...] = (_brightness, _contrast, _saturation)
