"""CurricularFace."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from faceresearch.models.losses.margin import Margin, MarginGrad, add_angle
from faceresearch.registry import MODELS


@MODELS.register_module()
class CurricularFace(Margin):
    """ArcFace whose hard negatives weigh more as training goes on (Huang et al., CurricularFace, CVPR 2020, eq. 5–9).

    Where cos θ_j > cos(θ_y + m), class j's cosine becomes cos θ_j·(t + cos θ_j); t is a running mean of cos θ_y.
    Source of defaults: HuangYG123/CurricularFace head/metrics.py.

    Args:
        margin: m in radians.
        scale: s.
        momentum: weight of the new batch in t.
        margin_grad: ``detach`` or ``full`` (the authors'), see :class:`~faceresearch.models.losses.margin.Margin`.
    """

    needs_target_cosine: ClassVar[bool] = True
    t: Tensor

    def __init__(
        self, margin: float = 0.5, scale: float = 64.0, momentum: float = 0.01, margin_grad: MarginGrad = 'full'
    ) -> None:
        super().__init__(scale, margin_grad)
        self.margin = margin
        self.momentum = momentum
        self.register_buffer('t', torch.zeros(()))

    def observe(self, norms: Tensor | None, target_cosine: Tensor) -> None:
        """Move t towards the batch's mean cosine."""
        self.t.lerp_(target_cosine.mean().to(self.t), self.momentum)

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return cos(θ + m), continued linearly past π."""
        return add_angle(own, self.margin, 'linear')

    def on_others(self, cosine: Tensor, column: Tensor, owned: Tensor, target_cosine: Tensor) -> Tensor:
        """Return cos θ_j, or cos θ_j·(t + cos θ_j) where it is hard."""
        hard = cosine.detach() > add_angle(target_cosine, self.margin)[:, None]
        hard = hard.scatter(1, column, hard.gather(1, column) & ~owned)
        return torch.where(hard, cosine * (self.t.to(cosine.dtype) + cosine), cosine)
