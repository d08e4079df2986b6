"""Face data sets in RecordIO, in the forms InsightFace's tools write and read: which record is whose image.

Three forms of the first record are in use:

- *ranges*: record 0 holds no image but two labels, the key of the first identity record and the one past the last.
  Images have the keys from 1 on; each identity record holds the first key of its images and the one past the last.
- *header only*: record 0 holds no image, and no identity records follow, or none that can be used.
- *plain*: every record is an image (``im2rec``, ``rec_builder``, files shuffled for DALI), from key 0 or any other on.
"""

from __future__ import annotations

import logging
import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from mmengine.logging import print_log

from faceresearch.datasets.parsers.recordio import (
    MAGIC,
    MAX_RECORD,
    RecordHeader,
    RecordReader,
    RecordWriter,
    pack_record,
    read_idx,
    unpack_record,
)
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path

Form = Literal['ranges', 'header only', 'plain']
#: Whole numbers from here on are not all float32, in which records state keys: such keys are not relied on.
_EXACT = 2**24
#: The index of so many records is kept in a file of our own, since making it takes long.
_WORTH_KEEPING = 200_000
_CACHE_VERSION = 1
#: Magic number, length, flag and label at the begin of a record.
_SIMPLE = struct.Struct('<IIIf')


@dataclass
class FaceRecords:
    """Where the images of a record file are, and whose.

    Attributes:
        reader: the file.
        form: which of the three forms it has.
        keys: (N,) int64, key of each image.
        offsets: (N,) int64, byte offset of each image's record.
        ends: (N,) int64, where the next record begins.
        identities: (N,) int64, the label of each image, as it stands in the file.
    """

    reader: RecordReader
    form: Form
    keys: np.ndarray
    offsets: np.ndarray
    ends: np.ndarray
    identities: np.ndarray

    def read(self, index: int) -> tuple[int, bytes]:
        """Return label and encoded image number ``index``.

        Raises:
            UserError: the record is damaged, or its label is another than the index says.
        """
        identity = self.identities.item(index)
        return identity, self._image(self.offsets.item(index), self.ends.item(index), identity)

    def images(self, indices: np.ndarray) -> Iterator[bytes]:
        """Yield the encoded images with these numbers (M,) one after the other, with less ado for each than ``read``.

        Raises:
            UserError: see :meth:`read`.
        """
        read, unpack = self.reader.bytes_at, _SIMPLE.unpack_from
        where = (self.offsets[indices].tolist(), self.ends[indices].tolist(), self.identities[indices].tolist())
        for offset, end, identity in zip(*where, strict=True):
            record = read(offset, end - offset) if 32 < end - offset <= MAX_RECORD else b''
            if len(record) > 32:
                magic, length, flag, label = unpack(record)
                # In one part, with one label.
                if magic == MAGIC and 24 <= length <= len(record) - 8 and flag == 0 and label == identity:
                    yield record[32 : 8 + length]
                    continue
            yield self._image(offset, end, identity)

    def _image(self, offset: int, end: int, identity: int) -> bytes:
        header, image = unpack_record(self.reader.read_at(offset, end), self.reader.place(offset))
        if header.first_label != identity:
            raise UserError(
                f'{self.reader.place(offset)}: the image has label {header.first_label:g}, its identity record says'
                f' {identity}; the .rec and the .idx belong to different files, or one is damaged'
            )
        return image


def open_face_records(path: str | Path, idx_path: str | Path | None = None) -> FaceRecords:
    """Open a record file and find its images.

    The ``.idx`` file is used where there is one; otherwise the record file is gone through. What was found in a large
    file is kept beside it (``….rec.index.npz``), if the folder can be written, and used while neither file changes.

    Args:
        path: the ``.rec`` file.
        idx_path: its index; None: the same name with the suffix ``.idx``.

    Raises:
        UserError: a file is missing, truncated, damaged, or is no record file of labelled images.
    """
    path = Path(path)
    reader = RecordReader(path)
    idx = path.with_suffix('.idx') if idx_path is None else Path(idx_path)
    if idx_path is not None and not idx.is_file():
        raise UserError(f'{idx}: no such index file; leave idx_file out to have the records found in {path.name}')
    cache = path.with_name(f'{path.name}.index.npz')
    signature = _signature(path, idx)
    found = _read_cache(cache, signature, reader)
    if found is None:
        found = _find_images(reader, idx)
        if len(found.keys) >= _WORTH_KEEPING:
            _write_cache(cache, signature, found)
    return found


