"""Landmarks as coordinates from one linear layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.precision import widened
from faceresearch.registry import MODELS, build_codec, build_module
from faceresearch.structures import FaceDataSample


@MODELS.register_module()
class CoordinateHead(BaseModule):
    """Means of feature maps, or all of one map, to 2 K coordinates.

    The loss is measured in pixels of the crop.

    Args:
        in_channels: channels of the feature maps.
        num_points: K.
        levels: which maps are used; None: all.
        feature_size: height and width of the one map that is used whole; None: the means of the maps are used, and the
            crop's size is free.
        codec: what the numbers mean; by default 0…1 over the crop.
        loss: of points (N, K, 2), targets (N, K, 2), visible (N, K).
        dropout: share of the features set to zero in training.

    Raises:
        UserError: there is no such level, or a map to be used whole is not the only one.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_points: int,
        levels: Sequence[int] | None = None,
        feature_size: tuple[int, int] | None = None,
        codec: Any = None,
        loss: nn.Module | dict[str, Any] | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.levels = tuple(range(len(in_channels))) if levels is None else tuple(levels)
        if not self.levels or not set(self.levels) <= set(range(len(in_channels))):
            raise UserError(
                f'CoordinateHead: levels={self.levels}: the backbone has {len(in_channels)} maps, from 0 on'
            )
        if feature_size is not None and len(self.levels) != 1:
            raise UserError(f'CoordinateHead: feature_size is for one map; levels={self.levels}')
        self.num_points = num_points
        self.feature_size = None if feature_size is None else (int(feature_size[0]), int(feature_size[1]))
        self.codec = build_codec(codec or {'type': 'CoordinateCodec'})
        self.loss_points = build_module(loss or {'type': 'WingLoss'})
        places = 1 if self.feature_size is None else self.feature_size[0] * self.feature_size[1]
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(places * sum(in_channels[level] for level in self.levels), 2 * num_points)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Map features to coordinates (N, 2 K), as the codec encodes them; float32 under AMP.

        Raises:
            UserError: a map that is used whole has another size.
        """
        maps = [features[level] for level in self.levels]
        if self.feature_size is None:
            flat = torch.cat([level.mean((2, 3)) for level in maps], 1)
        else:
            if tuple(maps[0].shape[2:]) != self.feature_size:
                found = ' x '.join(str(int(n)) for n in maps[0].shape[2:])
                raise UserError(
                    f'CoordinateHead: made for a map of {self.feature_size[0]} x {self.feature_size[1]}, gets {found}: set'
                    ' model.head.feature_size, or give crops of the size that the network is for'
                )
            flat = maps[0].flatten(1)
        return widened(self.fc(self.dropout(flat)))

    def loss(
        self, features: Sequence[Tensor], data_samples: Sequence[FaceDataSample], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Return the loss of a batch of crops of ``size`` (h, w).

        Raises:
            UserError: a sample has no points, or another number of them.
        """
        points, visible = targets_of(data_samples, self.num_points)
        found = self.codec.decode(self(features), size)
        return {'loss_points': self.loss_points(found, points.to(found), visible.to(found.device))}


def targets_of(data_samples: Sequence[FaceDataSample], num_points: int) -> tuple[Tensor, Tensor]:
    """Return the points (N, K, 2) of a batch, in pixels of the crops, and which of them are annotated (N, K) bool.

    Raises:
        UserError: a sample has no points, or another number of them.
    """
    for sample in data_samples:
        found = sample.gt_instances.get('keypoints') if 'gt_instances' in sample else None
        if found is None or tuple(found.shape) != (1, num_points, 2):
            raise UserError(
                f'{sample.get("img_path", "a sample")}: has points {None if found is None else tuple(found.shape)}, the model'
                f' needs (1, {num_points}, 2); do the scheme of the model and of the data set agree?'
            )
    points = torch.cat([sample.gt_instances.keypoints for sample in data_samples])
    visible = torch.cat([sample.gt_instances.keypoints_visible for sample in data_samples]) > 0
    return points, visible
