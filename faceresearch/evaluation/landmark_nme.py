"""How precise the landmarks of detected faces are."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from faceresearch.errors import UserError
from faceresearch.evaluation.landmark_protocol import distance_between
from faceresearch.evaluation.matching import match_detections
from faceresearch.evaluation.samples import once_each, to_original
from faceresearch.evaluation.wider_face import as_numpy, sample_name, with_broken
from faceresearch.registry import METRICS

Normalizer = Literal['box', 'interocular']


@dataclass
class LandmarkImage:
    """What is kept of an image.

    ``errors`` has the normalised error of each face with landmarks that was detected, nan where no landmarks were
    predicted; ``faces`` is the number of faces with landmarks.
    """

    name: str
    broken: bool
    errors: np.ndarray
    faces: int


@METRICS.register_module()
class MatchedLandmarkNME(BaseMetric):
    """Normalised mean error of the landmarks of detected faces.

    Detections are matched to faces one to one, the best score first, each to the free face it overlaps most, if by
    ``iou_thr``. ``nme`` is the mean, over matched faces with landmarks, of the mean distance of their annotated points
    divided by the normaliser; ``matched`` is the fraction of the faces with landmarks that were matched: two figures of
    ``nme`` compare only where it is alike. Both are nan without landmarks to compare; a model that predicts none has an
    ``nme`` of nan.

    Args:
        normalizer: ``box``, √(w·h) of the annotated box; or ``interocular``, the distance of the annotated eyes
            (faces whose eyes are not both annotated, or coincide, are left out).
        eyes: numbers of the two eyes' points.
        iou_thr: overlap from which a detection is on a face.
        score_thr: detections must score at least this.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.

    Raises:
        UserError: the normaliser is unknown; predicted and annotated faces have different numbers of points.
    """

    default_prefix = 'landmark'

    def __init__(
        self,
        normalizer: Normalizer = 'box',
        eyes: tuple[int, int] = (0, 1),
        iou_thr: float = 0.5,
        score_thr: float = 0.0,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if normalizer not in ('box', 'interocular'):
            raise UserError(f"MatchedLandmarkNME: normalizer={normalizer!r} is unknown; use 'box' or 'interocular'")
        self.normalizer = normalizer
        self.eyes = (eyes[0], eyes[1])
        self.iou_thr = iou_thr
        self.score_thr = score_thr
        self.results: list[LandmarkImage] = []

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Match a batch and keep the errors."""
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            broken = bool(fields.get('img_broken', False))
            errors, faces = (np.zeros(0), 0) if broken else self._errors(fields)
            self.results.append(LandmarkImage(sample_name(fields), broken, errors, faces))

    def compute_metrics(self, results: list[LandmarkImage]) -> dict[str, float]:
        """Average over the faces of all images that could be read."""
        results = once_each(results)
        errors = np.concatenate([np.zeros(0), *(result.errors for result in results)])
        faces = sum(result.faces for result in results)
        predicted = errors[np.isfinite(errors)]
        if not len(predicted):
            why = 'no face has landmarks' if not faces else 'no detected face has landmarks to compare'
            print_log(f'{self.prefix}: {why}: nme is not defined (nan)', logger='current', level=logging.WARNING)
        figures = {
            'nme': float(predicted.mean()) if len(predicted) else math.nan,
            'matched': len(errors) / faces if faces else math.nan,
        }
        return with_broken(figures, results)

    def _errors(self, sample: dict[str, Any]) -> tuple[np.ndarray, int]:
        """Return the errors of the matched faces with landmarks, and the number of faces with landmarks."""
        truth, predicted = sample.get('gt_instances') or {}, sample['pred_instances']
        if 'keypoints' not in truth or not len(truth['bboxes']):
            return np.zeros(0), 0
        faces = to_original(as_numpy(truth['bboxes']).reshape(-1, 4), sample)
        points = to_original(as_numpy(truth['keypoints']), sample)
        visible = as_numpy(truth.get('keypoints_visible', np.ones(points.shape[:2]))).astype(bool)
        scales = self._scales(faces, points, visible)
        boxes, scores = as_numpy(predicted['bboxes']).reshape(-1, 4), as_numpy(predicted['scores']).reshape(-1)
        owner = match_detections(boxes, scores, faces, self.iou_thr, self.score_thr)
        judged = np.flatnonzero(~np.isnan(scales) & visible.any(1))
        matched = judged[owner[judged] >= 0]
        if 'keypoints' not in predicted:
            return np.full(len(matched), np.nan), len(judged)
        found = as_numpy(predicted['keypoints'])
        if len(found) and found.shape[1:] != points.shape[1:]:
            raise UserError(
                f'MatchedLandmarkNME: the model predicts {found.shape[1]} points, {sample_name(sample)} has'
                f' {points.shape[1]} annotated; use a data set with the points of the model'
            )
        errors = [
            np.linalg.norm(found[owner[i]].astype(np.float64) - points[i], axis=-1)[visible[i]].mean() / scales[i]
            for i in matched
        ]
        return np.array(errors, np.float64), len(judged)

    def _scales(self, faces: np.ndarray, points: np.ndarray, visible: np.ndarray) -> np.ndarray:
        if self.normalizer == 'box':
            scales = np.sqrt((faces[:, 2:] - faces[:, :2]).clip(0).prod(1))
        else:
            scales = distance_between(points, visible, (self.eyes[0],), (self.eyes[1],))
        return np.where(scales > 0, scales, np.nan)
