"""MobileNets that end in an embedding, as yakhyo/face-recognition builds them.

Against the networks they are named after: the first convolution has stride 1, every ReLU is a PReLU with one slope per
channel, convolutions keep a bias although batch norm follows, and a global depthwise convolution replaces the pooling.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mmengine.model import BaseModule
from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation

from faceresearch.models.backbones.mobilenet_v1 import multiple_of_8
from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.embedding_layers import require_size
from faceresearch.models.necks.embedding import GDC
from faceresearch.registry import MODELS

Activation = Literal['prelu', 'hardswish'] | None

#: Initial weights of all three.
INIT_CFG = (
    {'type': 'Kaiming', 'layer': 'Conv2d', 'mode': 'fan_out'},
    {'type': 'Normal', 'layer': 'Linear', 'std': 0.01},
)
SIZE = (112, 112)
#: Of the last features, at stride 16.
FEATURE_SIZE = 7
#: Expansion, channels, blocks and first stride of each stage (MobileNetV2, table 2).
V2_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
#: Kernel, expanded channels, channels, squeeze-and-excitation, hard swish, stride of each block (MobileNetV3, tables 1, 2).
V3_BLOCKS = {
    'large': (
        (3, 16, 16, False, False, 1),
        (3, 64, 24, False, False, 2),
        (3, 72, 24, False, False, 1),
        (5, 72, 40, True, False, 2),
        (5, 120, 40, True, False, 1),
        (5, 120, 40, True, False, 1),
        (3, 240, 80, False, True, 2),
        (3, 200, 80, False, True, 1),
        (3, 184, 80, False, True, 1),
        (3, 184, 80, False, True, 1),
        (3, 480, 112, True, True, 1),
        (3, 672, 112, True, True, 1),
        (5, 672, 160, True, True, 2),
        (5, 960, 160, True, True, 1),
        (5, 960, 160, True, True, 1),
    ),
    'small': (
        (3, 16, 16, True, False, 2),
        (3, 72, 24, False, False, 2),
        (3, 88, 24, False, False, 1),
        (5, 96, 40, True, True, 2),
        (5, 240, 40, True, True, 1),
        (5, 240, 40, True, True, 1),
        (5, 120, 48, True, True, 1),
        (5, 144, 48, True, True, 1),
        (5, 288, 96, True, True, 2),
        (5, 576, 96, True, True, 1),
        (5, 576, 96, True, True, 1),
    ),
}


class _FaceMobileNet(BaseModule):
    """Convolutions one after another, then :class:`~faceresearch.models.necks.embedding.GDC`."""

    def __init__(
        self, features: Sequence[nn.Module], channels: int, embedding_size: int, pretrained: str | None
    ) -> None:
        super().__init__(list(INIT_CFG))
        self.pretrained = pretrained
        self.embedding_size = embedding_size
        self.features = nn.Sequential(*features)
        self.gdc = GDC(channels, embedding_size, FEATURE_SIZE)

    def init_weights(self) -> None:
        """Fill at random, then load ``pretrained``, if any."""
        super().init_weights()
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, 112, 112) to embeddings (N, D), not of unit length.

        Raises:
            UserError: the images have another size.
        """
        require_size(x, SIZE, type(self).__name__)
        return self.gdc(self.features(x))


@MODELS.register_module()
class FaceMobileNetV1(_FaceMobileNet):
    """MobileNetV1 for aligned faces of 112 px.

    Source: Howard et al. 2017; yakhyo/face-recognition models/mobilenetv1.py.

    Args:
        width: factor on the channels 32, 64, 128, 256, 512, 1024, rounded to multiples of 8.
        embedding_size: D.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(self, width: float = 0.25, embedding_size: int = 512, pretrained: str | None = None) -> None:
        c = [multiple_of_8(channels * width) for channels in (32, 64, 128, 256, 512, 1024)]
        blocks = [(c[0], c[1], 1), (c[1], c[2], 2), (c[2], c[2], 1), (c[2], c[3], 2), (c[3], c[3], 1), (c[3], c[4], 2)]
        blocks += [(c[4], c[4], 1)] * 5 + [(c[4], c[5], 2), (c[5], c[5], 1)]
        features = [conv_norm(3, c[0], 3), *(_separable(*block) for block in blocks)]
        super().__init__(features, c[5], embedding_size, pretrained)


@MODELS.register_module()
class FaceMobileNetV2(_FaceMobileNet):
    """MobileNetV2 for aligned faces of 112 px, its last convolution of 512 channels.

    Source: Sandler et al. 2018; yakhyo/face-recognition models/mobilenetv2.py.

    Args:
        embedding_size: D.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(self, embedding_size: int = 512, pretrained: str | None = None) -> None:
        features: list[nn.Module] = [conv_norm(3, 32, 3)]
        channels = 32
        for expansion, width, depth, stride in V2_STAGES:
            for index in range(depth):
                layers = [conv_norm(channels, expansion * channels, 1)] if expansion > 1 else []
                layers.append(
                    conv_norm(
                        expansion * channels, expansion * channels, 3, stride if index == 0 else 1, depthwise=True
                    )
                )
                # The only convolution without bias.
                layers.append(conv_norm(expansion * channels, width, 1, activation=None, bias=False))
                features.append(_Block(layers, residual=index > 0))
                channels = width
        super().__init__([*features, conv_norm(channels, 512, 1)], 512, embedding_size, pretrained)


@MODELS.register_module()
class FaceMobileNetV3(_FaceMobileNet):
    """MobileNetV3 for aligned faces of 112 px.

    Source: Howard et al. 2019; yakhyo/face-recognition models/mobilenetv3.py.

    Args:
        size: which of the paper's two networks.
        embedding_size: D.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(
        self, size: Literal['small', 'large'] = 'large', embedding_size: int = 512, pretrained: str | None = None
    ) -> None:
        features: list[nn.Module] = [conv_norm(3, 16, 3, activation='hardswish')]
        channels = 16
        for kernel, expanded, width, squeeze, hard, stride in V3_BLOCKS[size]:
            act: Activation = 'hardswish' if hard else 'prelu'
            layers: list[nn.Module] = [conv_norm(channels, expanded, 1, activation=act)] if expanded != channels else []
            layers.append(conv_norm(expanded, expanded, kernel, stride, depthwise=True, activation=act))
            if squeeze:
                layers.append(
                    SqueezeExcitation(expanded, multiple_of_8(expanded // 4), scale_activation=nn.Hardsigmoid)
                )
            layers.append(conv_norm(expanded, width, 1, activation=None))
            features.append(_Block(layers, residual=stride == 1 and channels == width))
            channels = width
        features.append(conv_norm(channels, 6 * channels, 1, activation='hardswish'))
        super().__init__(features, 6 * channels, embedding_size, pretrained)


class _Block(nn.Module):
    """Layers, plus their input if ``residual``."""

    def __init__(self, layers: Sequence[nn.Module], residual: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.residual else self.layers(x)


def _separable(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        conv_norm(in_channels, in_channels, 3, stride, depthwise=True), conv_norm(in_channels, out_channels, 1)
    )


def conv_norm(
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: int = 1,
    depthwise: bool = False,
    activation: Activation = 'prelu',
    bias: bool = True,
) -> nn.Sequential:
    """Convolution, by default with bias, batch norm and activation."""
    groups = in_channels if depthwise else 1
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=bias),
        nn.BatchNorm2d(out_channels),
    ]
    if activation is not None:
        layers.append(nn.PReLU(out_channels) if activation == 'prelu' else nn.Hardswish(inplace=True))
    return nn.Sequential(*layers)
