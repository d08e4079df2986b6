"""SphereFace: a margin that multiplies the angle."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from faceresearch.models.losses.margin import Margin, MarginGrad, angle
from faceresearch.registry import MODELS


def multiple_angle(cosine: Tensor, margin: float) -> Tensor:
    """Return ψ(θ) = (−1)^k·cos(mθ) − 2k with k = ⌊mθ / π⌋, the continuation of cos(mθ) that only falls.

    Args:
        cosine: cos θ, of any shape.
        margin: m ≥ 1; whole numbers go through Chebyshev's polynomial, which needs no angle.
    """
    theta = angle(cosine)
    turns = (margin * theta.detach() / math.pi).floor()
    if margin == int(margin):
        before, multiple = torch.ones_like(cosine), cosine
        for _ in range(int(margin) - 1):
            before, multiple = multiple, 2 * cosine * multiple - before
    else:
        multiple = (margin * theta).cos()
    return torch.where(turns % 2 == 0, multiple, -multiple) - 2 * turns


@MODELS.register_module()
class SphereFace(Margin):
    """‖f‖·[cos θ + (ψ(θ) − cos θ) / (1 + λ)] for the own class, ‖f‖·cos θ for others (Liu et al., SphereFace, CVPR 2017).

    λ falls while training: max(lambda_min, lambda_base·(1 + gamma·it)^(−power)) in iteration it, which counts the
    batches seen, from 1. The defaults are clcarwin/sphereface_pytorch's; yakhyo/face-recognition has lambda_base 1000 and
    gamma 0.12; opensphere's form is scale 30, margin 1.5…1.7, lambda_base 0, lambda_min 0, ``margin_grad='detach'``.

    Args:
        margin: m.
        scale: None: ‖f‖, the embedding's norm.
        lambda_base, lambda_min, gamma, power: how λ falls.
        margin_grad: ``detach`` or ``full``, see :class:`~faceresearch.models.losses.margin.Margin`.
    """

    iterations: Tensor

    def __init__(
        self,
        margin: float = 4,
        scale: float | None = None,
        lambda_base: float = 1500.0,
        lambda_min: float = 5.0,
        gamma: float = 0.1,
        power: float = 1.0,
        margin_grad: MarginGrad = 'full',
    ) -> None:
        super().__init__(scale, margin_grad)
        if margin < 1:
            raise ValueError(f'SphereFace: margin must be at least 1, not {margin}')
        self.margin = margin
        self.lambda_base = lambda_base
        self.lambda_min = lambda_min
        self.gamma = gamma
        self.power = power
        self.register_buffer('iterations', torch.zeros((), dtype=torch.long))

    def observe(self, norms: Tensor | None, target_cosine: Tensor) -> None:
        """Count the batch."""
        self.iterations += 1

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return cos θ + (ψ(θ) − cos θ) / (1 + λ)."""
        falling = self.lambda_base * (1 + self.gamma * self.iterations.double()) ** -self.power
        weight = 1 / (1 + falling.clamp(min=self.lambda_min))
        return own + (multiple_angle(own, self.margin) - own) * weight.to(own.dtype)


@MODELS.register_module()
class SphereFaceR(Margin):
    """SphereFace revived (Liu et al., SphereFace Revived: Unifying Hyperspherical Face Recognition, TPAMI 2022).

    Args:
        version: ``v0`` ψ(θ) for the own class; ``v1`` cos(min(mθ, π)); ``v2`` leaves the own class and makes others
            harder: cos(θ / m).
        margin: m.
        scale: s.
        norm: ``hard`` logits s·cos θ; ``soft`` ‖f‖·cos θ, with a term that draws ‖f‖ to s; ``none`` ‖f‖·cos θ.
        norm_weight: of that term, |‖f‖ − s|.
        margin_grad: ``detach`` (the authors') or ``full``, see :class:`~faceresearch.models.losses.margin.Margin`.

    The authors divide the cross entropy by s and multiply by 50: ``MarginHead(loss_weight=50 / 30)``.
    """

    def __init__(
        self,
        version: Literal['v0', 'v1', 'v2'] = 'v1',
        margin: float = 1.5,
        scale: float = 30.0,
        norm: Literal['hard', 'soft', 'none'] = 'hard',
        norm_weight: float = 0.01,
        margin_grad: MarginGrad = 'detach',
    ) -> None:
        super().__init__(scale if norm == 'hard' else None, margin_grad)
        if version not in ('v0', 'v1', 'v2'):
            raise ValueError(f"SphereFaceR: version must be 'v0', 'v1' or 'v2', not {version!r}")
        if norm not in ('hard', 'soft', 'none'):
            raise ValueError(f"SphereFaceR: norm must be 'hard', 'soft' or 'none', not {norm!r}")
        self.version = version
        self.margin = margin
        self.norm = norm
        self.norm_goal = scale
        self.norm_weight = norm_weight

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return what the version makes of cos θ."""
        if self.version == 'v0':
            return multiple_angle(own, self.margin)
        if self.version == 'v1':
            return (self.margin * angle(own)).clamp(max=math.pi).cos()
        return own

    def on_others(self, cosine: Tensor, column: Tensor, owned: Tensor, target_cosine: Tensor) -> Tensor:
        """Return cos(θ / m) in version 2."""
        if self.version != 'v2':
            return cosine
        harder = (angle(cosine) / self.margin).cos()
        if self.margin_grad == 'detach':
            harder = cosine + (harder - cosine).detach()
        own = torch.zeros_like(cosine, dtype=torch.bool).scatter(1, column, owned)
        return torch.where(own, cosine, harder)

    def regularizer(self, norms: Tensor) -> Tensor | None:
        """Return the mean of |‖f‖ − s|, weighted, where the norm is drawn to s."""
        return self.norm_weight * (norms - self.norm_goal).abs().mean() if self.norm == 'soft' else None
