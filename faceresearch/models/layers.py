"""Small convolution stacks shared by backbones and necks."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
        layers.append(nn.LeakyReLU(leaky, inplace=True) if leaky else nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def normal_convolutions(module: nn.Module) -> None:
    """Draw the weights of all convolutions from a normal distribution of variance 1 / fan in; biases become 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, a=1)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class Scale(nn.Module):
    """A learnt factor on a whole map (FCOS' per-level scale).

    Args:
        value: where it starts.
    """

    def __init__(self, value: float = 1.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(value))

    def forward(self, x: Tensor) -> Tensor:
        """Return x times the factor."""
        return x * self.scale
