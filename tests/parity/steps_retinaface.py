"""Batches and loss terms of RetinaFace's golden training runs."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from torch import Tensor

from faceresearch.structures import FaceDataSample


def batch(meta: dict[str, Any], arrays: dict[str, np.ndarray], step: int) -> tuple[Tensor, list[FaceDataSample]]:
    inputs = _inputs(meta, step)
    return inputs, _targets(arrays, step, inputs.shape)


def terms(losses: dict[str, Tensor], images: int) -> dict[str, float]:
    """The original reports the terms before weighting: total = 2 box + cls + landmark."""
    return {
        'box': losses['loss_box'].item() / 2,
        'cls': losses['loss_cls'].item(),
        'landmark': losses['loss_landmark'].item(),
    }


def _inputs(meta: dict[str, Any], step: int) -> torch.Tensor:
    shape, factor = re.search(r'standard_normal\(\(([\d, ]+)\)\) \* (\d+)', meta['input']).groups()
    rng = np.random.default_rng([zlib.crc32(meta['case'].encode()), meta['salt'], 1, step])
    return torch.from_numpy(rng.standard_normal([int(n) for n in shape.split(',')]) * float(factor))


def _targets(arrays: dict[str, np.ndarray], step: int, shape: torch.Size) -> list[FaceDataSample]:
    samples = []
    scale = torch.tensor([shape[3], shape[2]], dtype=torch.float64)
    for image in range(step * shape[0], (step + 1) * shape[0]):
        first, last = arrays['target_offsets'][image : image + 2]
        rows = torch.from_numpy(arrays['targets'][first:last]).double()
        sample = FaceDataSample()
        sample.gt_instances = InstanceData(
            bboxes=rows[:, :4] * scale.repeat(2),
            keypoints=rows[:, 4:14].reshape(-1, 5, 2) * scale,
            keypoints_visible=(rows[:, 14:] > 0).expand(-1, 5),
        )
        samples.append(sample)
    return samples
