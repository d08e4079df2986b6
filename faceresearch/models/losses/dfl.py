"""Distances as distributions over whole steps (generalised focal loss)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceresearch.registry import MODELS


def expected_distance(logits: Tensor, steps: Tensor) -> Tensor:
    """Return the mean (...) of distributions with ``logits`` (..., B) over the values ``steps`` (B,)."""
    return (logits.softmax(-1) * steps).sum(-1)


@MODELS.register_module()
class DistributionFocalLoss(nn.Module):
    """Cross entropy towards the two steps on either side of the target, by how near each is.

    Source: Li et al., Generalized Focal Loss, NeurIPS 2020, equation 6.

    Args:
        margin: targets end this far before the last step, so that they always have a step on either side.
    """

    def __init__(self, margin: float = 0.01) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, logits: Tensor, distances: Tensor) -> Tensor:
        """Return the loss of each distance (...).

        Args:
            logits: (..., B) over the steps 0 … B − 1.
            distances: targets (...), in steps; those outside 0 … B − 1 are clipped.
        """
        distances = distances.clamp(0, logits.shape[-1] - 1 - self.margin)
        lower = distances.floor()
        share = (distances - lower).unsqueeze(-1)
        pair = torch.stack([lower, lower + 1], -1).long()
        nearness = torch.cat([1 - share, share], -1)
        return -(F.log_softmax(logits, -1).gather(-1, pair) * nearness).sum(-1)
