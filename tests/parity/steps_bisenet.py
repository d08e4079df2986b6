"""Batches and loss terms of BiSeNet's golden training runs."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np
import torch
from mmengine.structures import PixelData
from torch import Tensor

from faceresearch.structures import FaceDataSample


def batch(meta: dict[str, Any], arrays: dict[str, np.ndarray], step: int) -> tuple[Tensor, list[FaceDataSample]]:
    """The text of ``input`` gives the shape of the images, and how the labels are drawn and enlarged."""
    shape = [int(n) for n in re.search(r'standard_normal\(\(([\d, ]+)\)\)', meta['input']).group(1).split(',')]
    found = re.search(r'integers\(0, (\d+), \(([\d,]+)\)\) repeated (\d+)x\d+', meta['input'])
    classes, cells, repeats = int(found.group(1)), [int(n) for n in found.group(2).split(',')], int(found.group(3))
    seed = [zlib.crc32(meta['case'].encode()), meta['salt']]
    images = np.random.default_rng([*seed, 1, step]).standard_normal(shape)
    labels = np.random.default_rng([*seed, 2, step]).integers(0, classes, cells).repeat(repeats, 1).repeat(repeats, 2)
    samples = [FaceDataSample(gt_sem_seg=PixelData(sem_seg=torch.from_numpy(mask)[None])) for mask in labels]
    return torch.from_numpy(images), samples


def terms(losses: dict[str, Tensor], images: int) -> dict[str, float]:
    """The original has one term, the total."""
    return {}
