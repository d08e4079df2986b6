"""What the dense heads of all face detectors share: from decoded boxes to detections in the original image."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor

from faceresearch.models.heads.nms import select_detections
from faceresearch.structures import FaceDataSample, instance_data

#: Height and width of each level's feature map.
MapSizes = Sequence[tuple[int, int]]


class Decoded(NamedTuple):
    """Boxes (..., 4) xyxy, points (..., K, 2) and how sure it is that each can be seen (..., K), or None."""

    boxes: Tensor
    keypoints: Tensor | None = None
    keypoint_scores: Tensor | None = None


class DenseFaceHead(BaseModule):
    """Base of heads that score boxes all over an image.

    A subclass has ``output_names``, ``loss(features, samples, size)``, ``tensor(features)``, the raw outputs that are
    exported, ``rows(outputs, size)`` and ``boxes_of(rows, size)``, where ``size`` is the (h, w) of the network's input,
    padding included. Predictions are decoded from the raw outputs alone, wherever those were computed.

    Args:
        score_thr: detections must score above this.
        nms_iou: detections that overlap a better one by more than this are dropped.
        nms_offset: 1 measures boxes with x2 − x1 + 1 as width (py_cpu_nms and its descendants), 0 without the one.
        nms_pre: keep only this many best detections before NMS; 0 keeps all.
        max_per_img: keep only this many best detections after NMS; 0 keeps all.
        init_cfg: mmengine weight initialisation.
    """

    output_names: tuple[str, ...]

    def __init__(
        self,
        score_thr: float = 0.02,
        nms_iou: float = 0.45,
        nms_offset: int = 0,
        nms_pre: int = 0,
        max_per_img: int = 0,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.score_thr = score_thr
        self.nms_iou = nms_iou
        self.nms_offset = nms_offset
        self.nms_pre = nms_pre
        self.max_per_img = max_per_img

    @abstractmethod
    def rows(
        self, outputs: Sequence[Tensor], size: tuple[int, int], maps: MapSizes | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return scores (N, P) and what the boxes are decoded from, tensors (N, P, …) with a row for each score.

        Args:
            outputs: what ``tensor`` gives for images that are ``size`` (h, w) large.
            size: of the network's input, padding included.
            maps: sizes (h, w) of the feature maps, where they are symbolic; by default they follow from ``size``.
        """

    @abstractmethod
    def boxes_of(self, rows: Sequence[Tensor], size: tuple[int, int]) -> Decoded:
        """Decode rows (..., ·), all that :meth:`rows` gives or some of them, in pixels of the network's input."""

    def decode(
        self, outputs: Sequence[Tensor], samples: Sequence[FaceDataSample], size: tuple[int, int]
    ) -> Sequence[FaceDataSample]:
        """Add ``pred_instances`` to each sample, in pixels of the original image, by falling score.

        Args:
            outputs: what ``tensor`` gives for images that are ``size`` (h, w) large.
            samples: one for each image.
            size: of the network's input, padding included.
        """
        scores, rows = self.rows(outputs, size)
        for i, sample in enumerate(samples):
            keep = (scores[i] > self.score_thr).nonzero()[:, 0]  # once, not for every row
            found = self.boxes_of([row[i][keep] for row in rows], size)
            sample.pred_instances = self.detections(
                found.boxes, scores[i][keep], found.keypoints, sample, found.keypoint_scores
            )
        return samples

    def detections(
        self,
        boxes: Tensor,
        scores: Tensor,
        keypoints: Tensor | None,
        sample: FaceDataSample,
        keypoint_scores: Tensor | None = None,
    ) -> InstanceData:
        """Return detections in pixels of the original image, by falling score, after NMS.

        Args:
            boxes: (D, 4) xyxy, in pixels of the network's input.
            scores: (D,), all above ``score_thr``.
            keypoints: (D, K, 2), in pixels of the network's input, or None.
            sample: its metainfo tells how the image was resized (``scale_factor``) and shifted (``pad_offset``).
            keypoint_scores: (D, K): how sure the network is that a point can be seen, or None.
        """
        factor = tuple(sample.get('scale_factor', (1.0, 1.0)))
        offset = tuple(sample.get('pad_offset', (0.0, 0.0)))
        if factor != (1, 1) or offset != (0, 0):
            divisor, shift = boxes.new_tensor(factor), boxes.new_tensor(offset)
            boxes = (boxes - shift.repeat(2)) / divisor.repeat(2)
            keypoints = None if keypoints is None else (keypoints - shift) / divisor
        order = select_detections(boxes, scores, self.nms_iou, self.nms_offset, self.nms_pre, self.max_per_img)
        fields = {'bboxes': boxes[order], 'scores': scores[order], 'labels': torch.zeros_like(order)}
        if keypoints is not None:
            fields['keypoints'] = keypoints[order]
        if keypoint_scores is not None:
            fields['keypoint_scores'] = keypoint_scores[order]
        return instance_data(**fields)
