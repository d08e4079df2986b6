"""Files that are either whole or absent."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faceresearch.errors import UserError


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; when the block ends without error it replaces ``target`` in one step.

    A run that is interrupted or killed leaves the old file untouched. The temporary name keeps the target's suffix,
    because some writers choose their format by it.

    Args:
        target: the file to write; missing parent folders are made.

    Raises:
        UserError: the folder cannot be made or written.
    """
    target = Path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f'.{target.stem}.', suffix=f'.tmp{target.suffix}', dir=target.parent)
    except OSError as error:
        raise UserError(f'cannot write {target}: {error.strerror or error}; choose another output path') from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _flush_to_disk(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(target: str | Path, content: Any) -> None:
    """Write content as JSON, whole or not at all.

    Raises:
        UserError: the file cannot be written.
    """
    with atomic_path(target) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')


def _flush_to_disk(path: Path) -> None:
    with path.open('rb') as stream:
        os.fsync(stream.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
