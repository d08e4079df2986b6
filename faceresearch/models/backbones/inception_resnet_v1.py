"""Inception-ResNet-v1, the network of FaceNet's open implementations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.registry import MODELS

#: One convolution: input channels, output channels, kernel.
_Step = tuple[int, int, int | tuple[int, int]]


class BasicConv2d(nn.Module):
    """Convolution without bias, batch norm of eps 0.001, ReLU.

    Args:
        in_channels: input channels.
        out_channels: output channels.
        kernel_size: (height, width) or both.
        stride: of the convolution.
        padding: (vertical, horizontal) or both.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C′, H′, W′)."""
        return F.relu(self.bn(self.conv(x)))


class ResidualInception(nn.Module):
    """Branches of padded convolutions, concatenated, projected to the input's channels, scaled and added to it.

    Args:
        channels: input and output channels.
        branches: the convolutions of each branch.
        scale: factor on what is added (Szegedy et al. 2017, section 3.3).
        relu: whether ReLU follows the sum.
    """

    def __init__(self, channels: int, branches: Sequence[Sequence[_Step]], scale: float, relu: bool = True) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(_padded(step) for step in branch)) for branch in branches)
        self.project = nn.Conv2d(sum(branch[-1][1] for branch in branches), channels, 1)
        self.scale = scale
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        x = x + self.scale * self.project(torch.cat([branch(x) for branch in self.branches], 1))
        return F.relu(x) if self.relu else x


class Reduction(nn.Module):
    """Branches that end in an unpadded 3×3 convolution of stride 2, and a maximum pooling, concatenated.

    Args:
        branches: the convolutions of each branch.
    """

    def __init__(self, branches: Sequence[Sequence[_Step]]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(_padded(step) for step in branch[:-1]), BasicConv2d(*branch[-1], stride=2))
            for branch in branches
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C′, (H − 1) / 2, (W − 1) / 2)."""
        return torch.cat([*(branch(x) for branch in self.branches), F.max_pool2d(x, 3, 2)], 1)


@MODELS.register_module()
class InceptionResNetV1(BaseModule):
    """Inception-ResNet-v1 with an embedding, for faces of 160 px.

    Source: Szegedy et al. 2017, figures 10–15; timesler/facenet-pytorch models/inception_resnet_v1.py.

    Args:
        embedding_size: D: 512, or 128 for the first released FaceNet weights.
        dropout: share of the pooled features set to zero in training.
        unit: whether embeddings have unit length. facenet-pytorch's have; the Keras forms of the weights leave them.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(
        self,
        embedding_size: int = 512,
        dropout: float = 0.6,
        unit: bool = True,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.embedding_size = embedding_size
        self.unit = unit
        self.stem = nn.Sequential(
            BasicConv2d(3, 32, 3, stride=2),
            BasicConv2d(32, 32, 3),
            BasicConv2d(32, 64, 3, padding=1),
            nn.MaxPool2d(3, stride=2),
            BasicConv2d(64, 80, 1),
            BasicConv2d(80, 192, 3),
            BasicConv2d(192, 256, 3, stride=2),
        )
        self.blocks35 = nn.Sequential(*(_block35() for _ in range(5)))
        self.reduce35 = Reduction([[(256, 384, 3)], [(256, 192, 1), (192, 192, 3), (192, 256, 3)]])
        self.blocks17 = nn.Sequential(*(_block17() for _ in range(10)))
        self.reduce17 = Reduction(
            [
                [(896, 256, 1), (256, 384, 3)],
                [(896, 256, 1), (256, 256, 3)],
                [(896, 256, 1), (256, 256, 3), (256, 256, 3)],
            ]
        )
        self.blocks8 = nn.Sequential(*(_block8(0.2) for _ in range(5)), _block8(1.0, relu=False))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1792, embedding_size, bias=False)
        self.norm = nn.BatchNorm1d(embedding_size, eps=0.001)

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, H, W) to embeddings (N, D)."""
        x = self.reduce35(self.blocks35(self.stem(x)))
        x = self.blocks8(self.reduce17(self.blocks17(x)))
        x = self.norm(self.fc(self.dropout(x.mean((2, 3)))))
        return F.normalize(x) if self.unit else x


def _padded(step: _Step) -> BasicConv2d:
    in_channels, out_channels, kernel = step
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    return BasicConv2d(in_channels, out_channels, kernel, padding=(height // 2, width // 2))


def _block35() -> ResidualInception:
    first = (256, 32, 1)
    return ResidualInception(256, [[first], [first, (32, 32, 3)], [first, (32, 32, 3), (32, 32, 3)]], scale=0.17)


def _block17() -> ResidualInception:
    first = (896, 128, 1)
    return ResidualInception(896, [[first], [first, (128, 128, (1, 7)), (128, 128, (7, 1))]], scale=0.1)


def _block8(scale: float, relu: bool = True) -> ResidualInception:
    first = (1792, 192, 1)
    return ResidualInception(1792, [[first], [first, (192, 192, (1, 3)), (192, 192, (3, 1))]], scale, relu)
