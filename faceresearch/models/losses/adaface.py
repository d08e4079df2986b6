"""AdaFace."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from faceresearch.models.losses.margin import Margin, MarginGrad
from faceresearch.registry import MODELS


@MODELS.register_module()
class AdaFace(Margin):
    """A margin whose kind depends on the image's quality, for which the embedding's norm stands (Kim et al., CVPR 2022).

    With ẑ = clip(h·(‖f‖ − μ) / σ, −1, 1): s·(cos(θ − m·ẑ) − (m + m·ẑ)) for the own class (eq. 9–12); ẑ = −1 is ArcFace,
    0 CosFace, 1 a negative angular margin. μ and σ are running statistics of the norms. The defaults are the paper's and
    those of the authors' scripts (m 0.4, h 0.333, momentum 0.01); the defaults in their code differ: ``t_alpha`` 1.0 in
    the head's class, m 0.5 and h 0 in config.py.

    Args:
        margin: m.
        h: how much of the norms' spread the margin follows.
        scale: s.
        momentum: weight of the new batch in μ and σ (the authors' ``t_alpha``).
        margin_grad: ``detach`` (CVLface with PartialFC) or ``full`` (the authors'), see
            :class:`~faceresearch.models.losses.margin.Margin`.
    """

    needs_norms: ClassVar[bool] = True
    clamp_eps: ClassVar[float] = 1e-3
    batch_mean: Tensor
    batch_std: Tensor

    def __init__(
        self,
        margin: float = 0.4,
        h: float = 0.333,
        scale: float = 64.0,
        momentum: float = 0.01,
        margin_grad: MarginGrad = 'full',
    ) -> None:
        super().__init__(scale, margin_grad)
        self.margin = margin
        self.h = h
        self.momentum = momentum
        self.register_buffer('batch_mean', torch.tensor(20.0))
        self.register_buffer('batch_std', torch.tensor(100.0))

    def observe(self, norms: Tensor | None, target_cosine: Tensor) -> None:
        """Move μ and σ towards the batch's."""
        assert norms is not None
        norms = _clipped(norms)
        self.batch_mean.lerp_(norms.mean().to(self.batch_mean), self.momentum)
        if len(norms) > 1:  # one sample has no spread
            self.batch_std.lerp_(norms.std().to(self.batch_std), self.momentum)

    def on_target(self, own: Tensor, norms: Tensor | None, target_cosine: Tensor) -> Tensor:
        """Return cos(θ − m·ẑ) − (m + m·ẑ)."""
        assert norms is not None
        mean, spread = self.batch_mean.to(own.dtype), self.batch_std.to(own.dtype)
        quality = (self.h * (_clipped(norms.detach()) - mean) / (spread + 1e-3)).clamp(-1, 1)
        # clamp_eps keeps the cosine so far from ±1 that the gradient of acos is at most 22.
        theta = (own.acos() - self.margin * quality).clamp(self.clamp_eps, math.pi - self.clamp_eps)
        return theta.cos() - (self.margin + self.margin * quality)


def _clipped(norms: Tensor) -> Tensor:
    return norms.clamp(1e-3, 100)
