"""Where weights are looked for, and what goes into a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from faceresearch.engine.weights import find_checkpoint, flat_metrics
from faceresearch.errors import UserError
from faceresearch.zoo.checkpoint import read_checkpoint, save_weights
from tests.engine.tiny import build_runner, run


def test_names_of_the_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r'biubug6.*convert_checkpoint\.py FILE retinaface_mnet025_widerface -o'):
        find_checkpoint('retinaface_mnet025_widerface')
    with pytest.raises(UserError, match="Did you mean 'retinaface_mnet025_widerface'"):
        find_checkpoint('retinaface_mnet25_widerface')
    local = tmp_path / 'checkpoints/retinaface_mnet025_widerface.safetensors'
    save_weights(local, {'a': torch.zeros(1)}, {})
    assert find_checkpoint('retinaface_mnet025_widerface').resolve() == local
    assert find_checkpoint('some/where.pth') == Path('some/where.pth')


def test_metrics_that_are_numbers() -> None:
    metrics = {'a': 1, 'b': 0.5, 'c': torch.tensor(0.25), 'd': np.float32(0.125), 'curve': [1, 2], 'name': 'x'}
    assert flat_metrics(metrics) == {'a': 1, 'b': 0.5, 'c': 0.25, 'd': 0.125}


def test_training_starts_from_given_weights(tiny_config: Path, tmp_path: Path) -> None:
    run(tiny_config, tmp_path / 'first', 'max_epochs=1')
    trained, _ = read_checkpoint(tmp_path / 'first/last.safetensors')
    # A head for another number of points: what fits is taken.
    source = tmp_path / 'first/last.safetensors'
    again = build_runner(tiny_config, tmp_path / 'second', (f'load_from={source}', 'model.head.num_landmarks=6'))
    again._init_model_weights()
    again.load_or_resume()
    state = again.bare_model.state_dict()
    name = 'backbone.stage1.0.0.weight'
    assert torch.equal(state[name], trained[name])
    assert state['head.landmark.0.weight'].shape != trained['head.landmark.0.weight'].shape
    log = next(Path(again.log_dir).glob('*.log')).read_text()
    assert 'head.landmark.0.weight' in log
