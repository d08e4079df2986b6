"""RoIAlign in mmcv's calling convention, for ``faceresearch.compat.mmcv_ext``."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import roi_align

_MAX = 0


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Fill ``output`` with the mean or maximum of the bilinear samples in each bin (He et al., Mask R-CNN, ICCV 2017).

    Args:
        input: (N, C, H, W) feature map.
        rois: (R, 5): index into N, then xyxy in image pixels.
        output: (R, C, aligned_height, aligned_width), written in place.
        argmax_y: shaped like ``output`` when pooling the maximum; remembers which sample won. Empty otherwise.
        argmax_x: not used.
        aligned_height: bins per region, vertically.
        aligned_width: bins per region, horizontally.
        spatial_scale: feature-map pixels per image pixel.
        sampling_ratio: samples per bin and axis; 0 takes as many as the bin is wide in feature-map pixels.
        pool_mode: 0 maximum, 1 mean.
        aligned: shift by half a pixel, so that pixel centres and sampling points agree.
    """
    rois = rois.to(input.dtype)
    size = (aligned_height, aligned_width)
    if pool_mode != _MAX:
        output.copy_(roi_align(input, rois, size, spatial_scale, sampling_ratio, aligned))
        return
    for rows, grid in _sample_grids(rois, size, spatial_scale, sampling_ratio, aligned):
        samples = roi_align(input, rois[rows], _finer(size, grid), spatial_scale, 1, aligned)
        pooled, winner = F.max_pool2d(samples, grid, return_indices=True)
        output[rows] = pooled.to(output.dtype)
        argmax_y[rows] = winner.to(argmax_y.dtype)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Add to ``grad_input`` (N, C, H, W) what ``grad_output`` (R, C, aligned_height, aligned_width) sends back."""
    rois = rois.to(grad_input.dtype)
    size = (aligned_height, aligned_width)
    if pool_mode != _MAX:
        grad_input.add_(_mean_gradient(grad_output, rois, grad_input, size, spatial_scale, sampling_ratio, aligned))
        return
    for rows, grid in _sample_grids(rois, size, spatial_scale, sampling_ratio, aligned):
        fine = _finer(size, grid)
        winner = argmax_y[rows].long()
        spread = F.max_unpool2d(grad_output[rows], winner, grid, output_size=fine)
        grad_input.add_(_mean_gradient(spread, rois[rows], grad_input, fine, spatial_scale, 1, aligned))


def _mean_gradient(
    grad: Tensor, rois: Tensor, like: Tensor, size: tuple[int, int], scale: float, ratio: int, aligned: bool
) -> Tensor:
    # The mean is linear in the feature map, so its derivative may be taken at any map: zeros will do.
    with torch.enable_grad():
        anywhere = torch.zeros_like(like, requires_grad=True)
        pooled = roi_align(anywhere, rois, size, scale, ratio, aligned)
        return torch.autograd.grad(pooled, anywhere, grad.to(pooled.dtype))[0]


def _finer(size: tuple[int, int], grid: tuple[int, int]) -> tuple[int, int]:
    """Bins so small that each holds one sample: their means are the samples of the bins of ``size``."""
    return size[0] * grid[0], size[1] * grid[1]


def _sample_grids(
    rois: Tensor, size: tuple[int, int], scale: float, ratio: int, aligned: bool
) -> Iterator[tuple[Tensor, tuple[int, int]]]:
    """Yield the rows of the regions that share a grid of samples per bin, and that grid (rows, columns)."""
    if ratio > 0:
        yield torch.arange(len(rois), device=rois.device), (ratio, ratio)
        return
    sides = (rois[:, 3:5] - rois[:, 1:3]) * scale
    if not aligned:
        sides = sides.clamp(min=1)  # the older form gives every region at least one pixel
    grids = (sides.flip(1) / sides.new_tensor(size)).ceil().clamp(min=1).long()
    kinds, which = grids.unique(dim=0, return_inverse=True)
    for index, (rows, columns) in enumerate(kinds.tolist()):
        yield (which == index).nonzero().squeeze(1), (rows, columns)
