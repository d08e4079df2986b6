"""Our training steps equal the originals': losses, gradients and weights, step for step."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from faceresearch.config import load_config
from faceresearch.registry import MODELS
from faceresearch.zoo.converters import CONVERTERS, convert, find_converter
from tests.parity import (
    steps_arcface,
    steps_bisenet,
    steps_gaze,
    steps_minifasnet,
    steps_retinaface,
    steps_yolov5_face,
    steps_yolov8_face,
)
from tests.parity.families import config_of
from tests.parity.golden import case_files, load_case, original_state

#: Pattern of a case's name → module with ``batch(meta, arrays, step) -> (inputs, samples)``, the batch of a step, and
#: ``terms(losses, images) -> dict``, our losses in the original's terms. It may also have ``overrides(meta)`` of the
#: config, ``prepare(model, meta)`` for what is not in the state dict, ``PREFIX`` of the original's names in ``meta``'s
#: figures, and ``EXTRA`` names (original: ours).
STEPS: dict[str, Any] = {
    r'bisenet_\w+': steps_bisenet,
    r'gaze_\w+': steps_gaze,
    r'iresnet\w+_arcface': steps_arcface,
    r'minifasnet_\w+': steps_minifasnet,
    r'retinaface_\w+': steps_retinaface,
    r'yolov5\w+': steps_yolov5_face,
    r'yolov8\w+': steps_yolov8_face,
}

LOSS_TOLERANCE = 1e-8
NORM_TOLERANCE = 1e-6


#: The cases of margins without a network are in test_margins.py.
_CASES = [path for path in case_files('training') if not path.stem.startswith('margin_')]


@pytest.mark.parametrize('path', _CASES, ids=lambda path: path.stem)
def test_training_run_equals_the_original(path: Path, repo_root: Path) -> None:
    meta, arrays = load_case(path)
    config_path = repo_root / config_of(meta['case'])
    family = next(steps for pattern, steps in STEPS.items() if re.fullmatch(pattern, meta['case']))
    config = load_config(config_path, family.overrides(meta) if hasattr(family, 'overrides') else ())
    model = MODELS.build(config.model)
    state = original_state(meta, arrays)
    converted, report = convert(state, model.state_dict(), find_converter(state, CONVERTERS))
    model.load_state_dict(converted, strict=True)
    if hasattr(family, 'prepare'):
        family.prepare(model, meta)
    model.double().train()
    names = {getattr(family, 'PREFIX', '') + original: ours for original, ours in report.mapped.items()}
    names |= getattr(family, 'EXTRA', {})
    _run_steps(model, family, meta, arrays, names)

    tensors = {**model.state_dict(), **dict(model.named_parameters())}
    for original, ours in names.items():
        _assert_sum_and_norm(tensors[ours], meta['final_state'][original], f'final {original}')


def _run_steps(
    model: torch.nn.Module, family: Any, meta: dict[str, Any], arrays: dict[str, np.ndarray], names: dict[str, str]
) -> None:
    optimizer = _optimizer(meta['optimizer'], model)
    parameters = dict(model.named_parameters())
    for step, expected in enumerate(meta['steps']):
        inputs, samples = family.batch(meta, arrays, step)
        losses = model(inputs, samples, mode='loss')
        total = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        total.backward()
        ours = {**family.terms(losses, len(inputs)), 'total': total.item()}
        assert ours == pytest.approx(expected, rel=LOSS_TOLERANCE), f'step {step}'
        if step == 0:
            for original, figures in meta['gradients_step0'].items():
                _assert_sum_and_norm(parameters[names[original]].grad, figures, f'gradient of {original}')
        optimizer.step()


def _optimizer(text: str, model: torch.nn.Module) -> torch.optim.Optimizer:
    assert text.startswith(('SGD ', 'Adam ')), text
    values = {key: float(value) for key, value in re.findall(r'(lr|momentum|weight_decay) ([\d.e-]+)', text)}
    kind = torch.optim.SGD if text.startswith('SGD ') else torch.optim.Adam
    return kind(model.parameters(), **values)


def _assert_sum_and_norm(tensor: torch.Tensor, expected: list[float], what: str) -> None:
    norm = tensor.double().norm().item()
    assert norm == pytest.approx(expected[1], rel=NORM_TOLERANCE, abs=1e-12), what
    # A sum of signed terms is judged on the scale of what is summed.
    assert tensor.double().sum().item() == pytest.approx(
        expected[0], rel=NORM_TOLERANCE, abs=NORM_TOLERANCE * max(norm, 1e-6)
    ), what
