"""Attacks on face recognition: faces on paper and on screens, and cut-out masks, taken by the same cameras as live ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .headshot import WIDE, Headshot, draw_headshot, headshot_rng
from .noise import Rng, fractal_noise, random_colour
from .person import Person, sample_shot
from .portrait import backdrop, develop

#: Kinds of attack by the names that data sets of attacks use.
ATTACKS = ('print', 'replay', 'face mask')
#: Points of 300W around the eyes and the mouth, where a mask may have holes.
_EYES, _MOUTH = (slice(36, 42), slice(42, 48)), slice(48, 60)


@dataclass
class Presentation:
    """What a camera saw: ``image`` (S, S, 3) uint8 BGR, ``box`` (4,) float32 xyxy of the face, and ``attack``, one of
    ``ATTACKS`` or ``live``.
    """

    image: np.ndarray
    box: np.ndarray
    attack: str


def render_presentation(seed: Sequence[int], person: Person, other: Person, size: int, attack: str) -> Presentation:
    """Draw a person before a camera, or an attack with a picture of that person: same seed, same bytes.

    Args:
        seed: non-negative numbers.
        person: whose face is seen.
        other: who wears the mask.
        size: side of the picture in pixels.
        attack: ``live`` or one of ``ATTACKS``.
    """
    rng = headshot_rng((*seed, 0x53504F46))
    shown = _headshot(rng, person, size)
    if attack == 'live':
        return Presentation(shown.image, shown.box, attack)
    picture = shown.image.astype(np.float32) / 255
    if attack == 'face mask':
        wearer = _headshot(rng, other, size)
        return Presentation(_finish(rng, _masked(rng, picture, shown, wearer)), wearer.box, attack)
    surface = _print(rng, picture) if attack == 'print' else _screen(rng, picture)
    image, box = _held(rng, surface, shown, attack)
    return Presentation(_finish(rng, image), box, attack)


def _headshot(rng: Rng, person: Person, size: int) -> Headshot:
    """Somebody who looks about at the camera, as before a gate."""
    shot = sample_shot(rng, person)
    pose = replace(shot.pose, yaw=shot.pose.yaw * 0.5, roll=float(rng.normal(0, 0.05)))
    return draw_headshot(rng, replace(shot, pose=pose), size, '300w68', WIDE, hands=0.0)


def _finish(rng: Rng, image: np.ndarray) -> np.ndarray:
    """The second camera."""
    return develop(rng, np.clip(image, 0, 1.2).astype(np.float32))


def _print(rng: Rng, picture: np.ndarray) -> np.ndarray:
    """Ink on paper: fewer colours, no black and no white, a raster, fibres."""
    size = picture.shape[0]
    grey = picture.mean(-1, keepdims=True)
    ink = grey + float(rng.uniform(0.35, 0.85)) * (picture - grey)
    paper = np.array([0.86, 0.9, 0.92], np.float32) * float(rng.uniform(0.85, 1.05))
    low = float(rng.uniform(0.08, 0.22))
    image = low + ink * (paper - low)
    if rng.random() < 0.5:
        y, x = np.mgrid[:size, :size].astype(np.float32)
        period, angle = float(rng.uniform(2.2, 4)), float(rng.uniform(0, np.pi))
        dots = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
        dots = dots * np.sin((y * np.cos(angle) - x * np.sin(angle)) * 2 * np.pi / period)
        image = image + (float(rng.uniform(0.02, 0.06)) * dots)[..., None]
    image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), float(rng.uniform(0.4, 1.0)))
    fibres = fractal_noise(rng, (size, size), size / 5, 3, 0.8)
    return image * (1 + float(rng.uniform(0.01, 0.04)) * fibres)[..., None]


def _screen(rng: Rng, picture: np.ndarray) -> np.ndarray:
    """Light of a display: cold, contrasty, lines of its pixels against those of the camera (moiré), and mirror images."""
    size = picture.shape[0]
    cold = np.array([1.08, 1.0, 0.93], np.float32) ** float(rng.uniform(-0.3, 1.3))
    image = float(rng.uniform(0.02, 0.08)) + picture ** float(rng.uniform(0.9, 1.3)) * cold * float(
        rng.uniform(0.85, 1.15)
    )
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    bend = float(rng.uniform(-0.06, 0.06)) * (x - 0.5) * (y - 0.5)
    for channel in range(3):
        # Sampling a grid of lines at nearly its own period leaves slow waves; each colour's grid is shifted.
        for _ in range(2):
            waves, angle = float(rng.uniform(8, 45)), float(rng.uniform(0, np.pi))
            phase = (x * np.cos(angle) + y * np.sin(angle) + bend) * waves * 2 * np.pi + channel * 2.1
            image[..., channel] *= 1 + float(rng.uniform(0.02, 0.09)) * np.sin(phase)
    if rng.random() < 0.6:
        image *= (1 + float(rng.uniform(0.02, 0.08)) * np.sin(np.arange(size) * np.pi * float(rng.uniform(0.6, 0.98))))[
            :, None, None
        ]
    if rng.random() < 0.6:
        angle, at = float(rng.uniform(0, np.pi)), float(rng.uniform(0.1, 0.9))
        across = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle) + 0.5 - at
        glare = np.exp(-((across / float(rng.uniform(0.03, 0.25))) ** 2)) * float(rng.uniform(0.08, 0.4))
        image = image + glare[..., None] * random_colour(rng, 0.1, 1.0)
    return np.asarray(image, np.float32)


def _held(rng: Rng, surface: np.ndarray, shown: Headshot, attack: str) -> tuple[np.ndarray, np.ndarray]:
    """The picture as a sheet or a display before the camera, more or less slanted, and the face's box in it."""
    size = surface.shape[0]
    image = backdrop(rng, shown.shot, size)
    zoom = float(rng.uniform(0.72, 1.25))
    shift = rng.normal(0, 0.03, 2) * size
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]], np.float32)
    placed = (corners - size / 2) * zoom + size / 2 + shift + rng.normal(0, 0.03, (4, 2)) * size
    border = round(size * float(rng.uniform(0.02, 0.08)))
    edge = np.full(3, rng.uniform(0.8, 0.95) if attack == 'print' else rng.uniform(0.0, 0.12), np.float32)
    sheet = np.empty((size + 2 * border, size + 2 * border, 3), np.float32)
    sheet[:] = edge
    sheet[border : border + size, border : border + size] = surface
    matrix = cv2.getPerspectiveTransform(corners + border, placed.astype(np.float32))
    y, x = np.mgrid[:size, :size].astype(np.float32)
    back = np.linalg.inv(matrix)
    w = back[2, 0] * x + back[2, 1] * y + back[2, 2]
    column, row = ((back[k, 0] * x + back[k, 1] * y + back[k, 2]) / w for k in range(2))
    light = np.ones((size, size), np.float32)
    if attack == 'print':
        # A bent sheet: what is seen moves along with its slope, and the light on it changes.
        amount, period = float(rng.uniform(0, 0.02)) * size, float(rng.uniform(0.6, 2)) * size
        angle, phase = float(rng.uniform(0, np.pi)), float(rng.uniform(0, 6))
        wave = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period + phase
        column, row = column + amount * np.sin(wave) * np.cos(angle), row + amount * np.sin(wave) * np.sin(angle)
        light += (0.6 * amount * 2 * np.pi / period * np.cos(wave)).astype(np.float32)
    args = (column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR)
    seen = cv2.remap(sheet, *args, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.remap(np.ones(sheet.shape[:2], np.float32), *args, borderMode=cv2.BORDER_CONSTANT)
    image += cover[..., None] * (seen * light[..., None] - image)
    x1, y1, x2, y2 = shown.box + border
    quad = np.array([[[x1, y1], [x2, y1], [x2, y2], [x1, y2]]], np.float32)
    moved = cv2.perspectiveTransform(quad, matrix)[0]
    box = np.concatenate([moved.min(0), moved.max(0)])
    return image, np.clip(box, 0, size).astype(np.float32)


def _masked(rng: Rng, picture: np.ndarray, shown: Headshot, wearer: Headshot) -> np.ndarray:
    """A printed face cut out along its contour, with holes, worn by somebody else: flat, with an edge and a shadow."""
    size = picture.shape[0]
    paper = _print(rng, picture)
    outline = shown.points[:17]
    brows = shown.points[17:27]
    top = brows + (brows.mean(0) - outline[8]) * float(rng.uniform(0.1, 0.3))
    hull = cv2.convexHull(np.concatenate([outline, top]).astype(np.float32))[:, 0]
    middle = hull.mean(0)
    hull = middle + (hull - middle) * float(rng.uniform(0.95, 1.08))
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.round(hull * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    holes = [*_EYES, _MOUTH] if rng.random() < 0.4 else [*_EYES] if rng.random() < 0.8 else []
    for part in holes:
        points = shown.points[part]
        centre = points.mean(0)
        half = np.ptp(points, axis=0).clip(3) * (0.62, 0.8)
        cv2.ellipse(
            mask, (int(centre[0] * 16), int(centre[1] * 16)), (int(half[0] * 16), int(half[1] * 16)), 0, 0, 360, 0, -1,
            cv2.LINE_AA, 4,
        )  # fmt: skip
    scale = float(np.ptp(wearer.box[1::2]) / max(np.ptp(shown.box[1::2]), 1)) * float(rng.uniform(0.97, 1.1))
    angle = wearer.shot.pose.roll - shown.shot.pose.roll + float(rng.normal(0, 0.04))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = wearer.keypoints.mean(0) + rng.normal(0, 0.015, 2) * size
    matrix = np.concatenate([turn, (target - turn @ shown.keypoints.mean(0))[:, None]], 1).astype(np.float32)
    cover = cv2.warpAffine(mask.astype(np.float32) / 255, matrix, (size, size))
    face = cv2.warpAffine(paper.astype(np.float32), matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    inner = cv2.erode(cover, np.ones((3, 3), np.uint8))
    image = wearer.image.astype(np.float32) / 255
    shadow = cv2.GaussianBlur(cover, (0, 0), max(1.0, 0.012 * size))
    image = image * (1 - 0.45 * np.clip(shadow - 0.3 * cover, 0, 1))[..., None]
    rim = np.clip(cover - inner, 0, 1)[..., None] * float(rng.uniform(0.4, 1))
    face = face + rim * (0.9 - face)
    return image + cover[..., None] * (face - image)
