"""Text forms of landmark annotations: one face a line, a file, or a column of a table.

======== ================================================= ======================================================
form     file                                              a face
======== ================================================= ======================================================
pts      one ``.pts`` beside each image (iBUG 300-W)       ``{``, x and y of each point a line, ``}``; from 1
wflw     list_98pt_rect_attr_{train,test}.txt              98 times x y, box xyxy, six attributes, image
csv      a header line, then a face a line                 image, then x0, y0, x1, y1, …
txt      one ``.txt`` for each image (LaPa, JD-landmark)   the number of points, then x and y a line; JD: ``.rect``
======== ================================================= ======================================================
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faceresearch.datasets.parsers.annotations import Problems, safe_name
from faceresearch.datasets.parsers.images import images_by_stem
from faceresearch.datasets.parsers.wider import read_text

#: WFLW's attributes in the order of the file; all but the first name a subset of the test set as the benchmark does.
WFLW_SUBSETS = ('largepose', 'expression', 'illumination', 'makeup', 'occlusion', 'blur')


@dataclass
class FacePoints:
    """One annotated face.

    Attributes:
        name: path of the image below the image folder, with forward slashes.
        points: (K, 2) float64 in pixels; the middle of the first pixel is 0.
        visible: (K,) bool, whether the point is annotated; by default all.
        box: (4,) float64 xyxy, where the file has one.
        line: line of ``file`` (or of the data set's file) that tells of the face, from 1; 0 where there is none.
        file: file the line belongs to, if not the data set's.
        subsets: named parts of a test set that the face counts in.
        size: height and width of the image, where the file has them.
        box_size: what errors are divided by, where the file says so (AFLW).
        image: where the image is inside a file, instead of one of its own.
    """

    name: str
    points: np.ndarray
    visible: np.ndarray | None = None
    box: np.ndarray | None = None
    line: int = 0
    file: str | None = None
    subsets: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    box_size: float | None = None
    image: dict[str, object] = field(default_factory=dict)


def read_pts(path: Path, folder: Path, origin: float = 1.0) -> FacePoints | str:
    """Read a ``.pts`` file, or return what is wrong with it.

    Args:
        path: the file; its image has the same name.
        folder: what the image's name starts from.
        origin: coordinate of the middle of the first pixel (iBUG counts from 1, as MATLAB does).
    """
    lines = read_text(path).splitlines()
    start = next((n for n, line in enumerate(lines) if line.strip() == '{'), None)
    end = next((n for n, line in enumerate(lines) if line.strip() == '}'), None)
    if start is None or end is None:
        return 'no points between { and }'
    numbers = _numbers(' '.join(lines[start + 1 : end]).split())
    if numbers is None or len(numbers) % 2:
        return 'malformed points'
    name = path.relative_to(folder).with_suffix('').as_posix()
    return FacePoints(name, numbers.reshape(-1, 2) - origin, line=start + 2, file=path.name)


def read_pts_folders(root: Path, folders: Sequence[str], problems: Problems, origin: float = 1.0) -> list[FacePoints]:
    """Read all ``.pts`` files of some folders, whose images lie beside them; sorted by name.

    Raises:
        UserError: a folder is missing.
    """
    faces = []
    for folder in folders:
        images = images_by_stem(root / folder)
        for path in sorted((root / folder).rglob('*.pts')):
            # 300-W has mirrored copies of some images beside them, made by one of the baselines.
            stem = path.relative_to(root / folder).with_suffix('').as_posix()
            if stem.endswith('_mirror'):
                continue
            face = read_pts(path, root, origin)
            if isinstance(face, str):
                problems.add(face, 0, file=path.relative_to(root).as_posix())
            elif stem not in images:
                problems.add('image missing', 0, file=path.relative_to(root).as_posix())
            else:
                face.name = f'{folder}/{images[stem]}'
                faces.append(face)
    return faces


def read_wflw(path: Path, problems: Problems) -> list[FacePoints]:
    """Read a list of WFLW: 98 points, box, attributes (which become ``subsets``) and image a line."""
    faces = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        numbers = _numbers(words[:206])
        name = safe_name(words[-1])
        if len(words) != 207 or numbers is None:
            problems.add('malformed line', number, f'{len(words)} words, 207 expected')
        elif name is None:
            problems.add('path leaves the image folder', number, words[-1][:60])
        else:
            subsets = tuple(s for s, value in zip(WFLW_SUBSETS, numbers[200:]) if value == 1)
            points = numbers[:196].reshape(98, 2)
            faces.append(FacePoints(name, points, box=numbers[196:200], line=number, subsets=subsets))
    return faces


def read_points_csv(path: Path, problems: Problems) -> list[FacePoints]:
    """Read a table: a header, then image and x0, y0, x1, y1, … a line."""
    faces = []
    for number, row in enumerate(csv.reader(read_text(path).splitlines()), 1):
        if number == 1 or not row:
            continue
        name, numbers = safe_name(row[0]), _numbers(row[1:])
        if numbers is None or len(numbers) % 2 or not len(numbers):
            problems.add('malformed line', number, f'{len(row) - 1} values after the name')
        elif name is None:
            problems.add('path leaves the image folder', number, row[0][:60])
        else:
            faces.append(FacePoints(name, numbers.reshape(-1, 2), line=number))
    return faces


def read_point_files(images: Path, points: Path, rects: Path | None, problems: Problems) -> list[FacePoints]:
    """Read a folder of text files, one for each image: the number of points, then x and y a line.

    Args:
        images: folder of the images.
        points: folder of the files, named as the images are, with ``.txt`` in the place of their suffix or behind it.
        rects: folder of JD's boxes, x1 y1 x2 y2 in a ``.rect`` each; None: there are none.
        problems: where to count.

    Raises:
        UserError: a folder is missing.
    """
    faces = []
    named = images_by_stem(images)
    listed = sorted(points.rglob('*.txt'))
    for path in listed:
        stem = path.relative_to(points).with_suffix('').as_posix()
        where = path.relative_to(points).as_posix()
        name = named.get(stem) or next((image for image in named.values() if image == stem), None)
        if name is None:
            problems.add('image missing', 0, file=where)
            continue
        words = read_text(path).split()
        numbers = _numbers(words[1:])
        if not words or numbers is None or not words[0].isdigit() or len(numbers) != 2 * int(words[0]):
            problems.add('malformed points', 1, f'{words[0][:12] if words else "nothing"} points announced', file=where)
            continue
        box = None
        if rects is not None:
            box = _rect(rects, path.relative_to(points))
            if box is None:
                problems.add('box missing', 0, file=where)
                continue
        faces.append(FacePoints(name, numbers.reshape(-1, 2), box=box, line=1, file=where))
    return faces


def _rect(folder: Path, name: Path) -> np.ndarray | None:
    for path in (folder / name.with_suffix('.rect'), folder / f'{name.with_suffix("").as_posix()}.rect'):
        if path.is_file():
            numbers = _numbers(read_text(path).split()[:4])
            return numbers if numbers is not None and len(numbers) == 4 else None
    return None


def _numbers(words: Sequence[str]) -> np.ndarray | None:
    """Return words as float64, NaN and infinity among them; None if one is no number."""
    try:
        return np.array([float(word) for word in words], np.float64)
    except ValueError:
        return None
