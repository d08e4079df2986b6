"""Detections stored in a file: written by one run, judged by another, without a model or an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from faceresearch.errors import UserError
from faceresearch.evaluation.attribute_files import StoredAttributeMetric
from faceresearch.evaluation.predictions import join_detections, write_predictions
from faceresearch.evaluation.wider_face import as_numpy, sample_name
from faceresearch.registry import METRICS


def evaluate_predictions(cfg: Config, predictions_path: str | Path, subset: bool = False) -> dict[str, float]:
    """Judge stored predictions by the ``test_evaluator`` of a benchmark config.

    Args:
        cfg: config of a benchmark; its top-level variable ``subset`` is heeded too.
        predictions_path: npz in the form of the benchmark.
        subset: pass over images that the file lacks; otherwise they have no detections.

    Returns:
        Metric keys and figures.

    Raises:
        UserError: the file or the ground truth cannot be read, or the protocol cannot judge stored predictions.
    """
    return judge_file(cfg, predictions_path, subset)[0]


def judge_file(
    cfg: Config, predictions_path: str | Path, subset: bool = False
) -> tuple[dict[str, float], list[BaseMetric]]:
    """Judge stored predictions as :func:`evaluate_predictions` does; return the metrics too, with what they drew."""
    evaluators = cfg.get('test_evaluator')
    if not evaluators:
        raise UserError(f'{cfg.filename}: has no test_evaluator to judge predictions with; name a benchmark config')
    figures: dict[str, float] = {}
    metrics: list[BaseMetric] = []
    for evaluator in evaluators if isinstance(evaluators, list | tuple) else [evaluators]:
        metric = METRICS.build(evaluator)
        if not hasattr(metric, 'evaluate_file'):
            raise UserError(
                f'{cfg.filename}: {type(metric).__name__} takes its ground truth from the data set and cannot judge'
                ' stored predictions; name a benchmark config, such as configs/benchmarks/widerface_val.py'
            )
        if isinstance(metric, StoredAttributeMetric) and metric.truth is None:
            metric.truth = (cfg.get('test_dataloader') or {}).get('dataset')
        figures.update(metric.evaluate_file(predictions_path, subset=subset or bool(cfg.get('subset', False))))
        metrics.append(metric)
    return figures, metrics


@METRICS.register_module()
class DumpDetections(BaseMetric):
    """Writes the detections on a whole data set to one npz, in the form of :mod:`faceresearch.evaluation.predictions`.

    Boxes are stored as xyxy in pixels of the original image, with ``keypoints`` where the model predicts them. Images
    that could not be read are left out.

    Args:
        path: the npz to write.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
    """

    def __init__(self, path: str, collect_device: str = 'cpu') -> None:
        super().__init__(collect_device=collect_device)
        self.path = path
        self.results: list[tuple[str, np.ndarray, np.ndarray, np.ndarray | None]] = []

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the detections of a batch as numpy arrays."""
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            if fields.get('img_broken', False):
                continue
            predicted = fields['pred_instances']
            points = as_numpy(predicted['keypoints']) if 'keypoints' in predicted else None
            boxes = as_numpy(predicted['bboxes'])
            scores = as_numpy(
                predicted['scores' if 'scores' in predicted else 'bbox_scores']
            )  # the latter are mmpose's
            self.results.append((sample_name(fields), boxes, scores, points))

    def compute_metrics(self, results: list[tuple[str, np.ndarray, np.ndarray, np.ndarray | None]]) -> dict[str, float]:
        """Write the file; there are no figures."""
        results = list({result[0]: result for result in results}.values())
        points = [result[3] for result in results if result[3] is not None]
        detections = join_detections(
            [result[0] for result in results],
            [result[1] for result in results],
            [result[2] for result in results],
            points if points and len(points) == len(results) else None,
        )
        write_predictions(self.path, detections)
        return {}
