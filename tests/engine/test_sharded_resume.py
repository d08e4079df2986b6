"""A training on several processes goes on, on any number of them, as if it had never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from faceresearch.engine.training_checkpoint import CheckpointError, read_state
from faceresearch.zoo.checkpoint import read_checkpoint
from tests.engine.processes import run_processes
from tests.engine.tiny_recognition import CLASSES, train

ADAMW = {'optimizer': {'type': 'AdamW', 'lr': 0.01, 'weight_decay': 0.05}}
SAMPLED: dict[str, Any] = {'head': {'sample_rate': 0.5}}
CURRICULAR = {'head': {'margin': {'type': 'CurricularFace'}, 'sub_centres': 2}}
ELASTIC = {'head': {'margin': {'type': 'ElasticFace', 'plus': True}, 'sample_rate': 0.5}}


def together(world: int, folder: Path, *args: Any) -> dict[str, Any]:
    """Train in several processes; all see the same losses."""
    if world == 1:
        return train(*args)
    results = run_processes(train, world, folder, *args)
    for other in results[1:]:
        assert other['losses'] == results[0]['losses']
    centres = torch.cat([result['centres'] for result in sorted(results, key=lambda result: result['start'])])
    return {'losses': results[0]['losses'], 'centres': centres}


@pytest.mark.parametrize(
    ('first', 'second', 'changes'),
    [
        (2, 1, SAMPLED),
        pytest.param(2, 4, SAMPLED | ADAMW, marks=pytest.mark.slow),
        pytest.param(2, 4, CURRICULAR, marks=pytest.mark.slow),
        pytest.param(2, 1, ELASTIC, marks=pytest.mark.slow),
        pytest.param(4, 2, ADAMW, marks=pytest.mark.slow),
        pytest.param(2, 1, SAMPLED | {'custom_hooks': [{'type': 'EMAHook'}]}, marks=pytest.mark.slow),
        pytest.param(1, 2, SAMPLED, marks=pytest.mark.slow),
    ],
)
def test_resumed_on_another_number_of_processes(
    first: int, second: int, changes: dict[str, Any], tmp_path: Path
) -> None:
    whole = train(tmp_path / 'whole', False, None, changes)
    assert len(whole['losses']) == 18
    # Saved after 4 and 8 iterations, in the middle of an epoch; aborted in the eleventh.
    cut = together(first, tmp_path, tmp_path / 'cut', False, 10, changes)
    rest = together(second, tmp_path, tmp_path / 'cut', True, None, changes)
    assert sorted(rest['losses']) == list(range(8, 18))
    found = cut['losses'] | rest['losses']
    assert [found[i] for i in range(18)] == pytest.approx([whole['losses'][i] for i in range(18)], rel=1e-9)
    torch.testing.assert_close(rest['centres'], whole['centres'], rtol=1e-7, atol=1e-10)
    # The losses move far more than that.
    assert abs(whole['losses'][17] / whole['losses'][8] - 1) > 0.05


def test_scaler_goes_on(tmp_path: Path) -> None:
    scaled = {
        'type': 'AmpOptimWrapper',
        'dtype': 'float16',
        'loss_scale': {'init_scale': 4.0, 'growth_interval': 5},
        'optimizer': {'type': 'SGD', 'lr': 0.05, 'momentum': 0.9},
    }
    changes = SAMPLED | {'optim_wrapper': scaled}
    whole = train(tmp_path / 'whole', False, None, changes)
    cut = together(2, tmp_path, tmp_path / 'cut', False, 10, changes)
    rest = together(1, tmp_path, tmp_path / 'cut', True, None, changes)
    assert cut['losses'] | rest['losses'] == pytest.approx(whole['losses'], rel=1e-9)
    states = [read_state(tmp_path / f'{name}/iter_18.pth')['optimizer']['loss_scaler'] for name in ('whole', 'cut')]
    assert states[0] == states[1]
    # It has grown three times, after 5, 10 and 15 steps.
    assert states[0]['scale'] == 32


@pytest.mark.slow
def test_gradients_that_wait_for_a_step(tmp_path: Path) -> None:
    accumulating = {'type': 'OptimWrapper', 'accumulative_counts': 3, 'optimizer': {'type': 'SGD', 'lr': 0.05}}
    changes = SAMPLED | {'optim_wrapper': accumulating}
    whole = together(2, tmp_path, tmp_path / 'whole', False, None, changes)
    together(2, tmp_path, tmp_path / 'cut', False, 10, changes)
    rest = together(2, tmp_path, tmp_path / 'cut', True, None, changes)
    assert rest['losses'] == {i: loss for i, loss in whole['losses'].items() if i >= 8}
    assert torch.equal(rest['centres'], whole['centres'])


def test_checkpoint_holds_whole_centres_and_weights_none(tmp_path: Path) -> None:
    results = run_processes(train, 2, tmp_path, tmp_path / 'run')
    state = read_state(tmp_path / 'run/iter_18.pth')
    assert state['training_only']['head.centres'].shape == (CLASSES, 6)
    centres = torch.cat([result['centres'] for result in results])
    assert torch.equal(state['training_only']['head.centres'], centres)
    assert state['training_only']['head.margin.batch_mean'] != 20
    shapes = [tuple(s['momentum_buffer'].shape) for s in state['optimizer']['state'].values()]
    assert (CLASSES, 6) in shapes
    weights, _ = read_checkpoint(tmp_path / 'run/last.safetensors')
    assert all(name.startswith('backbone.') for name in weights)


def test_resume_with_other_classes(tmp_path: Path) -> None:
    train(tmp_path / 'run', False, 5)
    with pytest.raises(CheckpointError, match=r'another head \(head.centres is \(23, 6\), not \(29, 6\)\)'):
        train(tmp_path / 'run', True, None, {'head': {'num_classes': 29}})


def test_centres_are_taken_over_from_a_training_checkpoint(tmp_path: Path) -> None:
    train(tmp_path / 'first')
    state = read_state(tmp_path / 'first/iter_18.pth')
    started = {
        'load_from': str(tmp_path / 'first/iter_18.pth'),
        'optim_wrapper': {'optimizer': {'type': 'SGD', 'lr': 0.0}},
    }
    result = train(tmp_path / 'second', False, None, started)
    assert torch.equal(result['centres'], state['training_only']['head.centres'])
