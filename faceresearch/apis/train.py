"""Train a model."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal, NoReturn

Launcher = Literal['none', 'pytorch', 'slurm', 'mpi']


def train(
    config: str | Path,
    overrides: Sequence[str] = (),
    work_dir: str | Path | None = None,
    resume: bool | str = False,
    amp: bool = False,
    auto_scale_lr: bool = False,
    launcher: Launcher = 'none',
) -> Path:
    """Train the model of a config.

    Args:
        config: a config file, or the name of one in ``configs/``.
        overrides: changes to it, ``KEY=VALUE`` in Hydra's grammar.
        work_dir: where checkpoints, logs and the resolved config go; ``work_dirs/<config name>`` by default.
        resume: True continues from the newest checkpoint in the work dir, a path from that one.
        amp: half precision in the forward pass.
        auto_scale_lr: scale the learning rate to the batch size.
        launcher: how several processes were started.

    Returns:
        The work dir.

    Raises:
        UserError: config, data or checkpoint are not usable, or the loss is no number.
    """
    from faceresearch.config import load_config, validate
    from faceresearch.engine import FaceRunner, settings

    cfg = load_config(config, overrides)
    validate(cfg, overrides)
    settings.prepare(cfg, work_dir)
    if amp:
        settings.use_mixed_precision(cfg)
    if auto_scale_lr:
        settings.scale_learning_rate(cfg)
    if resume:
        cfg['resume'] = resume
    if launcher != 'none':
        cfg['launcher'] = launcher
    with _terminated_as_interrupted():
        FaceRunner.for_training(cfg).train()
    return Path(cfg['work_dir'])


def train_sweep(
    tool: str | Path,
    config: str | Path,
    overrides: Sequence[str],
    work_dir: str | Path | None = None,
    jobs: int = 1,
    options: Sequence[str] = (),
) -> int:
    """Run a training for every combination of the values in ``overrides`` (``lr=0.1,0.01``).

    Args:
        tool: the script to run, tools/train.py.
        config: a config file, or the name of one in ``configs/``.
        overrides: with sweeps.
        work_dir: parent of the runs' work dirs; ``work_dirs/<config name>`` by default.
        jobs: trainings at a time.
        options: further arguments of the script.

    Returns:
        The exit status: 0 if all succeeded.

    Raises:
        UserError: an override does not fit the config.
    """
    from faceresearch.config import find_config, run_multirun

    folder = Path(work_dir) if work_dir else Path('work_dirs') / find_config(config).stem
    return run_multirun(tool, config, overrides, folder, jobs, options)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM unwind the program like Ctrl-C, so that no temporary file stays behind."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    try:
        previous = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread: signals are the caller's affair
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
