"""An interrupted training goes on as if it had never stopped, bit for bit."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from faceresearch.engine.training_checkpoint import CheckpointError, candidates, read_state
from faceresearch.zoo.checkpoint import read_checkpoint
from tests.engine.tiny import BATCHES_PER_EPOCH, Recorder, run, weights, write_config

DROPOUT = ('model.type=DetectorWithDropout',)
EMA = ('custom_hooks=[{type:EMAHook,momentum:0.1}]', '+optim_wrapper.accumulative_counts=2')


@dataclass
class Whole:
    """A training that was never stopped."""

    config: Path
    folder: Path
    recorder: Recorder
    weights: dict[str, torch.Tensor]

    @classmethod
    def train(cls, config: Path, folder: Path, *overrides: str, amp: bool = False) -> Whole:
        recorder, runner = run(config, folder, *overrides, amp=amp)
        return cls(config, folder, recorder, weights(runner))

    def losses_from(self, iteration: int) -> dict[int, float]:
        return {k: v for k, v in self.recorder.losses.items() if k >= iteration}


@pytest.fixture(scope='module')
def whole(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp('whole')
    return Whole.train(write_config(folder / 'tiny.py', tiny_data), folder / 'run', *DROPOUT)


@pytest.fixture(scope='module')
def stopped(whole: Whole, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Work dir of the same training, stopped in the second iteration of its third epoch."""
    folder = tmp_path_factory.mktemp('stopped') / 'run'
    first, _ = run(whole.config, folder, *DROPOUT, abort_at=7)
    assert first.losses == {k: v for k, v in whole.recorder.losses.items() if k < 7}
    return folder


def assert_goes_on(whole: Whole, folder: Path, *overrides: str, first: int, amp: bool = False) -> None:
    """Resume in ``folder``, and compare from iteration ``first`` on."""
    second, runner = run(whole.config, folder, *overrides, resume=True, amp=amp)
    assert second.losses
    assert second.losses == whole.losses_from(first)
    last = max(whole.recorder.metrics)
    assert second.metrics[last] == whole.recorder.metrics[last]
    for key, value in weights(runner).items():
        assert torch.equal(value, whole.weights[key]), key
    for name in ('best.safetensors', 'last.safetensors'):
        state, about = read_checkpoint(whole.folder / name)
        resumed_state, resumed_about = read_checkpoint(folder / name)
        assert resumed_about.keys() == about.keys()
        for key in about.keys() - {'commit'}:
            assert resumed_about[key] == about[key]
        assert all(torch.equal(resumed_state[key], value) for key, value in state.items())


def test_epoch_checkpoints(whole: Whole, stopped: Path, tmp_path: Path) -> None:
    shutil.copytree(stopped, tmp_path / 'moved')
    assert_goes_on(whole, tmp_path / 'moved', *DROPOUT, first=6)


@pytest.mark.parametrize(('interval', 'abort_at', 'first'), [(1, 4, 5), (3, 7, 6)])
def test_checkpoints_by_iteration(whole: Whole, tmp_path: Path, interval: int, abort_at: int, first: int) -> None:
    # Inside an epoch, and at the end of one, where the learning rate changes.
    overrides = (*DROPOUT, '+default_hooks.checkpoint.by_epoch=false', f'default_hooks.checkpoint.interval={interval}')
    run(whole.config, tmp_path / 'cut', *overrides, abort_at=abort_at)
    again, runner = run(whole.config, tmp_path / 'cut', *overrides, resume=True)
    assert again.losses == whole.losses_from(first)
    assert all(torch.equal(value, whole.weights[key]) for key, value in weights(runner).items())


def test_average_and_accumulation(tiny_config: Path, tmp_path: Path) -> None:
    overrides = (*DROPOUT, *EMA)
    whole = Whole.train(tiny_config, tmp_path / 'whole', *overrides)
    run(tiny_config, tmp_path / 'cut', *overrides, abort_at=4)
    # After the three iterations of an epoch, the gradients of one batch wait for those of the next.
    assert_goes_on(whole, tmp_path / 'cut', *overrides, first=3)


