"""What camera, print and file do to a picture: exposure, colour, blur, noise, resampling, compression."""

from __future__ import annotations

import cv2
import numpy as np

from .noise import Rng, fractal_noise, random_colour


def motion_kernel(length: float, angle: float) -> np.ndarray:
    """Normalised line kernel of ``length`` pixels at ``angle`` radians."""
    side = int(np.ceil(length)) | 1
    kernel = np.zeros((side, side), np.float32)
    c = side // 2
    d = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    cv2.line(kernel, (round(c - d[0]), round(c - d[1])), (round(c + d[0]), round(c + d[1])), 1.0, 1, cv2.LINE_AA)
    return kernel / kernel.sum()


def photograph(rng: Rng, image: np.ndarray) -> np.ndarray:
    """Turns a rendered picture (h, w, 3; display values) into a photograph: uint8, same size. Geometry is left alone."""
    h, w = image.shape[:2]
    image = _tone(rng, np.clip(image, 0, 1.5))
    draw = rng.random()
    if draw < 0.12:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.6)))
    elif draw < 0.18:
        image = cv2.filter2D(image, -1, motion_kernel(float(rng.uniform(2, 8)), float(rng.uniform(0, np.pi))))
    elif draw < 0.29:
        factor = float(rng.uniform(0.35, 0.85))
        small = cv2.resize(image, (max(8, int(w * factor)), max(8, int(h * factor))), interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC)
    elif draw < 0.72:
        image += float(rng.uniform(0.2, 1.0)) * (image - cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.7, 1.8))))
    sigma = float(rng.exponential(0.012)) if rng.random() < 0.8 else 0.0
    if sigma > 0.002:
        grain = rng.standard_normal((h, w, 3 if rng.random() < 0.6 else 1), dtype=np.float32)
        if rng.random() < 0.3:
            grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.8), np.float32).reshape(h, w, -1) * 2
        image += min(sigma, 0.07) * grain
    pixels = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() < 0.75:
        quality = int(rng.integers(30, 97))
        pixels = cv2.imdecode(cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return pixels


def _tone(rng: Rng, image: np.ndarray) -> np.ndarray:
    """Exposure, white balance, contrast, gamma, saturation, vignette, haze; grey or tinted photographs."""
    h, w = image.shape[:2]
    # All that is linear in the colours is one matrix and one offset.
    matrix, offset = np.eye(3), np.zeros(3)
    if rng.random() < 0.85:
        # Cameras and editors spread the tones over the range there is.
        low, high = np.percentile(image[::6, ::6], (float(rng.uniform(0.2, 4)), float(rng.uniform(97, 99.9))))
        amount, gain = float(rng.uniform(0.6, 1.0)), float(rng.uniform(0.88, 1.05)) / max(float(high - low), 0.25)
        matrix *= 1 + amount * (gain - 1)
        offset += amount * (float(rng.uniform(0, 0.05)) - gain * low)
    balance = np.exp(rng.normal(0, 0.14) + rng.normal(0, 0.05, 3))
    contrast, middle = float(np.exp(rng.normal(0.14, 0.18))), float(rng.uniform(0.35, 0.55))
    matrix, offset = matrix * balance[:, None] * contrast, (offset * balance - middle) * contrast + middle
    draw = rng.random()
    saturation = float(np.clip(rng.normal(0.95, 0.25), 0, 1.8)) * (draw >= 0.07)
    mixing = saturation * np.eye(3) + (1 - saturation) * np.array([[0.114, 0.587, 0.299]])
    if draw < 0.025 or 0.07 < draw < 0.09:
        mixing *= random_colour(rng, float(rng.uniform(0.1, 0.5)), 1.0)[:, None]
    image = cv2.transform(image, np.concatenate([mixing @ matrix, (mixing @ offset)[:, None]], 1).astype(np.float32))
    if rng.random() < 0.3:
        y, x = np.mgrid[:h, :w].astype(np.float32)
        distance = (x / w - rng.uniform(0.3, 0.7)) ** 2 + (y / h - rng.uniform(0.3, 0.7)) ** 2
        image *= (1 - float(rng.uniform(0.2, 1.0)) * distance)[..., None]
    if rng.random() < 0.12:
        haze = np.clip(0.5 + 0.5 * fractal_noise(rng, (h, w), 1.5, 3), 0, 1)[..., None] * float(rng.uniform(0.1, 0.5))
        image = image + haze * (random_colour(rng, 0.15, 0.95) - image)
    gamma = float(np.exp(rng.normal(-0.15, 0.16)))
    return cv2.pow(np.clip(image, 0, 1).astype(np.float32), gamma)
