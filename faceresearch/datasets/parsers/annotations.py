"""What an annotation file says about one image, and what was wrong with the file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

#: Left eye, right eye, nose, left mouth corner, right mouth corner; left and right as seen in the image.
POINTS = 5
_DRIVE = re.compile(r'^[A-Za-z]:')


@dataclass
class FaceAnnotations:
    """The faces of one image.

    Attributes:
        name: path of the image below the image folder, with forward slashes.
        bboxes: (N, 4) float64 xyxy in pixels, x2 = x + w.
        ignore: (N,) bool; regions that are neither faces nor background (invalid faces).
        keypoints: (N, K, 2) float64 in pixels, 0 where there are none; K is 5 in all forms but COCO's.
        visible: (N, K) bool, whether the point is annotated.
        size: height and width, where the file gives them.
        line: line of the annotation file that names the image, from 1; 0 in a MATLAB file.
        extras: what only some forms know, NaN where it is not known: ``attributes`` (N, 6), WIDER's blur, expression,
            illumination, invalid, occlusion, pose; ``quality`` (N,), RetinaFace's score; ``point_flags`` (N, K), the
            number that follows x and y in RetinaFace's and SCRFD's forms; ``hidden`` (N, K), 1 where COCO's v is 1.
    """

    name: str
    bboxes: np.ndarray
    ignore: np.ndarray
    keypoints: np.ndarray
    visible: np.ndarray
    size: tuple[int, int] | None = None
    line: int = 0
    extras: dict[str, np.ndarray] = field(default_factory=dict)

    def select(self, keep: np.ndarray) -> FaceAnnotations:
        """Return the faces where ``keep`` (N,) is true."""
        extras = {key: values[keep] for key, values in self.extras.items()}
        arrays = (self.bboxes[keep], self.ignore[keep], self.keypoints[keep], self.visible[keep])
        return FaceAnnotations(self.name, *arrays, self.size, self.line, extras)


@dataclass
class Problems:
    """Counts what is skipped, and keeps the first examples.

    Attributes:
        file: the annotation file.
        counts: how often each kind of problem occurred.
        examples: the first of all, as ``file:line: what``.
    """

    file: Path
    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, kind: str, line: int, detail: str = '', count: int = 1, file: str | None = None) -> None:
        """Count a problem of this kind, found at this line (0: no line is known) of ``file``, by default the file."""
        self.counts[kind] += count
        if len(self.examples) < 3:
            name = file or self.file.name
            where = f'{name}:{line}' if line else name
            self.examples.append(f'{where}: {kind}{f" ({detail})" if detail else ""}')

    def summary(self) -> str | None:
        """Return one line on all problems, or None if there were none."""
        if not self.counts:
            return None
        counts = ', '.join(f'{count} × {kind}' for kind, count in self.counts.most_common())
        return f'{self.file}: skipped {counts}. First: {"; ".join(self.examples)}'


def safe_name(text: str) -> str | None:
    """Return an image path with forward slashes and no leading ``./``, or None if it leaves the image folder."""
    path = text.strip().replace('\\', '/')
    if not path or path.startswith('/') or _DRIVE.match(path) or '\0' in path:
        return None
    parts = [part for part in path.split('/') if part not in ('', '.')]
    return None if '..' in parts or not parts else '/'.join(parts)


def build_annotations(
    name: str,
    boxes: np.ndarray,
    problems: Problems,
    ignore: np.ndarray | None = None,
    keypoints: np.ndarray | None = None,
    visible: np.ndarray | None = None,
    size: tuple[int, int] | None = None,
    line: int = 0,
    lines: Sequence[int] = (),
    extras: dict[str, np.ndarray] | None = None,
    file: str | None = None,
) -> FaceAnnotations:
    """Drop what cannot be a face and give every array its type.

    Dropped and counted: boxes with a coordinate that is not finite, without width or height, or wholly outside the
    image (of which the left and upper border are always known). A face whose points are not finite keeps its box.

    Args:
        name: see :class:`FaceAnnotations`, as for the others.
        boxes: (N, 4) xyxy.
        problems: where to count.
        ignore: (N,) bool, by default none.
        keypoints: (N, 5, 2), by default none.
        visible: (N, 5) bool, by default none.
        size: height and width of the image.
        line: line that names the image.
        lines: line of each box.
        extras: arrays with a row for each box; those that are NaN throughout are left out.
        file: the file the lines belong to, if not ``problems.file``.
    """
    count = len(boxes)
    ignore = np.zeros(count, bool) if ignore is None else ignore
    keypoints = np.zeros((count, POINTS, 2)) if keypoints is None else keypoints
    visible = np.zeros((count, POINTS), bool) if visible is None else visible
    # What single precision cannot hold is no coordinate.
    finite, good_points = _fits_float32(boxes).all(1), _fits_float32(keypoints).all((1, 2))
    height, width = size or (np.inf, np.inf)
    with np.errstate(invalid='ignore'):
        solid = (boxes[:, 2:] > boxes[:, :2]).all(1)
        outside = (boxes[:, 2:] <= 0).any(1) | (boxes[:, 0] >= width) | (boxes[:, 1] >= height)
    where = list(lines) or [line] * count
    for rows, kind in (
        (~finite, 'box not finite'),
        (finite & ~solid, 'box without width or height'),
        (finite & solid & outside, 'box outside its image'),
    ):
        for row in np.flatnonzero(rows):
            problems.add(kind, where[row], name, file=file)
    keep = np.asarray(finite & solid & ~outside)
    bad_points = np.asarray(~good_points & visible.any(1))
    for row in np.flatnonzero(bad_points & keep):
        problems.add('landmarks not finite', where[row], name, file=file)
    visible = visible & ~bad_points[:, None]
    keypoints = np.where(visible[:, :, None], keypoints, 0.0)
    known = {key: values for key, values in (extras or {}).items() if not np.isnan(values).all()}
    return FaceAnnotations(name, boxes, ignore, keypoints, visible, size, line, known).select(keep)


def _fits_float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over='ignore'):
        return np.isfinite(values.astype(np.float32))
