"""SCRFD's head: a score, four distances and five points for every anchor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from faceresearch.codecs import DistanceCodec
from faceresearch.models.heads.atss import assign_atss
from faceresearch.models.heads.dense import Decoded, DenseFaceHead, MapSizes
from faceresearch.models.heads.regions import covered_priors
from faceresearch.models.layers import Scale
from faceresearch.models.losses.iou import elementwise_iou
from faceresearch.models.precision import widened
from faceresearch.registry import MODELS, build_codec, build_module
from faceresearch.structures import FaceDataSample

Norm = Literal['BN', 'GN']


@MODELS.register_module()
class SCRFDHead(DenseFaceHead):
    """A tower of convolutions, then scores, distances to the four sides and key-point offsets for every anchor.

    Anchors are square and have all a cell's points in common; they matter for the assignment only.
    Source: Guo et al., SCRFD, ICLR 2022; insightface detection/scrfd mmdet/models/dense_heads/scrfd_head.py.

    Shapes: N images, A anchors of a level, K points.

    Args:
        in_channels: channels of each level.
        codec: anchor points; ``per_cell`` is the number of anchors per cell.
        loss: loss over assigned anchors.
        anchor_sizes: sides of the anchors of each level in pixels.
        feat_channels: channels of the tower.
        stacked_convs: convolutions of the tower.
        depthwise: depthwise separable convolutions in the tower.
        norm: batch norm or group norm.
        num_groups: groups of group norm.
        share: one tower and one set of outputs for all levels.
        scale: a learnt factor on the distances of each level.
        num_landmarks: K; 0 predicts none.
        topk: anchors per level that the assignment considers for a face.
        score_thr, nms_iou, nms_offset, nms_pre, max_per_img: see :class:`DenseFaceHead`.
        init_cfg: mmengine weight initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        codec: DistanceCodec | dict[str, Any],
        loss: nn.Module | dict[str, Any],
        anchor_sizes: Sequence[Sequence[int]] = ((16, 32), (64, 128), (256, 512)),
        feat_channels: int = 64,
        stacked_convs: int = 2,
        depthwise: bool = True,
        norm: Norm = 'BN',
        num_groups: int = 16,
        share: bool = False,
        scale: bool = False,
        num_landmarks: int = 5,
        topk: int = 9,
        score_thr: float = 0.02,
        nms_iou: float = 0.45,
        nms_offset: int = 0,
        nms_pre: int = 0,
        max_per_img: int = 0,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(score_thr, nms_iou, nms_offset, nms_pre, max_per_img, init_cfg)
        self.codec: DistanceCodec = build_codec(codec)
        self.loss_module = build_module(loss)
        self.anchor_sizes = tuple(tuple(sizes) for sizes in anchor_sizes)
        self.num_landmarks, self.topk = num_landmarks, topk
        if not len(in_channels) == len(self.anchor_sizes) == len(self.codec.strides):
            raise ValueError(
                f'SCRFDHead: {len(in_channels)} feature levels, {len(self.anchor_sizes)} lists of anchor_sizes and'
                f' {len(self.codec.strides)} strides; all must be the same number'
            )
        if any(len(sizes) != self.codec.per_cell for sizes in self.anchor_sizes):
            raise ValueError(f'SCRFDHead: anchor_sizes {self.anchor_sizes} do not have {self.codec.per_cell} per cell')
        if share and len(set(in_channels)) > 1:
            raise ValueError(f'SCRFDHead: share=True needs levels of equal width, not {tuple(in_channels)}')
        widths = in_channels[:1] if share else in_channels
        anchors, width = self.codec.per_cell, feat_channels
        self.towers = nn.ModuleList(_tower(c, width, stacked_convs, depthwise, norm, num_groups) for c in widths)
        self.cls = nn.ModuleList(nn.Conv2d(width, anchors, 3, padding=1) for _ in widths)
        self.box = nn.ModuleList(nn.Conv2d(width, anchors * 4, 3, padding=1) for _ in widths)
        points = 2 * num_landmarks * anchors
        self.landmark = nn.ModuleList(nn.Conv2d(width, points, 3, padding=1) for _ in widths if points)
        self.scales = nn.ModuleList(Scale() if scale else nn.Identity() for _ in in_channels)

    @property
    def output_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """``score_8``, …, ``bbox_8``, …, ``kps_8``, …, as insightface's tools name them."""
        kinds = ('score', 'bbox', 'kps') if self.num_landmarks else ('score', 'bbox')
        return tuple(f'{kind}_{stride}' for kind in kinds for stride in self.codec.strides)

    def init_weights(self) -> None:
        """Draw convolutions with deviation 0.01 and let every anchor start as background (score 0.01)."""
        super().init_weights()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for conv in self.cls:
            nn.init.constant_(conv.bias, -4.595)  # type: ignore[arg-type]

    def forward(self, features: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Return per level: logits (N, A, 1), distances (N, A, 4), offsets (N, A, 2K); the last list may be empty."""
        logits, distances, offsets = [], [], []
        for i, feature in enumerate(features):
            part = min(i, len(self.towers) - 1)
            feature = self.towers[part](feature)
            logits.append(_rows(self.cls[part](feature), 1))
            distances.append(_rows(self.scales[i](self.box[part](feature)), 4))
            if self.num_landmarks:
                offsets.append(_rows(self.landmark[part](feature), 2 * self.num_landmarks))
        return logits, distances, offsets

    def tensor(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return what is exported: scores in 0…1, distances and offsets, in strides, level after level."""
        logits, distances, offsets = self(features)
        return (*(widened(level).sigmoid() for level in logits), *distances, *offsets)

    def loss(
        self, features: Sequence[Tensor], samples: list[FaceDataSample], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Return the losses of a batch whose images are ``size`` (h, w) large, padding included."""
        outputs = [torch.cat(levels, 1) if levels else None for levels in self(features)]
        # Never in half precision: overlaps and positions need more than eight bits.
        logits, distances, offsets = (
            None if o is None else o.to(torch.promote_types(o.dtype, torch.float32)) for o in outputs
        )
        assert logits is not None and distances is not None
        logits = logits.squeeze(-1)
        points = self.codec.points(size).to(logits)
        anchors = self._anchors(points, size)
        quality, counted = torch.zeros_like(logits), torch.ones_like(logits, dtype=torch.bool)
        parts: list[tuple[Tensor, ...]] = []
        for i, sample in enumerate(samples):
            face = assign_atss(anchors, self.codec.counts(size), sample.gt_instances.bboxes.to(logits), self.topk)
            counted[i] = ~self._ignored(sample, anchors) | (face >= 0)
            positive = face >= 0
            at, face = points[positive], face[positive]
            boxes, targets = self._box_pair(distances[i][positive], sample, face, at)
            quality[i, positive] = elementwise_iou(boxes.detach(), targets).clamp(0, 1)
            parts.append((logits[i][positive].sigmoid().detach(), boxes, targets, *self._landmarks(sample, face, at)))
            parts[-1] += (offsets[i][positive],) if offsets is not None else ()
        scores, boxes, targets, landmark_targets, visible, *rest = (torch.cat(part) for part in zip(*parts))
        return self.loss_module(
            logits.flatten(),
            quality.flatten(),
            counted.flatten(),
            scores,
            boxes,
            targets,
            rest[0] if rest else None,
            landmark_targets if rest else None,
            visible,
        )

    def _box_pair(
        self, distances: Tensor, sample: FaceDataSample, face: Tensor, points: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return predicted and true boxes (B, 4) of positive anchors, in strides."""
        strides = points[:, 2:]
        predicted = self.codec.decode_boxes(distances, points) / strides
        return predicted, sample.gt_instances.bboxes.to(points)[face] / strides

    def _landmarks(self, sample: FaceDataSample, face: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return offsets (B, 2K) to the true key points of positive anchors, and which of them have any (B,)."""
        gt = sample.gt_instances
        if not self.num_landmarks or 'keypoints' not in gt:
            return points.new_zeros(len(face), 2 * self.num_landmarks), points.new_zeros(len(face), dtype=torch.bool)
        visible = gt.keypoints_visible.to(points.device)[face].any(-1)
        targets = self.codec.encode_keypoints(gt.keypoints.to(points)[face], points)
        # What a face without points holds in their place may be anything.
        return torch.where(visible[:, None], targets, 0), visible

    def _anchors(self, points: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the anchors (A, 4) xyxy in pixels."""
        cells = [count // self.codec.per_cell for count in self.codec.counts(size)]
        sides = [points.new_tensor(sizes).repeat(n) for sizes, n in zip(self.anchor_sizes, cells)]
        half = torch.cat(sides)[:, None] / 2
        return torch.cat([points[:, :2] - half, points[:, :2] + half], 1)

    @staticmethod
    def _ignored(sample: FaceDataSample, anchors: Tensor) -> Tensor:
        """Mark (A,) anchors in ignored regions. (The original trains on them as background.)"""
        if 'ignored_instances' not in sample:
            return torch.zeros(len(anchors), dtype=torch.bool, device=anchors.device)
        centres, sizes = (anchors[:, :2] + anchors[:, 2:]) / 2, anchors[:, 2:] - anchors[:, :2]
        return covered_priors(sample.ignored_instances.bboxes.to(anchors), torch.cat([centres, sizes], 1))

    def rows(
        self, outputs: Sequence[Tensor], size: tuple[int, int], maps: MapSizes | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return scores (N, A), and distances, offsets of points if there are any, and anchor points."""
        levels = len(self.codec.strides)
        joined = [widened(torch.cat(list(outputs[i : i + levels]), 1)) for i in range(0, len(outputs), levels)]
        scores = joined[0].squeeze(-1)
        points = (self.codec.points(size) if maps is None else self.codec.points_of_maps(maps)).to(scores)
        return scores, (*joined[1:], points.expand(len(scores), -1, -1))

    def boxes_of(self, rows: Sequence[Tensor], size: tuple[int, int]) -> Decoded:
        """Decode distances and offsets, in pixels of the network's input."""
        distances, *offsets, points = rows
        keypoints = self.codec.decode_keypoints(offsets[0], points) if offsets else None
        return Decoded(self.codec.decode_boxes(distances, points), keypoints)


def _rows(x: Tensor, width: int) -> Tensor:
    """Turn a map (N, A·width, H, W) into (N, H·W·A, width): row, column, anchor."""
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, width)


def _tower(in_channels: int, channels: int, depth: int, depthwise: bool, norm: Norm, groups: int) -> nn.Sequential:
    blocks = []
    for i in range(depth):
        width = channels if i else in_channels
        parts = [(width, width, 3, width), (width, channels, 1, 1)] if depthwise else [(width, channels, 3, 1)]
        blocks.append(nn.Sequential(*(m for part in parts for m in _conv_norm_relu(*part, norm, groups))))
    return nn.Sequential(*blocks)


def _conv_norm_relu(
    in_channels: int, out_channels: int, kernel: int, conv_groups: int, norm: Norm, groups: int
) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, groups=conv_groups, bias=False)
    if norm == 'BN':
        return conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)
    return conv, nn.GroupNorm(groups, out_channels), nn.ReLU(inplace=True)
