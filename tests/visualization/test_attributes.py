"""Attributes as values and on pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement

from faceresearch.evaluation.head_pose import rotation_matrix
from faceresearch.models.classifiers.heads import euler_angles
from faceresearch.visualization.attributes import attribute_values, draw_attributes, draw_head_pose


def tip(pitch: float, yaw: float, roll: float, channel: int) -> np.ndarray:
    """Where the axis of a colour ends, seen from the middle, in units of its length."""
    picture = np.zeros((301, 301, 3), np.uint8)
    draw_head_pose(picture, pitch, yaw, roll)
    rows, columns = np.nonzero((picture[..., channel] > 200) & (picture.sum(2) < 400))
    far = np.argmax(np.hypot(rows - 150, columns - 150))
    return np.array([columns[far] - 150, rows[far] - 150]) / 100


@pytest.mark.parametrize(('pitch', 'yaw', 'roll'), [(20, 40, 0), (-15, -30, 10), (0, 60, -25), (35, 10, 5)])
def test_axes_are_drawn_as_the_field_draws_them(pitch: float, yaw: float, roll: float) -> None:
    p, y, r = math.radians(pitch), -math.radians(yaw), math.radians(roll)
    side = (math.cos(y) * math.cos(r), math.cos(p) * math.sin(r) + math.cos(r) * math.sin(p) * math.sin(y))
    down = (-math.cos(y) * math.sin(r), math.cos(p) * math.cos(r) - math.sin(p) * math.sin(y) * math.sin(r))
    forward = (math.sin(y), -math.cos(y) * math.sin(p))
    for channel, expected in ((2, side), (1, down), (0, forward)):
        assert tip(pitch, yaw, roll, channel) == pytest.approx(expected, abs=0.05)


def test_a_rotation_is_told_by_its_angles() -> None:
    matrix = torch.tensor(rotation_matrix(10, -20, 5), dtype=torch.float32)
    predicted = BaseDataElement(rotation=matrix, rotation_angles=euler_angles(matrix[None])[0])
    values = attribute_values(predicted, {})
    assert values == {'rotation': {'pitch': 10.0, 'yaw': -20.0, 'roll': 5.0}}
    drawn = draw_attributes(np.zeros((120, 120, 3), np.uint8), values)
    assert drawn.any()


def test_classes_have_names_and_probabilities() -> None:
    predicted = BaseDataElement(
        gender=torch.tensor(1), gender_scores=torch.tensor([0.25, 0.75]), age=torch.tensor(31.4159)
    )
    assert attribute_values(predicted, {'gender': ['Male', 'Female']}) == {
        'gender': {'label': 'Female', 'score': 0.75},
        'age': 31.416,
    }
