"""Find a face among the images of a folder: 1:N, with embeddings that are computed once and kept."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import Timeout

from faceresearch.analysis.face import Face, embedding_of
from faceresearch.analysis.gallery_store import Content, FileState, GalleryStore
from faceresearch.analysis.search import ApproximateIndex, nearest, normalised
from faceresearch.apis.media import IMAGE_SUFFIXES
from faceresearch.datasets.base import BrokenImageError
from faceresearch.errors import UserError
from faceresearch.transforms.loading import MAX_FILE_BYTES, decode_image

#: Where a folder's store is unless another place is named.
STORE_NAME = '.faceresearch-gallery.sqlite'
#: From images (H, W, 3) uint8 BGR to the faces of each, with embeddings.
Embed = Callable[[Sequence[np.ndarray]], Sequence[Sequence[Face]]]
#: Pixels of images that wait to be embedded together.
_BATCH_PIXELS = 2**25
#: Times of files may be as coarse as this, nanoseconds (FAT counts in two seconds).
_COARSE = 2 * 10**9


@dataclass(frozen=True)
class Match:
    """A face of the gallery that is like the one that was asked for.

    Attributes:
        path: the image, from the folder on.
        similarity: cosine of the embeddings, −1…1.
        box: (4,) xyxy of the face in that image.
        score: of the detector.
        points: (5, 2), or None.
    """

    path: str
    similarity: float
    box: np.ndarray
    score: float
    points: np.ndarray | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        box = np.round(self.box.astype(float), 2).tolist()
        return {'path': self.path, 'similarity': round(self.similarity, 6), 'box': box, 'score': round(self.score, 5)}


@dataclass(frozen=True)
class Finding:
    """A face that was asked for, and the faces of the gallery that are like it.

    Attributes:
        face: of the query.
        matches: most similar first.
    """

    face: Face
    matches: list[Match]


@dataclass
class Changes:
    """What was noticed since the last time.

    Attributes:
        added: new images.
        changed: images with another content.
        removed: images that are gone; what was known of them alone is deleted from the store.
        embedded: contents that the models looked at now.
        unreadable: files and folders that could not be opened, and why; what was known of them stays.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    embedded: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        counts = {'added': len(self.added), 'changed': len(self.changed), 'removed': len(self.removed)}
        counts |= {'embedded': self.embedded, 'unreadable': len(self.unreadable)}
        return ', '.join(f'{count} {what}' for what, count in counts.items() if count) or 'nothing new'

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.embedded)


class _Known(NamedTuple):
    """What a search needs, as of one state of the store."""

    changes: int
    embeddings: np.ndarray
    rows: list[tuple[str, Face]]
    left_out: dict[str, str]


