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
        bboxes: (N, 4) float32 xyxy in pixels, x2 = x + w.
        ignore: (N,) bool; regions that are neither faces nor background (invalid faces).
        keypoints: (N, 5, 2) float32 in pixels, 0 where there are none.
        visible: (N, 5) bool, whether the point is annotated.
        size: height and width, where the file gives them.
        line: line of the annotation file that names the image, from 1; 0 in a MATLAB file.
    """

    name: str
    bboxes: np.ndarray
    ignore: np.ndarray
    keypoints: np.ndarray
    visible: np.ndarray
    size: tuple[int, int] | None = None
    line: int = 0


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

    def add(self, kind: str, line: int, detail: str = '', count: int = 1) -> None:
        """Count a problem of this kind, found at this line (0: no line is known)."""
        self.counts[kind] += count
        if len(self.examples) < 3:
            where = f'{self.file.name}:{line}' if line else self.file.name
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
    """
    count = len(boxes)
    ignore = np.zeros(count, bool) if ignore is None else ignore
    keypoints = np.zeros((count, POINTS, 2)) if keypoints is None else keypoints
    visible = np.zeros((count, POINTS), bool) if visible is None else visible
    with np.errstate(over='ignore'):
        boxes, keypoints = boxes.astype(np.float32), keypoints.astype(np.float32)
    finite = np.isfinite(boxes).all(1)
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
            problems.add(kind, where[row], name)
    bad_points = ~np.isfinite(keypoints).all((1, 2)) & visible.any(1)
    for row in np.flatnonzero(bad_points & finite & solid & ~outside):
        problems.add('landmarks not finite', where[row], name)
    visible = visible & ~bad_points[:, None]
    keypoints = np.where(visible[:, :, None], keypoints, np.float32(0))
    keep = finite & solid & ~outside
    return FaceAnnotations(name, boxes[keep], ignore[keep], keypoints[keep], visible[keep], size, line)
