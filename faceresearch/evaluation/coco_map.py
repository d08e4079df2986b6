"""COCO's mean average precision, with the ground truth the samples carry."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from faceresearch.errors import UserError
from faceresearch.evaluation.detection_failures import JudgedDetections, detection_failures
from faceresearch.evaluation.illustrations import Illustrations
from faceresearch.evaluation.plots import CurvePlot, Line, Picture, draw_curves
from faceresearch.evaluation.samples import once_each, to_original
from faceresearch.evaluation.wider_face import as_numpy, sample_name, with_broken
from faceresearch.registry import METRICS


@dataclass
class CocoImage:
    """What is kept of an image: detections, faces and regions to ignore, boxes (n, 4) xyxy in the original image."""

    name: str
    broken: bool
    boxes: np.ndarray
    scores: np.ndarray
    faces: np.ndarray
    ignored: np.ndarray


@METRICS.register_module()
class FaceCocoMetric(BaseMetric):
    """Mean AP over the overlaps 0.50, 0.55, …, 0.95, as COCO computes it (pycocotools), with one class, the face.

    Reports ``bbox_map``, ``bbox_map_50`` and ``bbox_map_75``, and ``bbox_map_s``, ``bbox_map_m``, ``bbox_map_l`` for
    faces below 32², from 32² to 96², and above 96² pixels, as fractions; nan where there is no such face. Faces come
    from ``gt_instances`` of the samples and are brought to the original image; ``ignored_instances`` count as COCO's
    crowds: detections in them are neither right nor wrong. Images that could not be read do not count.

    Args:
        max_dets: detections judged in an image, the best first. COCO's 100 is too few for crowds of faces.
        plots_dir: folder for the precision-recall curves; None: none.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.

    Raises:
        UserError: ``max_dets`` is not positive.
    """

    default_prefix = 'coco'

    def __init__(
        self,
        max_dets: int = 100,
        plots_dir: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if max_dets < 1:
            raise UserError(f'FaceCocoMetric: max_dets={max_dets}: at least 1')
        self.max_dets = max_dets
        self.plots_dir = plots_dir
        self.illustrations = Illustrations()
        self.results: list[CocoImage] = []

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep detections and ground truth of a batch as numpy arrays."""
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            predicted = fields['pred_instances']
            boxes, scores = as_numpy(predicted['bboxes']).reshape(-1, 4), as_numpy(predicted['scores']).reshape(-1)
            good = np.isfinite(boxes).all(1) & np.isfinite(scores)
            self.results.append(
                CocoImage(
                    name=sample_name(fields),
                    broken=bool(fields.get('img_broken', False)),
                    boxes=boxes[good].astype(np.float64),
                    scores=scores[good].astype(np.float64),
                    faces=_truth(fields, 'gt_instances'),
                    ignored=_truth(fields, 'ignored_instances'),
                )
            )

    def compute_metrics(self, results: list[CocoImage]) -> dict[str, float]:
        """Judge all images that could be read."""
        results = once_each(results)
        good = [result for result in results if not result.broken]
        precision = coco_precision(good, self.max_dets)
        figures = _figures(precision)
        if self.plots_dir is not None:
            pictures = [] if precision is None else [draw_precision(precision, Path(self.plots_dir) / 'pr_curves.png')]
            self.illustrations = Illustrations(pictures, *detection_failures([_judged(image) for image in good]))
        return with_broken({f'bbox_{key}': value for key, value in figures.items()}, results)


def _truth(sample: dict[str, Any], key: str) -> np.ndarray:
    instances = sample.get(key) or {}
    boxes = as_numpy(instances['bboxes']) if 'bboxes' in instances else np.zeros((0, 4))
    return to_original(boxes.reshape(-1, 4), sample)


def _judged(image: CocoImage) -> JudgedDetections:
    faces = np.concatenate([image.faces, image.ignored])
    counted = np.arange(len(faces)) < len(image.faces)
    return JudgedDetections(image.name, image.boxes, image.scores, faces, counted)


