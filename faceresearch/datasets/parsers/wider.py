"""The public annotation forms of WIDER FACE.

========== ===================================== ======== ===============================================
form       file                                  boxes    besides
========== ===================================== ======== ===============================================
official   wider_face_{train,val}_bbx_gt.txt     xywh     six attributes, the fifth of them ``invalid``
mat        wider_face_{train,val}.mat            xywh     the same
retinaface label.txt (``# path``)                xywh     five times x, y, flag, or −1; a quality score
scrfd      labelv2.txt (``# path width height``) xyxy     five times x, y, visibility, or −1; or an ignore flag
list       wider_val.txt                         none
========== ===================================== ======== ===============================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from faceresearch.datasets.parsers.annotations import (
    POINTS,
    FaceAnnotations,
    Problems,
    build_annotations,
    safe_name,
)
from faceresearch.datasets.parsers.matlab import read_wider_mat
from faceresearch.errors import UserError, did_you_mean

AnnotationFormat = Literal['official', 'mat', 'retinaface', 'scrfd', 'list']
FORMATS: tuple[str, ...] = get_args(AnnotationFormat)
#: RetinaFace's training labels have 17 MiB.
MAX_TEXT_BYTES = 512 * 2**20

_IMAGE_LINE = re.compile(r'\.(jpe?g|png|bmp|webp|tiff?)$', re.IGNORECASE)
_HASH_LINE = re.compile(r'^#\s*(?P<path>.*?)(?:\s+(?P<width>\d{1,9})\s+(?P<height>\d{1,9}))?$')
#: Column of the flag in x y w h blur expression illumination invalid occlusion pose.
_INVALID = 7


def read_annotations(
    path: str | Path, ann_format: AnnotationFormat | None = None
) -> tuple[list[FaceAnnotations], Problems]:
    """Read an annotation file in any of the public forms.

    Lines that cannot be used are skipped and counted. Paths that leave the image folder are refused.

    Args:
        path: the file.
        ann_format: its form; None: recognised by name and content.

    Returns:
        What it says of each image, in the file's order, and what was skipped.

    Raises:
        UserError: the file is missing or too large, or its form is unknown.
    """
    path = Path(path)
    if ann_format is None:
        ann_format = detect_format(path)
    elif ann_format not in FORMATS:
        raise UserError(
            f'ann_format={ann_format!r} is unknown; use one of {", ".join(FORMATS)}.'
            f'{did_you_mean(str(ann_format), FORMATS)}'
        )
    problems = Problems(path)
    if ann_format == 'mat':
        return read_wider_mat(path, problems), problems
    lines = read_lines(path)
    parse = {'official': _official, 'retinaface': _retinaface, 'scrfd': _scrfd, 'list': _list}[ann_format]
    annotations, seen = [], set()
    for item in parse(lines, problems):
        if item.name in seen:
            problems.add('image listed again', item.line, item.name)
            continue
        seen.add(item.name)
        annotations.append(item)
    return annotations, problems


def detect_format(path: str | Path) -> AnnotationFormat:
    """Recognise the form of an annotation file by its suffix and its first lines.

    Raises:
        UserError: it is none of the known forms.
    """
    path = Path(path)
    if path.suffix.lower() == '.mat':
        return 'mat'
    first = [line for line in read_lines(path, start_only=True) if line][:2]
    if first and first[0].startswith('#'):
        match = _HASH_LINE.match(first[0])
        return 'scrfd' if match and match['width'] else 'retinaface'
    if first and _IMAGE_LINE.search(first[0]):
        return 'official' if len(first) > 1 and not _IMAGE_LINE.search(first[1]) else 'list'
    raise UserError(
        f'{path}: line 1 is neither an image path nor "# path"; known forms: wider_face_*_bbx_gt.txt,'
        " wider_face_*.mat, RetinaFace's label.txt, SCRFD's labelv2.txt"
    )


def read_lines(path: Path, start_only: bool = False) -> list[str]:
    """Return the lines of a text file without white space around them; any line ends, with or without a BOM."""
    return [line.strip() for line in read_text(path, start_only).split('\n')]


def read_text(path: Path, start_only: bool = False) -> str:
    """Return a text file with line ends of one character and without a BOM.

    Raises:
        UserError: it cannot be read, or is larger than annotations are.
    """
    try:
        size = path.stat().st_size
        if size > MAX_TEXT_BYTES:
            raise UserError(f'{path}: {size} bytes are more than the {MAX_TEXT_BYTES} allowed for annotations')
        with path.open('rb') as stream:
            data = stream.read(65536 if start_only else -1)
    except OSError as error:
        raise UserError(f'{path}: annotations cannot be read ({error.strerror or error})') from error
    return data.decode('utf-8-sig', errors='replace').replace('\r\n', '\n').replace('\r', '\n')


def _blocks(
    lines: Sequence[str], is_header: Callable[[str], object], problems: Problems
) -> Iterator[tuple[int, str, list[int]]]:
    """Yield (number of the header line, header, numbers of the non-empty lines below it); numbers from 0."""
    header = -1
    rows: list[int] = []
    for number, line in enumerate(lines):
        if is_header(line):
            if header >= 0:
                yield header, lines[header], rows
            header, rows = number, []
        elif line and header < 0:
            problems.add('line before the first image', number + 1)
        elif line:
            rows.append(number)
    if header >= 0:
        yield header, lines[header], rows


def parse_table(
    lines: Sequence[str],
    numbers: Sequence[int],
    widths: tuple[int, ...],
    problems: Problems,
    file: str | None = None,
) -> tuple[np.ndarray, list[int]]:
    """Read rows of numbers, padded with NaN to the widest allowed width, and their line numbers from 1."""
    rows: list[list[float]] = []
    kept: list[int] = []
    for number in numbers:
        text = lines[number].split()
        try:
            row = [float(value) for value in text]
        except ValueError:
            problems.add('malformed line', number + 1, lines[number][:40], file=file)
            continue
        if len(row) not in widths:
            problems.add('malformed line', number + 1, f'{len(row)} columns', file=file)
            continue
        rows.append(row + [np.nan] * (max(widths) - len(row)))
        kept.append(number + 1)
    return np.array(rows, np.float64).reshape(-1, max(widths)), kept


def _name(text: str, line: int, problems: Problems) -> str | None:
    name = safe_name(text)
    if name is None:
        problems.add('path leaves the image folder', line + 1, text[:60])
    return name


def _official(lines: Sequence[str], problems: Problems) -> Iterator[FaceAnnotations]:
    for header, text, numbers in _blocks(lines, _IMAGE_LINE.search, problems):
        name = _name(text, header, problems)
        if name is None:
            continue
        announced = -1
        if numbers and lines[numbers[0]].isdecimal():
            announced = int(lines[numbers[0]][:9])
            numbers = numbers[1:]
        else:
            problems.add('number of faces missing', header + 1, name)
        if announced == 0 and len(numbers) == 1 and set(lines[numbers[0]].split()) == {'0'}:
            numbers = []  # an image without faces is followed by a line of zeros
        if 0 <= announced != len(numbers):
            # More lines than announced may belong to an image whose own line is damaged: they are not used.
            problems.add('number of faces differs', header + 1, f'{announced} announced, {len(numbers)} found')
            numbers = numbers[:announced]
        table, kept = parse_table(lines, numbers, (4, 10), problems)
        table[:, 2:4] += table[:, :2]
        ignore = table[:, _INVALID] == 1
        extras = {'attributes': table[:, 4:10]}
        yield build_annotations(name, table[:, :4], problems, ignore=ignore, line=header + 1, lines=kept, extras=extras)


def _retinaface(lines: Sequence[str], problems: Problems) -> Iterator[FaceAnnotations]:
    for header, text, numbers in _blocks(lines, lambda line: line.startswith('#'), problems):
        name = _name(text[1:], header, problems)
        if name is None:
            continue
        table, kept = parse_table(lines, numbers, (4, 19, 20), problems)
        table[:, 2:4] += table[:, :2]
        points = table[:, 4:19].reshape(-1, POINTS, 3)
        # The original looks at the first x only: negative means a face without landmarks. Flags are not used.
        absent = np.isnan(points).all((1, 2)) | (points[:, 0, 0] < 0)
        visible = np.repeat(~absent[:, None], POINTS, axis=1)
        extras = {'point_flags': np.where(visible, points[:, :, 2], np.nan), 'quality': table[:, 19]}
        yield build_annotations(
            name, table[:, :4], problems, None, points[:, :, :2], visible, None, header + 1, kept, extras
        )


def _scrfd(lines: Sequence[str], problems: Problems) -> Iterator[FaceAnnotations]:
    for header, text, numbers in _blocks(lines, lambda line: line.startswith('#'), problems):
        match = _HASH_LINE.match(text)
        name = _name(match['path'] if match else '', header, problems)
        if name is None:
            continue
        size = (int(match['height']), int(match['width'])) if match and match['width'] else None
        table, kept = parse_table(lines, numbers, (4, 5, 19), problems)
        flagged = np.isnan(table[:, 5:]).all(1) & (table[:, 4] == 1)
        points = table[:, 4:19].reshape(-1, POINTS, 3)
        short = np.isnan(points[:, :, 1:]).all((1, 2))
        # x = y = v = −1: no such point. Whatever v is otherwise, the point is used, as in the original.
        visible = ~(points == -1).all(2) & ~short[:, None]
        extras = {'point_flags': np.where(visible, points[:, :, 2], np.nan)}
        yield build_annotations(
            name, table[:, :4], problems, flagged, points[:, :, :2], visible, size, header + 1, kept, extras
        )


def _list(lines: Sequence[str], problems: Problems) -> Iterator[FaceAnnotations]:
    for number, text in enumerate(lines):
        name = _name(text, number, problems) if text else None
        if name is not None:
            yield build_annotations(name, np.zeros((0, 4)), problems, line=number + 1)
