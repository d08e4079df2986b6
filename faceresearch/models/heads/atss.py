"""Which anchors answer for which face: adaptive training sample selection."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import box_iou


def assign_atss(
    anchors: Tensor, counts: Sequence[int], boxes: Tensor, topk: int = 9, min_inside: float = 1e-3
) -> Tensor:
    """Assign anchors to faces.

    On each level the ``topk`` anchors whose centres are closest to a face's centre are its candidates; the face keeps
    those whose overlap with it reaches the mean plus the standard deviation of all its candidates', and whose centre lies
    inside it. An anchor that several faces want goes to the one it overlaps most.
    Source: Zhang et al., ATSS, CVPR 2020, algorithm 1; insightface detection/scrfd
    mmdet/core/bbox/assigners/atss_assigner.py, whose measure of inside is relative to the face.

    Args:
        anchors: (A, 4) xyxy in pixels, level after level.
        counts: anchors of each level.
        boxes: (G, 4) xyxy in pixels.
        topk: candidates per level.
        min_inside: smallest distance of the centre from the face's sides, as a fraction of the square root of its area.

    Returns:
        Index of the face (A,) int64, or −1.
    """
    assigned = anchors.new_full((len(anchors),), -1, dtype=torch.int64)
    if not len(boxes) or not len(anchors):
        return assigned
    overlaps = box_iou(anchors, boxes)
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    distances = torch.cdist(centres, (boxes[:, :2] + boxes[:, 2:]) / 2)
    picked, first = [], 0
    for count in counts:
        level = distances[first : first + count]
        picked.append(level.topk(min(topk, count), dim=0, largest=False).indices + first)
        first += count
    candidates = torch.cat(picked)  # (C, G)
    found = overlaps.gather(0, candidates)
    deviation = found.std(0) if len(found) > 1 else torch.zeros_like(found[0])
    good = found >= found.mean(0) + deviation

    sides = torch.cat([centres[candidates] - boxes[:, :2], boxes[:, 2:] - centres[candidates]], -1)  # (C, G, 4)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    good &= sides.amin(-1) / area.clamp(min=1e-9).sqrt() > min_inside

    wanted = torch.full_like(overlaps, -1)
    wanted.scatter_(0, candidates, torch.where(good, found, -1))
    best, face = wanted.max(1)
    return torch.where(best >= 0, face, assigned)
