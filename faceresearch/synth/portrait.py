"""One head, drawn directly as the aligned crop that recognition works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .camera import photograph
from .features import five_points
from .glasses import draw_glasses
from .head_maps import HeadMaps
from .head_render import build_maps, head_window, surface_colour, to_window, trace
from .head_shape import surface_points
from .head_view import HeadView
from .noise import Rng, fractal_noise, random_colour, smoothstep
from .person import Person, Shot, sample_shot

#: Version of everything that decides the pixels of a portrait; data sets and results name it.
PORTRAIT_VERSION = '1.0'
#: Standard deviation of the points that alignment goes by, in pixels of a crop of 112: a good detector's error.
POINT_ERROR = 0.7


@dataclass
class Portrait:
    """An aligned crop: ``image`` (size, size, 3) uint8 BGR, the true ``points`` (5, 2) in it (middle of the first pixel
    is 0), and what decided it.
    """

    image: np.ndarray
    points: np.ndarray
    shot: Shot


def render_portrait(seed: Sequence[int], person: Person, size: int = 112, point_error: float = POINT_ERROR) -> Portrait:
    """Draw a person in changing light, pose, expression, age and dress: same seed, person and size, same bytes.

    Args:
        seed: non-negative numbers.
        person: who.
        size: side of the crop in pixels, one that :func:`~faceresearch.transforms.alignment.face_template` knows.
        point_error: standard deviation of the points used for alignment, in pixels of a crop of 112.

    Raises:
        UserError: there is no template for the size.
    """
    # The length is part of the key: numpy's seeds ignore trailing zeros.
    rng = np.random.default_rng([0x504F5254, len(seed), *(int(part) for part in seed)])
    return draw_shot(rng, sample_shot(rng, person), size, point_error)


def draw_shot(rng: Rng, shot: Shot, size: int = 112, point_error: float = POINT_ERROR) -> Portrait:
    """Draw a given picture; the generator decides background, camera and the error of the points."""
    # Imported late: transforms come with the data sets, and these with this module.
    from faceresearch.transforms.alignment import face_template

    template = face_template(size)
    rows = int(np.clip(size * 1.1, 48, 288)) // 16 * 16
    maps = build_maps(shot.identity, shot.expression, shot.looks, rows)
    view, points = _aligned_view(rng, maps, shot, template, point_error * size / 112)
    colour, alpha = _draw_head(maps, shot, view, size)
    image = backdrop(rng, shot, size)
    image += alpha[..., None] * (colour - image)
    return Portrait(develop(rng, image), points - 0.5, shot)


def _aligned_view(
    rng: Rng, maps: HeadMaps, shot: Shot, template: np.ndarray, error: float
) -> tuple[HeadView, np.ndarray]:
    """The view in which the head's five points lie on the template, and where they truly lie then.

    A similarity of the picture is another centre, unit and roll of the camera, so that no pixel need be resampled.
    """
    from faceresearch.transforms.alignment import similarity_transform

    scale = shot.identity.scale
    points = surface_points(maps.face_radius, five_points(shot.identity, shot.expression), scale)
    flat = HeadView((0.0, 0.0), 1.0, shot.pose, scale).project(points)[0]
    unit = float(np.linalg.norm(similarity_transform(flat, template)[:, 0]))
    seen = flat + rng.normal(0, error / unit, flat.shape)
    # The renderer counts positions from the corner of the first pixel, the template from its middle.
    matrix = similarity_transform(seen, template + 0.5)
    unit, roll = float(np.linalg.norm(matrix[:, 0])), float(np.arctan2(matrix[1, 0], matrix[0, 0]))
    view = HeadView(
        (float(matrix[0, 2]), float(matrix[1, 2])), unit, replace(shot.pose, roll=shot.pose.roll + roll), scale
    )
    return view, view.project(points)[0]


def _draw_head(maps: HeadMaps, shot: Shot, view: HeadView, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Colour (size, size, 3) and coverage (size, size) of the head in the crop."""
    middles = np.arange(size, dtype=np.float32) + np.float32(0.5)
    xs = ((middles - view.centre[0]) / view.unit).astype(np.float32)
    ys = (-(middles - view.centre[1]) / view.unit).astype(np.float32)
    z, hit, col, row = trace(maps, view, xs, ys, head_window(maps, view)[4])
    colour, part = surface_colour(maps, z, hit, col, row, 1 / view.unit, shot.light)
    if shot.looks.glasses != 'none':
        draw_glasses(
            colour,
            part,
            z,
            shot.identity,
            shot.looks,
            lambda points: to_window(view, points, (0, 0), 1.0),
            view.unit,
            shot.light,
        )
    alpha = cv2.GaussianBlur(hit.astype(np.float32), (3, 3), 0.7) ** 2
    return np.clip(colour, 0, 4), alpha


def backdrop(rng: Rng, shot: Shot, size: int) -> np.ndarray:
    """What is behind the head, far out of focus: light and dark of one or two colours."""
    cells = int(rng.integers(3, 12))
    shape = fractal_noise(rng, (28, 28), cells, 3, float(rng.uniform(0.3, 0.8)), float(rng.choice([0.3, 1, 3])))
    mix = smoothstep(shape, -float(rng.uniform(0.1, 2)), float(rng.uniform(0.1, 2)))[..., None]
    first, second = random_colour(rng), random_colour(rng)
    small = (first + mix * (second - first)) * (1 + 0.1 * shape[..., None])
    small *= np.float32(np.clip(np.sqrt(shot.light.sky.mean() * 0.6 + shot.light.key.mean() * 0.5), 0.35, 1.25))
    return cv2.resize(small.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)


def develop(rng: Rng, image: np.ndarray) -> np.ndarray:
    """A photograph as scenes have them, or one that a better camera took and nobody edited."""
    if rng.random() < 0.25:
        return photograph(rng, image)
    gain = np.exp(rng.normal(0.05, 0.12) + rng.normal(0, 0.035, 3)).astype(np.float32)
    image = np.clip(image * gain, 0, 1)
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.0)))
    image += float(rng.exponential(0.008)) * rng.standard_normal(image.shape, dtype=np.float32)
    pixels = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() < 0.5:
        quality = int(rng.integers(60, 97))
        pixels = cv2.imdecode(cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return pixels
