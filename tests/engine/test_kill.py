"""kill −9 in the middle of a training."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from faceresearch.engine.training_checkpoint import read_state
from faceresearch.zoo.checkpoint import read_checkpoint
from tests.engine.tiny import run, weights

TOOL = Path(__file__).resolve().parents[2] / 'tools/train.py'
#: A new state after every iteration. Long enough not to end by itself before five kills: each comes within four states.
EPOCHS = 20
OVERRIDES = (
    f'max_epochs={EPOCHS}',
    f'train_cfg.val_interval={EPOCHS}',
    '++default_hooks.checkpoint.by_epoch=false',
)


def start(config: Path, work_dir: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start or resume a training in a process group of its own."""
    command = [sys.executable, str(TOOL), str(config), *OVERRIDES, '--work-dir', str(work_dir), '--resume', *arguments]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environment, start_new_session=True)


def wait_for_checkpoint(process: subprocess.Popen[bytes], work_dir: Path) -> None:
    """Return when a training has written its first new state."""
    known = {path: path.stat().st_mtime_ns for path in work_dir.glob('[!.]*.pth')}
    while process.poll() is None:
        for path in work_dir.glob('[!.]*.pth'):
            with contextlib.suppress(FileNotFoundError):  # it has just been replaced by a newer one
                if known.get(path) != path.stat().st_mtime_ns:
                    return
        time.sleep(0.01)


def kill_at_random(config: Path, work_dir: Path, moments: random.Random) -> None:
    """Kill a training and its workers some states after its start, at any point of an iteration."""
    process = start(config, work_dir)
    for _ in range(moments.randint(1, 3)):
        wait_for_checkpoint(process, work_dir)
    time.sleep(moments.uniform(0, 0.1))
    assert process.poll() is None, 'the training ended before it was killed'
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    for path in work_dir.glob('[!.]*.pth'):
        read_state(path)


@pytest.mark.parametrize('kills', [1, pytest.param(5, marks=pytest.mark.slow)])
def test_killed_training_ends_like_one_that_was_not(tiny_config: Path, tmp_path: Path, kills: int) -> None:
    moments = random.Random()
    whole, whole_runner = run(tiny_config, tmp_path / 'whole', *OVERRIDES)
    for _ in range(kills):
        kill_at_random(tiny_config, tmp_path / 'killed', moments)
    rest, runner = run(tiny_config, tmp_path / 'killed', *OVERRIDES, resume=True)
    assert rest.losses
    assert rest.losses == {k: v for k, v in whole.losses.items() if k in rest.losses}
    assert rest.metrics[EPOCHS] == whole.metrics[EPOCHS]
    expected = weights(whole_runner)
    assert all(torch.equal(value, expected[key]) for key, value in weights(runner).items())
    assert not list((tmp_path / 'killed').glob('.*.tmp.*'))


@pytest.mark.slow
def test_terminated_training_leaves_nothing_half_written(tiny_config: Path, tmp_path: Path) -> None:
    process = start(tiny_config, tmp_path / 'run', 'num_workers=1')
    wait_for_checkpoint(process, tmp_path / 'run')
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    assert not list((tmp_path / 'run').glob('.*'))
    assert not (tmp_path / 'run/last.safetensors').exists()


@pytest.mark.slow
def test_two_processes_resume_together(tiny_config: Path, tmp_path: Path) -> None:
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2', str(TOOL)]
    common = [
        str(tiny_config),
        '--launcher',
        'pytorch',
        'model.type=SingleStageDetector',
        'custom_hooks=[{type:EMAHook}]',
    ]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    for work_dir, epochs in (('whole', 4), ('cut', 2), ('cut', 4)):
        arguments = ['--work-dir', str(tmp_path / work_dir), f'max_epochs={epochs}', '--resume']
        subprocess.run([*command, *common, *arguments], check=True, env=environment, capture_output=True)
    expected, about = read_checkpoint(tmp_path / 'whole/last.safetensors')
    found, resumed_about = read_checkpoint(tmp_path / 'cut/last.safetensors')
    assert [key for key, value in expected.items() if not torch.equal(found[key], value)] == []
    assert resumed_about['metrics'] == about['metrics']
    assert len(read_state(tmp_path / 'cut/epoch_4.pth')['random_state']) == 2
