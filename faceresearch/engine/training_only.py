"""The state of parts that only training needs (class centres, a margin's statistics), for training checkpoints.

A part that names sharded parameters stays out of a model's ``state_dict()``, and so out of weights files. In a training
checkpoint its shards, and what the optimiser knows of them, stand as whole matrices with a row per class: it can be
resumed on any number of processes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from faceresearch.engine.partial_fc import Shard, process_group, shard_of
from faceresearch.engine.sharded_optim import sharded_parameters
from faceresearch.engine.training_checkpoint import CheckpointError

#: Rows that are sent from one process to another at a time.
_CHUNK = 65_536


def training_only_state(model: nn.Module) -> dict[str, Tensor]:
    """Return the whole state of such parts by full name; in all processes together, complete in the first one."""
    sharded = sharded_parameters(model)
    state = {}
    for name, tensor in _tensors(model).items():
        rows = gather_rows(tensor, sharded[name][1]) if name in sharded else tensor
        if rows is not None:
            state[name] = rows.detach()
    return state


def restore_training_only(model: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Put back what :func:`training_only_state` returned, each process its share.

    Raises:
        CheckpointError: it is of another head.
    """
    problems = mismatches(model, state)
    if problems:
        more = f' and {len(problems) - 3} more' if len(problems) > 3 else ''
        raise CheckpointError(
            f'checkpoint {path} is of another head ({"; ".join(problems[:3])}{more}); resume with the config it was'
            ' trained with, or choose another --work-dir'
        )
    sharded = sharded_parameters(model)
    with torch.no_grad():
        for name, tensor in _tensors(model).items():
            tensor.copy_(_share(state[name], sharded[name][1]) if name in sharded else state[name])


def mismatches(model: nn.Module, state: dict[str, Tensor]) -> list[str]:
    """Return how the stored parts differ from the model's, one line each."""
    sharded, tensors = sharded_parameters(model), _tensors(model)
    problems = [f'it lacks {name}' for name in tensors if name not in state]
    problems += [f'it has {name}' for name in state if name not in tensors]
    for name in tensors.keys() & state.keys():
        rows = (sharded[name][1].total,) if name in sharded else tensors[name].shape[:1]
        shape = (*rows, *tensors[name].shape[1:])
        if tuple(state[name].shape) != shape:
            problems.append(f'{name} is {tuple(state[name].shape)}, not {shape}')
    return problems


def gather_optimizer(wrapper: Any, model: nn.Module) -> dict[str, Any]:
    """Return an optimiser's state with whole matrices for sharded parameters; complete in the first process."""
    saved: dict[str, Any] = wrapper.state_dict()
    for index, parameter, shard in _sharded_indices(wrapper, model):
        if index in saved['state']:
            saved['state'][index] = {
                key: gather_rows(value, shard) if _has_rows(value, parameter.shape) else value
                for key, value in saved['state'][index].items()
            }
    return saved


def share_optimizer(wrapper: Any, model: nn.Module, saved: dict[str, Any]) -> dict[str, Any]:
    """Return this process's part of what :func:`gather_optimizer` returned."""
    for index, parameter, shard in _sharded_indices(wrapper, model):
        whole = torch.Size([shard.total, *parameter.shape[1:]])
        if index in saved['state']:
            saved['state'][index] = {
                key: _share(value, shard) if _has_rows(value, whole) else value
                for key, value in saved['state'][index].items()
            }
    return saved


def gather_rows(rows: Tensor, shard: Shard) -> Tensor | None:
    """Return the rows (total, …) of all processes' shards on the CPU in the first process, None in the others.

    A single process gets its own rows, where they are.
    """
    rank, world_size = process_group()
    if world_size == 1:
        return rows
    rows = rows.detach()
    whole = torch.empty(shard.total, *rows.shape[1:], dtype=rows.dtype) if rank == 0 else None
    for source in range(world_size):
        part = shard_of(shard.total, source, world_size)
        for first in range(0, part.size, _CHUNK):
            last = min(first + _CHUNK, part.size)
            if whole is not None:
                piece = rows[first:last] if source == 0 else rows.new_empty(last - first, *rows.shape[1:])
                if source:
                    dist.recv(piece, source)
                whole[part.start + first : part.start + last] = piece
            elif rank == source:
                dist.send(rows[first:last].contiguous(), 0)
    return whole


def _share(whole: Tensor, shard: Shard) -> Tensor:
    return whole[shard.start : shard.start + shard.size].clone()


def _has_rows(value: Any, shape: torch.Size) -> bool:
    return isinstance(value, Tensor) and value.shape == shape


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return all tensors of the parts that have sharded parameters, by full name."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in model.named_modules():
        if callable(getattr(module, 'sharded_parameters', None)):
            tensors.update(module.named_parameters(prefix=prefix))
            tensors.update(module.named_buffers(prefix=prefix))
    return tensors


def _sharded_indices(wrapper: Any, model: nn.Module) -> list[tuple[int, nn.Parameter, Shard]]:
    """Return (number in the optimiser's state, parameter, shard) of the sharded parameters that are optimised."""
    if not isinstance(wrapper, OptimWrapper):
        return []
    shards = {id(parameter): shard for parameter, shard in sharded_parameters(model).values()}
    parameters = [parameter for group in wrapper.optimizer.param_groups for parameter in group['params']]
    return [(i, parameter, shards[id(parameter)]) for i, parameter in enumerate(parameters) if id(parameter) in shards]
