"""A Kalman filter for boxes that move at constant velocity, for many boxes at once.

The state of a box is its centre, ratio of width to height, height, and the velocity of each (per frame); noise grows with the
height. Source: Wojke et al., Simple Online and Realtime Tracking with a Deep Association Metric, 2017 (arXiv 1703.07402),
whose constants ByteTrack keeps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: Standard deviation of a position and of a velocity, as a share of the height.
_POSITION, _VELOCITY = 1 / 20, 1 / 160
_STEP = np.eye(8) + np.eye(8, k=4)


class Motion(NamedTuple):
    """What is believed of N boxes.

    Attributes:
        mean: (N, 8) centre x, centre y, width / height, height, and their velocities.
        covariance: (N, 8, 8).
    """

    mean: np.ndarray
    covariance: np.ndarray

    @property
    def boxes(self) -> np.ndarray:
        """(N, 4) xyxy."""
        x, y, ratio, height = self.mean[:, :4].T
        half = np.stack([ratio * height, height], 1) / 2
        centre = np.stack([x, y], 1)
        return np.concatenate([centre - half, centre + half], 1)


def measured(boxes: np.ndarray) -> np.ndarray:
    """Return boxes (N, 4) xyxy as centre, width / height and height (N, 4)."""
    size = boxes[:, 2:] - boxes[:, :2]
    return np.stack([*((boxes[:, :2] + boxes[:, 2:]) / 2).T, size[:, 0] / size[:, 1], size[:, 1]], 1)


def begin(boxes: np.ndarray) -> Motion:
    """Return what one look at N boxes (N, 4) tells: where they are, and nothing of where they go."""
    seen = measured(boxes)
    height, one = seen[:, 3], np.ones(len(seen))
    place, speed = 2 * _POSITION * height, 10 * _VELOCITY * height
    deviation = np.stack([place, place, 1e-2 * one, place, speed, speed, 1e-5 * one, speed], 1)
    return Motion(np.concatenate([seen, np.zeros_like(seen)], 1), _diagonal(deviation))


def predict(motion: Motion) -> Motion:
    """Return what is believed of the next frame."""
    height, one = motion.mean[:, 3], np.ones(len(motion.mean))
    place, speed = _POSITION * height, _VELOCITY * height
    deviation = np.stack([place, place, 1e-2 * one, place, speed, speed, 1e-5 * one, speed], 1)
    return Motion(motion.mean @ _STEP.T, _STEP @ motion.covariance @ _STEP.T + _diagonal(deviation))


def correct(motion: Motion, boxes: np.ndarray) -> Motion:
    """Return what is believed once the boxes (N, 4) are seen."""
    height, one = motion.mean[:, 3], np.ones(len(motion.mean))
    place = _POSITION * height
    noise = _diagonal(np.stack([place, place, 1e-1 * one, place], 1))
    shared = motion.covariance[:, :, :4]
    gain = shared @ np.linalg.inv(motion.covariance[:, :4, :4] + noise)
    error = measured(boxes) - motion.mean[:, :4]
    return Motion(motion.mean + (gain @ error[..., None])[..., 0], motion.covariance - gain @ shared.transpose(0, 2, 1))


def _diagonal(deviation: np.ndarray) -> np.ndarray:
    return deviation[:, :, None] ** 2 * np.eye(deviation.shape[1])
