"""Painting a face: skin, eyes, brows, nose, mouth, age lines, make-up and beard into the maps of a bare head."""

from __future__ import annotations

import cv2
import numpy as np

from .features import brow_contour, eye_contour, mouth_contour, mouth_corners
from .head_maps import HeadMaps, darken, ellipse, paint, soft_line, soft_polygon, tint
from .head_shape import grid
from .identity import Appearance, Expression, Identity
from .noise import Rng, fractal_noise, smoothstep
from .parts import Part


def paint_face(maps: HeadMaps, person: Identity, expression: Expression, looks: Appearance) -> None:
    """Paints everything that is not hair on the head or worn; what is too fine to be seen on small heads is left out."""
    rng = np.random.default_rng(person.texture_seed)
    _skin(maps, person, rng)
    _parts(maps, person)
    _age(maps, person, expression)
    if maps.detailed and looks.make_up > 0:
        _make_up(maps, person, looks)
    for side in (-1, 1):
        _eye(maps, person, expression, looks, side)
        _brow(maps, person, expression, side, rng)
    _nose(maps, person)
    _mouth(maps, person, expression, looks)
    if looks.beard != 'none':
        _beard(maps, person, expression, looks, rng)


def _skin(maps: HeadMaps, person: Identity, rng: Rng) -> None:
    """Blotches, red zones, freckles and pores; the centre of the face is glossier."""
    h = maps.height
    size = (h, 2 * h)
    blotch = fractal_noise(rng, size, 5, 3, 0.6)
    maps.albedo *= (1 + 0.035 * blotch)[..., None]
    pores = cv2.resize(rng.standard_normal((h // 2, h), dtype=np.float32), (2 * h, h), interpolation=cv2.INTER_LINEAR)
    maps.bump += (0.002 + 0.0025 * person.wrinkles) * pores
    red = np.array([0.88, 0.86, 1.03], np.float32)
    red = 1 + (red - 1) * (0.1 + 0.8 * person.redness)
    for u, phi, ru, rphi in (
        (-0.5, -0.28, 0.22, 0.16),
        (0.5, -0.28, 0.22, 0.16),
        (0, person.nose_phi, 0.14, 0.1),
        (-1.6, 0, 0.2, 0.2),
        (1.6, 0, 0.2, 0.2),
    ):
        tint(maps, soft_polygon(maps, ellipse(u, phi, ru, rphi), 0.09), red)
    if maps.detailed and person.freckles > 0.1:
        us, phis = grid(h)
        spots = smoothstep(rng.standard_normal(size, dtype=np.float32), 2.0, 2.4)
        spots = cv2.GaussianBlur(spots, (0, 0), 0.8) * np.exp(-((us / 0.7) ** 2) - ((phis + 0.15) / 0.25) ** 2)
        maps.albedo *= 1 - (person.freckles * 0.9 * spots)[..., None] * np.array([0.6, 0.5, 0.35], np.float32)
    shine = soft_polygon(maps, ellipse(0, 0.1, 0.25, 0.55), 0.12)
    maps.gloss[shine[0]] += 0.25 * shine[1]


def _parts(maps: HeadMaps, person: Identity) -> None:
    """Part ids of ears and neck, and the shade under the chin and in the ears."""
    u, phi = grid(maps.height)
    below = (phi < -1.15) | ((phi < -0.75) & (np.abs(u) > 1.7))
    maps.part[below] = Part.NECK
    maps.ambient *= 1 - 0.45 * smoothstep(phi, -1.0, -1.12)
    for side, part in ((1, Part.LEFT_EAR), (-1, Part.RIGHT_EAR)):
        rphi = 0.2 * person.ear_size
        region = soft_polygon(maps, ellipse(side * 1.63, 0.0, 0.15, rphi), 0.02)
        maps.part[region[0]][region[1] > 0.5] = part
        for ru, rp, shift in ((0.085, 0.12, 0.0), (0.05, 0.06, -0.03)):
            darken(maps, soft_polygon(maps, ellipse(side * (1.6 - shift), -0.02, ru, rp), 0.03), 0.35)


def _age(maps: HeadMaps, person: Identity, expression: Expression) -> None:
    """Folds beside the mouth, bags under the eyes, lines on the forehead and between the brows, crow's feet."""
    smile = max(0.0, expression.smile)
    corners = mouth_corners(person, expression)
    for side in (-1, 1):
        darken(maps, soft_polygon(maps, ellipse(side * 0.22, person.eye_phi + 0.04, 0.1, 0.1), 0.05), 0.38)
        if not maps.detailed and expression.smile < 0.4:
            continue
        fold = np.array(
            [
                [0.17, person.nose_phi - 0.0],
                [0.3, person.nose_phi - 0.12],
                [abs(corners[1, 0]) + 0.09, corners[1, 1] + 0.03],
                [abs(corners[1, 0]) + 0.08, corners[1, 1] - 0.07],
            ]
        ) * (side, 1)
        darken(maps, soft_line(maps, fold, 0.02, 0.022), min(0.75, 0.15 + 0.5 * smile + 0.4 * person.wrinkles))
        bag = np.array(
            [
                [person.eye_u - 0.13, person.eye_phi - 0.06],
                [person.eye_u, person.eye_phi - 0.12],
                [person.eye_u + 0.15, person.eye_phi - 0.07],
            ]
        )
        darken(maps, soft_line(maps, bag * (side, 1), 0.03, 0.025), 0.25 + 0.33 * person.wrinkles)
        if person.wrinkles > 0.15:
            for k in (-1, 0, 1):
                foot = np.array(
                    [
                        [person.eye_u + 0.18, person.eye_phi + 0.02 * k],
                        [person.eye_u + 0.32, person.eye_phi + 0.06 * k - 0.02],
                    ]
                )
                darken(maps, soft_line(maps, foot * (side, 1), 0.008, 0.006), 0.33 * person.wrinkles * (0.5 + smile))
    if not maps.detailed:
        return
    if person.wrinkles > 0.1 or expression.brow_raise > 0.3:
        u = np.linspace(-0.5, 0.5, 9)
        for k in range(3):
            line = np.stack([u, person.eye_phi + 0.36 + 0.085 * k + 0.02 * np.cos(u * 5 + k)], 1)
            darken(
                maps, soft_line(maps, line, 0.012, 0.01), min(0.7, 0.33 * person.wrinkles + 0.3 * expression.brow_raise)
            )
    if expression.frown > 0.2:
        for side in (-1, 1):
            line = np.array([[side * 0.06, person.eye_phi + 0.12], [side * 0.05, person.eye_phi + 0.25]])
            darken(maps, soft_line(maps, line, 0.02, 0.012), 0.6 * expression.frown)


def _make_up(maps: HeadMaps, person: Identity, looks: Appearance) -> None:
    """Eye shadow and blush."""
    rng = np.random.default_rng(looks.seed)
    shadow = np.array(rng.uniform(0.05, 0.5, 3), np.float32)
    for side in (-1, 1):
        paint(
            maps,
            soft_polygon(maps, ellipse(side * person.eye_u, person.eye_phi + 0.06, 0.17, 0.075), 0.03),
            shadow,
            0.45 * looks.make_up,
        )
        tint(maps, soft_polygon(maps, ellipse(side * 0.6, -0.25, 0.2, 0.11), 0.08), np.array([0.9, 0.85, 1.03]))


def _eye(maps: HeadMaps, person: Identity, expression: Expression, looks: Appearance, side: int) -> None:
    """White, iris, pupil, highlight, the shade of the upper lid, lashes and crease."""
    eye = eye_contour(person, expression, side)
    part = Part.LEFT_EYE if side > 0 else Part.RIGHT_EYE
    outline = np.concatenate([eye.upper, eye.lower[::-1]])
    opening = float((eye.upper[:, 1] - eye.lower[:, 1]).max())
    lash = person.hair * 0.25 * (1 - 0.6 * looks.make_up)
    if opening > 0.025:
        window, lid = soft_polygon(maps, outline, 0.004)
        white = np.array([0.80, 0.82, 0.86], np.float32) * (0.75 + 0.2 * float(person.skin.mean()))
        paint(maps, (window, lid), white, 1.0, part, 0.7)
        for radius, colour in ((eye.iris_radius, person.iris), (eye.iris_radius * 0.45, np.full(3, 0.02, np.float32))):
            w, disc = soft_polygon(maps, ellipse(eye.iris[0], eye.iris[1], radius, radius), 0.005)
            rows = slice(max(w[0].start, window[0].start), min(w[0].stop, window[0].stop))
            cols = slice(max(w[1].start, window[1].start), min(w[1].stop, window[1].stop))
            if rows.stop <= rows.start or cols.stop <= cols.start:
                continue
            part_disc = disc[
                rows.start - w[0].start : rows.stop - w[0].start, cols.start - w[1].start : cols.stop - w[1].start
            ]
            part_lid = lid[
                rows.start - window[0].start : rows.stop - window[0].start,
                cols.start - window[1].start : cols.stop - window[1].start,
            ]
            paint(maps, ((rows, cols), part_disc * part_lid), colour, 0.95)
        glint = ellipse(eye.iris[0] - 0.018, eye.iris[1] + 0.022, 0.013, 0.013, 8)
        paint(maps, soft_polygon(maps, glint, 0.003), np.ones(3, np.float32), 0.75)
        shade = np.concatenate([eye.upper, (eye.upper - (0, 0.35 * opening))[::-1]])
        darken(maps, soft_polygon(maps, shade, 0.006), 0.45)
    paint(maps, soft_line(maps, eye.upper, 0.016 + 0.012 * looks.make_up + 0.004 * person.feminine, 0.003), lash, 0.9)
    paint(maps, soft_line(maps, eye.lower, 0.008, 0.004), maps.albedo[maps.height // 2, maps.height] * 0.55, 0.6)
    crease = eye.upper + np.stack([np.zeros(13), 0.035 * np.sin(np.linspace(0.2, np.pi - 0.2, 13))], 1)
    darken(maps, soft_line(maps, crease, 0.01, 0.008), 0.5)


def _brow(maps: HeadMaps, person: Identity, expression: Expression, side: int, rng: Rng) -> None:
    """An eyebrow with hairs."""
    window, mask = soft_polygon(maps, brow_contour(person, expression, side), 0.012)
    if mask.size == 0:
        return
    hairs = 0.75 + 0.35 * rng.random(mask.shape, dtype=np.float32)
    colour = person.hair * 0.8 if person.age < 60 else person.hair
    paint(
        maps,
        (window, np.clip(mask * hairs * 1.3, 0, 1)),
        colour,
        0.85,
        Part.LEFT_BROW if side > 0 else Part.RIGHT_BROW,
        0.05,
    )


def _nose(maps: HeadMaps, person: Identity) -> None:
    """Part id, nostrils, the shade beneath and along the sides."""
    tip, width = person.nose_phi, person.nose_width
    outline = np.array(
        [
            [-0.06, person.eye_phi + 0.1],
            [0.06, person.eye_phi + 0.1],
            [0.1 * width, tip + 0.12],
            [0.19 * width, tip - 0.03],
            [0.12 * width, tip - 0.1],
            [-0.12 * width, tip - 0.1],
            [-0.19 * width, tip - 0.03],
            [-0.1 * width, tip + 0.12],
        ]
    )
    region = soft_polygon(maps, outline)
    inside = maps.part[region[0]]
    inside[(region[1] > 0.5) & (inside == Part.SKIN)] = Part.NOSE
    darken(maps, soft_polygon(maps, ellipse(0, tip - 0.10, 0.15 * width, 0.035), 0.02), 0.55)
    for side in (-1, 1):
        paint(
            maps,
            soft_polygon(maps, ellipse(side * 0.07 * width, tip - 0.078, 0.036 * width, 0.02), 0.007),
            person.skin * 0.12,
            0.9,
        )
        wing = np.array([[0.15 * width, tip + 0.04], [0.185 * width, tip - 0.02], [0.165 * width, tip - 0.075]]) * (
            side,
            1,
        )
        darken(maps, soft_line(maps, wing, 0.015, 0.013), 0.55)


def _mouth(maps: HeadMaps, person: Identity, expression: Expression, looks: Appearance) -> None:
    """Lips, and behind open ones the cavity, teeth and tongue."""
    lips = mouth_contour(person, expression)
    skin = person.skin
    natural = skin * np.array([0.72, 0.66, 0.92], np.float32) * (1 - 0.2 * person.lip_redness)
    colour = natural + looks.make_up * (looks.lipstick - natural) * (person.age > 14)
    shine = 0.35 + 0.5 * looks.make_up
    darken(maps, soft_line(maps, lips.lower_outer[3:-3] - (0, 0.03), 0.03, 0.02), 0.35)
    paint(
        maps,
        soft_polygon(maps, np.concatenate([lips.upper_outer, lips.upper_inner[::-1]]), 0.008),
        colour * 0.88,
        0.9,
        Part.UPPER_LIP,
        shine,
    )
    paint(
        maps,
        soft_polygon(maps, np.concatenate([lips.lower_inner, lips.lower_outer[::-1]]), 0.008),
        colour,
        0.9,
        Part.LOWER_LIP,
        shine,
    )
    gap = float((lips.upper_inner[:, 1] - lips.lower_inner[:, 1]).max())
    if gap > 0.012:
        hole = np.concatenate([lips.upper_inner, lips.lower_inner[::-1]])
        region = soft_polygon(maps, hole, 0.004)
        paint(maps, region, np.array([0.05, 0.04, 0.12], np.float32), 0.95, Part.MOUTH, 0.1)
        bite = np.minimum(0.075, gap * 0.75) * (1 - np.linspace(-1, 1, 17) ** 4)
        if expression.teeth > 0.3:
            teeth = np.concatenate([lips.upper_inner, (lips.upper_inner - np.stack([np.zeros(17), bite], 1))[::-1]]) * (
                0.93,
                1,
            )
            paint(
                maps, soft_polygon(maps, teeth, 0.005), np.array([0.72, 0.8, 0.84], np.float32), 0.92, Part.MOUTH, 0.5
            )
        if gap > 0.13:
            tongue = ellipse(0, float(lips.lower_inner[8, 1]) + 0.035, person.mouth_width * 0.55, 0.04)
            paint(maps, soft_polygon(maps, tongue, 0.012), np.array([0.28, 0.25, 0.55], np.float32), 0.8)
    else:
        darken(maps, soft_line(maps, lips.upper_inner, 0.014, 0.006), 0.85)
    for x, y in mouth_corners(person, expression):
        darken(maps, soft_polygon(maps, ellipse(x, y, 0.025, 0.02, 8), 0.014), 0.5)


def _beard(maps: HeadMaps, person: Identity, expression: Expression, looks: Appearance, rng: Rng) -> None:
    """Stubble, moustache, goatee or beard: colour with hair texture, thickness in the radius."""
    # Only the lower front half of the head.
    h = maps.height
    window = (slice(h // 2, h), slice(h * 9 // 20, h * 31 // 20))
    u, phi = (part[window] for part in grid(h))
    side = np.abs(u)
    lips = mouth_contour(person, expression)
    upper, lower = float(lips.upper_outer[8, 1]), float(lips.lower_outer[8, 1])
    wide = abs(float(lips.upper_outer[0, 0]))
    moustache = (
        smoothstep(side, wide + 0.12, wide + 0.02)
        * smoothstep(phi, upper - 0.06, upper + 0.0)
        * smoothstep(phi, person.nose_phi - 0.07, person.nose_phi - 0.12)
    )
    chin = smoothstep(side, wide + 0.12, wide - 0.02) * smoothstep(phi, lower + 0.0, lower - 0.05)
    free = 0.35 * np.exp(-((u / 0.42) ** 2))
    jaw = smoothstep(phi, -0.32 - free + 0.30 * smoothstep(side, 0.9, 1.25), -0.45 - free) * smoothstep(side, 1.6, 1.4)
    across, along = (u / (wide + 0.05)) ** 2, ((phi - (upper + lower) / 2) / ((upper - lower) / 2 + 0.035)) ** 2
    around = 1 - np.exp(-across * across - along * along)
    kinds = {
        'moustache': moustache,
        'goatee': np.maximum(moustache, chin),
        'stubble': np.maximum(np.maximum(moustache, chin), jaw),
    }
    mask = kinds.get(looks.beard, kinds['stubble']) * around * smoothstep(phi, -1.45, -1.2)
    texture = fractal_noise(rng, u.shape, 20, 2, 0.8, 2.0)
    strength = {'stubble': 0.38 * looks.beard_density}.get(looks.beard, looks.beard_density)
    weight = np.clip(mask * strength * (1 + 0.35 * texture), 0, 1).astype(np.float32)
    maps.albedo[window] += weight[..., None] * (person.hair * (1 + 0.25 * texture[..., None]) - maps.albedo[window])
    maps.gloss[window] *= 1 - 0.8 * weight
    if looks.beard != 'stubble':
        thick = 0.5 * smoothstep(phi, -0.7, -1.1) if looks.beard == 'long' else 0.0
        maps.radius[window] += (mask * (0.05 + thick) * (1 + 0.12 * texture)).astype(np.float32)
        maps.bump[window] += mask * 0.02 * texture
