"""mmengine's message hub as plain values, so that training checkpoints load with nothing allowed.

mmengine pickles ``HistoryBuffer`` objects into every training checkpoint, and they pickle their statistics through
``getattr``; ``torch.load(weights_only=True)`` rightly refuses both. Data set descriptions add numpy arrays. Here both
are written as numbers, strings, lists, dicts and tensors, and restored after loading.

Upstream: open-mmlab/mmengine#1655. May go when mmengine stores plain values itself.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, MessageHub, print_log

#: Marks a dict that stands for a numpy array.
_ARRAY = '__ndarray__'


class _NotPlain(TypeError):
    """A value that has no plain form."""


def hub_to_plain(hub: MessageHub | Mapping[str, Any]) -> dict[str, Any]:
    """Return what a message hub would restore from a checkpoint, without pickled objects.

    Args:
        hub: a message hub, or the result of its ``state_dict()``.

    Returns:
        ``log_scalars`` (name → values, counts as tensors, greatest length), ``runtime_info`` and ``resumed_keys``. An
        entry of ``runtime_info`` that has no plain form is left out, with a warning that names it.
    """
    state = hub.state_dict() if isinstance(hub, MessageHub) else hub
    scalars = {}
    for name, buffer in state['log_scalars'].items():
        values, counts = (torch.from_numpy(np.array(column)) for column in buffer.data)
        scalars[name] = {'values': values, 'counts': counts, 'max_length': buffer.max_length}
    info = {}
    for name, value in state['runtime_info'].items():
        try:
            info[name] = to_plain(value)
        except _NotPlain as error:
            print_log(f'{name!r} of the message hub is not saved: {error}', 'current', logging.WARNING)
    saved = {**scalars, **info}
    resumed = {name: bool(flag) for name, flag in state['resumed_keys'].items() if name in saved}
    return {'log_scalars': scalars, 'runtime_info': info, 'resumed_keys': resumed}


def plain_to_hub(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state dict that ``MessageHub.load_state_dict`` expects; the inverse of :func:`hub_to_plain`."""
    scalars = {}
    for name, record in plain['log_scalars'].items():
        values, counts = record['values'].cpu().numpy(), record['counts'].cpu().numpy()
        scalars[name] = HistoryBuffer(values, counts, max_length=int(record['max_length']))
    info = {name: from_plain(value) for name, value in plain['runtime_info'].items()}
    return {'log_scalars': scalars, 'runtime_info': info, 'resumed_keys': dict(plain['resumed_keys'])}


def to_plain(value: Any) -> Any:
    """Return a value as numbers, strings, lists, tuples, dicts and tensors.

    Raises:
        TypeError: it holds something else.
    """
    if isinstance(value, np.generic):  # before float: np.float64 is one, but pickled under its own name
        return value.item()
    if value is None or isinstance(value, (bool, bytes)):
        return value
    if isinstance(value, str):
        return str.__str__(value)  # a subclass, like an enumeration's member, becomes the plain type
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, np.ndarray):
        return _array_to_plain(value)
    if isinstance(value, Mapping):
        return {to_plain(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [to_plain(item) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    raise _NotPlain(f'{type(value).__module__}.{type(value).__qualname__} has no plain form')


def from_plain(value: Any) -> Any:
    """Return a value from its plain form: numpy arrays come back, sets stay lists."""
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return _array_from_plain(value[_ARRAY])
        return {key: from_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(from_plain(item) for item in value)
    return value


def _array_to_plain(array: np.ndarray) -> dict[str, Any]:
    if array.dtype.kind in 'biuf':
        try:
            return {_ARRAY: torch.from_numpy(array.copy(order='C'))}
        except (TypeError, ValueError):  # a number type or byte order that torch lacks
            pass
    return {_ARRAY: to_plain(array.tolist())}


def _array_from_plain(data: Any) -> np.ndarray:
    return data.cpu().numpy() if isinstance(data, torch.Tensor) else np.array(data)
