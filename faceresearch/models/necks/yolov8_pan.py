"""The two path-aggregation necks of YOLOv8-Face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from faceresearch.models.yolo_layers import Activation, Conv
from faceresearch.models.yolov8_layers import C2f, DepthwiseBlock
from faceresearch.registry import MODELS


@MODELS.register_module()
class YOLOv8FacePAN(BaseModule):
    """Top-down, then bottom-up, by concatenation and C2f blocks; every level keeps its channels.

    Source: Liu et al., PANet, CVPR 2018; shapes of derronqi/yolov8-face yolov8n.

    Args:
        in_channels: channels of the backbone's three maps, from fine to coarse.
        depth: factor on the three bottlenecks of each block, at least 1.
        activation: ``silu`` or ``relu``.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        depth: float = 0.33,
        activation: Activation = 'silu',
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        c3, c4, c5 = in_channels
        blocks = max(round(3 * depth), 1)
        self.down4 = C2f(c5 + c4, c4, blocks, False, activation)
        self.down3 = C2f(c4 + c3, c3, blocks, False, activation)
        self.stride3 = Conv(c3, c3, 3, 2, activation=activation)
        self.up4 = C2f(c3 + c4, c4, blocks, False, activation)
        self.stride4 = Conv(c4, c4, 3, 2, activation=activation)
        self.up5 = C2f(c4 + c5, c5, blocks, False, activation)
        self.out_channels = (c3, c4, c5)

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map three features to three of the same channels and sizes."""
        p3, p4, p5 = features
        merged4 = self.down4(torch.cat([_enlarge(p5, p4), p4], 1))
        n3 = self.down3(torch.cat([_enlarge(merged4, p3), p3], 1))
        n4 = self.up4(torch.cat([self.stride3(n3), merged4], 1))
        return n3, n4, self.up5(torch.cat([self.stride4(n4), p5], 1))


@MODELS.register_module()
class YOLOv8FaceLitePAN(BaseModule):
    """Top-down by concatenation, bottom-up by addition, with depthwise convolutions and one width.

    Source: shapes of derronqi/yolov8-face yolov8-lite-s and yolov8-lite-t.

    Args:
        in_channels: channels of the backbone's three maps, from fine to coarse.
        out_channels: channels of every level.
        activation: of the 1×1 convolutions, ``silu`` or ``relu``; the depthwise blocks have SiLU always.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int = 96,
        activation: Activation = 'silu',
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        c3, c4, c5 = in_channels
        c = out_channels
        self.lateral5 = Conv(c5, c, activation=activation)
        self.down4 = DepthwiseBlock(c + c4, c)
        self.lateral4 = Conv(c, c, activation=activation)
        self.down3 = DepthwiseBlock(c + c3, c)
        self.stride3 = DepthwiseBlock(c, c, 2)
        self.up4 = DepthwiseBlock(c, c)
        self.stride4 = DepthwiseBlock(c, c, 2)
        self.up5 = DepthwiseBlock(c, c)
        self.out_channels = (c, c, c)

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map three features to three of ``out_channels`` channels and the same sizes."""
        p3, p4, p5 = features
        merged5 = self.lateral5(p5)
        merged4 = self.lateral4(self.down4(torch.cat([_enlarge(merged5, p4), p4], 1)))
        n3 = self.down3(torch.cat([_enlarge(merged4, p3), p3], 1))
        n4 = self.up4(self.stride3(n3) + merged4)
        return n3, n4, self.up5(self.stride4(n4) + merged5)


def _enlarge(coarse: Tensor, fine: Tensor) -> Tensor:
    return F.interpolate(coarse, size=fine.shape[-2:], mode='nearest')
