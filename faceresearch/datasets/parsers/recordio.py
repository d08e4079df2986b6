"""MXNet's RecordIO without mxnet: records of bytes in one file, read by offset and written byte for byte alike.

A record is the magic number, a word with the part's kind (3 bits) and length (29 bits), the bytes, and zeros up to a
multiple of four; little endian. Where the magic number occurs in the bytes, aligned to four, the writer leaves it out
and splits the record there; the reader puts it back (dmlc-core ``recordio.h``, mxnet ``python/mxnet/recordio.py``).
Bytes of image records begin with a header of 24 bytes: flag, label, id, id2; with flag n > 0, n further labels follow.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np

from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path

MAGIC = 0xCED7230A
#: Bytes a part of a record can have: its length has 29 bits.
MAX_PART = 2**29 - 1
#: Bytes of a whole record that are read into memory. The largest published face images have a few tens of MiB.
MAX_RECORD = 256 * 2**20
_MAGIC_BYTES = struct.pack('<I', MAGIC)
_PART = struct.Struct('<II')
_HEADER = struct.Struct('<IfQQ')
_pread: Callable[[int, int, int], bytes] | None = getattr(os, 'pread', None)  # Windows has none
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_DAMAGED = 'the file is damaged or no RecordIO; copy or download it again'


class RecordHeader(NamedTuple):
    """What an image record says before the image.

    Attributes:
        label: a number (flag 0), or several (flag = how many), float32.
        id: number of the image; most writers leave it 0 or repeat the key.
        id2: a second number, 0.
    """

    label: float | tuple[float, ...]
    id: int = 0
    id2: int = 0

    @property
    def flag(self) -> int:
        """Number of labels if they are a vector; 0 for a single one."""
        return len(self.label) if isinstance(self.label, tuple) else 0

    @property
    def first_label(self) -> float:
        """The label, or the first of several."""
        return self.label[0] if isinstance(self.label, tuple) else self.label


def pack_record(header: RecordHeader, data: bytes) -> bytes:
    """Return the bytes of an image record: its header, then the encoded image.

    Raises:
        ValueError: an empty vector label, which the form cannot tell from a number.
    """
    if not isinstance(header.label, tuple):
        return _HEADER.pack(0, header.label, header.id, header.id2) + data
    if not header.label:
        raise ValueError('a vector label needs at least one number')
    labels = np.asarray(header.label, '<f4').tobytes()
    return _HEADER.pack(len(header.label), 0.0, header.id, header.id2) + labels + data


def unpack_record(payload: bytes, place: str) -> tuple[RecordHeader, bytes]:
    """Split the bytes of an image record into header and encoded image.

    Args:
        payload: what :meth:`RecordReader.read_at` returns.
        place: file and byte offset, for the error.

    Raises:
        UserError: the record is too short for its header.
    """
    if len(payload) < _HEADER.size:
        raise UserError(f'{place}: a record of {len(payload)} bytes has no image header ({_HEADER.size}); {_DAMAGED}')
    flag, number, first, second = _HEADER.unpack_from(payload)
    if not flag:
        return RecordHeader(number, first, second), payload[_HEADER.size :]
    end = _HEADER.size + 4 * flag
    if end > len(payload):
        raise UserError(f'{place}: the header announces {flag} labels, the record has {len(payload)} bytes; {_DAMAGED}')
    return RecordHeader(struct.unpack_from(f'<{flag}f', payload, _HEADER.size), first, second), payload[end:]


class RecordReader:
    """Reads records by byte offset, from any number of processes and threads at once.

    Every read states its offset, so that workers forked from one process do not disturb each other; a pickled reader
    opens the file again.

    Args:
        path: the ``.rec`` file.

    Raises:
        UserError: there is no such file, or it does not begin with a record.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._open()
        if self.size < 8 or self.size % 4:
            raise self.error(
                self.size,
                'truncated: the file ends here, where no record can end',
            )
        self._part(0, self.size)

    def _open(self) -> None:
        try:
            self._file = self.path.open('rb', buffering=0)
        except OSError as error:
            raise UserError(
                f'{self.path}: {error.strerror or error}; data_root and the name of the record file'
            ) from error
        self._descriptor = self._file.fileno()
        self.size = os.fstat(self._descriptor).st_size
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def __getstate__(self) -> dict[str, object]:
        return {'path': self.path}

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.path = state['path']
        self._open()

    def error(self, offset: int, problem: str) -> UserError:
        """Return an error that names the file and a byte in it."""
        return UserError(f'{self.place(offset)}: {problem}; {_DAMAGED}')

    def place(self, offset: int) -> str:
        """Name a byte of the file for errors."""
        return f'{self.path}: byte {offset}'

    def bytes_at(self, offset: int, count: int) -> bytes:
        """Read bytes; fewer at the end of the file."""
        if _pread is not None:
            return _pread(self._descriptor, count, offset)
        if self._pid != os.getpid():  # no positioned reads here, where nothing is forked either
            self._open()
        with self._lock:
            self._file.seek(offset)
            return self._file.read(count)

    def _part(self, offset: int, end: int) -> tuple[int, int, int]:
        """Return kind, length and padded length of the part at an offset, checked against the end of what is there."""
        if offset % 4 or not 0 <= offset <= end - 8:
            raise self.error(offset, f'no record can begin here (the file has {self.size} bytes)')
        magic, word = _PART.unpack(self.bytes_at(offset, 8))
        if magic != MAGIC:
            raise self.error(offset, f'wrong magic number 0x{magic:08x} instead of 0x{MAGIC:08x}')
        kind, length = word >> 29, word & MAX_PART
        padded = (length + 3) & ~3
        if kind > _LAST:
            raise self.error(offset, f'a record has no part of kind {kind}')
        if offset + 8 + padded > self.size:
            raise self.error(offset, f'truncated: the record has {length} bytes, the file ends at byte {self.size}')
        return kind, length, padded

    def read_at(self, offset: int, end: int | None = None) -> bytes:
        """Return the bytes of the record that begins at an offset.

        Args:
            offset: byte offset of the magic number.
            end: where the next record begins, if known: the whole is then read at once.

        Raises:
            UserError: no record begins there, or it is damaged.
        """
        if end is not None and 8 <= end - offset <= MAX_RECORD:
            chunk = self.bytes_at(offset, end - offset)
            if len(chunk) >= 8:
                magic, word = _PART.unpack_from(chunk)
                # A whole record: kind 0, the three upper bits of the word.
                if magic == MAGIC and word <= MAX_PART and 8 + word <= len(chunk):
                    return chunk[8 : 8 + word]
        parts: list[bytes] = []
        total = 0
        for start, _, length in self._parts(offset):
            total += length + 4
            if total > MAX_RECORD:
                raise self.error(offset, f'the record has more than {MAX_RECORD} bytes')
            data = self.bytes_at(start + 8, length)
            if len(data) != length:
                raise self.error(start, f'{length} bytes were to be read, {len(data)} came')
            parts.append(data)
        return _MAGIC_BYTES.join(parts)

    def _parts(self, offset: int) -> Iterator[tuple[int, int, int]]:
        """Yield (offset, offset of what follows, length) of each part of a record."""
        first = offset
        while True:
            kind, length, padded = self._part(offset, self.size)
            expected = (_WHOLE, _FIRST) if offset == first else (_MIDDLE, _LAST)
            if kind not in expected:
                raise self.error(
                    offset, f'part of kind {kind}, where a record {"begins" if offset == first else "goes on"}'
                )
            yield offset, offset + 8 + padded, length
            if kind in (_WHOLE, _LAST):
                return
            offset += 8 + padded

    def end_of(self, offset: int) -> int:
        """Return the offset of what follows the record at an offset.

        Raises:
            UserError: no record begins there, or it is damaged.
        """
        return [end for _, end, _ in self._parts(offset)][-1]

    def offsets(self) -> np.ndarray:
        """Find all records by going through the file, (N,) int64; for files without index.

        Raises:
            UserError: the file is damaged.
        """
        found = []
        offset = 0
        while offset < self.size:
            found.append(offset)
            offset = self.end_of(offset)
        return np.array(found, np.int64)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_idx(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read an ``.idx`` file, one ``key offset`` a line.

    Returns:
        Keys and byte offsets, (N,) int64 each, in the order of the file.

    Raises:
        UserError: it cannot be read, or a line is malformed or repeats a key.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f'{path}: {error.strerror or error}') from error
    numbers = np.array([], np.int64)
    # Anything else than digits and white space makes numpy stop, or take a sign or a point.
    if not text.translate(None, b'0123456789\t\n\r '):
        with contextlib.suppress(ValueError, OverflowError):
            numbers = np.fromstring(text.decode('ascii'), np.int64, sep=' ')
    lines = text.count(b'\n') + (not text.endswith(b'\n'))
    if not len(numbers) or len(numbers) != 2 * lines:
        raise UserError(f'{path}: {_malformed_line(text)}; delete the file to have it made again from the .rec')
    keys, offsets = numbers.reshape(-1, 2).T.copy()
    if len(np.unique(keys)) != len(keys):
        values, counts = np.unique(keys, return_counts=True)
        raise UserError(f'{path}: key {values[counts > 1][0]} occurs twice; delete the file to have it made again')
    return keys, offsets


