"""Head pose: mean absolute errors of yaw, pitch and roll, and the angle between rotations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.structures import BaseDataElement
from scipy.spatial.transform import Rotation

from faceresearch.datasets.head_pose_sets import rotation_matrix
from faceresearch.evaluation.attribute_failures import Mistake, worst_mistakes
from faceresearch.evaluation.attribute_files import Alternatives, StoredAttributeMetric
from faceresearch.evaluation.illustrations import Illustrations
from faceresearch.evaluation.landmark_plots import draw_ced
from faceresearch.evaluation.samples import once_each
from faceresearch.evaluation.wider_face import as_numpy, sample_name, with_broken
from faceresearch.registry import METRICS


def angles_of_rotation(matrices: np.ndarray) -> np.ndarray:
    """Return pitch, yaw and roll (N, 3) in degrees of rotations (N, 3, 3)."""
    return Rotation.from_matrix(matrices).as_euler('xyz', degrees=True)


def pose_figures(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return ``mae``, the mean of ``pitch_mae``, ``yaw_mae`` and ``roll_mae``, and ``geodesic``, all in degrees.

    Args:
        predicted: rotations (N, 3, 3).
        truth: rotations (N, 3, 3); of none, figures are nan.
    """
    # The mean first: the best model is chosen by the first key.
    keys = ('mae', 'pitch_mae', 'yaw_mae', 'roll_mae', 'geodesic')
    if not len(truth):
        return dict.fromkeys(keys, math.nan)
    # The shorter way round.
    turn = np.abs((angles_of_rotation(predicted) - angles_of_rotation(truth) + 180) % 360 - 180).mean(0)
    between = Rotation.from_matrix(predicted) * Rotation.from_matrix(truth).inv()
    values = (turn.mean(), *turn, np.rad2deg(between.magnitude()).mean())
    return {key: float(value) for key, value in zip(keys, values)}


@dataclass
class PoseImage:
    """What is kept of an image: its name, and predicted and true rotation (3, 3)."""

    name: str
    broken: bool = False
    predicted: np.ndarray = field(default_factory=lambda: np.eye(3))
    truth: np.ndarray = field(default_factory=lambda: np.eye(3))


@METRICS.register_module()
class HeadPoseMetric(StoredAttributeMetric):
    """``yaw_mae``, ``pitch_mae``, ``roll_mae``, their mean ``mae``, and ``geodesic``, all in degrees.

    Args:
        attribute: name of the rotation head.
        max_angle: images with a larger true angle are left out (99 on AFLW2000, as is usual).
        plots_dir: folder for the distribution of errors; None: none.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.
    """

    default_prefix = 'head_pose'

    def __init__(
        self,
        attribute: str = 'rotation',
        max_angle: float = 99.0,
        plots_dir: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.attribute = attribute
        self.max_angle = max_angle
        self.plots_dir = plots_dir
        self.illustrations = Illustrations()
        self.results: list[PoseImage] = []

    def stored_fields(self) -> list[Alternatives]:
        """Return the rotation, or its angles."""
        return [(self.attribute, f'{self.attribute}_angles')]

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the rotations of a batch."""
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            name = sample_name(fields)
            if fields.get('img_broken', False):
                self.results.append(PoseImage(name, broken=True))
                continue
            predicted, truth = fields['pred_attributes'], as_numpy(fields['gt_attributes'][self.attribute])
            if self.attribute in predicted:
                matrix = as_numpy(predicted[self.attribute])
            else:  # another toolkit's angles
                matrix = rotation_matrix(*as_numpy(predicted[f'{self.attribute}_angles']))
            self.results.append(PoseImage(name, False, matrix, truth))

    def compute_metrics(self, results: list[PoseImage]) -> dict[str, float]:
        """Average over the images within ``max_angle``."""
        results = once_each(results)
        seen = [result for result in results if not result.broken]
        truth = np.array([result.truth for result in seen], np.float64).reshape(-1, 3, 3)
        predicted = np.array([result.predicted for result in seen], np.float64).reshape(-1, 3, 3)
        kept = np.array([np.abs(angles_of_rotation(one)).max() <= self.max_angle for one in truth], bool)
        if self.plots_dir is not None and kept.any():
            between = Rotation.from_matrix(predicted[kept]) * Rotation.from_matrix(truth[kept]).inv()
            errors = np.rad2deg(between.magnitude())
            self.illustrations = self._illustrations([r for r, k in zip(seen, kept) if k], errors)
        return with_broken(pose_figures(predicted[kept], truth[kept]), results)

    def _illustrations(self, images: Sequence[PoseImage], errors: np.ndarray) -> Illustrations:
        limit = max(10.0, float(np.quantile(errors, 0.99)))
        path = Path(str(self.plots_dir)) / 'errors.png'
        picture = draw_ced(errors, path, (), '', 'angle between true and predicted rotation (°)', limit)
        mistakes = [
            Mistake(image.name, float(error), f'{error:.1f}° off; (pitch, yaw, roll) {_text(image)}')
            for image, error in zip(images, errors)
        ]
        return Illustrations([picture], worst_mistakes([mistakes]), 'Faces whose rotation is furthest off.')


def _text(image: PoseImage) -> str:
    predicted, truth = (angles_of_rotation(matrix) for matrix in (image.predicted, image.truth))
    return ', truly '.join(f'({angles[0]:.0f}°, {angles[1]:.0f}°, {angles[2]:.0f}°)' for angles in (predicted, truth))
