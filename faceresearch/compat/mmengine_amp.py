"""Mixed precision on the CPU too.

mmengine 0.10.7's ``AmpOptimWrapper`` asserts that there is a GPU and uses the deprecated ``torch.cuda.amp``
(open-mmlab/mmengine#1616 and onedl-mmengine#21). May go when a released mmengine accepts the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from torch import Tensor, nn
from torch.optim import Optimizer

AmpType = Literal['float16', 'bfloat16']


@OPTIM_WRAPPERS.register_module(name='AmpOptimWrapper', force=True)
class AmpOptimWrapper(OptimWrapper):
    """Run the forward pass in half precision; weights, gradients and optimiser stay in single precision.

    Args:
        optimizer: the optimiser.
        accumulative_counts: batches whose gradients are added up before a step.
        clip_grad: arguments of ``torch.nn.utils.clip_grad_norm_`` (``max_norm``) or, with ``type='value'``, of
            ``clip_grad_value_``.
        loss_scale: factor on the loss that keeps float16 gradients from vanishing; ``'dynamic'`` finds it. bfloat16
            has the range of float32 and needs none.
        dtype: None takes bfloat16 on the CPU and float16 on a GPU.
        use_fsdp: use the scaler for fully sharded models.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        accumulative_counts: int = 1,
        clip_grad: dict[str, Any] | None = None,
        loss_scale: float | Literal['dynamic'] | dict[str, Any] = 'dynamic',
        dtype: AmpType | torch.dtype | None = None,
        use_fsdp: bool = False,
    ) -> None:
        super().__init__(optimizer, accumulative_counts, clip_grad)
        self.device_type = get_device()
        if dtype is None:
            dtype = torch.bfloat16 if self.device_type == 'cpu' else torch.float16
        self.cast_dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
        if self.cast_dtype not in (torch.float16, torch.bfloat16):
            raise ValueError(f"AmpOptimWrapper: dtype must be 'float16' or 'bfloat16', not {dtype!r}")
        self._fixed_scale = loss_scale if isinstance(loss_scale, int | float) else None
        arguments: dict[str, Any] = {}
        if self._fixed_scale is not None:
            arguments = {'init_scale': float(self._fixed_scale)}
        elif isinstance(loss_scale, dict):
            arguments = dict(loss_scale)
        arguments.setdefault('enabled', self.cast_dtype == torch.float16)
        self.loss_scaler = _scaler_type(use_fsdp)(self.device_type, **arguments)

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Add the gradients of the scaled loss."""
        self.loss_scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs: Any) -> None:
        """Clip if asked for, and update the weights unless a gradient overflowed."""
        if self.clip_grad_kwargs:
            self.loss_scaler.unscale_(self.optimizer)
            self._clip_grad()
        self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update(self._fixed_scale)

    def state_dict(self) -> dict[str, Any]:
        """Return the optimiser's state with the scaler's under ``loss_scaler``."""
        return {**super().state_dict(), 'loss_scaler': self.loss_scaler.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned, or the state of a run in single precision."""
        state_dict = dict(state_dict)
        scaler = state_dict.pop('loss_scaler', None)
        if scaler and self.loss_scaler.is_enabled():
            self.loss_scaler.load_state_dict(scaler)
        super().load_state_dict(state_dict)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Context of the forward pass."""
        with super().optim_context(model), torch.autocast(self.device_type, dtype=self.cast_dtype):
            yield


def _scaler_type(use_fsdp: bool) -> Any:
    if use_fsdp:
        from torch.distributed.fsdp.sharded_grad_scaler import ShardedGradScaler

        return ShardedGradScaler
    return torch.amp.GradScaler
