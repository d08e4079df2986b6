"""Gaze: the angle between predicted and true direction in space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.structures import BaseDataElement

from faceresearch.evaluation.attribute_files import Alternatives, StoredAttributeMetric
from faceresearch.evaluation.illustrations import WORST, Failure, Illustrations
from faceresearch.evaluation.landmark_plots import draw_ced
from faceresearch.evaluation.samples import once_each
from faceresearch.evaluation.wider_face import as_numpy, sample_name, with_broken
from faceresearch.registry import METRICS


def gaze_vectors(angles: np.ndarray) -> np.ndarray:
    """Return unit vectors (N, 3) of yaw and pitch (N, 2) in degrees.

    x = −cos(pitch) sin(yaw), y = −sin(pitch), z = −cos(pitch) cos(yaw): x to the right of the image, y down, z away from
    the camera; (0, 0) looks into the camera.
    """
    yaw, pitch = np.deg2rad(np.asarray(angles, np.float64)).T
    return np.stack((-np.cos(pitch) * np.sin(yaw), -np.sin(pitch), -np.cos(pitch) * np.cos(yaw)), axis=1)


def angles_of(vectors: np.ndarray) -> np.ndarray:
    """Return yaw and pitch (N, 2) in degrees of directions (N, 3): the inverse of :func:`gaze_vectors`."""
    x, y, z = np.asarray(vectors, np.float64).T
    return np.rad2deg(np.stack((np.arctan2(-x, -z), np.arctan2(-y, np.hypot(x, z))), axis=1))


def angular_errors(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the angles (N,) in degrees between directions given as yaw and pitch (N, 2) in degrees.

    By the arc tangent of sine and cosine, which is exact where directions are nearly equal. The field's evaluators take
    the arc cosine and cut it off at 0.9999999: no error of theirs is below 0.0256°.
    """
    a, b = gaze_vectors(predicted), gaze_vectors(truth)
    return np.rad2deg(np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(1)))


def error_of_mean(truth: np.ndarray) -> float:
    """Return the mean angular error in degrees of always naming the mean direction of yaws and pitches (N, 2)."""
    if not len(truth):
        return math.nan
    constant = angles_of(gaze_vectors(truth).mean(0)[None])
    return float(angular_errors(np.repeat(constant, len(truth), axis=0), truth).mean())


@dataclass
class GazeImage:
    """What is kept of an image: its name, predicted and true angles (yaw, pitch) in degrees."""

    name: str
    broken: bool = False
    predicted: np.ndarray = field(default_factory=lambda: np.zeros(2))
    truth: np.ndarray = field(default_factory=lambda: np.zeros(2))


@METRICS.register_module()
class GazeMetric(StoredAttributeMetric):
    """Mean angular error in degrees, and mean absolute errors of yaw and pitch.

    ``mae`` is over all images; ``mae_front180`` over those looking less than 90° away from the camera, ``mae_front``
    over those within ``front_face`` degrees, both by the angle in space, each where there are such images.
    ``mae_of_mean`` is the error of always naming the mean direction of these very labels: what a figure has to be compared
    with.

    Args:
        yaw: name of the head of the yaw.
        pitch: name of the head of the pitch.
        front_face: degrees from the camera's direction within which a face counts as frontal.
        plots_dir: folder for the distribution of errors; None: none.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.
    """

    default_prefix = 'gaze'

    def __init__(
        self,
        yaw: str = 'yaw',
        pitch: str = 'pitch',
        front_face: float = 20.0,
        plots_dir: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.names = (yaw, pitch)
        self.front_face = front_face
        self.plots_dir = plots_dir
        self.illustrations = Illustrations()
        self.results: list[GazeImage] = []

    def stored_fields(self) -> list[Alternatives]:
        """Return both angles."""
        return [(name,) for name in self.names]

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the angles of a batch."""
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            name = sample_name(fields)
            if fields.get('img_broken', False):
                self.results.append(GazeImage(name, broken=True))
                continue
            values = [
                np.array([float(as_numpy(fields[side][n])) for n in self.names])
                for side in ('pred_attributes', 'gt_attributes')
            ]
            self.results.append(GazeImage(name, False, *values))

    def compute_metrics(self, results: list[GazeImage]) -> dict[str, float]:
        """Average over all images that could be read."""
        results = once_each(results)
        seen = [result for result in results if not result.broken]
        predicted = np.array([result.predicted for result in seen]).reshape(-1, 2)
        truth = np.array([result.truth for result in seen]).reshape(-1, 2)
        errors = angular_errors(predicted, truth)
        away = angular_errors(truth, np.zeros_like(truth))
        turn = (predicted - truth + 180) % 360 - 180
        figures = {
            'mae': float(errors.mean()) if len(errors) else math.nan,
            'yaw_mae': float(np.abs(turn[:, 0]).mean()) if len(errors) else math.nan,
            'pitch_mae': float(np.abs(turn[:, 1]).mean()) if len(errors) else math.nan,
            'mae_of_mean': error_of_mean(truth),
        }
        for key, kept in (('mae_front180', away < 90), ('mae_front', away <= self.front_face)):
            if kept.any():
                figures[key] = float(errors[kept].mean())
        if self.plots_dir is not None and len(errors):
            limit = max(10.0, float(np.quantile(errors, 0.99)))
            path = Path(self.plots_dir) / 'errors.png'
            picture = draw_ced(errors, path, (), '', 'angle between true and predicted gaze (°)', limit)
            worst = [_failure(seen[row], errors[row]) for row in np.argsort(-errors, kind='stable')[:WORST]]
            self.illustrations = Illustrations([picture], worst, 'Blue: true gaze. Orange: predicted gaze.')
        return with_broken(figures, results)


def _failure(image: GazeImage, error: float) -> Failure:
    from faceresearch.visualization.failures import draw_gaze_error

    (yaw, pitch), (true_yaw, true_pitch) = image.predicted, image.truth
    caption = f'{error:.1f}° off: yaw {yaw:.1f}°, truly {true_yaw:.1f}°; pitch {pitch:.1f}°, truly {true_pitch:.1f}°'
    return Failure((image.name,), caption, lambda images: draw_gaze_error(images[0], image.truth, image.predicted))
