"""Overlap of paired boxes and its descendants, as similarity and as loss: one implementation for all heads."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.registry import MODELS

IoUKind = Literal['iou', 'giou', 'diou', 'ciou', 'mpdiou']
KINDS = ('iou', 'giou', 'diou', 'ciou', 'mpdiou')


def elementwise_iou(
    boxes: Tensor, targets: Tensor, kind: IoUKind = 'iou', eps: float = 1e-7, diagonal: float | Tensor | None = None
) -> Tensor:
    """Return the similarity (...,) of each box with the target at the same place: at most 1, 1 when they are equal.

    ``giou`` (Rezatofighi et al., CVPR 2019, algorithm 1) subtracts the share of the enclosing box that neither covers;
    ``diou`` (Zheng et al., AAAI 2020, eq. 7) the squared distance of the centres over that of the enclosing box's
    corners; ``ciou`` (the same, eq. 8 to 11) also a difference of aspect ratios; ``mpdiou`` (Ma and Xu, 2023, eq. 1)
    the squared distances of both corners over the squared ``diagonal``.

    torchvision.ops has losses of the same names: its distance and complete IoU ignore ``eps`` in part, its aspect ratio
    of an empty box is not a number, and none gives the similarity that assigners need.

    Args:
        boxes: (..., 4) xyxy.
        targets: (..., 4) xyxy, in the same unit.
        kind: which of the family.
        eps: added to the heights and to the denominators; published implementations differ in it.
        diagonal: length of the image's diagonal in the unit of the boxes, for ``mpdiou``.

    Raises:
        ValueError: ``mpdiou`` without ``diagonal``.
    """
    upper, lower = torch.maximum(boxes[..., :2], targets[..., :2]), torch.minimum(boxes[..., 2:], targets[..., 2:])
    overlap = (lower - upper).clamp(min=0).prod(-1)
    # The original YOLO losses have eps in every height; without it, steps agree to 1e-8 only.
    guard = boxes.new_tensor([0.0, eps])
    sides, target_sides = boxes[..., 2:] - boxes[..., :2] + guard, targets[..., 2:] - targets[..., :2] + guard
    union = sides.prod(-1) + target_sides.prod(-1) - overlap + eps
    iou = overlap / union
    if kind == 'iou':
        return iou
    if kind == 'mpdiou':
        if diagonal is None:
            raise ValueError('elementwise_iou: mpdiou needs the diagonal of the image')
        return iou - (boxes - targets).square().sum(-1) / diagonal**2
    enclosing = torch.maximum(boxes[..., 2:], targets[..., 2:]) - torch.minimum(boxes[..., :2], targets[..., :2])
    if kind == 'giou':
        area = enclosing.prod(-1) + eps
        return iou - (area - union) / area
    centres = (boxes[..., :2] + boxes[..., 2:] - targets[..., :2] - targets[..., 2:]) / 2
    diou = iou - centres.square().sum(-1) / (enclosing.square().sum(-1) + eps)
    if kind == 'diou':
        return diou
    # The angle of (w, h) rather than the arc tangent of w / h: the same for w, h > 0, and defined at 0.
    angles = torch.atan2(target_sides[..., 0], target_sides[..., 1]) - torch.atan2(sides[..., 0], sides[..., 1])
    aspect = 4 / math.pi**2 * angles.square()
    with torch.no_grad():
        trade_off = aspect / (1 + eps - iou + aspect)
    return diou - trade_off * aspect


@MODELS.register_module()
class IoULoss(nn.Module):
    """One minus :func:`elementwise_iou`.

    Args:
        kind, eps: see :func:`elementwise_iou`.
        loss_weight: factor on the result.
    """

    def __init__(self, kind: IoUKind = 'ciou', eps: float = 1e-7, loss_weight: float = 1.0) -> None:
        super().__init__()
        if kind not in KINDS:
            raise UserError(f'IoULoss: unknown kind {kind!r}; use one of {", ".join(KINDS)}')
        self.kind = kind
        self.eps = eps
        self.loss_weight = loss_weight

    def similarity(self, boxes: Tensor, targets: Tensor, diagonal: float | Tensor | None = None) -> Tensor:
        """Return :func:`elementwise_iou` of this loss's kind."""
        return elementwise_iou(boxes, targets, self.kind, self.eps, diagonal)

    def forward(
        self,
        boxes: Tensor,
        targets: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        diagonal: float | Tensor | None = None,
    ) -> Tensor:
        """Return the loss, a scalar; 0 without boxes.

        Args:
            boxes: (P, 4) xyxy.
            targets: (P, 4) xyxy.
            weight: (P,).
            avg_factor: divisor of the sum; by default P.
            diagonal: see :func:`elementwise_iou`.
        """
        loss = 1 - self.similarity(boxes, targets, diagonal)
        if weight is not None:
            loss = loss * weight
        return self.loss_weight * loss.sum() / (max(len(loss), 1) if avg_factor is None else avg_factor)
