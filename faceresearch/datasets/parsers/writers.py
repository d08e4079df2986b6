"""Writers of the annotation forms that :mod:`faceresearch.datasets.parsers.wider` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from faceresearch.datasets.parsers.annotations import FaceAnnotations
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path


def write_annotations(path: str | Path, annotations: Iterable[FaceAnnotations], ann_format: str) -> None:
    """Write annotations in the form ``official``, ``retinaface`` or ``scrfd``, whole or not at all.

    The forms cannot hold everything: official has no landmarks, RetinaFace's no ignore regions, and SCRFD's needs the
    image sizes and holds landmarks or ignore flags, not both.

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


def _numbers(values: Iterable[float]) -> str:
    # The shortest decimals that read back as the same float32.
    return ' '.join(np.format_float_positional(np.float32(v), trim='-') for v in values)


def _xywh(box: np.ndarray) -> list[float]:
    x1, y1, x2, y2 = (float(v) for v in box)
    return [x1, y1, x2 - x1, y2 - y1]


def _official(item: FaceAnnotations) -> list[str]:
    # Of the six attributes (blur, expression, illumination, invalid, occlusion, pose) only `invalid` is known.
    rows = [f'{_numbers(_xywh(box))} 0 0 0 {int(flag)} 0 0' for box, flag in zip(item.bboxes, item.ignore)]
    return [item.name, str(len(rows)), *(rows or [' '.join('0' * 10)])]


def _retinaface(item: FaceAnnotations) -> list[str]:
    rows = [f'# {item.name}']
    for box, points, visible in zip(item.bboxes, item.keypoints, item.visible):
        # No point is marked by −1; the flags are 0 as in the published files; the quality score is not known.
        triples = [(*point, 0) if visible.any() else (-1, -1, -1) for point in points]
        rows.append(f'{_numbers(_xywh(box))} {_numbers(v for triple in triples for v in triple)} 1')
    return rows


def _scrfd(item: FaceAnnotations) -> list[str]:
    if item.size is None:
        raise UserError(f'{item.name}: the SCRFD form needs the image size')
    rows = [f'# {item.name} {item.size[1]} {item.size[0]}']
    for box, points, visible, ignore in zip(item.bboxes, item.keypoints, item.visible, item.ignore):
        if ignore:
            rows.append(f'{_numbers(box)} 1')
            continue
        triples = [(*point, 1) if seen else (-1, -1, -1) for point, seen in zip(points, visible)]
        rows.append(f'{_numbers(box)} {_numbers(v for triple in triples for v in triple)}')
    return rows
