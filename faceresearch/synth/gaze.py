"""Where a drawn face looks: the direction that belongs to the iris as it is painted."""

from __future__ import annotations

import numpy as np

from .features import IRIS_STEP
from .head_view import HeadView
from .identity import Expression, Pose

#: Radius of an eyeball (12 mm) as an angle from the head's centre, where the face's surface is 85 mm away.
EYEBALL = 0.1416


def eye_rotation(gaze: tuple[float, float]) -> tuple[float, float]:
    """Return how far the eyes are turned in the head (right, up; radians) when ``Expression.gaze`` is drawn.

    The iris of an eye that looks straight ahead is painted in the eye's middle, and moves over the face by
    ``features.IRIS_STEP`` for a gaze of 1. On an eyeball of radius ``EYEBALL`` that is the sine of the turn: 20.7° to
    the side and 12.2° up; 40° to the side is a gaze of 1.82.
    """
    up = np.arcsin(np.clip(gaze[1] * IRIS_STEP[1] / EYEBALL, -1, 1))
    right = np.arcsin(np.clip(gaze[0] * IRIS_STEP[0] / EYEBALL / np.cos(up), -1, 1))
    return float(right), float(up)


def gaze_of(right: float, up: float) -> tuple[float, float]:
    """Return the ``Expression.gaze`` that turns the eyes so far (radians): the inverse of :func:`eye_rotation`."""
    return float(np.sin(right) * np.cos(up) * EYEBALL / IRIS_STEP[0]), float(np.sin(up) * EYEBALL / IRIS_STEP[1])


def gaze_angles(pose: Pose, expression: Expression) -> tuple[float, float]:
    """Return yaw and pitch of the gaze in camera coordinates, in degrees, as gaze data sets count them.

    Yaw is positive towards the left of the image and pitch upwards; (0, 0) looks into the camera.
    """
    right, up = eye_rotation(expression.gaze)
    ahead = np.array([np.sin(right) * np.cos(up), np.sin(up), np.cos(right) * np.cos(up)])
    x, y, z = HeadView((0.0, 0.0), 1.0, pose, np.ones(3)).rotation().astype(float) @ ahead
    return float(np.rad2deg(np.arctan2(-x, z))), float(np.rad2deg(np.arctan2(y, np.hypot(x, z))))
