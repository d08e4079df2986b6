"""Wing loss for landmarks."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from faceresearch.registry import MODELS


def wing(difference: Tensor, width: float = 10.0, curvature: float = 2.0) -> Tensor:
    """Return the Wing function of each difference: w·ln(1 + |x| / ε) up to |x| = w, then |x| − C, continuous.

    Source: Feng et al., Wing loss for robust facial landmark localisation, CVPR 2018, eq. 5.

    Args:
        difference: of any shape.
        width: w, where the logarithm ends.
        curvature: ε, the smaller the steeper at 0.
    """
    size = difference.abs()
    offset = width - width * math.log(1 + width / curvature)
    return torch.where(size < width, width * torch.log1p(size / curvature), size - offset)


@MODELS.register_module()
class WingLoss(nn.Module):
    """Mean of :func:`wing` over the coordinates that are visible.

    Args:
        width, curvature: see :func:`wing`.
        loss_weight: factor on the result.
    """

    def __init__(self, width: float = 10.0, curvature: float = 2.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.width = width
        self.curvature = curvature
        self.loss_weight = loss_weight

    def forward(
        self, keypoints: Tensor, targets: Tensor, visible: Tensor, avg_factor: float | Tensor | None = None
    ) -> Tensor:
        """Return the loss, a scalar; 0 when nothing is visible.

        Args:
            keypoints: (..., K, 2).
            targets: (..., K, 2), in the same unit. What is not visible may hold anything, NaN included.
            visible: (..., K) bool.
            avg_factor: divisor of the sum; by default the number of visible coordinates.
        """
        shown = visible[..., None].expand_as(targets)
        # Selected, not multiplied by 0: NaN · 0 is NaN.
        loss = wing(keypoints[shown] - targets[shown], self.width, self.curvature).sum()
        return self.loss_weight * loss / (shown.sum().clamp(min=1) if avg_factor is None else avg_factor)
