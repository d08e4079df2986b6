"""Sigmoid focal loss in mmcv's calling convention, for ``faceresearch.compat.mmcv_ext``.

Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, eq. 5, per logit: with p = sigmoid(x), the class of the
target contributes −α (1 − p)^γ log p, every other class −(1 − α) p^γ log(1 − p). Logarithms are taken of at least the
smallest normal float32, as mmcv's kernel does.
"""

from __future__ import annotations

import torch
from torch import Tensor

_SMALLEST = torch.finfo(torch.float32).tiny


def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Fill ``output`` with the loss of every logit.

    Args:
        input: (N, C) logits.
        target: (N,) class indices; C, or anything outside 0..C−1, is background.
        weight: (C,) weight of each target class, or empty for none. Background rows have no entry and weigh 1.
        output: (N, C), written in place.
        gamma: focusing exponent.
        alpha: weight of the positive class.
    """
    p, is_target, scale = _prepare(input, target, weight)
    positive = (1 - p) ** gamma * p.clamp(min=_SMALLEST).log()
    negative = p**gamma * (1 - p).clamp(min=_SMALLEST).log()
    output.copy_(-torch.where(is_target, alpha * positive, (1 - alpha) * negative) * scale)


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    """Fill ``grad_input`` with the derivative of every logit's loss; arguments as in the forward function."""
    p, is_target, scale = _prepare(input, target, weight)
    positive = (1 - p) ** gamma * (1 - p - gamma * p * p.clamp(min=_SMALLEST).log())
    negative = p**gamma * (gamma * (1 - p) * (1 - p).clamp(min=_SMALLEST).log() - p)
    grad_input.copy_(-torch.where(is_target, alpha * positive, (1 - alpha) * negative) * scale)


def _prepare(input: Tensor, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the probabilities, the mask of target classes, and the weight of each row as (N, 1)."""
    logits = input if input.dtype == torch.float64 else input.float()
    classes = torch.arange(logits.shape[1], device=logits.device)
    is_target = target[:, None] == classes
    if weight.numel() == 0:
        scale = logits.new_ones(len(target), 1)
    else:
        listed = (is_target * weight.to(logits)).sum(dim=1, keepdim=True)
        scale = torch.where(is_target.any(dim=1, keepdim=True), listed, torch.ones_like(listed))
    return logits.sigmoid(), is_target, scale
