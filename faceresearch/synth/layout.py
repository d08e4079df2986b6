"""Where the people of a scene stand and how large they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import Rng, choose

MAX_FACES = 20


@dataclass
class Place:
    """Centre of a face (pixels), its height from hairline to chin if seen from the front, and whether the person
    looks away from the camera.
    """

    x: float
    y: float
    height: float
    away: bool = False


def sample_places(
    rng: Rng, size: tuple[int, int], num_faces: int | None = None, face_height: float | None = None
) -> list[Place]:
    """Positions of 0-20 people in a picture of ``size`` (h, w): a portrait, a couple, rows of a group, a crowd, or
    scattered.
    """
    style = choose(
        rng, ('none', 'portrait', 'couple', 'group', 'crowd', 'scatter'), (0.04, 0.19, 0.16, 0.32, 0.17, 0.12)
    )
    if num_faces is not None:
        style = 'none' if num_faces == 0 else 'scatter'
    count = {
        'none': 0,
        'portrait': 1,
        'couple': 2,
        'group': int(rng.integers(3, 9)),
        'crowd': int(rng.integers(8, 21)),
        'scatter': int(rng.integers(2, 10)),
    }[style]
    count = min(MAX_FACES, count if num_faces is None else num_faces)
    wanted = _heights(rng, size, style, count) if face_height is None else np.full(count, float(face_height))
    if style in ('group', 'crowd') and rng.random() < 0.7:
        places = _rows(rng, size, wanted)
    elif style == 'couple':
        places = _pair(rng, size, wanted)
    else:
        places = _scatter(rng, size, wanted)
    if num_faces is None:
        for place in places:
            place.away = bool(rng.random() < 0.045)
        if rng.random() < 0.1:
            places += [
                Place(p.x, p.y, p.height, True)
                for p in _scatter(rng, size, _heights(rng, size, 'scatter', int(rng.integers(1, 4))), places)
            ]
    return places


def _heights(rng: Rng, size: tuple[int, int], style: str, count: int) -> np.ndarray:
    short = min(size)
    low, high = {'portrait': (0.12, 0.8), 'couple': (0.1, 0.5), 'group': (0.06, 0.24), 'crowd': (0.025, 0.13)}.get(
        style, (0.03, 0.5)
    )
    middle = np.exp(rng.uniform(np.log(low), np.log(high))) * short
    spread = 0.6 if style == 'scatter' else 0.12
    heights = middle * np.exp(rng.normal(0, spread, count))
    return np.clip(heights, 7.5, 0.85 * short)


def _scatter(rng: Rng, size: tuple[int, int], heights: np.ndarray, taken: list[Place] | None = None) -> list[Place]:
    places: list[Place] = []
    for height in sorted(heights, reverse=True):
        for _ in range(15):
            x, y = rng.uniform(-0.02, 1.02) * size[1], rng.uniform(0.05, 0.98) * size[0]
            if height > 0.3 * min(size):
                x, y = rng.normal(0.5, 0.17) * size[1], rng.normal(0.48, 0.13) * size[0]
            near = [*places, *(taken or [])]
            if all(abs(x - p.x) > 0.42 * (height + p.height) or abs(y - p.y) > 0.5 * (height + p.height) for p in near):
                places.append(Place(float(x), float(y), float(height)))
                break
    return places


def _pair(rng: Rng, size: tuple[int, int], heights: np.ndarray) -> list[Place]:
    apart = float(rng.uniform(0.85, 1.5)) * float(heights.mean())
    angle = float(rng.normal(0, 0.35))
    middle = np.array([rng.normal(0.5, 0.1) * size[1], rng.normal(0.45, 0.1) * size[0]])
    offset = np.array([np.cos(angle), np.sin(angle)]) * apart / 2
    return [
        Place(float(middle[0] + sign * offset[0]), float(middle[1] + sign * offset[1]), float(height))
        for sign, height in zip((-1, 1), heights, strict=True)
    ]


def _rows(rng: Rng, size: tuple[int, int], heights: np.ndarray) -> list[Place]:
    height = float(heights.mean())
    across, down = height * float(rng.uniform(1.0, 2.0)), height * float(rng.uniform(1.25, 2.2))
    per_row = max(1, int(size[1] * 1.02 / across))
    rows = int(np.ceil(len(heights) / per_row))
    top = float(rng.uniform(0.12, 0.6)) * size[0]
    places = []
    for index, wanted in enumerate(heights):
        row, column = divmod(index, per_row)
        inside = min(per_row, len(heights) - row * per_row)
        x = size[1] / 2 + (column - (inside - 1) / 2 + 0.3 * (row % 2)) * across + rng.normal(0, 0.12) * height
        y = top + (row - (rows - 1) * 0.3) * down + rng.normal(0, 0.15) * height
        if -0.1 * height < x < size[1] + 0.1 * height and 0 < y < size[0]:
            places.append(Place(float(x), float(y), float(wanted)))
    return places
