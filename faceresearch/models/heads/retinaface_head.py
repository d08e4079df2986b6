"""RetinaFace's three heads: face or not, box, five landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from faceresearch.codecs import PriorBoxCodec
from faceresearch.models.heads.dense import Decoded, DenseFaceHead, MapSizes
from faceresearch.models.heads.prior_matching import match_priors
from faceresearch.models.heads.regions import covered_priors
from faceresearch.models.precision import widened
from faceresearch.registry import MODELS, build_codec, build_module
from faceresearch.structures import FaceDataSample

Outputs = tuple[Tensor, Tensor, Tensor]


@MODELS.register_module()
class RetinaFaceHead(DenseFaceHead):
    """1×1 convolutions that give two class logits, four box offsets and 2K landmark offsets for every prior.

    Source: Deng et al., RetinaFace, CVPR 2020; biubug6/Pytorch_Retinaface models/retinaface.py.

    Shapes: N images, P priors over all levels, K points.

    Args:
        in_channels: channels of each level.
        codec: prior boxes and offsets.
        loss: loss over matched priors.
        num_landmarks: K.
        positive_iou: overlap from which a prior is positive.
        forced_iou: smallest overlap for which a face claims its best prior.
        score_thr, nms_iou, nms_offset, nms_pre, max_per_img: see :class:`DenseFaceHead`.
        init_cfg: mmengine weight initialisation.
    """

    output_names = ('loc', 'conf', 'landmarks')

    def __init__(
        self,
        in_channels: Sequence[int],
        codec: PriorBoxCodec | dict[str, Any],
        loss: nn.Module | dict[str, Any],
        num_landmarks: int = 5,
        positive_iou: float = 0.35,
        forced_iou: float = 0.2,
        score_thr: float = 0.02,
        nms_iou: float = 0.4,
        nms_offset: int = 1,
        nms_pre: int = 0,
        max_per_img: int = 0,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(score_thr, nms_iou, nms_offset, nms_pre, max_per_img, init_cfg)
        self.codec: PriorBoxCodec = build_codec(codec)
        self.loss_module = build_module(loss)
        self.positive_iou = positive_iou
        self.forced_iou = forced_iou
        if len(in_channels) != len(self.codec.num_priors):
            raise ValueError(
                f'RetinaFaceHead: {len(in_channels)} feature levels but the codec has {len(self.codec.num_priors)}'
            )
        anchors = self.codec.num_priors
        self.box = nn.ModuleList(nn.Conv2d(c, a * 4, 1) for c, a in zip(in_channels, anchors))
        self.cls = nn.ModuleList(nn.Conv2d(c, a * 2, 1) for c, a in zip(in_channels, anchors))
        self.landmark = nn.ModuleList(nn.Conv2d(c, a * 2 * num_landmarks, 1) for c, a in zip(in_channels, anchors))
        self.num_landmarks = num_landmarks

    def forward(self, features: Sequence[Tensor]) -> Outputs:
        """Return box offsets (N, P, 4), class logits (N, P, 2), landmark offsets (N, P, 2K)."""
        return (
            _join(self.box, features, 4),
            _join(self.cls, features, 2),
            _join(self.landmark, features, 2 * self.num_landmarks),
        )

    def tensor(self, features: Sequence[Tensor]) -> Outputs:
        """Return what is exported: as :meth:`forward`, with class probabilities in place of logits."""
        boxes, logits, landmarks = self(features)
        return boxes, logits.softmax(-1), landmarks

    def loss(
        self, features: Sequence[Tensor], samples: list[FaceDataSample], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Return the losses of a batch whose images are ``size`` (h, w) large, padding included."""
        outputs = self(features)
        # Never in half precision: a prior's position needs more than eight bits.
        dtype = torch.promote_types(outputs[0].dtype, torch.float32)
        priors = self.codec.priors(size).to(device=outputs[0].device, dtype=dtype)
        targets = [self._targets(sample, priors, size) for sample in samples]
        labels, boxes, landmarks = (torch.stack(parts) for parts in zip(*targets))
        return self.loss_module(outputs, labels, boxes, landmarks)

    def _targets(self, sample: FaceDataSample, priors: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        gt = sample.gt_instances
        scale = priors.new_tensor([size[1], size[0]])
        boxes = gt.bboxes.to(priors) / scale.repeat(2)
        face, positive = match_priors(boxes, priors, self.positive_iou, self.forced_iou)
        labels = positive.long()
        if 'ignored_instances' in sample and len(sample.ignored_instances):
            ignored = covered_priors(sample.ignored_instances.bboxes.to(priors) / scale.repeat(2), priors)
            labels[ignored & ~positive] = -2
        box_targets = priors.new_zeros(len(priors), 4)
        landmark_targets = priors.new_zeros(len(priors), 2 * self.num_landmarks)
        if not positive.any():
            return labels, box_targets, landmark_targets
        face, matched = face[positive], priors[positive]
        box_targets[positive] = self.codec.encode_boxes(boxes[face], matched)
        visible = torch.zeros_like(face, dtype=torch.bool)
        if 'keypoints' in gt:
            visible = gt.keypoints_visible[face].any(-1)
            landmark_targets[positive] = self.codec.encode_keypoints(gt.keypoints.to(priors)[face] / scale, matched)
        labels[positive] = torch.where(visible, 1, -1)
        return labels, box_targets, landmark_targets

    def rows(
        self, outputs: Sequence[Tensor], size: tuple[int, int], maps: MapSizes | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return scores (N, P), and offsets of boxes and of landmarks with their priors."""
        boxes, scores, landmarks = (widened(output) for output in outputs)
        priors = (self.codec.priors(size) if maps is None else self.codec.priors_of_maps(size, maps)).to(boxes)
        return scores[..., 1], (boxes, landmarks, priors.expand(len(boxes), -1, -1))

    def boxes_of(self, rows: Sequence[Tensor], size: tuple[int, int]) -> Decoded:
        """Decode offsets, in pixels of the network's input."""
        deltas, offsets, priors = rows
        corners = self.codec.decode_boxes(deltas, priors).unflatten(-1, (2, 2))
        return Decoded(
            _in_pixels(corners, size).flatten(-2), _in_pixels(self.codec.decode_keypoints(offsets, priors), size)
        )


def _in_pixels(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn points (..., 2) in fractions of an image's sides into pixels; its ``size`` (h, w) may be symbolic."""
    return torch.stack([points[..., 0] * size[1], points[..., 1] * size[0]], -1)


def _join(convs: nn.ModuleList, features: Sequence[Tensor], width: int) -> Tensor:
    """Apply one convolution per level and join (N, A·width, H, W) maps to (N, P, width): level, row, column, prior."""
    maps = [
        conv(feature).permute(0, 2, 3, 1).reshape(feature.shape[0], -1, width) for conv, feature in zip(convs, features)
    ]
    return torch.cat(maps, 1)
