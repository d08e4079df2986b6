"""A whole SynthFaces picture: background, people, things in front of them, camera, labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from .background import add_clutter, make_background, paste
from .body import Layer, hand, torso
from .camera import motion_kernel, photograph
from .head_render import FACE_HEIGHT_UNITS, RenderedHead, render_head
from .head_view import HeadView
from .identity import (
    Appearance,
    Expression,
    Identity,
    Pose,
    sample_appearance,
    sample_expression,
    sample_identity,
    sample_pose,
)
from .layout import Place, sample_places
from .lighting import Lighting, sample_lighting
from .noise import Rng
from .parts import Part, lay_parts

#: Version of everything that decides the pixels and labels of a scene; configs and results name it.
RENDERER_VERSION = '1.0'
#: Number of different people that scenes draw from.
NUM_IDENTITIES = 1_000_000
#: Faces of which less than this fraction can be seen are not labelled.
MIN_VISIBLE = 0.25
#: A face is not labelled either when hair leaves less than this fraction of it free.
MIN_SKIN = 0.22
EASY_HEIGHT, MEDIUM_HEIGHT, HARD_HEIGHT, EASY_OCCLUSION = 32.0, 16.0, 9.0, 0.30


@dataclass
class FaceParameters:
    """Everything that decides one face's looks: the source of further labels (landmarks, part masks, gaze, age,
    expression).
    """

    identity: Identity
    pose: Pose
    expression: Expression
    appearance: Appearance


@dataclass
class Scene:
    """A picture and its labels.

    ``image`` (H, W, 3) uint8 BGR; ``bboxes`` (N, 4) float32 xyxy pixels inside the image; ``keypoints`` (N, 5, 2)
    float32 pixels (left eye,
    right eye, nose, left and right mouth corner as in a frontal image); ``keypoints_visible`` (N, 5) bool: not behind
    the head itself and inside
    the image; ``occlusion`` (N,) float32: covered or cut-off fraction of the facial region; ``difficulty`` (N, 3)
    bool: member of easy, medium,
    hard; ``identities`` (N,) int64; ``faces``: their parameters; ``parts`` (H, W) uint8: what every pixel shows
    (:class:`~.parts.Part`; :func:`~.parts.celebamask_classes` makes CelebAMask-HQ's classes of it).
    """

    image: np.ndarray
    bboxes: np.ndarray
    keypoints: np.ndarray
    keypoints_visible: np.ndarray
    occlusion: np.ndarray
    difficulty: np.ndarray
    identities: np.ndarray
    faces: list[FaceParameters] = field(default_factory=list)
    parts: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.uint8))


def difficulty_of(bboxes: np.ndarray, occlusion: np.ndarray) -> np.ndarray:
    """Membership (N, 3) of easy, medium, hard: height >= 32 px and under 30 % occluded; >= 16 px; >= 9 px."""
    height = bboxes[:, 3] - bboxes[:, 1]
    return np.stack(
        [(height >= EASY_HEIGHT) & (occlusion < EASY_OCCLUSION), height >= MEDIUM_HEIGHT, height >= HARD_HEIGHT], 1
    )


class _Canvas:
    """The picture being composed, and which face every pixel shows."""

    def __init__(self, image: np.ndarray) -> None:
        self.image = image
        self.size: tuple[int, int] = (image.shape[0], image.shape[1])
        self.owner: np.ndarray = np.full(self.size, -1, np.int16)
        self.parts: np.ndarray = np.full(self.size, Part.BACKGROUND, np.uint8)
        self.totals: list[int] = []
        self.heads: list[RenderedHead] = []
        self.parameters: list[FaceParameters] = []

    def cover(self, layer: Layer | None) -> None:
        """Pastes a layer that hides what is behind it."""
        if layer is None:
            return
        paste(self.image, layer)
        lay_parts(self.parts, layer.alpha, layer.origin, layer.part)
        self._claim(layer.alpha > 0.5, layer.origin, -1)

    def head(self, head: RenderedHead, parameters: FaceParameters) -> None:
        """Pastes a head and, if its face can be seen, registers it."""
        paste(self.image, Layer(head.colour, head.alpha, head.origin))
        lay_parts(self.parts, head.alpha, head.origin, head.part)
        self._claim(head.alpha > 0.5, head.origin, -1)
        skin = head.face & (head.part < Part.HAIR) & (head.part > Part.BACKGROUND)
        if head.box is not None and (skin | head.hidden & head.face).sum() > MIN_SKIN * head.face.sum():
            self._claim(head.face & ~head.hidden & (head.alpha > 0.3), head.origin, len(self.heads))
            self.totals.append(int(head.face.sum()))
            self.heads.append(head)
            self.parameters.append(parameters)

    def _claim(self, mask: np.ndarray, origin: tuple[int, int], value: int) -> None:
        h, w = self.size
        x, y = origin
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + mask.shape[1], w), min(y + mask.shape[0], h)
        if x1 > x0 and y1 > y0:
            self.owner[y0:y1, x0:x1][mask[y0 - y : y1 - y, x0 - x : x1 - x]] = value


def _seeded(seed: int | Sequence[int]) -> Rng:
    parts = [seed] if isinstance(seed, (int, np.integer)) else list(seed)
    # The length is part of the key: numpy's seeds ignore trailing zeros.
    return np.random.default_rng([0x53594E54, len(parts), *(int(part) for part in parts)])


def render_scene(
    seed: int | Sequence[int],
    size: tuple[int, int] = (320, 320),
    num_faces: int | None = None,
    face_height: float | None = None,
    identities: tuple[int, int] = (0, NUM_IDENTITIES),
) -> Scene:
    """Renders the scene of a seed: same seed and arguments, same bytes.

    Args:
        seed: a non-negative number or a sequence of them, e.g. (seed, split, epoch, index).
        size: (height, width) in pixels, at least 32.
        num_faces: asks for this many people (0-20) instead of a random number. Fewer may fit.
        face_height: height of every face in pixels instead of random heights.
        identities: range [first, last) of the people to draw from.
    """
    rng = _seeded(seed)
    light = sample_lighting(rng)
    image: np.ndarray = np.ascontiguousarray(make_background(rng, size, light), np.float32)
    blur = float(rng.choice([0, 0, 0, 0.6, 1.5, 4])) * float(rng.uniform(0.6, 1.4)) * max(size) / 320
    if blur > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    canvas = _Canvas(image)
    places = sample_places(rng, size, num_faces, face_height)
    for place in sorted(places, key=lambda item: item.height):
        _add_person(rng, canvas, place, light, sample_identity(int(rng.integers(*identities))))
    _foreground(rng, canvas, light)
    return _labelled(canvas, photograph(rng, canvas.image))


def _add_person(rng: Rng, canvas: _Canvas, place: Place, light: Lighting, person: Identity) -> None:
    """Head, body, and what the person or a neighbour holds before the face; a person who looks away has no label."""
    looks, expression, pose = sample_appearance(rng, person), sample_expression(rng), sample_pose(rng)
    if place.away:
        pose.yaw = float(np.pi + rng.normal(0, 0.45))
    size = canvas.size
    centre = (place.x, place.y - 0.14 * place.height)
    view = HeadView(centre, place.height / FACE_HEIGHT_UNITS, pose, person.scale)
    own_light = light
    if rng.random() < 0.2:
        own_light = sample_lighting(rng)
    head = render_head(person, expression, looks, view, own_light)
    if place.away and head.box is not None:
        head.box = None
    layers, in_front = torso(rng, view, own_light, size, person.skin) if rng.random() < 0.93 else ([], True)
    if (looks.hair_style in ('long', 'bob') and rng.random() < 0.65) or (
        looks.headwear == 'hood' and rng.random() < 0.7
    ):
        in_front = False
    if not in_front:
        for layer in layers:
            canvas.cover(layer)
    _soften(rng, head, place.height)
    canvas.head(head, FaceParameters(person, pose, expression, looks))
    if in_front:
        for layer in layers:
            canvas.cover(layer)
    if rng.random() < 0.13 and place.height > 14:
        angle = float(rng.uniform(0, 2 * np.pi))
        offset = np.array([np.cos(angle), -np.sin(angle)]) * place.height * float(rng.uniform(0.25, 0.9))
        for item in hand(
            rng,
            np.array([place.x, place.y]) - offset,
            view.unit * 0.8,
            angle + float(rng.normal(0, 0.7)),
            person.skin,
            own_light,
            size,
        ):
            canvas.cover(item)


def _soften(rng: Rng, head: RenderedHead, height: float) -> None:
    """Defocus or motion of one person."""
    draw = rng.random()
    if draw < 0.13:
        sigma = float(rng.uniform(0.02, 0.07)) * height
        kernel = None
    elif draw < 0.17:
        sigma, kernel = (
            0.0,
            motion_kernel(max(2.0, float(rng.uniform(0.06, 0.22)) * height), float(rng.uniform(0, np.pi))),
        )
    else:
        return
    premultiplied = head.colour * head.alpha[..., None]
    if kernel is None:
        colour, alpha = (
            cv2.GaussianBlur(premultiplied, (0, 0), max(sigma, 0.4)),
            cv2.GaussianBlur(head.alpha, (0, 0), max(sigma, 0.4)),
        )
    else:
        colour, alpha = cv2.filter2D(premultiplied, -1, kernel), cv2.filter2D(head.alpha, -1, kernel)
    head.colour = colour / np.maximum(alpha, 1e-3)[..., None]
    head.alpha = alpha


def _foreground(rng: Rng, canvas: _Canvas, light: Lighting) -> None:
    """Things between the camera and the people: some aimed at a face, some anywhere."""
    for head in canvas.heads:
        if rng.random() < 0.09 and head.box is not None:
            box = head.box
            height = float(box[3] - box[1])
            angle = float(rng.uniform(0, 2 * np.pi))
            at = (box[:2] + box[2:]) / 2 + np.array([np.cos(angle), np.sin(angle)]) * height * float(
                rng.uniform(0.45, 0.85)
            )
            canvas.cover(add_clutter(rng, canvas.image, light, at, height * float(rng.uniform(0.25, 0.55))))
    for _ in range(int(rng.poisson(0.6))):
        place = rng.uniform(0, 1, 2) * canvas.owner.shape[::-1]
        canvas.cover(add_clutter(rng, canvas.image, light, place, float(np.exp(rng.uniform(1.2, 3.6)))))


def _labelled(canvas: _Canvas, image: np.ndarray) -> Scene:
    """Collects the labels of the faces that can be seen."""
    h, w = canvas.size
    counts = np.bincount((canvas.owner.ravel() + 1).astype(np.int64), minlength=len(canvas.heads) + 1)[1:]
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray, float, int]] = []
    faces = []
    for head, total, seen, parameters in zip(canvas.heads, canvas.totals, counts, canvas.parameters, strict=True):
        visible = float(seen) / max(total, 1)
        if head.box is None or visible < MIN_VISIBLE:
            continue
        box = np.clip(head.box, 0, np.array([w, h, w, h], np.float32))
        if (box[2:] - box[:2] < 1).any():
            continue
        inside = ((head.keypoints >= 0) & (head.keypoints <= (w, h))).all(1)
        # Sixteenths of a pixel are exact in text and in x, y, w, h forms.
        box, points = np.round(box * 16) / 16, np.round(head.keypoints * 16) / 16
        rows.append((box, points, head.keypoints_visible & inside, 1 - min(1.0, visible), parameters.identity.seed))
        faces.append(parameters)
    n = len(rows)
    boxes = np.array([row[0] for row in rows], np.float32).reshape(n, 4)
    occlusion = np.array([row[3] for row in rows], np.float32)
    return Scene(
        image,
        boxes,
        np.array([row[1] for row in rows], np.float32).reshape(n, 5, 2),
        np.array([row[2] for row in rows], bool).reshape(n, 5),
        occlusion,
        difficulty_of(boxes, occlusion),
        np.array([row[4] for row in rows], np.int64),
        faces,
        canvas.parts,
    )
