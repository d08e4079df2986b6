"""The WIDER FACE average precision: plain numpy functions.

The protocol is that of the official ``eval_tools`` (evaluation.m, norm_score.m, read_pred.m): detections of an image in
descending order of score; scores scaled to 0..1 over all images together; intersection over union with one pixel added
to every width and height; a detection takes the face it overlaps most, counted or not; detections on faces that the
subset does not count are neither right nor wrong; 1,000 thresholds; area under the precision envelope.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from faceresearch.errors import UserError, did_you_mean
from faceresearch.evaluation.predictions import DetectionSet

#: The three difficulty levels; each contains the one before it.
SUBSETS = ('easy', 'medium', 'hard')
THRESHOLDS = 1000
#: Pairs of detection and face whose overlap is computed at a time: the intermediate arrays stay in the cache.
_BLOCK_PAIRS = 2**16

Compat = Literal['official', 'wondervictor', 'scrfd']
BoxQuantize = Literal['truncate', 'round']

#: Where the search for the lowest and the highest score starts. MATLAB: realmax and realmin, the smallest positive
#: normal number; the Python ports: numbers that scores between 0 and 1 replace.
_SCORE_START: dict[str, tuple[float, float]] = {
    'official': (float(np.finfo(np.float64).max), float(np.finfo(np.float64).tiny)),
    'wondervictor': (1.0, 0.0),
    'scrfd': (2.0, -1.0),
}


@dataclass(frozen=True)
class WiderProtocol:
    """What an evaluator, and the writer of the detections before it, does.

    Attributes:
        compat: ``official`` sorts detections by score and computes in float64. ``wondervictor``, the port in
            wondervictor/WiderFace-Evaluation, biubug6/Pytorch_Retinaface and the YOLO-face repositories, takes them in
            the order given. ``scrfd``, the port in deepinsight/insightface detection/scrfd, does so too, on float32
            rows of x, y, w, h and score.
        box_quantize: how corners are written: ``truncate`` towards zero (biubug6/Pytorch_Retinaface and its copies),
            ``round`` to the nearest integer (the YOLO-face repositories), or None for no rounding.
        score_decimals: decimals scores are printed with; 3 in the YOLO-face repositories. None: all.
        iou_offset: pixels added to widths and heights in the overlap; 1 in the protocol.
        iou_thr: overlap from which a detection is on a face.
        count_faceless_images: count detections on images without any annotated face as false. The protocol passes
            over such images; its own data has none.
    """

    compat: Compat = 'official'
    box_quantize: BoxQuantize | None = None
    score_decimals: int | None = None
    iou_offset: float = 1.0
    iou_thr: float = 0.5
    count_faceless_images: bool = False

    def __post_init__(self) -> None:
        if self.compat not in _SCORE_START:
            raise UserError(
                f'compat={self.compat!r} is not a WIDER FACE evaluator; use one of {", ".join(_SCORE_START)}.'
                f'{did_you_mean(str(self.compat), _SCORE_START)}'
            )
        if self.box_quantize not in (None, 'truncate', 'round'):
            raise UserError(f"box_quantize={self.box_quantize!r} is unknown; use None, 'truncate' or 'round'")
        if self.score_decimals is not None and not 0 <= self.score_decimals <= 17:
            raise UserError(f'score_decimals={self.score_decimals!r} must be between 0 and 17, or None')


@dataclass(frozen=True)
class GroundTruth:
    """Annotated faces of a list of images.

    Attributes:
        names: image names, ``event/file`` without extension.
        offsets: (images + 1,) int64; image i owns the rows offsets[i]:offsets[i + 1].
        boxes: (G, 4) float64 xyxy in pixels, x2 = x + w.
        kept: (G, 3) bool; whether the face counts in easy, medium, hard. A face that does not count is an ignore
            region of that subset.
    """

    names: tuple[str, ...]
    offsets: np.ndarray
    boxes: np.ndarray
    kept: np.ndarray

    def select(self, names: set[str]) -> GroundTruth:
        """Return the ground truth of these images only, in the same order."""
        rows = [i for i, name in enumerate(self.names) if name in names]
        take, offsets = gather_rows(self.offsets, np.array(rows, np.int64))
        return GroundTruth(tuple(self.names[i] for i in rows), offsets, self.boxes[take], self.kept[take])


@dataclass(frozen=True)
class PRCurve:
    """Precision over recall of one subset.

    Attributes:
        subset: easy, medium or hard.
        recall: (1000,) float64, rising, at thresholds 0.999, 0.998, … 0 of the scaled score; NaN without faces.
        precision: (1000,) float64; 0 where nothing is above the threshold.
        ap: average precision, a fraction; NaN when the subset has no faces.
        faces: how many faces the subset counts.
    """

    subset: str
    recall: np.ndarray
    precision: np.ndarray
    ap: float
    faces: int


def gather_rows(offsets: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers that belong to ``images`` (−1: none), one image after another, and their offsets."""
    starts = np.where(images >= 0, offsets[images], 0)
    counts = np.where(images >= 0, offsets[images + 1] - offsets[images], 0)
    new_offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    rows = np.arange(new_offsets[-1]) + np.repeat(starts - new_offsets[:-1], counts)
    return rows, new_offsets


