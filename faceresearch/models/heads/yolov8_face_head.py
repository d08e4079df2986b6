"""YOLOv8-Face's three branches: face or not, four distances as distributions, key points with visibility."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import box_convert

from faceresearch.codecs import DistanceCodec
from faceresearch.models.heads.dense import Decoded, DenseFaceHead, MapSizes
from faceresearch.models.heads.regions import points_inside
from faceresearch.models.heads.task_aligned import assign_task_aligned
from faceresearch.models.losses.dfl import expected_distance
from faceresearch.models.losses.iou import elementwise_iou
from faceresearch.models.losses.yolov8_face import GridOutputs, GridTargets
from faceresearch.models.precision import widened
from faceresearch.models.yolo_layers import Activation, Conv
from faceresearch.registry import MODELS, build_codec, build_module
from faceresearch.structures import FaceDataSample

#: Maps of box logits, face logits and key points, one per level each.
Maps = tuple[list[Tensor], list[Tensor], list[Tensor]]


@MODELS.register_module()
class YOLOv8FaceHead(DenseFaceHead):
    """Anchor-free: every cell of every level has a point, and the point a face score, a box and K key points.

    Source: shapes and formulas of derronqi/yolov8-face; distances as distributions: Li et al., Generalized Focal Loss,
    2020.

    Shapes: N images, P points over all levels, K key points, B bins.

    Args:
        in_channels: channels of each level.
        codec: grid points, distances and key-point offsets.
        loss: loss over assigned grid points, ``YOLOv8FaceLoss``.
        num_keypoints: K.
        bins: B; a side is at most B − 1 strides from its point.
        activation: ``silu`` or ``relu``.
        prior_probability: score of every point before training (Lin et al., Focal Loss, section 4.1).
        topk, alpha, beta: see :func:`assign_task_aligned`.
        score_thr, nms_iou, nms_offset, nms_pre, max_per_img: see :class:`DenseFaceHead`.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        codec: DistanceCodec | dict[str, Any],
        loss: nn.Module | dict[str, Any],
        num_keypoints: int = 5,
        bins: int = 16,
        activation: Activation = 'silu',
        prior_probability: float = 0.01,
        topk: int = 10,
        alpha: float = 0.5,
        beta: float = 6.0,
        score_thr: float = 0.01,
        nms_iou: float = 0.5,
        nms_offset: int = 0,
        nms_pre: int = 30000,
        max_per_img: int = 2048,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(score_thr, nms_iou, nms_offset, nms_pre, max_per_img, init_cfg)
        self.codec: DistanceCodec = build_codec(codec)
        if len(in_channels) != len(self.codec.strides):
            raise ValueError(
                f'YOLOv8FaceHead: {len(in_channels)} feature levels but the codec has {len(self.codec.strides)}'
            )
        self.loss_module = build_module(loss)
        self.num_keypoints = num_keypoints
        self.bins = bins
        self.prior_probability = prior_probability
        self.topk = topk
        self.alpha = alpha
        self.beta = beta
        finest = in_channels[0]
        widths = (max(16, finest // 4, bins * 4), finest, max(finest // 4, num_keypoints * 3))
        outputs = (bins * 4, 1, num_keypoints * 3)
        self.box, self.cls, self.keypoint = (
            nn.ModuleList(_branch(c, width, out, activation) for c in in_channels)
            for width, out in zip(widths, outputs)
        )
        # Constant, but published checkpoints carry it and count it.
        self.steps = nn.Parameter(torch.arange(bins, dtype=torch.float32).view(1, bins, 1, 1), requires_grad=False)
        self.output_names = ('predictions', *(f'map_{s}' for s in self.codec.strides), 'keypoints')

    def init_weights(self) -> None:
        """Start from few false alarms: every face score is ``prior_probability``."""
        super().init_weights()
        bias = -math.log(1 / self.prior_probability - 1)
        for name, parameter in self.cls.named_parameters():
            if name.endswith('.2.bias'):
                nn.init.constant_(parameter, bias)

    def forward(self, features: Sequence[Tensor]) -> Maps:
        """Return one map per level of box logits (N, 4B, h, w), face logits (N, 1, h, w), key points (N, 3K, h, w)."""
        # In the order of published ONNX files, which are imported in the order of computation.
        pairs = [(box(feature), cls(feature)) for box, cls, feature in zip(self.box, self.cls, features)]
        keypoints = [branch(feature) for branch, feature in zip(self.keypoint, features)]
        return [box for box, _ in pairs], [cls for _, cls in pairs], keypoints

    def tensor(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return what is exported.

        First the decoded predictions (N, 4 + 1 + 3K, P): box as centre and size, score, key points with visibility, in
        pixels of the network's input; then the maps (N, 4B + 1, h, w) of each level, and the key points
        (N, 3K, P), both as the convolutions gave them.
        """
        maps = self(features)
        logits, scores, keypoints = (widened(part) for part in self._join(maps))
        points = self._points(maps[0], logits)
        boxes = box_convert(self.decode_boxes(logits, points), 'xyxy', 'cxcywh')
        decoded = torch.cat([self.decode_keypoints(keypoints, points), keypoints[..., 2:].sigmoid()], -1)
        predictions = torch.cat([boxes, scores.sigmoid().unsqueeze(-1), decoded.flatten(2)], -1)
        levels = (torch.cat(pair, 1) for pair in zip(maps[0], maps[1]))
        return predictions.transpose(1, 2), *levels, keypoints.flatten(2).transpose(1, 2)

    def published_outputs(self, outputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Rearrange what :meth:`tensor` gives as published ONNX files do: one map (N, 4B + 1 + 3K, h, w) per level."""
        levels = outputs[1:-1]
        keypoints = outputs[-1].split([level.shape[-2] * level.shape[-1] for level in levels], -1)
        return tuple(
            torch.cat([level, part.unflatten(-1, level.shape[-2:])], 1) for level, part in zip(levels, keypoints)
        )

    def decode_boxes(self, logits: Tensor, points: Tensor) -> Tensor:
        """Decode box logits (..., P, 4, B) at points (P, 3) to boxes (..., P, 4) xyxy in pixels."""
        return self.codec.decode_boxes(expected_distance(logits, self.steps.flatten()), points)

    def decode_keypoints(self, keypoints: Tensor, points: Tensor) -> Tensor:
        """Decode raw key points (..., P, K, 3) at points (P, 3) to (..., P, K, 2) in pixels."""
        return self.codec.decode_keypoints(keypoints[..., :2].flatten(-2), points)

    def loss(
        self, features: Sequence[Tensor], samples: list[FaceDataSample], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Return the losses of a batch."""
        maps = self(features)
        # Never in half precision: a point's position needs more than eight bits.
        distances, scores, keypoints = (
            part.to(torch.promote_types(part.dtype, torch.float32)) for part in self._join(maps)
        )
        points = self._points(maps[0], distances)
        outputs = GridOutputs(
            distances,
            self.decode_boxes(distances, points),
            scores,
            self.decode_keypoints(keypoints, points),
            keypoints[..., 2],
        )
        targets = [
            self._targets(boxes, score, points, sample)
            for boxes, score, sample in zip(outputs.boxes.detach(), scores.detach().sigmoid(), samples)
        ]
        return self.loss_module(outputs, GridTargets(*map(torch.stack, zip(*targets))), points[:, 2])

    def _targets(self, boxes: Tensor, scores: Tensor, points: Tensor, sample: FaceDataSample) -> GridTargets:
        """Assign the points of one image; the result lacks the axis of images."""
        gt = sample.gt_instances
        gt_boxes = gt.bboxes.to(boxes)
        face, positive, quality = assign_task_aligned(
            scores, boxes, points[:, :2], gt_boxes, _complete_iou, self.topk, self.alpha, self.beta
        )
        ignored = torch.zeros_like(positive)
        if 'ignored_instances' in sample and len(sample.ignored_instances):
            ignored = points_inside(points[:, :2], sample.ignored_instances.bboxes.to(boxes)).any(0)
        of_points = boxes.new_zeros(len(points), 4)
        keypoints = boxes.new_zeros(len(points), self.num_keypoints, 2)
        visible = torch.zeros(keypoints.shape[:2], dtype=torch.bool, device=boxes.device)
        if len(gt_boxes):
            of_points = gt_boxes[face]
            if 'keypoints' in gt:
                keypoints, visible = gt.keypoints.to(boxes)[face], gt.keypoints_visible[face]
        distances = self.codec.encode_boxes(of_points, points)
        return GridTargets(positive, quality, ignored, of_points, distances, keypoints, visible)

    def rows(
        self, outputs: Sequence[Tensor], size: tuple[int, int], maps: MapSizes | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return scores (N, P) and the decoded predictions."""
        predictions = widened(outputs[0]).transpose(1, 2)
        return predictions[..., 4], (predictions,)

    def boxes_of(self, rows: Sequence[Tensor], size: tuple[int, int]) -> Decoded:
        """Take boxes, points and how likely each is visible out of predictions, in pixels of the network's input."""
        keypoints = rows[0][..., 5:].unflatten(-1, (self.num_keypoints, 3))
        return Decoded(box_convert(rows[0][..., :4], 'cxcywh', 'xyxy'), keypoints[..., :2], keypoints[..., 2])

    def _points(self, maps: Sequence[Tensor], like: Tensor) -> Tensor:
        """Return the grid points (P, 3) of one map per level."""
        return self.codec.points_of_maps([(m.shape[-2], m.shape[-1]) for m in maps]).to(like)

    def _join(self, maps: Maps) -> tuple[Tensor, Tensor, Tensor]:
        """Join the levels to (N, P, 4, B), (N, P) and (N, P, K, 3), points in the codec's order."""
        box, cls, keypoint = (torch.cat([m.flatten(2) for m in kind], 2).transpose(1, 2) for kind in maps)
        return box.unflatten(-1, (4, self.bins)), cls.squeeze(-1), keypoint.unflatten(-1, (self.num_keypoints, 3))


def _complete_iou(boxes: Tensor, others: Tensor) -> Tensor:
    # Whatever the box loss is: the original assigns by complete IoU also where it trains MPDIoU.
    return elementwise_iou(boxes, others, 'ciou')


def _branch(in_channels: int, width: int, out_channels: int, activation: Activation) -> nn.Sequential:
    return nn.Sequential(
        Conv(in_channels, width, 3, activation=activation),
        Conv(width, width, 3, activation=activation),
        nn.Conv2d(width, out_channels, 1),
    )
