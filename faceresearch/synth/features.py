"""Contours of the facial features as directions (u, phi) from the centre of the head: what is painted, and where
landmarks come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .identity import Expression, Identity

#: How far an iris moves (radians from the head's centre: to the side, up) for a gaze of 1.
IRIS_STEP = (0.05, 0.03)


@dataclass
class EyeContour:
    """One eye: lid lines (n, 2) from the inner to the outer corner, iris centre (2,) and radius, all in radians."""

    upper: np.ndarray
    lower: np.ndarray
    iris: np.ndarray
    iris_radius: float


@dataclass
class MouthContour:
    """Lip lines (n, 2) from image-left to image-right: outer and inner edge of the upper and of the lower lip."""

    upper_outer: np.ndarray
    upper_inner: np.ndarray
    lower_inner: np.ndarray
    lower_outer: np.ndarray


def eye_contour(person: Identity, expression: Expression, side: int) -> EyeContour:
    """The eye of one ``side`` (-1: image-left in a frontal view, 1: image-right)."""
    half = 0.135 * person.eye_size
    squint = 1 - 0.3 * max(0.0, expression.smile) - 0.15 * expression.frown
    opening = max(0.0, expression.eye_open) * squint
    t = np.linspace(0, 1, 13)
    u = person.eye_u + (t * 2 - 1) * half
    line = person.eye_phi + person.eye_shape * (t - 0.5) * 0.5
    arch = np.sin(np.pi * t**0.9)
    upper = line + arch * (0.062 * opening - 0.012) * person.eye_size
    lower = line - arch * (0.036 * opening + 0.012 - 0.014 * max(0.0, expression.smile)) * person.eye_size
    iris = np.array(
        [
            side * person.eye_u + IRIS_STEP[0] * expression.gaze[0],
            person.eye_phi + 0.008 + IRIS_STEP[1] * expression.gaze[1],
        ]
    )
    return EyeContour(
        np.stack([side * u, upper], 1), np.stack([side * u, lower], 1), iris, 0.058 * person.eye_size**0.6
    )


def brow_contour(person: Identity, expression: Expression, side: int) -> np.ndarray:
    """Closed outline (n, 2) of one eyebrow."""
    t = np.linspace(0, 1, 9)
    u = person.eye_u + (t - 0.46) * 0.4
    height = person.eye_phi + person.brow_height + 0.06 * expression.brow_raise - 0.05 * expression.frown * (1 - t)
    spine = height + person.brow_tilt * np.sin(np.pi * np.minimum(t * 1.1, 1)) * 1.5 - 0.05 * t**2
    thick = 0.032 * person.brow_thickness * (1 - 0.75 * t**2) * np.minimum(1, 0.5 + t * 4)
    top, bottom = np.stack([side * u, spine + thick], 1), np.stack([side * u, spine - thick], 1)
    return np.concatenate([top, bottom[::-1]])


def mouth_corners(person: Identity, expression: Expression) -> np.ndarray:
    """The two mouth corners (2, 2), image-left first."""
    half = person.mouth_width * (
        1 + 0.2 * max(0.0, expression.smile) - 0.18 * expression.mouth_open * (expression.smile < 0.3)
    )
    phi = person.mouth_phi + 0.055 * expression.smile - 0.03 * expression.mouth_open
    return np.array([[-half, phi], [half, phi]])


def mouth_contour(person: Identity, expression: Expression) -> MouthContour:
    """Lip outlines under the expression."""
    corners = mouth_corners(person, expression)
    t = np.linspace(-1, 1, 17)
    u = t * corners[1, 0]
    arch = 1 - np.abs(t) ** 1.8
    centre = person.mouth_phi + 0.012 * max(0.0, expression.smile)
    line = centre + (corners[1, 1] - centre) * t**2
    gap = 0.24 * expression.mouth_open * (1 - t**2) ** 0.7
    cupid = 0.014 * np.exp(-((t / 0.16) ** 2))
    thin = 1 - 0.3 * max(0.0, expression.smile)
    upper = line + (0.052 * person.lip_height * thin + 0.012) * arch**0.8 - cupid * person.lip_height + 0.2 * gap * 0.35
    lower = line - (0.072 * person.lip_height * thin) * arch**0.7 - gap * 0.85
    return MouthContour(*(np.stack([u, phi], 1) for phi in (upper, line + 0.12 * gap, line - 0.85 * gap, lower)))


def five_points(person: Identity, expression: Expression) -> np.ndarray:
    """Eye centres, nose tip, mouth corners (5, 2) in the field's order for a frontal view (image-left first)."""
    eyes = [[-person.eye_u, person.eye_phi], [person.eye_u, person.eye_phi]]
    return np.concatenate([np.array(eyes), [[0.0, person.nose_phi]], mouth_corners(person, expression)])
