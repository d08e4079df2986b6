"""Progress bars on a terminal, and nothing anywhere else."""

from __future__ import annotations

import logging
import sys
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from faceresearch.engine.loops import IterLoop
from faceresearch.registry import HOOKS


@HOOKS.register_module()
class ProgressHook(Hook):
    """Show a bar for the training epoch, the validation or the test; log lines scroll above it.

    Quiet when the output is no terminal, and in all processes but the first.

    Args:
        enabled: False never shows bars.
    """

    priority = 'LOWEST'

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._redirected: list[tuple[logging.StreamHandler, Any]] = []

    def before_train_epoch(self, runner: Any) -> None:
        """Start the bar of an epoch."""
        loop = runner.train_loop
        if not isinstance(loop, IterLoop):
            done = runner.iter - runner.epoch * len(loop.dataloader)
            self._start(runner, f'epoch {runner.epoch + 1}/{runner.max_epochs}', len(loop.dataloader), done)
        else:
            self._start(runner, 'training', runner.max_iters, runner.iter)

    def before_val_epoch(self, runner: Any) -> None:
        """Start the bar of a validation."""
        self._start(runner, 'validation', len(runner.val_dataloader))

    def before_test_epoch(self, runner: Any) -> None:
        """Start the bar of a test."""
        self._start(runner, 'test', len(runner.test_dataloader))

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Advance, and show the loss."""
        loss = outputs.get('loss') if isinstance(outputs, dict) else None
        self._advance('' if loss is None or self._progress is None else f'loss {float(loss.detach()):.4f}')

    def after_val_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Advance."""
        self._advance('')

    def after_test_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Advance."""
        self._advance('')

    def after_train_epoch(self, runner: Any) -> None:
        """Remove the bar."""
        self.stop()

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Remove the bar."""
        self.stop()

    def after_test_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Remove the bar."""
        self.stop()

    def _start(self, runner: Any, name: str, total: int, done: int = 0) -> None:
        self.stop()
        console = Console(file=sys.stdout)
        if not (self.enabled and is_main_process() and console.is_terminal):
            return
        columns = (
            TextColumn('{task.description}'),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn('{task.fields[note]}'),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(name, total=total, completed=done, note='')
        self._progress.start()
        # While a bar is shown, lines must be printed through it: sys.stdout is rich's then.
        for handler in runner.logger.handlers:
            if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
                self._redirected.append((handler, handler.setStream(sys.stdout)))

    def _advance(self, note: str) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=1, note=note)

    def stop(self) -> None:
        """Remove the bar, if there is one, and give the log its stream back."""
        for handler, stream in self._redirected:
            if stream is not None:
                handler.setStream(stream)
        self._redirected = []
        if self._progress is not None:
            self._progress.stop()
        self._progress = self._task = None
