"""Save and restore the whole state of a training."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mmengine
import torch
from mmengine.dist import all_gather_object, get_rank, get_world_size, is_main_process
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, _ParamScheduler
from torch import nn

from faceresearch import __version__
from faceresearch.compat.message_hub import hub_to_plain
from faceresearch.config import format_config
from faceresearch.engine.loops import IterLoop
from faceresearch.engine.random_state import random_state, restore_random_state
from faceresearch.engine.samplers import EpochSampler
from faceresearch.engine.sharded_optim import sharded_parameters
from faceresearch.engine.training_checkpoint import (
    CheckpointError,
    candidates,
    check_same_model,
    read_state,
    write_training_checkpoint,
)
from faceresearch.engine.training_only import (
    gather_optimizer,
    mismatches,
    restore_training_only,
    share_optimizer,
    training_only_state,
)
from faceresearch.engine.weights import load_initial_weights
from faceresearch.zoo.checkpoint import read_training_checkpoint

if TYPE_CHECKING:
    from mmengine.runner import Runner as _Base
else:
    _Base = object

#: Attributes of mmengine's schedulers that change while a training runs.
_PROGRESS = frozenset(
    ['last_step', '_global_step', '_last_value', 'base_values', 'best', 'num_bad_epochs', 'cooldown_counter']
)
_KNOWN_SCHEDULERS = frozenset(['mmengine', 'mmdet', 'mmpose'])


class ResumeMixin(_Base):
    """The part of :class:`~faceresearch.engine.runner.FaceRunner` that saves and restores training states."""

    #: (epoch, iteration) of the state saved last.
    last_saved: tuple[int, int] | None = None
    _found: tuple[Path, dict[str, Any]] | None = None
    _resume: bool | str
    _has_loaded: bool

    @property
    def bare_model(self) -> nn.Module:
        """The model without the wrapper of distributed training."""
        return self.model.module if is_model_wrapper(self.model) else self.model

    def save_training_checkpoint(self, name: str, epoch: int, iteration: int) -> None:
        """Write all that the training needs to go on as if it had never stopped.

        Args:
            name: file name in the work dir.
            epoch: epochs that will be done when the training goes on from here.
            iteration: iterations that will be done then.
        """
        states = all_gather_object(random_state())
        gradients = all_gather_object(_pending_gradients(self))
        training_only = training_only_state(self.bare_model)
        optimizer = gather_optimizer(self.optim_wrapper, self.bare_model)
        if not is_main_process():
            return
        loader = self.train_dataloader
        checkpoint: dict[str, Any] = {
            'meta': {
                'epoch': epoch,
                'iter': iteration,
                'batches_per_epoch': len(loader),
                'seed': self.seed,
                'world_size': get_world_size(),
                'config': format_config(self.cfg),
                'experiment_name': self.experiment_name,
                'time': time.strftime('%Y%m%d_%H%M%S'),
                'mmengine_version': mmengine.__version__,
                'faceresearch_version': __version__,
            },
            'state_dict': dict(self.bare_model.state_dict()),
            'message_hub': hub_to_plain(self.message_hub),
            'training_only': training_only,
            'optimizer': optimizer,
            'param_schedulers': _scheduler_states(self.param_schedulers),
            'random_state': states,
            'gradients': gradients,
        }
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        write_training_checkpoint(Path(self.work_dir) / name, checkpoint)

    def _init_model_weights(self) -> None:
        """Find out whether there is something to resume, and initialise the weights if not."""
        self._found = None
        if self._resume:
            self._found = self._checkpoint_to_resume()
            if self._found is None:
                self.logger.info(f'Nothing to resume in {self.work_dir}: training starts from the beginning')
                # Hooks ask this to tell a resumed training from a new one.
                self._resume = False
        elif candidates(Path(self.work_dir)):
            self.logger.warning(f'{self.work_dir} has checkpoints of an earlier run, which --resume would continue')
        if self._found is None:
            super()._init_model_weights()

    def load_or_resume(self) -> None:
        """Resume (``resume=True``: from the work dir, or a path), or load ``load_from``, or do neither."""
        if self._has_loaded:
            return
        if self._found is not None:
            self._restore(*self._found)
        elif self._load_from:
            load_initial_weights(self.bare_model, str(self._load_from), self.logger)
            self._load_training_only(Path(str(self._load_from)))
        self._found, self._has_loaded = None, True

    def _load_training_only(self, path: Path) -> None:
        """Take class centres over too, if the weights come from a training checkpoint with the same classes."""
        if not sharded_parameters(self.bare_model) or path.suffix != '.pth':
            return
        state = read_training_checkpoint(path).get('training_only') or {}
        problems = mismatches(self.bare_model, state)
        if problems:
            self.logger.warning(f'Class centres start anew: {path} has others ({problems[0]})')
            return
        restore_training_only(self.bare_model, state, path)
        self.logger.info(f'Class centres are taken from {path} too')

    def _checkpoint_to_resume(self) -> tuple[Path, dict[str, Any]] | None:
        """Return the checkpoint that was asked for, or the newest in the work dir that can be read."""
        if not isinstance(self._resume, bool):
            path = Path(str(self._resume))
            return path, read_state(path)
        problems = []
        for path in candidates(Path(self.work_dir)):
            try:
                return path, read_state(path)
            except CheckpointError as error:
                self.logger.warning(f'{error}; trying the one before')
                problems.append(error)
        if problems:
            raise CheckpointError(
                f'none of the {len(problems)} checkpoints in {self.work_dir} can be used ({problems[0]}); remove them to'
                ' start from the beginning'
            )
        return None

    def _restore(self, path: Path, checkpoint: dict[str, Any]) -> None:
        meta = checkpoint['meta']
        model = self.bare_model
        check_same_model(path, checkpoint['state_dict'], model.state_dict())
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        model.load_state_dict(checkpoint['state_dict'], strict=True)
        restore_training_only(model, checkpoint.get('training_only') or {}, path)
        self._restore_seed(meta['seed'])
        self._restore_position(meta)
        self.message_hub.load_state_dict(checkpoint['message_hub'])
        self.optim_wrapper.load_state_dict(share_optimizer(self.optim_wrapper, model, checkpoint['optimizer']))
        _restore_schedulers(self.param_schedulers, checkpoint['param_schedulers'])
        rank, states, gradients = get_rank(), checkpoint['random_state'], checkpoint['gradients']
        if len(states) == get_world_size():
            _restore_gradients(model, gradients[rank])
        elif any(gradients):
            self.logger.warning(f'{path} is of {len(states)} processes: gradients that waited for a step are lost')
        if rank < len(states):
            restore_random_state(states[rank])
        if len(states) != get_world_size():
            self.logger.warning(
                f'{path} is of {len(states)} processes, not {get_world_size()}: losses will differ unless the batch of all'
                ' processes together is the same and nothing depends on the part of it that a process has (batch'
                ' statistics, dropout)'
            )
        self.logger.info(f'Resumed from {path}: {meta["epoch"]} epochs and {meta["iter"]} iterations are done')

    def _restore_seed(self, seed: int) -> None:
        if seed == self.seed:
            return
        if self._randomness_cfg.get('seed') is not None:
            self.logger.warning(f'Seed {seed} of the checkpoint is used, not {self.seed} of the config')
        dataset, sampler = self.train_dataloader.dataset, self.train_dataloader.sampler
        if isinstance(sampler, EpochSampler) and sampler.seed == self.seed:
            sampler.seed = seed
        if getattr(dataset, 'seed', None) == self.seed:
            dataset.seed = seed
        self._seed = seed

    def _restore_position(self, meta: dict[str, Any]) -> None:
        loop, length = self.train_loop, len(self.train_dataloader)
        epoch, iteration = meta['epoch'], meta['iter']
        if length != meta['batches_per_epoch'] and not isinstance(loop, IterLoop):
            self.logger.warning(
                f'An epoch had {meta["batches_per_epoch"]} batches and has {length} now: resuming at the start of'
                f' epoch {epoch + 1}, losses will differ'
            )
            iteration = epoch * length
        loop._epoch, loop._iter = epoch, iteration
        self.last_saved = (epoch, iteration)


def _pending_gradients(runner: Any) -> dict[str, torch.Tensor]:
    """Return gradients that are added up for a step still to come."""
    wrapper = runner.optim_wrapper
    if not isinstance(wrapper, OptimWrapper) or wrapper.inner_count % wrapper._accumulative_counts == 0:
        return {}
    return {name: p.grad.cpu() for name, p in runner.bare_model.named_parameters() if p.grad is not None}


def _restore_gradients(model: torch.nn.Module, gradients: dict[str, torch.Tensor]) -> None:
    for name, parameter in model.named_parameters():
        if name in gradients:
            parameter.grad = gradients[name].to(device=parameter.device, dtype=parameter.dtype)


def _scheduler_states(schedulers: Any) -> Any:
    if isinstance(schedulers, dict):
        return {name: _scheduler_states(group) for name, group in schedulers.items()}
    return [_progress(scheduler) for scheduler in schedulers or []]


def _progress(scheduler: Any) -> dict[str, Any]:
    """Return how far a schedule has come; what the config says of it is left to the config it is resumed with.

    mmengine stores milestones and ends too, so that a training that is continued for more epochs keeps the old end.
    """
    state = scheduler.state_dict()
    if type(scheduler).__module__.split('.')[0] not in _KNOWN_SCHEDULERS:
        return state
    return {key: value for key, value in state.items() if key in _PROGRESS}


def _restore_schedulers(schedulers: Any, states: Any) -> None:
    if isinstance(schedulers, dict):
        for name, group in schedulers.items():
            _restore_schedulers(group, states[name])
        return
    for scheduler, state in zip(schedulers or [], states):
        scheduler.load_state_dict(state)
        if type(scheduler).step is _ParamScheduler.step:
            _catch_up(scheduler)


def _catch_up(scheduler: _ParamScheduler) -> None:
    """Take the steps that a schedule skipped because it ended with a training that is now continued for longer."""
    missed = min(scheduler._global_step, scheduler.end - 1) - scheduler.begin - scheduler.last_step
    if missed > 0:
        scheduler._global_step -= missed
        with warnings.catch_warnings():
            # The new optimiser has made no step yet; the stored one has.
            warnings.simplefilter('ignore', UserWarning)
            for _ in range(missed):
                scheduler.step()
