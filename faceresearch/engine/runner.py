"""mmengine's Runner with our loops, loaders, threads and checkpoints."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import master_only
from mmengine.hooks import Hook, LoggerHook
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn
from torch.utils.data import DataLoader

from faceresearch.config import dump_config, format_config
from faceresearch.engine.checkpoint_hook import translate_checkpoint_hook
from faceresearch.engine.dataloader import build_dataloader
from faceresearch.engine.loops import IterLoop
from faceresearch.engine.progress import ProgressHook
from faceresearch.engine.resume import ResumeMixin
from faceresearch.engine.settings import config_name
from faceresearch.engine.sharded_optim import keep_out_of_averaging, prepare_optimizer, sharded_parameters
from faceresearch.engine.threads import effective_workers, join_cpu_processes, set_threads
from faceresearch.engine.weights import write_weights
from faceresearch.errors import UserError
from faceresearch.registry import HOOKS

_LOOPS = {'EpochBasedTrainLoop': 'EpochLoop', 'IterBasedTrainLoop': 'IterLoop'}
_DEFAULT_HOOKS: dict[str, dict[str, Any]] = {
    'checkpoint': {'type': 'SafeCheckpointHook'},
    'non_finite': {'type': 'NonFiniteLossHook'},
    'replaced_images': {'type': 'ReplacedImagesHook'},
    'progress': {'type': 'ProgressHook'},
}


class _ReadableConfig(Config):
    """A config that mmengine's log, dump and writers print in our form; mmengine's own takes half a second each time."""

    @property
    def pretty_text(self) -> str:
        """The config as Python text."""
        return format_config(self)


class FaceRunner(ResumeMixin, Runner):
    """Trains or tests a model described by a config: :meth:`for_training`, :meth:`for_test`.

    On top of mmengine's Runner: training continues exactly where a checkpoint was taken, checkpoints load with nothing
    allowed, threads suit the machine, the dumped config trains again, and processes without GPUs can work together.
    """

    _used_names: set[str] = set()
    _timestamp: str

    @classmethod
    def for_training(cls, cfg: Config) -> FaceRunner:
        """Build a runner that trains, and validates if the config says on what.

        Raises:
            UserError: a part of the config is missing.
        """
        _require(cfg, ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'), 'it cannot be trained with')
        parts = {key: cfg[key] for key in ('train_dataloader', 'train_cfg', 'optim_wrapper')}
        _check_length(cfg)
        parts.update({key: cfg.get(key) for key in ('param_scheduler', 'auto_scale_lr', 'load_from')})
        if cfg.get('val_dataloader') and cfg.get('val_evaluator'):
            parts.update({key: cfg[key] for key in ('val_dataloader', 'val_evaluator')})
            parts['val_cfg'] = cfg.get('val_cfg') or {'type': 'ValLoop'}
        return cls._from_parts(cfg, resume=cfg.get('resume') or False, **parts)

    @classmethod
    def for_test(cls, cfg: Config) -> FaceRunner:
        """Build a runner that tests; nothing of the training is built.

        Raises:
            UserError: a part of the config is missing.
        """
        from faceresearch.models.recognizers import without_head

        _require(cfg, ('model', 'test_dataloader', 'test_evaluator'), 'it cannot be tested with; see --benchmark')
        return cls._from_parts(
            cfg,
            model=without_head(cfg['model']),
            test_dataloader=cfg['test_dataloader'],
            test_evaluator=cfg['test_evaluator'],
            test_cfg=cfg.get('test_cfg') or {'type': 'TestLoop'},
        )

    @classmethod
    def _from_parts(cls, cfg: Config, **parts: Any) -> FaceRunner:
        readable = _ReadableConfig(cfg._cfg_dict, cfg_text=cfg.text, filename=cfg.filename)
        shared = ('custom_hooks', 'data_preprocessor', 'log_processor', 'visualizer', 'experiment_name')
        with building('model, hooks or log'):
            return cls(
                work_dir=cfg['work_dir'],
                default_hooks=copy.deepcopy(cfg.get('default_hooks')),
                launcher=cfg.get('launcher') or 'none',
                env_cfg=cfg.get('env_cfg') or {'dist_cfg': {'backend': 'nccl'}},
                log_level=cfg.get('log_level') or 'INFO',
                default_scope=cfg['default_scope'],
                randomness=dict(cfg.get('randomness') or {'seed': 0}),
                cfg=readable,
                **{key: copy.deepcopy(cfg.get(key)) for key in shared},
                **copy.deepcopy({'model': cfg['model'], **parts}),
            )

    def train(self) -> nn.Module:
        """Train, and leave the terminal as it was found whatever happens."""
        try:
            return super().train()
        finally:
            self._stop_bars()

    def test(self) -> dict[str, Any]:
        """Test, and leave the terminal as it was found whatever happens."""
        try:
            return super().test()
        finally:
            self._stop_bars()

    def _stop_bars(self) -> None:
        for hook in self._hooks:
            if isinstance(hook, ProgressHook):
                hook.stop()

    def setup_env(self, env_cfg: dict[str, Any]) -> None:
        """Set processes and threads."""
        if self._launcher != 'none' and not torch.cuda.is_available():
            join_cpu_processes()
        super().setup_env(env_cfg)
        self._thread_note = set_threads(self._loader_workers())
        # mmengine names logger and message hub by the second: two runs of one process must not share them.
        name, number = self._timestamp, 1
        while self._timestamp in FaceRunner._used_names:
            number += 1
            self._timestamp = f'{name}_{number}'
        FaceRunner._used_names.add(self._timestamp)

    def _loader_workers(self) -> int:
        loader = self._train_dataloader if self._train_dataloader is not None else self._test_dataloader
        wanted = loader.num_workers if isinstance(loader, DataLoader) else loader.get('num_workers')
        return effective_workers(wanted) if isinstance(wanted, int) else 0

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        super()._log_env(env_cfg)
        self.logger.info(self._thread_note)

    def wrap_model(self, model_wrapper_cfg: dict[str, Any] | None, model: nn.Module) -> nn.Module:
        """Move the model to its device and wrap it if several processes train together."""
        keep_out_of_averaging(model)
        if self.distributed and model_wrapper_cfg is None and not torch.cuda.is_available():
            unused = self.cfg.get('find_unused_parameters', False)
            return MMDistributedDataParallel(module=model, broadcast_buffers=False, find_unused_parameters=unused)
        return super().wrap_model(model_wrapper_cfg, model)

    build_dataloader = staticmethod(build_dataloader)

    def get_hooks_info(self) -> str:
        """List the hooks for the log, in the order in which they are called."""
        return ', '.join(type(hook).__name__ for hook in self._hooks)

    def build_train_loop(self, loop: BaseLoop | dict[str, Any]) -> BaseLoop:
        """Build our loop where the config asks for mmengine's."""
        if isinstance(loop, dict):
            loop = dict(loop)
            default = 'EpochBasedTrainLoop' if loop.pop('by_epoch', 'max_epochs' in loop) else 'IterBasedTrainLoop'
            kind = loop.get('type', default)
            loop['type'] = _LOOPS.get(kind, kind) if isinstance(kind, str) else kind
        with building('train_dataloader or train_cfg'):
            built = super().build_train_loop(loop)
        if isinstance(built, IterLoop):
            self.log_processor.by_epoch = False
            for hook in self._hooks:
                if isinstance(hook, LoggerHook):
                    hook.log_metric_by_epoch = False
        return built

    def build_val_loop(self, loop: BaseLoop | dict[str, Any]) -> BaseLoop:
        """Build the validation loop with its data."""
        with building('val_dataloader, val_evaluator or val_cfg'):
            return super().build_val_loop(loop)

    def build_test_loop(self, loop: BaseLoop | dict[str, Any]) -> BaseLoop:
        """Build the test loop with its data."""
        with building('test_dataloader, test_evaluator or test_cfg'):
            return super().build_test_loop(loop)

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """Build the optimiser in its wrapper."""
        sharded = self.distributed and sharded_parameters(self.bare_model)
        if sharded and isinstance(optim_wrapper, dict) and optim_wrapper.get('type') == 'AmpOptimWrapper':
            # Its scaler lets all processes know of an overflow in one's shard, so that all leave out the step.
            optim_wrapper = {**optim_wrapper, 'use_fsdp': True}
        with building('optim_wrapper'):
            wrapper = super().build_optim_wrapper(optim_wrapper)
        if isinstance(wrapper, OptimWrapper):
            prepare_optimizer(wrapper, self.bare_model)
        return wrapper

    def build_param_scheduler(self, scheduler: Any) -> Any:
        """Build the schedules of learning rate and momentum."""
        with building('param_scheduler'):
            return super().build_param_scheduler(scheduler)

    def register_default_hooks(self, hooks: dict[str, Any] | None = None) -> None:
        """Register the default hooks; ours are added where the config is silent, None removes one."""
        chosen: dict[str, Any] = {**_DEFAULT_HOOKS, **(hooks or {})}
        for name in [name for name, hook in chosen.items() if hook is None and name in _DEFAULT_HOOKS]:
            del chosen[name]
            if name == 'checkpoint':
                chosen[name] = None
        super().register_default_hooks(chosen)

    def register_hook(self, hook: Hook | dict[str, Any], priority: Any = None) -> None:
        """Register a hook; ours are found whatever the config's default scope is."""
        if isinstance(hook, dict):
            hook = translate_checkpoint_hook(dict(hook))
            kind = hook.get('type')
            if isinstance(kind, str) and kind in HOOKS.module_dict:
                hook['type'] = f'faceresearch.{kind}'
        super().register_hook(hook, priority)

    @master_only
    def save_weights(self, name: str, metrics: dict[str, Any]) -> None:
        """Write the model's weights (the averaged ones, if the training averages) to the work dir.

        Args:
            name: file name, ``….safetensors``.
            metrics: figures to store with them.
        """
        checkpoint: dict[str, Any] = {'state_dict': dict(self.bare_model.state_dict())}
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        write_weights(Path(self.work_dir) / name, checkpoint['state_dict'], self.cfg, metrics, self.epoch, self.iter)

    def dump_config(self) -> None:
        """Nothing yet: a config that turns out not to fit the checkpoint must not replace the one in the work dir."""

    def load_or_resume(self) -> None:
        """Load what the config asks for, and write the config."""
        super().load_or_resume()
        self._write_config()

    @master_only
    def _write_config(self) -> None:
        """Write the resolved config, which trains again as it is: to the work dir, or for a test to its log folder."""
        cfg = Config(self.cfg.to_dict())
        cfg['resume'] = False
        cfg['launcher'] = 'none'
        folder = Path(self.work_dir if self._train_loop is not None else self.log_dir)
        dump_config(cfg, folder / f'{config_name(self.cfg)}.py')


