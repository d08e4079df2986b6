"""RetinaFace's multi-task loss over matched priors."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from faceresearch.registry import MODELS


@MODELS.register_module()
class MultiBoxLoss(nn.Module):
    """Classification with hard negatives, box and landmark regression (Deng et al., RetinaFace, eq. 1).

    Source: biubug6/Pytorch_Retinaface layers/modules/multibox_loss.py. Box and class losses are divided by the number
    of positive priors of the batch, the landmark loss by the number of those that have landmarks.

    Shapes: N images, P priors, K points.

    Args:
        negative_ratio: hard negatives per positive, within each image.
        box_weight: weight of the box loss.
        class_weight: weight of the class loss.
        landmark_weight: weight of the landmark loss.
    """

    def __init__(
        self,
        negative_ratio: int = 7,
        box_weight: float = 2.0,
        class_weight: float = 1.0,
        landmark_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.negative_ratio = negative_ratio
        self.box_weight = box_weight
        self.class_weight = class_weight
        self.landmark_weight = landmark_weight

    def forward(
        self,
        outputs: tuple[Tensor, Tensor, Tensor],
        labels: Tensor,
        box_targets: Tensor,
        landmark_targets: Tensor,
    ) -> dict[str, Tensor]:
        """Return ``loss_box``, ``loss_cls`` and ``loss_landmark``, weighted.

        Args:
            outputs: box offsets (N, P, 4), class logits (N, P, 2), landmark offsets (N, P, 2K).
            labels: (N, P): 1 face, −1 face without landmarks, 0 background, −2 neither (ignored).
            box_targets: (N, P, 4) encoded.
            landmark_targets: (N, P, 2K) encoded.
        """
        boxes, logits, landmarks = (output.float() if output.dtype.itemsize < 4 else output for output in outputs)
        with_landmarks = labels == 1
        positive = with_landmarks | (labels == -1)
        box_loss = F.smooth_l1_loss(boxes[positive], box_targets[positive], reduction='sum')
        landmark_loss = F.smooth_l1_loss(landmarks[with_landmarks], landmark_targets[with_landmarks], reduction='sum')
        class_loss = F.cross_entropy(logits.flatten(0, 1), positive.long().flatten(), reduction='none')
        class_loss = class_loss.view_as(labels)
        selected = positive | self._hard_negatives(class_loss.detach(), positive, labels == -2)
        count = positive.sum().clamp(min=1)
        return {
            'loss_box': self.box_weight * box_loss / count,
            'loss_cls': self.class_weight * class_loss[selected].sum() / count,
            'loss_landmark': self.landmark_weight * landmark_loss / with_landmarks.sum().clamp(min=1),
        }

    def _hard_negatives(self, class_loss: Tensor, positive: Tensor, ignored: Tensor) -> Tensor:
        """Mark (N, P) the negatives with the largest loss, ``negative_ratio`` per positive of the image."""
        # Positives sort behind every real negative (their loss counts as 0), as in the original; ignored priors last.
        ranked = class_loss.masked_fill(positive, 0).masked_fill(ignored, -1)
        rank = ranked.argsort(1, descending=True).argsort(1)
        wanted = (self.negative_ratio * positive.sum(1, keepdim=True)).clamp(max=positive.shape[1] - 1)
        return (rank < wanted) & ~ignored
