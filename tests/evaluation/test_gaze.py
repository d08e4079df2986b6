"""Angular error of gaze: closed forms, and the arc cosine as a second computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement

from faceresearch.evaluation.gaze import GazeMetric, angles_of, angular_errors, error_of_mean, gaze_vectors
from faceresearch.structures import FaceDataSample


def test_vectors_by_hand() -> None:
    vectors = gaze_vectors(np.array([[0, 0], [90, 0], [0, 90], [180, 0]]))
    expected = [[0, 0, -1], [-1, 0, 0], [0, -1, 0], [0, 0, 1]]
    assert np.allclose(vectors, expected, atol=1e-12)


def test_angles_and_vectors_are_inverse() -> None:
    angles = np.random.default_rng(0).uniform((-179, -89), (179, 89), (200, 2))
    assert np.allclose(angles_of(gaze_vectors(angles)), angles)


def test_errors_by_hand_and_by_arc_cosine() -> None:
    assert angular_errors(np.array([[10, 0]]), np.array([[0, 0]]))[0] == pytest.approx(10)
    assert angular_errors(np.array([[0, -7]]), np.array([[0, 5]]))[0] == pytest.approx(12)
    # Yaw counts less the further up one looks.
    assert angular_errors(np.array([[20, 60]]), np.array([[0, 60]]))[0] < 10.1
    assert angular_errors(np.array([[33.0, 12.0]]), np.array([[33.0, 12.0]]))[0] == 0
    rng = np.random.default_rng(1)
    a, b = rng.uniform(-80, 80, (2, 100, 2))
    dot = (gaze_vectors(a) * gaze_vectors(b)).sum(1)
    assert np.allclose(angular_errors(a, b), np.rad2deg(np.arccos(dot)))


def test_metric_and_its_subsets() -> None:
    metric = GazeMetric(front_face=20)
    cases = {'ahead': ((5, 0), (0, 0)), 'aside': ((50, 0), (60, 0)), 'behind': ((-170, 0), (170, 0))}
    samples = []
    for name, (predicted, truth) in cases.items():
        sample = FaceDataSample(metainfo={'img_id': name})
        for field, (yaw, pitch) in (('pred_attributes', predicted), ('gt_attributes', truth)):
            element = BaseDataElement(yaw=torch.tensor(float(yaw)), pitch=torch.tensor(float(pitch)))
            sample.set_field(element, field)
        samples.append(sample)
    metric.process(None, samples)
    figures = metric.compute_metrics(metric.results)
    assert figures['mae'] == pytest.approx((5 + 10 + 20) / 3)
    assert figures['mae_front180'] == pytest.approx(7.5)
    assert figures['mae_front'] == pytest.approx(5)
    assert figures['yaw_mae'] == pytest.approx((5 + 10 + 20) / 3), 'the shorter way round'


def test_error_of_the_mean_direction() -> None:
    # The mean of 30° to either side is straight ahead.
    assert error_of_mean(np.array([[30.0, 0], [-30, 0]])) == pytest.approx(30)
    assert error_of_mean(np.array([[0.0, 40], [0, 20], [0, 30]])) == pytest.approx(20 / 3)
    truth = np.random.default_rng(0).normal(0, 20, (500, 2))
    around = [
        angular_errors(np.repeat([[yaw, pitch]], 500, 0), truth).mean() for yaw in (-15, 15) for pitch in (-15, 15)
    ]
    assert error_of_mean(truth) < min(around)
