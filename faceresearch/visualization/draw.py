"""Draw faces on images: boxes, scores, landmarks, in sizes that are legible on any image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from faceresearch.visualization.labels import LabelPlacer, draw_label, text_height

if TYPE_CHECKING:
    from faceresearch.datasets.landmark_metainfo import LandmarkScheme

Color = tuple[int, int, int]

#: Colours (BGR) of five landmarks: image-left eye, image-right eye, nose, image-left and image-right mouth corner.
POINT_COLORS: tuple[Color, ...] = ((60, 60, 255), (255, 150, 40), (90, 255, 90), (255, 80, 255), (40, 235, 255))
#: Colour of ground truth.
TRUTH_COLOR: Color = (255, 225, 40)
#: Colour of faces that are neither searched for nor counted as mistakes.
IGNORED_COLOR: Color = (170, 170, 170)
#: Colours of scores 0, 0.5 and 1; between them linear.
_SCORE_COLORS = np.array([(60, 60, 255), (40, 200, 255), (70, 230, 90)], np.float64)
#: Coordinates are drawn with 1/8 pixel precision.
_SHIFT = 3
#: Boxes and points further outside than this many image sizes are cut there: OpenCV's integers would overflow.
_FAR = 4
#: Faces of at least this many pixels get lines of two pixels over a dark halo; on smaller ones these would hide them.
_HALO_SIDE = 28


def draw_faces(
    image: np.ndarray,
    boxes: np.ndarray,
    scores: np.ndarray | None = None,
    keypoints: np.ndarray | None = None,
    visible: np.ndarray | None = None,
    labels: Sequence[str] | None = None,
    color: Color | None = None,
    dashed: bool = False,
    scheme: str | None = None,
) -> np.ndarray:
    """Return a copy of an image with N faces drawn on it.

    Lines, points and text grow with the image, and shrink on faces that they would cover. Text is placed beside its
    box where it hides the fewest other faces, best score first; where there is no room it is left out.

    Args:
        image: (H, W, 3) uint8 BGR; not changed.
        boxes: (N, 4) xyxy in pixels; parts outside the image are drawn along its edge, boxes with NaN are left out.
        scores: (N,) 0…1; without ``color`` they give the colour, red over yellow to green; written as text unless
            ``labels`` are given.
        keypoints: (N, K, 2) in pixels; of five, each has a colour of its own (``POINT_COLORS``).
        visible: (N, K) bool, by default all points.
        labels: N texts, an empty one for none.
        color: BGR of boxes and text background.
        dashed: draw dashed lines.
        scheme: landmark scheme of the points, whose lines join them (``300w68``, …); None takes the first that has so many.
    """
    canvas = np.ascontiguousarray(image).copy()
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    count = len(boxes)
    drawn = np.isfinite(boxes).sum(1) == 4
    height, width = canvas.shape[:2]
    limits = np.array([width, height, width, height], np.float64)
    boxes = np.clip(np.nan_to_num(boxes), -_FAR * limits, (1 + _FAR) * limits)
    order = np.arange(count) if scores is None else np.argsort(np.asarray(scores), kind='stable')
    order = order[drawn[order]]
    colors = [color or _color_of(None if scores is None else float(scores[i])) for i in range(count)]
    for i in order:  # The best face last, over the others.
        draw_box(canvas, boxes[i], colors[i], dashed)
    if keypoints is not None and count:
        points = np.asarray(keypoints, np.float64).reshape(count, -1, 2)
        for i in order:
            shown = None if visible is None else np.asarray(visible)[i]
            draw_points(canvas, points[i], boxes[i], shown, scheme)
    if labels is None:
        labels = [''] * count if scores is None else [f'{float(score):.2f}' for score in scores]
    placer = LabelPlacer(canvas.shape[:2], boxes[order])
    for i in order[::-1]:
        if labels[i]:
            size = text_height(canvas.shape[:2], _side(boxes[i]))
            draw_label(canvas, placer, labels[i], boxes[i], size, colors[i])
    return canvas


def draw_box(canvas: np.ndarray, box: np.ndarray, color: Color, dashed: bool = False) -> None:
    """Draw one box (4,) xyxy in pixels on ``canvas`` (H, W, 3), in place, over a dark halo where it is large enough."""
    height, width = canvas.shape[:2]
    line = line_width((height, width), _side(box))
    x1, y1 = (int(np.clip(round(v), 0, limit - 1)) for v, limit in zip(box[:2], (width, height)))
    x2, y2 = (int(np.clip(round(v), 0, limit - 1)) for v, limit in zip(box[2:], (width, height)))
    halo = line + 2 if _side(box) >= _HALO_SIDE else 0
    for colour, thickness in (((0, 0, 0), halo), (color, line)):
        if thickness == 0:
            continue
        if dashed:
            _dashed_rectangle(canvas, (x1, y1), (x2, y2), colour, thickness, dash=max(4, 6 * line))
        else:
            cv2.rectangle(canvas, (x1, y1), (x2, y2), colour, thickness)


def draw_points(
    canvas: np.ndarray,
    points: np.ndarray,
    box: np.ndarray,
    visible: np.ndarray | None = None,
    scheme: str | None = None,
) -> None:
    """Draw one face's landmarks (K, 2), in pixels, on ``canvas``, in place; ``visible`` is (K,) bool.

    The lines of ``scheme`` join points that are visible; each part of the face has its own colour. Points of eyelids do
    not merge: none is larger than a quarter of the way to the next.
    """
    height, width = canvas.shape[:2]
    share = 0.034 if len(points) <= 5 else 0.012
    radius = float(np.clip(share * _side(box), 0.5, max(1.5, min(height, width) / 110)))
    if len(points) > 5:
        radius = min(radius, max(0.5, _spacing(points) / 4))
    colors = _point_colors(len(points), scheme)
    near = np.isfinite(points).all(1) & (np.abs(points) <= _FAR * max(height, width)).all(1)
    for start, end, color in _links(len(points), scheme):
        if near[start] and near[end] and (visible is None or (visible[start] and visible[end])):
            a, b = ([round(float(v) * 2**_SHIFT) for v in points[k]] for k in (start, end))
            cv2.line(canvas, a, b, color, line_width((height, width), _side(box)) // 2 or 1, cv2.LINE_AA, _SHIFT)
    for k, (x, y) in enumerate(points):
        if (visible is not None and not visible[k]) or not (-1 <= x <= width and -1 <= y <= height):
            continue
        centre = (round(x * 2**_SHIFT), round(y * 2**_SHIFT))
        if radius >= 1.5:
            outline = round((radius + max(1.0, radius * 0.3)) * 2**_SHIFT)
            cv2.circle(canvas, centre, outline, (0, 0, 0), -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(canvas, centre, round(radius * 2**_SHIFT), colors[k], -1, cv2.LINE_AA, _SHIFT)


def _spacing(points: np.ndarray) -> float:
    """Return the distance to the next point that a quarter of all points (K, 2) fall short of; infinite for none."""
    points = points[np.isfinite(points).all(1)]
    if len(points) < 2:
        return math.inf
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    np.fill_diagonal(distances, np.inf)
    return float(np.quantile(distances.min(1), 0.25))


@cache
def _links(count: int, scheme: str | None) -> tuple[tuple[int, int, Color], ...]:
    """Return pairs of points and a colour (BGR) for each line of a scheme, or of the first that has ``count`` points."""
    found = _scheme(count, scheme)
    colors = _point_colors(count, scheme)
    return tuple((start, end, colors[start]) for start, end in found.links) if found else ()


@cache
def _point_colors(count: int, scheme: str | None) -> tuple[Color, ...]:
    """Return a colour (BGR) for each point: that of its part where the scheme is known."""
    if count == len(POINT_COLORS):
        return POINT_COLORS
    found = _scheme(count, scheme)
    if found is None:
        return (POINT_COLORS[-1],) * count
    known = found.metainfo()['keypoint_info']
    return tuple(tuple(known[k]['color'][::-1]) for k in range(count))


def _scheme(count: int, scheme: str | None) -> LandmarkScheme | None:
    from faceresearch.datasets.landmark_metainfo import LANDMARKS

    found = LANDMARKS.get(scheme) if scheme else next((s for s in LANDMARKS.values() if s.num_points == count), None)
    return found if found is not None and found.num_points == count else None


def line_width(image_size: tuple[int, int], side: float) -> int:
    """Return the line width, in pixels, of a face of ``side`` pixels in an image of ``image_size`` (h, w)."""
    smallest = 2 if side >= _HALO_SIDE else 1
    return max(smallest, round(min(min(image_size) / 350, side / 16)))


def _side(box: np.ndarray) -> float:
    return math.sqrt(max(0.0, float(box[2] - box[0])) * max(0.0, float(box[3] - box[1])))


def _color_of(score: float | None) -> Color:
    if score is None or not math.isfinite(score):
        return TRUTH_COLOR
    position = min(max(score, 0.0), 1.0) * (len(_SCORE_COLORS) - 1)
    low = min(int(position), len(_SCORE_COLORS) - 2)
    mixed = _SCORE_COLORS[low] + (position - low) * (_SCORE_COLORS[low + 1] - _SCORE_COLORS[low])
    return int(mixed[0]), int(mixed[1]), int(mixed[2])


def _dashed_rectangle(
    canvas: np.ndarray, start: tuple[int, int], end: tuple[int, int], color: Color, thickness: int, dash: int
) -> None:
    (x1, y1), (x2, y2) = start, end
    for x in range(x1, x2 + 1, 2 * dash):
        for y in (y1, y2):
            cv2.line(canvas, (x, y), (min(x + dash, x2), y), color, thickness)
    for y in range(y1, y2 + 1, 2 * dash):
        for x in (x1, x2):
            cv2.line(canvas, (x, y), (x, min(y + dash, y2)), color, thickness)
