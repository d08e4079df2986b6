"""Where a head is seen from, and the projection of its points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .identity import Pose


@dataclass
class HeadView:
    """Where a head is: ``centre`` (x, y) in scene pixels, ``unit`` pixels per length unit, its pose and the person's
    proportions.
    """

    centre: tuple[float, float]
    unit: float
    pose: Pose
    scale: np.ndarray

    def rotation(self) -> np.ndarray:
        """Head axes to camera axes (x right, y up, z to the viewer): yaw, then pitch, then roll."""
        cy, sy = np.cos(self.pose.yaw), np.sin(self.pose.yaw)
        cp, sp = np.cos(self.pose.pitch), np.sin(self.pose.pitch)
        cr, sr = np.cos(self.pose.roll), np.sin(self.pose.roll)
        yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        pitch = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
        roll = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
        return (roll @ pitch @ yaw).astype(np.float32)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scene pixels (n, 2) and depths (n,) (towards the viewer) of points (n, 3) in head axes."""
        camera = points @ self.rotation().T
        factor = self.unit / (1 - self.pose.perspective * camera[:, 2])
        pixels = np.stack([self.centre[0] + camera[:, 0] * factor, self.centre[1] - camera[:, 1] * factor], 1)
        return pixels, camera[:, 2]