def test_mixed_precision(tiny_config: Path, tmp_path: Path) -> None:
    whole = Whole.train(tiny_config, tmp_path / 'whole', *DROPOUT, amp=True)
    run(tiny_config, tmp_path / 'cut', *DROPOUT, abort_at=4, amp=True)
    assert_goes_on(whole, tmp_path / 'cut', *DROPOUT, first=3, amp=True)


def test_loader_workers(whole: Whole, tmp_path: Path) -> None:
    workers = (*DROPOUT, 'num_workers=1')
    first, _ = run(whole.config, tmp_path / 'cut', *workers, abort_at=4)
    assert first.losses == {k: v for k, v in whole.recorder.losses.items() if k < 4}
    again, _ = run(whole.config, tmp_path / 'cut', *workers, resume=True)
    assert again.losses == whole.losses_from(3)


def test_training_by_iterations(tmp_path: Path, tiny_data: Path) -> None:
    config = write_config(
        tmp_path / 'iterations.py',
        tiny_data,
        """
train_cfg = dict(_delete_=True, by_epoch=False, max_iters=8, val_interval=4)
param_scheduler = [dict(type='MultiStepLR', by_epoch=False, milestones=[3, 6], gamma=0.5)]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=2))
""",
    )
    whole = Whole.train(config, tmp_path / 'whole', *DROPOUT)
    assert len(whole.recorder.losses) == 8
    run(config, tmp_path / 'cut', *DROPOUT, abort_at=5)
    assert_goes_on(whole, tmp_path / 'cut', *DROPOUT, first=6)


@pytest.mark.parametrize(
    'schedule',
    [
        '[{type:LinearLR,start_factor:0.1,by_epoch:true,begin:0,end:1,convert_to_iter_based:true},'
        '{type:CosineAnnealingLR,by_epoch:true,begin:1,end:3,T_max:2,convert_to_iter_based:true}]',
        '[{type:OneCycleLR,eta_max:0.02,total_steps:9,by_epoch:false}]',
    ],
)
def test_schedules(tiny_config: Path, tmp_path: Path, schedule: str) -> None:
    override = f'param_scheduler={schedule}'
    whole = Whole.train(tiny_config, tmp_path / 'whole', override)
    run(tiny_config, tmp_path / 'cut', override, abort_at=4)
    assert_goes_on(whole, tmp_path / 'cut', override, first=3)


def test_longer_training(whole: Whole, tmp_path: Path) -> None:
    # The learning rate falls after the first epoch; the schedule of a run of one epoch ends before.
    run(whole.config, tmp_path / 'run', *DROPOUT, 'max_epochs=1')
    again, _ = run(whole.config, tmp_path / 'run', *DROPOUT, resume=True)
    assert again.losses == whole.losses_from(BATCHES_PER_EPOCH)


def test_interrupted_validation_is_made_up(whole: Whole, tmp_path: Path) -> None:
    shutil.copytree(whole.folder, tmp_path / 'cut')
    # The state as it was when the last epoch was done but not its validation.
    path = tmp_path / 'cut/epoch_3.pth'
    state = torch.load(path, weights_only=True)
    del state['message_hub']['runtime_info']['last_validation']
    torch.save(state, path)
    again, _ = run(whole.config, tmp_path / 'cut', *DROPOUT, resume=True)
    assert again.losses == {}
    assert again.metrics == {3: whole.recorder.metrics[3]}


def test_checkpoints_load_with_nothing_allowed(tiny_config: Path, tmp_path: Path) -> None:
    run(tiny_config, tmp_path / 'run', *DROPOUT, *EMA, 'max_epochs=1', amp=True)
    with torch.serialization.safe_globals([]):
        state = torch.load(tmp_path / 'run/epoch_1.pth', weights_only=True)
    assert state['meta']['iter'] == BATCHES_PER_EPOCH
    assert {'optimizer', 'param_schedulers', 'ema_state_dict', 'random_state', 'gradients'} <= state.keys()


