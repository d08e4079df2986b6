"""Figures of landmarks from arrays of points: NME, failure rate, area under the error curve, PCK.

Shapes: N faces, K points. Errors are nan where nothing can be judged: a point that is not annotated, a face whose
normaliser is 0 or cannot be told.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from faceresearch.datasets.landmark_metainfo import LandmarkScheme
from faceresearch.errors import UserError

Normalizer = Literal['interocular', 'interpupil', 'box', 'box_max', 'points_box']
NORMALIZERS: tuple[str, ...] = get_args(Normalizer)


def normalizing_lengths(
    kind: str, points: np.ndarray, visible: np.ndarray, boxes: np.ndarray, scheme: LandmarkScheme
) -> np.ndarray:
    """Return what the errors of each face are divided by (N,), nan where that is not known.

    Args:
        kind: ``interocular``, the distance of the outer corners of the eyes (300-W, WFLW, COFW, LaPa); ``interpupil``, that
            of the middles of the eyes; ``box``, √(w·h) of the face's box; ``box_max``, its longer side (AFLW; PCK);
            ``points_box``, √(w·h) of the box around the annotated points (JD-landmark).
        points: (N, K, 2) annotated.
        visible: (N, K) bool.
        boxes: (N, 4) xyxy.
        scheme: says which points the eyes are.

    Raises:
        UserError: ``kind`` is unknown.
    """
    if kind not in NORMALIZERS:
        raise UserError(f'landmark normalizer {kind!r} is unknown; use {", ".join(NORMALIZERS)}')
    if kind == 'interocular':
        lengths = distance_between(points, visible, (scheme.eye_corners[0],), (scheme.eye_corners[1],))
    elif kind == 'interpupil':
        lengths = distance_between(points, visible, scheme.five[0], scheme.five[1])
    else:
        if kind == 'points_box':
            low = np.where(visible[..., None], points, np.inf).min(1, initial=np.inf)
            high = np.where(visible[..., None], points, -np.inf).max(1, initial=-np.inf)
            sides = high - low
        else:
            sides = boxes[:, 2:] - boxes[:, :2]
        sides = np.where(np.isfinite(sides), sides, 0).clip(0)
        lengths = sides.max(1) if kind == 'box_max' else np.sqrt(sides.prod(1))
    return np.where(lengths > 0, lengths, np.nan)


def distance_between(
    points: np.ndarray, visible: np.ndarray, left: tuple[int, ...], right: tuple[int, ...]
) -> np.ndarray:
    """Return the distance (N,) of the means of two groups of points, 0 where not all of them are annotated."""
    lengths = np.linalg.norm(points[:, list(left)].mean(1) - points[:, list(right)].mean(1), axis=-1)
    return np.where(visible[:, [*left, *right]].all(1), lengths, 0.0)


def point_errors(predicted: np.ndarray, points: np.ndarray, visible: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the distances (N, K) of predicted and annotated points (N, K, 2), divided by ``lengths`` (N,)."""
    distances = np.linalg.norm(predicted.astype(np.float64) - points, axis=-1) / lengths[:, None]
    return np.where(visible, distances, np.nan)


def pooled_nme(errors: np.ndarray) -> float:
    """Return the mean of all errors (N, K): every annotated point counts once (mmpose keypoint_nme). nan without any."""
    judged = errors[np.isfinite(errors)]
    return float(judged.mean()) if len(judged) else float('nan')


def face_errors(errors: np.ndarray) -> np.ndarray:
    """Return the mean error of each face that has one, from errors (N, K)."""
    counts = np.isfinite(errors).sum(1)
    sums = np.where(np.isfinite(errors), errors, 0).sum(1)
    return (sums / np.maximum(counts, 1))[counts > 0]


def failure_rate(faces: np.ndarray, threshold: float) -> float:
    """Return the share of faces whose error is above the threshold. nan without faces."""
    return float((faces > threshold).mean()) if len(faces) else float('nan')


def ced_auc(faces: np.ndarray, threshold: float) -> float:
    """Return the area under the cumulative error distribution from 0 to the threshold, divided by the threshold.

    The curve is a step function of the errors, so that its area is exactly the mean of (threshold − error) / threshold,
    faces above it counting 0; other toolkits sample the curve. nan without faces.
    """
    return float((1 - faces / threshold).clip(0).mean()) if len(faces) else float('nan')


def pck(errors: np.ndarray, threshold: float) -> float:
    """Return the share of points with an error strictly below the threshold, averaged over the points that are judged.

    Errors (N, K) are relative to the box's longer side. First per point, then over points, as mmpose does. nan without any.
    """
    shares = [float((column < threshold).mean()) for column in (e[np.isfinite(e)] for e in errors.T) if len(column)]
    return float(np.mean(shares)) if shares else float('nan')
