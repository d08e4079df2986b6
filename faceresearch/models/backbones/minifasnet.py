"""MiniFASNet, the small networks of silent face anti-spoofing (minivision-ai/Silent-Face-Anti-Spoofing)."""

from __future__ import annotations

from typing import Literal

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.registry import MODELS

#: Widths of the 1 × 1 expansions, pruned one by one: (between the stages, in each stage).
_WIDTHS = {
    1: ((103, 231, 308), ((13, 26, 13, 52), (154, 52, 26, 52, 26, 26), (26, 26))),
    2: ((103, 231, 308), ((13, 13, 13, 13), (231, 52, 26, 77, 26, 26), (26, 26))),
}
_CHANNELS = (64, 128, 128)
_LAST = 512


class _Unit(nn.Module):
    """Convolution without bias, batch norm, and PReLU unless ``linear``."""

    def __init__(
        self, ins: int, outs: int, kernel: int = 1, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        # Of stages only 3 × 3 kernels are padded; the last one covers the whole map.
        padding = 1 if kernel == 3 else 0
        self.conv = nn.Conv2d(ins, outs, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outs)
        self.prelu = None if linear else nn.PReLU(outs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        return x if self.prelu is None else self.prelu(x)


class _SqueezeExcite(nn.Module):
    """Channel attention with batch norm after both 1 × 1 convolutions; a quarter of the channels in between."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 4, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels // 4)
        self.fc2 = nn.Conv2d(channels // 4, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(self.bn2(self.fc2(y)))


class _Block(nn.Module):
    """Expansion, depthwise convolution, projection; the input is added where the shape stays."""

    def __init__(self, ins: int, width: int, outs: int, stride: int = 1, excite: bool = False) -> None:
        super().__init__()
        self.expand = _Unit(ins, width)
        self.depthwise = _Unit(width, width, 3, stride, groups=width)
        self.project = _Unit(width, outs, linear=True)
        self.se = _SqueezeExcite(outs) if excite else None
        self.residual = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        if self.se is not None:
            y = self.se(y)
        return x + y if self.residual else y


@MODELS.register_module()
class MiniFASNet(BaseModule):
    """MiniFASNet: a crop around a face (N, 3, 80, 80), BGR 0…255, to a feature (N, 128).

    A MobileFaceNet pruned channel by channel (minivision-ai/Silent-Face-Anti-Spoofing src/model_lib/MiniFASNet.py).

    Args:
        version: 1 or 2: two prunings, of nearly the same size.
        excite: squeeze-and-excite in the last block of each stage: V1SE and V2SE.
        image_size: side of the crops; decides the kernel of the last convolution, a sixteenth of it.

    Attributes:
        embedding_size: 128.
        auxiliary_channels: 128, of the map of stride 8 that the Fourier branch reads in training.

    Raises:
        UserError: there is no such version.
    """

    embedding_size = 128
    auxiliary_channels = _CHANNELS[1]

    def __init__(self, version: Literal[1, 2] = 2, excite: bool = False, image_size: int = 80) -> None:
        super().__init__()
        if version not in _WIDTHS:
            raise UserError(f'MiniFASNet: there is no version {version}; use 1 or 2')
        between, stages = _WIDTHS[version]
        self.stem = _Unit(3, 32, 3, stride=2)
        self.stem_depthwise = _Unit(32, 32, 3, groups=32)
        inputs = (32, *_CHANNELS[:-1])
        self.downs = nn.ModuleList(
            _Block(ins, width, outs, stride=2) for ins, width, outs in zip(inputs, between, _CHANNELS)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(
                    _Block(channels, width, channels, excite=excite and number == len(widths) - 1)
                    for number, width in enumerate(widths)
                )
            )
            for channels, widths in zip(_CHANNELS, stages)
        )
        self.separate = _Unit(_CHANNELS[-1], _LAST)
        self.pool = _Unit(_LAST, _LAST, (image_size + 15) // 16, groups=_LAST, linear=True)
        self.linear = nn.Linear(_LAST, self.embedding_size, bias=False)
        self.bn = nn.BatchNorm1d(self.embedding_size)

    def forward(self, x: Tensor) -> Tensor:
        """Return the feature (N, 128)."""
        return self.with_auxiliary(x)[0]

    def with_auxiliary(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the feature (N, 128), and the map (N, 128, H / 8, W / 8) after the second stage."""
        x = self.stem_depthwise(self.stem(x))
        x = self.stages[0](self.downs[0](x))
        second = self.stages[1](self.downs[1](x))
        x = self.stages[2](self.downs[2](second))
        x = self.pool(self.separate(x)).flatten(1)
        return self.bn(self.linear(x)), second
