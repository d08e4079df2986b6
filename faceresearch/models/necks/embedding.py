"""Necks that end a network in one embedding per face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.registry import MODELS


@MODELS.register_module()
class GDC(BaseModule):
    """Global depthwise convolution, linear layer and batch norm: a weight per place and channel instead of a mean.

    Source: Chen et al., MobileFaceNets, 2018, section 3.1; yakhyo/face-recognition utils/layers.py.

    Args:
        in_channels: of the feature map (the last one, if there are several).
        embedding_size: D.
        size: height and width of the feature map, the kernel's: 7 for 112 px at stride 16, 4 at stride 32.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        in_channels: int,
        embedding_size: int = 512,
        size: int | tuple[int, int] = 7,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.embedding_size = embedding_size
        self.size = _pair(size)
        self.pool = nn.Sequential(
            nn.Conv2d(in_channels, in_channels, self.size, groups=in_channels, bias=False), nn.BatchNorm2d(in_channels)
        )
        self.fc = nn.Sequential(nn.Linear(in_channels, embedding_size, bias=False), nn.BatchNorm1d(embedding_size))

    def forward(self, features: Tensor | Sequence[Tensor]) -> Tensor:
        """Map features (N, C, h, w), or the last of several, to embeddings (N, D), not of unit length.

        Raises:
            UserError: the map has another size.
        """
        return self.fc(self.pool(_last(features, self)).flatten(1))


@MODELS.register_module()
class FlattenBN(BaseModule):
    """Batch norm, dropout, a linear layer over every place and channel, and batch norm (ArcFace's output "E").

    Source: Deng et al., ArcFace, 2019, section 3.1; insightface arcface_torch backbones/iresnet.py.

    Args:
        in_channels: of the feature map (the last one, if there are several).
        embedding_size: D.
        size: height and width of the feature map: 7 for 112 px at stride 16, 4 at stride 32.
        dropout: share of the values set to zero in training.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        in_channels: int,
        embedding_size: int = 512,
        size: int | tuple[int, int] = 7,
        dropout: float = 0.0,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.embedding_size = embedding_size
        self.size = height, width = _pair(size)
        self.norm = nn.BatchNorm2d(in_channels)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(in_channels * height * width, embedding_size)
        self.features = nn.BatchNorm1d(embedding_size)
        # The embedding's scale is the loss's business: with a learnt weight here, both would fight over it.
        nn.init.ones_(self.features.weight)
        self.features.weight.requires_grad = False

    def forward(self, features: Tensor | Sequence[Tensor]) -> Tensor:
        """Map features (N, C, h, w), or the last of several, to embeddings (N, D), not of unit length.

        Raises:
            UserError: the map has another size.
        """
        return self.features(self.fc(self.dropout(self.norm(_last(features, self))).flatten(1)))


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _last(features: Tensor | Sequence[Tensor], neck: GDC | FlattenBN) -> Tensor:
    last = features if isinstance(features, Tensor) else features[-1]
    if tuple(last.shape[2:]) != neck.size:
        name, (height, width) = type(neck).__name__, last.shape[2:]
        raise UserError(
            f'{name} is made for feature maps of {neck.size[0]} x {neck.size[1]} and gets one of {height} x {width}:'
            f' set model.neck.size=[{height},{width}], or give images of the size that the network is for'
        )
    return last
