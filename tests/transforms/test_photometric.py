"""Colour distortion against the arithmetic of the original, step by step."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceresearch.errors import UserError
from faceresearch.transforms import ColorDistortion, RandomHSV


def _convert(image: np.ndarray, alpha: float = 1.0, beta: float = 0.0) -> np.ndarray:
    """The original's step: arithmetic in floating point, cut to 0…255, fraction dropped."""
    return np.clip(image.astype(float) * alpha + beta, 0, 255).astype(np.uint8)


def _reference(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    first = rng.random() < 0.5
    if rng.random() < 0.5:
        image = _convert(image, beta=rng.uniform(-32, 32))
    if first and rng.random() < 0.5:
        image = _convert(image, alpha=rng.uniform(0.5, 1.5))
    saturate, turn = rng.random(2) < 0.5
    factor, shift = rng.uniform(0.5, 1.5), int(rng.integers(-18, 19))
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    if saturate:
        hsv[..., 1] = _convert(hsv[..., 1], alpha=factor)
    if turn:
        hsv[..., 0] = (hsv[..., 0].astype(int) + shift) % 180
    image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    if not first and rng.random() < 0.5:
        image = _convert(image, alpha=rng.uniform(0.5, 1.5))
    return image


def test_equals_the_arithmetic_on_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    changed = 0
    for seed in range(30):
        out = ColorDistortion().transform({'img': image.copy(), 'rng': np.random.default_rng(seed)})['img']
        np.testing.assert_array_equal(out, _reference(image, np.random.default_rng(seed)))
        changed += not np.array_equal(out, image)
    assert changed > 20


def test_random_hsv_equals_the_arithmetic_on_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    for seed in range(20):
        out = RandomHSV(0.5, 0.7, 0.4).transform({'img': image.copy(), 'rng': np.random.default_rng(seed)})['img']
        factors = 1 + np.random.default_rng(seed).uniform(-1, 1, 3) * (0.5, 0.7, 0.4)
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV).astype(float) * factors
        hsv[..., 0] %= 180
        expected = cv2.cvtColor(np.minimum(hsv, 255).astype(np.uint8), cv2.COLOR_HSV2BGR)
        np.testing.assert_array_equal(out, expected)
    same = RandomHSV(0, 0, 0).transform({'img': image, 'rng': np.random.default_rng(0)})['img']
    assert np.abs(same.astype(int) - image).mean() < 1.5  # OpenCV's 8-bit HSV and back


def test_random_hsv_refuses_gains_above_one() -> None:
    with pytest.raises(UserError, match=r'saturation=1\.5'):
        RandomHSV(saturation=1.5)
