"""The YOLO family's average of weights."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from faceresearch.registry import MODELS


def test_memory_grows_with_time() -> None:
    model = nn.Linear(1, 1, bias=False)
    average = MODELS.build({'type': 'ExpMomentumEMA', 'momentum': 1e-4, 'gamma': 2000, 'model': model})
    expected = 0.0
    for step, value in enumerate((1.0, 3.0, -2.0)):
        nn.init.constant_(model.weight, value)
        average.update_parameters(model)
        kept = 0.9999 * (1 - math.exp(-(step + 1) / 2000)) if step else 0.0
        expected = kept * expected + (1 - kept) * value
    assert average.module.weight.item() == pytest.approx(expected, rel=1e-6)


def test_in_the_long_run_a_step_counts_for_momentum() -> None:
    model = nn.Linear(1, 1, bias=False)
    average = MODELS.build({'type': 'ExpMomentumEMA', 'momentum': 0.25, 'gamma': 1, 'model': model})
    average.steps = torch.tensor(1000)
    nn.init.constant_(model.weight, 8.0)
    nn.init.constant_(average.module.weight, 0.0)
    average.update_parameters(model)
    assert average.module.weight.item() == pytest.approx(2.0)
