"""What is saved and when, and what stops a training."""

from __future__ import annotations

import io
import json
import logging
import math
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from faceresearch.config import load_config
from faceresearch.engine import SafeCheckpointHook, progress
from faceresearch.engine.checkpoint_hook import less_is_better, translate_checkpoint_hook
from faceresearch.errors import UserError
from faceresearch.models.detectors import SingleStageDetector
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import read_checkpoint
from tests.engine.tiny import build_runner, run, write_images


@MODELS.register_module()
class DetectorThatFails(SingleStageDetector):
    """Its loss is no number at one call."""

    fails_at = 4
    calls = 0

    def loss(self, inputs: torch.Tensor, data_samples: list[Any]) -> dict[str, torch.Tensor]:
        losses = super().loss(inputs, data_samples)
        type(self).calls += 1
        if type(self).calls == self.fails_at:
            losses['loss_cls'] = losses['loss_cls'] * float('nan')
        return losses


@pytest.fixture(autouse=True)
def restart() -> None:
    DetectorThatFails.calls = 0


def log_of(runner: Any) -> str:
    return next(Path(runner.log_dir).glob('*.log')).read_text()


@pytest.mark.parametrize('key', ['landmark/nme', 'spoof/eer', 'landmark/fr@0.1', 'gaze/mae', 'val_loss', 'spoof/apcer'])
def test_less_is_better(key: str) -> None:
    assert less_is_better(key)


@pytest.mark.parametrize(
    'key',
    ['widerface/hard_ap', 'ijbc/tar@far=1e-4', 'lfw/accuracy', 'landmark/auc@0.08', 'landmark/pck@0.1', 'xseg/iou'],
)
def test_more_is_better(key: str) -> None:
    assert not less_is_better(key)


def test_files_of_a_training(tiny_config: Path, tmp_path: Path) -> None:
    recorder, runner = run(tiny_config, tmp_path / 'run', 'default_hooks.checkpoint.max_keep_ckpts=1')
    files = {path.name for path in (tmp_path / 'run').iterdir() if path.is_file()}
    assert files == {'epoch_3.pth', 'last_checkpoint', 'best.safetensors', 'last.safetensors', 'tiny.py'}
    state, about = read_checkpoint(tmp_path / 'run/best.safetensors')
    best_epoch = max(recorder.metrics, key=lambda epoch: (recorder.metrics[epoch]['synthfaces/easy_ap'], -epoch))
    assert json.loads(about['metrics']) == recorder.metrics[best_epoch]
    assert about['epoch'] == str(best_epoch)
    assert json.loads(about['input_contract'])['mean'] == [104.0, 117.0, 123.0]
    assert str(tmp_path / 'run') not in about['config']
    final, _ = read_checkpoint(tmp_path / 'run/last.safetensors')
    assert all(torch.equal(final[key], value) for key, value in runner.bare_model.state_dict().items())
    assert state.keys() == final.keys()


def test_averaged_weights_are_saved(tiny_config: Path, tmp_path: Path) -> None:
    _, runner = run(tiny_config, tmp_path / 'run', 'custom_hooks=[{type:EMAHook,momentum:0.5}]', 'max_epochs=1')
    final, _ = read_checkpoint(tmp_path / 'run/last.safetensors')
    average = next(hook for hook in runner._hooks if type(hook).__name__ == 'EMAHook').ema_model.module.state_dict()
    name = 'head.cls.0.weight'
    assert torch.equal(final[name], average[name])
    assert not torch.equal(final[name], runner.bare_model.state_dict()[name])


def test_no_such_metric(tiny_config: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"save_best='synthfaces/easy'.*Did you mean 'synthfaces/easy_ap'"):
        run(tiny_config, tmp_path / 'run', 'default_hooks.checkpoint.save_best=synthfaces/easy', 'max_epochs=2')


def test_leftovers_of_a_killed_run_go(tiny_config: Path, tmp_path: Path) -> None:
    work_dir = tmp_path / 'run'
    work_dir.mkdir()
    for name in ('.epoch_1.abc.tmp.pth', '.best.abc.tmp.safetensors'):
        (work_dir / name).write_bytes(b'half')
    run(tiny_config, work_dir, 'max_epochs=1')
    assert not list(work_dir.glob('.*'))


def test_earlier_run_does_not_push_out_the_new_one(tiny_config: Path, tmp_path: Path) -> None:
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run/epoch_250.pth').write_bytes(b'older')
    _, runner = run(tiny_config, tmp_path / 'run')
    assert sorted(path.name for path in (tmp_path / 'run').glob('*.pth')) == ['epoch_2.pth', 'epoch_3.pth']
    assert 'checkpoints of an earlier run, which --resume would continue' in log_of(runner)


