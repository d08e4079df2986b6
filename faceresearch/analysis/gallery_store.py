"""The file that keeps the embeddings of a folder's faces.

An SQLite data base: what is added goes in by transactions, so a process that is killed leaves the last whole state, several
processes take turns, and thousands of images do not mean to write the file anew for each. (One file of tensors would have to
be; two files, tensors and a list, could disagree.) Nothing in it is code, and it is read as if a stranger had made it: its
tables must be ours to the letter, sizes are compared with the file's before memory is taken, every row carries a checksum.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock

from faceresearch.analysis.face import Face, embedding_of
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path

#: "frGa", by which the ``file`` command and we know the format.
_APPLICATION = 0x66724761
_VERSION = 1
_SCHEMA = {
    'state': 'CREATE TABLE state (changes INTEGER NOT NULL)',
    'makers': 'CREATE TABLE makers (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, about TEXT NOT NULL)',
    'folders': 'CREATE TABLE folders (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE)',
    'files': (
        'CREATE TABLE files (folder INTEGER NOT NULL, path BLOB NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL, '
        'ctime INTEGER NOT NULL, settled INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (folder, path)) WITHOUT ROWID'
    ),
    'images': (
        'CREATE TABLE images (maker INTEGER NOT NULL, digest BLOB NOT NULL, reason TEXT NOT NULL, faces INTEGER NOT NULL, '
        'data BLOB NOT NULL, checksum BLOB NOT NULL, PRIMARY KEY (maker, digest))'
    ),
}
#: Numbers before the embedding of a face: box, score, five points.
_HEAD = 15
#: Bytes of one row, and numbers of an embedding, at most.
_MAX_ROW, _MAX_DIMENSIONS = 256 * 2**20, 2**16
_WAIT = 60.0
_ELSEWHERE = 'choose another place for the store (store=, --store)'


class FileState(NamedTuple):
    """What is known of an image file.

    Attributes:
        size: bytes.
        mtime: of its last change, nanoseconds.
        ctime: of the last change of its content, name or rights, where the system tells.
        settled: the times are older than the reading; a later change cannot have the same ones.
        digest: of its content.
    """

    size: int
    mtime: int
    ctime: int
    settled: bool
    digest: bytes


class Content(NamedTuple):
    """What a model found in an image.

    Attributes:
        reason: why there are no faces, or empty.
        faces: with embeddings.
    """

    reason: str
    faces: Sequence[Face]


class GalleryStore:
    """A store on disk; makes it if there is none.

    Args:
        path: the file.
        rebuild: put a damaged store aside, under a name that the message tells, and begin a new one.

    Raises:
        UserError: there is a file that is not a store, is damaged or of a later release; or none can be made.
    """

    def __init__(self, path: str | Path, rebuild: bool = False) -> None:
        self.path = Path(path)
        self.set_aside: Path | None = None
        if rebuild and self.path.exists():
            self._rebuild()
        if not self.path.exists():
            self._create()
        with self.open() as base:
            self._check(base)

    @property
    def lock(self) -> FileLock:
        """The lock of the one process that writes."""
        return FileLock(f'{self.path}.lock')

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection; what fails because of the file is told in the user's words.

        Raises:
            UserError: it cannot be read or written, or is damaged.
        """
        mode = 'rw' if os.access(self.path, os.W_OK) else 'ro'
        try:
            base = sqlite3.connect(
                f'{self.path.absolute().as_uri()}?mode={mode}', uri=True, timeout=_WAIT, isolation_level=None
            )
            try:
                base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_ROW)
                # No function of a foreign schema runs; what is deleted is overwritten: faces are personal data.
                base.executescript('PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA secure_delete=ON')
                yield base
            finally:
                base.close()
        except sqlite3.Error as error:
            raise self._told(error) from error

    @contextmanager
    def writing(self, base: sqlite3.Connection) -> Iterator[None]:
        """A transaction: all that is written within is there afterwards, or nothing."""
        base.execute('BEGIN IMMEDIATE')
        try:
            yield
            base.execute('UPDATE state SET changes = changes + 1')
        except BaseException:
            # After some errors, such as a full disk, SQLite has rolled back already.
            with suppress(sqlite3.Error):
                base.execute('ROLLBACK')
            raise
        base.execute('COMMIT')

    def changes(self, base: sqlite3.Connection) -> int:
        """Return a number that grows with every change."""
        return int(base.execute('SELECT changes FROM state').fetchone()[0])

    def maker(self, base: sqlite3.Connection, about: Mapping[str, Any]) -> int:
        """Return the number of the models that ``about`` describes, a new one if they are new here."""
        text = json.dumps(about, sort_keys=True, allow_nan=False, default=str)
        key = hashlib.blake2b(text.encode(), digest_size=32).digest()
        return self._number(base, 'makers', {'key': key, 'about': text})

    def folder(self, base: sqlite3.Connection, folder: Path) -> int:
        """Return the number of a folder: one that holds the store may be moved together with it."""
        own, home = folder.resolve(), self.path.absolute().parent.resolve()
        name = os.path.relpath(own, home) if home.is_relative_to(own) else str(own)
        return self._number(base, 'folders', {'path': os.fsencode(name)})

    def _number(self, base: sqlite3.Connection, table: str, values: dict[str, Any]) -> int:
        name, key = next(iter(values.items()))
        found = base.execute(f'SELECT id FROM {table} WHERE {name} = ?', (key,)).fetchone()
        if found is None:
            with self.writing(base):
                marks = ', '.join('?' * len(values))
                # Another process may have been faster.
                command = f'INSERT OR IGNORE INTO {table} ({", ".join(values)}) VALUES ({marks})'
                base.execute(command, tuple(values.values()))
            found = base.execute(f'SELECT id FROM {table} WHERE {name} = ?', (key,)).fetchone()
        return int(found[0])

    def files(self, base: sqlite3.Connection, folder: int) -> dict[str, FileState]:
        """Return what is known of a folder's files, by their paths in it."""
        rows = base.execute('SELECT path, size, mtime, ctime, settled, digest FROM files WHERE folder = ?', (folder,))
        try:
            return {os.fsdecode(path): FileState(*rest) for path, *rest in rows}
        except TypeError as error:
            raise self._damaged(str(error)) from error

    def digests(self, base: sqlite3.Connection, maker: int) -> set[bytes]:
        """Return the contents that a maker has looked at."""
        return {row[0] for row in base.execute('SELECT digest FROM images WHERE maker = ?', (maker,))}

    def put_files(self, base: sqlite3.Connection, folder: int, files: Mapping[str, FileState]) -> None:
        """Write what is known of files; within :meth:`writing`."""
        rows = [(folder, os.fsencode(path), *state) for path, state in files.items()]
        base.executemany('INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)', rows)

    def put_image(self, base: sqlite3.Connection, maker: int, digest: bytes, content: Content) -> None:
        """Write what a maker found in a content; within :meth:`writing`."""
        data = b''.join(_packed(face) for face in content.faces)
        row = (maker, digest, content.reason, len(content.faces), data)
        base.execute('INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?, ?)', (*row, _checksum(*row)))

    def remove_files(self, base: sqlite3.Connection, folder: int, paths: Iterable[str]) -> None:
        """Forget files; within :meth:`writing`."""
        rows = [(folder, os.fsencode(path)) for path in paths]
        base.executemany('DELETE FROM files WHERE folder = ? AND path = ?', rows)

    def remove_orphans(self, base: sqlite3.Connection) -> None:
        """Forget contents that no file has; within :meth:`writing`."""
        base.execute('DELETE FROM images WHERE digest NOT IN (SELECT digest FROM files)')

    def verify(self, base: sqlite3.Connection) -> None:
        """Look at every row: before a store is written to.

        Raises:
            UserError: the store is damaged.
        """
        self._check(base)
        for _ in self._contents(base):
            pass

    def load(self, base: sqlite3.Connection, maker: int) -> dict[bytes, Content]:
        """Return what a maker found in all contents.

        Raises:
            UserError: the store is damaged.
        """
        self._check(base)
        query = 'SELECT count(*), total(length(data)) FROM images WHERE maker = ?'
        count, total = base.execute(query, (maker,)).fetchone()
        if total > self.path.stat().st_size:
            raise self._damaged(f'its {count} images claim more bytes than the file has')
        found = dict(self._contents(base, 'WHERE maker = ?', (maker,)))
        if len({len(embedding_of(face)) for content in found.values() for face in content.faces}) > 1:
            raise self._damaged('embeddings of one model differ in length')
        return found

    def _contents(
        self, base: sqlite3.Connection, where: str = '', values: Sequence[Any] = ()
    ) -> Iterator[tuple[bytes, Content]]:
        for row in base.execute(f'SELECT maker, digest, reason, faces, data, checksum FROM images {where}', values):
            try:
                if row[-1] != _checksum(*row[:-1]):
                    raise ValueError('the checksum of an image is wrong')
                yield row[1], Content(str(row[2]), _unpacked(row[4], row[3]))
            except (TypeError, ValueError, AttributeError) as error:
                raise self._damaged(str(error)) from error

    def _create(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.lock:
                if not self.path.exists():
                    self._write_empty()
        except OSError as error:
            raise UserError(f'cannot write {self.path}: {error.strerror or error}; {_ELSEWHERE}') from error

    def _write_empty(self) -> None:
        """Make a store, which gets its name when it is whole."""
        with atomic_path(self.path) as temporary:
            base = sqlite3.connect(temporary, isolation_level=None)
            try:
                base.executescript(';'.join(_SCHEMA.values()))
                base.execute('INSERT INTO state VALUES (0)')
                base.executescript(f'PRAGMA application_id={_APPLICATION}; PRAGMA user_version={_VERSION}')
            finally:
                base.close()

    def _check(self, base: sqlite3.Connection) -> None:
        application, version = (
            base.execute(f'PRAGMA {name}').fetchone()[0] for name in ('application_id', 'user_version')
        )
        if application != _APPLICATION:
            raise self._damaged('no gallery of faces')
        if version != _VERSION:
            raise UserError(
                f'{self.path}: form {version} of a gallery, this release reads {_VERSION}; choose another store'
            )
        verdict = base.execute('PRAGMA quick_check(1)').fetchone()[0]
        if verdict != 'ok':
            raise self._damaged(str(verdict).splitlines()[-1])
        own = 'SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL'
        if dict(base.execute(own)) != _SCHEMA or len(base.execute('SELECT changes FROM state').fetchall()) != 1:
            raise self._damaged('its tables are not those of a gallery')

    def _rebuild(self) -> None:
        with self.lock:
            try:
                with self.open() as base:
                    self.verify(base)
            except UserError:
                beside = self.path.parent.glob(f'{self.path.name}.damaged.*')
                taken = [int(path.suffix[1:]) for path in beside if path.suffix[1:].isdecimal()]
                self.set_aside = self.path.with_name(f'{self.path.name}.damaged.{max(taken, default=0) + 1}')
                self.path.rename(self.set_aside)
                # Its journal belongs to it: a new store must not be rolled back by it.
                with suppress(FileNotFoundError):
                    Path(f'{self.path}-journal').rename(f'{self.set_aside}-journal')

    def _damaged(self, why: str) -> UserError:
        return UserError(
            f'{self.path}: not a gallery, or damaged ({why}); rebuild=True (--rebuild) keeps it under another name and makes'
            ' a new one'
        )

    def _told(self, error: sqlite3.Error) -> UserError:
        code = getattr(error, 'sqlite_errorcode', 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_ERROR):
            return self._damaged(str(error))
        hint = 'another program keeps it locked' if code == sqlite3.SQLITE_BUSY else _ELSEWHERE
        return UserError(f'{self.path}: {error}; {hint}')


def _packed(face: Face) -> bytes:
    points = np.full((5, 2), np.nan) if face.points is None else face.points
    values = [np.ravel(face.box), np.array([face.score]), np.ravel(points), embedding_of(face)]
    return np.concatenate(values).astype('<f4').tobytes()


def _unpacked(data: bytes, count: int) -> list[Face]:
    if not count:
        return []
    columns = len(data) // 4 // count if 0 < count <= len(data) else 0
    if len(data) != count * columns * 4 or not _HEAD < columns <= _HEAD + _MAX_DIMENSIONS:
        raise ValueError(f'{count} faces are not in {len(data)} bytes')
    table = np.frombuffer(data, '<f4').reshape(count, columns)
    known = np.isfinite(table[:, 5:_HEAD]).all(1)
    if not np.isfinite(table[:, :5]).all() or not np.isfinite(table[:, _HEAD:]).all():
        raise ValueError('numbers that are not finite')
    return [
        Face(row[:4], float(row[4]), row[5:_HEAD].reshape(5, 2) if known[n] else None, embedding=row[_HEAD:])
        for n, row in enumerate(table)
    ]


def _checksum(maker: int, digest: bytes, reason: str, faces: int, data: bytes) -> bytes:
    head = json.dumps([maker, digest.hex(), reason, faces]).encode()
    return hashlib.blake2b(head + b'\0' + data, digest_size=8).digest()
