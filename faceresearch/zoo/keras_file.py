"""Reading the weights in a Keras ``.h5`` file: arrays only.

HDF5 can point to other files, compute data, and claim sizes: all of that is refused. What Keras keeps beside the weights,
a description of the network among it, is not looked at.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from faceresearch.errors import UserError

#: Bytes that an array may take, in units of the file's own, which may be compressed.
_MAX_EXPANSION = 4
_MAX_LAYERS = 10_000
_DAMAGED = 'it is damaged, or no Keras weights file'
#: Keras's names of a layer's weights, and torch's.
_NAMES = {
    'kernel': 'weight',
    'bias': 'bias',
    'gamma': 'weight',
    'beta': 'bias',
    'moving_mean': 'running_mean',
    'moving_variance': 'running_var',
}
#: Whether a layer's first array is a kernel, and how many it has → their names.
_VARIABLES = {
    (True, 1): ('kernel',),
    (True, 2): ('kernel', 'bias'),
    (False, 4): ('gamma', 'beta', 'moving_mean', 'moving_variance'),
}


def read_keras(path: str | Path) -> dict[str, Tensor]:
    """Return the weights of a ``.h5`` file as torch lays them out, as ``<layer>.<weight>``, in the order of the layers.

    Kernels of convolutions (H, W, in, out) become (out, in, H, W), those of dense layers (in, out) become (out, in).
    Batch norms without scale get one of 1. A dense layer after a flattening keeps the order of its inputs, which is
    that of (H, W, C).

    Args:
        path: weights, or a whole model, in the form of Keras 2 (``layer_names``, ``weight_names``); or weights in that of
            Keras 3 (``layers/<kind>_<number>/vars/<number>``), which says the order of the layers but not their names.

    Raises:
        UserError: h5py is missing; the file is damaged, is of another form, or holds anything but plain arrays of a
            size that it can have.
    """
    try:
        import h5py
    except ImportError as error:
        raise UserError(f'{path}: reading it needs h5py; pip install "faceresearch[convert]"') from error
    path = Path(path)
    try:
        with h5py.File(path, 'r') as file:
            return _layers(file, path)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise UserError(f'checkpoint {path} cannot be read ({reason}): {_DAMAGED}') from error


def _layers(file: Any, path: Path) -> dict[str, Tensor]:
    if 'layers' in file and not any(name.startswith('layer_names') for name in file.attrs):
        return _numbered_layers(_member(file, 'layers', path), path)
    root = _member(file, 'model_weights', path) if 'model_weights' in file else file
    state: dict[str, Tensor] = {}
    left = _MAX_EXPANSION * path.stat().st_size
    for layer in _texts(root, 'layer_names', path):
        group = _member(root, layer, path)
        found = {}
        for full in _texts(group, 'weight_names', path):
            short = full.rsplit('/', 1)[-1].partition(':')[0]
            name = f'{layer}.{_NAMES.get(short, short)}'
            if name in state or name in found:
                raise UserError(f'checkpoint {path}: two arrays are {name}: {_DAMAGED}')
            array = _array(group, full, path, left)
            left -= array.nbytes
            found[name] = _torch_layout(array, short)
        if f'{layer}.running_mean' in found and f'{layer}.weight' not in found:
            found[f'{layer}.weight'] = torch.ones_like(found[f'{layer}.running_mean'])
        state.update(found)
    if not state:
        raise UserError(f'checkpoint {path} holds no weights: {_DAMAGED}')
    return state


def _numbered_layers(group: Any, path: Path) -> dict[str, Tensor]:
    """Read the form of Keras 3: a layer's weights are numbers, and so are layers of a kind, the first of which has none."""
    state: dict[str, Tensor] = {}
    left = _MAX_EXPANSION * path.stat().st_size
    layers = sorted(group, key=lambda name: [int(part) if part.isdecimal() else part for part in _pieces(name)])
    if len(layers) > _MAX_LAYERS:
        raise UserError(f'checkpoint {path} names {len(layers)} layers: {_DAMAGED}')
    for layer in layers:
        variables = _member(group, layer, path)
        variables = _member(variables, 'vars', path) if 'vars' in variables else {}
        arrays = []
        for number in range(len(variables)):
            arrays.append(_array(variables, str(number), path, left))
            left -= arrays[-1].nbytes
        names = _VARIABLES.get((arrays[0].ndim > 1, len(arrays))) if arrays else ()
        if names is None:
            raise UserError(f'checkpoint {path}: layer {layer} has {len(arrays)} weights: its kind is not known')
        for name, array in zip(names, arrays):
            state[f'{layer}.{_NAMES[name]}'] = _torch_layout(array, name)
    if not state:
        raise UserError(f'checkpoint {path} holds no weights: {_DAMAGED}')
    return state


def _pieces(name: str) -> list[str]:
    """Return ``conv2d_10`` as ``conv2d`` and ``10``: the first of a kind comes before its second."""
    kind, _, number = name.rpartition('_')
    return [kind, number] if kind and number.isdecimal() else [name, '0']


def _texts(group: Any, attribute: str, path: Path) -> list[str]:
    """Return a list of names; Keras cuts a long one into ``…0``, ``…1`` and so on."""
    parts = [attribute] if attribute in group.attrs else []
    while f'{attribute}{len(parts)}' in group.attrs and attribute not in parts:
        parts.append(f'{attribute}{len(parts)}')
    if not parts:
        raise UserError(f'checkpoint {path} has no {attribute} at {group.name}: {_DAMAGED}')
    names = [name for part in parts for name in np.asarray(group.attrs[part]).reshape(-1).tolist()]
    if len(names) > _MAX_LAYERS:
        raise UserError(f'checkpoint {path} names {len(names)} layers: {_DAMAGED}')
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _member(group: Any, name: str, path: Path) -> Any:
    """Return what a name leads to in this file itself."""
    import h5py

    for part in [part for part in name.split('/') if part]:
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise UserError(f'checkpoint {path}: {name} is missing, or in another file: {_DAMAGED}')
        group = group[part]
    return group


def _array(group: Any, name: str, path: Path, most: int) -> np.ndarray:
    import h5py

    data = _member(group, name, path)
    plain = isinstance(data, h5py.Dataset) and data.dtype.kind == 'f' and data.dtype.itemsize <= 8
    if not plain or data.is_virtual or data.external:
        raise UserError(f'checkpoint {path}: {name} is no plain array of numbers: it is not loaded')
    size = math.prod(data.shape) * data.dtype.itemsize
    if size > most:
        raise UserError(f'checkpoint {path}: {name} claims {size} bytes in a file of {path.stat().st_size}')
    return np.asarray(data[()], np.float32)


def _torch_layout(array: np.ndarray, short: str) -> Tensor:
    if short == 'kernel' and array.ndim in (2, 4):
        array = array.T if array.ndim == 2 else array.transpose(3, 2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array))
