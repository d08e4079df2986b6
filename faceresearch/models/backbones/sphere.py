"""SphereFace's residual networks without batch norm."""

from __future__ import annotations

from typing import Literal

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.embedding_layers import require_size
from faceresearch.registry import MODELS

#: Residual blocks of each stage.
BLOCKS = {20: (1, 2, 4, 1), 36: (2, 4, 8, 2), 64: (3, 8, 16, 3)}
WIDTHS = (64, 128, 256, 512)


class SphereBlock(nn.Module):
    """Two 3×3 convolutions, each with PReLU, added to their input.

    Args:
        channels: input and output channels.
        bias: whether the convolutions have one.
    """

    def __init__(self, channels: int, bias: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_conv_prelu(channels, channels, 1, bias), *_conv_prelu(channels, channels, 1, bias)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return x + self.layers(x)


@MODELS.register_module()
class SphereNet(BaseModule):
    """Four stages of residual blocks, each after a convolution of stride 2, and one linear layer over all places.

    Source: Liu et al., SphereFace, 2017, table 2; yakhyo/face-recognition models/sphereface.py (112×112, no bias in the
    blocks), clcarwin/sphereface_pytorch net_sphere.py (112×96, biases everywhere).

    Args:
        depth: 20, 36 or 64 layers with weights.
        embedding_size: D.
        size: (height, width) of the images.
        block_bias: whether the blocks' convolutions have a bias.
        pretrained: initial weights, see :func:`load_pretrained`.

    Raises:
        UserError: there is no such depth.
    """

    def __init__(
        self,
        depth: Literal[20, 36, 64] = 20,
        embedding_size: int = 512,
        size: tuple[int, int] = (112, 112),
        block_bias: bool = False,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        self.pretrained = pretrained
        if depth not in BLOCKS:
            raise UserError(f'SphereNet: there is no depth {depth}; use {", ".join(map(str, BLOCKS))}')
        self.embedding_size = embedding_size
        self.size = (size[0], size[1])
        stages = []
        for before, width, blocks in zip((3, *WIDTHS), WIDTHS, BLOCKS[depth]):
            down = nn.Sequential(*_conv_prelu(before, width, 2, bias=True))
            stages.append(nn.Sequential(down, *(SphereBlock(width, block_bias) for _ in range(blocks))))
        self.stages = nn.Sequential(*stages)
        height, width = (-(-side // 16) for side in size)
        self.fc = nn.Linear(WIDTHS[-1] * height * width, embedding_size)

    def init_weights(self) -> None:
        """Fill as the paper, then load ``pretrained``, if any.

        Small residual branches keep a network without normalisation from growing with its depth.
        """
        for name, module in self.named_modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                if '.layers.' in name:
                    nn.init.normal_(module.weight, std=0.01)
                else:
                    nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, H, W) to embeddings (N, D), not of unit length.

        Raises:
            UserError: the images have another size.
        """
        require_size(x, self.size, 'SphereNet')
        return self.fc(self.stages(x).flatten(1))


def _conv_prelu(in_channels: int, out_channels: int, stride: int, bias: bool) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=bias), nn.PReLU(out_channels)
