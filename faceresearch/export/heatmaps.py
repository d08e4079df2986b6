"""From heatmaps to points, in torch: what mmpose's MSRAHeatmap codec does in numpy, as part of a graph."""

from __future__ import annotations

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor


def decode_heatmaps(heatmaps: Tensor, kernel: int | None = None) -> tuple[Tensor, Tensor]:
    """Return the place of each heatmap's maximum, refined below a pixel, and its height.

    Args:
        heatmaps: (N, K, H, W).
        kernel: side of the Gaussian with which heatmaps are blurred before a Taylor step (Zhang et al., CVPR 2020, eq. 6
            to 9); None moves a quarter of a pixel towards the higher neighbour instead.

    Returns:
        Points (N, K, 2), x and y in pixels of the heatmap, −1 where nothing is above 0, and scores (N, K).
    """
    height, width = heatmaps.shape[-2:]
    scores, index = heatmaps.flatten(2).max(-1)
    x, y = index % width, index // width
    found = scores > 0
    points = torch.where(found[..., None], torch.stack([x, y], -1).to(heatmaps.dtype), -1.0)
    if kernel is None:
        step = _quarter(heatmaps, index)
        inside = torch.stack([(x > 1) & (x < width - 1) & (y > 0), (y > 1) & (y < height - 1) & (x > 0)], -1)
    else:
        step = _taylor(_blurred(heatmaps, kernel).clamp(min=1e-10).log(), index)
        inside = ((x > 1) & (x < width - 2) & (y > 1) & (y < height - 2))[..., None]
    return points + torch.where(inside & found[..., None], step, 0.0), scores


def _at(maps: Tensor, index: Tensor, dx: int, dy: int) -> Tensor:
    """Values (N, K) of maps (N, K, H, W) at ``dx``, ``dy`` from a flat index (N, K); meaningless beyond the border."""
    place = (index + dy * maps.shape[-1] + dx).clamp(0, maps.shape[-2] * maps.shape[-1] - 1)
    return maps.flatten(2).gather(-1, place[..., None])[..., 0]


def _quarter(maps: Tensor, index: Tensor) -> Tensor:
    dx = _at(maps, index, 1, 0) - _at(maps, index, -1, 0)
    dy = _at(maps, index, 0, 1) - _at(maps, index, 0, -1)
    return 0.25 * torch.stack([dx, dy], -1).sign()


def _taylor(maps: Tensor, index: Tensor) -> Tensor:
    """Return −H⁻¹·g at the index; 0 where H is singular."""
    centre = _at(maps, index, 0, 0)
    dx = (_at(maps, index, 1, 0) - _at(maps, index, -1, 0)) / 2
    dy = (_at(maps, index, 0, 1) - _at(maps, index, 0, -1)) / 2
    dxx = (_at(maps, index, 2, 0) - 2 * centre + _at(maps, index, -2, 0)) / 4
    dyy = (_at(maps, index, 0, 2) - 2 * centre + _at(maps, index, 0, -2)) / 4
    dxy = (_at(maps, index, 1, 1) - _at(maps, index, 1, -1) - _at(maps, index, -1, 1) + _at(maps, index, -1, -1)) / 4
    determinant = dxx * dyy - dxy * dxy
    regular = determinant != 0
    step = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], -1)
    return torch.where(regular[..., None], step / torch.where(regular, determinant, 1.0)[..., None], 0.0)


def _blurred(heatmaps: Tensor, kernel: int) -> Tensor:
    """Blur with zeros around, and restore each map's maximum."""
    count, points, height, width = heatmaps.shape
    weights = torch.from_numpy(cv2.getGaussianKernel(kernel, 0)[:, 0]).to(heatmaps)
    maps = heatmaps.reshape(count * points, 1, height, width)
    maps = F.conv2d(maps, weights.view(1, 1, 1, -1), padding=(0, kernel // 2))
    maps = F.conv2d(maps, weights.view(1, 1, -1, 1), padding=(kernel // 2, 0))
    maps = maps.reshape(heatmaps.shape)
    return maps * (heatmaps.amax((-2, -1), keepdim=True) / maps.amax((-2, -1), keepdim=True))
