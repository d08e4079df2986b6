"""SCRFD's searched ResNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.layers import conv_bn
from faceresearch.registry import MODELS


@MODELS.register_module()
class ResNetV1e(BaseModule):
    """ResNet with a deep stem, 2×2 pooling and average-pooled short cuts, giving strides 4, 8, 16 and 32.

    Source: Guo et al., SCRFD, ICLR 2022, table 5; insightface detection/scrfd mmdet/models/backbones/resnet.py
    (``ResNetV1e``: ResNet-D of He et al., Bag of Tricks, 2019, with a pooling of 2 instead of 3).

    Args:
        stem_channels: output of the stem; its first two layers have half.
        stage_channels: of the four stages; bottlenecks give four times as many.
        stage_blocks: blocks in each stage.
        bottleneck: blocks of 1×1, 3×3, 1×1 instead of two 3×3.
        out_indices: stages whose features are returned.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        stem_channels: int,
        stage_channels: Sequence[int],
        stage_blocks: Sequence[int],
        bottleneck: bool = False,
        out_indices: Sequence[int] = (1, 2, 3),
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        half = stem_channels // 2
        self.stem = nn.Sequential(
            *conv_bn(3, half, stride=2), *conv_bn(half, half), *conv_bn(half, stem_channels), nn.MaxPool2d(2)
        )
        block = Bottleneck if bottleneck else BasicBlock
        self.stages = nn.ModuleList()
        channels = stem_channels
        for i, (width, depth) in enumerate(zip(stage_channels, stage_blocks)):
            blocks = []
            for j in range(depth):
                blocks.append(block(channels, width, stride=2 if i and not j else 1))
                channels = width * block.expansion
            self.stages.append(nn.Sequential(*blocks))
        self.out_indices = tuple(out_indices)
        self.out_channels = tuple(stage_channels[i] * block.expansion for i in self.out_indices)

    def init_weights(self) -> None:
        """Draw convolutions as He et al., and let every block start as its short cut."""
        super().init_weights()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
            elif isinstance(module, BasicBlock | Bottleneck):
                nn.init.zeros_(module.last_norm.weight)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to the features of the chosen stages."""
        x = self.stem(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return tuple(features[i] for i in self.out_indices)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a short cut.

    Args:
        in_channels: of the input.
        channels: of the output.
        stride: of the first convolution.
    """

    expansion = 1

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv_and_norm(in_channels, channels, 3, stride)
        self.conv2, self.bn2 = _conv_and_norm(channels, channels, 3)
        self.downsample = _shortcut(in_channels, channels, stride)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        """The norm before the sum."""
        return self.bn2

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, channels, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions and a short cut.

    Args:
        in_channels: of the input.
        channels: inside; the output has four times as many.
        stride: of the 3×3 convolution.
    """

    expansion = 4

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv_and_norm(in_channels, channels, 1)
        self.conv2, self.bn2 = _conv_and_norm(channels, channels, 3, stride)
        self.conv3, self.bn3 = _conv_and_norm(channels, channels * 4, 1)
        self.downsample = _shortcut(in_channels, channels * 4, stride)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        """The norm before the sum."""
        return self.bn3

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, 4 · channels, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def _conv_and_norm(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1
) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    conv, norm = conv_bn(in_channels, out_channels, kernel, stride, leaky=None)
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    return conv, norm


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and in_channels == out_channels:
        return None
    # A border cell is the average of the pixels that it has, as in the original.
    pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
    return nn.Sequential(pool, *conv_bn(in_channels, out_channels, 1, leaky=None))
