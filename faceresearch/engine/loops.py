"""Training loops that continue in the middle of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.dist import broadcast, get_world_size
from mmengine.model import is_model_wrapper
from mmengine.registry import LOOPS
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmengine.runner.base_loop import BaseLoop
from mmengine.runner.utils import calc_dynamic_intervals
from torch import nn
from torch.utils.data import DataLoader

from faceresearch.engine.random_state import random_state, restore_random_state
from faceresearch.engine.samplers import ResumableBatches, StreamSampler

#: Message hub entry: the last epoch (or iteration) after which the model was validated.
VALIDATED = 'last_validation'


def remaining_batches(dataloader: DataLoader, done: int) -> Iterator[tuple[int, Any]]:
    """Yield (number, batch) of an epoch without its first ``done`` batches, which are not loaded if that can be had."""
    if isinstance(dataloader.batch_sampler, ResumableBatches):
        dataloader.batch_sampler.skip(done)
        yield from enumerate(dataloader, done)
        return
    if isinstance(dataloader.sampler, StreamSampler):
        dataloader.sampler.skip(done)
        yield from enumerate(dataloader, done)
        return
    for number, batch in enumerate(dataloader):
        if number >= done:
            yield number, batch


@LOOPS.register_module()
class EpochLoop(EpochBasedTrainLoop):
    """Train for a number of epochs; used for ``train_cfg=dict(by_epoch=True, …)``.

    Differs from mmengine's in that an interrupted epoch continues where a checkpoint was taken, a validation that was
    due but interrupted is made up, and validation leaves the random generators as they were.
    """

    def run(self) -> nn.Module:
        """Train, and validate where due."""
        self.runner.call_hook('before_train')
        if self._epoch and self._iter == self._epoch * len(self.dataloader):
            self._validate_if_due()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate_if_due()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train for one epoch, or for what is left of it."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done = self._iter - self._epoch * len(self.dataloader)
        for number, batch in remaining_batches(self.dataloader, done):
            self.run_iter(number, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        last = self._epoch == self._max_epochs
        due = self._epoch >= self.val_begin and (self._epoch % self.val_interval == 0 or last)
        if due:
            validate_once(self.runner, self._epoch)


@LOOPS.register_module()
class IterLoop(IterBasedTrainLoop):
    """Train for a number of iterations; used for ``train_cfg=dict(by_epoch=False, …)``.

    Differs from mmengine's as :class:`EpochLoop` does; it goes through the data epoch by epoch.

    Args:
        runner: the runner.
        dataloader: training loader or its config.
        max_iters: iterations to train for.
        val_begin: first iteration to validate after.
        val_interval: iterations between validations.
        dynamic_intervals: (iteration, interval from there on) pairs.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader | dict[str, Any],
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
        dynamic_intervals: list[tuple[int, int]] | None = None,
    ) -> None:
        # Not mmengine's constructor: it would start the loader before it is known where to resume.
        BaseLoop.__init__(self, runner, dataloader)
        self._max_epochs = 1
        self._max_iters = int(max_iters)
        self._epoch = self._iter = 0
        self.val_begin = val_begin
        self.val_interval = val_interval
        self.stop_training = False
        runner.visualizer.dataset_meta = getattr(self.dataloader.dataset, 'metainfo', None)
        self.dynamic_milestones, self.dynamic_intervals = calc_dynamic_intervals(val_interval, dynamic_intervals)

    def run(self) -> nn.Module:
        """Train, and validate where due."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        if self._iter:
            self._validate_if_due()
        batches = self._endless()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(batches))
            self._validate_if_due()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _endless(self) -> Iterator[Any]:
        length = len(self.dataloader)
        while True:
            epoch, done = divmod(self._iter, length)
            if hasattr(self.dataloader.sampler, 'set_epoch'):
                self.dataloader.sampler.set_epoch(epoch)
            for _, batch in remaining_batches(self.dataloader, done):
                yield batch

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        last = self._iter == self._max_iters
        if self._iter >= self.val_begin and (self._iter % self.val_interval == 0 or last):
            validate_once(self.runner, self._iter)


def validate_once(runner: Any, now: int) -> None:
    """Validate unless that was done at this point before the training was interrupted."""
    if runner.val_loop is None or runner.message_hub.get_info(VALIDATED) == now:
        return
    state = random_state()
    if get_world_size() > 1:
        # Batch statistics differ between processes; those of the first one are saved, so they are the ones to judge.
        for buffer in runner.model.buffers():
            broadcast(buffer)
    runner.val_loop.run()
    restore_random_state(state)
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    model.train()
