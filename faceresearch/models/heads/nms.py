"""Greedy non-maximum suppression with the conventions face detectors use."""

from __future__ import annotations

from torch import Tensor
from torchvision.ops import nms


def select_detections(
    boxes: Tensor,
    scores: Tensor,
    iou: float,
    offset: int = 0,
    pre: int = 0,
    limit: int = 0,
) -> Tensor:
    """Return indices of the detections that survive NMS, by falling score.

    Args:
        boxes: (D, 4) xyxy in pixels.
        scores: (D,).
        iou: a box that overlaps a better one by more than this is dropped.
        offset: 1 measures widths as x2 − x1 + 1 (py_cpu_nms and its descendants), 0 as x2 − x1.
        pre: use only this many best boxes; 0 uses all.
        limit: return at most this many; 0 returns all.
    """
    order = scores.argsort(descending=True, stable=True)
    if pre:
        order = order[:pre]
    boxes = boxes[order]
    if offset:
        boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    keep = order[nms(boxes, scores[order], iou)]
    return keep[:limit] if limit else keep
