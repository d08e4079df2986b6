"""Looking at an image several times: at several sizes, and mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from mmengine.structures import InstanceData
from torch import Tensor
from torchvision.ops import box_iou

from faceresearch.errors import UserError
from faceresearch.registry import MODELS
from faceresearch.structures import FaceDataSample
from faceresearch.transforms.geometric import FIVE_POINT_FLIP

if TYPE_CHECKING:
    from faceresearch.models.detectors.single_stage import SingleStageDetector


@MODELS.register_module()
class MultiScaleFlip:
    """Detect at several image sizes and in the mirror, and let the detections vote on boxes.

    The test pipeline must leave images as they are (``resize='original'``). insightface's pyramid for RetinaFace has
    short sides of 500, 800, 1100, 1400 and 1700.

    Args:
        short_sides: lengths of the short side in pixels.
        max_long: no side becomes longer than this.
        flip: look at the mirror image too.
        vote_iou: detections that overlap by at least this are one.
        permutation: which point each point becomes in the mirror.

    Raises:
        UserError: an argument has no meaning.
    """

    def __init__(
        self,
        short_sides: Sequence[int] = (500, 800, 1100, 1400, 1700),
        max_long: int = 2150,
        flip: bool = True,
        vote_iou: float = 0.4,
        permutation: Sequence[int] = FIVE_POINT_FLIP,
    ) -> None:
        if not short_sides or min(*short_sides, max_long) < 32 or not 0 < vote_iou <= 1:
            raise UserError(
                f'MultiScaleFlip: short_sides={tuple(short_sides)}, max_long={max_long}, vote_iou={vote_iou}: sides are at'
                ' least 32, vote_iou is above 0 and at most 1'
            )
        self.short_sides = tuple(short_sides)
        self.max_long = max_long
        self.flip = flip
        self.vote_iou = vote_iou
        self.permutation = list(permutation)

    def predict(
        self, detector: SingleStageDetector, inputs: Tensor, samples: list[FaceDataSample]
    ) -> list[FaceDataSample]:
        """Add ``pred_instances`` to each sample, in pixels of the original image, by falling score.

        Args:
            detector: network and head.
            inputs: (N, 3, H, W), normalised, padded at the right and below.
            samples: their metainfo tells which part of the input is image.

        Raises:
            UserError: the pipeline padded the images.
        """
        for image, sample in zip(inputs, samples):
            if 'pad_offset' in sample.metainfo:
                raise UserError("MultiScaleFlip: the test pipeline pads images; use resize='original'")
            height, width = sample.metainfo.get('img_shape', image.shape[-2:])[:2]
            found: list[InstanceData] = []
            for size in self._sizes(height, width):
                resized = F.interpolate(
                    image[None, :, :height, :width], size=size, mode='bilinear', align_corners=False
                )
                found.append(_detect(detector, resized, sample, (height, width)))
                if self.flip:
                    mirrored = _detect(detector, resized.flip(-1), sample, (height, width))
                    original_width = width / sample.metainfo.get('scale_factor', (1.0, 1.0))[0]
                    found.append(_mirror(mirrored, original_width, self.permutation))
            sample.pred_instances = vote(InstanceData.cat(found), self.vote_iou)
        return samples

    def _sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        scales = [min(side / min(height, width), self.max_long / max(height, width)) for side in self.short_sides]
        sizes = [(max(1, round(height * scale)), max(1, round(width * scale))) for scale in scales]
        return list(dict.fromkeys(sizes))


def _detect(
    detector: SingleStageDetector, image: Tensor, sample: FaceDataSample, shape: tuple[int, int]
) -> InstanceData:
    """Detect in an image (1, 3, h, w) that was ``shape`` before it was resized."""
    height, width = image.shape[-2:]
    factor = sample.metainfo.get('scale_factor', (1.0, 1.0))
    copy = FaceDataSample(
        metainfo={
            'scale_factor': (factor[0] * width / shape[1], factor[1] * height / shape[0]),
            'img_shape': (height, width),
        }
    )
    divisor = getattr(detector.data_preprocessor, 'pad_size_divisor', 1)
    padded = F.pad(image, (0, -width % divisor, 0, -height % divisor))
    return detector.detect(padded, [copy])[0].pred_instances


def _mirror(found: InstanceData, width: float, permutation: list[int]) -> InstanceData:
    boxes = found.bboxes.clone()
    boxes[:, 0], boxes[:, 2] = width - found.bboxes[:, 2], width - found.bboxes[:, 0]
    found.bboxes = boxes
    if 'keypoints' in found:
        points = found.keypoints[:, permutation].clone()
        points[..., 0] = width - points[..., 0]
        found.keypoints = points
    if 'keypoint_scores' in found:
        found.keypoint_scores = found.keypoint_scores[:, permutation]
    return found


def vote(found: InstanceData, iou: float) -> InstanceData:
    """Merge detections that overlap the best one of their group, weighted by their scores.

    Source: Gidaris and Komodakis, ICCV 2015 (box voting), as the WIDER FACE entries since S3FD use it.

    Args:
        found: detections with ``bboxes`` (D, 4), ``scores`` (D,) and perhaps ``keypoints`` (D, K, 2) and ``keypoint_scores``
            (D, K).
        iou: detections that overlap the best one by at least this belong to it.

    Returns:
        One detection per group, with the group's best score, by falling score.
    """
    found = found[found.scores.argsort(descending=True, stable=True)]
    fields = [name for name in ('bboxes', 'keypoints', 'keypoint_scores') if name in found]
    left = torch.ones(len(found), dtype=torch.bool, device=found.scores.device)
    leaders: list[int] = []
    merged: dict[str, list[Tensor]] = {name: [] for name in fields}
    for i in range(len(found)):
        if not left[i]:
            continue
        group = left & (box_iou(found.bboxes[i : i + 1], found.bboxes)[0] >= iou)
        group[i] = True
        left &= ~group
        leaders.append(i)
        weights = found.scores[group] / found.scores[group].sum()
        for name in fields:
            merged[name].append(torch.tensordot(weights, found[name][group], 1))
    chosen = found[torch.tensor(leaders, dtype=torch.int64, device=found.scores.device)]
    for name in fields:
        if leaders:
            chosen[name] = torch.stack(merged[name])
    return chosen
