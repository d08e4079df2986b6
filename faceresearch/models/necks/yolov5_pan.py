"""YOLOv5's path aggregation: top down, then bottom up, joining by concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.yolo_layers import C3, Conv
from faceresearch.registry import MODELS


@MODELS.register_module()
class YOLOv5PAN(BaseModule):
    """Path aggregation network whose levels are fused by C3 blocks.

    Source: Liu et al., PANet, CVPR 2018; Qi et al., YOLO5Face, 2021, figure 1; shapes of the published checkpoints.

    Args:
        in_channels: channels of the backbone's maps, from fine to coarse.
        out_channels: channels of each level: 128 for all of n, (128, 256, 512) for s.
        blocks: bottlenecks of every C3.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int] = (128, 128, 128),
        blocks: int = 1,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(in_channels) != len(out_channels):
            raise ValueError(f'YOLOv5PAN: {len(in_channels)} feature maps but {len(out_channels)} out_channels')
        out = tuple(out_channels)
        finer = range(len(out) - 1)
        # Entry i of the first two leads from level i + 1 to level i, of the last two from level i to level i + 1.
        above = (*out[1:-1], in_channels[-1])
        self.lateral = nn.ModuleList(Conv(above[i], out[i]) for i in finer)
        self.top_down = nn.ModuleList(C3(in_channels[i] + out[i], out[i], blocks, shortcut=False) for i in finer)
        self.down = nn.ModuleList(Conv(out[i], out[i], 3, 2) for i in finer)
        self.bottom_up = nn.ModuleList(C3(2 * out[i], out[i + 1], blocks, shortcut=False) for i in finer)
        self.out_channels = out

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map the backbone's features to as many levels of the same sizes."""
        laterals: list[Tensor] = []
        x = features[-1]
        for i in range(len(features) - 2, -1, -1):
            x = self.lateral[i](x)
            laterals.insert(0, x)
            enlarged = F.interpolate(x, size=features[i].shape[-2:], mode='nearest')
            x = self.top_down[i](torch.cat([enlarged, features[i]], 1))
        levels = [x]
        for i, lateral in enumerate(laterals):
            x = self.bottom_up[i](torch.cat([self.down[i](x), lateral], 1))
            levels.append(x)
        return tuple(levels)
