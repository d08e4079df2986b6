"""One person, head and shoulders, with labels of all kinds: for landmarks, parsing, and attributes of faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .background import make_background, paste
from .body import Layer, hand, torso
from .head_render import FACE_HEIGHT_UNITS, render_head
from .head_view import HeadView
from .identity import Pose
from .jewels import add_jewels
from .noise import Rng
from .parts import Part, lay_parts
from .person import Person, Shot, sample_shot
from .portrait import backdrop, develop

#: Version of everything that decides the pixels and labels of a headshot; data sets and results name it.
HEADSHOT_VERSION = '1.0'


@dataclass
class Framing:
    """Where the face is in the picture, in shares of its side: its ``height`` from hairline to chin (lowest, highest),
    its ``middle`` (x, y), and by how much (standard deviation) the middle varies.
    """

    height: tuple[float, float]
    middle: tuple[float, float] = (0.5, 0.5)
    spread: float = 0.03


#: A picture from which a face detector's box is cut, with room around.
LOOSE = Framing((0.38, 0.58), (0.5, 0.5), 0.04)
#: CelebAMask-HQ's: the face fills most of the picture, the shoulders are cut off.
PORTRAIT = Framing((0.56, 0.7), (0.5, 0.54), 0.015)
#: The face alone, as gaze, age and expression are estimated from it.
CLOSE = Framing((0.72, 0.86), (0.5, 0.5), 0.02)
#: A face with much around it, where what gives an attack away may be.
WIDE = Framing((0.3, 0.44), (0.5, 0.5), 0.03)


@dataclass
class Headshot:
    """A picture of one person.

    ``image`` (S, S, 3) uint8 BGR; ``parts`` (S, S) uint8 of :class:`~.parts.Part`; ``box`` (4,) float32 xyxy, the facial
    region as in scenes; ``points`` (K, 2) float32 in pixels, 0 at the corner of the first pixel, and ``visible`` (K,)
    bool; ``keypoints`` (5, 2), the five; ``view``, where the head is, and ``shot``, what decided the rest.
    """

    image: np.ndarray
    parts: np.ndarray
    box: np.ndarray
    points: np.ndarray
    visible: np.ndarray
    keypoints: np.ndarray
    view: HeadView
    shot: Shot


def headshot_rng(seed: Sequence[int]) -> Rng:
    """The generator of a seed."""
    # The length is part of the key: numpy's seeds ignore trailing zeros.
    return np.random.default_rng([0x48454144, len(seed), *(int(part) for part in seed)])


def render_headshot(
    seed: Sequence[int], person: Person, size: int, scheme: str = '300w68', framing: Framing = LOOSE
) -> Headshot:
    """Draw a person: same seed, person, size and framing, same bytes.

    Args:
        seed: non-negative numbers.
        person: who.
        size: side of the picture in pixels.
        scheme: which landmarks; one of :data:`~.landmarks.SCHEMES`. The picture does not depend on it.
        framing: where the face is.
    """
    rng = headshot_rng(seed)
    shot = sample_shot(rng, person)
    return draw_headshot(rng, replace(shot, pose=_tilted(rng, shot)), size, scheme, framing)


def _tilted(rng: Rng, shot: Shot) -> Pose:
    """The pose, which in aligned portraits is mostly frontal and never tilted, as photographs have it."""
    yaw = shot.pose.yaw if rng.random() < 0.6 else float(rng.uniform(-1.0, 1.0))
    roll = float(rng.normal(0, 0.1)) if rng.random() < 0.8 else float(rng.normal(0, 0.35))
    return replace(shot.pose, yaw=yaw, roll=float(np.clip(roll, -0.8, 0.8)))


def draw_headshot(
    rng: Rng, shot: Shot, size: int, scheme: str = '300w68', framing: Framing = LOOSE, hands: float = 0.08
) -> Headshot:
    """Draw a given picture; the generator decides place, body, background, camera, and with a probability ``hands``
    that a hand is before the face.
    """
    height = float(rng.uniform(*framing.height)) * size
    middle = (np.array(framing.middle) + rng.normal(0, framing.spread, 2)) * size
    unit = height / FACE_HEIGHT_UNITS
    # As in scenes: the middle of the face lies below the head's centre.
    centre = (float(middle[0]), float(middle[1]) - 0.14 * height)
    view = HeadView(centre, unit, shot.pose, shot.identity.scale)
    head = render_head(shot.identity, shot.expression, shot.looks, view, shot.light, scheme)
    plain = rng.random() < 0.5
    image = backdrop(rng, shot, size) if plain else _out_of_focus(rng, shot, size)
    parts = np.full((size, size), Part.BACKGROUND, np.uint8)
    layers, before = torso(rng, view, shot.light, (size, size), shot.identity.skin)
    if (shot.looks.hair_style in ('long', 'bob') and rng.random() < 0.65) or shot.looks.headwear == 'hood':
        before = False
    add_jewels(rng, head, view, shot)
    body = [(layer, layer.part) for layer in layers]
    stack = [(Layer(head.colour, head.alpha, head.origin), head.part)]
    for layer, part in stack + body if before else body + stack:
        _lay(image, parts, layer, part)
    visible = head.landmarks_visible
    if rng.random() < hands:
        angle = float(rng.uniform(0, 2 * np.pi))
        at = middle - np.array([np.cos(angle), -np.sin(angle)]) * height * float(rng.uniform(0.4, 0.9))
        for layer in hand(
            rng, at, unit * 0.8, angle + float(rng.normal(0, 0.7)), shot.identity.skin, shot.light, (size, size)
        ):
            _lay(image, parts, layer, layer.part)
    assert head.landmarks is not None and visible is not None and head.box is not None
    visible = visible & _free(parts, head.landmarks)
    return Headshot(
        develop(rng, image),
        parts,
        head.box,
        head.landmarks,
        visible,
        head.keypoints,
        view,
        shot,
    )


def _out_of_focus(rng: Rng, shot: Shot, size: int) -> np.ndarray:
    """A place, more or less sharp."""
    small = max(32, size // 2)
    place = np.ascontiguousarray(make_background(rng, (small, small), shot.light), np.float32)
    blurred = cv2.GaussianBlur(place, (0, 0), float(rng.uniform(0.3, 5)) * small / 160)
    return cv2.resize(blurred, (size, size), interpolation=cv2.INTER_LINEAR)


def _lay(image: np.ndarray, parts: np.ndarray, layer: Layer, part: np.ndarray | Part) -> None:
    """Paste a layer, and write down what it shows."""
    paste(image, layer)
    lay_parts(parts, layer.alpha, layer.origin, part)


def _free(parts: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether points (K,) are inside the picture and no hand or cloth lies over them."""
    size = np.array(parts.shape[::-1])
    x, y = np.clip(points.astype(int), 0, size - 1).T
    return ((points >= 0) & (points < size)).all(1) & (parts[y, x] != Part.OCCLUDER)
