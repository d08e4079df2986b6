"""YOLOv8-Face's loss over assigned grid points."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceresearch.registry import MODELS, build_module


class GridOutputs(NamedTuple):
    """What a head says at every grid point. Shapes: N images, P points, B bins, K key points; lengths in pixels.

    Attributes:
        distances: logits (N, P, 4, B) of the distances left, top, right, bottom, in strides.
        boxes: decoded (N, P, 4) xyxy.
        scores: face logits (N, P).
        keypoints: decoded (N, P, K, 2).
        visibility: logits (N, P, K).
    """

    distances: Tensor
    boxes: Tensor
    scores: Tensor
    keypoints: Tensor
    visibility: Tensor


class GridTargets(NamedTuple):
    """What it should say. Shapes as in :class:`GridOutputs`; where a point is not positive, only ``quality`` counts.

    Attributes:
        positive: (N, P) bool.
        quality: target score (N, P), 0 … 1.
        ignored: (N, P) bool: neither face nor background.
        boxes: of the point's face (N, P, 4) xyxy.
        distances: the same, encoded (N, P, 4), in strides.
        keypoints: (N, P, K, 2).
        visible: (N, P, K) bool.
    """

    positive: Tensor
    quality: Tensor
    ignored: Tensor
    boxes: Tensor
    distances: Tensor
    keypoints: Tensor
    visible: Tensor


@MODELS.register_module()
class YOLOv8FaceLoss(nn.Module):
    """Score, box, distribution, key points and their visibility.

    Score (binary cross entropy towards the quality), box and distribution are sums divided by the batch's sum of
    qualities; key points and visibility are means over the positives of an image, then over images. All are
    multiplied by the number of images: learning rates were published for that.
    Source: reference of derronqi/yolov8-face; its loss steps are reproduced (tests/parity).

    Args:
        box: loss of boxes in units of the stride, ``IoULoss``.
        distribution: loss of the distances' logits, ``DistributionFocalLoss``.
        keypoint: loss of key points in units of the stride, ``OKSKeypointLoss``.
        box_weight, distribution_weight, class_weight, keypoint_weight, visibility_weight: factors.
        mpd_side: side of the image whose diagonal MPDIoU divides by. The original has 640 *pixels*, whatever the image,
            beside boxes in strides, so the term is small.
        missing_is_invisible: a key point without annotation is one that is not visible, as in the original. If False,
            faces without any annotated key point do not train visibility: for data with boxes only.
    """

    def __init__(
        self,
        box: nn.Module | dict[str, Any],
        distribution: nn.Module | dict[str, Any],
        keypoint: nn.Module | dict[str, Any],
        box_weight: float = 7.5,
        distribution_weight: float = 1.5,
        class_weight: float = 0.5,
        keypoint_weight: float = 1.0,
        visibility_weight: float = 1.0,
        mpd_side: float = 640.0,
        missing_is_invisible: bool = True,
    ) -> None:
        super().__init__()
        self.box = build_module(box)
        self.distribution = build_module(distribution)
        self.keypoint = build_module(keypoint)
        self.box_weight = box_weight
        self.distribution_weight = distribution_weight
        self.class_weight = class_weight
        self.keypoint_weight = keypoint_weight
        self.visibility_weight = visibility_weight
        self.diagonal = mpd_side * math.sqrt(2)
        self.missing_is_invisible = missing_is_invisible

    def forward(self, outputs: GridOutputs, targets: GridTargets, strides: Tensor) -> dict[str, Tensor]:
        """Return ``loss_box``, ``loss_dfl``, ``loss_cls``, ``loss_keypoint`` and ``loss_visibility``, weighted.

        Args:
            outputs: of the head, in single precision at least.
            targets: what was assigned.
            strides: of the points (P,).
        """
        images = len(outputs.scores)
        positive, quality = targets.positive, targets.quality
        normaliser = quality.sum().clamp(min=1)
        counted = (~targets.ignored | positive).to(quality)
        scores = F.binary_cross_entropy_with_logits(outputs.scores, quality, counted, reduction='sum') / normaliser

        weight = quality[positive]
        stride = strides.expand_as(quality)[positive].unsqueeze(-1)
        box = self.box(
            outputs.boxes[positive] / stride, targets.boxes[positive] / stride, weight, normaliser, self.diagonal
        )
        per_side = self.distribution(outputs.distances[positive], targets.distances[positive])
        distribution = (per_side.mean(-1) * weight).sum() / normaliser
        keypoint, visibility = self._keypoints(outputs, targets, strides)
        return {
            'loss_box': self.box_weight * box * images,
            'loss_dfl': self.distribution_weight * distribution * images,
            'loss_cls': self.class_weight * scores * images,
            'loss_keypoint': self.keypoint_weight * keypoint,
            'loss_visibility': self.visibility_weight * visibility,
        }

    def _keypoints(self, outputs: GridOutputs, targets: GridTargets, strides: Tensor) -> tuple[Tensor, Tensor]:
        """Return the two losses, each the sum over images of the mean over an image's positives."""
        keypoint, visibility = [], []
        for image, positive in enumerate(targets.positive):
            stride = strides[positive]
            visible = targets.visible[image, positive]
            sides = (targets.boxes[image, positive][:, 2:] - targets.boxes[image, positive][:, :2]) / stride[:, None]
            unit = stride[:, None, None]
            keypoint.append(
                self.keypoint(
                    outputs.keypoints[image, positive] / unit,
                    targets.keypoints[image, positive] / unit,
                    visible,
                    sides.prod(-1),
                )
            )
            known = torch.ones_like(visible) if self.missing_is_invisible else visible.any(-1, keepdim=True) | visible
            errors = F.binary_cross_entropy_with_logits(
                outputs.visibility[image, positive], visible.to(sides), reduction='none'
            )
            visibility.append((errors * known).sum() / known.sum().clamp(min=1))
        return torch.stack(keypoint).sum(), torch.stack(visibility).sum()
