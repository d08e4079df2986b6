"""mmdet's detectors as plain modules that can be exported: YOLOv3's raw maps, Faster R-CNN's detections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import nms, roi_align

from faceresearch.errors import UserError

#: Both pad images to multiples of this, bottom and right, with zeros after normalisation.
DIVISOR = 32
_MAX_RATIO = abs(math.log(16 / 1000))


class YOLOv3Outputs(nn.Module):
    """mmdet's YOLOV3: images (N, 3, H, W), normalised, to its head's maps (N, 3·(5 + classes), h, w)."""

    batches: Sequence[int] = (1, 4)

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.output_names = tuple(f'pred_{stride}' for stride in model.bbox_head.featmap_strides)  # type: ignore[union-attr]

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """Return the maps from the coarsest stride to the finest."""
        return tuple(self.model(_padded(input), mode='tensor')[0])


class YOLOv3Anchors(nn.Module):
    """mmdet's YOLOV3 of one class: a box, a score and a rank for every anchor, before its NMS.

    Where objectness or class score stays below its threshold, the score is 0. Of the others mmdet takes the ``nms_pre`` best by
    class score alone, the rank, into the NMS, which goes by the product.
    Source: mmdet 3, dense_heads/yolo_head.py, coders/yolo_bbox_coder.py.

    Args:
        model: YOLOV3.

    Raises:
        UserError: it has several classes.
    """

    output_names = ('anchor_boxes', 'anchor_scores', 'anchor_ranks')

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model
        head: Any = model.bbox_head
        if head.num_classes != 1:
            raise UserError(f'--end2end: this YOLOV3 has {head.num_classes} classes; it is there for one, faces')
        self.settings: Any = head.test_cfg
        # x1, y1, x2, y2 of the anchors of a level's first cell.
        self.anchors = nn.ParameterList(
            nn.Parameter(base.clone(), requires_grad=False) for base in head.prior_generator.base_anchors
        )
        self.strides = [stride[0] for stride in head.prior_generator.strides]

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W) to boxes (N, P, 4) xyxy in their pixels, scores (N, P) and ranks (N, P)."""
        boxes, scores, ranks = [], [], []
        for raw, stride, base in zip(self.model(_padded(input), mode='tensor')[0], self.strides, self.anchors):
            rows, columns = raw.shape[-2:]
            flat = raw.permute(0, 2, 3, 1).reshape(raw.shape[0], -1, len(base), 6)
            y = torch.arange(rows, device=raw.device).to(raw.dtype) * stride
            x = torch.arange(columns, device=raw.device).to(raw.dtype) * stride
            corner = torch.stack([x.expand(rows, -1), y[:, None].expand(-1, columns)], -1).reshape(-1, 1, 2)
            middle = corner + (base[:, :2] + base[:, 2:]) / 2
            centre = middle + (flat[..., :2].sigmoid() - 0.5) * stride
            half = (base[:, 2:] - base[:, :2]) / 2 * flat[..., 2:4].exp()
            boxes.append(torch.cat([centre - half, centre + half], -1).flatten(1, 2))
            objectness, kind = flat[..., 4].sigmoid().flatten(1), flat[..., 5].sigmoid().flatten(1)
            found = (objectness >= self.settings.conf_thr) & (kind > self.settings.score_thr)
            scores.append(torch.where(found, objectness * kind, 0.0))
            ranks.append(kind)
        return torch.cat(boxes, 1), torch.cat(scores, 1), torch.cat(ranks, 1)


