"""Boxes as distances to their four sides, points as offsets, from points on a grid (FCOS, SCRFD, YOLOv8)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from faceresearch.registry import CODECS


@CODECS.register_module()
class DistanceCodec:
    """Reference points at every cell of every level; distances and offsets are in units of the level's stride.

    Order of points: level, row, column, and within a cell ``per_cell`` equal ones.
    Source: insightface detection/scrfd mmdet/models/dense_heads/scrfd_head.py (centre 0, two per cell);
    reference of YOLOv8 (centre 0.5, key points 2·raw + cell index).

    Shapes: P points, K key points.

    Args:
        strides: pixels per cell of each level.
        per_cell: points in a cell, all at the same place.
        centre: where in its cell a point lies: 0 at the upper left corner, 0.5 in the middle.
        keypoint_scale: a key point is at point + (``keypoint_scale`` · offset − ``keypoint_shift``) · stride.
        keypoint_shift: see ``keypoint_scale``.
    """

    def __init__(
        self,
        strides: Sequence[int] = (8, 16, 32),
        per_cell: int = 1,
        centre: float = 0.5,
        keypoint_scale: float = 1.0,
        keypoint_shift: float = 0.0,
    ) -> None:
        self.strides = tuple(strides)
        self.per_cell = per_cell
        self.centre = centre
        self.keypoint_scale = keypoint_scale
        self.keypoint_shift = keypoint_shift

    def counts(self, image_size: tuple[int, int]) -> list[int]:
        """Return the number of points of each level for an image of ``image_size`` (h, w)."""
        height, width = image_size
        return [math.ceil(height / s) * math.ceil(width / s) * self.per_cell for s in self.strides]

    def points(self, image_size: tuple[int, int]) -> Tensor:
        """Return the points (P, 3) of an image of ``image_size`` (h, w) as (x, y, stride) in pixels, float64, CPU."""
        height, width = image_size
        return self.points_of_maps([(math.ceil(height / s), math.ceil(width / s)) for s in self.strides])

    def points_of_maps(self, sizes: Sequence[tuple[int, int]]) -> Tensor:
        """Return the points (P, 3) of feature maps of ``sizes`` (h, w), one per level, as :meth:`points` does.

        For graphs that are exported: the sizes of an image's maps stay symbolic there.
        """
        levels = []
        for (rows, columns), stride in zip(sizes, self.strides):
            y = (torch.arange(rows, dtype=torch.float64) + self.centre) * stride
            x = (torch.arange(columns, dtype=torch.float64) + self.centre) * stride
            shape = (rows, columns, self.per_cell)
            parts = (x[None, :, None].expand(shape), y[:, None, None].expand(shape), y.new_full(shape, stride))
            levels.append(torch.stack(parts, -1).reshape(-1, 3))
        return torch.cat(levels)

    def encode_boxes(self, boxes: Tensor, points: Tensor) -> Tensor:
        """Encode boxes (..., 4) xyxy in pixels against points (..., 3) as distances left, top, right, bottom."""
        centres = points[..., :2]
        distances = torch.cat([centres - boxes[..., :2], boxes[..., 2:] - centres], -1)
        return distances / points[..., 2:]

    def decode_boxes(self, distances: Tensor, points: Tensor) -> Tensor:
        """Invert :meth:`encode_boxes`: distances (..., 4) to boxes (..., 4) xyxy in pixels."""
        distances, centres = distances * points[..., 2:], points[..., :2]
        return torch.cat([centres - distances[..., :2], centres + distances[..., 2:]], -1)

    def encode_keypoints(self, keypoints: Tensor, points: Tensor) -> Tensor:
        """Encode key points (..., K, 2) in pixels against points (..., 3) as offsets (..., 2K)."""
        offsets = (keypoints - points[..., None, :2]) / points[..., None, 2:]
        return ((offsets + self.keypoint_shift) / self.keypoint_scale).flatten(-2)

    def decode_keypoints(self, offsets: Tensor, points: Tensor) -> Tensor:
        """Invert :meth:`encode_keypoints`: offsets (..., 2K) to key points (..., K, 2) in pixels."""
        steps = offsets.unflatten(-1, (-1, 2)) * self.keypoint_scale - self.keypoint_shift
        return points[..., None, :2] + steps * points[..., None, 2:]
