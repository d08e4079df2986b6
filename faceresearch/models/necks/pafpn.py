"""Path aggregation over a feature pyramid, as SCRFD uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.registry import MODELS


@MODELS.register_module()
class PAFPN(BaseModule):
    """Top-down sums of lateral maps, then bottom-up sums, by plain convolutions without norm or activation.

    Source: Liu et al., PANet, CVPR 2018; mmdet/models/necks/pafpn.py in the form that insightface detection/scrfd sets.

    Args:
        in_channels: channels of the backbone's maps, from fine to coarse.
        out_channels: channels of every level.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int, init_cfg: dict[str, Any] | None = None) -> None:
        super().__init__(init_cfg)
        levels = len(in_channels)
        self.lateral = nn.ModuleList(nn.Conv2d(c, out_channels, 1) for c in in_channels)
        self.fpn = nn.ModuleList(nn.Conv2d(out_channels, out_channels, 3, padding=1) for _ in range(levels))
        self.downsample = nn.ModuleList(
            nn.Conv2d(out_channels, out_channels, 3, stride=2, padding=1) for _ in range(levels - 1)
        )
        self.pafpn = nn.ModuleList(nn.Conv2d(out_channels, out_channels, 3, padding=1) for _ in range(levels - 1))
        self.out_channels = (out_channels,) * levels

    def init_weights(self) -> None:
        """Draw convolutions as Glorot and Bengio."""
        super().init_weights()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map the backbone's features to as many levels of ``out_channels`` channels and the same sizes."""
        levels = [lateral(feature) for lateral, feature in zip(self.lateral, features)]
        for i in range(len(levels) - 2, -1, -1):
            levels[i] = levels[i] + F.interpolate(levels[i + 1], size=levels[i].shape[-2:], mode='nearest')
        levels = [conv(level) for conv, level in zip(self.fpn, levels)]
        for i, conv in enumerate(self.downsample):
            levels[i + 1] = levels[i + 1] + conv(levels[i])
        return (levels[0], *(conv(level) for conv, level in zip(self.pafpn, levels[1:])))
