"""One logit per pixel: face or not."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.registry import MODELS


@MODELS.register_module()
class FaceMaskHead(BaseModule):
    """A 3 × 3 convolution to one logit per pixel, trained by binary cross entropy.

    Args:
        in_channels: channels of the features, of which the last map is taken.
        ignore_index: label of pixels that do not count.
    """

    num_classes = 1

    def __init__(self, in_channels: Sequence[int] = (32,), ignore_index: int = 255) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels[-1], 1, 3, padding=1)
        self.ignore_index = ignore_index

    def logits(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Map features to logits (N, 1, h, w)."""
        logits = self.conv(features[-1])
        if tuple(logits.shape[-2:]) == tuple(size):
            return logits
        return F.interpolate(logits, size=size, mode='bilinear', align_corners=False)

    def output_names(self, outputs: str) -> tuple[str, ...]:
        """Names of what ``tensor`` returns."""
        return ('mask',)

    def tensor(self, features: Sequence[Tensor], size: tuple[int, int], outputs: str) -> tuple[Tensor, ...]:
        """Return the probability of a face (N, 1, h, w), as XSeg's own files do."""
        return (self.logits(features, size).sigmoid(),)

    def logits_of(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return the logits (N, 1, h, w) of the probability that :meth:`tensor` gives, within ±16."""
        return outputs[0].logit(eps=1e-7)

    def loss(self, features: Sequence[Tensor], labels: Tensor) -> dict[str, Tensor]:
        """Return the mean binary cross entropy of the pixels that count; ``labels`` (N, H, W) int64, 1 where face is."""
        logits = self.logits(features, (labels.shape[-2], labels.shape[-1]))[:, 0]
        logits = logits.float() if logits.dtype.itemsize < 4 else logits
        counted = (labels != self.ignore_index).to(logits.dtype)
        losses = F.binary_cross_entropy_with_logits(logits, (labels == 1).to(logits.dtype), reduction='none')
        return {'loss_mask': (losses * counted).sum() / counted.sum().clamp(min=1)}
