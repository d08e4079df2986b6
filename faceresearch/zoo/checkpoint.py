"""Reading and writing weights: the only place in the project that opens a checkpoint.

Nothing that a file contains is ever executed: safetensors holds tensors only, and torch's own files are opened with
``weights_only=True`` and nothing added to its list. A file that needs more is refused by name. Sizes are checked
against the file's own before memory is taken.
"""

from __future__ import annotations

import pickle
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path

#: Names under which training scripts keep a model's weights, the average of the weights first.
_AVERAGED = ('state_dict_ema', 'model_ema', 'ema_state_dict', 'ema')
_CONTAINERS = ('state_dict', 'model_state_dict', 'model', 'net', 'network', 'weights', 'params')
#: Prefixes that wrappers put before every name (DataParallel, averaged models, torch.compile), and their own entries.
_WRAPPERS = ('module.', '_orig_mod.')
_WRAPPER_ENTRIES = {'steps', 'n_averaged'}
_MAX_HEADER = 100_000_000  # bytes, safetensors' own limit
_MAX_EXPANSION = 4  # how much larger than the file its members may say they are
_DAMAGED = 'it is damaged or incomplete; fetch or copy it again'


class LoadReport(NamedTuple):
    """What became of the names in a model and in a checkpoint.

    Attributes:
        loaded: names whose tensors were put into the model.
        missing: names of the model that the file lacks.
        unexpected: names in the file that the model lacks.
        mismatched: names with a different shape, as ``name: (file) / (model)``.
    """

    loaded: list[str]
    missing: list[str]
    unexpected: list[str]
    mismatched: list[str]

    @property
    def complete(self) -> bool:
        return not (self.missing or self.unexpected or self.mismatched)

    def __str__(self) -> str:
        parts = [f'{len(self.loaded)} tensors fit']
        labels = ('missing from the file', 'not in the model', 'of another shape (file / model)')
        for label, names in zip(labels, self[1:]):
            if names:
                more = ', …' if len(names) > 3 else ''
                parts.append(f'{len(names)} {label}: {", ".join(names[:3])}{more}')
        return '; '.join(parts)


def read_checkpoint(
    path: str | Path, ema: bool = True, part: str | None = None, join: bool = False
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the weights in a file, and what it says about them.

    Takes safetensors and whatever torch wrote (.pth, .pt, .ckpt, .pth.tar, old and new form). Weights are found in a
    bare state dict or under the usual names (``state_dict``, ``model``, …); ``module.`` and ``_orig_mod.`` prefixes go.

    Args:
        path: the file.
        ema: take the averaged weights where the file holds both; False takes those that the optimiser worked on.
        part: name of the state dict to take from a file that holds several networks.
        join: take all of them, the names of each behind its own: ``backbone.conv1.weight``.

    Returns:
        The tensors by name, on the CPU, and the file's plain entries: strings, numbers and mmengine's ``meta``.

    Raises:
        UserError: there is no such file, it is damaged, holds no weights, or needs more than tensors to load.
    """
    path = Path(path)
    _check_readable(path)
    if _is_safetensors(path):
        state, metadata = _read_safetensors(path)
        return _unwrapped(state), metadata
    content: Mapping[str, Any] = read_training_checkpoint(path)
    metadata = _plain_entries(content)
    if part is not None:
        content = _part(content, part, path)
    for _ in range(3):
        inner = _inner(content, ema)
        if inner is None:
            break
        content = inner
        metadata.update(_plain_entries(content))
    if join:
        content = _joined(content)
    state = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if not state or not all(isinstance(name, str) for name in state):
        raise UserError(_why_no_weights(path, content))
    _check_expansion(state, path)
    return _unwrapped(state), metadata


def read_training_checkpoint(path: str | Path) -> dict[str, Any]:
    """Return all that torch stored in a file: what resuming a run needs beside the weights.

    Raises:
        UserError: as for :func:`read_checkpoint`.
    """
    path = Path(path)
    _check_readable(path)
    if zipfile.is_zipfile(path):
        _check_archive(path)
    try:
        with path.open('rb') as stream:  # given a path, torch would go by its suffix
            content = torch.load(stream, map_location='cpu', weights_only=True)
    except Exception as error:  # a hostile or damaged file can fail in any way
        raise UserError(_why_not_loaded(path, error)) from error
    if not isinstance(content, Mapping):
        raise UserError(f'checkpoint {path} holds no weights: it is a {type(content).__name__}, not a dict of tensors')
    return dict(content)


def load_weights(model: nn.Module, path: str | Path, strict: bool = True) -> LoadReport:
    """Put the weights of a file into a model.

    Args:
        model: the model to fill.
        path: a file as :func:`read_checkpoint` takes it.
        strict: every tensor of the model and of the file must find its counterpart; if False, those that fit are
            loaded.

    Returns:
        What was loaded and what was not.

    Raises:
        UserError: the file cannot be read, or is not this model's (``strict``), or no tensor fits.
    """
    state, _ = read_checkpoint(path)
    report = _compare(model, state)
    if not report.complete and strict:
        # Modules may rename the keys of older releases while they load, so only they can say what is missing.
        try:
            model.load_state_dict(state, strict=True)
        except (RuntimeError, KeyError) as error:
            raise UserError(
                f'{path} holds the weights of another model than {type(model).__name__}: {report}'
            ) from error
        return report
    if not report.loaded:
        raise UserError(f'checkpoint {path} holds the weights of another model than {type(model).__name__}: {report}')
    model.load_state_dict({name: state[name] for name in report.loaded}, strict=False)
    return report


def save_weights(path: str | Path, state_dict: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write weights as safetensors; the file appears whole or not at all.

    Args:
        path: the file to write.
        state_dict: tensors by name; those that share memory are written once each.
        metadata: strings stored beside them.

    Raises:
        UserError: the file cannot be written.
        TypeError: an entry is no tensor, or a piece of metadata is no string.
    """
    wrong = [name for name, value in state_dict.items() if not isinstance(value, Tensor)]
    wrong += [name for name, value in metadata.items() if not isinstance(value, str)]
    if wrong:
        raise TypeError(f'weights must be tensors and their metadata strings: {_listed(wrong)}')
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state_dict.items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, dict(metadata))


