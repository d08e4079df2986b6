"""Losses of landmark coordinates and heatmaps that are not Wing itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.registry import MODELS


def soft_wing(difference: Tensor, start: float = 2.0, width: float = 20.0, curvature: float = 0.5) -> Tensor:
    """Return the Soft-Wing function of each difference: |x| below ``start``, then width·ln(1 + |x| / ε) + B, continuous.

    Small errors, which annotators make too, pull less than with Wing.
    Source: Lin et al., Structure-coherent deep feature learning for robust face alignment, TIP 2021; mmpose
    models/losses/regression_loss.py.

    Args:
        difference: of any shape.
        start: ω₁, where the logarithm begins.
        width: ω₂, its factor.
        curvature: ε.
    """
    size = difference.abs()
    offset = start - width * math.log(1 + start / curvature)
    return torch.where(size < start, size, width * torch.log1p(size / curvature) + offset)


class _PointLoss(nn.Module):
    """Mean of a function of the visible coordinates' differences."""

    def __init__(self, loss_weight: float) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def elementwise(self, difference: Tensor) -> Tensor:
        """Return the loss of each difference."""
        raise NotImplementedError

    def forward(
        self, keypoints: Tensor, targets: Tensor, visible: Tensor, avg_factor: float | Tensor | None = None
    ) -> Tensor:
        """Return the loss, a scalar; 0 when nothing is visible. For the arguments see :class:`WingLoss`."""
        shown = visible[..., None].expand_as(targets)
        loss = self.elementwise(keypoints[shown] - targets[shown]).sum()
        return self.loss_weight * loss / (shown.sum().clamp(min=1) if avg_factor is None else avg_factor)


@MODELS.register_module()
class SoftWingLoss(_PointLoss):
    """Mean of :func:`soft_wing` over the coordinates that are visible.

    Args:
        start, width, curvature: see :func:`soft_wing`.
        loss_weight: factor on the result.
    """

    def __init__(
        self, start: float = 2.0, width: float = 20.0, curvature: float = 0.5, loss_weight: float = 1.0
    ) -> None:
        super().__init__(loss_weight)
        self.start, self.width, self.curvature = start, width, curvature

    def elementwise(self, difference: Tensor) -> Tensor:
        """Return the loss of each difference."""
        return soft_wing(difference, self.start, self.width, self.curvature)


@MODELS.register_module()
class SmoothL1PointLoss(_PointLoss):
    """Mean over the visible coordinates of x² / (2β) below β, and |x| − β / 2 above (Fast R-CNN, equation 3).

    Args:
        beta: β, in the unit of the coordinates.
        loss_weight: factor on the result.
    """

    def __init__(self, beta: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__(loss_weight)
        if beta <= 0:
            raise UserError(f'SmoothL1PointLoss: beta={beta} must be above 0')
        self.beta = beta

    def elementwise(self, difference: Tensor) -> Tensor:
        """Return the loss of each difference."""
        return nn.functional.smooth_l1_loss(difference, torch.zeros_like(difference), reduction='none', beta=self.beta)


@MODELS.register_module()
class AdaptiveWingLoss(nn.Module):
    """Adaptive Wing loss of heatmaps: Wing near the points, square loss on the background.

    With y the target, d = |prediction − target|: ω·ln(1 + (d/ε)^(α − y)) below θ, A·d − C above, continuous and smooth.
    Source: Wang et al., ICCV 2019, equations 5 and 6.

    Args:
        alpha, omega, epsilon, theta: α, ω, ε and θ of the paper.
        loss_weight: factor on the result.
    """

    def __init__(
        self,
        alpha: float = 2.1,
        omega: float = 14.0,
        epsilon: float = 1.0,
        theta: float = 0.5,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.alpha, self.omega, self.epsilon, self.theta = alpha, omega, epsilon, theta
        self.loss_weight = loss_weight

    def forward(self, heatmaps: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the mean over all places of all heatmaps.

        Args:
            heatmaps: (N, K, H, W).
            targets: (N, K, H, W), 0…1.
            weights: (N, K), factor on each heatmap's loss; by default 1.
        """
        difference = (heatmaps - targets).abs()
        power = self.alpha - targets
        ratio = self.theta / self.epsilon
        slope = self.omega * power * ratio ** (power - 1) / (self.epsilon * (1 + ratio**power))
        offset = self.theta * slope - self.omega * torch.log1p(ratio**power)
        # Where d = 0 a power below 1 would have an infinite gradient; it is above 1 for targets up to 1.
        near = self.omega * torch.log1p((difference / self.epsilon) ** power)
        loss = torch.where(difference < self.theta, near, slope * difference - offset)
        if weights is not None:
            loss = loss * weights[..., None, None]
        return self.loss_weight * loss.mean()
