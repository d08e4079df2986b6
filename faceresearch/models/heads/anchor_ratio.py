"""Which anchors of a grid answer for which face, by shape and by cell (YOLOv5-Face)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Matches(NamedTuple):
    """M pairs of a face and an anchor; each (M,) int64."""

    face: Tensor
    anchor: Tensor
    row: Tensor
    column: Tensor


def match_anchors(boxes: Tensor, anchors: Tensor, grid: tuple[int, int], max_ratio: float = 4.0) -> Matches:
    """Pair faces with the anchors of one level.

    An anchor shape fits a face if neither width nor height differs by ``max_ratio`` or more. It answers in the cell of
    the face's centre and in the two cells next to it on the nearer side, in x and in y, as far as the grid has them:
    all three can reach the centre. Source: Qi et al., YOLO5Face, 2021, and the YOLOv5 detector it builds on.

    Args:
        boxes: (G, 4) as (cx, cy, w, h), in cells.
        anchors: (A, 2) width and height, in cells.
        grid: rows and columns.
        max_ratio: factor by which the sides of face and anchor may differ, exclusive.

    Returns:
        The pairs: first those in the cells of the centres, then left, above, right and below of it; within each by
        anchor, then by face.
    """
    rows, columns = grid
    ratio = boxes[None, :, 2:] / anchors[:, None]
    anchor, face = (torch.maximum(ratio, 1 / ratio).amax(-1) < max_ratio).nonzero(as_tuple=True)
    x, y = boxes[face, 0], boxes[face, 1]
    own_column, own_row = (x.floor().long().clamp(0, columns - 1), y.floor().long().clamp(0, rows - 1))
    right_part, lower_part = x - own_column, y - own_row
    everywhere = torch.ones_like(face, dtype=torch.bool)
    neighbours = (
        (everywhere, 0, 0),
        ((right_part < 0.5) & (own_column > 0), 0, -1),
        ((lower_part < 0.5) & (own_row > 0), -1, 0),
        ((right_part > 0.5) & (own_column < columns - 1), 0, 1),
        ((lower_part > 0.5) & (own_row < rows - 1), 1, 0),
    )
    parts = [
        (face[taken], anchor[taken], own_row[taken] + down, own_column[taken] + right)
        for taken, down, right in neighbours
    ]
    return Matches(*(torch.cat(part) for part in zip(*parts)))
