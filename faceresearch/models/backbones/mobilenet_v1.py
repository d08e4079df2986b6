"""MobileNetV1 as RetinaFace cuts it."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.layers import conv_bn
from faceresearch.registry import MODELS

LEAKY = 0.1


@MODELS.register_module()
class MobileNetV1(BaseModule):
    """MobileNetV1 with LeakyReLU(0.1), giving feature maps of strides 8, 16 and 32.

    Source: Howard et al. 2017; biubug6/Pytorch_Retinaface models/net.py (width 0.25), yakhyo/retinaface-pytorch
    models/mobilenetv1.py (0.5 and 1).

    Args:
        width: factor on the channels 32, 64, 128, 256, 512, 1024, rounded to multiples of 8.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(self, width: float = 0.25, pretrained: str | None = None) -> None:
        super().__init__()
        self.pretrained = pretrained
        c = [multiple_of_8(channels * width) for channels in (32, 64, 128, 256, 512, 1024)]
        self.stage1 = nn.Sequential(
            conv_bn(3, c[0], stride=2, leaky=LEAKY),
            _depthwise(c[0], c[1]),
            _depthwise(c[1], c[2], stride=2),
            _depthwise(c[2], c[2]),
            _depthwise(c[2], c[3], stride=2),
            _depthwise(c[3], c[3]),
        )
        self.stage2 = nn.Sequential(_depthwise(c[3], c[4], stride=2), *(_depthwise(c[4], c[4]) for _ in range(5)))
        self.stage3 = nn.Sequential(_depthwise(c[4], c[5], stride=2), _depthwise(c[5], c[5]))
        self.out_channels = (c[3], c[4], c[5])

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to features of strides 8, 16, 32."""
        c3 = self.stage1(x)
        c4 = self.stage2(c3)
        return c3, c4, self.stage3(c4)


def _depthwise(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        conv_bn(in_channels, in_channels, stride=stride, groups=in_channels, leaky=LEAKY),
        conv_bn(in_channels, out_channels, kernel_size=1, leaky=LEAKY),
    )


def multiple_of_8(channels: float) -> int:
    """Round channels to the nearest multiple of 8 that is at least nine tenths of them."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
