"""The shape of a head as a radius over all directions from its centre, on an equirectangular grid.

Row i of H is elevation pi/2 - (i + 0.5) pi / H, column j of 2H azimuth -pi + (j + 0.5) pi / H. Axes of the head: x to
the person's
left, y up, z forwards. A star-shaped head is one look-up per ray step, and hair, hats and beards are just larger radii.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from .identity import Expression, Identity
from .noise import smoothstep

#: Limits of the facial region that boxes cover (WIDER FACE: hairline to chin, cheek to cheek without the ears), in
#: radians.
FACE_U, FACE_PHI_CHIN, FACE_PHI_HAIRLINE = 1.4, -1.03, 0.78

# Height (unit: half a head's breadth, from the head's centre) against half width, front depth and back depth of the
# bare head.
_HEIGHTS = np.array([-1.45, -1.40, -1.25, -1.05, -0.8, -0.6, -0.3, 0.0, 0.2, 0.5, 0.8, 1.1, 1.3, 1.42, 1.55])
_WIDTHS = np.array([0.10, 0.34, 0.58, 0.74, 0.86, 0.92, 0.965, 0.975, 0.98, 1.0, 0.98, 0.86, 0.68, 0.48, 0.0])
_FRONTS = np.array([0.50, 0.98, 1.13, 1.13, 1.17, 1.18, 1.16, 1.12, 1.16, 1.18, 1.11, 0.93, 0.72, 0.50, 0.0])
_BACKS = np.array([0.30, 0.40, 0.55, 0.65, 0.85, 1.0, 1.18, 1.32, 1.38, 1.40, 1.35, 1.15, 0.92, 0.66, 0.0])
_NECK_RADIUS, _NECK_Z, _NECK_BOTTOM = 0.66, -0.22, 2.5


@lru_cache(maxsize=16)
def grid(height: int) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and elevation (height, 2 height) of every cell."""
    phi = np.pi / 2 - (np.arange(height, dtype=np.float32) + 0.5) * np.float32(np.pi / height)
    u = -np.pi + (np.arange(2 * height, dtype=np.float32) + 0.5) * np.float32(np.pi / height)
    uu, pp = np.meshgrid(u, phi)
    uu.setflags(write=False)
    pp.setflags(write=False)
    return uu.astype(np.float32), pp.astype(np.float32)


