"""Training checkpoints on disk: written whole, read with nothing allowed, and the newest readable one found."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch

from faceresearch.compat.message_hub import from_plain, plain_to_hub, to_plain
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path
from faceresearch.zoo.checkpoint import read_training_checkpoint

#: Names the checkpoint written last.
POINTER = 'last_checkpoint'
_PARTS = ('meta', 'state_dict', 'message_hub', 'optimizer', 'random_state')


class CheckpointError(UserError):
    """A training checkpoint that cannot be used."""


def write_training_checkpoint(path: Path, checkpoint: dict[str, Any]) -> None:
    """Write a checkpoint of plain values and tensors; a run that is killed leaves no part of it under ``path``.

    Raises:
        TypeError: it holds something that would not load again without permission.
    """
    plain = to_plain(checkpoint)
    with atomic_path(path) as temporary:
        torch.save(plain, temporary)


def read_state(path: Path) -> dict[str, Any]:
    """Read a checkpoint to the CPU.

    Raises:
        CheckpointError: the file is missing, damaged, holds pickled objects, or is no training checkpoint.
    """
    if not path.is_file():
        raise CheckpointError(f'there is no checkpoint {path} to resume from')
    _check_sums(path)
    try:
        checkpoint = read_training_checkpoint(path)
    except UserError as error:
        raise CheckpointError(str(error)) from error
    missing = [key for key in _PARTS if key not in checkpoint]
    if missing:
        raise CheckpointError(
            f'{path} is no training checkpoint of faceresearch (it lacks {", ".join(missing)}): it cannot be resumed;'
            f' to start from its weights use load_from={path}'
        )
    checkpoint['meta'] = from_plain(checkpoint['meta'])
    checkpoint['message_hub'] = plain_to_hub(checkpoint['message_hub'])
    return checkpoint


def _check_sums(path: Path) -> None:
    """Compare the checksums in a file that torch wrote with its content, which torch does not do."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except zipfile.BadZipFile as error:
        raise CheckpointError(f'checkpoint {path} is half-written or damaged ({error})') from error
    except (OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise CheckpointError(f'checkpoint {path} cannot be read ({error})') from error
    if damaged:
        raise CheckpointError(f'checkpoint {path} is damaged (wrong checksum of {damaged})')


def candidates(folder: Path) -> list[Path]:
    """Return the checkpoints of a work dir, the one written last first."""
    files = [path for path in folder.glob('*.pth') if not path.name.startswith('.')]
    files.sort(key=by_age, reverse=True)
    try:
        named = folder / (folder / POINTER).read_text(encoding='utf-8').strip()
    except (OSError, ValueError):
        return files
    # Copying a folder can change the order of the files' times.
    return sorted(files, key=lambda path: path != named)


def by_age(path: Path) -> tuple[int, int]:
    """Sort key that puts older checkpoints first: time of writing, then the number in the name."""
    return path.stat().st_mtime_ns, int('0' + ''.join(filter(str.isdecimal, path.stem)))


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed run left behind."""
    for pattern in ('.*.tmp.pth', '.*.tmp.safetensors', f'.{POINTER}.*.tmp'):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def write_pointer(folder: Path, name: str) -> None:
    """Note which checkpoint of a work dir was written last."""
    with atomic_path(folder / POINTER) as temporary:
        temporary.write_text(name, encoding='utf-8')


def check_same_model(path: Path, saved: dict[str, Any], current: dict[str, Any]) -> None:
    """Compare names and shapes of a checkpoint's weights with the model's.

    Raises:
        CheckpointError: they differ; the message names the first differences.
    """
    lacking = [f'lacks {key}' for key in current if key not in saved]
    strange = [f'has {key}' for key in saved if key not in current]
    shapes = [
        f'{key} is {tuple(saved[key].shape)}, not {tuple(current[key].shape)}'
        for key in saved.keys() & current.keys()
        if saved[key].shape != current[key].shape
    ]
    problems = lacking + strange + sorted(shapes)
    if problems:
        more = f' and {len(problems) - 3} more' if len(problems) > 3 else ''
        raise CheckpointError(
            f'checkpoint {path} is of another model ({"; ".join(problems[:3])}{more}); resume with the config it was'
            ' trained with, or choose another --work-dir'
        )
