"""SCRFD's searched MobileNetV1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.layers import conv_bn
from faceresearch.registry import MODELS


@MODELS.register_module()
class SCRFDMobileNet(BaseModule):
    """Depthwise separable convolutions with searched widths and depths, giving strides 4, 8, 16 and 32.

    Source: Guo et al., SCRFD, ICLR 2022, table 5; insightface detection/scrfd mmdet/models/backbones/mobilenet.py.

    Args:
        stem_channels: of the two layers of the stem, the first of stride 2.
        stage_channels: of the four stages, each of stride 2.
        stage_blocks: blocks in each stage.
        out_indices: stages whose features are returned.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        stem_channels: Sequence[int] = (16, 16),
        stage_channels: Sequence[int] = (40, 72, 152, 288),
        stage_blocks: Sequence[int] = (2, 3, 2, 6),
        out_indices: Sequence[int] = (1, 2, 3),
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.stem = nn.Sequential(
            conv_bn(3, stem_channels[0], stride=2), depthwise_separable(stem_channels[0], stem_channels[1])
        )
        self.stages = nn.ModuleList()
        channels = stem_channels[1]
        for width, depth in zip(stage_channels, stage_blocks):
            blocks = [depthwise_separable(channels, width, stride=2)]
            blocks += [depthwise_separable(width, width) for _ in range(depth - 1)]
            self.stages.append(nn.Sequential(*blocks))
            channels = width
        self.out_indices = tuple(out_indices)
        self.out_channels = tuple(stage_channels[i] for i in self.out_indices)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to the features of the chosen stages."""
        x = self.stem(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return tuple(features[i] for i in self.out_indices)


def depthwise_separable(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """Depthwise 3×3 and pointwise convolution, each with batch norm and ReLU: six modules in a row."""
    return nn.Sequential(
        *conv_bn(in_channels, in_channels, stride=stride, groups=in_channels),
        *conv_bn(in_channels, out_channels, kernel_size=1),
    )
