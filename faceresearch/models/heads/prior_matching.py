"""Which prior answers for which face (SSD's rule with RetinaFace's exceptions)."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import box_convert, box_iou


def match_priors(
    boxes: Tensor,
    priors: Tensor,
    positive_iou: float = 0.35,
    forced_iou: float = 0.2,
) -> tuple[Tensor, Tensor]:
    """Assign priors to faces.

    A prior belongs to the face it overlaps most, if by at least ``positive_iou``. Besides, the best prior of every
    face is positive whatever its overlap, unless that is below ``forced_iou``. As in the original, the best prior of
    such a face still takes it as its target if the prior is positive for another reason, and of several faces that
    claim one prior the last wins; an image in which no face reaches ``forced_iou`` is all background.
    Source: biubug6/Pytorch_Retinaface utils/box_utils.py ``match``.

    Args:
        boxes: (G, 4) xyxy, in fractions of the image.
        priors: (P, 4) as (cx, cy, w, h), in fractions of the image.
        positive_iou: overlap from which a prior is positive.
        forced_iou: smallest overlap with its best prior that a face must have to claim it.

    Returns:
        Index of the face (P,) int64, and whether the prior is positive (P,) bool.
    """
    if len(boxes) == 0:
        return priors.new_zeros(len(priors), dtype=torch.int64), priors.new_zeros(len(priors), dtype=torch.bool)
    overlaps = box_iou(boxes, box_convert(priors, 'cxcywh', 'xyxy'))
    best_overlap, best_prior = overlaps.max(1)
    claims = best_overlap >= forced_iou
    prior_overlap, face = overlaps.max(0)
    if not claims.any():
        return face, torch.zeros_like(face, dtype=torch.bool)
    prior_overlap = prior_overlap.index_fill(0, best_prior[claims], 2.0)
    order = torch.arange(len(boxes), device=boxes.device)
    face = face.scatter_reduce(0, best_prior, order, 'amax', include_self=False)
    return face, prior_overlap >= positive_iou
