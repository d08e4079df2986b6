"""The networks of PFLD: an efficient MobileNet with the maps that its three-scale head reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.layers import conv_bn
from faceresearch.registry import MODELS


@MODELS.register_module()
class PFLD(BaseModule):
    """PFLD's backbone: inverted residuals to stride 8, then the three maps whose means make the landmarks.

    For 112 px the maps are 64 × 28², 16 × 14², 32 × 7² and 128 × 1²; the first is what the pose branch reads.
    Source: Guo et al., PFLD, arXiv:1902.10859, table 1; polarisZhao/PFLD-pytorch models/pfld.py. cunjian's 68-point network
    is ``PFLD(stem='depthwise', expansion=(1, 1, 2, 1))`` (by the layers of its ONNX file).

    Args:
        stem: second layer: a 3 × 3 convolution (``conv``), or a depthwise one and 1 × 1 (``depthwise``).
        expansion: factor on the channels inside the blocks of stages 3, 4, 5 and 6.

    Raises:
        UserError: the stem is unknown, or there are not four factors.
    """

    def __init__(self, stem: Literal['conv', 'depthwise'] = 'conv', expansion: Sequence[int] = (2, 2, 4, 2)) -> None:
        super().__init__()
        if stem not in ('conv', 'depthwise') or len(expansion) != 4:
            raise UserError(f"PFLD: stem={stem!r}, expansion={tuple(expansion)}: use 'conv' or 'depthwise', and four")
        second = conv_bn(64, 64) if stem == 'conv' else _depthwise_stem(64)
        self.stem = nn.Sequential(conv_bn(3, 64, stride=2), second)
        three, four, five, six = expansion
        self.stage3 = nn.Sequential(
            InvertedResidual(64, 64, three, stride=2),
            *(InvertedResidual(64, 64, three, shortcut=True) for _ in range(4)),
        )
        self.stage4 = InvertedResidual(64, 128, four, stride=2)
        self.stage5 = nn.Sequential(
            InvertedResidual(128, 128, five), *(InvertedResidual(128, 128, five, shortcut=True) for _ in range(5))
        )
        self.stage6 = InvertedResidual(128, 16, six)
        self.conv7 = conv_bn(16, 32, stride=2)
        self.conv8 = nn.Sequential(nn.Conv2d(32, 128, 7), nn.ReLU(inplace=True))
        self.out_channels = (64, 16, 32, 128)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map crops (N, 3, H, W), H and W at least 97, to four maps."""
        shared = self.stage3(self.stem(x))
        first = self.stage6(self.stage5(self.stage4(shared)))
        second = self.conv7(first)
        return shared, first, second, self.conv8(second)


@MODELS.register_module()
class PFLDLite(BaseModule):
    """The backbone of pfld106_lite: depthwise separable convolutions in the place of inverted residuals.

    For 112 px the maps are 64 × 28², 16 × 28², 64 × 14² and 128 × 7². Source: the tensors of pfld106_lite.pth and the
    layers of its ONNX file.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(
            conv_bn(3, 16),
            _separable(16, 32),
            _separable(32, 32, stride=2),
            _separable(32, 32),
            _separable(32, 64, stride=2),
            *(_separable(64, 64) for _ in range(3)),
        )
        self.stage2 = nn.Sequential(
            _separable(64, 128, stride=2),
            _separable(128, 128),
            _separable(128, 128),
            _separable(128, 256),
            _separable(256, 256),
        )
        self.reduce1 = nn.Conv2d(64, 16, 3, padding=1)
        self.reduce2 = nn.Conv2d(256, 64, 1)
        self.extra = nn.Sequential(
            nn.Conv2d(256, 64, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 64, 3, stride=2, padding=1, groups=64),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 128, 1),
        )
        self.out_channels = (64, 16, 64, 128)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map crops (N, 3, H, W) to four maps."""
        shared = self.stage1(x)
        first = self.reduce1(shared)
        deep = self.stage2(shared)
        return shared, first, self.reduce2(deep), self.extra(deep)


class InvertedResidual(nn.Module):
    """1 × 1 to more channels, depthwise 3 × 3, 1 × 1 back without activation (Sandler et al., MobileNetV2, 2018).

    Args:
        in_channels, out_channels: of the maps.
        expansion: channels inside, as a multiple of ``in_channels``.
        stride: of the depthwise convolution.
        shortcut: add the input.
    """

    def __init__(
        self, in_channels: int, out_channels: int, expansion: int, stride: int = 1, shortcut: bool = False
    ) -> None:
        super().__init__()
        inside = in_channels * expansion
        self.shortcut = shortcut
        self.layers = nn.Sequential(
            *conv_bn(in_channels, inside, kernel_size=1),
            *conv_bn(inside, inside, stride=stride, groups=inside),
            *conv_bn(inside, out_channels, kernel_size=1, leaky=None),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H / stride, W / stride)."""
        return x + self.layers(x) if self.shortcut else self.layers(x)


def _depthwise_stem(channels: int) -> nn.Sequential:
    return nn.Sequential(
        *conv_bn(channels, channels, groups=channels, leaky=None),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.ReLU(inplace=True),
    )


def _separable(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        *conv_bn(in_channels, in_channels, stride=stride, groups=in_channels),
        *conv_bn(in_channels, out_channels, kernel_size=1),
    )
