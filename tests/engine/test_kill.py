"""kill −9 in the middle of a training."""

from __future__ import annotations

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
from tests.engine.tiny import run, weights

TOOL = Path(__file__).resolve().parents[2] / 'tools/train.py'
OVERRIDES = ('max_epochs=5', 'val_interval=5', '++default_hooks.checkpoint.by_epoch=false')


def kill_at_random(config: Path, work_dir: Path, moments: random.Random) -> None:
    """Start or resume a training, and kill it and its workers within a second of its first new checkpoint."""
    known = {path: path.stat().st_mtime_ns for path in work_dir.glob('[!.]*.pth')}
    command = [sys.executable, str(TOOL), str(config), *OVERRIDES, '--work-dir', str(work_dir), '--resume']
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
    )
    while process.poll() is None:
        if any(known.get(p) != p.stat().st_mtime_ns for p in work_dir.glob('[!.]*.pth') if p.exists()):
            break
        time.sleep(0.01)
    time.sleep(moments.uniform(0, 0.5))
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    for path in work_dir.glob('[!.]*.pth'):
        read_state(path)


@pytest.mark.parametrize('kills', [1, pytest.param(5, marks=pytest.mark.slow)])
def test_killed_training_ends_like_one_that_was_not(tiny_config: Path, tmp_path: Path, kills: int) -> None:
    moments = random.Random()
    tiny_config.write_text(
        tiny_config.read_text()
        .replace('val_interval=2', 'val_interval=val_interval')
        .replace('max_epochs = 3', 'max_epochs = 3\nval_interval = 2')
    )
    whole, whole_runner = run(tiny_config, tmp_path / 'whole', *OVERRIDES)
    for _ in range(kills):
        kill_at_random(tiny_config, tmp_path / 'killed', moments)
    rest, runner = run(tiny_config, tmp_path / 'killed', *OVERRIDES, resume=True)
    assert rest.losses == {k: v for k, v in whole.losses.items() if k in rest.losses}
    assert rest.metrics[5] == whole.metrics[5]
    expected = weights(whole_runner)
    assert all(torch.equal(value, expected[key]) for key, value in weights(runner).items())
    assert not list((tmp_path / 'killed').glob('.*.tmp.*'))
