"""Batches and loss terms of YOLOv8-Face's golden training runs."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from torch import Tensor
from torchvision.ops import box_convert

from faceresearch.structures import FaceDataSample

#: Our names of the original's terms.
_TERMS = {
    'box': 'loss_box',
    'keypoint': 'loss_keypoint',
    'visibility': 'loss_visibility',
    'cls': 'loss_cls',
    'dfl': 'loss_dfl',
}


def batch(meta: dict[str, Any], arrays: dict[str, np.ndarray], step: int) -> tuple[Tensor, list[FaceDataSample]]:
    """Rows of targets: step, image, cx, cy, w, h, has landmarks, five x y; lengths in fractions of the image."""
    shape = [int(n) for n in re.search(r'uniform\(0, 1, \(([\d,]+)\)\)', meta['input']).group(1).split(',')]
    rng = np.random.default_rng([zlib.crc32(meta['case'].encode()), meta['salt'], 1, step])
    inputs = torch.from_numpy(rng.uniform(0, 1, shape))
    scale = torch.tensor([shape[3], shape[2]], dtype=torch.float64)
    samples = []
    for image in range(shape[0]):
        rows = torch.from_numpy(arrays['targets'])
        rows = rows[(rows[:, 0] == step) & (rows[:, 1] == image)]
        sample = FaceDataSample()
        sample.gt_instances = InstanceData(
            bboxes=box_convert(rows[:, 2:6], 'cxcywh', 'xyxy') * scale.repeat(2),
            keypoints=rows[:, 7:].reshape(-1, 5, 2) * scale,
            keypoints_visible=(rows[:, 6:7] > 0).expand(-1, 5),
        )
        samples.append(sample)
    return inputs, samples


def terms(losses: dict[str, Tensor], images: int) -> dict[str, float]:
    """The original reports the weighted terms before it multiplies them by the number of images."""
    return {name: losses[ours].item() / images for name, ours in _TERMS.items()}