def _find_images(reader: RecordReader, idx: Path) -> FaceRecords:
    if idx.is_file():
        keys, offsets = read_idx(idx)
    else:
        print_log(f'{idx} is missing: going through {reader.path.name} ({reader.size:,} bytes)', logger='current')
        offsets = reader.offsets()
        keys = np.arange(len(offsets), dtype=np.int64)
    order = np.argsort(offsets, kind='stable')
    keys, offsets = keys[order], offsets[order]
    ends = np.append(offsets[1:], reader.size)
    if offsets[0] < 0 or offsets[-1] > reader.size - 8 or (np.diff(offsets) <= 0).any():
        raise UserError(
            f'{idx}: offsets up to {offsets[-1]} do not fit {reader.path.name} of {reader.size} bytes: it is truncated,'
            ' or another one; copy both again, or delete the index'
        )
    if reader.end_of(int(offsets[-1])) != reader.size:
        raise reader.error(int(offsets[-1]), f'{idx.name} has its last record here, but the file goes on after it')
    return _label_images(reader, keys, offsets, ends)


def _label_images(reader: RecordReader, keys: np.ndarray, offsets: np.ndarray, ends: np.ndarray) -> FaceRecords:
    position = np.flatnonzero(keys == 0)
    header, image = _unpack_at(reader, int(offsets[position[0] if len(position) else 0]))
    if image or not header.flag:
        return _with_labels(reader, 'plain', keys, offsets, ends)
    others = keys != 0
    keys, offsets, ends = keys[others], offsets[others], ends[others]
    ranged = _from_ranges(reader, header, keys, offsets, ends)
    return ranged or _with_labels(reader, 'header only', keys, offsets, ends)


def _from_ranges(
    reader: RecordReader, header: RecordHeader, keys: np.ndarray, offsets: np.ndarray, ends: np.ndarray
) -> FaceRecords | None:
    """Take the labels from the identity records; None if they cannot be relied on."""
    labels = header.label if isinstance(header.label, tuple) else ()
    if len(labels) != 2 or not all(math.isfinite(x) and x == int(x) and 0 < x < _EXACT for x in labels):
        return None
    first, last = (int(x) for x in labels)
    highest = int(keys.max()) if len(keys) else 0
    if first < last and highest < last - 1 and highest != first - 1:
        raise reader.error(
            reader.size, f'truncated: record 0 announces records up to key {last - 1}, the last one is {highest}'
        )
    is_image = keys < first
    where = np.flatnonzero((keys >= first) & (keys < last))
    if last <= first or len(where) != last - first or len(where) + is_image.sum() != len(keys):
        return None
    where = where[np.argsort(keys[where])]
    by_key = np.full(first, -1, np.int64)
    for identity, record in enumerate(where.tolist()):
        own, image = _unpack_at(reader, int(offsets[record]))
        span = own.label if isinstance(own.label, tuple) else ()
        if image or len(span) != 2 or not all(math.isfinite(x) for x in span) or not 0 < span[0] <= span[1] <= first:
            return None
        by_key[int(span[0]) : int(span[1])] = identity
    identities = by_key[keys[is_image]]
    if (identities < 0).any():
        return None
    found = FaceRecords(reader, 'ranges', keys[is_image], offsets[is_image], ends[is_image], identities)
    # Some files number their identities otherwise than in order: what their images say holds then.
    for index in np.linspace(0, len(identities) - 1, min(1000, len(identities))).astype(int).tolist():
        if _unpack_at(reader, int(found.offsets[index]))[0].first_label != identities[index]:
            return None
    return found


def _with_labels(
    reader: RecordReader, form: Form, keys: np.ndarray, offsets: np.ndarray, ends: np.ndarray
) -> FaceRecords:
    """Read the label of every record; records without an image are left out."""
    if len(keys) >= _WORTH_KEEPING:
        print_log(f'{reader.path}: reading the labels of {len(keys):,} records', logger='current')
    labels = np.full(len(keys), -1, np.int64)
    for index, (offset, end) in enumerate(zip(offsets.tolist(), ends.tolist())):
        header, image = _unpack_at(reader, offset, min(end - offset, 4096))
        if not image:
            continue
        label = header.first_label
        if not math.isfinite(label) or label != int(label) or label < 0:
            raise UserError(f'{reader.place(offset)}: label {label:g} is no number of an identity')
        labels[index] = int(label)
    kept = labels >= 0
    if not kept.any():
        raise UserError(f'{reader.path}: holds no image; a record file of faces is wanted')
    return FaceRecords(reader, form, keys[kept], offsets[kept], ends[kept], labels[kept])


