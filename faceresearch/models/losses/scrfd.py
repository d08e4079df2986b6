"""SCRFD's loss over assigned anchors."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from faceresearch.models.losses.quality_focal import quality_focal_loss
from faceresearch.models.losses.reduce import mean_over_processes
from faceresearch.registry import MODELS, build_module


@MODELS.register_module()
class SCRFDLoss(nn.Module):
    """Quality focal loss on scores, DIoU loss on boxes, smooth L1 on key points.

    The class loss is divided by the number of positive anchors; box and key-point losses are averages weighted by the
    score that each anchor gives at the time. Numbers are averages over processes.
    Source: Guo et al., SCRFD, ICLR 2022; insightface detection/scrfd mmdet/models/dense_heads/scrfd_head.py.

    Shapes: A anchors of all images of the batch, B positive ones, K points.

    Args:
        class_weight: weight of the class loss.
        box_weight: weight of the box loss.
        landmark_weight: weight of the key-point loss.
        beta: exponent of the quality focal loss.
        landmark_beta: where the key-point loss turns from quadratic to linear, in strides.
        box: box loss; DIoU by default.
    """

    def __init__(
        self,
        class_weight: float = 1.0,
        box_weight: float = 2.0,
        landmark_weight: float = 0.1,
        beta: float = 2.0,
        landmark_beta: float = 1 / 9,
        box: nn.Module | dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.box = build_module(box or {'type': 'IoULoss', 'kind': 'diou'})
        self.class_weight = class_weight
        self.box_weight = box_weight
        self.landmark_weight = landmark_weight
        self.beta = beta
        self.landmark_beta = landmark_beta

    def forward(
        self,
        logits: Tensor,
        quality: Tensor,
        counted: Tensor,
        scores: Tensor,
        boxes: Tensor,
        box_targets: Tensor,
        landmarks: Tensor | None,
        landmark_targets: Tensor | None,
        with_landmarks: Tensor,
    ) -> dict[str, Tensor]:
        """Return ``loss_cls``, ``loss_box`` and, with key points, ``loss_landmark``, weighted.

        Args:
            logits: (A,) of all anchors.
            quality: (A,) overlap of each positive anchor's box with its face; 0 for background.
            counted: (A,) bool: not in an ignored region.
            scores: (B,) of the positive anchors, without gradient.
            boxes: (B, 4) xyxy predicted, in strides.
            box_targets: (B, 4) xyxy, in strides.
            landmarks: (B, 2K) predicted offsets, in strides, or None.
            landmark_targets: (B, 2K).
            with_landmarks: (B,) bool.
        """
        positive = mean_over_processes(scores.new_tensor(float(len(scores))))
        total = mean_over_processes(scores.sum(), at_least=1e-6)
        class_loss = (quality_focal_loss(logits, quality, self.beta) * counted).sum()
        losses = {'loss_cls': self.class_weight * class_loss / positive}
        losses['loss_box'] = self.box_weight * self.box(boxes, box_targets, scores, total)
        if landmarks is not None and landmark_targets is not None:
            difference = F.smooth_l1_loss(landmarks, landmark_targets, reduction='none', beta=self.landmark_beta)
            weighted = difference * (scores * with_landmarks)[:, None]
            losses['loss_landmark'] = self.landmark_weight * weighted.sum() / total
        return losses
