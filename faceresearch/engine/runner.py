"""mmengine's Runner with our loops, loaders, threads and checkpoints."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import get_rank, is_main_process, master_only
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel, is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn
from torch.utils.data import DataLoader

from faceresearch.config import dump_config
from faceresearch.engine.checkpoint_hook import translate_checkpoint_hook
from faceresearch.engine.dataloader import build_dataloader
from faceresearch.engine.resume import ResumeMixin
from faceresearch.engine.threads import set_threads
from faceresearch.engine.weights import load_initial_weights, write_weights
from faceresearch.registry import HOOKS

_LOOPS = {'EpochBasedTrainLoop': 'EpochLoop', 'IterBasedTrainLoop': 'IterLoop'}
_DEFAULT_HOOKS: dict[str, dict[str, Any]] = {
    'checkpoint': {'type': 'SafeCheckpointHook'},
    'non_finite': {'type': 'NonFiniteLossHook'},
    'replaced_images': {'type': 'ReplacedImagesHook'},
    'progress': {'type': 'ProgressHook'},
}


class FaceRunner(ResumeMixin, Runner):
    """Trains and tests a model described by a config.

    On top of mmengine's Runner: training continues exactly where a checkpoint was taken, checkpoints load with nothing
    allowed, threads suit the machine, a folder is dumped to that trains again, and processes without GPUs can work
    together. Built with ``FaceRunner.from_cfg(cfg)``.
    """

    _used_names: set[str] = set()

    def setup_env(self, env_cfg: dict[str, Any]) -> None:
        """Set threads, processes and seeds."""
        env_cfg = dict(env_cfg)
        if self._launcher != 'none' and not torch.cuda.is_available():
            _join_cpu_processes()
        super().setup_env(env_cfg)
        loader = self._train_dataloader if self._train_dataloader is not None else self._test_dataloader
        workers = loader.num_workers if isinstance(loader, DataLoader) else (loader or {}).get('num_workers', 0)
        self._thread_note = set_threads(workers)
        # mmengine names logger and message hub by the second: two runs of one process must not share them.
        name, number = self._timestamp, 1
        while self._timestamp in FaceRunner._used_names:
            number += 1
            self._timestamp = f'{name}_{number}'
        FaceRunner._used_names.add(self._timestamp)

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        super()._log_env(env_cfg)
        self.logger.info(self._thread_note)

    def wrap_model(self, model_wrapper_cfg: dict[str, Any] | None, model: nn.Module) -> nn.Module:
        """Move the model to its device and wrap it if several processes train together."""
        if self.distributed and model_wrapper_cfg is None and not torch.cuda.is_available():
            unused = self.cfg.get('find_unused_parameters', False)
            return MMDistributedDataParallel(module=model, broadcast_buffers=False, find_unused_parameters=unused)
        return super().wrap_model(model_wrapper_cfg, model)

    build_dataloader = staticmethod(build_dataloader)

    def build_train_loop(self, loop: BaseLoop | dict[str, Any]) -> BaseLoop:
        """Build our loop where the config asks for mmengine's."""
        if isinstance(loop, dict):
            loop = dict(loop)
            kind = loop.get('type')
            if 'by_epoch' in loop and kind is None:
                kind = 'EpochBasedTrainLoop' if loop.pop('by_epoch') else 'IterBasedTrainLoop'
            loop['type'] = _LOOPS.get(kind, kind) if isinstance(kind, str) else kind
        return super().build_train_loop(loop)

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

    @property
    def bare_model(self) -> nn.Module:
        """The model without the wrapper of distributed training."""
        return self.model.module if is_model_wrapper(self.model) else self.model

    def load_initial_weights(self, source: str) -> None:
        """Load ``load_from`` into the model, to train on from it."""
        load_initial_weights(self.bare_model, source, self.logger)
        self._has_loaded = True

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

    @master_only
    def dump_config(self) -> None:
        """Write the resolved config, which trains again as it is: to the work dir, or for a test to its log folder."""
        cfg = Config(self.cfg.to_dict())
        cfg['resume'] = False
        cfg['launcher'] = 'none'
        folder = Path(self.work_dir if self._train_loop is not None else self.log_dir)
        name = Path(self.cfg.filename).stem if self.cfg.filename else 'config'
        dump_config(cfg, folder / f'{name}.py')


def _join_cpu_processes() -> None:
    """Join the process group with gloo: mmengine's own set-up assumes a GPU."""
    if not torch.distributed.is_initialized() and 'RANK' in os.environ:
        torch.distributed.init_process_group(backend='gloo')
