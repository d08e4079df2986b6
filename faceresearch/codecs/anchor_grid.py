"""Boxes and points relative to anchors of several shapes at every cell of a grid (YOLOv5-Face)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from faceresearch.registry import CODECS

#: Widths and heights in pixels, of strides 8, 16, 32.
P5_ANCHORS = (
    ((4, 5), (8, 10), (13, 16)),
    ((23, 29), (43, 55), (73, 105)),
    ((146, 217), (231, 300), (335, 433)),
)


@CODECS.register_module()
class AnchorGridCodec:
    """Box centres that reach half a cell beyond their cell, sizes up to four times the anchor's, points linear.

    With raw outputs t, sigmoid σ, cell index c, stride s and anchor (w, h) in pixels:
    centre = (2σ(t) − 0.5 + c)·s, size = (2σ(t))²·(w, h), point = t·(w, h) + c·s.
    Source: Qi et al., YOLO5Face, 2021, section 3; outputs of the published networks.

    Order of anchors: level, anchor shape, row, column. A location is (column, row, stride, width, height).
    Shapes: P locations, K points.

    Args:
        strides: pixels per cell of each level.
        anchors: (width, height) in pixels of the anchors of each level, as many on each.
    """

    def __init__(
        self,
        strides: Sequence[int] = (8, 16, 32),
        anchors: Sequence[Sequence[tuple[float, float]]] = P5_ANCHORS,
    ) -> None:
        self.strides = tuple(strides)
        self.anchors = tuple(tuple((float(w), float(h)) for w, h in level) for level in anchors)
        if len({len(level) for level in self.anchors}) != 1 or len(self.anchors) != len(self.strides):
            raise ValueError(
                f'AnchorGridCodec: {len(self.strides)} strides, but anchors are {[len(a) for a in self.anchors]} per level'
            )

    @property
    def per_cell(self) -> int:
        """Anchors in a cell."""
        return len(self.anchors[0])

    def locations(self, height: int, width: int, stride: int, anchors: Tensor) -> Tensor:
        """Return the locations (A, height, width, 5) of one level, of the dtype and on the device of ``anchors``.

        Args:
            height: rows of the level's grid. May be symbolic while a graph is traced.
            width: columns.
            stride: pixels per cell.
            anchors: (A, 2) in pixels.
        """
        column = torch.arange(width, dtype=anchors.dtype, device=anchors.device)
        row = torch.arange(height, dtype=anchors.dtype, device=anchors.device)
        shape = (len(anchors), height, width)
        return torch.stack(
            [
                column.expand(shape),
                row[:, None].expand(shape),
                torch.full_like(row[:, None].expand(shape), float(stride)),
                anchors[:, 0, None, None].expand(shape),
                anchors[:, 1, None, None].expand(shape),
            ],
            -1,
        )

    def decode_boxes(self, raw: Tensor, locations: Tensor) -> Tensor:
        """Decode raw outputs (..., 4) at locations (..., 5) to boxes (..., 4) as (cx, cy, w, h) in pixels."""
        reach = 2 * raw.sigmoid()
        centres = (reach[..., :2] - 0.5 + locations[..., :2]) * locations[..., 2:3]
        return torch.cat([centres, reach[..., 2:] ** 2 * locations[..., 3:]], -1)

    def encode_boxes(self, boxes: Tensor, locations: Tensor) -> Tensor:
        """Invert :meth:`decode_boxes`; a box out of a location's reach becomes infinite or not a number."""
        centres = boxes[..., :2] / locations[..., 2:3] - locations[..., :2] + 0.5
        sizes = (boxes[..., 2:] / locations[..., 3:]).sqrt()
        return torch.logit(torch.cat([centres, sizes], -1) / 2)

    def decode_keypoints(self, raw: Tensor, locations: Tensor) -> Tensor:
        """Decode raw outputs (..., 2K) at locations (..., 5) to points (..., K, 2) in pixels."""
        cells = locations[..., :2] * locations[..., 2:3]
        return raw.unflatten(-1, (-1, 2)) * locations[..., None, 3:] + cells[..., None, :]

    def encode_keypoints(self, keypoints: Tensor, locations: Tensor) -> Tensor:
        """Invert :meth:`decode_keypoints`: points (..., K, 2) in pixels to raw outputs (..., 2K)."""
        cells = locations[..., :2] * locations[..., 2:3]
        return ((keypoints - cells[..., None, :]) / locations[..., None, 3:]).flatten(-2)
