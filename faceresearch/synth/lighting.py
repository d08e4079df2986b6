"""Light of a scene, and shading of surfaces known by their normals. Colours are BGR; light adds in squared (roughly
linear) values.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .noise import Rng


@dataclass
class Lighting:
    """One key light and a sky-to-ground ambient. ``direction`` (x right, y up, z to the viewer) points to the light,
    unit length.
    """

    direction: np.ndarray
    key: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    hardness: float


def sample_lighting(rng: Rng) -> Lighting:
    """Sun, window, flash, overcast, indoor or stage light."""
    azimuth, elevation = float(rng.normal(0, 0.9)), float(rng.normal(0.55, 0.4))
    if rng.random() < 0.15:
        azimuth, elevation = float(rng.normal(0, 0.1)), float(rng.normal(0.05, 0.1))
    d = np.array(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)], np.float32
    )
    warm = float(rng.normal(0.04, 0.12))
    key_colour = np.array([1 - warm, 1.0, 1 + warm], np.float32)
    if rng.random() < 0.05:
        key_colour = rng.uniform(0.3, 1.2, 3).astype(np.float32)
    ratio = float(rng.beta(1.6, 1.4))
    total = float(np.exp(rng.normal(0.25, 0.28)))
    tone = float(rng.normal(0, 0.09))
    ambient = np.array([1 + tone, 1.0, 1 - tone], np.float32) * (total * (1 - ratio))
    shade = float(rng.uniform(0.3, 0.9))
    return Lighting(
        d,
        key_colour * total * ratio * 1.25,
        ambient,
        ambient * shade * rng.uniform(0.85, 1.1, 3).astype(np.float32),
        float(rng.random()),
    )


def shade(
    albedo: np.ndarray,
    normals: np.ndarray,
    light: Lighting,
    ambient: np.ndarray | float = 1.0,
    shadow: np.ndarray | float = 1.0,
    gloss: np.ndarray | float = 0.0,
    bleed: float = 0.0,
) -> np.ndarray:
    """Lit colour (h, w, 3) in display values, about [0, 1] but not clipped.

    Args:
        albedo: (h, w, 3) display values in [0, 1].
        normals: (h, w, 3) unit normals (x right, y up, z to the viewer).
        light: the scene's light.
        ambient: (h, w) ambient visibility.
        shadow: (h, w) key light visibility.
        gloss: (h, w) strength of highlights.
        bleed: how far light creeps round the edge of shadow, most in red (skin).
    """
    facing = normals @ light.direction
    wrap = np.array([0.08, 0.1, 0.1], np.float32) + np.array([0.0, 0.05, 0.14], np.float32) * bleed
    lit = np.maximum((facing[..., None] + wrap) / (1 + wrap), 0)
    up = normals[..., 1:2] * 0.5 + 0.5
    fill = light.ground + up * (light.sky - light.ground)
    if isinstance(ambient, np.ndarray):
        fill *= ambient[..., None]
    if isinstance(shadow, np.ndarray):
        lit *= shadow[..., None]
    energy = albedo * albedo * (fill + light.key * lit)
    half = light.direction + np.array([0, 0, 1], np.float32)
    half = half / (np.linalg.norm(half) + 1e-6)
    spec = np.maximum(normals @ half, 0)
    spec = spec * spec
    spec = spec * spec
    spec = spec * spec
    spec = (spec * spec + 0.25 * spec) * gloss * 0.28
    if isinstance(shadow, np.ndarray):
        spec = spec * shadow
    energy += spec[..., None] * light.key
    # A soft shoulder instead of hard clipping: bright skin keeps its modelling.
    energy /= np.sqrt(np.sqrt(1 + (energy * np.float32(0.9)) ** 4))
    return np.sqrt(energy)


def shade_relief(
    albedo: np.ndarray, mask: np.ndarray, radius: float, light: Lighting, gloss: float = 0.0, bleed: float = 0.0
) -> np.ndarray:
    """Lit colour (h, w, 3) of a flat cut-out rounded off over ``radius`` pixels: see :func:`relief` and :func:`shade`.

    The light is computed at the resolution the rounding needs, and enlarged.
    """
    scale = float(np.clip(7.0 / radius, 0.08, 1.0))
    h, w = mask.shape
    if scale > 0.75 or min(h, w) * scale < 6:
        return shade(albedo, relief(mask, radius), light, 1.0, 1.0, gloss, bleed)
    small = cv2.resize(mask, (round(w * scale), round(h * scale)), interpolation=cv2.INTER_AREA)
    white = np.full((*small.shape, 3), 0.5, np.float32)
    lit = shade(white, relief(small, radius * scale), light, 1.0, 1.0, gloss, bleed) * 2
    return albedo * cv2.resize(lit, (w, h), interpolation=cv2.INTER_LINEAR)


def normals_from_height(height: np.ndarray, per_pixel: float, limit: float = 3.0) -> np.ndarray:
    """Unit normals (h, w, 3) of a height field; ``per_pixel``: length of a pixel in the height's unit."""
    gx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=1 / (8 * per_pixel))
    gy = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=1 / (8 * per_pixel))
    np.clip(gx, -limit, limit, out=gx)
    np.clip(gy, -limit, limit, out=gy)
    inverse = 1 / np.sqrt(gx * gx + gy * gy + 1)
    return np.stack([-gx * inverse, gy * inverse, inverse], -1)


def relief(mask: np.ndarray, radius: float) -> np.ndarray:
    """Normals (h, w, 3) that make a flat uint8 ``mask`` look like a body rounded off over ``radius`` pixels at its
    edge.
    """
    distance = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, 3)
    t = 1 - np.minimum(distance / radius, 1)
    height = np.sqrt(np.maximum(1 - t * t, 0)).astype(np.float32) * radius
    return normals_from_height(cv2.GaussianBlur(height, (0, 0), max(0.8, radius * 0.12)), 1.0)
