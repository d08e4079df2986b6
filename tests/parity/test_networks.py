"""Our networks equal the originals: same weights, same input, same outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from faceresearch.config import load_config
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS
from faceresearch.zoo.converters import CONVERTERS, convert, find_converter
from tests.parity.families import config_of, overrides_of
from tests.parity.golden import case_files, load_case, network_input, original_state

TOLERANCE = 1e-6


@pytest.mark.parametrize('path', case_files('networks'), ids=lambda path: path.stem)
def test_network_equals_the_original(path: Path, repo_root: Path) -> None:
    meta, arrays = load_case(path)
    config = load_config(repo_root / config_of(meta['name']), overrides_of(meta['name']))
    # The originals of recognition keep their class centres in a module of their own.
    model = MODELS.build(without_head(config.model))
    state = original_state(meta, arrays)
    converted, report = convert(state, model.state_dict(), find_converter(state, CONVERTERS))
    assert len(report.mapped) + len(report.dropped) == len(state)
    # What the original carries without using it (an ImageNet classifier) is among its parameters.
    unused = sum(state[name].numel() for name in report.dropped if name.endswith(('.weight', '.bias')))
    assert sum(p.numel() for p in model.parameters()) + unused == meta['parameters']
    model.load_state_dict(converted, strict=True)
    with torch.no_grad():
        outputs = model.double().eval()(network_input(meta), mode='tensor')

    # Some cases name only the first of their outputs ('raw...' for the others).
    assert len(outputs) == sum(name.startswith('out') for name in arrays)
    for index, output in enumerate(outputs):
        expected = arrays[f'out{index}'].astype('float64')
        name = f'output {index} of {meta["outputs"]}'
        assert output.shape == expected.shape, name
        error = np.linalg.norm(output.numpy() - expected) / np.linalg.norm(expected)
        assert error <= TOLERANCE, f'{name}: {error:.2e}'
