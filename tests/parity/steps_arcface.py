"""Batches and loss terms of the golden training runs of arcface_torch's networks."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np
import torch
from mmengine.structures import LabelData
from torch import Tensor, nn

from faceresearch.structures import FaceDataSample
from tests.parity.golden import fill

#: What the original's names of the network's tensors begin with, and its name of the class centres.
PREFIX = 'net.'
EXTRA = {'W': 'head.centres'}


def overrides(meta: dict[str, Any]) -> list[str]:
    return [f'model.head.num_classes={_centres_shape(meta)[0]}']


def prepare(model: nn.Module, meta: dict[str, Any]) -> None:
    centres: Any = model.head.centres
    centres.data.copy_(torch.from_numpy(fill('centres', _centres_shape(meta), meta['salt'], 1.0)))


def batch(meta: dict[str, Any], arrays: dict[str, np.ndarray], step: int) -> tuple[Tensor, list[FaceDataSample]]:
    """The text of ``input`` says the range and shape of the images, and the labels."""
    low, high, shape = re.search(r'uniform\((-?\d+), (\d+), \(([\d,]+)\)\)', meta['input']).groups()
    classes, count = re.search(r'integers\(0, (\d+), (\d+)\)', meta['input']).groups()
    seed = [zlib.crc32(meta['case'].encode()), meta['salt']]
    images = np.random.default_rng([*seed, 1, step]).uniform(int(low), int(high), [int(n) for n in shape.split(',')])
    labels = np.random.default_rng([*seed, 2, step]).integers(0, int(classes), int(count))
    samples = [FaceDataSample(gt_identity=LabelData(label=torch.tensor([label]))) for label in labels.tolist()]
    return torch.from_numpy(images), samples


def terms(losses: dict[str, Tensor], images: int) -> dict[str, float]:
    """The original has one term, the total."""
    return {}


def _centres_shape(meta: dict[str, Any]) -> tuple[int, int]:
    classes, size = re.search(r"fill\('centres', \((\d+), (\d+)\)", meta['notes']).groups()
    return int(classes), int(size)
