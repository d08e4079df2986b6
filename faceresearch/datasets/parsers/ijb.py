"""The text files of IJB-B and IJB-C: which image belongs to which template, which templates are compared, points."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceresearch.errors import UserError

_DOWNLOAD = (
    'get the IJB release of insightface (IJB_release.tar: loose_crop, meta) and unpack it there, or set data_root'
)
#: Bytes of the list of pairs that are read at a time.
_PIECE = 2**26


@dataclass(frozen=True)
class ImageList:
    """Images in the order of the protocol's files.

    Attributes:
        names: file names.
        templates: (N,) int64.
        media: (N,) int64.
    """

    names: list[str]
    templates: np.ndarray
    media: np.ndarray


@dataclass(frozen=True)
class PairList:
    """Templates to compare: two (P,) int32 arrays of template numbers and (P,) bool."""

    first: np.ndarray
    second: np.ndarray
    issame: np.ndarray


@dataclass(frozen=True)
class PointList:
    """Images with five points (N, 5, 2) float32 in pixels of the loose crop, and detector scores (N,) float32."""

    names: list[str]
    points: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Enrolment:
    """Templates (T,) of one gallery or probe set and their people (T,)."""

    templates: np.ndarray
    people: np.ndarray


def find_meta(data_root: str | Path, prefix: str, name: str) -> Path:
    """Return ``<data_root>/meta/<prefix>_<name>`` or, if that is absent, ``<data_root>/<prefix>_<name>``.

    Raises:
        UserError: neither exists.
    """
    choices = [Path(data_root) / folder / f'{prefix}_{name}' for folder in ('meta', '')]
    for path in choices:
        if path.is_file():
            return path
    raise UserError(f'{choices[0]} does not exist, nor does {choices[1]}; {_DOWNLOAD}')


def read_images(path: str | Path) -> ImageList:
    """Read ``…_face_tid_mid.txt``: image, template, medium.

    Raises:
        UserError: a line is malformed; its number is given.
    """
    names: list[str] = []
    numbers: list[tuple[int, int]] = []
    for _, (name, template, medium) in _lines(path, 3, lambda w: (w[0], int(w[1]), int(w[2]))):
        names.append(name)
        numbers.append((template, medium))
    table = np.array(numbers, np.int64)
    return ImageList(names, table[:, 0], table[:, 1])


def read_points(path: str | Path) -> PointList:
    """Read ``…_name_5pts_score.txt``: image, x and y of five points, detector score.

    Raises:
        UserError: a line is malformed; its number is given.
    """
    names: list[str] = []
    rows: list[list[float]] = []
    for number, (name, values) in _lines(path, 12, lambda w: (w[0], [float(v) for v in w[1:]])):
        if not np.isfinite(values).all():
            raise UserError(f'{path}:{number}: points and score must be finite')
        names.append(name)
        rows.append(values)
    table = np.array(rows, np.float32)
    return PointList(names, table[:, :10].reshape(-1, 5, 2), table[:, 10])


def _lines(path: str | Path, width: int, parse: Callable[[list[str]], tuple]) -> Iterator[tuple[int, tuple]]:
    empty = True
    try:
        with Path(path).open(encoding='utf-8') as stream:
            for number, line in enumerate(stream, 1):
                words = line.split()
                if not words:
                    continue
                try:
                    if len(words) != width:
                        raise ValueError(f'{len(words)} words, expected {width}')
                    yield number, parse(words)
                except ValueError as error:
                    raise UserError(f'{path}:{number}: {error}; the line is {line.strip()[:80]!r}') from error
                empty = False
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'{path}: cannot be read ({getattr(error, "strerror", None) or "not UTF-8 text"})') from error
    if empty:
        raise UserError(f'{path}: holds no line')


def read_pairs(path: str | Path) -> PairList:
    """Read ``…_template_pair_label.txt``: two templates and 1 if they are of one person, else 0.

    IJB-C has 15.7 million lines: numbers are read in pieces by numpy, and line by line only where that fails.

    Raises:
        UserError: a line is malformed; its number is given.
    """
    pieces: list[np.ndarray] = []
    try:
        with Path(path).open('rb') as stream:
            while text := stream.read(_PIECE):
                text += stream.readline()
                numbers = _numbers(text)
                if numbers is None:
                    raise _fault(path)
                pieces.append(numbers.astype(np.int32))
    except OSError as error:
        raise UserError(f'{path}: cannot be read ({error.strerror or error})') from error
    table = np.concatenate(pieces) if pieces else np.zeros((0, 3), np.int32)
    if not len(table):
        raise UserError(f'{path}: holds no pair')
    return PairList(table[:, 0].copy(), table[:, 1].copy(), table[:, 2] == 1)


def _numbers(text: bytes) -> np.ndarray | None:
    """Return the (P, 3) numbers of whole lines, or None if they are not such lines."""
    lines = text.count(b'\n') + (not text.endswith(b'\n'))
    if text.translate(None, b'0123456789 \t\r\n'):
        return None
    found = np.fromstring(text, np.int64, sep=' ')  # blanks of any kind separate
    if len(found) != 3 * lines:
        lines = sum(1 for line in text.splitlines() if line.strip())
    table = found.reshape(-1, 3) if len(found) == 3 * lines else None
    if table is None or (table[:, 2] > 1).any() or (table >= 2**31).any():
        return None
    return table


def _fault(path: str | Path) -> UserError:
    """Find the line that is wrong."""

    def parse(words: list[str]) -> tuple:
        row = tuple(int(word) for word in words)
        if not (min(row) >= 0 and max(row) < 2**31 and row[2] in (0, 1)):
            raise ValueError('expected two template numbers and 0 or 1')
        return row

    for _ in _lines(path, 3, parse):
        pass
    return UserError(f'{path}: not a list of pairs (template, template, 0 or 1)')


def read_enrolment(path: str | Path) -> Enrolment:
    """Read a ``…_1N_….csv``: a heading, then template and person in the first two columns, one line for each image.

    Raises:
        UserError: a line is malformed, or a template has two people.
    """
    people: dict[int, int] = {}
    try:
        with Path(path).open(encoding='utf-8', newline='') as stream:
            for number, row in enumerate(csv.reader(stream), 1):
                if number == 1 or not row:
                    continue
                try:
                    template, person = int(row[0]), int(row[1])
                except (ValueError, IndexError):
                    raise UserError(
                        f'{path}:{number}: expected template and person, found {",".join(row)[:80]!r}'
                    ) from None
                if people.setdefault(template, person) != person:
                    raise UserError(f'{path}:{number}: template {template} has two people')
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f'{path}: cannot be read ({error})') from error
    if not people:
        raise UserError(f'{path}: lists no template')
    return Enrolment(np.array(list(people), np.int64), np.array(list(people.values()), np.int64))
