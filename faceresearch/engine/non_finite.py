"""Stop a training whose loss is no number."""

from __future__ import annotations

from typing import Any, Literal

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from torch import Tensor

from faceresearch.errors import UserError
from faceresearch.registry import HOOKS


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Look at the loss before it changes the weights.

    Args:
        action: ``stop`` ends the training with one line that names iteration and images; ``skip`` leaves the batch
            out and says so.
        max_skipped: with ``skip``, stop after this many batches in a row.

    Raises:
        UserError: a loss is infinite or no number.
    """

    # After the hook that notes the losses, before the one that logs them.
    priority = 'HIGH'

    def __init__(self, action: Literal['stop', 'skip'] = 'stop', max_skipped: int = 10) -> None:
        if action not in ('stop', 'skip'):
            raise UserError(f"NonFiniteLossHook: action must be 'stop' or 'skip', not {action!r}")
        self.action = action
        self.max_skipped = max_skipped
        self._skipped_in_a_row = 0
        self._skipped_now = False
        self._batch: Any = None
        self._where = ''

    def before_train(self, runner: Any) -> None:
        """Put the check in front of the optimiser's update."""
        wrapper = runner.optim_wrapper
        if not isinstance(wrapper, OptimWrapper):
            return
        update = wrapper.update_params

        def checked_update(loss: Tensor, *args: Any, **kwargs: Any) -> None:
            if _finite(loss):
                self._skipped_in_a_row = 0
                update(loss, *args, **kwargs)
            else:
                self._handle(runner, loss)
                wrapper._inner_count += 1
                # Gradients of the batches before are still applied when their time has come.
                if wrapper._accumulative_counts > 1 and wrapper.should_update():
                    wrapper.step()
                    wrapper.zero_grad()

        wrapper.update_params = checked_update  # type: ignore[method-assign]

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Remember the batch, for the message."""
        self._batch = data_batch
        self._skipped_now = False

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Keep a skipped batch's losses out of the smoothed ones in the log."""
        self._batch = None
        if not self._skipped_now:
            return
        for key in outputs or {}:
            history = runner.message_hub.log_scalars.get(f'train/{key}')
            if history is not None:
                history._log_history = history._log_history[:-1]
                history._count_history = history._count_history[:-1]

    def _handle(self, runner: Any, loss: Tensor) -> None:
        self._skipped_in_a_row += 1
        self._skipped_now = True
        message = (
            f'the loss is {float(loss.detach())} in epoch {runner.epoch + 1}, iteration {runner.iter + 1}'
            f' (images: {", ".join(_image_names(self._batch))})'
        )
        if self.action == 'skip' and self._skipped_in_a_row <= self.max_skipped:
            runner.logger.warning(f'{message}: batch left out')
            return
        raise UserError(
            f'{message}; lower the learning rate or look at these images (custom_hooks:'
            " NonFiniteLossHook action='skip' leaves such batches out)"
        )


def _finite(loss: Tensor) -> bool:
    finite = torch.isfinite(loss.detach()).all().float()
    if get_world_size() > 1:
        # All processes must agree, or those that go on would wait for the others for ever.
        all_reduce(finite, op='min')
    return bool(finite)


def _image_names(batch: Any) -> list[str]:
    samples = batch.get('data_samples', []) if isinstance(batch, dict) else []
    names = [str(sample.metainfo.get('img_path', sample.metainfo.get('img_id', '?'))) for sample in samples or []]
    return [*names[:8], '…'] if len(names) > 8 else names or ['unknown']
