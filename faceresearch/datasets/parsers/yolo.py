"""YOLO's label folders: a text file for each image, a line for each face, divided by the image's width and height.

========== =================================================== ==================
form       line                                                absent point
========== =================================================== ==================
yolo_face  0 cx cy w h, five times x y                         a negative number
yolo_pose  0 cx cy w h, five times x y v                       v = 0
========== =================================================== ==================

YOLOv5-Face reads the first, YOLOv8-Face the second; both may stop after the box.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np

from faceresearch.datasets.parsers.annotations import POINTS, FaceAnnotations, Problems, build_annotations
from faceresearch.datasets.parsers.images import image_size, images_by_stem, stem_of
from faceresearch.datasets.parsers.wider import parse_table, read_lines
from faceresearch.datasets.parsers.writers import decimals, number
from faceresearch.errors import UserError

YoloFormat = Literal['yolo_face', 'yolo_pose']
#: Division by the image size and multiplication again are exact to this many decimals of a pixel.
_PIXEL_DECIMALS = 6


def read_yolo(folder: str | Path, images: str | Path, form: YoloFormat) -> tuple[list[FaceAnnotations], Problems]:
    """Read a folder of YOLO labels; lines that cannot be used are skipped and counted.

    Args:
        folder: the label files, in the same folders below it as the images.
        images: the image folder: the labels give neither the images' suffix nor their size.
        form: ``yolo_face`` or ``yolo_pose``.

    Returns:
        The images that have a label file, by name, and what was skipped. Coordinates are in pixels, to six decimals.

    Raises:
        UserError: a folder is missing, or no label file has an image.
    """
    folder, images = Path(folder), Path(images)
    if not folder.is_dir():
        raise UserError(f'{folder}: no such folder; YOLO labels are a folder with a text file for each image')
    problems = Problems(folder)
    names = images_by_stem(images)
    annotations = []
    files = sorted(path for path in folder.rglob('*.txt') if path.is_file())
    for path in files:
        label = path.relative_to(folder).as_posix()
        name = names.get(label[: -len('.txt')])
        size = image_size(images / name) if name else None
        if name is None or size is None:
            problems.add('label file without image' if name is None else 'image cannot be read', 0, file=label)
            continue
        annotations.append(_read_file(path, label, name, size, form, problems))
    if not annotations:
        raise UserError(f'{folder}: none of {len(files)} label files (*.txt) has a readable image in {images}')
    return annotations, problems


def _read_file(
    path: Path, label: str, name: str, size: tuple[int, int], form: YoloFormat, problems: Problems
) -> FaceAnnotations:
    dimensions = 2 if form == 'yolo_face' else 3
    lines = read_lines(path)
    numbers = [i for i, line in enumerate(lines) if line]
    table, kept = parse_table(lines, numbers, (5, 5 + POINTS * dimensions), problems, label)
    with np.errstate(invalid='ignore'):
        other = table[:, 0] != 0
        beyond = ~other & (np.abs(table[:, 1:5] - 0.5) > 0.5).any(1)
    for row in np.flatnonzero(other):
        problems.add('class other than 0', kept[row], file=label)
    for row in np.flatnonzero(beyond):
        problems.add('box not divided by the image size', kept[row], file=label)
    good = np.flatnonzero(~other & ~beyond)
    table, kept = table[good], [kept[row] for row in good]
    scale = np.array([size[1], size[0]], np.float64)
    centre, half = table[:, 1:3], table[:, 3:5] / 2
    boxes = np.concatenate([(centre - half) * scale, (centre + half) * scale], 1).round(_PIXEL_DECIMALS)
    points = table[:, 5:].reshape(-1, POINTS, dimensions)
    given = ~np.isnan(points).all((1, 2))[:, None]
    absent = (points < 0).any(2) if dimensions == 2 else ~(points[:, :, 2] > 0)
    extras = {} if dimensions == 2 else {'hidden': np.where(points[:, :, 2] == 1, 1.0, np.nan)}
    return build_annotations(
        name,
        boxes,
        problems,
        keypoints=(points[:, :, :2] * scale).round(_PIXEL_DECIMALS),
        visible=given & ~absent,
        size=size,
        lines=kept,
        extras=extras,
        file=label,
    )


def write_yolo(folder: str | Path, annotations: Iterable[FaceAnnotations], form: YoloFormat) -> None:
    """Write a folder of YOLO labels, whole or not at all.

    Args:
        folder: must not exist, or be empty.
        annotations: what to write; every box has its centre in the image, no region is to be ignored (see
            :func:`~faceresearch.datasets.parsers.forms.fit_to_form`).
        form: ``yolo_face`` or ``yolo_pose``.

    Raises:
        UserError: the folder is not empty or cannot be written, an image lacks its size, or two share a label file.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f'{folder}: exists already and is not an empty folder; remove it or choose another')
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f'.{folder.name}.', suffix='.tmp', dir=folder.parent))
    except OSError as error:
        raise UserError(f'cannot write {folder}: {error.strerror or error}; choose another output path') from error
    try:
        for item in annotations:
            target = temporary / f'{stem_of(item.name)}.txt'
            if target.exists():
                raise UserError(f'{item.name}: another image has the same name but for its suffix; rename one of them')
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(''.join(f'{line}\n' for line in _lines(item, form)), encoding='utf-8')
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o777 & ~mask)
        # Onto an empty folder, or none.
        temporary.replace(folder)
    except OSError as error:
        raise UserError(f'cannot write {folder}: {error.strerror or error}; choose another output path') from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _lines(item: FaceAnnotations, form: YoloFormat) -> list[str]:
    if item.size is None:
        raise UserError(f'{item.name}: the YOLO forms need the image size')
    scale = np.array([item.size[1], item.size[0]], np.float64)
    boxes, points = decimals(item.bboxes), decimals(item.keypoints) / scale
    centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2 / scale, (boxes[:, 2:] - boxes[:, :2]) / scale
    lines = []
    for row in range(len(boxes)):
        values: list[float] = [*centres[row], *sizes[row]]
        for point, (x, y) in enumerate(points[row]):
            seen = item.visible[row, point]
            if form == 'yolo_face':
                values += [x, y] if seen else [-1, -1]
                continue
            hidden = 'hidden' in item.extras and item.extras['hidden'][row, point] == 1
            values += [x, y, 1 if hidden else 2] if seen else [0, 0, 0]
        lines.append(' '.join(['0', *(number(float(v)) for v in values)]))
    return lines
