"""COCO's JSON form with one class, the face, and its landmarks as key points (cocodataset.org/#format-data).

Besides COCO's fields an annotation may carry ``ignore``, and what other forms know: ``attributes`` (WIDER), ``quality``
and ``point_flags`` (RetinaFace, SCRFD), ``box_size`` (AFLW in mmpose's form).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceresearch.datasets.parsers.annotations import POINTS, FaceAnnotations, Problems, build_annotations, safe_name
from faceresearch.datasets.parsers.wider import read_text
from faceresearch.datasets.parsers.writers import decimals, to_xywh
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path

ATTRIBUTES = ('blur', 'expression', 'illumination', 'invalid', 'occlusion', 'pose')
KEYPOINTS = ('left_eye', 'right_eye', 'nose', 'left_mouth', 'right_mouth')
_SPACE = re.compile(r'[ \t\r\n]*')


def read_coco(
    path: str | Path, categories: Sequence[str] | None = None, num_keypoints: int = POINTS
) -> tuple[list[FaceAnnotations], Problems]:
    """Read a COCO JSON file; what cannot be used is skipped and counted by line.

    Args:
        path: the file.
        categories: names of the categories that are faces; None: ``face``, or the only one there is.
        num_keypoints: points of a face. A face with another number keeps its box only.

    Returns:
        The images in the file's order, those without faces included, and what was skipped.

    Raises:
        UserError: the file is missing, too large, not JSON, or the categories are not known.
    """
    path = Path(path)
    problems = Problems(path)
    images, rows, listed = _read_sections(path)
    chosen = _choose_categories(path, listed, categories)
    table: dict[Any, _Image] = {}
    names: set[str] = set()
    for line, entry in images:
        image = _image(line, entry, problems)
        if image is None:
            continue
        if entry['id'] in table or image.name in names:
            problems.add('image listed again', line, image.name)
            continue
        names.add(image.name)
        table[entry['id']] = image
    for line, entry in rows:
        row = _row(line, entry, num_keypoints, problems)
        if row is None or (chosen is not None and not _is_one_of(entry.get('category_id'), chosen)):
            continue
        owner = table.get(entry['image_id'])
        if owner is None:
            problems.add('annotation of an unknown image', line, f'image_id {entry["image_id"]!r:.40}')
            continue
        owner.rows.append(row)
    return [_build(image, num_keypoints, problems) for image in table.values()], problems


class _Image:
    """An entry of ``images`` with the annotations found for it."""

    def __init__(self, name: str, size: tuple[int, int] | None, line: int) -> None:
        self.name, self.size, self.line = name, size, line
        self.rows: list[dict[str, Any]] = []


def _build(image: _Image, num_keypoints: int, problems: Problems) -> FaceAnnotations:
    count = len(image.rows)

    def column(key: str, *shape: int) -> np.ndarray:
        values = np.full((count, *shape), np.nan)
        for row, face in enumerate(image.rows):
            if face.get(key) is not None:
                values[row] = face[key]
        return values

    boxes, points = column('bbox', 4), column('keypoints', num_keypoints, 3)
    boxes[:, 2:] += boxes[:, :2]
    visible = np.nan_to_num(points[:, :, 2]) > 0
    extras = {
        'attributes': column('attributes', len(ATTRIBUTES)),
        'quality': column('quality'),
        'box_size': column('box_size'),
        'point_flags': column('point_flags', num_keypoints),
        'hidden': np.where(points[:, :, 2] == 1, 1.0, np.nan),
    }
    ignore = np.array([face['ignore'] for face in image.rows], bool)
    lines = [face['line'] for face in image.rows]
    return build_annotations(
        image.name, boxes, problems, ignore, points[:, :, :2], visible, image.size, image.line, lines, extras
    )


def _image(line: int, entry: Any, problems: Problems) -> _Image | None:
    if not isinstance(entry, dict) or not isinstance(entry.get('file_name'), str) or not _is_id(entry.get('id')):
        problems.add('image without id or file_name', line, f'{entry!r:.40}')
        return None
    name = safe_name(entry['file_name'])
    if name is None:
        problems.add('path leaves the image folder', line, entry['file_name'][:60])
        return None
    height, width = entry.get('height'), entry.get('width')
    known = isinstance(height, int) and isinstance(width, int) and 0 < min(height, width) <= max(height, width) < 2**31
    return _Image(name, (int(height), int(width)) if known else None, line)  # type: ignore[arg-type]


def _row(line: int, entry: Any, num_keypoints: int, problems: Problems) -> dict[str, Any] | None:
    """Return the numbers of an annotation, or None if it has no box."""
    if not isinstance(entry, dict) or not _is_id(entry.get('image_id')):
        problems.add('malformed annotation', line, f'{entry!r:.40}')
        return None
    box = _numbers(entry.get('bbox'), 4)
    if box is None:
        problems.add('malformed annotation', line, f'bbox {entry.get("bbox")!r:.40}')
        return None
    row: dict[str, Any] = {'line': line, 'bbox': box, 'ignore': bool(entry.get('iscrowd') or entry.get('ignore'))}
    if entry.get('keypoints'):
        points = _numbers(entry['keypoints'], 3 * num_keypoints)
        if points is None:
            problems.add('malformed keypoints', line, f'{num_keypoints} times x, y, v expected')
        else:
            row['keypoints'] = np.reshape(points, (num_keypoints, 3))
    attributes = entry.get('attributes')
    if isinstance(attributes, dict):
        row['attributes'] = _numbers([attributes.get(name, np.nan) for name in ATTRIBUTES], len(ATTRIBUTES))
    row['point_flags'] = _numbers(entry.get('point_flags'), num_keypoints)
    for key in ('quality', 'box_size'):
        number = _numbers([entry.get(key)], 1)
        row[key] = number[0] if number else None
    return row


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str)


def _is_one_of(value: Any, chosen: set[Any]) -> bool:
    return _is_id(value) and value in chosen


def _numbers(values: Any, count: int) -> list[float] | None:
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return None
    try:
        return [float(v) for v in values]
    except OverflowError:
        return None


def _choose_categories(path: Path, listed: Any, wanted: Sequence[str] | None) -> set[Any] | None:
    """Return the ids of the categories that are faces; None: all."""
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    names = {entry['id']: str(entry.get('name')) for entry in entries if _is_id(entry.get('id'))}
    if wanted is None:
        faces = {key for key, name in names.items() if name.lower() == 'face'}
        if faces or len(names) < 2:
            return faces or None
        raise UserError(f'{path}: has the categories {", ".join(names.values())[:200]}; say which of them are faces')
    unknown = [name for name in wanted if name not in names.values()]
    if unknown:
        raise UserError(
            f'{path}: has no category {unknown[0]!r}; there are {", ".join(names.values())[:200] or "none"}'
        )
    return {key for key, name in names.items() if name in wanted}


_Entries = list[tuple[int, Any]]


def _read_sections(path: Path) -> tuple[_Entries, _Entries, Any]:
    """Return the entries of ``images`` and ``annotations`` with their line numbers, and ``categories``."""
    text = read_text(path)
    sections: dict[str, Any] = {}
    try:
        for key, value in _members(text):
            sections[key] = value
    except json.JSONDecodeError as error:
        raise UserError(f'{path}:{error.lineno}: not JSON ({error.msg})') from error
    except (ValueError, RecursionError) as error:
        raise UserError(f'{path}: not JSON that can be read ({error})') from error
    for key in ('images', 'annotations'):
        if not isinstance(sections.get(key), list):
            raise UserError(f'{path}: not COCO: the list {key!r} is missing')
    return sections['images'], sections['annotations'], sections.get('categories')


def _members(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the members of the outermost object; lists of images and annotations as pairs (line, entry).

    The standard decoder does not say where in the file an entry was.
    """
    decoder = json.JSONDecoder()
    lines = _LineCounter(text)
    at = _expect(text, _skip(text, 0), '{')
    while text[at : at + 1] != '}':
        key, at = decoder.raw_decode(text, at)
        at = _expect(text, _skip(text, at), ':')
        if key in ('images', 'annotations') and text[at : at + 1] == '[':
            entries: _Entries = []
            at = _expect(text, at, '[')
            while text[at : at + 1] != ']':
                line = lines.at(at)
                entry, at = decoder.raw_decode(text, at)
                entries.append((line, entry))
                at = _next(text, at, ']')
            yield key, entries
            at = _skip(text, at + 1)
        else:
            value, at = decoder.raw_decode(text, at)
            yield str(key), value
        at = _next(text, at, '}')


