"""Non-maximum suppression in mmcv's calling convention, for ``faceresearch.compat.mmcv_ext``."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import nms as _torchvision_nms

_NAIVE, _LINEAR, _GAUSSIAN = 0, 1, 2


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Greedy suppression: a box goes when its IoU with a kept one is above the threshold.

    mmcv compares in the boxes' precision with a float32 threshold, so that an IoU of exactly 0.7 survives
    ``iou_threshold=0.7``; torchvision compares with a double. The threshold is rounded accordingly.

    Args:
        boxes: (N, 4) xyxy.
        scores: (N,).
        iou_threshold: IoU above which the lower-scored box is dropped.
        offset: 0, or 1 for the legacy convention in which a box from x1 to x2 is x2 − x1 + 1 wide.

    Returns:
        Indices of the kept boxes, best first.
    """
    threshold = float(np.float32(iou_threshold))
    if boxes.dtype in (torch.float16, torch.bfloat16):  # torchvision's CPU kernel has no half precision
        boxes, scores = boxes.float(), scores.float()
    if offset == 0:
        return _torchvision_nms(boxes, scores.to(boxes.dtype), threshold)
    return _nms_with_offset(boxes, scores, threshold, offset)


def _nms_with_offset(boxes: Tensor, scores: Tensor, threshold: float, offset: int) -> Tensor:
    # Growing x2 and y2 by one and calling torchvision would round differently: (x2 + 1) − x1 is not x2 − x1 + 1.
    order = scores.argsort(descending=True, stable=True)
    corners = boxes[order].detach().cpu().numpy()
    x1, y1, x2, y2 = corners.T
    areas = (x2 - x1 + offset) * (y2 - y1 + offset)
    rest = np.arange(len(corners))
    kept = []
    while rest.size:
        best, rest = rest[0], rest[1:]
        kept.append(best)
        rest = rest[_iou(corners, areas, best, rest, offset) <= corners.dtype.type(threshold)]
    return order[torch.as_tensor(np.array(kept, dtype=np.int64), device=order.device)]


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Soft suppression: overlap lowers a box's score instead of dropping it (Bodla et al., ICCV 2017).

    Args:
        boxes: (N, 4) xyxy, on the CPU.
        scores: (N,).
        dets: (N, 5) output: x1, y1, x2, y2 and decayed score of the kept boxes, best first; rows after them are not
            written.
        iou_threshold: IoU from which the naive and linear methods act.
        sigma: width of the Gaussian method, which acts at any IoU.
        min_score: a box whose score falls below it is dropped.
        method: 0 naive (weight 0), 1 linear (weight 1 − IoU), 2 Gaussian (weight exp(−IoU² / sigma)).
        offset: 0, or 1 for boxes that are x2 − x1 + 1 wide.

    Returns:
        Indices of the kept boxes, best first.
    """
    corners = boxes.detach().cpu().numpy()
    dtype = corners.dtype.type
    left = scores.detach().cpu().numpy().astype(dtype)  # a copy: the caller's scores stay as they are
    areas = (corners[:, 2] - corners[:, 0] + offset) * (corners[:, 3] - corners[:, 1] + offset)
    order = np.arange(len(corners))
    done = 0
    while done < len(order):
        best = done + int(left[order[done:]].argmax())
        order[[done, best]] = order[[best, done]]
        chosen, rest = order[done], order[done + 1 :]
        overlap = _iou(corners, areas, chosen, rest, offset)
        left[rest] *= _decay(overlap, dtype(iou_threshold), dtype(sigma), method)
        order = np.concatenate([order[: done + 1], _drop(rest, left[rest] < dtype(min_score))])
        done += 1
    dets[: len(order), :4] = torch.from_numpy(corners[order])
    dets[: len(order), 4] = torch.from_numpy(left[order])
    return torch.from_numpy(order)


def _iou(corners: np.ndarray, areas: np.ndarray, one: np.intp, others: np.ndarray, offset: int) -> np.ndarray:
    low = np.maximum(corners[one, :2], corners[others, :2])
    high = np.minimum(corners[one, 2:], corners[others, 2:])
    sides = np.maximum(high - low + offset, 0)
    inter = sides[:, 0] * sides[:, 1]
    with np.errstate(invalid='ignore', divide='ignore'):  # two boxes without area: NaN, which suppresses nothing
        return np.nan_to_num(inter / (areas[one] + areas[others] - inter), nan=0.0, posinf=np.inf)


def _decay(overlap: np.ndarray, threshold: np.floating, sigma: np.floating, method: int) -> np.ndarray:
    if method == _GAUSSIAN:
        return np.exp(-(overlap * overlap) / sigma)
    if method == _LINEAR:
        return np.where(overlap >= threshold, 1 - overlap, 1).astype(overlap.dtype)
    if method == _NAIVE:
        return np.where(overlap >= threshold, 0, 1).astype(overlap.dtype)
    raise ValueError(f'soft-nms method must be 0 (naive), 1 (linear) or 2 (gaussian), not {method}')


def _drop(rest: np.ndarray, weak: np.ndarray) -> np.ndarray:
    """Remove the weak entries as mmcv does: each hole is filled from the end, which decides ties later on."""
    kept, flags = rest.tolist(), weak.tolist()
    position = 0
    while position < len(kept):
        if flags[position]:
            kept[position], flags[position] = kept[-1], flags[-1]
            kept.pop()
            flags.pop()
        else:
            position += 1
    return np.array(kept, dtype=rest.dtype)
