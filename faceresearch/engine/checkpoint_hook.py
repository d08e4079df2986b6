"""When training states and weights are saved."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from faceresearch.engine.loops import VALIDATED, EpochLoop, IterLoop
from faceresearch.engine.training_checkpoint import by_age, remove_leftovers, write_pointer
from faceresearch.engine.weights import flat_metrics
from faceresearch.errors import UserError, did_you_mean
from faceresearch.registry import HOOKS

#: Message hub entry: figures of the last validation.
LAST_METRICS = 'last_metrics'
#: Metrics of which less is better, by the last part of their key without ``@…``.
LESS_IS_BETTER = frozenset(
    {'loss', 'nme', 'mae', 'mse', 'rmse', 'error', 'accuracy_std'}
    | {'fr', 'far', 'frr', 'fnr', 'fpr', 'apcer', 'bpcer', 'acer', 'hter', 'eer', 'riapar'}
)


def less_is_better(key: str) -> bool:
    """Tell from a metric's key (``landmark/nme``, ``spoof/eer``, ``landmark/fr@0.1``) whether less of it is better."""
    name = key.split('/')[-1].split('@')[0].lower()
    return name in LESS_IS_BETTER or name.endswith(('_loss', '_mae', '_nme', '_error'))


@HOOKS.register_module()
class SafeCheckpointHook(Hook):
    """Save the whole state of the training at intervals, and the weights of the best and the last model.

    ``epoch_N.pth`` or ``iter_N.pth`` hold all that a run needs to continue as if it had never stopped, as plain values
    and tensors; each appears whole or not at all. ``best.safetensors`` and ``last.safetensors`` hold weights (averaged
    ones, where the training averages) with config, input contract and metrics: tools/test.py takes them.

    Args:
        interval: epochs, or iterations, between states.
        by_epoch: count epochs; False counts iterations, also inside an epoch.
        max_keep_ckpts: delete all but this many newest states; −1 keeps all.
        save_last: also save the state at the end.
        save_best: key of a metric (``widerface/hard_ap``), ``'auto'`` for the first one, None for no best model.
        rule: whether ``greater`` or ``less`` is better; None tells by the key.

    Raises:
        UserError: an argument has no meaning, or the validation has no metric of this name.
    """

    # After all hooks that change what is saved: schedulers, averages.
    priority = 'VERY_LOW'

    def __init__(
        self,
        interval: int = 1,
        by_epoch: bool = True,
        max_keep_ckpts: int = 2,
        save_last: bool = True,
        save_best: str | None = None,
        rule: Literal['greater', 'less'] | None = None,
    ) -> None:
        if rule not in (None, 'greater', 'less'):
            raise UserError(f"SafeCheckpointHook: rule must be 'greater', 'less' or None, not {rule!r}")
        if max_keep_ckpts == 0:
            raise UserError('SafeCheckpointHook: max_keep_ckpts=0 would keep no state; use -1 to keep all')
        self.interval = interval
        self.by_epoch = by_epoch
        self.max_keep_ckpts = max_keep_ckpts
        self.save_last = save_last
        self.save_best = save_best
        self.rule = rule
        self._due_after_epoch = False

    def before_train(self, runner: Any) -> None:
        """Tidy up after a killed run."""
        if is_main_process():
            remove_leftovers(Path(runner.work_dir))
        if self.by_epoch and isinstance(runner.train_loop, IterLoop):
            self.by_epoch = False
            self.interval *= len(runner.train_dataloader)
        period = f'every {self.interval} {"epochs" if self.by_epoch else "iterations"}' if self.interval > 0 else 'none'
        runner.logger.info(f'Checkpoints go to {runner.work_dir} ({period})')

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Save every ``interval`` iterations."""
        due = self.every_n_train_iters(runner, self.interval) or (self.save_last and self.is_last_train_iter(runner))
        if self.by_epoch or not due:
            return
        if isinstance(runner.train_loop, EpochLoop) and self.end_of_epoch(runner.train_dataloader, batch_idx):
            # Schedulers that count epochs have not moved on yet.
            self._due_after_epoch = True
        else:
            self._save(runner, runner.epoch, runner.iter + 1)

    def after_train_epoch(self, runner: Any) -> None:
        """Save every ``interval`` epochs."""
        if isinstance(runner.train_loop, IterLoop):
            return
        due = self._due_after_epoch
        if self.by_epoch:
            due = self.every_n_epochs(runner, self.interval) or (self.save_last and self.is_last_train_epoch(runner))
        self._due_after_epoch = False
        if due:
            self._save(runner, runner.epoch + 1, runner.iter)

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Save the weights if they are the best, and note that this validation is done."""
        loop = runner._train_loop
        if not isinstance(loop, EpochLoop | IterLoop):
            return
        numbers = flat_metrics(metrics or {})
        runner.message_hub.update_info(VALIDATED, loop.epoch if isinstance(loop, EpochLoop) else loop.iter)
        runner.message_hub.update_info(LAST_METRICS, numbers)
        if self.save_best and numbers:
            self._save_if_best(runner, numbers)
        if runner.last_saved == (loop.epoch, loop.iter):
            self._save(runner, loop.epoch, loop.iter, again=True)

    def after_train(self, runner: Any) -> None:
        """Save the final weights."""
        runner.save_weights('last.safetensors', runner.message_hub.get_info(LAST_METRICS, {}))

    def _save(self, runner: Any, epoch: int, iteration: int, again: bool = False) -> None:
        stem, number = ('epoch', epoch) if self.by_epoch else ('iter', iteration)
        name = f'{stem}_{number}.pth'
        runner.save_training_checkpoint(name, epoch, iteration)
        runner.last_saved = (epoch, iteration)
        if not again:
            runner.logger.info(f'Saved {name}')
        if is_main_process():
            folder = Path(runner.work_dir)
            write_pointer(folder, name)
            self._delete_old(folder, stem)

    def _delete_old(self, folder: Path, stem: str) -> None:
        if self.max_keep_ckpts < 0:
            return
        # By time, not by number: an earlier run in this folder may have come further.
        states = [path for path in folder.glob(f'{stem}_*.pth') if path.stem.removeprefix(f'{stem}_').isdecimal()]
        for path in sorted(states, key=by_age)[: -self.max_keep_ckpts]:
            path.unlink(missing_ok=True)

    def _save_if_best(self, runner: Any, metrics: dict[str, float]) -> None:
        key = next(iter(metrics)) if self.save_best == 'auto' else str(self.save_best)
        if key not in metrics:
            raise UserError(
                f'save_best={key!r}: the validation has no such metric.{did_you_mean(key, metrics)} It has'
                f' {", ".join(metrics)}; mend default_hooks.checkpoint.save_best and go on with --resume'
            )
        value, best = metrics[key], runner.message_hub.get_info('best_score')
        less = self.rule == 'less' or (self.rule is None and less_is_better(key))
        if math.isnan(value) or (best is not None and not (value < best if less else value > best)):
            return
        runner.message_hub.update_info('best_score', value)
        runner.save_weights('best.safetensors', metrics)
        runner.logger.info(f'Best model so far ({key} {value:.4f}) saved to best.safetensors')


def translate_checkpoint_hook(config: dict[str, Any]) -> dict[str, Any]:
    """Turn a config of mmengine's ``CheckpointHook`` into one of :class:`SafeCheckpointHook`, for foreign configs."""
    if config.get('type') not in ('CheckpointHook', 'mmengine.CheckpointHook'):
        return config
    known = ('interval', 'by_epoch', 'max_keep_ckpts', 'save_last', 'save_best', 'rule', 'priority')
    translated = {key: config[key] for key in known if key in config}
    for key in ('save_best', 'rule'):
        # Only one best model is kept; mmengine takes lists.
        if isinstance(translated.get(key), list | tuple):
            translated[key] = translated[key][0] if translated[key] else None
    translated.setdefault('max_keep_ckpts', -1)
    return {'type': 'SafeCheckpointHook', **translated}
