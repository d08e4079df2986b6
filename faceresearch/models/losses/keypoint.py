"""Key-point loss on the scale of the face (object key-point similarity)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.losses.wing import wing
from faceresearch.registry import MODELS


@MODELS.register_module()
class OKSKeypointLoss(nn.Module):
    """1 − exp(−e) of each point, e its distance relative to the face's area, as in COCO's key-point similarity.

    e = d / (2σ)² / (2·area). Source: Maji et al., YOLO-Pose, CVPRW 2022, equation 3, where d is the squared distance;
    derronqi/yolov8-face has had d = the sum of the Wing losses of both coordinates since 2023.

    Args:
        sigma: tolerance of a point, relative to the face's size.
        distance: what d is: ``l2``, the squared distance, or ``wing``.
    """

    def __init__(self, sigma: float = 0.2, distance: Literal['l2', 'wing'] = 'wing') -> None:
        super().__init__()
        if distance not in ('l2', 'wing'):
            raise UserError(f"OKSKeypointLoss: unknown distance {distance!r}; use 'l2' or 'wing'")
        self.sigma = sigma
        self.distance = distance

    def forward(self, keypoints: Tensor, targets: Tensor, visible: Tensor, areas: Tensor) -> Tensor:
        """Return the mean over visible points, a scalar; 0 when none is visible.

        Args:
            keypoints: (P, K, 2).
            targets: (P, K, 2), in the same unit. What is not visible may hold anything, NaN included.
            visible: (P, K) bool.
            areas: of the faces' boxes (P,), in the square of that unit.
        """
        # Selected, not multiplied by 0: NaN · 0 is NaN.
        difference = keypoints[visible] - targets[visible]
        d = (difference.square() if self.distance == 'l2' else wing(difference)).sum(-1)
        e = d / (2 * self.sigma) ** 2 / (areas[:, None].expand_as(visible)[visible] + 1e-9) / 2
        return -torch.expm1(-e).sum() / visible.sum().clamp(min=1)