def evaluate_detections(
    detections: DetectionSet, truth: GroundTruth, protocol: WiderProtocol | None = None
) -> list[PRCurve]:
    """Return the curves of easy, medium and hard.

    Every image of ``truth`` is judged: one that ``detections`` lacks has no detections. Images that ``truth`` lacks
    are passed over.

    Args:
        detections: boxes and scores; rows with a value that is not finite must have been dropped.
        truth: the faces.
        protocol: variations of the protocol; None is the official one.
    """
    protocol = protocol or WiderProtocol()
    where = {name: i for i, name in enumerate(detections.names)}
    images = np.array([where.get(name, -1) for name in truth.names], np.int64)
    rows, offsets = gather_rows(detections.offsets, images)
    boxes, scores = _as_written(detections, rows, protocol)
    if protocol.compat == 'official':
        image_of_row = np.repeat(np.arange(len(images)), np.diff(offsets))
        order = np.lexsort((-scores, image_of_row))  # stable: equal scores keep their order
        boxes, scores = boxes[order], scores[order]
    scores = normalize_scores(scores, protocol.compat)
    face, overlap = best_overlaps(boxes, offsets, truth, protocol.iou_offset)
    if not protocol.count_faceless_images:
        judged = np.repeat(np.diff(truth.offsets) > 0, np.diff(offsets))
    else:
        judged = np.ones(len(scores), bool)
    return _curves(
        reach=_suffix_max(scores, offsets, ordered=protocol.compat == 'official'),
        face=np.where(overlap >= protocol.iou_thr, face, -1),
        judged=judged,
        kept=truth.kept,
        float_type=scores.dtype,
    )


def _as_written(detections: DetectionSet, rows: np.ndarray, protocol: WiderProtocol) -> tuple[np.ndarray, np.ndarray]:
    """Return corners (N, 4) and scores (N,) as the evaluator reads them from what the writer wrote."""
    boxes = detections.boxes[rows].astype(np.float64)
    scores = detections.scores[rows].astype(np.float64)
    if detections.form == 'xywh':
        boxes[:, 2:] += boxes[:, :2]
    if protocol.box_quantize == 'truncate':
        boxes = np.trunc(boxes)
    elif protocol.box_quantize == 'round':
        boxes = np.rint(boxes)
    if protocol.score_decimals is not None:
        # Through text, as the writers do it: np.round is off by one where the product with 10**n is rounded.
        scores = np.char.mod(f'%.{protocol.score_decimals}f', scores).astype(np.float64)
    if protocol.compat == 'scrfd':
        corner = boxes[:, :2].astype(np.float32)
        if detections.form == 'xywh' and protocol.box_quantize is None:
            size = detections.boxes[rows, 2:].astype(np.float32)
        else:
            size = boxes[:, 2:].astype(np.float32) - corner
        boxes, scores = np.concatenate([corner, corner + size], axis=1), scores.astype(np.float32)
    return boxes, scores


def normalize_scores(scores: np.ndarray, compat: Compat = 'official') -> np.ndarray:
    """Scale the scores of all images together to 0..1.

    The protocol divides by zero when all scores are equal; they become 1 here.
    """
    if len(scores) == 0:
        return scores
    low_start, high_start = _SCORE_START[compat]
    low, high = min(scores.min(), low_start), max(scores.max(), high_start)
    if high == low:
        return np.ones_like(scores)
    return ((scores - low).astype(np.float64) / (high - low)).astype(scores.dtype)


