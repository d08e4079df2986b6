"""Averaged weights whose memory grows while training begins, for mmengine's ``EMAHook``."""

from __future__ import annotations

import math

import torch
from mmengine.model import ExponentialMovingAverage
from torch import Tensor, nn

from faceresearch.registry import MODELS


@MODELS.register_module()
class ExpMomentumEMA(ExponentialMovingAverage):
    """Exponential moving average in which step t counts for m + (1 − m)·exp(−t / γ).

    The YOLO family's: with m = 1e-4 and γ = 2000 the kept share is 0.9999·(1 − exp(−t / 2000)). mmdet has one of the
    same name; this one does without importing mmdet.

    Args:
        model: the model to average.
        momentum: m, the weight of the newest step in the long run.
        gamma: γ in training iterations. Where gradients are accumulated, iterations are more than steps.
        interval: iterations between two updates.
        device: where the average lives; by default that of the model.
        update_buffers: average running statistics too; otherwise they are copied.
    """

    def __init__(
        self,
        model: nn.Module,
        momentum: float = 1e-4,
        gamma: int = 2000,
        interval: int = 1,
        device: torch.device | None = None,
        update_buffers: bool = False,
    ) -> None:
        super().__init__(model, momentum, interval, device, update_buffers)
        self.gamma = gamma

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """Move the average towards the weights, in place."""
        share = self.momentum + (1 - self.momentum) * math.exp(-(1 + steps) / self.gamma)
        averaged_param.lerp_(source_param, share)
