"""Hair and head-gear: larger radii and other colours over the maps of a head."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .head_maps import HeadMaps
from .head_shape import add_bump, grid
from .identity import Appearance, Identity
from .noise import Rng, fractal_noise, smoothstep, value_noise
from .parts import Part


def add_hair(maps: HeadMaps, person: Identity, looks: Appearance) -> None:
    """Grows the hair of ``looks`` on the head."""
    if looks.hair_style == 'bald':
        maps.gloss[: maps.height // 3] += 0.3
        return
    rng = np.random.default_rng([looks.seed, 1])
    u, phi = grid(maps.height)
    line = _hairline(u[0], person, looks, rng)
    rough = 0.05 * value_noise(rng, (1, u.shape[1]), (2, 60 if looks.fringe else 30))[:1] + 0.01 * rng.standard_normal(
        (1, u.shape[1]), dtype=np.float32
    )
    soft = 0.10 if looks.hair_style in ('buzz', 'receding') else 0.035
    mask = smoothstep(phi, line[None] + rough - soft, line[None] + rough + soft).astype(np.float32)
    strands = _strands(maps.height, person, looks, rng)
    _hair_volume(maps, person, looks, mask, line, strands, rng)
    density = {'buzz': 0.72, 'receding': 0.85}.get(looks.hair_style, 1.0)
    colour: np.ndarray = person.hair * (1 + np.float32(0.22) * strands[..., None])
    if rng.random() < 0.3:
        colour = colour * (1 + 0.25 * value_noise(rng, u.shape, (3, 24)))[..., None]
    weight = (mask * density)[..., None]
    maps.albedo += weight * (np.clip(colour, 0.008, 1) - maps.albedo)
    maps.gloss += mask * (0.45 - 0.35 * person.hair_curl - maps.gloss)
    maps.bump += mask * strands * np.float32(0.012 if looks.hair_style != 'buzz' else 0.006)
    maps.part[mask > 0.5] = Part.HAIR
    edge = cv2.GaussianBlur(mask, (0, 0), maps.height * 0.02)
    maps.ambient *= 1 - 0.35 * edge * (1 - mask)


def _hairline(u: np.ndarray, person: Identity, looks: Appearance, rng: Rng) -> np.ndarray:
    """Elevation (columns,) above which there is hair."""
    at = np.array([0, 0.35, 0.6, 0.85, 1.05, 1.2, 1.35, 1.5, 1.75, 1.95, 2.3, 3.15])
    top, recede = person.hairline, 0.0
    if looks.hair_style == 'receding':
        top, recede = person.hairline + 0.25 + 0.3 * person.baldness, 0.15
    low = -0.8
    short = [top, top + recede, top - 0.04 + recede, 0.52 + recede, 0.28, -0.12, -0.02, 0.22, 0.2, -0.45, low, low]
    open_side = float(rng.uniform(0.85, 1.3))
    if looks.hair_style in ('long', 'bob'):
        values = np.interp(
            at, [0, 0.35, 0.6, open_side, open_side + 0.22, 3.15], [top, top - 0.02, top - 0.1, 0.25, -1.6, -1.6]
        )
    elif looks.hair_style == 'afro':
        values = np.array([top, top, top - 0.1, 0.4, 0.15, -0.1, -0.3, -0.35, -0.4, -0.6, -0.7, -0.7])
    elif looks.hair_style == 'tied':
        values = np.array([top, top, top - 0.05, 0.5, 0.3, 0.12, 0.12, 0.24, 0.2, -0.2, -0.5, -0.6])
    else:
        values = np.array(short)
    line = np.interp(np.abs(u), at, values)
    if looks.fringe > 0 and looks.hair_style not in ('buzz', 'receding', 'tied'):
        bangs = person.eye_phi + 0.12 + 0.3 * (1 - looks.fringe)
        spread = float(rng.uniform(0.55, 0.95))
        line = np.minimum(
            line,
            np.where(np.abs(u) < spread, np.maximum(bangs, line - 0.6 * looks.fringe) + 0.25 * looks.parting * u, line),
        )
    elif looks.hair_style != 'buzz':
        line = line - 0.16 * np.abs(looks.parting) * np.exp(-(((u - np.sign(looks.parting) * 0.55) / 0.3) ** 2))
    return cv2.GaussianBlur(line.astype(np.float32)[None], (0, 0), len(u) * 0.006)[0]


def _strands(height: int, person: Identity, looks: Appearance, rng: Rng) -> np.ndarray:
    """Light and dark of hair strands (about unit variance): running down, curled by ``hair_curl``."""
    size = (height, 2 * height)
    fine: np.ndarray = value_noise(rng, size, (5, 2 * height * 0.42)) * 0.6 + value_noise(rng, size, (4, 70)) * 0.6
    if person.hair_curl > 0.45 or looks.hair_style == 'afro':
        return 0.35 * fine + 0.8 * fractal_noise(rng, size, 26, 3, 0.8, 1.0)
    if person.hair_curl > 0.15:
        shift = (value_noise(rng, size, (14, 8)) * person.hair_curl * height * 0.08).astype(np.float32)
        cols, rows = np.meshgrid(np.arange(size[1], dtype=np.float32), np.arange(size[0], dtype=np.float32))
        fine = cv2.remap(fine, cols + shift, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return fine


def _hair_volume(
    maps: HeadMaps,
    person: Identity,
    looks: Appearance,
    mask: np.ndarray,
    line: np.ndarray,
    strands: np.ndarray,
    rng: Rng,
) -> None:
    """Raises the radius under the hair; long hair becomes a curtain that hangs past the jaw."""
    u, phi = grid(maps.height)
    volume = looks.hair_volume
    lump = np.clip(1 + 0.25 * fractal_noise(rng, u.shape, 4, 3, 0.6), 0.3, 1.9)
    thick = volume * lump * (0.35 + 0.65 * smoothstep(phi, -0.2, 0.9)) if looks.hair_style != 'afro' else volume * lump
    if looks.hair_style == 'quiff':
        thick = thick + 0.25 * np.exp(-((u / 0.7) ** 2) - ((phi - 1.05) / 0.35) ** 2)
    rise = smoothstep(phi - line[None], -0.02, 0.2)
    maps.radius += (mask * (0.015 + thick * (0.2 + 0.8 * rise))).astype(np.float32) + 0.006 * mask * strands
    if looks.hair_style in ('long', 'bob'):
        reach = 1.25 if looks.hair_style == 'bob' else looks.hair_length
        length = reach * (1 + 0.06 * value_noise(rng, (1, u.shape[1]), (2, 40))[:1])
        below = smoothstep(phi, 0.2, -0.15) * mask
        width = (1.02 + volume) * (1 + 0.05 * strands * (0.3 + person.hair_curl)) * lump**0.3
        curtain = np.minimum(width / np.maximum(np.cos(phi), 0.05), length / np.maximum(-np.sin(phi), 0.05))
        maps.radius += below * (np.maximum(curtain, 0.9) - maps.radius)
    elif looks.hair_style == 'tied' and rng.random() < 0.5:
        add_bump(maps.radius, 0.0, float(rng.uniform(1.0, 1.45)), 3.0, 0.17, 0.35, 4.0)


def add_headwear(maps: HeadMaps, looks: Appearance) -> None:
    """Puts on what ``looks.headwear`` names."""
    if looks.headwear == 'none':
        return
    rng = np.random.default_rng([looks.seed, 2])
    u, phi = grid(maps.height)
    makers: dict[str, Callable[[HeadMaps, Appearance, np.ndarray, np.ndarray, Rng], tuple[np.ndarray, np.ndarray]]]
    makers = {
        'cap': _cap,
        'beanie': _beanie,
        'brim': _brimmed,
        'hood': _hood,
        'turban': _turban,
        'helmet': _helmet,
        'band': _band,
    }
    mask, radius = makers[looks.headwear](maps, looks, u, phi, rng)
    mask = mask.astype(np.float32)
    maps.radius += mask * (radius.astype(np.float32) - maps.radius)
    cloth = _cloth(maps.height, looks, rng)
    maps.albedo += mask[..., None] * (cloth - maps.albedo)
    gloss = 0.9 if looks.headwear == 'helmet' else 0.08
    maps.gloss += mask * (gloss - maps.gloss)
    maps.bump *= 1 - mask
    maps.bump += mask * 0.008 * fractal_noise(rng, u.shape, 30, 2, 0.7)
    maps.ambient += mask * (1 - maps.ambient)
    maps.part[mask > 0.5] = Part.HAT
    edge = cv2.GaussianBlur(mask, (0, 0), maps.height * 0.025)
    maps.ambient *= 1 - 0.5 * edge * (1 - mask)


def _cloth(height: int, looks: Appearance, rng: Rng) -> np.ndarray:
    """A cloth texture (height, 2 height, 3): plain, striped, checked or mottled."""
    u, phi = grid(height)
    kind = int(rng.integers(0, 5))
    if kind == 1:
        mix = (np.sin(phi * rng.uniform(15, 45)) > rng.uniform(-0.3, 0.6)).astype(np.float32)
    elif kind == 2:
        mix = ((np.sin(phi * 22) > 0).astype(np.float32) + (np.sin(u * 14) > 0)) / 2
    elif kind == 3:
        mix = (fractal_noise(rng, u.shape, 8, 3) > 0.4).astype(np.float32)
    else:
        mix = np.zeros(u.shape, np.float32)
    base = looks.headwear_colour + mix[..., None] * (looks.headwear_second - looks.headwear_colour)
    return base * (1 + 0.06 * rng.standard_normal(u.shape, dtype=np.float32))[..., None]


def _cap(maps: HeadMaps, looks: Appearance, u: np.ndarray, phi: np.ndarray, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    line = looks.headwear_line - 0.25 * smoothstep(np.abs(u), 0.8, 2.6)
    mask = smoothstep(phi, line - 0.015, line + 0.015)
    radius = maps.face_radius + 0.1 + 0.08 * smoothstep(phi, line, line + 0.4)
    turned = 0.0 if rng.random() < 0.8 else float(rng.uniform(-3, 3))
    away = np.abs((u - turned + np.pi) % (2 * np.pi) - np.pi)
    peak = smoothstep(away, 0.85, 0.6) * np.exp(-(((phi - line - 0.03) / 0.045) ** 4))
    return np.maximum(mask, peak > 0.3), radius + peak * float(rng.uniform(0.45, 0.8)) * np.cos(np.minimum(away, 1.2))


def _beanie(
    maps: HeadMaps, looks: Appearance, u: np.ndarray, phi: np.ndarray, rng: Rng
) -> tuple[np.ndarray, np.ndarray]:
    line = looks.headwear_line - 0.05 - 0.45 * smoothstep(np.abs(u), 0.7, 1.6)
    mask = smoothstep(phi, line - 0.015, line + 0.015)
    ribs = 0.012 * np.sin(u * 60)
    cuff = 0.05 * smoothstep(phi, line + 0.3, line + 0.25)
    radius = maps.face_radius + 0.13 + ribs + cuff
    if rng.random() < 0.4:
        radius = radius + float(rng.uniform(0.15, 0.4)) * np.exp(-(((phi - 1.57) / 0.22) ** 4))
    return mask, radius


def _brimmed(
    maps: HeadMaps, looks: Appearance, u: np.ndarray, phi: np.ndarray, rng: Rng
) -> tuple[np.ndarray, np.ndarray]:
    line = looks.headwear_line - 0.05
    mask = smoothstep(phi, line - 0.03, line)
    crown = 1.28 + float(rng.uniform(0.0, 0.25))
    radius = np.maximum(
        maps.face_radius + 0.1,
        np.minimum(crown / np.maximum(np.cos(phi), 0.1), float(rng.uniform(1.7, 2.2)) / np.maximum(np.sin(phi), 0.1)),
    )
    width = float(rng.uniform(0.35, 1.0)) * (1 + float(rng.uniform(-0.3, 0.2)) * np.cos(2 * u))
    brim = np.exp(-(((phi - line - 0.02) / 0.05) ** 4))
    return mask, radius + brim * width


def _hood(maps: HeadMaps, looks: Appearance, u: np.ndarray, phi: np.ndarray, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    half, top, bottom = float(rng.uniform(0.8, 1.12)), looks.headwear_line + 0.02, float(rng.uniform(-1.35, -1.02))
    centre, reach = (top + bottom) / 2, (top - bottom) / 2
    inside = (np.abs(u) / half) ** 2.4 + (np.abs(phi - centre) / reach) ** 2.4
    mask = smoothstep(inside, 0.97, 1.05)
    folds = 0.05 * fractal_noise(rng, u.shape, 5, 3, 0.6)
    radius = np.maximum(maps.face_radius, 1.12) + 0.14 + folds
    curtain = np.minimum(1.25 / np.maximum(np.cos(phi), 0.05), 2.0 / np.maximum(-np.sin(phi), 0.05))
    return mask, np.where(phi < -0.2, np.maximum(radius, curtain + folds), radius)


def _turban(
    maps: HeadMaps, looks: Appearance, u: np.ndarray, phi: np.ndarray, rng: Rng
) -> tuple[np.ndarray, np.ndarray]:
    line = looks.headwear_line + 0.05 - 0.12 * np.cos(u * 2) - 0.35 * smoothstep(np.abs(u), 0.7, 1.8)
    mask = smoothstep(phi, line - 0.015, line + 0.015)
    wraps = 0.05 * np.abs(np.sin((phi + 0.3 * np.abs(u)) * 11))
    return mask, maps.face_radius + 0.28 + wraps - 0.1 * smoothstep(phi, 1.0, 1.5)


def _helmet(
    maps: HeadMaps, looks: Appearance, u: np.ndarray, phi: np.ndarray, rng: Rng
) -> tuple[np.ndarray, np.ndarray]:
    line = looks.headwear_line - float(rng.uniform(0.3, 0.9)) * smoothstep(np.abs(u), 0.75, 1.3)
    mask = smoothstep(phi, line - 0.012, line + 0.012)
    radius = np.full(u.shape, 1.62, np.float32) - 0.1 * np.cos(2 * u) * 0 + 0.0 * phi
    return mask, np.maximum(radius, maps.face_radius + 0.12)


def _band(maps: HeadMaps, looks: Appearance, u: np.ndarray, phi: np.ndarray, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    line = looks.headwear_line + 0.2 - 0.35 * smoothstep(np.abs(u), 0.7, 2.2) * float(rng.uniform(-1, 1))
    mask = np.exp(-(((phi - line) / float(rng.uniform(0.05, 0.13))) ** 6))
    return mask, maps.radius + 0.03


def add_face_mask(maps: HeadMaps, person: Identity, looks: Appearance) -> None:
    """A cloth or surgical mask over mouth and nose, with straps."""
    rng = np.random.default_rng([looks.seed, 3])
    u, phi = grid(maps.height)
    top = person.nose_phi + 0.16 - 0.18 * smoothstep(np.abs(u), 0.1, 0.5) - 0.05 * np.abs(u)
    low = -1.12 + 0.3 * smoothstep(np.abs(u), 0.3, 1.0)
    mask = (
        smoothstep(phi, top + 0.015, top - 0.015)
        * smoothstep(phi, low - 0.02, low + 0.02)
        * smoothstep(np.abs(u), 1.02, 0.96)
    )
    for level in (-0.15, -0.6):
        strap = level * (1 - smoothstep(np.abs(u), 0.95, 1.55))
        mask = np.maximum(mask, 0.9 * ((np.abs(phi - strap) < 0.018) & (np.abs(u) > 0.93) & (np.abs(u) < 1.55)))
    smooth = cv2.GaussianBlur(maps.face_radius, (0, 0), maps.height * 0.035)
    pleats = 0.012 * np.sin(phi * 45)
    maps.radius += (mask * (np.maximum(smooth, maps.face_radius) + 0.05 + pleats - maps.radius)).astype(np.float32)
    cloth = looks.mask_colour * (1 + 0.05 * rng.standard_normal(u.shape, dtype=np.float32))[..., None]
    weight = mask.astype(np.float32)
    maps.albedo += weight[..., None] * (cloth - maps.albedo)
    maps.gloss *= 1 - weight
    maps.ambient += weight * (1 - maps.ambient)
    maps.part[mask > 0.5] = Part.FACE_MASK
