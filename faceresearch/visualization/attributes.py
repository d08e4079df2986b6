"""Attributes of a face as plain values, and written on its picture; gaze as an arrow, head pose as three axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from mmengine.structures import BaseDataElement
from scipy.spatial.transform import Rotation

from faceresearch.evaluation.gaze import gaze_vectors

_SCORES = '_scores'
_ANGLES = '_angles'
_POSE = ('pitch', 'yaw', 'roll')
_COLOUR = (0, 255, 255)
_DARK = (0, 0, 0)


def attribute_values(predicted: BaseDataElement, labels: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what is predicted as JSON holds it: a class by name with its probability, a number rounded, angles by name.

    Args:
        predicted: ``pred_attributes`` of a sample.
        labels: names of the classes by head, from the model's contract.
    """
    values: dict[str, Any] = {}
    for name in predicted.keys():  # noqa: SIM118 (iterating over it is not defined)
        if name.endswith(_SCORES) and name.removesuffix(_SCORES) in predicted:
            continue
        if f'{name}{_ANGLES}' in predicted:  # a rotation is told by its angles
            continue
        value = np.asarray(predicted.get(name).detach().cpu())
        if name.endswith(_ANGLES):
            values[name.removesuffix(_ANGLES)] = {axis: round(float(v), 2) for axis, v in zip(_POSE, value)}
            continue
        scores = predicted.get(f'{name}{_SCORES}', None)
        if scores is None:
            values[name] = np.round(value.astype(np.float64), 3).tolist()
            continue
        names = list(labels.get(name) or map(str, range(len(scores))))
        probabilities = [round(float(score), 5) for score in scores]
        if value.ndim:
            values[name] = {label: score for label, score in zip(names, probabilities) if score >= 0.5}
        else:
            values[name] = {'label': names[int(value)], 'score': probabilities[int(value)]}
    return values


def draw_attributes(image: np.ndarray, values: Mapping[str, Any]) -> np.ndarray:
    """Return a copy of an image (H, W, 3) BGR with the values of :func:`attribute_values`, and an arrow for a gaze."""
    picture = np.ascontiguousarray(image).copy()
    if isinstance(values.get('yaw'), float) and isinstance(values.get('pitch'), float):
        draw_gaze(picture, values['yaw'], values['pitch'])
    for value in values.values():
        if isinstance(value, Mapping) and set(value) == set(_POSE):
            draw_head_pose(picture, value['pitch'], value['yaw'], value['roll'])
    scale = max(0.35, min(picture.shape[:2]) / 700)
    step = round(30 * scale)
    for number, (name, value) in enumerate(values.items(), 1):
        text = f'{name}: {_text(value)}'
        place = (round(6 * scale), step * number)
        for colour, width in ((_DARK, 3), (_COLOUR, 1)):
            thickness = max(1, round(width * scale * 1.5))
            cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA)
    return picture


def draw_gaze(
    picture: np.ndarray,
    yaw: float,
    pitch: float,
    centre: tuple[float, float] | None = None,
    color: tuple[int, int, int] = (0, 0, 255),
) -> None:
    """Draw the direction of a gaze, in degrees, as an arrow (BGR) from the middle of the picture or of a face."""
    height, width = picture.shape[:2]
    x, y = centre or (width / 2, height / 2)
    dx, dy, _ = gaze_vectors(np.array([[yaw, pitch]]))[0] * (min(height, width) / 2)
    ends = (round(x), round(y)), (round(x + dx), round(y + dy))
    cv2.arrowedLine(picture, *ends, color, max(1, min(height, width) // 100), cv2.LINE_AA, tipLength=0.2)


def draw_head_pose(
    picture: np.ndarray, pitch: float, yaw: float, roll: float, centre: tuple[float, float] | None = None
) -> None:
    """Draw the axes of a head, angles in degrees as 300W-LP counts them: to its side red, down green, forward blue.

    As natanielruiz/deep-head-pose (code/utils.py) and its successors draw them.
    """
    height, width = picture.shape[:2]
    x, y = centre or (width / 2, height / 2)
    axes = Rotation.from_euler('XYZ', [pitch, -yaw, roll], degrees=True).as_matrix()[:2] * (min(height, width) / 3)
    thickness = max(1, min(height, width) // 80)
    for colour, (dx, dy) in zip(((0, 0, 255), (0, 255, 0), (255, 0, 0)), axes.T):
        cv2.line(picture, (round(x), round(y)), (round(x + dx), round(y + dy)), colour, thickness, cv2.LINE_AA)


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and set(value) == set(_POSE):
        return ' '.join(f'{axis} {angle:.0f}' for axis, angle in value.items())
    if isinstance(value, Mapping):
        return f'{value["label"]} {value["score"]:.2f}' if 'label' in value else ', '.join(value)
    if isinstance(value, float):
        return f'{value:.1f}'
    return ' '.join(f'{number:.1f}' for number in np.ravel(value))
