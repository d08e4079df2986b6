"""MobileFaceNet with ReLU6, as foamliu publishes it."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.embedding_layers import require_size
from faceresearch.registry import MODELS

#: Expansion, channels, blocks and first stride of each stage (MobileFaceNets, table 1).
STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
SIZE = (112, 112)
#: Of the last features, at stride 16.
FEATURE_SIZE = 7


@MODELS.register_module()
class FoamliuMobileFaceNet(BaseModule):
    """MobileFaceNet for aligned faces of 112 px.

    Other than the paper and insightface's ``mbf``: ReLU6 in place of PReLU (ReLU in the separable stem), and the
    embedding is a convolution with bias before its batch norm.
    Source: Chen et al., MobileFaceNets, 2018; foamliu/MobileFaceNet mobilefacenet.py.

    Args:
        embedding_size: D.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(self, embedding_size: int = 128, pretrained: str | None = None) -> None:
        super().__init__({'type': 'Kaiming', 'layer': 'Conv2d', 'mode': 'fan_out'})
        self.pretrained = pretrained
        self.embedding_size = embedding_size
        self.stem = nn.Sequential(
            *_conv_norm(3, 64, 3, 2, activation=nn.ReLU6),
            *_conv_norm(64, 64, 3, groups=64, activation=nn.ReLU),
            *_conv_norm(64, 64, 1, activation=nn.ReLU),
        )
        blocks = []
        channels = 64
        for expansion, width, depth, stride in STAGES:
            for index in range(depth):
                blocks.append(_InvertedResidual(channels, width, stride if index == 0 else 1, expansion))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.separate = nn.Sequential(*_conv_norm(channels, 512, 1, activation=nn.ReLU6))
        self.pool = nn.Sequential(nn.Conv2d(512, 512, FEATURE_SIZE, groups=512, bias=False), nn.BatchNorm2d(512))
        self.embedding = nn.Sequential(nn.Conv2d(512, embedding_size, 1), nn.BatchNorm2d(embedding_size))

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
        require_size(x, SIZE, 'FoamliuMobileFaceNet')
        return self.embedding(self.pool(self.separate(self.blocks(self.stem(x))))).flatten(1)


class _InvertedResidual(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * in_channels
        self.layers = nn.Sequential(
            *_conv_norm(in_channels, hidden, 1, activation=nn.ReLU6),
            *_conv_norm(hidden, hidden, 3, stride, groups=hidden, activation=nn.ReLU6),
            *_conv_norm(hidden, out_channels, 1),
        )
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.residual else self.layers(x)


def _conv_norm(
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.ReLU | nn.ReLU6] | None = None,
) -> list[nn.Module]:
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
    if activation is not None:
        layers.append(activation(inplace=True))
    return layers