class FasterRCNNOutputs(nn.Module):
    """mmdet's FasterRCNN of one class, from an image to its detections: both suppressions are part of the graph.

    The raw outputs of the first stage are of no use without the second, which needs proposals; so this one model is
    exported whole. Lists have a fixed length, rows that are not used have score 0 and a box of zeros.
    Source: Ren et al., Faster R-CNN, NeurIPS 2015, in the form of mmdet 3 (rpn_head.py, standard_roi_head.py).

    Args:
        model: FasterRCNN with a feature pyramid, an RPN of sigmoid scores and a class-specific box head.
    """

    output_names = ('boxes', 'scores')
    outputs = 'detections'
    #: A list of proposals belongs to one image.
    batches: Sequence[int] = (1,)
    lists = True

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        model_: Any = model
        self.backbone, self.neck, self.rpn = model_.backbone, model_.neck, model_.rpn_head
        self.extractor, self.head = model_.roi_head.bbox_roi_extractor, model_.roi_head.bbox_head
        self.first, self.second = model_.test_cfg.rpn, model_.test_cfg.rcnn
        self.anchors = nn.ParameterList(
            nn.Parameter(base.clone(), requires_grad=False) for base in self.rpn.prior_generator.base_anchors
        )

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Map an image (1, 3, H, W) to boxes (D, 4), xyxy in its pixels, and scores (D,), by falling score."""
        height, width = input.shape[-2:]
        features = self.neck(self.backbone(_padded(input)))
        proposals = self._proposals(features, height, width)
        classes, deltas = self.head(self._pooled(features, proposals))
        scores = classes.softmax(-1)[:, 0]
        boxes = _decode(proposals, deltas, self.head.bbox_coder.stds, height, width)
        empty = proposals.sum(-1) == 0
        scores = torch.where(empty | (scores <= self.second.score_thr), 0.0, scores)
        # A box that scores nothing must not suppress another: it comes last.
        return _kept(boxes, scores, boxes, self.second.nms.iou_threshold, self.second.max_per_img)

    def _proposals(self, features: Sequence[Tensor], height: int, width: int) -> Tensor:
        boxes, scores, shifted = [], [], []
        for level, (logits, deltas) in enumerate(zip(*self.rpn(features))):
            rows, columns = logits.shape[-2:]
            stride = self.rpn.prior_generator.strides[level]
            y = torch.arange(rows, device=logits.device).to(logits.dtype) * stride[1]
            x = torch.arange(columns, device=logits.device).to(logits.dtype) * stride[0]
            corner = torch.stack([x.expand(rows, -1), y[:, None].expand(-1, columns)], -1).repeat(1, 1, 2)
            anchors = (corner.reshape(-1, 1, 4) + self.anchors[level]).reshape(-1, 4)
            score = logits.permute(0, 2, 3, 1).reshape(-1).sigmoid()
            delta = deltas.permute(0, 2, 3, 1).reshape(-1, 4)
            # So that there are always as many as are taken.
            spare = self.first.nms_pre
            score, chosen = F.pad(score, (0, spare)).topk(spare)
            box = _decode(
                F.pad(anchors, (0, 0, 0, spare))[chosen],
                F.pad(delta, (0, 0, 0, spare))[chosen],
                self.rpn.bbox_coder.stds,
                height,
                width,
            )
            sides = box[:, 2:] - box[:, :2]
            scores.append(torch.where((sides > self.first.min_bbox_size).all(-1), score, 0.0))
            boxes.append(box)
            # Levels do not suppress one another.
            shifted.append(box + level * (max(height, width) + 1))
        return _kept(
            torch.cat(boxes),
            torch.cat(scores),
            torch.cat(shifted),
            self.first.nms.iou_threshold,
            self.first.max_per_img,
        )[0]

    def _pooled(self, features: Sequence[Tensor], proposals: Tensor) -> Tensor:
        layers = self.extractor.roi_layers
        levels = self.extractor.map_roi_levels(F.pad(proposals, (1, 0)), len(layers))
        pooled = torch.zeros((), dtype=proposals.dtype, device=proposals.device)
        for i, layer in enumerate(layers):
            region = roi_align(
                features[i],
                F.pad(proposals, (1, 0)),
                layer.output_size,
                layer.spatial_scale,
                layer.sampling_ratio,
                layer.aligned,
            )
            pooled = torch.where((levels == i)[:, None, None, None], region, pooled)
        return pooled


def _padded(images: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % DIVISOR, 0, -height % DIVISOR))


def _decode(boxes: Tensor, deltas: Tensor, stds: Sequence[float], height: int, width: int) -> Tensor:
    """Move boxes (B, 4) xyxy by deltas (B, 4) and cut them at the image's borders."""
    deltas = deltas * deltas.new_tensor(stds)
    size = boxes[:, 2:] - boxes[:, :2]
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + size * deltas[:, :2]
    half = size * deltas[:, 2:].clamp(-_MAX_RATIO, _MAX_RATIO).exp() / 2
    low, high = centre - half, centre + half
    x = torch.stack([low[:, 0], high[:, 0]]).clamp(0, width)
    y = torch.stack([low[:, 1], high[:, 1]]).clamp(0, height)
    return torch.stack([x[0], y[0], x[1], y[1]], -1)


def _kept(boxes: Tensor, scores: Tensor, apart: Tensor, iou: float, count: int) -> tuple[Tensor, Tensor]:
    """Return the ``count`` best boxes and scores that survive suppression among ``apart``, padded with zeros."""
    keep = nms(apart, scores, iou)
    scores = F.pad(scores[keep], (0, count))[:count]
    boxes = F.pad(boxes[keep], (0, 0, 0, count))[:count]
    return torch.where(scores[:, None] > 0, boxes, 0.0), scores
