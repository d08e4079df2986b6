"""What :func:`faceresearch.apis.infer.infer` does with faces: draws them, follows them, hides them, finds them in a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from faceresearch.visualization.predictions import Drawn, rounded

if TYPE_CHECKING:
    from faceresearch.analysis.analyzer import FaceAnalyzer
    from faceresearch.analysis.anonymize import Kind

#: From an image (H, W, 3) uint8 BGR to what is shown of it.
Predict = Callable[[np.ndarray], Drawn]
#: From a video's frames, frames per second and whether it is a camera to what is shown of each frame.
PredictFrames = Callable[[Iterable[np.ndarray], float, bool], Iterator[Drawn]]


class Ways(NamedTuple):
    """How an image, and how the frames of a video are treated."""

    image: Predict
    frames: PredictFrames


@dataclass(frozen=True)
class Hide:
    """Faces are hidden and nothing is drawn; see :func:`faceresearch.analysis.anonymize.anonymize`."""

    kind: Kind


@dataclass(frozen=True)
class Find:
    """Where faces are looked for; see :meth:`faceresearch.analysis.analyzer.FaceAnalyzer.find`.

    Args:
        folder: the images.
        store: file that keeps their embeddings; in the folder by default.
        k: how many matches of each face.
        threshold: least cosine of a match.
        rebuild: put a damaged store aside and begin a new one.
    """

    folder: str | Path
    store: str | Path | None = None
    k: int = 5
    threshold: float | None = None
    rebuild: bool = False


#: ``track`` gives the faces of videos numbers that stay with them.
Task = Literal['track'] | Hide | Find


def one_by_one(predict: Predict) -> Ways:
    """Treat frames like images."""
    return Ways(predict, lambda frames, fps, live: map(predict, frames))


def ways_of(analyzer: FaceAnalyzer, task: Task | None) -> Ways:
    """Return what a task does; without one, faces and what is known of them are drawn.

    Raises:
        UserError: the folder or store of a search cannot be used: told before anything is written.
    """
    if task == 'track':
        return Ways(partial(analyze_and_draw, analyzer), partial(track_and_draw, analyzer))
    if isinstance(task, Hide):
        return Ways(partial(hide, analyzer, task.kind), partial(hide_in_frames, analyzer, task.kind))
    if isinstance(task, Find):
        changes = analyzer.gallery(task.folder, task.store, rebuild=task.rebuild).update()
        print(f'{task.folder}: {changes}', file=sys.stderr)
        return one_by_one(partial(find_and_draw, analyzer, task))
    return one_by_one(partial(analyze_and_draw, analyzer))


def analyze_and_draw(analyzer: FaceAnalyzer, image: np.ndarray) -> Drawn:
    """Return the faces of an image (H, W, 3) BGR and what an analyzer's models say of each: drawn, and as plain values.

    ``faces`` are as :meth:`faceresearch.analysis.face.Face.to_dict` has them. Class ids of parsed faces are one ``mask`` of
    the image, 0 where no face was parsed.
    """
    from faceresearch.visualization.records import draw_records

    return draw_records(image, analyzer.analyze(image))


def track_and_draw(analyzer: FaceAnalyzer, frames: Iterable[np.ndarray], fps: float, live: bool) -> Iterator[Drawn]:
    """Yield a video's frames with the faces and their numbers, ``track_id``; see :func:`analyze_and_draw`."""
    from faceresearch.analysis.video import track_frames
    from faceresearch.visualization.records import draw_records

    for image, faces in track_frames(analyzer, frames, fps, batch_size=1 if live else None):
        yield draw_records(image, faces)


def hide(analyzer: FaceAnalyzer, kind: Kind, image: np.ndarray) -> Drawn:
    """Return an image with its faces hidden, and where they are."""
    from faceresearch.analysis.anonymize import anonymize

    faces = analyzer.finder([image])[0]
    picture = anonymize(image, np.array([face.box for face in faces]), kind)
    return Drawn(picture, {'faces': [{'box': rounded(face.box), 'score': round(face.score, 5)} for face in faces]})


def hide_in_frames(
    analyzer: FaceAnalyzer, kind: Kind, frames: Iterable[np.ndarray], fps: float, live: bool
) -> Iterator[Drawn]:
    """Yield a video's frames with their faces hidden, also where they are missed for a moment."""
    from faceresearch.analysis.video import anonymize_frames

    for picture, boxes in anonymize_frames(analyzer, frames, fps, kind, batch_size=1 if live else None):
        yield Drawn(picture, {'faces': [{'box': rounded(box)} for box in boxes]})


def find_and_draw(analyzer: FaceAnalyzer, find: Find, image: np.ndarray) -> Drawn:
    """Return the faces of an image with the ``matches`` of each in a folder, most similar first."""
    from faceresearch.visualization.records import draw_records

    faces = [face for face in analyzer.represent([image])[0] if face.embedding is not None]
    findings = analyzer.find(faces, find.folder, find.store, find.k, find.threshold) if faces else []
    labels = [f'{best[0].path} {best[0].similarity:.2f}' if (best := each.matches) else '?' for each in findings]
    drawn = draw_records(image, faces, embedding=False, labels=labels)
    for values, each in zip(drawn.values['faces'], findings, strict=True):
        values['matches'] = [match.to_dict() for match in each.matches]
    return drawn
