"""Focal loss with a quality as its target."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def quality_focal_loss(logits: Tensor, quality: Tensor, beta: float = 2.0) -> Tensor:
    r"""Return \|y − σ\|^β · BCE(σ, y) for every element.

    Source: Li et al., Generalized Focal Loss, NeurIPS 2020, eq. 5.

    Args:
        logits: any shape.
        quality: the same shape: overlap of the predicted with the true box, in 0…1; 0 for background.
        beta: how much easy examples are played down.
    """
    return F.binary_cross_entropy_with_logits(logits, quality, reduction='none') * (
        (quality - logits.sigmoid()).abs().pow(beta)
    )
