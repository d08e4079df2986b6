"""Backgrounds without faces, made to be mistaken for them now and then: rooms, streets, foliage, patterns, clutter."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np

from .body import Layer, cloth_texture, hand, limb
from .identity import SKIN_TONES
from .lighting import Lighting, shade_relief
from .noise import Rng, blend, choose, fractal_noise, random_colour, smoothstep

Size = tuple[int, int]
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)


def random_skin(rng: Rng) -> np.ndarray:
    """A skin colour (BGR)."""
    return (SKIN_TONES[int(rng.integers(len(SKIN_TONES)))] * rng.uniform(0.9, 1.1, 3))[::-1].astype(np.float32).copy()


def make_background(rng: Rng, size: Size, light: Lighting) -> np.ndarray:
    """A picture (h, w, 3) in display values, with clutter, somewhat defocused or not."""
    makers: dict[str, Callable[[Rng, Size], np.ndarray]]
    makers = {
        'gradient': _gradient,
        'noise': _noise,
        'room': _room,
        'outdoor': _outdoor,
        'street': _street,
        'foliage': _foliage,
        'polygons': _polygons,
        'pattern': _pattern,
        'cells': _cells,
    }
    kind = choose(rng, tuple(makers), (0.16, 0.1, 0.17, 0.14, 0.1, 0.1, 0.09, 0.06, 0.08))
    image = np.clip(makers[kind](rng, size), 0, 1).astype(np.float32)
    clutter = int(rng.integers(0, 4)) if rng.random() < 0.4 else int(rng.integers(3, 22))
    for _ in range(clutter):
        add_clutter(rng, image, light)
    level = float(np.sqrt(light.sky.mean() * 0.6 + light.key.mean() * 0.5))
    if rng.random() < 0.7:
        image *= np.float32(np.clip(level, 0.35, 1.25)) * rng.uniform(0.75, 1.2)
    return image


def _gradient(rng: Rng, size: Size) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    angle = float(rng.uniform(0, 2 * np.pi))
    ramp = (np.cos(angle) * x + np.sin(angle) * y) / max(size)
    if rng.random() < 0.4:
        ramp = np.hypot(x - rng.uniform(0, size[1]), y - rng.uniform(0, size[0])) / max(size)
    ramp = np.clip(ramp + 0.08 * fractal_noise(rng, size, 2, 4), 0, 1)[..., None]
    first, second = random_colour(rng), random_colour(rng)
    if rng.random() < 0.3:
        first = np.full(3, rng.uniform(0.85, 1), np.float32)
        second = first * rng.uniform(0.85, 1)
    return first + ramp * (second - first)


def _noise(rng: Rng, size: Size) -> np.ndarray:
    gain, base = float(rng.uniform(0.45, 0.85)), float(rng.uniform(2, 8))
    shared = fractal_noise(rng, size, base, 7, gain)
    image = np.stack([shared + 0.5 * fractal_noise(rng, size, base, 5, gain) for _ in range(3)], -1)
    return random_colour(rng) + image * float(rng.uniform(0.08, 0.28))


def _room(rng: Rng, size: Size) -> np.ndarray:
    h, w = size
    image = np.empty((h, w, 3), np.float32)
    image[:] = random_colour(rng, float(rng.beta(1, 4)), float(rng.uniform(0.3, 0.95)))
    image *= (1 + 0.1 * fractal_noise(rng, size, 2, 3))[..., None]
    if rng.random() < 0.6:
        floor = int(h * rng.uniform(0.55, 0.95))
        image[floor:] = random_colour(rng, float(rng.beta(1.5, 3)), float(rng.uniform(0.15, 0.7)))
    for _ in range(int(rng.integers(1, 9))):
        a, b = rng.uniform(-0.1, 1, 2) * (w, h), rng.uniform(0.05, 0.5, 2) * (w, h)
        first, second = tuple(int(v) for v in a), tuple(int(v) for v in a + b)
        cv2.rectangle(image, first, second, tuple(float(v) for v in random_colour(rng)), -1)
        if rng.random() < 0.7:
            cv2.rectangle(image, first, second, tuple(float(v) for v in random_colour(rng)), int(rng.integers(1, 7)))
        for fraction in np.linspace(0, 1, int(rng.integers(1, 9)))[1:-1]:
            x = int(a[0] + b[0] * fraction)
            cv2.line(
                image,
                (x, first[1]),
                (x, second[1]),
                tuple(float(v) for v in random_colour(rng)),
                int(rng.integers(1, 5)),
            )
    if rng.random() < 0.3:
        shelves = np.linspace(0, h, int(rng.integers(3, 7)))
        for top, bottom in pairwise(shelves):
            edge = 0.0
            while edge < w:
                step = float(rng.uniform(4, 16))
                cv2.rectangle(
                    image,
                    (int(edge), int(bottom - rng.uniform(0.5, 0.9) * (bottom - top))),
                    (int(edge + step), int(bottom)),
                    tuple(float(v) for v in random_colour(rng)),
                    -1,
                )
                edge += step
    return image


def _outdoor(rng: Rng, size: Size) -> np.ndarray:
    h, w = size
    y = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
    sky = random_colour(rng, float(rng.uniform(0, 0.5)), float(rng.uniform(0.6, 1)))
    sky[0] = max(sky)
    image = sky * (0.8 + 0.2 * y) + 0.1 * np.clip(fractal_noise(rng, size, 2, 5, 0.6), 0, 2)[..., None]
    for _ in range(int(rng.integers(1, 4))):
        line = rng.uniform(0.2, 0.8) * h + rng.uniform(0.02, 0.2) * h * fractal_noise(rng, (2, w), 0.1, 6, 0.6)[0]
        below = smoothstep(np.arange(h, dtype=np.float32)[:, None] - line[None], -1, 1)[..., None]
        ground = random_colour(rng, float(rng.uniform(0.1, 0.6)), float(rng.uniform(0.1, 0.7)))
        texture = fractal_noise(rng, size, float(rng.uniform(6, 30)), 4, 0.75, float(rng.uniform(0.3, 2)))
        image = image + below * (ground * (1 + float(rng.uniform(0.1, 0.4)) * texture)[..., None] - image)
    return image


def _street(rng: Rng, size: Size) -> np.ndarray:
    h, w = size
    image = _outdoor(rng, size)
    x = float(rng.uniform(-30, 10))
    while x < w:
        width, top = float(rng.uniform(0.12, 0.5)) * w, float(rng.uniform(-0.3, 0.5)) * h
        wall, pane = (
            random_colour(rng, float(rng.beta(1, 3))),
            random_colour(rng, float(rng.beta(1, 3)), float(rng.beta(1, 1))),
        )
        cv2.rectangle(image, (int(x), int(top)), (int(x + width), h), tuple(float(v) for v in wall), -1)
        pitch, tall = float(rng.uniform(8, 40)), float(rng.uniform(0.8, 1.8))
        for row in np.arange(top + pitch * 0.4, h, pitch * tall):
            for column in np.arange(x + pitch * 0.3, x + width - pitch * 0.5, pitch):
                cv2.rectangle(
                    image,
                    (int(column), int(row)),
                    (int(column + pitch * 0.6), int(row + pitch * tall * 0.6)),
                    tuple(float(v) for v in pane * rng.uniform(0.6, 1.2)),
                    -1,
                )
        x += width * float(rng.uniform(0.8, 1.3))
    return image


def _foliage(rng: Rng, size: Size) -> np.ndarray:
    rough = fractal_noise(rng, size, float(rng.uniform(5, 20)), 6, 0.85)
    light = fractal_noise(rng, size, 3, 4, 0.6)
    green = random_colour(rng, float(rng.uniform(0.3, 0.8)), float(rng.uniform(0.25, 0.6)))
    if rng.random() < 0.7:
        green = np.sort(green)[[0, 2, 1]]
    image = green * np.clip(0.9 + 0.35 * rough + 0.3 * light, 0.05, 2.2)[..., None]
    for _ in range(int(rng.integers(0, 120))):
        at = (int(rng.uniform(0, size[1])), int(rng.uniform(0, size[0])))
        axes = (int(rng.uniform(2, 14)), int(rng.uniform(1, 5)))
        cv2.ellipse(
            image,
            at,
            axes,
            float(rng.uniform(0, 180)),
            0,
            360,
            tuple(float(v) for v in green * rng.uniform(0.3, 2)),
            -1,
            cv2.LINE_AA,
        )
    return image


def _polygons(rng: Rng, size: Size) -> np.ndarray:
    image = _gradient(rng, size)
    for _ in range(int(rng.integers(8, 50))):
        centre, reach = rng.uniform(0, 1, 2) * size[::-1], float(np.exp(rng.uniform(1.5, 4.8)))
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
        points = centre + reach * np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(
            0.5, 1.2, (len(angles), 1)
        )
        cv2.fillPoly(
            image, [np.round(points).astype(np.int32)], tuple(float(v) for v in random_colour(rng)), cv2.LINE_AA
        )
    return image


def _pattern(rng: Rng, size: Size) -> np.ndarray:
    return cloth_texture(rng, size, float(np.exp(rng.uniform(2.5, 5))))


def _cells(rng: Rng, size: Size) -> np.ndarray:
    count = int(rng.integers(10, 120))
    sites = rng.uniform(0, 1, (count, 2)).astype(np.float32) * size[::-1]
    y, x = np.mgrid[: size[0] : 2, : size[1] : 2].astype(np.float32)
    x = x + 8 * fractal_noise(rng, x.shape, 4, 3)
    best = np.full(x.shape, np.inf, np.float32)
    label = np.zeros(x.shape, np.int32)
    for k, (sx, sy) in enumerate(sites):
        distance = (x - sx) ** 2 + (y - sy) ** 2
        closer = distance < best
        best[closer], label[closer] = distance[closer], k
    colours = np.stack([random_colour(rng) for _ in range(count)])
    image = cv2.resize(colours[label], size[::-1], interpolation=cv2.INTER_LINEAR)
    return image * (1 + 0.12 * fractal_noise(rng, size, 10, 4, 0.7))[..., None]


def paste(image: np.ndarray, layer: Layer | None, alpha: float = 1.0) -> None:
    """Composites a layer into ``image`` (h, w, 3) in place, clipped to it."""
    if layer is None:
        return
    h, w = layer.alpha.shape
    x, y = layer.origin
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, image.shape[1]), min(y + h, image.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    inside = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
    target = image[y0:y1, x0:x1]
    target += (layer.alpha[inside] * np.float32(alpha))[..., None] * (layer.colour[inside] - target)


def add_clutter(
    rng: Rng, image: np.ndarray, light: Lighting, at: np.ndarray | None = None, reach: float | None = None
) -> Layer | None:
    """One faceless thing at a random place (or at ``at``, about ``reach`` pixels large); returns its layer where it
    has one.
    """
    size = image.shape[:2]
    centre = rng.uniform(-0.05, 1.05, 2) * size[::-1] if at is None else at
    radius = float(np.exp(rng.uniform(1.6, 4.4))) if reach is None else reach
    kind = choose(
        rng,
        ('ball', 'box', 'limb', 'hand', 'text', 'lines', 'dots', 'blob', 'ring'),
        (0.22, 0.16, 0.12, 0.1, 0.08, 0.08, 0.07, 0.12, 0.05),
    )
    layer: Layer | None = None
    if kind in ('ball', 'box', 'blob'):
        layer = _solid(rng, kind, centre, radius, light, size)
    elif kind == 'limb':
        angle = float(rng.uniform(0, 2 * np.pi))
        points = centre + np.array(
            [[0, 0], [np.cos(angle), np.sin(angle)], [np.cos(angle + 0.6), np.sin(angle + 0.6)]]
        ) * radius * np.array([[0], [1.6], [2.8]])
        layer = limb(
            rng, points, np.array([0.42, 0.34, 0.24]) * radius, random_skin(rng), light, size, bool(rng.random() < 0.6)
        )
    elif kind == 'hand' and radius > 4:
        for item in hand(rng, centre, min(radius, 70), float(rng.uniform(0, 2 * np.pi)), random_skin(rng), light, size):
            paste(image, item)
        return None
    else:
        _flat(rng, kind, image, centre, radius)
    paste(image, layer)
    return layer


def _solid(rng: Rng, kind: str, centre: np.ndarray, radius: float, light: Lighting, size: Size) -> Layer:
    """A shaded ball, box or blob; now and then of skin colour or with two dark spots."""
    side = int(2.4 * radius) + 6
    middle = np.array([side / 2, side / 2])
    mask = np.zeros((side, side), np.uint8)
    angle = float(rng.uniform(0, 360))
    axes = (radius, radius * float(rng.uniform(0.55, 1)))
    if kind == 'ball':
        whole = (int(axes[0]), int(axes[1]))
        points = np.array(cv2.ellipse2Poly((int(middle[0]), int(middle[1])), whole, int(angle), 0, 360, 15), float)
    elif kind == 'box':
        points = cv2.boxPoints(
            ((float(middle[0]), float(middle[1])), (axes[0] * 1.3, axes[1] * 1.3), angle if rng.random() < 0.5 else 0.0)
        )
    else:
        t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        wobble = 1 + 0.22 * np.sin(t * 2 + rng.uniform(0, 6)) + 0.15 * np.sin(t * 3 + rng.uniform(0, 6))
        points = middle + np.stack([np.cos(t), np.sin(t)], 1) * (np.array(axes) * 0.85) * wobble[:, None]
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 255, cv2.LINE_AA)
    choice = rng.random()
    if choice < 0.4:
        albedo = cloth_texture(rng, mask.shape, radius)
    else:
        base = random_skin(rng) if choice < 0.75 else random_colour(rng)
        albedo = base * (1 + 0.1 * fractal_noise(rng, mask.shape, 4, 4, 0.6))[..., None]
    if rng.random() < 0.25:
        for _ in range(int(rng.integers(1, 4))):
            spot = middle + rng.normal(0, 0.35, 2) * radius
            cv2.circle(
                albedo,
                (int(spot[0]), int(spot[1])),
                max(1, int(radius * rng.uniform(0.06, 0.25))),
                tuple(float(v) for v in random_colour(rng)),
                -1,
                cv2.LINE_AA,
            )
    rounded = radius * (0.95 if kind == 'ball' else float(rng.uniform(0.1, 0.8)))
    colour = shade_relief(
        np.clip(albedo, 0.01, 1), mask, max(1.5, rounded), light, float(rng.random() < 0.3) * float(rng.uniform(0, 1))
    )
    return Layer(colour, mask.astype(np.float32) / 255, (int(centre[0] - side / 2), int(centre[1] - side / 2)))


def _flat(rng: Rng, kind: str, image: np.ndarray, centre: np.ndarray, radius: float) -> None:
    """Text, lines, rings or groups of dots."""
    colour = tuple(float(v) for v in random_colour(rng))
    x, y = int(centre[0]), int(centre[1])
    if kind == 'text':
        letters = ''.join(chr(int(rng.integers(33, 127))) for _ in range(int(rng.integers(1, 12))))
        scale = radius / 25
        mask = np.zeros(image.shape[:2], np.uint8)
        cv2.putText(
            mask,
            letters,
            (x, y),
            _FONTS[int(rng.integers(len(_FONTS)))],
            scale,
            255,
            max(1, int(scale * rng.uniform(1, 5))),
            cv2.LINE_AA,
        )
        blend(image, mask.astype(np.float32) / 255, np.array(colour, np.float32))
    elif kind == 'ring':
        cv2.ellipse(
            image,
            (x, y),
            (int(radius), int(radius * rng.uniform(0.5, 1))),
            float(rng.uniform(0, 180)),
            0,
            360,
            colour,
            max(1, int(radius * rng.uniform(0.04, 0.3))),
            cv2.LINE_AA,
        )
    elif kind == 'dots':
        for _ in range(int(rng.integers(2, 9))):
            spot = centre + rng.normal(0, 0.8, 2) * radius
            cv2.circle(
                image,
                (int(spot[0]), int(spot[1])),
                max(1, int(radius * rng.uniform(0.05, 0.4))),
                colour,
                -1,
                cv2.LINE_AA,
            )
    else:
        for _ in range(int(rng.integers(1, 8))):
            a, b = centre + rng.normal(0, 2, 2) * radius, centre + rng.normal(0, 2, 2) * radius
            cv2.line(
                image, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), colour, int(rng.integers(1, 5)), cv2.LINE_AA
            )
