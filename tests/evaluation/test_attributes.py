"""Accuracy of attributes: closed forms by hand, missing labels, groups and head pose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement

from faceresearch.errors import UserError
from faceresearch.evaluation.attributes import AttributeMetric, class_figures, number_figures
from faceresearch.evaluation.head_pose import HeadPoseMetric, angles_of_rotation, rotation_matrix
from faceresearch.structures import FaceDataSample


def sample(name: str, predicted: dict[str, Any], truth: dict[str, Any]) -> FaceDataSample:
    result = FaceDataSample(metainfo={'img_id': name})
    result.pred_attributes = BaseDataElement(**{key: torch.as_tensor(value) for key, value in predicted.items()})
    result.gt_attributes = BaseDataElement(**{key: torch.as_tensor(value) for key, value in truth.items()})
    return result


def test_class_figures_by_hand() -> None:
    truth = np.array([0, 0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 0, 1, 1, 0, 2])
    found = class_figures(predicted, truth, 4)
    assert found['accuracy'] == pytest.approx(5 / 7)
    assert found['balanced_accuracy'] == pytest.approx((3 / 4 + 1 / 2 + 1) / 3), 'class 3 does not occur'
    assert found['mean_f1'] == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)
    assert found['majority'] == pytest.approx(4 / 7)


def test_number_figures_by_hand() -> None:
    found = number_figures(np.array([10.0, 20, 41]), np.array([10.0, 25, 30]))
    assert found == pytest.approx({'mae': 16 / 3, 'cs@5': 2 / 3, 'mae_of_median': 20 / 3})


def test_faces_without_a_label_do_not_count_for_that_head() -> None:
    metric = AttributeMetric(classes={'gender': 'fairface/gender'}, numbers=['age'])
    metric.process(
        None,
        [
            sample('a', {'gender': 0, 'age': 30.0}, {'gender': 0, 'age': float('nan')}),
            sample('b', {'gender': 1, 'age': 30.0}, {'gender': -1, 'age': 40.0}),
            sample('c', {'gender': 1, 'age': 30.0}, {'age': 32.0}),
        ],
    )
    figures = metric.compute_metrics(metric.results)
    assert figures['gender/accuracy'] == 1 and figures['age/mae'] == 6


def test_groups_and_the_gap_between_them(tmp_path: Path) -> None:
    metric = AttributeMetric(
        classes={'gender': 'fairface/gender'},
        groups=['race'],
        group_labels={'race': 'fairface/race'},
        min_group=2,
        plots_dir=str(tmp_path),
    )
    cases = [(0, 0, 0), (1, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 2)]  # predicted, true, race
    metric.process(None, [sample(str(i), {'gender': p}, {'gender': t, 'race': r}) for i, (p, t, r) in enumerate(cases)])
    figures = metric.compute_metrics(metric.results)
    assert figures['gender/White/accuracy'] == 1 and figures['gender/Black/accuracy'] == 0.5
    assert figures['gender/Latino_Hispanic/accuracy'] == 0
    assert figures['gender/gap'] == 0.5, 'a group of one does not count'
    assert (tmp_path / 'gender_confusion.png').stat().st_size > 0


def test_group_without_names() -> None:
    with pytest.raises(UserError, match="group 'race' has no names"):
        AttributeMetric(classes={'gender': 'fairface/gender'}, groups=['race'])


def test_head_pose_by_hand() -> None:
    truth, predicted = rotation_matrix(0, 0, 0), rotation_matrix(0, 10, 0)
    metric = HeadPoseMetric()
    profile = rotation_matrix(0, 0, 120)
    metric.process(None, [sample('a', {'rotation': predicted}, {'rotation': truth})])
    metric.process(None, [sample('b', {'rotation': profile}, {'rotation': profile})])
    figures = metric.compute_metrics(metric.results)
    assert figures['yaw_mae'] == pytest.approx(10), 'b is beyond 99 degrees'
    assert figures['mae'] == pytest.approx(10 / 3) and figures['geodesic'] == pytest.approx(10)


def test_angles_of_rotations_are_those_of_the_model() -> None:
    from faceresearch.models.classifiers.heads import euler_angles, geodesic_distance, rotation_of

    rng = np.random.default_rng(0)
    angles = rng.uniform((-80, -80, -170), (80, 80, 170), (50, 3))
    matrices = np.stack([rotation_matrix(*row) for row in angles])
    assert np.allclose(angles_of_rotation(matrices), angles)
    assert np.allclose(euler_angles(torch.from_numpy(matrices)).numpy(), angles)
    # Two columns of any length and slant span the rotation.
    six = torch.from_numpy(np.concatenate([3 * matrices[:, :, 0], matrices[:, :, 1] + 0.5 * matrices[:, :, 0]], 1))
    assert np.allclose(rotation_of(six).numpy(), matrices)
    turned = torch.from_numpy(np.stack([rotation_matrix(0, 0, 30) @ m for m in matrices]))
    assert np.allclose(np.rad2deg(geodesic_distance(turned, torch.from_numpy(matrices)).numpy()), 30)


def test_head_pose_without_an_image_that_counts() -> None:
    metric = HeadPoseMetric()
    behind = rotation_matrix(0, 0, 150)
    metric.process(None, [sample('a', {'rotation': behind}, {'rotation': behind})])
    assert np.isnan(list(metric.evaluate(1).values())).all()
