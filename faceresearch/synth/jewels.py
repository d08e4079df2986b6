"""Earrings and necklaces, drawn over a rendered head where their ear or neck shows."""

from __future__ import annotations

import cv2
import numpy as np

from .head_render import RenderedHead
from .head_view import HeadView
from .noise import Rng, random_colour
from .parts import Part
from .person import Shot

_METALS = np.array([[0.35, 0.65, 0.85], [0.8, 0.8, 0.8], [0.5, 0.6, 0.8]], np.float32)


def add_jewels(rng: Rng, head: RenderedHead, view: HeadView, shot: Shot) -> None:
    """Put on earrings and a necklace, more often on those who present themselves as women."""
    feminine = shot.identity.feminine > 0.5
    wears, chain = rng.random(2) < ((0.5, 0.25) if feminine else (0.06, 0.08))
    colour = _METALS[int(rng.integers(3))] if rng.random() < 0.7 else random_colour(rng)
    drop, width = float(rng.uniform(0.03, 0.32)), float(rng.uniform(0.04, 0.09))
    low, hang = float(rng.uniform(-1.95, -1.7)), float(rng.uniform(0.0, 0.5))
    if shot.identity.age < 8:
        return
    if wears:
        _earrings(head, view, shot, colour, drop, width)
    if chain:
        _necklace(head, view, colour, low, hang)


def _earrings(head: RenderedHead, view: HeadView, shot: Shot, colour: np.ndarray, drop: float, width: float) -> None:
    """A pendant below each lobe that shows."""
    lobe_phi = -0.17 * shot.identity.ear_size
    for side, ear in ((1, Part.LEFT_EAR), (-1, Part.RIGHT_EAR)):
        radius = 1.1
        lobe = np.array([[side * radius * np.cos(lobe_phi), radius * np.sin(lobe_phi), -0.06]]) * view.scale
        at = view.project(lobe)[0][0] - head.origin
        near = _window(head, at, 0.2 * view.unit)
        if near is None or (head.part[near] == ear).sum() < 0.01 * view.unit**2:
            continue
        mask = np.zeros(head.part.shape, np.uint8)
        half = (max(1.0, width * view.unit), max(1.0, (width + drop / 2) * view.unit))
        middle = at + (0, drop / 2 * view.unit)
        _ellipse(mask, middle, half)
        mask[(head.part == Part.HAIR) & (head.alpha > 0.5)] = 0
        _paint(head, mask, colour, Part.EARRING)


def _necklace(head: RenderedHead, view: HeadView, colour: np.ndarray, low: float, hang: float) -> None:
    """A chain around the neck, where the head's picture shows the neck."""
    angle = np.linspace(-1.4, 1.4, 25)
    line = np.stack([0.7 * np.sin(angle), low - hang * np.cos(angle) * 0.5, -0.22 + 0.7 * np.cos(angle)], 1)
    points = view.project(line * view.scale)[0] - head.origin
    mask = np.zeros(head.part.shape, np.uint8)
    thick = max(1, round(0.04 * view.unit))
    cv2.polylines(mask, [np.round(points * 16).astype(np.int32)], False, 255, thick, cv2.LINE_AA, 4)
    mask[head.part != Part.NECK] = 0
    _paint(head, mask, colour, Part.NECKLACE)


def _window(head: RenderedHead, at: np.ndarray, reach: float) -> tuple[slice, slice] | None:
    height, width = head.part.shape
    x0, x1 = max(0, int(at[0] - reach)), min(width, int(at[0] + reach) + 1)
    y0, y1 = max(0, int(at[1] - reach)), min(height, int(at[1] + reach) + 1)
    return (slice(y0, y1), slice(x0, x1)) if x1 > x0 and y1 > y0 else None


def _ellipse(mask: np.ndarray, middle: np.ndarray, half: tuple[float, float]) -> None:
    centre = (int(middle[0] * 16), int(middle[1] * 16))
    axes = (int(half[0] * 16), int(half[1] * 16))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1, cv2.LINE_AA, 4)


def _paint(head: RenderedHead, mask: np.ndarray, colour: np.ndarray, part: Part) -> None:
    weight = mask.astype(np.float32)[..., None] / 255
    light = float(np.clip(head.colour[mask > 127].mean(), 0.3, 1)) if (mask > 127).any() else 0.6
    head.colour += weight * (colour * (0.5 + 0.7 * light) - head.colour)
    solid = mask > 127
    head.alpha = np.maximum(head.alpha, weight[..., 0])
    head.part[solid] = part
