"""Random fields and small image operations shared by the SynthFaces painters (all float32, values in [0, 1] or zero
mean).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

Rng = np.random.Generator


def value_noise(rng: Rng, size: tuple[int, int], cells: tuple[float, float]) -> np.ndarray:
    """Smooth noise: ``cells`` (rows, columns) of normal values, enlarged with a cubic kernel to ``size`` (h, w)."""
    rows, cols = max(2, round(cells[0])), max(2, round(cells[1]))
    grid = rng.standard_normal((rows, cols), dtype=np.float32)
    return cv2.resize(grid, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)


def fractal_noise(
    rng: Rng, size: tuple[int, int], base: float = 3, octaves: int = 5, gain: float = 0.5, aspect: float = 1.0
) -> np.ndarray:
    """Sum of octaves of value noise, about unit variance.

    ``gain`` 0.5 is close to 1/f, 0.8 is rough; ``aspect`` > 1 stretches vertically.
    """
    field = np.zeros(size, np.float32)
    weight, total = 1.0, 0.0
    ratio = size[1] / size[0]
    for octave in range(octaves):
        cells = base * 2.0**octave
        if cells > 2 * max(size):
            break
        field += weight * value_noise(rng, size, (cells, cells * ratio * aspect))
        total += weight * weight
        weight *= gain
    return field / np.float32(np.sqrt(total) + 1e-6)


def smoothstep(values: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    """Hermite step from 0 at ``low`` to 1 at ``high`` (``low`` > ``high`` falls instead of rising)."""
    t = np.minimum(np.maximum((values - low) / (high - low), 0), 1)
    return t * t * (3 - 2 * t)


def random_colour(rng: Rng, saturation: float | None = None, value: float | None = None) -> np.ndarray:
    """A BGR colour in [0, 1]^3; hues as in photographs (warm ones most often), saturation and value skewed unless
    given.
    """
    s = float(rng.beta(1.1, 2.5)) if saturation is None else saturation
    v = float(rng.beta(1.6, 1.4)) if value is None else value
    draw = rng.random()  # blue 0, cyan 1, green 2, yellow 3, red 4, purple 5
    hue = rng.normal(3.5, 0.45) if draw < 0.42 else rng.normal(0.2, 0.45) if draw < 0.62 else rng.uniform(0, 6)
    channels = [v * (1 - s * min(1.0, max(0.0, 2 - abs((hue - shift) % 6 - 3)))) for shift in (0.0, 2.0, 4.0)]
    return np.array(channels, np.float32)


def choose(rng: Rng, options: Sequence[str], weights: Sequence[float]) -> str:
    """One of ``options``, with probability proportional to ``weights``."""
    p = np.asarray(weights, float)
    return options[int(rng.choice(len(options), p=p / p.sum()))]


def blend(image: np.ndarray, mask: np.ndarray, colour: np.ndarray, alpha: float = 1.0) -> None:
    """Mixes ``colour`` ((3,) or (h, w, 3)) into ``image`` (h, w, 3) in place with weight ``mask`` (h, w) x ``alpha``."""
    weight = (mask * np.float32(alpha))[..., None]
    image += weight * (colour - image)