@contextmanager
def building(part: str) -> Iterator[None]:
    """Turn what a component says of an argument it cannot take into an error that names the part of the config."""
    try:
        yield
    except UserError:
        raise
    except (TypeError, ValueError, AssertionError, KeyError, AttributeError) as error:
        reason = str(error.args[0] if error.args else '').strip().split('\n')[0] or type(error).__name__
        raise UserError(f'{part}: {reason} (--debug shows where)') from error


def _check_length(cfg: Config) -> None:
    length = cfg['train_cfg'].get('max_epochs', cfg['train_cfg'].get('max_iters'))
    if not isinstance(length, int) or length < 1:
        raise UserError(
            f'{cfg.filename or "config"}: train_cfg needs max_epochs or max_iters, at least 1; it has {length}'
        )
    interval = cfg['train_cfg'].get('val_interval', 1)
    if not isinstance(interval, int) or interval < 1:
        raise UserError(f'{cfg.filename or "config"}: train_cfg.val_interval must be at least 1, not {interval}')


def _require(cfg: Config, keys: tuple[str, ...], consequence: str) -> None:
    missing = [key for key in keys if not cfg.get(key)]
    if missing:
        raise UserError(f'{cfg.filename or "config"} has no {" and no ".join(missing)}, so {consequence}')
