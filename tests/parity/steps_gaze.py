"""Batches and loss terms of the golden training runs of gaze."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from faceresearch.structures import FaceDataSample


def batch(meta: dict[str, Any], arrays: dict[str, np.ndarray], step: int) -> tuple[Tensor, list[FaceDataSample]]:
    """The text of ``input`` says the shape of the images and the range of the angles; the first output is the yaw."""
    shape = [int(n) for n in re.search(r'standard_normal\(\(([\d,]+)\)\)', meta['input']).group(1).split(',')]
    low, high, count = re.search(r'uniform\((-?\d+), (\d+), \((\d+),2\)\)', meta['input']).groups()
    seed = [zlib.crc32(meta['case'].encode()), meta['salt']]
    images = np.random.default_rng([*seed, 1, step]).standard_normal(shape)
    angles = np.random.default_rng([*seed, 2, step]).uniform(int(low), int(high), (int(count), 2))
    samples = [
        FaceDataSample(
            gt_attributes=BaseDataElement(
                yaw=torch.tensor(yaw, dtype=torch.float64), pitch=torch.tensor(pitch, dtype=torch.float64)
            )
        )
        for yaw, pitch in angles.tolist()
    ]
    return torch.from_numpy(images), samples


def terms(losses: dict[str, Tensor], images: int) -> dict[str, float]:
    """The original's terms of both outputs."""
    return {
        f'{order}_{term}': losses[f'loss_{name}_{ours}'].item()
        for order, name in (('first', 'yaw'), ('second', 'pitch'))
        for term, ours in (('ce', 'cls'), ('mse', 'reg'))
    }
