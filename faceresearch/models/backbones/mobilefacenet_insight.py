"""MobileFaceNet as arcface_torch has it (``mbf``, ``mbf_large``)."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.embedding_layers import require_size
from faceresearch.models.precision import full_precision
from faceresearch.registry import MODELS

SIZE = (112, 112)


@MODELS.register_module()
class InsightMobileFaceNet(BaseModule):
    """Inverted residuals with PReLU, ended by a 7×7 depthwise convolution, for aligned faces of 112 × 112.

    The two last layers compute in float32 under AMP. Tensors have the names of arcface_torch.

    Source: Chen et al. 2018 (MobileFaceNets); deepinsight/insightface recognition/arcface_torch
    backbones/mobilefacenet.py.

    Args:
        scale: factor on the channels between blocks; inside blocks they stay the same. 2 is ``mbf`` since 2021, 1 what
            it was before, 4 ``mbf_large``.
        blocks: units of the four stages; (2, 8, 12, 4) is ``mbf_large``.
        embedding_size: D.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(
        self,
        scale: int = 2,
        blocks: Sequence[int] = (1, 4, 6, 2),
        embedding_size: int = 512,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.embedding_size = embedding_size
        narrow, wide = 64 * scale, 128 * scale
        # The groups of a lone first block are 64 whatever the scale: published weights have that shape.
        first = _ConvBlock(narrow, narrow, 3, groups=64) if blocks[0] == 1 else _Residual(narrow, blocks[0], 128)
        self.layers = nn.ModuleList(
            [
                _ConvBlock(3, narrow, 3, stride=2),
                first,
                _DepthWise(narrow, narrow, 128, stride=2),
                _Residual(narrow, blocks[1], 128),
                _DepthWise(narrow, wide, 256, stride=2),
                _Residual(wide, blocks[2], 256),
                _DepthWise(wide, wide, 512, stride=2),
                _Residual(wide, blocks[3], 256),
            ]
        )
        self.conv_sep = _ConvBlock(wide, 512, 1)
        self.features = _GlobalDepthwise(512, embedding_size)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map aligned faces (N, 3, 112, 112) to embeddings (N, D), not normalised."""
        require_size(x, SIZE, type(self).__name__)
        for layer in self.layers:
            x = layer(x)
        with full_precision(x):
            return self.features(self.conv_sep(x.to(self.get_parameter('conv_sep.layers.0.weight').dtype)))


class _Layers(nn.Module):
    """A sequence under the name ``layers``, as the checkpoints have it."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers."""
        return self.layers(x)


class _ConvBlock(_Layers):
    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False)
        super().__init__(conv, nn.BatchNorm2d(out_channels), nn.PReLU(out_channels))


class _LinearBlock(_Layers):
    def __init__(self, in_channels: int, out_channels: int, kernel: int, groups: int = 1) -> None:
        conv = nn.Conv2d(in_channels, out_channels, kernel, groups=groups, bias=False)
        super().__init__(conv, nn.BatchNorm2d(out_channels))


class _DepthWise(_Layers):
    """Expansion, depthwise convolution, projection; ``residual`` adds the input."""

    def __init__(
        self, in_channels: int, out_channels: int, expanded: int, stride: int = 1, residual: bool = False
    ) -> None:
        super().__init__(
            _ConvBlock(in_channels, expanded, 1),
            _ConvBlock(expanded, expanded, 3, stride, groups=expanded),
            _LinearBlock(expanded, out_channels, 1),
        )
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H / stride, W / stride)."""
        return self.layers(x) + x if self.residual else self.layers(x)


class _Residual(_Layers):
    def __init__(self, channels: int, count: int, expanded: int) -> None:
        super().__init__(*(_DepthWise(channels, channels, expanded, residual=True) for _ in range(count)))


class _GlobalDepthwise(_Layers):
    """One weight per channel and place instead of an average (GDC), then the embedding."""

    def __init__(self, channels: int, embedding_size: int) -> None:
        super().__init__(
            _LinearBlock(channels, channels, 7, groups=channels),
            nn.Flatten(),
            nn.Linear(channels, embedding_size, bias=False),
            nn.BatchNorm1d(embedding_size),
        )
