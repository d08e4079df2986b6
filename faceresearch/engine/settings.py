"""Prepare a loaded config for the runner: scope, work dir, and what the command line asks for."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.config import Config

from faceresearch.compat.scope import infer_scope
from faceresearch.errors import UserError


def prepare(cfg: Config, work_dir: str | Path | None = None) -> None:
    """Fill in what a config may leave open, in place: scope and work dir; drop a log writer that is not installed.

    Args:
        cfg: a resolved config.
        work_dir: overrides the config's; the default is ``work_dirs/<config name>``.
    """
    cfg['default_scope'] = infer_scope(cfg)
    if work_dir is not None:
        cfg['work_dir'] = str(work_dir)
    else:
        cfg['work_dir'] = str(default_work_dir(cfg))
    visualizer = cfg.get('visualizer')
    if visualizer and find_spec('tensorboard') is None:
        visualizer['vis_backends'] = [b for b in visualizer.get('vis_backends') or [] if 'Tensorboard' not in b['type']]


def config_name(cfg: Config) -> str:
    """Return the name of a config: its file's, without folder and suffix."""
    return Path(cfg.filename).stem if cfg.filename else 'config'


def default_work_dir(cfg: Config) -> Path:
    """Return the work dir of a config that names none."""
    return Path(cfg.get('work_dir') or Path('work_dirs') / config_name(cfg))


def use_mixed_precision(cfg: Config) -> None:
    """Make the forward pass run in half precision: bfloat16 on the CPU, float16 on a GPU.

    Raises:
        UserError: the config has an optimiser wrapper that cannot.
    """
    wrapper: dict[str, Any] = cfg.get('optim_wrapper') or {}
    kind = wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise UserError(f'--amp: optim_wrapper.type is {kind!r}; mixed precision needs OptimWrapper')
    wrapper['type'] = 'AmpOptimWrapper'


def scale_learning_rate(cfg: Config) -> None:
    """Scale the learning rate by batch size over the batch size it was chosen for.

    Raises:
        UserError: the config does not say what batch size that is.
    """
    base = (cfg.get('auto_scale_lr') or {}).get('base_batch_size')
    if not base:
        raise UserError(
            '--auto-scale-lr: the config does not say what batch size its learning rate was chosen for; add'
            ' ++auto_scale_lr.base_batch_size=N'
        )
    cfg['auto_scale_lr'] = {'enable': True, 'base_batch_size': base}
