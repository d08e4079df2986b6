"""Landmarks of a head in the field's schemes, from the contours that are painted on it: exact by construction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .features import brow_contour, eye_contour, mouth_contour
from .head_maps import HeadMaps
from .head_shape import grid, surface_points
from .head_view import HeadView
from .identity import Expression, Identity
from .parts import HIDING_PARTS, Part

#: Half width of the face before the ears, range of elevations among which the chin is the lowest, in radians, and how
#: square a jaw is.
_CHEEK_U, _CHIN_PHI, _JAW_POWER = 1.42, (-1.12, -0.8), 3.2
#: Azimuth inside of which a cheek's outline is not looked for: there the nose is.
_CHEEK_INNER = 0.5
#: Further behind the surface than this (length units), a point is hidden.
_DEPTH_TOLERANCE = 0.14
#: Parts that hide a point which they lie over: worn things, and hair.
_COVERS = (*HIDING_PARTS, Part.HAIR)

#: Points of each scheme by name of :data:`~faceresearch.datasets.landmark_metainfo.LANDMARKS`.
SCHEMES = {'anime28': 28, '300w68': 68, 'lapa106': 106}


@dataclass
class Landmarks:
    """Points (K, 2) in scene pixels (the corner of the first pixel is 0), their depths (K,) towards the viewer, whether
    each belongs to the face's outline (K,), and whether what the point marks can be seen if nothing is before it (K,):
    a pupil under a shut lid cannot.
    """

    points: np.ndarray
    depths: np.ndarray
    outline: np.ndarray
    shown: np.ndarray


def face_landmarks(scheme: str, maps: HeadMaps, view: HeadView, person: Identity, expression: Expression) -> Landmarks:
    """Return the points of a scheme of ``SCHEMES`` on a head.

    Inner points are the painted contours on the head's surface, projected. The contour is the outline of the face in
    the picture, before the ears and above the neck, from the height of the eyes to the chin, which is the lowest point
    of the middle: of a turned head, the far side is the cheek's silhouette, as annotators of 2-D points draw it. Points
    on each side of the chin are equally far from each other along the outline.
    """
    outline, depths = _outline(maps, view, person, {'anime28': 2, '300w68': 8, 'lapa106': 16}[scheme])
    inner, shown = {'anime28': _anime, '300w68': _ibug, 'lapa106': _lapa}[scheme](person, expression)
    points, depth = view.project(surface_points(maps.face_radius, inner, view.scale))
    count = len(outline)
    return Landmarks(
        np.concatenate([outline, points]).astype(np.float32),
        np.concatenate([depths, depth]).astype(np.float32),
        np.arange(SCHEMES[scheme]) < count,
        np.concatenate([np.ones(count, bool), shown]),
    )


def visible_landmarks(
    marks: Landmarks, at: np.ndarray, middle: np.ndarray, z: np.ndarray, part: np.ndarray
) -> np.ndarray:
    """Return which points (K,) nothing hides: not the head itself, nor hair or anything worn.

    Args:
        marks: the points.
        at: their positions (K, 2) in ``z`` and ``part``.
        middle: the middle of the face there; points of the outline are looked for a little nearer to it, because what
            touches a face's outline does not hide it.
        z: (h, w) depth of the head's surface.
        part: (h, w) part ids.
    """
    height, width = z.shape
    look = at + np.where(marks.outline, 0.04, 0.0)[:, None] * (middle - at)
    inside = ((at >= 0) & (at < (width, height))).all(1)
    x, y = np.clip(look.astype(int), 0, (width - 1, height - 1)).T
    free = (marks.depths > z[y, x] - _DEPTH_TOLERANCE) | marks.outline
    return marks.shown & inside & free & ~np.isin(part[y, x], _COVERS)


def mark_neck(maps: HeadMaps, person: Identity) -> None:
    """Make neck of what is skin beyond the jaw, which the maps of scenes end at rougher lines."""
    u, phi = grid(maps.height)
    top = person.eye_phi - 0.02
    below = np.maximum((top - phi) / (top + 1.1), 0)
    beyond = (np.abs(u) / _CHEEK_U) ** _JAW_POWER + below**_JAW_POWER > 1
    maps.part[beyond & (phi < -0.4) & (maps.part == Part.SKIN)] = Part.NECK


def _outline(maps: HeadMaps, view: HeadView, person: Identity, per_side: int) -> tuple[np.ndarray, np.ndarray]:
    """Contour points (2 per_side + 1, 2) from image-left over the chin to image-right, and their depths."""
    roll = view.pose.roll
    right = np.array([np.cos(roll), np.sin(roll)])
    down = np.array([-np.sin(roll), np.cos(roll)])
    phis = np.linspace(*_CHIN_PHI, 33)
    middle = view.project(surface_points(maps.face_radius, np.stack([0 * phis, phis], 1), view.scale))[0]
    chin = float(phis[np.argmax(middle @ down)])
    top = person.eye_phi - 0.02
    # Denser towards the chin, where the half width of the face falls quickly.
    share = np.sin(np.linspace(0, np.pi / 2, 25))
    phi = top + share * (chin - top)
    half = _CHEEK_U * (1 - share**_JAW_POWER) ** (1 / _JAW_POWER)
    lines = []
    for side in (-1, 1):
        inner = np.minimum(_CHEEK_INNER, half)
        u = inner + np.linspace(0, 1, 24)[:, None] * (half - inner)
        uphi = np.stack([side * u, np.broadcast_to(phi, u.shape)], -1).reshape(-1, 2)
        pixels, depth = view.project(surface_points(maps.face_radius, uphi, view.scale))
        pixels, depth = pixels.reshape(*u.shape, 2), depth.reshape(u.shape)
        best = (side * (pixels @ right)).argmax(0)
        rows = np.arange(len(phi))
        curve = np.concatenate([pixels[best, rows], depth[best, rows, None]], 1)
        length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve[:, :2], axis=0), axis=1))])
        wanted = np.linspace(0, length[-1], per_side + 1)
        spaced = np.stack([np.interp(wanted, length, curve[:, k]) for k in range(3)], 1)
        lines.append(spaced if side < 0 else spaced[-2::-1])
    whole = np.concatenate(lines)
    return whole[:, :2], whole[:, 2]


def _along(line: np.ndarray, *at: float) -> np.ndarray:
    """Points of a drawn line (n, 2) at fractions of its parameter (0 first, 1 last)."""
    places = np.linspace(0, 1, len(line))
    return np.stack([np.interp(at, places, line[:, k]) for k in range(2)], 1)


def _eye(person: Identity, expression: Expression, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Upper and lower lid, from the inner to the outer corner, iris, and whether the iris can be seen."""
    eye = eye_contour(person, expression, side)
    lower = np.stack([eye.lower[:, 0], np.minimum(eye.lower[:, 1], eye.upper[:, 1])], 1)
    inside = np.abs(eye.iris[0]) - person.eye_u
    place = float(np.clip(inside / (2 * 0.135 * person.eye_size) + 0.5, 0, 1))
    top, bottom = _along(eye.upper, place)[0, 1], _along(lower, place)[0, 1]
    return eye.upper, lower, eye.iris, bool(top - bottom > 0.025 and bottom < eye.iris[1] < top)


