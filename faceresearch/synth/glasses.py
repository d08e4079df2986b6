"""Glasses and sunglasses: lens outlines in space before the face, drawn where nothing of the head lies in front of
them.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .identity import Appearance, Identity
from .lighting import Lighting
from .noise import blend
from .parts import Part

Projection = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def _lens(person: Identity, looks: Appearance, side: int, rng: np.random.Generator) -> np.ndarray:
    """Outline (24, 3) of one lens, bent round the face."""
    big = 1.25 if looks.glasses in ('sun', 'goggles') else 1.0
    half_w, half_h = 0.33 * big * rng.uniform(0.85, 1.12), 0.25 * big * rng.uniform(0.75, 1.2)
    power = rng.uniform(1.8, 4.5)
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    c, s = np.cos(t), np.sin(t)
    x = side * 1.1 * np.sin(person.eye_u) * 1.12 + half_w * np.sign(c) * np.abs(c) ** (2 / power)
    y = 1.15 * np.sin(person.eye_phi) - 0.02 + half_h * np.sign(s) * np.abs(s) ** (2 / power)
    return np.stack([x, y, 1.27 - 0.28 * x**2], 1).astype(np.float32)


def _visible(points: np.ndarray, depths: np.ndarray, z: np.ndarray) -> np.ndarray:
    at = np.clip(points.astype(int), 0, (z.shape[1] - 1, z.shape[0] - 1))
    return depths > z[at[:, 1], at[:, 0]] - 0.04


def _stroke(mask: np.ndarray, points: np.ndarray, seen: np.ndarray, thickness: int) -> None:
    both = seen[:-1] & seen[1:]
    for k in np.flatnonzero(both):
        a, b = np.round(points[k] * 16).astype(int), np.round(points[k + 1] * 16).astype(int)
        cv2.line(mask, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 255, thickness, cv2.LINE_AA, 4)


def draw_glasses(
    colour: np.ndarray,
    part: np.ndarray,
    z: np.ndarray,
    person: Identity,
    looks: Appearance,
    project: Projection,
    unit: float,
    light: Lighting,
) -> None:
    """Draws the glasses of ``looks`` over a rendered head in place.

    Args:
        colour: (h, w, 3) display values.
        part: (h, w) part ids, set where the glasses cover.
        z: (h, w) depth of the head.
        person: whose eyes the lenses sit before.
        looks: kind and colour.
        project: from head axes (n, 3) to window positions (n, 2) and depths (n,).
        unit: window pixels per length unit.
        light: brightness of what mirrors in the lenses.
    """
    dark = looks.glasses in ('sun', 'goggles')
    frame = np.zeros(z.shape, np.uint8)
    thickness = max(
        1, round(unit * {'thick': 0.065, 'sun': 0.05, 'goggles': 0.1, 'rimless': 0.012}.get(looks.glasses, 0.028))
    )
    strength = min(1.0, unit * 0.06)
    bridge = []
    for side in (-1, 1):
        outline = _lens(person, looks, side, np.random.default_rng([looks.seed, 5]))
        points, depths = project(outline)
        seen = _visible(points, depths, z)
        bridge.append(outline[12 if side > 0 else 0])
        if seen.mean() > 0.3:
            lens = np.zeros(z.shape, np.uint8)
            keep = points[seen] if not seen.all() else points
            cv2.fillPoly(lens, [np.round(keep * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
            _fill_lens(colour, part, lens, dark, looks, light)
        loop = np.concatenate([points, points[:1]])
        _stroke(frame, loop, np.concatenate([seen, seen[:1]]), thickness)
        temple = np.array(
            [outline[0 if side > 0 else 12], [side * 1.02, 0.2, 0.75], [side * 1.1, 0.17, 0.0]], np.float32
        )
        temple = np.concatenate([np.linspace(temple[k], temple[k + 1], 6) for k in range(2)])
        points, depths = project(temple)
        _stroke(frame, points, _visible(points, depths + 0.05, z), thickness)
    points, depths = project(np.linspace(bridge[0], bridge[1], 5) + np.array([0, 0.08, 0.02], np.float32))
    _stroke(frame, points, _visible(points, depths, z), thickness)
    mask = frame.astype(np.float32) / 255
    level = float(np.sqrt(light.sky.mean() + 0.4 * light.key.mean()))
    blend(colour, mask, looks.glasses_colour * level, 0.95 * strength)
    part[frame > 127] = Part.SUNGLASSES if dark else Part.EYE_GLASSES


def _fill_lens(
    colour: np.ndarray, part: np.ndarray, lens: np.ndarray, dark: bool, looks: Appearance, light: Lighting
) -> None:
    """Tint and mirror image of a lens."""
    rng = np.random.default_rng([looks.seed, 6])
    h, w = lens.shape
    mask = lens.astype(np.float32) / 255
    rows = (
        np.linspace(0, 1, h, dtype=np.float32)[:, None]
        + float(rng.normal(0, 0.6)) * np.linspace(0, 1, w, dtype=np.float32)[None]
    )
    wave = 0.5 + 0.5 * np.sin(rows * float(rng.uniform(10, 40)) + float(rng.uniform(0, 6)))
    bright = float(np.sqrt(light.key.mean() + light.sky.mean()))
    if dark:
        tint = rng.uniform(0.02, 0.14, 3).astype(np.float32)
        blend(
            colour,
            mask,
            tint + (wave * float(rng.uniform(0, 0.4)) * bright)[..., None].astype(np.float32),
            float(rng.uniform(0.75, 0.98)),
        )
        part[lens > 127] = Part.SUNGLASSES
    else:
        blend(colour, mask * wave.astype(np.float32), np.full(3, bright, np.float32), float(rng.uniform(0, 0.22)))
        # As CelebAMask-HQ is annotated: eyes, brows and hair behind clear lenses stay what they are.
        part[(lens > 127) & np.isin(part, (Part.SKIN, Part.NOSE))] = Part.EYE_GLASSES
