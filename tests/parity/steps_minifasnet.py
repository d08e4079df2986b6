"""Batches and loss terms of MiniFASNet's golden training runs."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from faceresearch.structures import FaceDataSample


def overrides(meta: dict[str, Any]) -> list[str]:
    """What is dropped at random is no case's."""
    assert 'dropout set to 0' in meta['notes']
    return ['model.dropout=0']


def batch(meta: dict[str, Any], arrays: dict[str, np.ndarray], step: int) -> tuple[Tensor, list[FaceDataSample]]:
    """The text of ``input`` says ranges and shapes of images, labels and Fourier targets."""
    high, shape = re.search(r'uniform\(0, (\d+), \(([\d,]+)\)\); labels', meta['input']).groups()
    classes, count = re.search(r'integers\(0, (\d+), (\d+)\)', meta['input']).groups()
    spectrum = re.search(r'uniform\(0, 1, \(([\d,]+)\)\)', meta['input']).group(1)
    seed = [zlib.crc32(meta['case'].encode()), meta['salt']]
    images = np.random.default_rng([*seed, 1, step]).uniform(0, int(high), [int(n) for n in shape.split(',')])
    labels = np.random.default_rng([*seed, 2, step]).integers(0, int(classes), int(count))
    targets = np.random.default_rng([*seed, 3, step]).uniform(0, 1, [int(n) for n in spectrum.split(',')])
    samples = [
        FaceDataSample(gt_attributes=BaseDataElement(spoof=torch.tensor(label), fourier=torch.from_numpy(target)))
        for label, target in zip(labels.tolist(), targets, strict=True)
    ]
    return torch.from_numpy(images), samples


def terms(losses: dict[str, Tensor], images: int) -> dict[str, float]:
    """The original reports the terms before weighting: total = (cls + ft) / 2."""
    return {'cls': losses['loss_spoof'].item() * 2, 'ft': losses['loss_fourier'].item() * 2}
