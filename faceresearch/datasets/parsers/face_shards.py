"""Samples of tar shards: encoded image and identity, nothing unpickled and nothing written to disk."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faceresearch.errors import UserError

#: What is read of a shard, and how many bytes of each. Members of any other kind (.pyd, .pth, .npy, …) are passed over.
IMAGES = {'jpg': 256 * 2**20, 'jpeg': 256 * 2**20, 'png': 256 * 2**20}
LABELS = {'cls': 64, 'json': 2**20, 'txt': 2**16}
_LIMITS = {**IMAGES, **LABELS}


def read_shard(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield the samples of an uncompressed tar file: ``__key__`` and the bytes of its members by their suffix.

    Members of one sample stand together and share the name up to the first dot, as the webdataset library has it,
    which puts them together here.

    Raises:
        UserError: the webdataset library is missing, or the file is damaged or no tar file.
    """
    try:
        from webdataset.tariterators import group_by_keys
    except ImportError as error:
        raise UserError(
            'tar shards need the webdataset library; install it: pip install "faceresearch[train]"'
        ) from error
    name = str(path)
    try:
        yield from group_by_keys(_members(Path(path), name))
    except (OSError, tarfile.TarError, ValueError) as error:
        reason = str(error.args[0] if error.args else error)
        raise UserError(f'{name}: cannot be read as a tar shard ({reason}); copy or download it again') from error


def _members(path: Path, name: str) -> Iterator[dict[str, Any]]:
    with path.open('rb') as stream:
        for member, archive in _headers(stream):
            suffix = _suffix(member.name)
            if suffix not in _LIMITS:
                continue
            if member.size > _LIMITS[suffix]:
                raise UserError(
                    f'{name}: byte {member.offset}: {member.name!r} has {member.size} bytes, more than'
                    f' {_LIMITS[suffix]} for .{suffix}; remove it'
                )
            content = archive.extractfile(member)
            data = content.read() if content is not None else b''
            if len(data) != member.size:
                raise UserError(f'{name}: byte {member.offset}: truncated; copy or download it again')
            yield {'fname': member.name, 'data': data, '__url__': name}


def _headers(stream: Any) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    # Uncompressed only: a compressed one may be a thousand times its size. Only regular files: no links, no devices.
    with tarfile.open(fileobj=stream, mode='r|') as archive:
        for member in archive:
            if member.isreg():
                yield member, archive
            archive.members = []  # type: ignore[attr-defined]  # tarfile keeps them all


def _suffix(name: str) -> str:
    return name.rpartition('/')[2].partition('.')[2].lower()


def count_images(path: str | Path) -> int:
    """Return the number of images in a shard, from the headers of its members.

    Raises:
        UserError: the file is damaged or no tar file.
    """
    try:
        with Path(path).open('rb') as stream:
            return sum(_suffix(member.name) in IMAGES for member, _ in _headers(stream))
    except (OSError, tarfile.TarError) as error:
        raise UserError(f'{path}: cannot be read as a tar shard ({error}); copy or download it again') from error


def image_of(sample: dict[str, Any]) -> bytes | None:
    """Return the encoded image of a sample; None if it has none."""
    return next((sample[suffix] for suffix in IMAGES if suffix in sample), None)


def identity_of(sample: dict[str, Any], label_key: str = 'label') -> int | None:
    """Return the identity of a sample from its ``cls``, ``json`` (``label_key``) or ``txt``; None if it has none."""
    for suffix in ('cls', 'txt'):
        text = sample.get(suffix, b'').strip()
        if text.isdigit() and len(text) < 19:
            return int(text)
    if 'json' in sample:
        try:
            fields = json.loads(sample['json'])
        except (ValueError, RecursionError):
            return None
        value = fields.get(label_key) if isinstance(fields, dict) else None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None