def _malformed_line(text: bytes) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if len(fields) != 2 or not all(field.isdigit() and len(field) < 19 for field in fields):
            return f'line {number}: {line[:40].decode("ascii", "replace")!r} is not "key offset"'
    return 'it is empty' if not text.strip() else 'it is not one "key offset" a line'


class RecordWriter:
    """Writes a ``.rec`` file and its ``.idx``, byte for byte as mxnet's ``MXIndexedRecordIO`` does.

    A context manager: both files appear, whole, when the block ends without error; otherwise what was there stays.

    Args:
        path: the ``.rec`` file; the index goes beside it, with the suffix ``.idx``.

    Raises:
        UserError: the folder cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._stack = contextlib.ExitStack()
        self._keys: set[int] = set()

    def __enter__(self) -> RecordWriter:
        # What is entered first is renamed last: an index never stands beside records it does not belong to for long.
        index = self._stack.enter_context(atomic_path(self.path.with_suffix('.idx')))
        records = self._stack.enter_context(atomic_path(self.path))
        self._records = self._stack.enter_context(records.open('wb'))
        self._index = self._stack.enter_context(index.open('w', encoding='ascii', newline='\n'))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, key: int, payload: bytes) -> None:
        """Append a record.

        Args:
            key: its number, not used before.
            payload: its bytes; see :func:`pack_record`.

        Raises:
            ValueError: a key occurs twice, or the record is longer than the form allows.
        """
        if key in self._keys or key < 0:
            raise ValueError(f'{self.path}: key {key} is negative or occurs twice')
        if len(payload) > MAX_PART:
            raise ValueError(f'{self.path}: record {key} has {len(payload)} bytes, at most {MAX_PART} are possible')
        self._keys.add(key)
        self._index.write(f'{key}\t{self._records.tell()}\n')
        self._records.write(encode_record(payload))

    def replace_first(self, payload: bytes) -> None:
        """Write the first record anew, in as many bytes: what it says may be known at the end only."""
        position = self._records.tell()
        self._records.seek(0)
        self._records.write(encode_record(payload))
        self._records.seek(position)


def encode_record(payload: bytes) -> bytes:
    """Return a record as it stands in the file: split at each aligned magic number, padded to a multiple of four."""
    pieces = []
    start = 0
    found = payload.find(_MAGIC_BYTES)
    while found >= 0:
        # Only an aligned one could be taken for the begin of a record.
        if found % 4 == 0:
            kind = _FIRST if start == 0 else _MIDDLE
            pieces += [_PART.pack(MAGIC, kind << 29 | (found - start)), payload[start:found]]
            start = found + 4
            found = payload.find(_MAGIC_BYTES, start)
        else:
            found = payload.find(_MAGIC_BYTES, found + 1)
    kind = _LAST if start else _WHOLE
    pieces += [_PART.pack(MAGIC, kind << 29 | (len(payload) - start)), payload[start:], bytes(-len(payload) % 4)]
    return b''.join(pieces)
