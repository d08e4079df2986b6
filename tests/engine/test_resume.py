"""An interrupted training goes on as if it had never stopped, bit for bit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from faceresearch.engine.training_checkpoint import CheckpointError, candidates, read_state
from faceresearch.zoo.checkpoint import read_checkpoint
from tests.engine.tiny import BATCHES_PER_EPOCH, run, weights, write_config

DROPOUT = ('model.type=DetectorWithDropout',)
EMA = ('custom_hooks=[{type:EMAHook,momentum:0.1}]', '+optim_wrapper.accumulative_counts=2')


def assert_goes_on(config: Path, folder: Path, *overrides: str, abort_at: int, amp: bool = False) -> None:
    whole, whole_runner = run(config, folder / 'whole', *overrides, amp=amp)
    first, _ = run(config, folder / 'cut', *overrides, abort_at=abort_at, amp=amp)
    second, second_runner = run(config, folder / 'cut', *overrides, resume=True, amp=amp)
    assert first.losses == {k: v for k, v in whole.losses.items() if k < abort_at}
    assert second.losses
    assert second.losses == {k: v for k, v in whole.losses.items() if k in second.losses}
    assert max(second.losses) == max(whole.losses)
    last = max(whole.metrics)
    assert second.metrics[last] == whole.metrics[last]
    expected = weights(whole_runner)
    for key, value in weights(second_runner).items():
        assert torch.equal(value, expected[key]), key
    for name in ('best.safetensors', 'last.safetensors'):
        state, about = read_checkpoint(folder / 'whole' / name)
        resumed_state, resumed_about = read_checkpoint(folder / 'cut' / name)
        assert resumed_about.keys() == about.keys()
        for key in about.keys() - {'commit'}:
            assert resumed_about[key] == about[key]
        assert all(torch.equal(resumed_state[key], value) for key, value in state.items())


@pytest.mark.parametrize('abort_at', [3, 7])
def test_epoch_checkpoints(tiny_config: Path, tmp_path: Path, abort_at: int) -> None:
    assert_goes_on(tiny_config, tmp_path, *DROPOUT, abort_at=abort_at)


@pytest.mark.parametrize('abort_at', [4, 6])
def test_checkpoints_inside_an_epoch(tiny_config: Path, tmp_path: Path, abort_at: int) -> None:
    inside = ('+default_hooks.checkpoint.by_epoch=false', 'default_hooks.checkpoint.interval=1')
    assert_goes_on(tiny_config, tmp_path, *DROPOUT, *inside, abort_at=abort_at)


def test_average_and_accumulation(tiny_config: Path, tmp_path: Path) -> None:
    # After three iterations one batch's gradients wait for the second's.
    assert_goes_on(tiny_config, tmp_path, *DROPOUT, *EMA, abort_at=4)


def test_mixed_precision(tiny_config: Path, tmp_path: Path) -> None:
    assert_goes_on(tiny_config, tmp_path, *DROPOUT, abort_at=4, amp=True)


def test_loader_workers(tiny_config: Path, tmp_path: Path) -> None:
    assert_goes_on(tiny_config, tmp_path, *DROPOUT, 'num_workers=1', abort_at=4)


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
    assert_goes_on(config, tmp_path, *DROPOUT, abort_at=5)


def test_interrupted_validation_is_made_up(tiny_config: Path, tmp_path: Path) -> None:
    whole, _ = run(tiny_config, tmp_path / 'whole', 'max_epochs=2')
    runner_dir = tmp_path / 'cut'
    run(tiny_config, runner_dir, 'max_epochs=2', 'val_evaluator.type=SynthFacesMetric')
    # The state as it was when the last epoch was done but not its validation.
    state = torch.load(runner_dir / 'epoch_2.pth', weights_only=True)
    del state['message_hub']['runtime_info']['last_validation']
    torch.save(state, runner_dir / 'epoch_2.pth')
    again, _ = run(tiny_config, runner_dir, 'max_epochs=2', resume=True)
    assert again.losses == {}
    assert again.metrics == {2: whole.metrics[2]}


def test_checkpoints_load_with_nothing_allowed(tiny_config: Path, tmp_path: Path) -> None:
    run(tiny_config, tmp_path / 'run', *DROPOUT, *EMA, 'max_epochs=1', amp=True)
    with torch.serialization.safe_globals([]):
        state = torch.load(tmp_path / 'run/epoch_1.pth', weights_only=True)
    assert state['meta']['iter'] == BATCHES_PER_EPOCH
    assert {'optimizer', 'param_schedulers', 'ema_state_dict', 'random_state', 'gradients'} <= state.keys()


@pytest.mark.parametrize('damage', ['half', 'empty', 'flipped', 'hostile'])
def test_newest_checkpoint_damaged(
    tiny_config: Path, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole, _ = run(tiny_config, tmp_path / 'whole', *DROPOUT)
    run(tiny_config, tmp_path / 'cut', *DROPOUT, abort_at=7)
    newest = tmp_path / 'cut/epoch_2.pth'
    content = newest.read_bytes()
    if damage == 'half':
        newest.write_bytes(content[: len(content) // 2])
    elif damage == 'empty':
        newest.write_bytes(b'')
    elif damage == 'flipped':
        middle = len(content) // 2
        newest.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])
    else:
        newest.write_bytes(_hostile(tmp_path / 'ran'))
    again, runner = run(tiny_config, tmp_path / 'cut', *DROPOUT, resume=True)
    assert min(again.losses) == BATCHES_PER_EPOCH
    assert again.losses == {k: v for k, v in whole.losses.items() if k >= BATCHES_PER_EPOCH}
    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    assert 'epoch_2.pth' in log and 'trying the one before' in log
    assert not (tmp_path / 'ran').exists()


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


def test_resume_of_another_model(tiny_config: Path, tmp_path: Path) -> None:
    run(tiny_config, tmp_path / 'run', 'max_epochs=1')
    with pytest.raises(
        CheckpointError, match=r'another model .*backbone.* is \(8, 3, 3, 3\), not \(16, 3, 3, 3\)'
    ) as info:
        run(tiny_config, tmp_path / 'run', 'model.backbone.width=0.5', resume=True)
    assert '\n' not in str(info.value)


def test_weights_file_is_no_training_checkpoint(tiny_config: Path, tmp_path: Path) -> None:
    run(tiny_config, tmp_path / 'run', 'max_epochs=1')
    torch.save({'state_dict': {}}, tmp_path / 'weights.pth')
    with pytest.raises(CheckpointError, match='load_from='):
        run(tiny_config, tmp_path / 'run', resume=str(tmp_path / 'weights.pth'))
    with pytest.raises(CheckpointError, match='there is no checkpoint'):
        run(tiny_config, tmp_path / 'run', resume=str(tmp_path / 'absent.pth'))


def test_newest_first(tmp_path: Path) -> None:
    for name in ('epoch_9.pth', 'epoch_10.pth', '.epoch_11.x.tmp.pth'):
        (tmp_path / name).write_bytes(b'')
    assert [p.name for p in candidates(tmp_path)] == ['epoch_10.pth', 'epoch_9.pth']
    # Copied folders have files in the order in which they were copied; the note of the last one decides.
    (tmp_path / 'last_checkpoint').write_text('epoch_9.pth')
    assert [p.name for p in candidates(tmp_path)] == ['epoch_9.pth', 'epoch_10.pth']


def test_moved_work_dir(tiny_config: Path, tmp_path: Path) -> None:
    whole, _ = run(tiny_config, tmp_path / 'whole', *DROPOUT)
    run(tiny_config, tmp_path / 'here', *DROPOUT, abort_at=7)
    shutil.move(tmp_path / 'here', tmp_path / 'there')
    again, _ = run(tiny_config, tmp_path / 'there', *DROPOUT, resume=True)
    assert again.losses == {k: v for k, v in whole.losses.items() if k >= 6}


def test_state_lists_its_position(tiny_config: Path, tmp_path: Path) -> None:
    run(tiny_config, tmp_path / 'run', abort_at=7)
    meta = read_state(tmp_path / 'run/epoch_2.pth')['meta']
    assert (meta['epoch'], meta['iter'], meta['batches_per_epoch'], meta['seed']) == (2, 6, 3, 0)