def coco_map(images: Sequence[CocoImage], max_dets: int = 100) -> dict[str, float]:
    """Compute COCO's figures.

    Args:
        images: detections and ground truth.
        max_dets: detections judged in an image.

    Returns:
        ``map``, ``map_50``, ``map_75``, ``map_s``, ``map_m``, ``map_l``, fractions, or nan without such faces.
    """
    return _figures(coco_precision(images, max_dets))


def coco_precision(images: Sequence[CocoImage], max_dets: int = 100) -> np.ndarray | None:
    """Return COCO's precision (10, 101, 4) at overlaps 0.50 … 0.95, recalls 0 … 1, and areas all, small, medium, large.

    −1 where there is no such face; None without any face.
    """
    if not any(len(image.faces) for image in images):
        return None
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO()
    with contextlib.redirect_stdout(io.StringIO()):
        truth.dataset = _dataset(images)
        truth.createIndex()
        found = COCO()
        found.dataset = {**truth.dataset, 'annotations': _detections(images)}
        found.createIndex()
        evaluation = COCOeval(truth, found, 'bbox')
        evaluation.params.maxDets = [max_dets]
        evaluation.evaluate()
        evaluation.accumulate()
    # (overlaps, recalls, classes, areas, detections); −1: no such face. Its own summary insists on 100 detections.
    return evaluation.eval['precision'][:, :, 0, :, 0]


def draw_precision(precision: np.ndarray, path: str | Path) -> Picture:
    """Draw :func:`coco_precision` at overlaps of 0.5, 0.75 and 0.9 into a PNG.

    Raises:
        UserError: the file cannot be written.
    """
    recall = np.linspace(0, 1, precision.shape[1])
    lines = [
        Line(f'IoU {0.5 + 0.05 * row:.2f}  AP {precision[row, :, 0].mean():.4f}', recall, precision[row, :, 0])
        for row in (0, 5, 8)
    ]
    plot = CurvePlot(
        'faces of all sizes',
        'recall',
        'precision',
        lines,
        xlim=(0, 1),
        ylim=(0, 1.01),
        steps=False,
        legend='lower left',
    )
    draw_curves(plot, path)
    caption = 'Precision over recall, interpolated as COCO does, for three of the ten overlaps that mAP averages.'
    return Picture(Path(path), 'Precision and recall', caption, plot)


def _figures(precision: np.ndarray | None) -> dict[str, float]:
    keys = ('map', 'map_50', 'map_75', 'map_s', 'map_m', 'map_l')
    if precision is None:
        return dict.fromkeys(keys, math.nan)

    def mean(values: np.ndarray) -> float:
        return float(values[values > -1].mean()) if (values > -1).any() else math.nan

    whole = precision[:, :, 0]
    figures = (mean(whole), mean(whole[0]), mean(whole[5]), *(mean(precision[:, :, area]) for area in (1, 2, 3)))
    return dict(zip(keys, figures))


def _dataset(images: Sequence[CocoImage]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for number, image in enumerate(images):
        for boxes, crowd in ((image.faces, 0), (image.ignored, 1)):
            for box in boxes:
                rows.append({**_row(box, number, len(rows) + 1), 'iscrowd': crowd})
    return {
        'info': {},
        'images': [{'id': number} for number in range(len(images))],
        'annotations': rows,
        'categories': [{'id': 1, 'name': 'face'}],
    }


def _detections(images: Sequence[CocoImage]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, image in enumerate(images):
        for box, score in zip(image.boxes, image.scores):
            rows.append({**_row(box, number, len(rows) + 1), 'score': float(score)})
    return rows


def _row(box: np.ndarray, image: int, number: int) -> dict[str, Any]:
    x1, y1, x2, y2 = box.tolist()
    width, height = x2 - x1, y2 - y1
    return {
        'id': number,
        'image_id': image,
        'category_id': 1,
        'bbox': [x1, y1, width, height],
        'area': width * height,
        'iscrowd': 0,
    }
