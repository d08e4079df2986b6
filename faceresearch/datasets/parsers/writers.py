"""Writers of the annotation forms that :mod:`faceresearch.datasets.parsers.wider` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from faceresearch.datasets.parsers.annotations import POINTS, FaceAnnotations
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path


def write_annotations(path: str | Path, annotations: Iterable[FaceAnnotations], ann_format: str) -> None:
    """Write annotations in the form ``official``, ``retinaface`` or ``scrfd``, whole or not at all.

    The forms cannot hold everything: official has no landmarks, RetinaFace's no ignore regions and no face with some
    of its points (they are written as they are), and SCRFD's needs the image sizes and holds landmarks or ignore flags, not both.

    Args:
        path: the text file.
        annotations: what to write.
        ann_format: the form.

    Raises:
        UserError: the form is unknown, an image lacks its size, or the file cannot be written.
    """
    writers: dict[str, Callable[[FaceAnnotations], list[str]]] = {
        'official': _official,
        'retinaface': _retinaface,
        'scrfd': _scrfd,
    }
    if ann_format not in writers:
        raise UserError(f'ann_format={ann_format!r} cannot be written; use one of {", ".join(writers)}')
    with atomic_path(path) as temporary, temporary.open('w', encoding='utf-8', newline='\n') as stream:
        for item in annotations:
            stream.write('\n'.join(writers[ann_format](item)) + '\n')


def decimals(values: np.ndarray) -> np.ndarray:
    """Return numbers as float64; single precision as the shortest decimals that read back as the same number."""
    if values.dtype != np.float32:
        return values.astype(np.float64)
    texts = [np.format_float_positional(v, trim='-') for v in values.ravel()]
    return np.array(texts, np.float64).reshape(values.shape)


def number(value: float) -> str:
    """Return the shortest decimals that read back as the same double, without exponent."""
    return np.format_float_positional(value, trim='-')


def to_xywh(box: np.ndarray) -> list[float]:
    """Return a box xyxy as x, y, w, h, with the shortest w and h for which x + w and y + h are exact."""
    x1, y1, x2, y2 = (float(v) for v in box)
    return [x1, y1, _extent(x1, x2), _extent(y1, y2)]


def _extent(low: float, high: float) -> float:
    difference = high - low
    for digits in range(6, 17):
        shorter = float(f'{difference:.{digits}g}')
        if low + shorter == high:
            return shorter
    return difference


def _numbers(values: Iterable[float]) -> str:
    return ' '.join(number(float(v)) for v in values)


def _extra(item: FaceAnnotations, key: str, row: int, default: Sequence[float]) -> Sequence[float]:
    """Return what is known of a face, with the default for what is not."""
    values = item.extras.get(key)
    if values is None:
        return default
    return [d if np.isnan(v) else float(v) for v, d in zip(np.atleast_1d(values[row]), default)]


def _official(item: FaceAnnotations) -> list[str]:
    rows = []
    for row, (box, ignore) in enumerate(zip(decimals(item.bboxes), item.ignore)):
        attributes = list(_extra(item, 'attributes', row, [0] * 6))
        attributes[3] = int(ignore)
        rows.append(f'{_numbers(to_xywh(box))} {_numbers(attributes)}')
    return [item.name, str(len(rows)), *(rows or [' '.join('0' * 10)])]


def _retinaface(item: FaceAnnotations) -> list[str]:
    rows = [f'# {item.name}']
    points = decimals(item.keypoints)
    for row, box in enumerate(decimals(item.bboxes)):
        # A face has all its points or, marked by −1, none. Hidden points may have coordinates, as SynthFaces' have; of
        # points without any, fit_to_form makes faces without landmarks. In the published files flags are mostly 0.
        whole = item.visible[row].any()
        flags = _extra(item, 'point_flags', row, [0] * POINTS)
        triples = [(*point, flag) if whole else (-1, -1, -1) for point, flag in zip(points[row], flags)]
        quality = _extra(item, 'quality', row, [1])
        rows.append(f'{_numbers(to_xywh(box))} {_numbers(v for t in triples for v in t)} {_numbers(quality)}')
    return rows


def _scrfd(item: FaceAnnotations) -> list[str]:
    if item.size is None:
        raise UserError(f'{item.name}: the SCRFD form needs the image size')
    rows = [f'# {item.name} {item.size[1]} {item.size[0]}']
    points = decimals(item.keypoints)
    for row, box in enumerate(decimals(item.bboxes)):
        if item.ignore[row]:
            rows.append(f'{_numbers(box)} 1')
            continue
        flags = _extra(item, 'point_flags', row, [1] * POINTS)
        triples = [
            (*point, flag) if seen else (-1, -1, -1) for point, seen, flag in zip(points[row], item.visible[row], flags)
        ]
        rows.append(f'{_numbers(box)} {_numbers(v for t in triples for v in t)}')
    return rows
