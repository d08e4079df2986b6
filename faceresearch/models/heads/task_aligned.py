"""Which grid points answer for which face, by how well they already score and locate it (TOOD, YOLOv8)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from faceresearch.models.heads.regions import points_inside


def assign_task_aligned(
    scores: Tensor,
    boxes: Tensor,
    points: Tensor,
    gt_boxes: Tensor,
    overlap: Callable[[Tensor, Tensor], Tensor],
    topk: int = 10,
    alpha: float = 0.5,
    beta: float = 6.0,
    eps: float = 1e-9,
) -> tuple[Tensor, Tensor, Tensor]:
    """Assign grid points to faces by the alignment score^α · overlap^β.

    Of the points strictly inside a face's box, the ``topk`` best aligned are its positives; a point that several faces
    claim goes to the one its predicted box overlaps most. A positive's target score is its alignment as a fraction of
    the face's best, times the face's best overlap. A face without a point inside has no positive.
    Source: Feng et al., TOOD, ICCV 2021, section 3.2 and equation 6; no gradient flows.

    Shapes: P points, G faces.

    Args:
        scores: predicted probability of a face (P,).
        boxes: predicted boxes (P, 4) xyxy, in the units of ``points``.
        points: (P, 2).
        gt_boxes: (G, 4) xyxy.
        overlap: IoU, or a relative of it, of boxes (..., 4) and (..., 4), broadcast; negative values count as 0.
        topk: positives per face, at most.
        alpha: exponent of the score.
        beta: exponent of the overlap.
        eps: guards the division by a face's best alignment.

    Returns:
        Index of the face (P,) int64, whether the point is positive (P,) bool, and its target score (P,), 0 elsewhere.
    """
    face = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    if len(gt_boxes) == 0:
        return face, torch.zeros_like(face, dtype=torch.bool), torch.zeros_like(scores)
    inside = points_inside(points, gt_boxes)
    overlaps = overlap(gt_boxes[:, None], boxes[None]).clamp(min=0) * inside
    alignment = scores[None] ** alpha * overlaps**beta * inside
    # A face with fewer than topk points inside fills up with points outside: those are removed again.
    chosen = alignment.topk(min(topk, len(points)), dim=1).indices
    claimed = torch.zeros_like(inside).scatter_(1, chosen, True) & inside
    contested = claimed.sum(0) > 1
    winner = torch.zeros_like(claimed).scatter_(0, overlaps.argmax(0, keepdim=True), True)
    claimed = torch.where(contested[None], winner, claimed)

    alignment = alignment * claimed
    best_alignment = alignment.amax(1, keepdim=True)
    best_overlap = (overlaps * claimed).amax(1, keepdim=True)
    quality = (alignment * best_overlap / (best_alignment + eps)).amax(0)
    return claimed.int().argmax(0), claimed.any(0), quality