class Gallery:
    """The faces of a folder's images.

    The folder is looked through again with every call: images are known by size and times, and where these have changed, by a
    hash of their content; so renamed, copied or touched ones are not computed again. The store keeps the embeddings of any
    number of models apart, by ``about``: another recogniser never reads the wrong ones.

    Args:
        folder: images here and in folders below it, hidden ones excepted.
        embed: finds and describes faces.
        about: all that ``embed``'s result depends on, as plain values: input contracts, hashes of weights, thresholds.
        store: where embeddings are kept; ``.faceresearch-gallery.sqlite`` in the folder by default. One store serves several
            folders.
        batch_size: images that are embedded together; after each batch the store is whole.
        approximate: search by an index of faiss that is built in memory, for galleries of millions.
        rebuild: put a damaged store aside and begin a new one.

    Raises:
        UserError: there is no such folder, or the store cannot be used.
    """

    def __init__(
        self,
        folder: str | Path,
        embed: Embed,
        about: Mapping[str, Any],
        store: str | Path | None = None,
        batch_size: int = 16,
        approximate: bool = False,
        rebuild: bool = False,
    ) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise UserError(f'{folder}: no such folder')
        self.embed, self.about, self.batch_size, self.approximate = embed, dict(about), batch_size, approximate
        self.store = GalleryStore(self.folder / STORE_NAME if store is None else store, rebuild)
        self._known: _Known | None = None
        self._index: ApproximateIndex | None = None

    def update(self) -> Changes:
        """Notice what has changed in the folder and embed what is new.

        Only one process does so at a time; another waits, and then finds the work done.

        Raises:
            UserError: the folder is gone or holds no images (so that a disk that is not mounted empties no store), or the
                store cannot be written.
        """
        seen, unreadable = _listing(self.folder)
        if not seen:
            raise UserError(f'{self.folder}: no images in this folder or below it')
        with self.store.open() as base:
            numbers = self.store.maker(base, self.about), self.store.folder(base, self.folder)
            changes, todo = self._compare(base, numbers, seen, unreadable)
        if not todo and not changes.removed:
            return changes
        try:
            with self._turn(), self.store.open() as base:
                self.store.verify(base)
                changes, todo = self._compare(base, numbers, seen, unreadable)
                self._embed(base, numbers, todo, changes)
                with self.store.writing(base):
                    self.store.remove_files(base, numbers[1], changes.removed)
                    self.store.remove_orphans(base)
        except OSError as error:
            raise UserError(f'{self.store.path}: {error.strerror or error}') from error
        return changes

    def search(self, embeddings: np.ndarray, k: int | None = 10, threshold: float | None = None) -> list[list[Match]]:
        """Return the faces most like each of the given ones, as the store knows them; call :meth:`update` before.

        Args:
            embeddings: (Q, D), not necessarily normalised.
            k: how many matches of each at most; None sets no limit.
            threshold: least cosine.

        Raises:
            UserError: the embeddings have another length than the gallery's.
        """
        if k is not None and k < 1:
            raise UserError(f'k={k}: how many matches; at least 1')
        known, queries = self._read(), normalised(np.atleast_2d(embeddings))
        if not known.rows or not len(queries):
            return [[] for _ in queries]
        if queries.shape[1] != known.embeddings.shape[1]:
            raise UserError(
                f'{self.store.path}: embeddings of {known.embeddings.shape[1]} numbers, the query has {queries.shape[1]}'
            )
        if self.approximate:
            self._index = self._index or ApproximateIndex(known.embeddings)
            found = self._index.nearest(queries, k, threshold)
        else:
            found = nearest(queries, known.embeddings, k, threshold)
        return [[_match(known.rows[i], float(cosine)) for i, cosine in zip(*each)] for each in found]

    def left_out(self) -> dict[str, str]:
        """Return the images without a face that can be found, and why: broken, no faces, …"""
        return dict(self._read().left_out)

    def __len__(self) -> int:
        """Faces."""
        return len(self._read().rows)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold the store's lock; say so where another process holds it."""
        lock = self.store.lock
        try:
            lock.acquire(timeout=0.5)
        except Timeout:
            print(f'{self.store.path}: another process writes it; waiting', file=sys.stderr)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _compare(
        self,
        base: sqlite3.Connection,
        numbers: tuple[int, int],
        seen: Mapping[str, os.stat_result],
        unreadable: Mapping[str, str],
    ) -> tuple[Changes, dict[str, FileState | None]]:
        """Return what differs, and the files that must be read with what was known of them."""
        maker, folder = numbers
        known, digests = self.store.files(base, folder), self.store.digests(base, maker)
        changes, todo = Changes(unreadable=dict(unreadable)), dict[str, FileState | None]()
        for name, stat in seen.items():
            state = known.get(name)
            times = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
            if state is None or not state.settled or state[:3] != times or state.digest not in digests:
                todo[name] = state
        hidden = tuple(f'{name}/' for name in unreadable)
        changes.removed = sorted(name for name in known.keys() - seen.keys() if not f'{name}/'.startswith(hidden))
        return changes, todo

    def _embed(
        self, base: sqlite3.Connection, numbers: tuple[int, int], todo: Mapping[str, FileState | None], changes: Changes
    ) -> None:
        maker, folder = numbers
        digests = self.store.digests(base, maker)
        files: dict[str, FileState] = {}
        images: dict[bytes, np.ndarray | str] = {}

        def write() -> None:
            found = dict(zip(images, self._contents(list(images.values()))))
            with self.store.writing(base):
                self.store.put_files(base, folder, files)
                for digest, content in found.items():
                    self.store.put_image(base, maker, digest, content)
            digests.update(found)
            changes.embedded += len(found)
            files.clear()
            images.clear()

        for name in _shown(todo, 'embedding faces'):
            try:
                state, data = _read(self.folder / name)
            except OSError as error:
                changes.unreadable[name] = error.strerror or str(error)
                continue
            before = todo[name]
            if before is None:
                changes.added.append(name)
            elif before.digest != state.digest:
                changes.changed.append(name)
            files[name] = state
            if state.digest not in digests and state.digest not in images:
                images[state.digest] = _decoded(data, state.size)
            pixels = sum(image.size for image in images.values() if isinstance(image, np.ndarray)) // 3
            if len(images) >= self.batch_size or pixels >= _BATCH_PIXELS or len(files) >= 1000:
                write()
        if files:
            write()

    def _contents(self, images: Sequence[np.ndarray | str]) -> list[Content]:
        """Return what the models find in images; a text is why there is none."""
        good = [image for image in images if isinstance(image, np.ndarray)]
        found = iter(self.embed(good) if good else ())
        return [Content(image, ()) if isinstance(image, str) else _content(next(found)) for image in images]

    def _read(self) -> _Known:
        """Return what the store knows of the folder's files, read again only if it has changed."""
        with self.store.open() as base:
            maker, folder = self.store.maker(base, self.about), self.store.folder(base, self.folder)
            base.execute('BEGIN')
            changes = self.store.changes(base)
            if self._known is not None and self._known.changes == changes:
                return self._known
            files, contents = self.store.files(base, folder), self.store.load(base, maker)
        rows, left_out = [], {}
        for name, state in sorted(files.items()):
            content = contents.get(state.digest)
            if content is None:
                continue
            rows += [(name, face) for face in content.faces]
            if not content.faces:
                left_out[name] = content.reason
        embeddings = normalised(np.stack([embedding_of(face) for _, face in rows])) if rows else np.zeros((0, 0))
        self._known, self._index = _Known(changes, embeddings, rows, left_out), None
        return self._known


