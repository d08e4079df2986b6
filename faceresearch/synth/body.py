"""Shoulders, clothes, arms and hands, painted in the picture plane with rounded-off shading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from .head_view import HeadView
from .lighting import Lighting, shade_relief
from .noise import Rng, choose, fractal_noise, random_colour
from .parts import Part

_SHIFT = 4


@dataclass
class Layer:
    """A cut-out: ``colour`` (h, w, 3) display values, ``alpha`` (h, w), top left corner ``origin`` (x, y) in scene
    pixels, and what it shows.
    """

    colour: np.ndarray
    alpha: np.ndarray
    origin: tuple[int, int]
    part: Part = Part.OCCLUDER


def fill_mask(outline: np.ndarray, size: tuple[int, int], margin: int = 2) -> tuple[np.ndarray, tuple[int, int]] | None:
    """Anti-aliased uint8 mask of ``outline`` (n, 2) and its origin, clipped to a frame of ``size`` (h, w); None when
    outside.
    """
    low = np.maximum(np.floor(outline.min(0)).astype(int) - margin, -40)
    high = np.minimum(np.ceil(outline.max(0)).astype(int) + margin, (size[1] + 40, size[0] + 40))
    if (high - low < 2).any() or high[0] <= 0 or high[1] <= 0 or low[0] >= size[1] or low[1] >= size[0]:
        return None
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    cv2.fillPoly(mask, [np.round((outline - low) * (1 << _SHIFT)).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
    return mask, (int(low[0]), int(low[1]))


def cloth_texture(rng: Rng, size: tuple[int, int], unit: float) -> np.ndarray:
    """A cloth (h, w, 3) in display values: plain, stripes, checks, dots or print, with folds of ``unit`` pixels
    scale.
    """
    first, second = random_colour(rng), random_colour(rng)
    if rng.random() < 0.35:
        first = np.full(3, float(rng.choice([0.06, 0.12, 0.3, 0.85, 0.92])), np.float32) * rng.uniform(
            0.9, 1.1, 3
        ).astype(np.float32)
    kind = choose(rng, ('plain', 'stripes', 'checks', 'dots', 'print'), (0.55, 0.16, 0.1, 0.06, 0.13))
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    period = max(2.2, unit * float(rng.uniform(0.08, 0.6)))
    angle = float(rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)]))
    along = (x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period)
    across = (y * np.cos(angle) - x * np.sin(angle)) * (2 * np.pi / period)
    if kind == 'stripes':
        mix = np.clip(np.sin(along) * 3 + float(rng.uniform(-2, 2)), 0, 1)
    elif kind == 'checks':
        mix = 0.5 * (np.sin(along) > 0.2) + 0.5 * (np.sin(across) > 0.2)
    elif kind == 'dots':
        mix = np.clip((np.sin(along) * np.sin(across) - 0.5) * 5, 0, 1)
    elif kind == 'print':
        mix = np.clip(fractal_noise(rng, size, max(2, 3 * size[0] / max(unit, 4)), 3, 0.7) * 3, 0, 1)
    else:
        mix = np.zeros(size, np.float32)
    cloth = first + mix[..., None].astype(np.float32) * (second - first)
    folds = fractal_noise(rng, size, max(2, 1.4 * size[0] / max(unit, 4)), 3, 0.6, float(rng.uniform(0.4, 1.6)))
    folds = np.clip(folds, -2.5, 1.2) * float(rng.uniform(0.02, 0.12))
    return np.clip(cloth * (1 + folds)[..., None], 0.01, 1)


def torso(
    rng: Rng, view: HeadView, light: Lighting, size: tuple[int, int], skin: np.ndarray
) -> tuple[list[Layer], bool]:
    """Body under a head as layers from back to front, and whether they belong in front of the neck."""
    unit = view.unit * float(view.scale[0])
    neck = view.project(np.array([[0, -1.75, -0.2]], np.float32) * view.scale)[0][0]
    turn = view.pose.yaw * float(rng.uniform(0.2, 0.8)) + float(rng.normal(0, 0.25))
    half = float(rng.uniform(2.3, 3.1)) * (0.55 + 0.45 * abs(np.cos(turn)))
    lean, slope = float(rng.normal(0, 0.12)), float(rng.uniform(0.45, 0.95))
    dip = float(rng.choice([0.12, 0.35, 0.6, 1.1, 1.7], p=[0.25, 0.3, 0.2, 0.15, 0.1]))
    opening, shift = 0.72 + 0.12 * dip, 0.5 * float(np.sin(turn))
    tilt = np.array([[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]])

    def place(points: list[tuple[float, float]]) -> np.ndarray:
        body = np.array(points, float)
        body[:, 0] += shift * np.minimum(1, np.abs(body[:, 1]) + 0.2)
        return body @ tilt * unit + neck

    right = [(opening, 0.0), (opening + 0.35, 0.12), (half * 0.62, 0.28 * slope), (half * 0.88, 0.5 * slope)]
    right += [(half, 0.9 * slope + 0.1), (half * 1.04, 2.0), (half * 0.98, 3.6), (half * 1.0, 5.5), (half * 0.85, 6.8)]
    power = 1.0 if dip < 0.7 else 1.6
    curve = [(opening * np.cos(t), dip * np.sin(t) ** power) for t in np.linspace(0.1, np.pi - 0.1, 9)]
    found = fill_mask(place(right[::-1] + curve + [(-x, y) for x, y in right]), size)
    in_front = view.pose.pitch > -0.3
    if found is None:
        return [], in_front
    cloth = int(rng.integers(2**31))
    layers = _legs(rng, place, unit, light, size)
    if dip > 0.9 and rng.random() < 0.75:
        layers += _shirt(rng, place, curve, dip, unit, light, size)
    elif dip > 0.2:
        chest = fill_mask(place([(x * 1.02, y * 1.05 + 0.02) for x, y in curve]), size)
        if chest is not None:
            layers.append(replace(_limb_layer(rng, *chest, 1.5 * unit, skin, light, True), part=Part.NECK))
    layers.append(_cloth_layer(np.random.default_rng(cloth), found[0], found[1], unit, light))
    if rng.random() < 0.7 and unit > 4:
        layers += _arms(rng, place, half, cloth, unit, skin, light, size)
    return layers, in_front


Placer = Callable[[list[tuple[float, float]]], np.ndarray]


def _shirt(
    rng: Rng,
    place: Placer,
    curve: list[tuple[float, float]],
    dip: float,
    unit: float,
    light: Lighting,
    size: tuple[int, int],
) -> list[Layer]:
    """What shows in an open collar: a shirt, perhaps with a tie."""
    layers = []
    shirt = fill_mask(place([(x, y + 0.18) for x, y in curve] + [(0, dip * 1.3)]), size)
    if shirt is not None:
        layers.append(_cloth_layer(rng, shirt[0], shirt[1], unit, light))
    if rng.random() < 0.5:
        tie = [(-0.17, 0.35), (0.17, 0.35), (0.1, 0.62), (0.24, 2.6), (-0.24, 2.6), (-0.1, 0.62)]
        tied = fill_mask(place(tie), size)
        if tied is not None:
            layers.append(_cloth_layer(rng, tied[0], tied[1], unit, light))
    return layers


def _legs(rng: Rng, place: Placer, unit: float, light: Lighting, size: tuple[int, int]) -> list[Layer]:
    """Two legs in one cloth."""
    cloth = int(rng.integers(2**31))
    apart, knee = float(rng.uniform(0.8, 1.3)), float(rng.normal(0, 0.3))
    layers = []
    for side in (-1, 1):
        points = place([(side * 0.9, 6.4), (side * apart + knee, 9.5), (side * apart, 12.8)])
        if points[:, 1].min() < size[0]:
            widths = np.array([1.0, 0.75, 0.5]) * unit
            layers.append(limb(np.random.default_rng(cloth), points, widths, np.zeros(3), light, size, False))
    return [layer for layer in layers if layer is not None]


def _arms(
    rng: Rng,
    place: Placer,
    half: float,
    cloth: int,
    unit: float,
    skin: np.ndarray,
    light: Lighting,
    size: tuple[int, int],
) -> list[Layer]:
    """Two arms, hanging, crossed or gesturing, in the cloth of the chest; forearms now and then bare."""
    layers = []
    bare = rng.random() < 0.4
    for side in (-1, 1):
        elbow = (side * half * float(rng.uniform(0.95, 1.45)), float(rng.uniform(2.6, 3.6)))
        wrist = (side * half * float(rng.uniform(-0.3, 1.3)), float(rng.uniform(1.2, 6.0)))
        upper, lower = place([(side * half * 0.86, 0.85), elbow]), place([elbow, wrist])
        widths = np.array([0.62, 0.5]) * unit
        layers.append(limb(np.random.default_rng(cloth), upper, widths, skin, light, size, False))
        layers.append(
            limb(np.random.default_rng(cloth), lower, widths * (0.68 if bare else 0.8), skin, light, size, bare)
        )
        tip = lower[1] + (lower[1] - lower[0]) * 0.35
        layers.append(limb(rng, np.array([lower[1], tip]), np.array([0.34, 0.3]) * unit, skin, light, size, True))
    return [layer for layer in layers if layer is not None]


def _cloth_layer(rng: Rng, mask: np.ndarray, origin: tuple[int, int], unit: float, light: Lighting) -> Layer:
    cloth = cloth_texture(rng, mask.shape, unit)
    colour = shade_relief(cloth, mask, max(2.0, unit * 0.9), light, float(rng.random() < 0.1) * 0.4)
    return Layer(colour, mask.astype(np.float32) / 255, origin, Part.CLOTH)


def limb(
    rng: Rng,
    points: np.ndarray,
    widths: np.ndarray,
    albedo: np.ndarray,
    light: Lighting,
    size: tuple[int, int],
    skin: bool,
) -> Layer | None:
    """A tapering rounded limb through ``points`` (n, 2) with half ``widths`` (n,) in pixels."""
    reach = float(widths.max()) + 2
    low = np.maximum(np.floor(points.min(0) - reach).astype(int), -40)
    high = np.minimum(np.ceil(points.max(0) + reach).astype(int), (size[1] + 40, size[0] + 40))
    if (high - low < 2).any() or (low >= size[::-1]).any() or (high <= 0).any():
        return None
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    for k, (start, end) in enumerate(pairwise(points - low)):
        along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-6)
        across = np.array([-along[1], along[0]])
        first, last = across * widths[k], across * widths[k + 1]
        quad = np.array([start + first, end + last, end - last, start - first])
        cv2.fillConvexPoly(mask, np.round(quad * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
        for centre, r in ((start, widths[k]), (end, widths[k + 1])):
            at = (int(centre[0] * 16), int(centre[1] * 16))
            cv2.circle(mask, at, max(8, int(r * 16)), 255, -1, cv2.LINE_AA, 4)
    return _limb_layer(rng, mask, (int(low[0]), int(low[1])), float(widths.mean()), albedo, light, skin)


def _limb_layer(
    rng: Rng, mask: np.ndarray, origin: tuple[int, int], width: float, albedo: np.ndarray, light: Lighting, skin: bool
) -> Layer:
    if skin:
        texture = albedo * (1 + 0.06 * fractal_noise(rng, mask.shape, 6, 3))[..., None]
    else:
        texture = cloth_texture(rng, mask.shape, width * 2.5)
    colour = shade_relief(np.clip(texture, 0.01, 1), mask, max(1.5, width), light, 0.15 if skin else 0.0, float(skin))
    return Layer(colour, mask.astype(np.float32) / 255, origin, Part.OCCLUDER if skin else Part.CLOTH)


def hand(
    rng: Rng, at: np.ndarray, unit: float, angle: float, skin: np.ndarray, light: Lighting, size: tuple[int, int]
) -> list[Layer]:
    """A forearm (sleeved or bare) and a hand with fingers more or less spread; ``unit`` as for heads, ``angle`` where
    the fingers point.
    """
    toward = np.array([np.cos(angle), -np.sin(angle)])
    side = np.array([-toward[1], toward[0]])
    wrist = at - toward * unit * 0.95
    elbow = wrist - (toward + side * float(rng.normal(0, 0.35))) * unit * float(rng.uniform(2.0, 4.5))
    bare = rng.random() < 0.5
    layers = [limb(rng, np.array([elbow, wrist]), np.array([0.55, 0.36]) * unit, skin, light, size, bool(bare))]
    if not bare:
        layers.append(
            limb(
                rng,
                np.array([wrist - toward * unit * 0.3, wrist + toward * unit * 0.1]),
                np.array([0.33, 0.32]) * unit,
                skin,
                light,
                size,
                True,
            )
        )
    reach = 1.4 * unit + 4
    low = np.floor(at - reach).astype(int)
    mask = np.zeros((int(2 * reach), int(2 * reach)), np.uint8)
    spread, curl = float(rng.uniform(0.02, 0.28)), float(rng.uniform(0.35, 1.0))
    grooves = np.zeros_like(mask)
    hand_side = 1 if rng.random() < 0.5 else -1
    palm = np.asarray(cv2.ellipse2Poly((0, 0), (100, 84), 0, 0, 360, 20), float) / 100.0 * 0.5 * unit
    turned = palm[:, :1] * toward + palm[:, 1:] * side + (at - toward * unit * 0.45) - low
    cv2.fillPoly(mask, [np.round(turned * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    for k in range(5):
        offset, length, lean = (
            ((k - 1.5) * 0.22, (0.82, 0.92, 0.88, 0.68)[min(k, 3)] * curl, (k - 1.5) * spread)
            if k < 4
            else (-0.42, 0.5, -0.75)
        )
        root = at - toward * unit * (0.1 if k < 4 else 0.55) + side * hand_side * offset * unit - low
        tip = root + (toward * np.cos(lean) + side * hand_side * np.sin(lean)) * unit * length
        for target, thick, value in ((mask, 0.23, 255), (grooves, 0.12, 255)):
            cv2.line(
                target,
                tuple(int(v * 16) for v in root),
                tuple(int(v * 16) for v in tip),
                value,
                max(1, round(thick * unit)),
                cv2.LINE_AA,
                4,
            )
    layer = _limb_layer(rng, mask, (int(low[0]), int(low[1])), unit * 0.18, skin, light, True)
    fingers = cv2.GaussianBlur(grooves.astype(np.float32) / 255, (0, 0), max(0.6, 0.03 * unit))
    layer.colour = layer.colour * (0.78 + 0.22 * fingers)[..., None]
    layers.append(layer)
    return [item for item in layers if item is not None]