def _check_readable(path: Path) -> None:
    if not path.is_file():
        kind = 'is a folder' if path.is_dir() else 'does not exist'
        raise UserError(f'checkpoint {path} {kind}; give the path of a weights file')
    try:
        with path.open('rb') as stream:
            head = stream.read(512)
    except OSError as error:
        raise UserError(f'checkpoint {path} cannot be read: {error.strerror or error}') from error
    if not head:
        raise UserError(f'checkpoint {path} is empty; fetch or copy it again')
    if head.startswith(b'version https://git-lfs'):
        raise UserError(f'checkpoint {path} is a Git LFS pointer, not the weights themselves; run `git lfs pull`')
    if head.lstrip()[:1] == b'<':
        raise UserError(f'checkpoint {path} is a web page, not weights: the download was refused; fetch it by hand')
    if head[257:262] == b'ustar':
        raise UserError(f'checkpoint {path} is an archive (or a file of torch 0.1); unpack it and give the file inside')
    if head.startswith(b'\x89HDF') or path.suffix in ('.onnx', '.h5', '.keras'):
        raise UserError(f'checkpoint {path} is not in a torch format; convert it with tools/convert_checkpoint.py')


def _is_safetensors(path: Path) -> bool:
    with path.open('rb') as stream:
        head = stream.read(9)
    if head.startswith((b'PK\x03\x04', b'\x80\x02')):  # torch's zip and pickle, whatever the suffix says
        return False
    return path.suffix == '.safetensors' or head[8:] == b'{'


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    size = path.stat().st_size
    with path.open('rb') as stream:
        length = stream.read(8)
    header = struct.unpack('<Q', length)[0] if len(length) == 8 else size
    if header > min(_MAX_HEADER, size - 8):
        raise UserError(f'checkpoint {path} is {size} bytes long but claims a header of {header}: {_DAMAGED}')
    try:
        with safe_open(path, framework='pt', device='cpu') as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise UserError(f'checkpoint {path} cannot be read ({error}): {_DAMAGED}') from error


