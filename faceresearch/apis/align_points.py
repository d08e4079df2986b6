"""Five points of faces from files: reports of our aligner, JSON, tables and lists of other projects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from faceresearch.errors import UserError
from faceresearch.transforms.alignment import five_of_68

MAX_FILE_BYTES = 2 * 2**30


def read_points(path: str | Path) -> dict[str, np.ndarray]:
    """Read the five points (5, 2) float64 of images by name, the path relative to the folder of images.

    Forms: a report of ``tools/align_faces.py`` (``alignment.json`` or ``.csv``); JSON ``{name: [[x, y], …]}``; lines
    ``name x1 y1 … x5 y5``, with commas or blanks between them, further numbers ignored (so that IJB's
    ``*_name_5pts_score.txt`` is read), and with a first line ``image,found,score,x1,…`` or none. 68 points instead of
    five are iBUG's. The order is image-left eye, image-right eye, nose, image-left mouth corner, image-right one.

    Raises:
        UserError: the file is missing, or a line is not in any of these forms.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'{path}: no such file of points')
    if path.stat().st_size > MAX_FILE_BYTES:
        raise UserError(f'{path}: {path.stat().st_size} bytes are too many for a file of points')
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'{path}: cannot be read as text ({error})') from error
    points = dict(_from_json(path, text) if path.suffix.lower() == '.json' else _from_lines(path, text))
    if not points:
        raise UserError(f'{path}: holds no points')
    return points


def _from_json(path: Path, text: str) -> Iterator[tuple[str, np.ndarray]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f'{path}: not JSON ({error})') from error
    items: Any = content
    if isinstance(content, dict) and isinstance(content.get('images'), list):
        items = {e.get('image'): e.get('points') for e in content['images'] if isinstance(e, dict) and e.get('points')}
    if not isinstance(items, dict):
        raise UserError(f'{path}: needs {{"image name": [[x, y], …]}} or the report of an alignment')
    for name, value in items.items():
        yield str(name), _checked(f'{path}: {name}', value)


def _from_lines(path: Path, text: str) -> Iterator[tuple[str, np.ndarray]]:
    columns: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = [field.strip() for field in line.split(',')] if ',' in line else line.split()
        if not fields or not fields[0]:
            continue
        if 'x1' in fields:
            columns = fields
            continue
        start = columns.index('x1') if columns else 1
        values = fields[start:]
        if columns and not any(values):
            continue  # a report's image without a face
        wanted = 136 if len(values) >= 136 else 10
        if len(values) < wanted:
            raise UserError(f'{path}:{number}: needs an image name and ten numbers, found {line.strip()[:60]!r}')
        yield fields[0], _checked(f'{path}:{number}', values[:wanted])


def _checked(where: str, values: Any) -> np.ndarray:
    try:
        points = np.array(values, np.float64).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise UserError(f'{where}: points are not numbers') from error
    if len(points) not in (5, 68) or not np.isfinite(points).all():
        raise UserError(f'{where}: needs 5 or 68 finite points (x, y), found {points.tolist()!r:.80}')
    return points if len(points) == 5 else five_of_68(points)
