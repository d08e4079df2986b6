"""YOLOv5-Face's head: box, objectness, five landmarks and class at three anchors per cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import box_convert

from faceresearch.codecs import AnchorGridCodec
from faceresearch.models.heads.anchor_ratio import match_anchors
from faceresearch.models.heads.dense import Decoded, DenseFaceHead, MapSizes
from faceresearch.models.heads.regions import cells_inside
from faceresearch.models.losses.iou import IoULoss
from faceresearch.models.losses.wing import WingLoss
from faceresearch.registry import MODELS, build_codec, build_module
from faceresearch.structures import FaceDataSample

#: Probability of a face that an untrained network gives (Lin et al., Focal loss, 2017, section 4.1).
_PRIOR = 0.01
#: With one class there is nothing to tell apart, and the class output is not trained.
_CLASS_PRIOR = 0.98


class _Faces(NamedTuple):
    """The G faces of a batch, in pixels."""

    image: Tensor
    boxes: Tensor
    keypoints: Tensor
    visible: Tensor


@MODELS.register_module()
class YOLOv5FaceHead(DenseFaceHead):
    """A 1×1 convolution per level; for every anchor x, y, w, h, objectness, K points, class.

    A detection's score is the product of objectness and class probability. Source: Qi et al., YOLO5Face, 2021,
    section 3 (head, loss of eq. 4); outputs and loss values of deepcam-cn/yolov5-face.

    The anchors are a buffer, in cells: as in the original they are part of the weights, and converting or loading a
    checkpoint brings its own.

    Shapes: N images, L levels, A anchors per cell, P anchors over all levels, K points.

    Args:
        in_channels: channels of each level.
        codec: anchors and decoding.
        box_loss: loss of the boxes in cells, mean over the pairs of each level; its similarity is the objectness wanted.
        landmark_loss: loss of the points in cells, mean over the visible coordinates of each level.
        objectness_weight: weight of the objectness loss.
        level_weights: weight of the objectness of each level.
        batch_scaled: multiply all losses by the number of images, as the original, whose learning rate counts on it.
        max_ratio: see :func:`match_anchors`.
        num_landmarks: K.
        score_thr, nms_iou, nms_offset, nms_pre, max_per_img: see :class:`DenseFaceHead`.
        init_cfg: mmengine weight initialisation.
    """

    anchors: Tensor
    box_loss: Any

    def __init__(
        self,
        in_channels: Sequence[int],
        codec: AnchorGridCodec | dict[str, Any],
        box_loss: IoULoss | dict[str, Any],
        landmark_loss: WingLoss | dict[str, Any],
        objectness_weight: float = 1.0,
        level_weights: Sequence[float] = (4.0, 1.0, 0.4),
        batch_scaled: bool = True,
        max_ratio: float = 4.0,
        num_landmarks: int = 5,
        score_thr: float = 0.02,
        nms_iou: float = 0.5,
        nms_offset: int = 0,
        nms_pre: int = 0,
        max_per_img: int = 0,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(score_thr, nms_iou, nms_offset, nms_pre, max_per_img, init_cfg)
        self.codec: AnchorGridCodec = build_codec(codec)
        self.box_loss = build_module(box_loss)
        self.landmark_loss = build_module(landmark_loss)
        levels = len(self.codec.strides)
        if len(in_channels) != levels or len(level_weights) != levels:
            raise ValueError(
                f'YOLOv5FaceHead: {len(in_channels)} feature levels and {len(level_weights)} level_weights,'
                f' but the codec has {levels}'
            )
        self.objectness_weight = objectness_weight
        self.level_weights = tuple(level_weights)
        self.batch_scaled = batch_scaled
        self.max_ratio = max_ratio
        self.width = 2 * num_landmarks + 6
        self.output_names = ('output', *(f'raw_{stride}' for stride in self.codec.strides))
        strides = torch.tensor(self.codec.strides)[:, None, None]
        self.register_buffer('anchors', torch.tensor(self.codec.anchors) / strides)
        self.convs = nn.ModuleList(nn.Conv2d(c, self.codec.per_cell * self.width, 1) for c in in_channels)
        for conv in self.convs:
            self._initialise(conv)

    def _initialise(self, conv: Any) -> None:
        with torch.no_grad():
            bias, weight = (t.unflatten(0, (-1, self.width)) for t in (conv.bias, conv.weight))
            bias[:, 4] = math.log(_PRIOR / (1 - _PRIOR))
            bias[:, -1] = math.log(_CLASS_PRIOR / (1 - _CLASS_PRIOR))
            weight[:, -1] = 0

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return the raw outputs of each level, (N, A, H, W, 2K + 6)."""
        return [
            conv(x).unflatten(1, (self.codec.per_cell, self.width)).permute(0, 1, 3, 4, 2)
            for conv, x in zip(self.convs, features)
        ]

    def tensor(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return what is exported: decoded predictions (N, P, 2K + 6), then the raw outputs of each level.

        A row of the predictions is cx, cy, w, h in pixels, objectness, x and y of each point in pixels, class.
        """
        raw = self(features)
        decoded = [self._decode_level(level, i).flatten(1, 3) for i, level in enumerate(raw)]
        return torch.cat(decoded, 1), *raw

    def _decode_level(self, raw: Tensor, level: int) -> Tensor:
        stride = self.codec.strides[level]
        # Never in half precision: a position in a large image needs more than eleven bits.
        raw = raw.float() if raw.dtype.itemsize < 4 else raw
        anchors = self.anchors[level].to(raw.dtype) * stride
        locations = self.codec.locations(raw.shape[2], raw.shape[3], stride, anchors)
        return torch.cat(
            [
                self.codec.decode_boxes(raw[..., :4], locations),
                raw[..., 4:5].sigmoid(),
                self.codec.decode_keypoints(raw[..., 5:-1], locations).flatten(-2),
                raw[..., -1:].sigmoid(),
            ],
            -1,
        )

    def loss(
        self, features: Sequence[Tensor], samples: list[FaceDataSample], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Return the losses of a batch whose images are ``size`` (h, w) large, padding included."""
        outputs = [raw.float() if raw.dtype.itemsize < 4 else raw for raw in self(features)]
        faces = self._faces(samples, outputs[0])
        per_level = [self._level_loss(raw, level, faces, samples) for level, raw in enumerate(outputs)]
        factor = len(samples) if self.batch_scaled else 1
        names = ('loss_box', 'loss_objectness', 'loss_landmark')
        return {name: torch.stack(terms).sum() * factor for name, terms in zip(names, zip(*per_level))}

    def _faces(self, samples: list[FaceDataSample], like: Tensor) -> _Faces:
        points = (self.width - 6) // 2
        parts: list[tuple[Tensor, ...]] = []
        for i, sample in enumerate(samples):
            gt = sample.gt_instances
            boxes = box_convert(gt.bboxes.to(like), 'xyxy', 'cxcywh')
            if 'keypoints' in gt:
                keypoints, visible = gt.keypoints.to(like), gt.keypoints_visible.to(like.device)
            else:
                keypoints = like.new_zeros(len(boxes), points, 2)
                visible = like.new_zeros(len(boxes), points, dtype=torch.bool)
            parts.append((torch.full((len(boxes),), i, device=like.device), boxes, keypoints, visible))
        return _Faces(*(torch.cat(part) for part in zip(*parts)))

    def _level_loss(
        self, raw: Tensor, level: int, faces: _Faces, samples: list[FaceDataSample]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return box, objectness and landmark loss of one level; all in cells."""
        stride, grid = self.codec.strides[level], (raw.shape[2], raw.shape[3])
        anchors = self.anchors[level].to(raw.dtype)
        boxes = faces.boxes / stride
        face, anchor, row, column = match_anchors(boxes, anchors, grid, self.max_ratio)
        found = raw[faces.image[face], anchor, row, column]
        cells = torch.stack([column, row, torch.ones_like(row)], -1)
        locations = torch.cat([cells.to(anchors), anchors[anchor]], -1)
        predicted = box_convert(self.codec.decode_boxes(found[:, :4], locations), 'cxcywh', 'xyxy')
        wanted = box_convert(boxes[face], 'cxcywh', 'xyxy')
        overlap = self.box_loss.similarity(predicted, wanted).detach().clamp(min=0)
        objectness = _spread(overlap, (faces.image[face], anchor, row, column), raw.shape[:4])
        keypoints = self.codec.decode_keypoints(found[:, 5:-1], locations)
        return (
            self.box_loss(predicted, wanted),
            self.objectness_weight
            * self.level_weights[level]
            * _objectness_loss(raw[..., 4], objectness, samples, stride),
            self.landmark_loss(keypoints, faces.keypoints[face] / stride, faces.visible[face]),
        )

    def rows(
        self, outputs: Sequence[Tensor], size: tuple[int, int], maps: MapSizes | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return scores (N, P) and the decoded predictions."""
        return outputs[0][..., 4] * outputs[0][..., -1], (outputs[0],)

    def boxes_of(self, rows: Sequence[Tensor], size: tuple[int, int]) -> Decoded:
        """Take boxes and points out of decoded predictions, in pixels of the network's input."""
        return Decoded(box_convert(rows[0][..., :4], 'cxcywh', 'xyxy'), rows[0][..., 5:-1].unflatten(-1, (-1, 2)))


def _spread(values: Tensor, index: tuple[Tensor, ...], shape: Sequence[int]) -> Tensor:
    """Return zeros of ``shape`` with values (M,) at the places of ``index``; of several at one place the last.

    Assignment by index has no such order on a GPU.
    """
    place = torch.zeros_like(index[0])
    for axis, length in zip(index, shape):
        place = place * length + axis
    order = torch.arange(len(values), device=values.device)
    last = torch.full((math.prod(shape),), -1, device=values.device).scatter_reduce(0, place, order, 'amax')
    result = values.new_zeros(math.prod(shape))
    result[last >= 0] = values[last[last >= 0]]
    return result.view(*shape)


def _objectness_loss(logits: Tensor, wanted: Tensor, samples: list[FaceDataSample], stride: int) -> Tensor:
    """Return the mean binary cross entropy over (N, A, H, W), leaving out cells in regions that are ignored."""
    loss = F.binary_cross_entropy_with_logits(logits, wanted, reduction='none')
    if not any('ignored_instances' in sample and len(sample.ignored_instances) for sample in samples):
        return loss.mean()
    counted = torch.ones_like(loss, dtype=torch.bool)
    for i, sample in enumerate(samples):
        if 'ignored_instances' in sample and len(sample.ignored_instances):
            regions = sample.ignored_instances.bboxes.to(loss) / stride
            counted[i] = ~cells_inside(regions, (loss.shape[2], loss.shape[3])) | (wanted[i] > 0)
    return loss[counted].sum() / counted.sum().clamp(min=1)
