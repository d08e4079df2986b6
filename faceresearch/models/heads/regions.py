"""What lies in which box: places in ignored regions are neither faces nor background."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import box_convert


def covered_priors(regions: Tensor, priors: Tensor, min_share: float = 0.5) -> Tensor:
    """Mark (P,) the priors that lie by at least ``min_share`` of their area in one of ``regions`` (R, 4) xyxy."""
    if len(regions) == 0:
        return priors.new_zeros(len(priors), dtype=torch.bool)
    corners = box_convert(priors, 'cxcywh', 'xyxy')
    top_left = torch.maximum(corners[:, None, :2], regions[None, :, :2])
    bottom_right = torch.minimum(corners[:, None, 2:], regions[None, :, 2:])
    inside = (bottom_right - top_left).clamp(min=0).prod(-1)
    return (inside / priors[:, None, 2:].prod(-1) >= min_share).any(1)


def points_inside(points: Tensor, boxes: Tensor, margin: float = 1e-9) -> Tensor:
    """Mark (G, P) the points (P, 2) that lie strictly inside each of ``boxes`` (G, 4) xyxy."""
    from_corner = points[None] - boxes[:, None, :2]
    to_corner = boxes[:, None, 2:] - points[None]
    return torch.cat([from_corner, to_corner], -1).amin(-1) > margin


def cells_inside(regions: Tensor, grid: tuple[int, int]) -> Tensor:
    """Mark (rows, columns) the cells whose middle lies in one of ``regions`` (R, 4) xyxy, in cells."""
    y, x = (torch.arange(n, device=regions.device, dtype=regions.dtype) + 0.5 for n in grid)
    middles = torch.stack(torch.meshgrid(x, y, indexing='xy'), -1).reshape(-1, 2)
    return points_inside(middles, regions).any(0).reshape(grid)