def _brow(person: Identity, expression: Expression, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower edge of an eyebrow, from its inner to its outer end."""
    top, bottom = np.split(brow_contour(person, expression, side), 2)
    return top, bottom[::-1]


def _bridge(person: Identity) -> np.ndarray:
    """Four points from between the eyes to the tip of the nose."""
    return np.stack([np.zeros(4), np.linspace(person.eye_phi + 0.05, person.nose_phi, 4)], 1)


def _nose_base(person: Identity) -> np.ndarray:
    """Five points under the nose, from wing to wing."""
    width, tip = person.nose_width, person.nose_phi
    half = np.array([[-0.15 * width, tip - 0.08], [-0.07 * width, tip - 0.1]])
    return np.concatenate([half, [[0, tip - 0.105]], half[::-1] * (-1, 1)])


def _mouth(person: Identity, expression: Expression) -> np.ndarray:
    """The 20 points of 300W (48-67), which LaPa has too (84-103)."""
    lips = mouth_contour(person, expression)
    upper = _along(lips.upper_outer, 0, 0.17, 0.36, 0.5, 0.64, 0.83, 1)
    lower = _along(lips.lower_outer, 0.83, 0.665, 0.5, 0.335, 0.17)
    corners = (_along(lips.upper_inner, 0.06, 0.94) + _along(lips.lower_inner, 0.06, 0.94)) / 2
    above, below = _along(lips.upper_inner, 0.27, 0.5, 0.73), _along(lips.lower_inner, 0.73, 0.5, 0.27)
    return np.concatenate([upper, lower, corners[:1], above, corners[1:], below])


def _anime(person: Identity, expression: Expression) -> tuple[np.ndarray, np.ndarray]:
    brows, eyes = [], []
    for side in (-1, 1):
        # From image-left to image-right: the outer end comes first on the image's left.
        order = slice(None, None, -1) if side < 0 else slice(None)
        top, bottom = _brow(person, expression, side)
        brows.append(_along((top + bottom) / 2, 0, 0.5, 1)[order])
        upper, lower, _, _ = _eye(person, expression, side)
        eyes += [_along(upper, 0, 0.5, 1)[order], _along(lower, 0.25, 0.5, 0.75)[order]]
    lips = mouth_contour(person, expression)
    mouth = [lips.upper_outer[0], lips.upper_outer[8], lips.upper_outer[-1], lips.lower_outer[8]]
    points = np.concatenate([*brows, *eyes, [[0.0, person.nose_phi]], mouth])
    return points, np.ones(len(points), bool)


def _ibug(person: Identity, expression: Expression) -> tuple[np.ndarray, np.ndarray]:
    brows, eyes = [], []
    for side in (-1, 1):
        top, bottom = _brow(person, expression, side)
        edge = np.concatenate([_along(top, 0, 0.25, 0.5, 0.75), [(top[-1] + bottom[-1]) / 2]])
        brows.append(edge[::-1] if side < 0 else edge)
        upper, lower, _, _ = _eye(person, expression, side)
        # A ring that starts at the corner on the image's left and goes over the upper lid.
        forth = (1, 2 / 3, 1 / 3, 0) if side < 0 else (0, 1 / 3, 2 / 3, 1)
        back = (1 / 3, 2 / 3) if side < 0 else (2 / 3, 1 / 3)
        eyes += [_along(upper, *forth), _along(lower, *back)]
    points = np.concatenate([*brows, _bridge(person), _nose_base(person), *eyes, _mouth(person, expression)])
    return points, np.ones(len(points), bool)


def _lapa(person: Identity, expression: Expression) -> tuple[np.ndarray, np.ndarray]:
    brows, eyes, pupils, seen = [], [], [], []
    for side in (-1, 1):
        top, bottom = _brow(person, expression, side)
        above = np.concatenate([_along(top, 0, 0.25, 0.5, 0.75), [(top[-1] + bottom[-1]) / 2]])
        below = _along(bottom, 0, 0.25, 0.5, 0.75)
        brows += [above[::-1], below] if side < 0 else [above, below[::-1]]
        upper, lower, iris, open_ = _eye(person, expression, side)
        forth = (1, 0.75, 0.5, 0.25, 0) if side < 0 else (0, 0.25, 0.5, 0.75, 1)
        back = (0.25, 0.5, 0.75) if side < 0 else (0.75, 0.5, 0.25)
        eyes += [_along(upper, *forth), _along(lower, *back), np.array([[side * person.eye_u, person.eye_phi]])]
        pupils.append(iris)
        seen.append(open_)
    width, tip = person.nose_width, person.nose_phi
    wing = np.array(
        [
            [-0.075 * (1 + width) / 2, (person.eye_phi + tip) / 2 + 0.07],
            [-0.15 * width, tip + 0.04],
            [-0.185 * width, tip - 0.02],
        ]
    )
    nose = [_bridge(person), wing, _nose_base(person), wing[::-1] * (-1, 1)]
    points = np.concatenate([*brows, *nose, *eyes, _mouth(person, expression), np.array(pupils)])
    return points, np.concatenate([np.ones(len(points) - 2, bool), seen])