def _check_archive(path: Path) -> None:
    """Refuse an archive that would unpack to far more than it is long, and one that holds a program."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UserError(f'checkpoint {path} cannot be read ({error}): {_DAMAGED}') from error
    unpacked, size = sum(member.file_size for member in members), path.stat().st_size
    if unpacked > _MAX_EXPANSION * size:
        raise UserError(
            f'checkpoint {path} is {size} bytes long but would unpack to {unpacked}: it is not opened; '
            f'torch stores weights uncompressed'
        )
    if any(Path(member.filename).name == 'constants.pkl' for member in members):
        raise UserError(
            f'checkpoint {path} is a TorchScript program, not weights; save its state_dict() where it was made'
        )


def _why_not_loaded(path: Path, error: Exception) -> str:
    message = str(error)
    # Builtins come without their module.
    needed = re.search(r'GLOBAL\s+([A-Za-z_][\w.]*)|(?:class|[Ff]unction|type)\s+\'?([A-Za-z_]\w*(?:\.\w+)+)', message)
    if isinstance(error, pickle.UnpicklingError) and needed and 'Weights only' in message:
        return (
            f'checkpoint {path} is refused: to load, it would call {needed[1] or needed[2]}, and faceresearch opens files of '
            f'tensors only. Ask its author for the state_dict alone; if you trust the file, load it with the program '
            f'that wrote it and save its state_dict there'
        )
    reason = message.splitlines()[0][:120] if message else type(error).__name__
    return f'checkpoint {path} cannot be read ({reason}): {_DAMAGED}'


def _part(content: Mapping[str, Any], part: str, path: Path) -> Mapping[str, Any]:
    if not _holds_tensors(content.get(part)):
        raise UserError(f'checkpoint {path} has no state dict {part!r}: its entries are {_listed(list(content))}')
    return content[part]


def _joined(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the tensors of several networks in one dict; what is a state dict already stays."""
    if any(isinstance(value, Tensor) for value in content.values()):
        return content
    networks = {name: value for name, value in content.items() if _holds_tensors(value, depth=0)}
    return {f'{network}.{name}': value for network, state in networks.items() for name, value in state.items()}


def _why_no_weights(path: Path, content: Mapping[str, Any]) -> str:
    several = [name for name, value in content.items() if _holds_tensors(value)]
    if len(several) > 1:
        return f'checkpoint {path} holds several networks ({_listed(several)}): convert the one that you need'
    return f'checkpoint {path} holds no weights: its entries are {_listed(list(content)) or "none"}'


def _inner(content: Mapping[str, Any], ema: bool) -> Mapping[str, Any] | None:
    """Return the part of a checkpoint that holds the weights, or None if it is the state dict itself."""
    if 'message_hub' in content and 'ema_state_dict' in content:
        # mmengine swaps the two when it saves: `state_dict` is the average.
        names: tuple[str, ...] = ('state_dict',) if ema else ('ema_state_dict',)
    else:
        names = (*_AVERAGED, *_CONTAINERS) if ema else (*_CONTAINERS, *_AVERAGED)
    for name in names:
        if _holds_tensors(content.get(name)):
            return content[name]
    if any(isinstance(value, Tensor) for value in content.values()):
        return None
    nested = [value for value in content.values() if _holds_tensors(value)]
    return nested[0] if len(nested) == 1 else None


def _holds_tensors(value: Any, depth: int = 2) -> bool:
    """Whether this is a state dict, or a dict around one (an optimiser's has numbers for names)."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        return False
    if any(isinstance(item, Tensor) for item in value.values()):
        return True
    return depth > 0 and any(_holds_tensors(item, depth - 1) for item in value.values())


def _plain_entries(content: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {
        name: value
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, (str, int, float, bool))
    }
    if isinstance(content.get('meta'), Mapping):
        plain['meta'] = dict(content['meta'])
    return plain


def _check_expansion(state: Mapping[str, Tensor], path: Path) -> None:
    """Refuse tensors that repeat a few stored values over more memory than the whole file takes."""
    size = path.stat().st_size
    for name, tensor in state.items():
        claimed = tensor.numel() * tensor.element_size()
        if tensor.layout == torch.strided and claimed > max(size, tensor.untyped_storage().nbytes()):
            raise UserError(f'checkpoint {path}: {name} claims {claimed} bytes in a file of {size}; it is not loaded')


def _unwrapped(state: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in _WRAPPERS * 2:  # compiled inside parallel, or the other way round
        wrapped = [name for name in state if name not in _WRAPPER_ENTRIES]
        if wrapped and all(name.startswith(prefix) for name in wrapped):
            state = {name.removeprefix(prefix): state[name] for name in wrapped}
    return state


def _compare(model: nn.Module, state: Mapping[str, Tensor]) -> LoadReport:
    own = model.state_dict()
    shared = [name for name in own if name in state]
    loaded = [name for name in shared if own[name].shape == state[name].shape]
    fits = set(loaded)
    mismatched = [
        f'{name}: {tuple(state[name].shape)} / {tuple(own[name].shape)}' for name in shared if name not in fits
    ]
    # Batch counters are younger than many published files, and frozen normalisation has none: they decide nothing.
    missing = [name for name in own if name not in state and not name.endswith('num_batches_tracked')]
    unexpected = [name for name in state if name not in own and not name.endswith('num_batches_tracked')]
    return LoadReport(loaded, missing, unexpected, mismatched)


def _listed(names: list[Any]) -> str:
    return ', '.join(map(repr, names[:6])) + (', …' if len(names) > 6 else '')