def directions(u: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Unit vectors (..., 3) of directions."""
    return np.stack([np.cos(phi) * np.sin(u), np.sin(phi), np.cos(phi) * np.cos(u)], -1).astype(np.float32)


@lru_cache(maxsize=1)
def _base_master() -> np.ndarray:
    """Radius of the mean bare head with neck, 160 x 320: the largest radius still inside the cross-sections (or the
    neck's cylinder).
    """
    u, phi = grid(160)
    d = directions(u, phi)
    radius = np.full(u.shape, 0.3, np.float32)
    for r in np.arange(0.3, 2.0, 0.01, dtype=np.float32):
        x, y, z = (r * d[..., k] for k in range(3))
        width = np.maximum(np.interp(y, _HEIGHTS, _WIDTHS), 1e-3)
        depth = np.maximum(np.where(z > 0, np.interp(y, _HEIGHTS, _FRONTS), np.interp(y, _HEIGHTS, _BACKS)), 1e-3)
        inside = (np.abs(x) / width) ** 2.25 + (np.abs(z) / depth) ** 2.25 < 1
        inside &= (y > _HEIGHTS[0]) & (y < _HEIGHTS[-1])
        radius[inside] = r
    return cv2.GaussianBlur(np.maximum(radius, neck_radius(160)), (0, 0), 1.5)


@lru_cache(maxsize=16)
def neck_radius(height: int) -> np.ndarray:
    """Radius at which each direction leaves the neck (0 where it never meets it)."""
    d = directions(*grid(height))
    across = d[..., 0] ** 2 + d[..., 2] ** 2 + 1e-9
    b = -d[..., 2] * _NECK_Z
    root = b * b - across * (_NECK_Z**2 - _NECK_RADIUS**2)
    radius = (-b + np.sqrt(np.maximum(root, 0))) / across
    radius = np.minimum(radius, _NECK_BOTTOM / np.maximum(-d[..., 1], 1e-3))
    return np.where(d[..., 1] < -0.45, radius, 0).astype(np.float32)


@lru_cache(maxsize=16)
def base_radius(height: int) -> np.ndarray:
    """Radius of the mean bare head at a grid of ``height`` rows."""
    return cv2.resize(_base_master(), (2 * height, height), interpolation=cv2.INTER_LINEAR)


def add_bump(
    radius: np.ndarray, u0: float, phi0: float, su: float, sphi: float, amount: float, sharp: float = 2.0
) -> None:
    """Adds ``amount`` x exp(-(|du/su|^sharp + |dphi/sphi|^sharp)) in place, computed only where it matters."""
    height = radius.shape[0]
    step = np.pi / height
    reach = 3.0 if sharp <= 2 else 1.8
    rows = slice(
        max(0, int((np.pi / 2 - phi0 - reach * sphi) / step)), int((np.pi / 2 - phi0 + reach * sphi) / step) + 2
    )
    cols = slice(max(0, int((np.pi + u0 - reach * su) / step)), int((np.pi + u0 + reach * su) / step) + 2)
    u, phi = grid(height)
    falloff = (
        np.exp(-(np.abs((u[0, cols] - u0) / su) ** sharp))[None]
        * np.exp(-(np.abs((phi[rows, 0] - phi0) / sphi) ** sharp))[:, None]
    )
    radius[rows, cols] += np.float32(amount) * falloff


def _add_nose(radius: np.ndarray, person: Identity) -> None:
    """Bridge, tip and wings: the ridge rises towards the tip and falls off steeply beneath it."""
    u, phi = grid(radius.shape[0])
    height = radius.shape[0]
    rows = slice(int(height * 0.38), int(height * 0.68))
    cols = slice(int(2 * height * 0.42), int(2 * height * 0.58))
    p, uu = phi[rows, :1], u[rows, cols]
    tip = person.nose_phi
    along = np.clip((person.eye_phi + 0.16 - p) / (person.eye_phi + 0.16 - tip), 0, 1)
    ridge = person.nose_height * (
        person.nose_bridge * smoothstep(along, 0, 0.5) * 0.55 + (1 - 0.55 * person.nose_bridge) * along**1.7
    )
    ridge = ridge * smoothstep(p, tip - 0.13, tip - 0.015)
    width = person.nose_width * (0.075 + 0.075 * along**2)
    radius[rows, cols] += (ridge * np.exp(-((uu / width) ** 2))).astype(np.float32)
    for side in (-1, 1):
        add_bump(radius, side * 0.125 * person.nose_width, tip - 0.035, 0.055 * person.nose_width, 0.055, 0.085)


def bare_radius(person: Identity, expression: Expression, height: int) -> np.ndarray:
    """Radius (height, 2 height) of the person's head without hair, with the expression's changes."""
    radius = base_radius(height).copy()
    smile, opened = max(0.0, expression.smile), expression.mouth_open
    _add_nose(radius, person)
    for side in (-1, 1):
        add_bump(radius, side * person.eye_u, person.eye_phi, 0.17, 0.10, -0.085)
        add_bump(radius, side * person.eye_u, person.eye_phi, 0.11 * person.eye_size, 0.07, 0.045)
        add_bump(radius, side * 0.33, person.eye_phi + 0.19, 0.25, 0.07, person.brow_ridge + 0.015 * expression.frown)
        add_bump(radius, side * 0.5, -0.27, 0.22, 0.17, 0.03 + person.cheek + 0.05 * smile)
        add_bump(radius, side * 0.75, -0.62, 0.2, 0.16, -0.03 + person.cheek * 0.6)
        add_bump(radius, side * 0.95, -0.72, 0.3, 0.2, person.jaw_width)
        add_bump(radius, side * 1.62, 0.0, 0.12, 0.19 * person.ear_size, 0.17 * person.ear_size, 4.0)
        add_bump(radius, side * 0.42, person.mouth_phi + 0.09, 0.045, 0.1, -0.03 * (smile + person.wrinkles))
    mouth = person.mouth_phi
    add_bump(radius, 0, mouth, 0.36, 0.17, 0.05)
    add_bump(radius, 0, mouth + 0.035, 0.2, 0.03, 0.028 * person.lip_height)
    add_bump(radius, 0, mouth - 0.045 - 0.2 * opened, 0.18, 0.035, 0.035 * person.lip_height)
    if opened > 0.05:
        add_bump(radius, 0, mouth - 0.09 * opened, person.mouth_width * 0.7, 0.09 * opened + 0.02, -0.07 * opened)
    add_bump(radius, 0, mouth - 0.15 - 0.2 * opened, 0.28, 0.045, -0.04)
    add_bump(radius, 0, -0.9, 0.26, 0.12, 0.05 + person.chin)
    add_bump(radius, 0, -0.95, 0.6, 0.2, 0.2 * opened)
    return radius


def surface_points(radius: np.ndarray, uphi: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Points (n, 3) on the surface in the directions ``uphi`` (n, 2), bilinear in the radius map; ``scale`` (3,) is
    the person's.
    """
    height = radius.shape[0]
    x = ((uphi[:, 0] + np.pi) * height / np.pi - 0.5).astype(np.float32)
    y = ((np.pi / 2 - uphi[:, 1]) * height / np.pi - 0.5).astype(np.float32)
    r = cv2.remap(radius, x[:, None], y[:, None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return r.reshape(-1, 1) * directions(uphi[:, 0], uphi[:, 1]) * scale
