"""Training checkpoints with a plain message hub: nothing is lost, and nothing has to be allowed to load them."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn

from faceresearch.compat.message_hub import from_plain, hub_to_plain, plain_to_hub, to_plain


@pytest.fixture(autouse=True)
def nothing_allowed() -> Iterator[None]:
    """Take away even what torch and installed packages put on the list."""
    allowed = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    yield
    torch.serialization.add_safe_globals(allowed)


def stored(value: Any, path: Path) -> Any:
    """Write and read with torch."""
    torch.save(value, path)
    return torch.load(path, weights_only=True)


class Flavour(enum.StrEnum):
    SWEET = 'sweet'


def test_a_hub_survives_being_stored(tmp_path: Path) -> None:
    hub = MessageHub('test_a_hub_survives')
    for value in (0.1, 0.7, 1e-300):
        hub.update_scalar('train/loss', value, count=3)
    hub.update_scalar('train/time', 1.5, resumed=False)
    hub.update_info('iter', 7)
    hub.update_info('best_score', np.float64(0.25))
    hub.update_info('dataset_meta', {'classes': ('face',), 'colours': np.arange(6, dtype=np.uint8).reshape(2, 3)})
    hub.update_info('flavour', Flavour.SWEET)
    hub.update_info('forgotten', 1, resumed=False)

    restored = MessageHub('test_a_hub_survives_2')
    restored.load_state_dict(plain_to_hub(stored(hub_to_plain(hub), tmp_path / 'hub.pth')))

    values, counts = restored.get_scalar('train/loss').data
    assert values.tolist() == [0.1, 0.7, 1e-300]
    assert counts.tolist() == [3, 3, 3]
    assert restored.get_scalar('train/loss').mean() == hub.get_scalar('train/loss').mean()
    assert restored.get_info('iter') == 7
    assert restored.get_info('best_score') == 0.25
    assert restored.get_info('flavour') == 'sweet'
    meta = restored.get_info('dataset_meta')
    assert meta['classes'] == ('face',)
    assert meta['colours'].dtype == np.uint8
    np.testing.assert_array_equal(meta['colours'], [[0, 1, 2], [3, 4, 5]])
    assert 'train/time' not in restored.log_scalars
    assert restored.get_info('forgotten') is None
    restored.update_scalar('train/loss', 2.0)  # what is restored goes on growing
    assert restored.get_scalar('train/loss').current() == 2.0


def test_a_long_history_keeps_its_limit(tmp_path: Path) -> None:
    buffer = HistoryBuffer(range(5), [1] * 5, max_length=5)
    state = {'log_scalars': {'x': buffer}, 'runtime_info': {}, 'resumed_keys': {'x': True}}
    restored = plain_to_hub(stored(hub_to_plain(state), tmp_path / 'hub.pth'))['log_scalars']['x']
    restored.update(9)
    assert restored.data[0].tolist() == [1, 2, 3, 4, 9]


def test_a_value_without_a_plain_form_is_left_out_by_name(caplog: pytest.LogCaptureFixture) -> None:
    hub = MessageHub('test_without_plain_form')
    hub.update_info('runner', object())
    hub.update_info('iter', 3)
    plain = hub_to_plain(hub)
    assert plain['runtime_info'] == {'iter': 3}
    assert 'runner' not in plain['resumed_keys']


@pytest.mark.parametrize(
    'value',
    [
        np.array(3.5),
        np.array([True, False]),
        np.array(['a', 'b']),
        np.zeros((0, 4), np.float32),
        np.arange(3, dtype=np.uint16),
        np.arange(3, dtype='>f4'),
        {'a': [1, (2, None)], 3: {'b': b'x'}},
    ],
    ids=['scalar', 'bool', 'text', 'empty', 'uint16', 'big-endian', 'nested'],
)
def test_values_come_back_equal(value: Any, tmp_path: Path) -> None:
    back = from_plain(stored(to_plain(value), tmp_path / 'value.pth'))
    if isinstance(value, np.ndarray):
        assert back.shape == value.shape
        np.testing.assert_array_equal(back, value)
    else:
        assert back == value


def test_what_is_not_plain_is_named() -> None:
    with pytest.raises(TypeError, match=r'pathlib[.\w]*Path'):
        to_plain({'where': Path()})


class Line(BaseModel):
    """Fits y = 2x + 1."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, x: Tensor, y: Tensor, mode: str) -> dict[str, Tensor]:
        return {'loss': (self.layer(x) - y).square().mean()}


class Points(torch.utils.data.Dataset):
    metainfo = {'classes': ('face',)}

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        x = torch.tensor([float(index) / 6])
        return {'x': x, 'y': 2 * x + 1}


class PlainCheckpoints(Hook):
    """What the project's own hook does, in two lines."""

    priority = 'LOWEST'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        checkpoint['message_hub'] = hub_to_plain(checkpoint['message_hub'])

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        checkpoint['message_hub'] = plain_to_hub(checkpoint['message_hub'])


def make_runner(folder: Path, epochs: int, resume: str | None = None) -> Runner:
    torch.manual_seed(0)
    name = f'{folder.parent.name}_{folder.name}_{epochs}'
    return Runner(
        model=Line(),
        work_dir=str(folder),
        train_dataloader={
            'dataset': Points(),
            'batch_size': 1,
            'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            'collate_fn': {'type': 'default_collate'},
        },
        train_cfg={'by_epoch': True, 'max_epochs': epochs},
        optim_wrapper={'optimizer': {'type': 'SGD', 'lr': 0.1, 'momentum': 0.9}, 'accumulative_counts': 2},
        default_hooks={'checkpoint': {'type': 'CheckpointHook', 'interval': 1}},
        custom_hooks=[{'type': 'EMAHook', 'momentum': 0.1}, PlainCheckpoints()],
        default_scope='mmengine',
        log_level='ERROR',
        randomness={'seed': 0},
        experiment_name=name,
        load_from=resume,
        resume=resume is not None,
        cfg=Config({'name': name}),
    )


def test_training_with_ema_and_accumulation_resumes_with_nothing_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runner, '_log_env', lambda self, env_cfg: None)  # seconds of asking for compilers
    whole = make_runner(tmp_path / 'whole', 3)
    whole.train()
    make_runner(tmp_path / 'part', 2).train()
    path = tmp_path / 'part' / 'epoch_2.pth'
    content = torch.load(path, weights_only=True)
    assert {'ema_state_dict', 'optimizer', 'message_hub', 'state_dict'} <= content.keys()
    assert len(content['message_hub']['log_scalars']['train/loss']['values']) == 12

    resumed = make_runner(tmp_path / 'part', 3, resume=str(path))
    resumed.train()
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], value, rtol=0, atol=0)
    losses = [runner.message_hub.get_scalar('train/loss').data[0].tolist() for runner in (whole, resumed)]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 18
