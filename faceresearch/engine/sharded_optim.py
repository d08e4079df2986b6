"""What class centres that are shared out over processes, or seen in part, ask of the optimiser.

Works with any optimiser that treats the numbers of a parameter one by one (SGD, Adam, AdamW …).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from faceresearch.engine.partial_fc import Shard, process_group


def sharded_parameters(model: nn.Module) -> dict[str, tuple[nn.Parameter, Shard]]:
    """Return the parameters of which each process holds the rows of its classes, by full name.

    They are those that a module of the model names in ``sharded_parameters() -> dict[str, Shard]``.
    """
    found = {}
    for prefix, module in model.named_modules():
        if not callable(named := getattr(module, 'sharded_parameters', None)):
            continue
        for name, shard in named().items():
            found[f'{prefix}.{name}' if prefix else name] = (module.get_parameter(name), shard)
    return found


def keep_out_of_averaging(model: nn.Module) -> None:
    """Tell ``DistributedDataParallel`` to leave shards alone: they are different numbers in every process."""
    if names := list(sharded_parameters(model)):
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(model, names)


def prepare_optimizer(wrapper: OptimWrapper, model: nn.Module) -> None:
    """Make an optimiser update only the rows that took part in a step, and clip by the norm over all processes.

    Rows that a step did not look up (PartialFC with a rate below 1) keep their value and their state in it: momentum
    and Adam's moments neither fade nor move the row, and weight decay does not shrink it, until the row is looked up
    again. The step that Adam corrects its bias by is counted for all rows together. arcface_torch's PartialFC v2
    instead gives absent rows a gradient of zeros, so that they decay and drift; its v1 does as here.

    ``clip_grad`` of the wrapper takes one argument more, ``class_centres``: False leaves the centres out of clipping,
    as arcface_torch does.
    """
    sharded = {id(parameter) for parameter, _ in sharded_parameters(model).values()}
    if not sharded:
        return
    update_looked_up_rows(wrapper.optimizer)
    if wrapper.clip_grad_kwargs and wrapper.clip_func is torch.nn.utils.clip_grad_norm_:
        wrapper.clip_func = partial(clip_grad_norm, sharded=sharded)
    elif wrapper.clip_grad_kwargs:
        wrapper.clip_func = _clip_grad_value


def update_looked_up_rows(optimizer: Optimizer) -> None:
    """Make an optimiser treat a sparse gradient of rows as if the parameter consisted of those rows.

    The rows of the parameter and of its state are taken out before a step and put back after it.
    """
    whole: dict[nn.Parameter, tuple[Tensor, Tensor, dict[str, Tensor]]] = {}

    def take_out(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        whole.clear()
        for parameter in _parameters(optimizer):
            if parameter.grad is None or not parameter.grad.is_sparse:
                continue
            gradient, data = parameter.grad.coalesce(), parameter.data
            rows = gradient.indices()[0]
            state = optimizer.state.get(parameter, {})
            kept = {key: value for key, value in state.items() if _is_like(value, data)}
            whole[parameter] = data, gradient, kept
            parameter.grad = None
            parameter.data = data[rows]
            parameter.grad = gradient.values()
            state.update({key: value[rows] for key, value in kept.items()})

    def put_back(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        for parameter, (data, gradient, kept) in whole.items():
            rows, state = gradient.indices()[0], optimizer.state[parameter]
            for key, value in state.items():
                if _is_like(value, parameter.data):
                    full = kept[key] if key in kept else torch.zeros_like(data, dtype=value.dtype)
                    state[key] = full.index_copy_(0, rows, value)
            data.index_copy_(0, rows, parameter.data)
            parameter.grad = None
            parameter.data = data
            parameter.grad = gradient
        whole.clear()

    optimizer.register_step_pre_hook(take_out)
    optimizer.register_step_post_hook(put_back)


def _parameters(optimizer: Optimizer) -> Iterable[nn.Parameter]:
    return (parameter for group in optimizer.param_groups for parameter in group['params'])


def _is_like(value: Any, data: Tensor) -> bool:
    return isinstance(value, Tensor) and value.shape == data.shape


@torch.no_grad()
def clip_grad_norm(
    parameters: Iterable[nn.Parameter],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    class_centres: bool = True,
    sharded: Iterable[int] = (),
) -> Tensor:
    """Scale gradients so that their norm over all parameters and all processes is at most ``max_norm``.

    Args:
        parameters: whose gradients; all processes have the same, but for shards.
        max_norm: the bound.
        norm_type: p of the norm.
        error_if_nonfinite: raise instead of scaling by no number.
        class_centres: False neither counts nor scales the shards.
        sharded: ``id`` of the parameters that are shards.

    Returns:
        The norm before, the same in all processes.

    Raises:
        RuntimeError: the norm is no number, where that was asked for.
    """
    sharded = set(sharded)
    shared: list[Tensor] = []
    own: list[Tensor] = []
    for parameter in parameters:
        if parameter.grad is not None and (class_centres or id(parameter) not in sharded):
            (own if id(parameter) in sharded else shared).append(_numbers(parameter))
    total, part = _power_sum(shared, norm_type), _power_sum(own, norm_type)
    device = (shared + own)[0].device if shared or own else None
    total, part = torch.as_tensor(total, device=device), torch.as_tensor(part, device=device)
    infinite = norm_type == float('inf')
    if class_centres and process_group()[1] > 1:
        dist.all_reduce(part, dist.ReduceOp.MAX if infinite else dist.ReduceOp.SUM)
    norm = torch.maximum(total, part) if infinite else (total + part) ** (1 / norm_type)
    if error_if_nonfinite and not torch.isfinite(norm):
        raise RuntimeError(f'the norm of the gradients is {float(norm)}')
    factor = (max_norm / (norm + 1e-6)).clamp(max=1)
    for numbers in shared + own:
        numbers.mul_(factor.to(numbers.dtype))
    return norm


def _numbers(parameter: nn.Parameter) -> Tensor:
    """Return the numbers in a gradient, once each, to be changed in place."""
    assert parameter.grad is not None
    if not parameter.grad.is_sparse:
        return parameter.grad
    parameter.grad = parameter.grad.coalesce()
    return parameter.grad._values()


def _power_sum(gradients: list[Tensor], norm_type: float) -> Tensor:
    """Return Σ |g|^p, or the largest |g|, in float64."""
    infinite = norm_type == float('inf')
    norms = [torch.linalg.vector_norm(g, norm_type).double() for g in gradients if g.numel()]
    if not norms:
        return torch.zeros((), dtype=torch.float64)
    stacked = torch.stack(norms)
    return stacked.max() if infinite else (stacked**norm_type).sum()


@torch.no_grad()
def _clip_grad_value(parameters: Iterable[nn.Parameter], clip_value: float) -> None:
    for parameter in parameters:
        if parameter.grad is not None:
            _numbers(parameter).clamp_(-clip_value, clip_value)
