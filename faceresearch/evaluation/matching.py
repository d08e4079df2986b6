"""Which detection is on which face."""

from __future__ import annotations

import numpy as np
import torch
from torchvision.ops import box_iou


def match_detections(
    boxes: np.ndarray, scores: np.ndarray, faces: np.ndarray, iou_thr: float = 0.5, score_thr: float = 0.0
) -> np.ndarray:
    """Match detections to faces one to one, the best score first, each to the free face it overlaps most.

    Args:
        boxes: (D, 4) xyxy, detections.
        scores: (D,).
        faces: (N, 4) xyxy.
        iou_thr: least overlap.
        score_thr: least score.

    Returns:
        (N,) the number of each face's detection, −1 where there is none.
    """
    owner = np.full(len(faces), -1)
    if not len(boxes) or not len(faces):
        return owner
    overlaps = box_overlaps(boxes, faces)
    candidates = (scores >= score_thr) & (overlaps.max(1) >= iou_thr)
    for detection in np.argsort(-scores, kind='stable'):
        if not candidates[detection]:
            continue
        free = np.where(owner < 0, overlaps[detection], -1)
        best = int(free.argmax())
        if free[best] >= iou_thr:
            owner[best] = detection
    return owner


def box_overlaps(boxes: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return the intersection over union (D, N) of boxes (D, 4) and (N, 4) xyxy, 0 where it is not defined."""
    overlaps = box_iou(torch.from_numpy(boxes.astype(np.float64)), torch.from_numpy(faces.astype(np.float64))).numpy()
    return np.where(np.isfinite(overlaps), overlaps, 0)
