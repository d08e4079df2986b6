"""Prepare a loaded config for the runner: scope, work dir, and what the command line asks for."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.config import Config

from faceresearch.compat.scope import infer_scope
from faceresearch.errors import UserError


def prepare(cfg: Config, work_dir: str | Path | None = None) -> None:
    """Fill in what a config may leave open, in place: scope, work dir, seed, progress, absent log writers.

    Args:
        cfg: a resolved config.
        work_dir: overrides the config's; the default is ``work_dirs/<config name>``.
    """
    cfg['default_scope'] = infer_scope(cfg)
    if work_dir is not None:
        cfg['work_dir'] = str(work_dir)
    elif not cfg.get('work_dir'):
        cfg['work_dir'] = str(Path('work_dirs') / (Path(cfg.filename).stem if cfg.filename else 'run'))
    if cfg.get('randomness') is None:
        cfg['randomness'] = {'seed': 0}
    if cfg.get('env_cfg') is None:
        cfg['env_cfg'] = {'dist_cfg': {'backend': 'nccl'}}
    visualizer = cfg.get('visualizer')
    if visualizer and find_spec('tensorboard') is None:
        visualizer['vis_backends'] = [b for b in visualizer.get('vis_backends') or [] if 'Tensorboard' not in b['type']]


def use_mixed_precision(cfg: Config) -> None:
    """Make the forward pass run in half precision: bfloat16 on the CPU, float16 on a GPU.

    Raises:
        UserError: the config has an optimiser wrapper that cannot.
    """
    wrapper = _wrapper(cfg, '--amp')
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
        raise UserError('--auto-scale-lr: the config has no auto_scale_lr.base_batch_size; add ++auto_scale_lr.base_batch_size=N')
    cfg['auto_scale_lr'] = {'enable': True, 'base_batch_size': base}


def _wrapper(cfg: Config, flag: str) -> dict[str, Any]:
    wrapper = cfg.get('optim_wrapper')
    if not wrapper:
        raise UserError(f'{flag}: the config has no optim_wrapper')
    return wrapper


def keep_for_training(cfg: Config) -> None:
    """Drop the test set: it is not built during training.

    Raises:
        UserError: the config lacks a part that training needs.
    """
    for key in ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'):
        if not cfg.get(key):
            raise UserError(f'{cfg.filename}: has no {key}, so it cannot be trained with')


def keep_for_test(cfg: Config) -> None:
    """Drop the training and validation parts, in place.

    Raises:
        UserError: the config lacks a part that testing needs.
    """
    for key in ('model', 'test_dataloader', 'test_evaluator'):
        if not cfg.get(key):
            raise UserError(f'{cfg.filename}: has no {key}, so it cannot be tested with; use --benchmark')
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler', 'auto_scale_lr', 'val_dataloader', 'val_cfg', 'val_evaluator', 'load_from'):
        cfg[key] = None
    cfg['resume'] = False
    if cfg.get('test_cfg') is None:
        cfg['test_cfg'] = {'type': 'TestLoop'}
