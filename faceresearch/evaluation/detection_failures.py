"""The images on which a detector errs most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from faceresearch.evaluation.illustrations import WORST, Failure
from faceresearch.evaluation.matching import box_overlaps, match_detections


@dataclass(frozen=True)
class JudgedDetections:
    """An image's detections and faces.

    Attributes:
        name: of the image.
        boxes: (D, 4) xyxy.
        scores: (D,).
        faces: (N, 4) xyxy.
        counted: (N,) bool: faces that are to be found; detections on the others are neither right nor wrong.
    """

    name: str
    boxes: np.ndarray
    scores: np.ndarray
    faces: np.ndarray
    counted: np.ndarray


@dataclass(frozen=True)
class _Match:
    """``owner`` (N,) number of each face's detection or −1; ``false`` (D,) bool: detections on no face."""

    owner: np.ndarray
    false: np.ndarray


def detection_failures(
    images: Sequence[JudgedDetections], iou_thr: float = 0.5, count: int = WORST
) -> tuple[list[Failure], str]:
    """Return the images with most faces missed and false detections together, and a note on how they were chosen.

    Detections are those from the score on at which F1 over all images is best. They are matched to faces one to one, the
    best score first; what then overlaps a face that does not count is passed over.

    Args:
        images: detections and faces.
        iou_thr: overlap from which a detection is on a face.
        count: images at most; those without a mistake are left out.
    """
    matches = [_match(image, iou_thr) for image in images]
    threshold, precision, recall = _best_f1(images, matches)
    ranked = []
    for image, match in zip(images, matches):
        found = (match.owner >= 0) & (_scores_of(image, match) >= threshold)
        missed, false = image.counted & ~found, match.false & (image.scores >= threshold)
        if missed.any() or false.any():
            ranked.append((int(missed.sum() + false.sum()), image, found, missed, false))
    ranked.sort(key=lambda entry: -entry[0])
    failures = [_failure(*entry[1:]) for entry in ranked[:count]]
    note = (
        f'Images with most faces missed and false detections, of detections that score at least {threshold:.3f}, where F1 is'
        f' best (precision {precision:.3f}, recall {recall:.3f} over all counted faces, IoU ≥ {iou_thr:g}). Dashed orange: missed.'
        ' Yellow with a score: no face there. Green: found. Dashed grey: does not count.'
    )
    return failures, note


def _match(image: JudgedDetections, iou_thr: float) -> _Match:
    owner = match_detections(image.boxes, image.scores, image.faces, iou_thr, score_thr=-np.inf)
    false = np.ones(len(image.boxes), bool)
    false[owner[owner >= 0]] = False
    ignored = image.faces[~image.counted]
    if false.any() and len(ignored):
        # Any number of detections may lie on one region that does not count.
        false[false] = box_overlaps(image.boxes[false], ignored).max(1) < iou_thr
    return _Match(owner, false)


def _scores_of(image: JudgedDetections, match: _Match) -> np.ndarray:
    """Return the score of each face's detection (N,), −∞ where there is none."""
    scores = np.full(len(image.faces), -np.inf)
    scores[match.owner >= 0] = image.scores[match.owner[match.owner >= 0]]
    return scores


def _best_f1(images: Sequence[JudgedDetections], matches: Sequence[_Match]) -> tuple[float, float, float]:
    """Return the score from which on F1 is best, with precision and recall there; zeros without a right detection."""
    right = [_scores_of(i, m)[i.counted & (m.owner >= 0)] for i, m in zip(images, matches)]
    wrong = [i.scores[m.false] for i, m in zip(images, matches)]
    faces = sum(int(image.counted.sum()) for image in images)
    true, false = np.sort(np.concatenate([[], *right]))[::-1], np.sort(np.concatenate([[], *wrong]))
    if not len(true):
        return 0.0, 0.0, 0.0
    hits = np.arange(1, len(true) + 1)
    errors = len(false) - np.searchsorted(false, true, side='left')
    best = int(np.argmax(2 * hits / (hits + errors + faces)))
    # Equal scores stand or fall together: the last of them has them all.
    best = int(np.flatnonzero(true == true[best])[-1])
    return float(true[best]), float(hits[best] / (hits[best] + errors[best])), float(hits[best] / faces)


def _failure(image: JudgedDetections, found: np.ndarray, missed: np.ndarray, false: np.ndarray) -> Failure:
    from faceresearch.visualization.failures import draw_detections

    draw = partial(
        draw_detections,
        found=image.faces[found & image.counted],
        missed=image.faces[missed],
        false=image.boxes[false],
        false_scores=image.scores[false],
        ignored=image.faces[~image.counted],
    )
    faces = int(image.counted.sum())
    caption = f'{int(missed.sum())} of {faces} faces missed, {int(false.sum())} false detections'
    return Failure((image.name,), caption, lambda images: draw(images[0]))
