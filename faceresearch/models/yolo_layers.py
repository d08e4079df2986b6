"""Convolution blocks of the YOLOv5-Face and YOLOv8-Face networks.

Built from the shapes in their checkpoints and from the papers: Qi et al., YOLO5Face, 2021; Ma et al., ShuffleNet V2,
2018; Wang et al., CSPNet, 2019; He et al., spatial pyramid pooling, 2014.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Activation = Literal['silu', 'relu']

#: Neither is stored in a state dict, and at 1e-5 the published weights give other outputs.
BN_EPS = 1e-3
BN_MOMENTUM = 0.03


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm with the constants of the YOLO-face networks."""
    return nn.BatchNorm2d(channels, eps=BN_EPS, momentum=BN_MOMENTUM)


def activation_layer(name: Activation) -> nn.Module:
    """Return the activation called ``name``."""
    return {'silu': nn.SiLU, 'relu': nn.ReLU}[name](inplace=True)


def scaled_channels(channels: float, divisor: int = 8) -> int:
    """Round channels times a width up to a multiple of ``divisor``."""
    return math.ceil(channels / divisor) * divisor


class Conv(nn.Module):
    """Convolution without bias, batch norm, activation.

    Args:
        in_channels: input channels.
        out_channels: output channels.
        kernel_size: odd; padding keeps the size at stride 1.
        stride: 1 or 2.
        groups: groups of the convolution.
        activation: ``silu`` or ``relu``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 1,
        stride: int = 1,
        groups: int = 1,
        activation: Activation = 'silu',
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False
        )
        self.bn = batch_norm(out_channels)
        self.act = activation_layer(activation)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, ceil(H / stride), ceil(W / stride))."""
        return self.act(self.bn(self.conv(x)))


class StemBlock(nn.Module):
    """First layers of stride 4: a convolution, then convolutions beside a pooling, fused (YOLO5Face, figure 2d).

    Args:
        out_channels: output channels, even.
        in_channels: channels of the image.
        activation: ``silu`` or ``relu``.
    """

    def __init__(self, out_channels: int, in_channels: int = 3, activation: Activation = 'silu') -> None:
        super().__init__()
        self.conv1 = Conv(in_channels, out_channels, 3, 2, activation=activation)
        self.conv2a = Conv(out_channels, out_channels // 2, 1, activation=activation)
        self.conv2b = Conv(out_channels // 2, out_channels, 3, 2, activation=activation)
        # Rounds odd sizes up, as the convolution beside it.
        self.pool = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv3 = Conv(out_channels * 2, out_channels, 1, activation=activation)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, ceil(H / 4), ceil(W / 4))."""
        x = self.conv1(x)
        return self.conv3(torch.cat([self.conv2b(self.conv2a(x)), self.pool(x)], 1))


class ShuffleBlock(nn.Module):
    """ShuffleNet V2 unit (figure 3c at stride 1, 3d at stride 2), with SiLU.

    Args:
        in_channels: input channels; equal to ``out_channels`` at stride 1.
        out_channels: output channels, even.
        stride: 1 or 2.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        if stride == 1 and in_channels != out_channels:
            raise ValueError(f'ShuffleBlock: stride 1 keeps the channels, not {in_channels} to {out_channels}')
        half = out_channels // 2
        self.stride = stride
        self.branch1 = nn.Sequential()
        if stride > 1:
            self.branch1 = nn.Sequential(
                _depthwise(in_channels, stride),
                batch_norm(in_channels),
                nn.Conv2d(in_channels, half, 1, bias=False),
                batch_norm(half),
                nn.SiLU(inplace=True),
            )
        self.branch2 = nn.Sequential(
            nn.Conv2d(in_channels if stride > 1 else half, half, 1, bias=False),
            batch_norm(half),
            nn.SiLU(inplace=True),
            _depthwise(half, stride),
            batch_norm(half),
            nn.Conv2d(half, half, 1, bias=False),
            batch_norm(half),
            nn.SiLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, ceil(H / stride), ceil(W / stride))."""
        first, second = x.chunk(2, 1) if self.stride == 1 else (x, x)
        return F.channel_shuffle(torch.cat([self.branch1(first), self.branch2(second)], 1), 2)


class Bottleneck(nn.Module):
    """Two convolutions, added to their input if ``shortcut``.

    Args:
        channels: input, inner and output channels.
        kernel_sizes: of the two convolutions.
        shortcut: add the input.
        activation: ``silu`` or ``relu``.
    """

    def __init__(
        self,
        channels: int,
        kernel_sizes: tuple[int, int] = (1, 3),
        shortcut: bool = True,
        activation: Activation = 'silu',
    ) -> None:
        super().__init__()
        self.cv1 = Conv(channels, channels, kernel_sizes[0], activation=activation)
        self.cv2 = Conv(channels, channels, kernel_sizes[1], activation=activation)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, H, W)."""
        y = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class C3(nn.Module):
    """Cross-stage partial block: bottlenecks on one half, a 1×1 convolution on the other, fused by a third.

    Args:
        in_channels: input channels.
        out_channels: output channels, even.
        blocks: number of bottlenecks.
        shortcut: whether the bottlenecks are residual.
    """

    def __init__(self, in_channels: int, out_channels: int, blocks: int = 1, shortcut: bool = True) -> None:
        super().__init__()
        half = out_channels // 2
        self.cv1 = Conv(in_channels, half)
        self.cv2 = Conv(in_channels, half)
        self.cv3 = Conv(2 * half, out_channels)
        self.m = nn.Sequential(*(Bottleneck(half, shortcut=shortcut) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H, W)."""
        return self.cv3(torch.cat([self.m(self.cv1(x)), self.cv2(x)], 1))


class SPP(nn.Module):
    """Max-pooled copies of several windows beside the input, between two 1×1 convolutions.

    Args:
        in_channels: input channels, even.
        out_channels: output channels.
        kernel_sizes: odd windows, each pooled from the input. YOLOv5-Face has 3, 5, 7.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_sizes: Sequence[int] = (3, 5, 7)) -> None:
        super().__init__()
        half = in_channels // 2
        self.cv1 = Conv(in_channels, half)
        self.cv2 = Conv(half * (len(kernel_sizes) + 1), out_channels)
        self.pools = nn.ModuleList(nn.MaxPool2d(k, 1, k // 2) for k in kernel_sizes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H, W)."""
        x = self.cv1(x)
        return self.cv2(torch.cat([x, *(pool(x) for pool in self.pools)], 1))


class SPPF(nn.Module):
    """As :class:`SPP`, with one window applied up to three times in a row: 5 sees 5, 9 and 13 cells.

    Args:
        in_channels: input channels, even.
        out_channels: output channels.
        kernel_size: odd window.
        activation: ``silu`` or ``relu``.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 5, activation: Activation = 'silu'
    ) -> None:
        super().__init__()
        half = in_channels // 2
        self.cv1 = Conv(in_channels, half, activation=activation)
        self.cv2 = Conv(half * 4, out_channels, activation=activation)
        self.pool = nn.MaxPool2d(kernel_size, 1, kernel_size // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H, W)."""
        copies = [self.cv1(x)]
        for _ in range(3):
            copies.append(self.pool(copies[-1]))
        return self.cv2(torch.cat(copies, 1))


def _depthwise(channels: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