@pytest.mark.parametrize('damage', ['half', 'empty', 'flipped', 'hostile'])
def test_newest_checkpoint_damaged(whole: Whole, stopped: Path, tmp_path: Path, damage: str) -> None:
    shutil.copytree(stopped, tmp_path / 'cut')
    newest = tmp_path / 'cut/epoch_2.pth'
    content = newest.read_bytes()
    middle = len(content) // 2
    byte = _offset_of_a_number(newest)
    newest.write_bytes(
        {
            'half': content[:middle],
            'empty': b'',
            'flipped': content[:byte] + bytes([content[byte] ^ 0xFF]) + content[byte + 1 :],
            'hostile': _hostile(tmp_path / 'ran'),
        }[damage]
    )
    again, runner = run(whole.config, tmp_path / 'cut', *DROPOUT, 'max_epochs=2', resume=True)
    assert again.losses == {k: v for k, v in whole.losses_from(BATCHES_PER_EPOCH).items() if k < 6}
    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    assert 'epoch_2.pth' in log
    assert 'trying the one before' in log
    assert not (tmp_path / 'ran').exists()


def _offset_of_a_number(path: Path) -> int:
    """Return where a byte of the largest tensor stands in a file: others may be padding, whose change harms nothing."""
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
    return path.read_bytes().index(zipfile.Path(path, largest.filename).read_bytes()) + largest.file_size // 2


def _hostile(proof: Path) -> bytes:
    import pickle

    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return eval, (f'open({str(proof)!r}, "w")',)

    return pickle.dumps({'state_dict': {}, 'meta': Hostile()}, protocol=2)


def test_only_damaged_checkpoints(tiny_config: Path, tmp_path: Path) -> None:
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run/epoch_1.pth').write_bytes(b'PK\x03\x04 not much')
    with pytest.raises(CheckpointError, match=r'none of the 1 checkpoints in .* can be used'):
        run(tiny_config, tmp_path / 'run', resume=True)


def test_nothing_to_resume(tiny_config: Path, tmp_path: Path) -> None:
    recorder, runner = run(tiny_config, tmp_path / 'run', 'max_epochs=1', resume=True)
    assert len(recorder.losses) == BATCHES_PER_EPOCH
    assert 'training starts from the beginning' in next(Path(runner.log_dir).glob('*.log')).read_text()


def test_resume_of_another_model(whole: Whole, stopped: Path) -> None:
    kept = (stopped / 'tiny.py').read_bytes()
    shape = r'another model .*backbone\S* is \(8, 3, 3, 3\), not \(16, 3, 3, 3\)'
    with pytest.raises(CheckpointError, match=shape) as info:
        run(whole.config, stopped, 'model.backbone.width=0.5', resume=True)
    assert '\n' not in str(info.value)
    assert (stopped / 'tiny.py').read_bytes() == kept


def test_no_training_checkpoint(tmp_path: Path) -> None:
    torch.save({'state_dict': {}}, tmp_path / 'weights.pth')
    with pytest.raises(CheckpointError, match='load_from='):
        read_state(tmp_path / 'weights.pth')
    with pytest.raises(CheckpointError, match='there is no checkpoint'):
        read_state(tmp_path / 'absent.pth')


def test_newest_first(tmp_path: Path) -> None:
    for name in ('epoch_9.pth', 'epoch_10.pth', '.epoch_11.x.tmp.pth'):
        (tmp_path / name).write_bytes(b'')
    assert [p.name for p in candidates(tmp_path)] == ['epoch_10.pth', 'epoch_9.pth']
    # Copied folders have files in the order in which they were copied; the note of the last one decides.
    (tmp_path / 'last_checkpoint').write_text('epoch_9.pth')
    assert [p.name for p in candidates(tmp_path)] == ['epoch_9.pth', 'epoch_10.pth']


def test_state_lists_its_position(stopped: Path) -> None:
    meta = read_state(stopped / 'epoch_2.pth')['meta']
    assert (meta['epoch'], meta['iter'], meta['batches_per_epoch'], meta['seed']) == (2, 6, 3, 0)
