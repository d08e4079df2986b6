"""OpenFace's nn4.small2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.models.backbones.pretrained import load_pretrained
from faceresearch.models.embedding_layers import require_size
from faceresearch.registry import MODELS

SIZE = (96, 96)
Pool = Literal['max', 'l2']


def _conv(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2), nn.BatchNorm2d(out_channels), nn.ReLU()
    )


class Inception(nn.Module):
    """Branches 3×3, 5×5, pooling and 1×1, concatenated; maps that pooling made smaller get a border of zeros.

    Args:
        in_channels: input channels.
        branches: (reduced, output) channels of the 3×3 and, if any, the 5×5 convolution.
        pool: kind of pooling.
        pool_channels: of the 1×1 convolution after the pooling; None passes the pooled input on.
        single: channels of the 1×1 branch, or None.
        stride: of the convolutions; with 2 the pooling has it too, and nothing is bordered.
    """

    def __init__(
        self,
        in_channels: int,
        branches: Sequence[tuple[int, int]],
        pool: Pool,
        pool_channels: int | None,
        single: int | None,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(_conv(in_channels, reduced, 1), _conv(reduced, out, kernel, stride))
            for kernel, (reduced, out) in zip((3, 5), branches)
        )
        self.pool = pool
        self.stride = stride
        self.pooled = _conv(in_channels, pool_channels, 1) if pool_channels else nn.Identity()
        self.single = _conv(in_channels, single, 1) if single else None
        self.out_channels = sum(out for _, out in branches) + (pool_channels or in_channels) + (single or 0)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C′, H / stride, W / stride)."""
        maps = [branch(x) for branch in self.branches]
        pooled = self.pooled(self._pool(x))
        rows, columns = (maps[0].shape[i] - pooled.shape[i] for i in (2, 3))
        maps.append(F.pad(pooled, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)))
        if self.single is not None:
            maps.append(self.single(x))
        return torch.cat(maps, 1)

    def _pool(self, x: Tensor) -> Tensor:
        if self.pool == 'l2':
            # The clamp keeps the gradient of the root finite where all nine values are zero.
            return (9 * F.avg_pool2d(x.square(), 3, 3)).clamp(min=1e-30).sqrt()
        return F.max_pool2d(x, 3, 2, padding=1 if self.stride == 2 else 0)


@MODELS.register_module()
class OpenFaceNet(BaseModule):
    """nn4.small2: inception modules with L2 pooling for faces of 96 px, embeddings of unit length.

    Source: Amos et al., OpenFace, CMU-CS-16-118, 2016; cmusatyalab/openface models/openface/nn4.small2.def.lua.

    Args:
        embedding_size: D.
        pretrained: initial weights, see :func:`load_pretrained`.
    """

    def __init__(self, embedding_size: int = 128, pretrained: str | None = None) -> None:
        super().__init__()
        self.pretrained = pretrained
        self.embedding_size = embedding_size
        self.stem = nn.Sequential(
            _conv(3, 64, 7, 2),
            nn.MaxPool2d(3, 2, 1),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75),
            _conv(64, 64, 1),
            _conv(64, 192, 3),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75),
            nn.MaxPool2d(3, 2, 1),
        )
        self.blocks = nn.Sequential(
            Inception(192, ((96, 128), (16, 32)), 'max', 32, 64),
            Inception(256, ((96, 128), (32, 64)), 'l2', 64, 64),
            Inception(320, ((128, 256), (32, 64)), 'max', None, None, stride=2),
            Inception(640, ((96, 192), (32, 64)), 'l2', 128, 256),
            Inception(640, ((160, 256), (64, 128)), 'max', None, None, stride=2),
            Inception(1024, ((96, 384),), 'l2', 96, 256),
            Inception(736, ((96, 384),), 'max', 96, 256),
        )
        self.fc = nn.Linear(736, embedding_size)

    def init_weights(self) -> None:
        """Load ``pretrained``, if any."""
        if self.pretrained:
            load_pretrained(self, self.pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, 96, 96) to embeddings (N, D) of unit length.

        Raises:
            UserError: the images have another size.
        """
        require_size(x, SIZE, 'OpenFaceNet')
        x = F.avg_pool2d(self.blocks(self.stem(x)), 3)
        return F.normalize(self.fc(x.flatten(1)))