@pytest.mark.parametrize('arguments', [{'rule': 'more'}, {'max_keep_ckpts': 0}])
def test_hook_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        SafeCheckpointHook(**arguments)


def test_hook_of_foreign_configs() -> None:
    foreign = {'type': 'CheckpointHook', 'interval': 5, 'save_best': ['coco/bbox_mAP'], 'published_keys': ['meta']}
    assert translate_checkpoint_hook(foreign) == {
        'type': 'SafeCheckpointHook',
        'interval': 5,
        'save_best': 'coco/bbox_mAP',
        'max_keep_ckpts': -1,
    }


def test_loss_that_is_no_number_stops(tiny_config: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'the loss is nan in epoch 2, iteration 4 \(images: .*face_\d+\.jpg') as info:
        run(tiny_config, tmp_path / 'run', 'model.type=DetectorThatFails')
    assert '\n' not in str(info.value)
    # The state before is there to go on from.
    assert (tmp_path / 'run/epoch_1.pth').is_file()


@pytest.mark.parametrize('accumulate', [1, 2])
def test_loss_that_is_no_number_is_left_out(tiny_config: Path, tmp_path: Path, accumulate: int) -> None:
    recorder, runner = run(
        tiny_config,
        tmp_path / 'run',
        'model.type=DetectorThatFails',
        'default_hooks.non_finite.action=skip',
        f'+optim_wrapper.accumulative_counts={accumulate}',
    )
    assert [i for i, loss in recorder.losses.items() if not math.isfinite(loss)] == [3]
    # Smoothed losses in the log go on without it.
    smoothed = [json.loads(line) for line in next(Path(runner.log_dir).rglob('scalars.json')).read_text().splitlines()]
    assert all(math.isfinite(entry['loss']) for entry in smoothed if 'loss' in entry)
    assert all(torch.isfinite(value).all() for value in runner.bare_model.state_dict().values())
    assert 'batch left out' in log_of(runner)


def test_broken_training_images_are_counted(tiny_config: Path, tmp_path: Path) -> None:
    root = write_images(tmp_path / 'damaged')
    for number in (2, 5, 6, 9):
        path = root / f'images/0--Test/face_{number}.jpg'
        path.write_bytes(path.read_bytes()[:300])
    _, runner = run(tiny_config, tmp_path / 'run', f'data_root={root}', 'max_epochs=1')
    line = next(line for line in log_of(runner).splitlines() if 'training images could not be read' in line)
    assert '4 training images' in line
    assert line.count('.jpg') == 3


def test_dumped_config_trains_again(tiny_config: Path, tmp_path: Path) -> None:
    first, _ = run(tiny_config, tmp_path / 'a', 'lr=0.005', 'max_epochs=1', resume=True)
    dumped = tmp_path / 'a/tiny.py'
    cfg = load_config(dumped)
    assert cfg.resume is False
    assert cfg.optim_wrapper.optimizer.lr == 0.005
    shutil.copy(dumped, tmp_path / 'again.py')
    second, _ = run(tmp_path / 'again.py', tmp_path / 'b')
    assert second.losses == first.losses


def test_log_says_what_a_reader_needs(tiny_config: Path, tmp_path: Path) -> None:
    _, runner = run(tiny_config, tmp_path / 'run', 'max_epochs=1')
    log = log_of(runner)
    assert 'Threads: 1 to compute with' in log
    line = next(line for line in log.splitlines() if 'Epoch(train) [1][3/3]' in line)
    assert all(word in line for word in ('lr:', 'eta:', 'time:', 'loss:', 'loss_box:'))


def test_bars_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    handler = logging.StreamHandler()
    runner = SimpleNamespace(logger=SimpleNamespace(handlers=[handler]), test_dataloader=[0, 1])
    before = handler.stream
    for stream, shown in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setenv('TERM', 'xterm')
        monkeypatch.setattr(progress.sys, 'stdout', stream)
        hook = progress.ProgressHook()
        hook.before_test_epoch(runner)
        hook.after_test_iter(runner, 0)
        assert (handler.stream is not before) == shown
        hook.after_test_epoch(runner)
        assert ('test' in stream.getvalue()) == shown
        assert handler.stream is before


def test_two_runs_in_one_second_have_logs_of_their_own(tiny_config: Path, tmp_path: Path) -> None:
    first = build_runner(tiny_config, tmp_path / 'a')
    second = build_runner(tiny_config, tmp_path / 'b')
    assert first.message_hub is not second.message_hub
    assert first.logger is not second.logger