def box_overlaps(boxes: np.ndarray, faces: np.ndarray, offset: float = 1.0) -> np.ndarray:
    """Return the intersection over union (N, G) of boxes (N, 4) and faces (G, 4), xyxy in pixels.

    Args:
        boxes: detections.
        faces: annotated faces.
        offset: pixels added to widths and heights; 1 takes the corners as pixels that belong to the box.
    """
    width = np.minimum(boxes[:, None, 2], faces[:, 2]) - np.maximum(boxes[:, None, 0], faces[:, 0]) + offset
    height = np.minimum(boxes[:, None, 3], faces[:, 3]) - np.maximum(boxes[:, None, 1], faces[:, 1]) + offset
    shared = np.where((width > 0) & (height > 0), width * height, 0.0)
    union = (_areas(boxes, offset)[:, None] + _areas(faces, offset)) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)


def _areas(boxes: np.ndarray, offset: float) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0] + offset) * (boxes[:, 3] - boxes[:, 1] + offset)


def best_overlaps(
    boxes: np.ndarray, offsets: np.ndarray, truth: GroundTruth, offset: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return for each detection the face of its image that it overlaps most, and by how much.

    Args:
        boxes: (N, 4) detections, image after image in the order of ``truth``.
        offsets: (images + 1,) rows of each image.
        truth: the faces.
        offset: see :func:`box_overlaps`.

    Returns:
        face (N,) int64, a row of ``truth.boxes``, the first of equals; −1 on an image without faces.
        overlap (N,) float64, 0 where nothing is overlapped.
    """
    best = np.full(len(boxes), -1, np.int64)
    overlap = np.zeros(len(boxes))
    for image in range(len(truth.names)):
        first_face, end_face = truth.offsets[image], truth.offsets[image + 1]
        if first_face == end_face:
            continue
        faces = truth.boxes[first_face:end_face]
        step = max(1, _BLOCK_PAIRS // len(faces))
        for start in range(offsets[image], offsets[image + 1], step):
            end = min(start + step, offsets[image + 1])
            table = box_overlaps(boxes[start:end], faces, offset)
            index = table.argmax(axis=1)
            best[start:end] = index + first_face
            overlap[start:end] = table[np.arange(end - start), index]
    return best, overlap


def _suffix_max(scores: np.ndarray, offsets: np.ndarray, ordered: bool) -> np.ndarray:
    """Return for each detection the highest score from it to the end of its image's list.

    The evaluators cut the list behind the *last* detection that reaches the threshold, so that in an unordered list
    those before it count as well: a detection counts for every threshold up to this score.
    """
    if ordered:
        return scores
    reach = scores.copy()
    for start, end in pairwise(offsets):
        reach[start:end] = np.maximum.accumulate(scores[start:end][::-1])[::-1]
    return reach


def _curves(
    reach: np.ndarray, face: np.ndarray, judged: np.ndarray, kept: np.ndarray, float_type: np.dtype
) -> list[PRCurve]:
    """Count right and judged detections at every threshold.

    The first detection in the list that chooses a counted face is right, later ones are wrong. Which face a detection
    chooses does not depend on the subset, so nor does which is first.
    """
    thresholds = np.array([1 - t / THRESHOLDS for t in range(1, THRESHOLDS + 1)]).astype(float_type)
    on_face = face >= 0
    first = np.zeros(len(face), bool)
    claimed = np.flatnonzero(on_face)
    first[claimed[np.unique(face[claimed], return_index=True)[1]]] = True
    curves = []
    for index, subset in enumerate(SUBSETS):
        counted = np.zeros(len(face), bool)
        counted[on_face] = kept[face[on_face], index]
        right = _reaching(reach[first & counted], thresholds)
        proposed = _reaching(reach[judged & (counted | ~on_face)], thresholds)
        faces = int(kept[:, index].sum())
        recall = right / faces if faces else np.full(THRESHOLDS, np.nan)
        precision = np.divide(right, proposed, out=np.zeros(THRESHOLDS), where=proposed > 0)
        curves.append(PRCurve(subset, recall, precision, average_precision(recall, precision), faces))
    return curves


def _reaching(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return how many values are at or above each threshold."""
    return len(values) - np.searchsorted(np.sort(values), thresholds, side='left')


def average_precision(recall: np.ndarray, precision: np.ndarray) -> float:
    """Return the area under the precision envelope (PASCAL VOC 2010 and later).

    Args:
        recall: (T,) rising, fractions.
        precision: (T,) fractions.
    """
    if np.isnan(recall).any():
        return float('nan')
    recall = np.concatenate([[0.0], recall, [1.0]])
    envelope = np.maximum.accumulate(np.concatenate([[0.0], precision, [0.0]])[::-1])[::-1]
    step = np.flatnonzero(recall[1:] != recall[:-1])
    return float(np.sum((recall[step + 1] - recall[step]) * envelope[step + 1]))
