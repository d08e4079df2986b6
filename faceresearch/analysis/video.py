"""Faces through the frames of a video: followed by number, or hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from faceresearch.analysis.anonymize import Kind, anonymize, fill_gaps
from faceresearch.analysis.face import Face
from faceresearch.analysis.finder import FaceFinder
from faceresearch.analysis.tracking import ByteTracker
from faceresearch.errors import UserError

if TYPE_CHECKING:
    from faceresearch.analysis.analyzer import FaceAnalyzer
    from faceresearch.analysis.stages import FaceStage

#: Score down to which a detection may carry a track on; the paper's.
_LOW = 0.1


def tracker_for(score_thr: float, fps: float) -> ByteTracker:
    """Return a tracker whose first round takes what a detector's threshold lets through."""
    return ByteTracker(score_thr, min(_LOW, score_thr), min(1.0, score_thr + 0.1), fps=fps)


def track_frames(
    analyzer: FaceAnalyzer,
    frames: Iterable[np.ndarray],
    fps: float,
    stages: Iterable[FaceStage] | None = None,
    batch_size: int | None = None,
) -> Iterator[tuple[np.ndarray, list[Face]]]:
    """Yield each frame with its faces, best first, whose ``track_id`` stays with them.

    The detector is asked for faces of low score, too: those that carry a track on are kept, the others left out. A face that is
    seen for the first time has no number yet (but in the first frame).

    Args:
        analyzer: its detector finds the faces, its models look at them.
        frames: (H, W, 3) uint8 BGR.
        fps: frames per second.
        stages: which of the analyzer's models look at the faces; all by default.
        batch_size: frames that are computed together; the analyzer's by default, 1 for a camera.

    Raises:
        UserError: the analyzer has no detector.
    """
    finder = analyzer.finder
    if finder.detector is None:
        raise UserError('faces of a video cannot be followed without a detector')
    tracker = tracker_for(finder.score_thr, fps)
    sensitive = FaceFinder(finder.detector, tracker.low_thr, finder.pads, finder.max_faces)
    source, chosen = iter(frames), list(analyzer.stages if stages is None else stages)
    while batch := list(islice(source, batch_size or analyzer.batch_size)):
        found = [_numbered(faces, tracker) for faces in sensitive(batch)]
        analyzer.describe(batch, found, chosen)
        yield from zip(batch, found, strict=True)


def anonymize_frames(
    analyzer: FaceAnalyzer,
    frames: Iterable[np.ndarray],
    fps: float,
    kind: Kind = 'pixelate',
    grow: float = 0.15,
    cells: int = 6,
    hold: float = 0.25,
    batch_size: int | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each frame with its faces hidden, and the boxes (N, 4) that were.

    Args:
        analyzer: its detector finds the faces.
        frames: (H, W, 3) uint8 BGR.
        fps: frames per second.
        kind: see :func:`~faceresearch.analysis.anonymize.anonymize`, also for ``grow`` and ``cells``.
        grow: likewise.
        cells: likewise.
        hold: seconds for which a face that is not found is hidden before and after it is.
        batch_size: see :func:`track_frames`.
    """
    if not 0 <= hold <= 10:
        raise UserError(f'hold={hold}: seconds, from 0 to 10; the frames of twice that time are held in memory')
    tracked = track_frames(analyzer, frames, fps, (), batch_size)
    boxes = ((image, *_by_track(faces)) for image, faces in tracked)
    for image, hidden in fill_gaps(boxes, round(hold * fps)):
        yield anonymize(image, hidden, kind, grow, cells), hidden


def _numbered(faces: list[Face], tracker: ByteTracker) -> list[Face]:
    boxes = np.array([face.box for face in faces]).reshape(-1, 4)
    for face, number in zip(faces, tracker.update(boxes, np.array([face.score for face in faces]))):
        face.track_id = int(number) or None
    return [face for face in faces if face.track_id is not None or face.score >= tracker.high_thr]


def _by_track(faces: list[Face]) -> tuple[dict[int, np.ndarray], np.ndarray]:
    tracks = {face.track_id: face.box for face in faces if face.track_id is not None}
    return tracks, np.array([face.box for face in faces if face.track_id is None]).reshape(-1, 4)
