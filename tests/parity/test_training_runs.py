"""Our training steps equal the originals': losses, gradients and weights, step for step."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.config import load_config
from faceresearch.registry import MODELS
from faceresearch.structures import FaceDataSample
from faceresearch.zoo.converters import CONVERTERS, convert, find_converter
from tests.parity.families import config_of
from tests.parity.golden import case_files, load_case, original_state

LOSS_TOLERANCE = 1e-8
NORM_TOLERANCE = 1e-6


@pytest.mark.parametrize('path', case_files('training'), ids=lambda path: path.stem)
def test_training_run_equals_the_original(path: Path, repo_root: Path) -> None:
    meta, arrays = load_case(path)
    config = load_config(repo_root / config_of(meta['case']))
    model = MODELS.build(config.model)
    state = original_state(meta, arrays)
    converted, report = convert(state, model.state_dict(), find_converter(state, CONVERTERS))
    model.load_state_dict(converted, strict=True)
    model.double().train()
    _run_steps(model, meta, arrays, report.mapped)

    tensors = model.state_dict()
    for original, ours in report.mapped.items():
        _assert_sum_and_norm(tensors[ours], meta['final_state'][original], f'final {original}')


def _run_steps(
    model: torch.nn.Module, meta: dict[str, Any], arrays: dict[str, np.ndarray], names: dict[str, str]
) -> None:
    optimizer = _optimizer(meta['optimizer'], model)
    parameters = dict(model.named_parameters())
    for step, expected in enumerate(meta['steps']):
        inputs = _inputs(meta, step)
        losses = model(inputs, _retinaface_targets(arrays, step, inputs.shape), mode='loss')
        total = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        total.backward()
        # The original reports the terms before weighting: total = 2 box + cls + landmark.
        ours = {
            'box': losses['loss_box'].item() / 2,
            'cls': losses['loss_cls'].item(),
            'landmark': losses['loss_landmark'].item(),
            'total': total.item(),
        }
        assert ours == pytest.approx(expected, rel=LOSS_TOLERANCE), f'step {step}'
        if step == 0:
            for original, figures in meta['gradients_step0'].items():
                _assert_sum_and_norm(parameters[names[original]].grad, figures, f'gradient of {original}')
        optimizer.step()


def _optimizer(text: str, model: torch.nn.Module) -> torch.optim.Optimizer:
    name, *settings = text.split()
    assert name == 'SGD', text
    values = {key: float(value) for key, value in zip(settings[::2], settings[1::2])}
    return torch.optim.SGD(model.parameters(), **values)


def _inputs(meta: dict[str, Any], step: int) -> torch.Tensor:
    shape, factor = re.search(r'standard_normal\(\(([\d, ]+)\)\) \* (\d+)', meta['input']).groups()
    rng = np.random.default_rng([zlib.crc32(meta['case'].encode()), meta['salt'], 1, step])
    return torch.from_numpy(rng.standard_normal([int(n) for n in shape.split(',')]) * float(factor))


def _retinaface_targets(arrays: dict[str, np.ndarray], step: int, shape: torch.Size) -> list[FaceDataSample]:
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


def _assert_sum_and_norm(tensor: torch.Tensor, expected: list[float], what: str) -> None:
    norm = tensor.double().norm().item()
    assert norm == pytest.approx(expected[1], rel=NORM_TOLERANCE, abs=1e-12), what
    # A sum of signed terms is judged on the scale of what is summed.
    assert tensor.double().sum().item() == pytest.approx(
        expected[0], rel=NORM_TOLERANCE, abs=NORM_TOLERANCE * max(norm, 1e-6)
    ), what