class _LineCounter:
    """Line numbers, from 1, of positions that only grow."""

    def __init__(self, text: str) -> None:
        self.text, self.position, self.line = text, 0, 1

    def at(self, position: int) -> int:
        self.line += self.text.count('\n', self.position, position)
        self.position = position
        return self.line


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, character: str) -> int:
    if text[at : at + 1] != character:
        raise json.JSONDecodeError(f'expected {character!r}', text, at)
    return _skip(text, at + 1)


def _next(text: str, at: int, end: str) -> int:
    """Go to the next entry, over a comma, or to the closing bracket."""
    at = _skip(text, at)
    if text[at : at + 1] == end:
        return at
    at = _expect(text, at, ',')
    if text[at : at + 1] == end:
        raise json.JSONDecodeError(f'{end!r} after a comma', text, at)
    return at


def write_coco(path: str | Path, annotations: Iterable[FaceAnnotations]) -> None:
    """Write a COCO JSON file, one image or annotation a line, whole or not at all.

    Raises:
        UserError: an image lacks its size, or the file cannot be written.
    """
    images: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(annotations, start=1):
        if item.size is None:
            raise UserError(f'{item.name}: the COCO form needs the image size')
        images.append({'id': number, 'file_name': item.name, 'width': item.size[1], 'height': item.size[0]})
        boxes, points = decimals(item.bboxes), decimals(item.keypoints)
        for row in range(len(boxes)):
            rows.append({'id': len(rows) + 1, **_annotation(item, row, number, boxes[row], points[row])})
    category = {'id': 1, 'name': 'face', 'supercategory': 'person', 'keypoints': list(KEYPOINTS), 'skeleton': []}
    with atomic_path(path) as temporary, temporary.open('w', encoding='utf-8', newline='\n') as stream:
        stream.write(f'{{\n"categories": [{json.dumps(category)}],\n')
        stream.write('"images": [\n' + ',\n'.join(map(json.dumps, images)) + '\n],\n')
        stream.write('"annotations": [\n' + ',\n'.join(map(json.dumps, rows)) + '\n]\n}\n')