def _unpack_at(reader: RecordReader, offset: int, enough: int = 4096) -> tuple[RecordHeader, bytes]:
    """Return a record's header, and the image, which may be cut off after a few bytes."""
    chunk = reader.bytes_at(offset, enough)
    # A record that goes on behind the chunk, or is split: its size and parts are checked by reading it.
    if len(chunk) >= 36 and chunk[:4] == b'\x0a\x23\xd7\xce' and not chunk[7] >> 5:
        length = int.from_bytes(chunk[4:8], 'little')
        flag = int.from_bytes(chunk[8:12], 'little')
        if 8 + length <= reader.size - offset and 24 + 4 * flag < min(length, len(chunk) - 8):
            return unpack_record(chunk[8 : 8 + length], reader.place(offset))
    return unpack_record(reader.read_at(offset), reader.place(offset))


def _signature(path: Path, idx: Path) -> np.ndarray:
    stats = [(file.stat().st_size, file.stat().st_mtime_ns) if file.is_file() else (-1, -1) for file in (path, idx)]
    return np.array([_CACHE_VERSION, *stats[0], *stats[1]], np.int64)


def _read_cache(path: Path, signature: np.ndarray, reader: RecordReader) -> FaceRecords | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            if not np.array_equal(stored['signature'], signature):
                return None
            arrays = [stored[name] for name in ('keys', 'offsets', 'ends', 'identities')]
            form: Form = str(stored['form'])  # type: ignore[assignment]
    except (OSError, ValueError, KeyError, EOFError):
        return None
    if any(a.dtype != np.int64 or a.ndim != 1 or len(a) != len(arrays[0]) for a in arrays):
        return None
    return FaceRecords(reader, form, *arrays)


def _write_cache(path: Path, signature: np.ndarray, found: FaceRecords) -> None:
    try:
        with atomic_path(path) as temporary, temporary.open('wb') as stream:
            np.savez(
                stream,
                signature=signature,
                form=np.array(found.form),
                keys=found.keys,
                offsets=found.offsets,
                ends=found.ends,
                identities=found.identities,
            )
    except (UserError, OSError) as error:
        print_log(f'the index is made anew each time ({error})', logger='current', level=logging.WARNING)


def read_property(path: str | Path) -> tuple[int, int, int] | None:
    """Read a ``property`` file: number of identities, height and width; None if there is none.

    Raises:
        UserError: it is not three whole numbers.
    """
    path = Path(path)
    if not path.is_file():
        return None
    with path.open('rb') as stream:
        line = stream.read(256).split(b'\n')[0]
    fields = [field.strip() for field in line.split(b',')]
    if len(fields) != 3 or not all(field.isdigit() for field in fields):
        text = line.decode('ascii', 'replace')
        raise UserError(f'{path}: line 1: {text!r} is not "identities,height,width"; correct or delete the file')
    return int(fields[0]), int(fields[1]), int(fields[2])


def write_face_records(
    path: str | Path, images: Iterable[tuple[int, bytes]], size: tuple[int, int] = (112, 112)
) -> tuple[int, int]:
    """Write images in the form *ranges*, with index and ``property`` file, as InsightFace's own tools do.

    Args:
        path: the ``.rec`` file.
        images: (identity, encoded image), the images of identity 0 first, then those of 1 and so on.
        size: height and width of the images, for the ``property`` file.

    Returns:
        Number of images and of identities.

    Raises:
        UserError: identities are not in order, there is no image, or the files cannot be written.
    """
    path = Path(path)
    starts: list[int] = []
    key = 0
    with RecordWriter(path) as writer:
        writer.write(0, pack_record(RecordHeader((0.0, 0.0)), b''))
        for key, (identity, data) in enumerate(images, 1):
            if identity == len(starts):
                starts.append(key)
            elif identity != len(starts) - 1:
                raise UserError(
                    f'{path}: image {key} is of identity {identity} after {len(starts) - 1}; sort the images by identity'
                )
            writer.write(key, pack_record(RecordHeader(float(identity), key), data))
        if not starts:
            raise UserError(f'{path}: there are no images to write')
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], key + 1])):
            own = key + 1 + number
            writer.write(own, pack_record(RecordHeader((float(start), float(end)), own), b''))
        ends = (float(key + 1), float(key + 1 + len(starts)))
        writer.replace_first(pack_record(RecordHeader(ends), b''))
    with atomic_path(path.with_name('property')) as temporary:
        temporary.write_text(f'{len(starts)},{size[0]},{size[1]}', encoding='ascii')
    return key, len(starts)
