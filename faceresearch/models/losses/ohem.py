"""Cross entropy over the pixels that are hard."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from faceresearch.errors import UserError
from faceresearch.registry import MODELS


@MODELS.register_module()
class OHEMCrossEntropy(BaseModule):
    """Pixel-wise cross entropy, averaged over hard pixels (online hard example mining).

    A pixel is hard when its class has a probability below ``threshold``. Where fewer than a fraction of ``1 / min_kept``
    of the batch's pixels are, the hardest ones up to that number are taken. Source: zllrunning/face-parsing.PyTorch
    loss.py, with n_min = N·H·W / 16.

    Args:
        threshold: probability below which a pixel is hard; 1 keeps all pixels, which is plain cross entropy.
        min_kept: at least one pixel in this many is kept.
        ignore_index: class id of pixels that do not count.

    Raises:
        UserError: the threshold is not a probability above 0, or ``min_kept`` is below 1.
    """

    def __init__(self, threshold: float = 0.7, min_kept: int = 16, ignore_index: int = 255) -> None:
        super().__init__()
        if not 0 < threshold <= 1 or min_kept < 1:
            raise UserError(
                f'OHEMCrossEntropy: threshold={threshold}, min_kept={min_kept}: the threshold is above 0 and at most 1,'
                ' min_kept at least 1'
            )
        self.min_loss = -math.log(threshold)
        self.min_kept = min_kept
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss (a scalar).

        Args:
            logits: (N, C, H, W).
            labels: (N, H, W) int64 class ids.
        """
        # Half precision has too few digits for a mean over a million pixels.
        logits = logits.float() if logits.dtype.itemsize < 4 else logits
        losses = F.cross_entropy(logits, labels, reduction='none', ignore_index=self.ignore_index).flatten()
        if self.min_loss == 0:
            counted = (labels != self.ignore_index).sum().clamp(min=1)
            return losses.sum() / counted
        kept = losses.numel() // self.min_kept
        hard = losses[losses > self.min_loss]
        if hard.numel() > kept:
            return hard.mean()
        return torch.topk(losses, max(kept, 1)).values.mean()