def _annotation(item: FaceAnnotations, row: int, image: int, box: np.ndarray, points: np.ndarray) -> dict[str, Any]:
    xywh = to_xywh(box)
    ignore = int(item.ignore[row])
    entry: dict[str, Any] = {
        'image_id': image,
        'category_id': 1,
        'bbox': [_plain(v) for v in xywh],
        'area': _plain(xywh[2] * xywh[3]),
        'iscrowd': ignore,
    }
    visible = item.visible[row]
    if visible.any():
        hidden = item.extras['hidden'][row] == 1 if 'hidden' in item.extras else np.zeros(len(visible), bool)
        triples = [
            (_plain(x), _plain(y), 1 if behind else 2) if seen else (0, 0, 0)
            for (x, y), seen, behind in zip(points, visible, hidden)
        ]
        entry['keypoints'] = [v for triple in triples for v in triple]
        entry['num_keypoints'] = int(visible.sum())
    known = {key: values[row] for key, values in item.extras.items() if not np.isnan(values[row]).all()}
    if 'attributes' in known:
        pairs = zip(ATTRIBUTES, known['attributes'])
        entry['attributes'] = {name: _plain(v) for name, v in pairs if not np.isnan(v)}
    if 'quality' in known:
        entry['quality'] = _plain(known['quality'])
    if 'point_flags' in known and not np.isnan(known['point_flags']).any():
        entry['point_flags'] = [_plain(v) for v in known['point_flags']]
    return entry


def _plain(value: float) -> float | int:
    """Return whole numbers as integers, which JSON writes without a fraction."""
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
