"""Colour augmentation."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from faceresearch.errors import UserError
from faceresearch.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ColorDistortion(BaseTransform):
    """SSD's photometric distortion: brightness, contrast, saturation and hue, each with probability one half.

    Contrast is applied before or after the two HSV steps, with equal probability. After every step the image is cut
    to 0…255 and loses its fraction, as in biubug6/Pytorch_Retinaface data/data_augment.py.

    Args:
        brightness: largest shift, in grey levels.
        contrast: range of the factor.
        saturation: range of the factor on HSV's S.
        hue: largest shift of OpenCV's hue (0…180).
    """

    def __init__(
        self,
        brightness: float = 32,
        contrast: tuple[float, float] = (0.5, 1.5),
        saturation: tuple[float, float] = (0.5, 1.5),
        hue: int = 18,
    ) -> None:
        self.brightness = brightness
        self.contrast = (contrast[0], contrast[1])
        self.saturation = (saturation[0], saturation[1])
        self.hue = hue

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        rng: np.random.Generator = results['rng']
        image = np.ascontiguousarray(results['img'])
        contrast_first = rng.random() < 0.5
        if rng.random() < 0.5:
            image = _linear(image, 1.0, rng.uniform(-self.brightness, self.brightness))
        if contrast_first and rng.random() < 0.5:
            image = _linear(image, rng.uniform(*self.contrast), 0.0)
        image = self._distort_hsv(image, rng)
        if not contrast_first and rng.random() < 0.5:
            image = _linear(image, rng.uniform(*self.contrast), 0.0)
        results['img'] = image
        return results

    def _distort_hsv(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        change_saturation, change_hue = rng.random(2) < 0.5
        factor = rng.uniform(*self.saturation)
        shift = int(rng.integers(-self.hue, self.hue + 1))
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        if change_saturation:
            hsv[..., 1] = _linear(hsv[..., 1], factor, 0.0)
        if change_hue:
            hsv[..., 0] = (hsv[..., 0].astype(np.int16) + shift) % 180
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


@TRANSFORMS.register_module()
class RandomHSV(BaseTransform):
    """Multiply hue, saturation and value by a factor each, drawn uniformly from 1 − gain to 1 + gain (YOLO).

    Args:
        hue: gain of OpenCV's hue (0…180, modulo 180).
        saturation: gain of the saturation.
        value: gain of the value.

    Raises:
        UserError: a gain is not between 0 and 1.
    """

    def __init__(self, hue: float = 0.015, saturation: float = 0.7, value: float = 0.4) -> None:
        self.gains = (hue, saturation, value)
        if not all(0 <= gain <= 1 for gain in self.gains):
            raise UserError(f'RandomHSV: hue={hue}, saturation={saturation}, value={value}: gains are between 0 and 1')

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        factors = 1 + results['rng'].uniform(-1, 1, 3) * self.gains
        hue, saturation, value = cv2.split(cv2.cvtColor(np.ascontiguousarray(results['img']), cv2.COLOR_BGR2HSV))
        turned = (np.arange(256) * factors[0] % 180).astype(np.uint8)
        changed = (cv2.LUT(hue, turned), _linear(saturation, factors[1], 0.0), _linear(value, factors[2], 0.0))
        results['img'] = cv2.cvtColor(cv2.merge(changed), cv2.COLOR_HSV2BGR)
        return results


def _linear(image: np.ndarray, factor: float, offset: float) -> np.ndarray:
    # A table of 256 entries gives the same values as arithmetic on every pixel, many times faster.
    table = np.clip(np.arange(256) * factor + offset, 0, 255).astype(np.uint8)
    return cv2.LUT(np.ascontiguousarray(image), table)
