"""Draw what a model got wrong: on a detector's image, on a face, beside its truth."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from faceresearch.visualization.attributes import draw_gaze
from faceresearch.visualization.draw import IGNORED_COLOR, draw_faces
from faceresearch.visualization.masks import draw_mask
from faceresearch.visualization.sheet import contact_sheet, fit

#: Colours (BGR) of the Okabe-Ito palette, told apart with any colour vision.
MISSED_COLOR = (0, 94, 213)
FALSE_COLOR = (66, 228, 240)
FOUND_COLOR = (115, 158, 0)
TRUE_COLOR = (178, 114, 0)
#: (h, w) of the largest picture of an image, and of a face.
_IMAGE = (640, 960)
_FACE = (320, 320)
#: Images smaller than the picture are enlarged at most this much.
_ENLARGED = 3


def shown(image: np.ndarray, size: tuple[int, int] = _FACE) -> tuple[np.ndarray, float]:
    """Return an image (H, W, 3) scaled for a report, and the factor."""
    height, width = image.shape[:2]
    return fit(image, (min(size[0], _ENLARGED * height), min(size[1], _ENLARGED * width)))


def draw_detections(
    image: np.ndarray,
    found: np.ndarray,
    missed: np.ndarray,
    false: np.ndarray,
    false_scores: np.ndarray,
    ignored: np.ndarray,
) -> np.ndarray:
    """Return a picture of an image (H, W, 3) BGR with its faces and a detector's mistakes.

    Args:
        image: not changed.
        found: (N, 4) xyxy, faces that were detected: thin green.
        missed: (M, 4), faces that were not: dashed orange.
        false: (F, 4), detections that are no face: yellow, with their scores.
        false_scores: (F,).
        ignored: (I, 4), faces that do not count: dashed grey.
    """
    picture, scale = shown(image, _IMAGE)
    picture = draw_faces(picture, ignored * scale, color=IGNORED_COLOR, dashed=True)
    picture = draw_faces(picture, found * scale, color=FOUND_COLOR)
    picture = draw_faces(picture, missed * scale, color=MISSED_COLOR, dashed=True)
    labels = [f'{score:.2f}' for score in false_scores]
    return draw_faces(picture, false * scale, false_scores, labels=labels, color=FALSE_COLOR)


def draw_landmarks(
    image: np.ndarray, truth: np.ndarray, predicted: np.ndarray, visible: np.ndarray, margin: float = 0.2
) -> np.ndarray:
    """Return a picture of a face with true points (K, 2) in blue, predicted ones in orange, and lines between them.

    Args:
        image: (H, W, 3) BGR; the part around the points is shown.
        truth: in pixels of the image.
        predicted: likewise.
        visible: (K,) bool, points that are annotated.
        margin: space around the points, as a share of the face's longer side.
    """
    points = truth[visible] if visible.any() else truth
    low, high = points.min(0), points.max(0)
    space = margin * max(float((high - low).max()), 8.0)
    # Predictions may be anywhere: those not far from the face are shown.
    near = predicted[
        np.isfinite(predicted).all(1) & (np.abs(predicted - (low + high) / 2) <= 3 * space / margin).all(1)
    ]
    every = np.concatenate([points, near])
    size = np.array(image.shape[1::-1])
    x1, y1 = np.clip(np.floor(every.min(0) - space), 0, size - 2).astype(int)
    x2, y2 = np.clip(np.ceil(every.max(0) + space), np.array([x1, y1]) + 2, size).astype(int)
    part = image[y1:y2, x1:x2]
    factor = min(_FACE[0] / part.shape[0], _FACE[1] / part.shape[1])
    picture = cv2.resize(
        part, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    )
    origin = np.array([x1, y1])
    for true, guess, seen in zip((truth - origin) * factor, (predicted - origin) * factor, visible):
        if not seen:
            continue
        end = tuple(int(v) for v in np.clip(true, -1e4, 1e4))
        if np.isfinite(guess).all():
            start = tuple(int(v) for v in np.clip(guess, -1e4, 1e4))
            cv2.line(picture, start, end, (230, 230, 230), 1, cv2.LINE_AA)
            _dot(picture, start, MISSED_COLOR)
        _dot(picture, end, TRUE_COLOR)
    return picture


def draw_masks(
    image: np.ndarray, truth: np.ndarray, predicted: np.ndarray, palette: np.ndarray | Sequence[Sequence[int]]
) -> np.ndarray:
    """Return an image (H, W, 3) BGR beside its true and predicted mask, both (h, w) uint8 class ids, in one row."""
    height, width = truth.shape
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    cells = [image, draw_mask(image, truth, palette), draw_mask(image, predicted, palette)]
    return contact_sheet(cells, ['image', 'truth', 'predicted'], columns=3, cell=(256, 256))


def draw_pair(images: Sequence[np.ndarray]) -> np.ndarray:
    """Return two faces (H, W, 3) BGR side by side, equally high."""
    side = min(224, _ENLARGED * min(min(image.shape[:2]) for image in images))
    return contact_sheet([fit(image, (side, side))[0] for image in images], columns=len(images), cell=(side, side))


def draw_gaze_error(image: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return a face with the true gaze as a blue arrow and the predicted one in orange; (yaw, pitch) in degrees."""
    picture = shown(image)[0].copy()
    for (yaw, pitch), color in ((truth, TRUE_COLOR), (predicted, MISSED_COLOR)):
        draw_gaze(picture, float(yaw), float(pitch), color=color)
    return picture


def draw_whole(images: Sequence[np.ndarray]) -> np.ndarray:
    """Return the picture of one image, scaled for a report."""
    return shown(images[0])[0]


def _dot(picture: np.ndarray, place: tuple[int, ...], color: tuple[int, int, int]) -> None:
    cv2.circle(picture, place, 4, (0, 0, 0), -1, cv2.LINE_AA)
    cv2.circle(picture, place, 3, color, -1, cv2.LINE_AA)
