"""When training states and weights are saved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from faceresearch.engine.loops import VALIDATED, EpochLoop, IterLoop
from faceresearch.engine.training_checkpoint import remove_leftovers, write_pointer
from faceresearch.errors import UserError, did_you_mean
from faceresearch.registry import HOOKS

#: Metrics of which less is better, by the last part of their key without ``@…``.
LESS_IS_BETTER = frozenset(
    'loss nme mae mse rmse fr far frr fnr fpr apcer bpcer acer hter eer riapar accuracy_std error'.split()
)


def less_is_better(key: str) -> bool:
    """Tell from a metric's key (``landmark/nme``, ``spoof/eer``, ``landmark/fr@0.1``) whether less of it is better."""
    name = key.split('/')[-1].split('@')[0].lower()
    return name in LESS_IS_BETTER or name.endswith(('_loss', '_mae', '_nme'))


@HOOKS.register_module()
class SafeCheckpointHook(Hook):
    """Save the whole state of the training at intervals, and the weights of the best and the last model.

    ``epoch_N.pth`` or ``iter_N.pth`` hold all that a run needs to continue as if it had never stopped, as plain values
    and tensors, and replace each other in one step each. ``best.safetensors`` and ``last.safetensors`` hold weights
    (averaged ones, where the training averages) with config, input contract and metrics: tools/test.py takes them.

    Args:
        interval: epochs, or iterations, between states.
        by_epoch: count epochs; False counts iterations, also inside an epoch.
        max_keep_ckpts: delete all but this many newest states; −1 keeps all.
        save_last: also save the state at the end.
        save_best: key of a metric (``widerface/hard_ap``), ``'auto'`` for the first one, None for no best model.
        rule: whether ``greater`` or ``less`` is better; None tells by the key.
    """

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

    def before_train(self, runner: Any) -> None:
        """Tidy up after a killed run."""
        if is_main_process():
            remove_leftovers(Path(runner.work_dir))
        runner.logger.info(f'Checkpoints are saved to {runner.work_dir}')

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Save every ``interval`` iterations."""
        if self.by_epoch:
            return
        if self.every_n_train_iters(runner, self.interval) or (self.save_last and self.is_last_train_iter(runner)):
            # The last iteration of an epoch: what follows is the next epoch's first.
            finished = isinstance(runner.train_loop, EpochLoop) and self.end_of_epoch(runner.train_dataloader, batch_idx)
            self._save(runner, runner.epoch + int(finished), runner.iter + 1)

    def after_train_epoch(self, runner: Any) -> None:
        """Save every ``interval`` epochs."""
        if not self.by_epoch or isinstance(runner.train_loop, IterLoop):
            return
        if self.every_n_epochs(runner, self.interval) or (self.save_last and self.is_last_train_epoch(runner)):
            self._save(runner, runner.epoch + 1, runner.iter)

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Save the weights if they are the best, and note that this validation is done."""
        loop = runner._train_loop
        if not isinstance(loop, EpochLoop | IterLoop):
            return
        runner.message_hub.update_info(VALIDATED, loop.epoch if isinstance(loop, EpochLoop) else loop.iter)
        if self.save_best and metrics:
            self._save_if_best(runner, metrics)
        if runner.last_saved == (loop.epoch, loop.iter):
            self._save(runner, loop.epoch, loop.iter)

    def after_train(self, runner: Any) -> None:
        """Save the final weights."""
        runner.save_weights('last.safetensors', {})

    def _save(self, runner: Any, epoch: int, iteration: int) -> None:
        name = f'epoch_{epoch}.pth' if self.by_epoch else f'iter_{iteration}.pth'
        runner.logger.info(f'Saving {name} (epoch {epoch}, iteration {iteration})')
        runner.save_training_checkpoint(name, epoch, iteration)
        runner.last_saved = (epoch, iteration)
        if is_main_process():
            folder = Path(runner.work_dir)
            write_pointer(folder, name)
            self._delete_old(folder)

    def _delete_old(self, folder: Path) -> None:
        if self.max_keep_ckpts < 0:
            return
        stem = 'epoch' if self.by_epoch else 'iter'
        numbered = [(int(p.stem.split('_')[1]), p) for p in folder.glob(f'{stem}_*.pth') if p.stem[len(stem) + 1 :].isdecimal()]
        for _, path in sorted(numbered)[: -self.max_keep_ckpts]:
            path.unlink(missing_ok=True)

    def _save_if_best(self, runner: Any, metrics: dict[str, float]) -> None:
        key = next(iter(metrics)) if self.save_best == 'auto' else self.save_best
        if key not in metrics:
            raise UserError(
                f'save_best={key!r}: the validation has no such metric.{did_you_mean(str(key), metrics)}'
                f' It has {", ".join(metrics)}'
            )
        value = float(metrics[key])
        best = runner.message_hub.get_info('best_score')
        less = self.rule == 'less' or (self.rule is None and less_is_better(key))
        better = best is None or (value < best if less else value > best)
        if math.isnan(value) or not better:
            return
        runner.message_hub.update_info('best_score', value)
        runner.message_hub.update_info('best_epoch', runner.epoch)
        runner.save_weights('best.safetensors', metrics)
        runner.logger.info(f'Best model so far: {key} {value:.4f}, epoch {runner.epoch}, saved to best.safetensors')


def translate_checkpoint_hook(config: dict[str, Any]) -> dict[str, Any]:
    """Turn a config of mmengine's ``CheckpointHook`` into one of :class:`SafeCheckpointHook`, for foreign configs."""
    if config.get('type') not in ('CheckpointHook', 'mmengine.CheckpointHook'):
        return config
    known = ('interval', 'by_epoch', 'max_keep_ckpts', 'save_last', 'save_best', 'rule')
    translated = {key: config[key] for key in known if key in config}
    best: str | Sequence[str] | None = translated.get('save_best')
    if best is not None and not isinstance(best, str):
        translated['save_best'] = best[0] if best else None
    translated.setdefault('max_keep_ckpts', -1)
    translated['interval'] = max(1, translated.get('interval', 1))
    return {'type': 'SafeCheckpointHook', '_scope_': 'faceresearch', **translated}
