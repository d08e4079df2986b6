"""Small convolution stacks shared by backbones and necks."""

from __future__ import annotations

from torch import nn


def conv_bn(
    in_channels: int,
    out_channels: int,
    kernel_size: int = 3,
    stride: int = 1,
    groups: int = 1,
    leaky: float | None = 0.0,
) -> nn.Sequential:
    """Convolution without bias, batch norm, and LeakyReLU of slope ``leaky`` (0 is ReLU, None is no activation)."""
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
    if leaky is not None:
        layers.append(nn.LeakyReLU(leaky, inplace=True))
    return nn.Sequential(*layers)
