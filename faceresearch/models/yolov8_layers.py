"""Blocks that only the YOLOv8-Face networks have, from the shapes in their checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from faceresearch.models.yolo_layers import Activation, Bottleneck, Conv, batch_norm


class C2f(nn.Module):
    """Cross-stage partial block that keeps the output of every bottleneck.

    A 1×1 convolution gives two halves; bottlenecks of two 3×3 convolutions follow each other on the second; both
    halves and all bottlenecks' outputs are concatenated and fused by a 1×1 convolution.

    Args:
        in_channels: input channels.
        out_channels: output channels, even.
        blocks: number of bottlenecks.
        shortcut: whether the bottlenecks are residual.
        activation: ``silu`` or ``relu``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        blocks: int = 1,
        shortcut: bool = True,
        activation: Activation = 'silu',
    ) -> None:
        super().__init__()
        half = out_channels // 2
        self.cv1 = Conv(in_channels, 2 * half, activation=activation)
        self.cv2 = Conv((2 + blocks) * half, out_channels, activation=activation)
        self.m = nn.ModuleList(Bottleneck(half, (3, 3), shortcut, activation) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H, W)."""
        parts = list(self.cv1(x).chunk(2, 1))
        for bottleneck in self.m:
            parts.append(bottleneck(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class DepthwiseBlock(nn.Module):
    """Depthwise 3×3 convolution, then 1×1; batch norm and SiLU after each, whatever the network's activation.

    Args:
        in_channels: input channels.
        out_channels: output channels.
        stride: 1 or 2.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False)
        self.bn1 = batch_norm(in_channels)
        self.conv2 = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn2 = batch_norm(out_channels)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, ceil(H / stride), ceil(W / stride))."""
        return self.act(self.bn2(self.conv2(self.act(self.bn1(self.conv1(x))))))