def _match(row: tuple[str, Face], similarity: float) -> Match:
    path, face = row
    return Match(path, min(1.0, max(-1.0, similarity)), face.box, face.score, face.points)


def _listing(folder: Path) -> tuple[dict[str, os.stat_result], dict[str, str]]:
    """Return the image files below a folder by their paths in it, and the folders that cannot be opened."""
    found, unreadable = dict[str, os.stat_result](), dict[str, str]()
    waiting = ['']
    while waiting:
        inner = waiting.pop()
        try:
            with os.scandir(folder / inner) as entries:
                for entry in sorted(entries, key=lambda each: each.name):
                    if entry.name.startswith('.'):
                        continue
                    name = f'{inner}/{entry.name}' if inner else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(name)
                    elif Path(name).suffix.lower() in IMAGE_SUFFIXES and entry.is_file():
                        found[name] = entry.stat()
        except OSError as error:
            if not inner:
                raise UserError(f'{folder}: {error.strerror or error}') from error
            unreadable[inner] = error.strerror or str(error)
    return dict(sorted(found.items())), unreadable


def _read(path: Path) -> tuple[FileState, bytes]:
    """Return what is to be known of a file, and its content (nothing of one that is too large)."""
    now, stat = time.time_ns(), path.stat()
    large = stat.st_size > MAX_FILE_BYTES
    data = b'' if large else path.read_bytes()
    # What is too large is not read: its size and time stand for it.
    digest = hashlib.blake2b(f'{stat.st_size} {stat.st_mtime_ns}'.encode() if large else data, digest_size=32).digest()
    settled = max(stat.st_mtime_ns, stat.st_ctime_ns) < now - _COARSE
    return FileState(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, settled, digest), data


def _decoded(data: bytes, size: int) -> np.ndarray | str:
    """Return an image (H, W, 3) BGR, or why it is none."""
    if size > MAX_FILE_BYTES:
        return f'{size} bytes are too many'
    try:
        return decode_image(data, '')
    except BrokenImageError as error:
        return str(error).removeprefix(': ')


def _content(faces: Iterable[Face]) -> Content:
    """Return the faces that have an embedding to compare, or why there is none."""
    good, notes = [], list[str]()
    for face in faces:
        if face.embedding is None:
            notes += face.notes.values() or ['a face without an embedding']
        elif not np.isfinite(face.embedding).all() or not np.any(face.embedding):
            notes.append('an embedding that is zero or not finite')
        elif not np.isfinite(face.box).all() or not np.isfinite(face.score):
            notes.append('a face whose place is not finite')
        else:
            good.append(face)
    return Content('' if good else '; '.join(dict.fromkeys(notes)) or 'no face found', good)


def _shown(names: Iterable[str], what: str) -> Iterator[str]:
    """Yield names with a bar, on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        yield from progress.track(list(names), description=what)
