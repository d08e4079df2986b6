"""Run a detector on a user's own pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from faceresearch import __version__
from faceresearch.apis.media import Source, VideoReader, VideoSink, collect
from faceresearch.datasets.base import BrokenImageError
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path
from faceresearch.transforms.loading import read_image
from faceresearch.visualization import draw_faces, write_image
from faceresearch.visualization.samples import select_predictions

#: Name of the file that ``write_json`` asks for.
JSON_NAME = 'detections.json'


@dataclass
class Report:
    """What an inference run did.

    Args:
        images: entries of ``detections.json`` for images.
        videos: the same for videos and cameras.
        skipped: what could not be read: path and reason.
    """

    images: list[dict[str, Any]] = field(default_factory=list)
    videos: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)

    @property
    def faces(self) -> int:
        """Detections in all images and frames."""
        frames = [frame for video in self.videos for frame in video['frames']]
        return sum(len(entry['faces']) for entry in (*self.images, *frames))


def infer(
    config: str | Path,
    checkpoint: str | Path,
    inputs: Sequence[str],
    output: str | Path = 'outputs',
    write_json: bool = False,
    score_thr: float = 0.5,
    overrides: Sequence[str] = (),
    device: str | None = None,
) -> Report:
    """Detect faces in images, folders, videos or a camera's stream and write annotated pictures.

    Args:
        config: a config file, or the name of one in ``configs/``.
        checkpoint: a path, a name in the zoo, or ``none`` for random weights.
        inputs: images, folders, videos, or a camera's index.
        output: folder for the results.
        write_json: also write ``detections.json``: boxes (xyxy), scores and points, in pixels of the original images.
        score_thr: detections below this are left out.
        overrides: changes to the config, ``KEY=VALUE``.
        device: torch device; a GPU where there is one, by default.

    Raises:
        UserError: an input is missing, nothing could be read, or the model does not detect faces.
    """
    if not 0 <= score_thr <= 1:
        raise UserError(f'--score-thr {score_thr}: a score is between 0 and 1')
    output = Path(output)
    sources = collect(inputs, output)
    model = _load(config, checkpoint, overrides, device)
    _raise_threshold(model, score_thr)
    report = Report()
    _run(model, sources, output, score_thr, report)
    if write_json:
        _write_json(output / JSON_NAME, report, str(config), score_thr)
    _summarise(report, len(sources), output)
    return report


def _load(config: str | Path, checkpoint: str | Path, overrides: Sequence[str], device: str | None) -> nn.Module:
    from faceresearch.apis.device import choose_device
    from faceresearch.apis.model import init_model
    from faceresearch.config import load_config

    return init_model(load_config(config, overrides), checkpoint, choose_device(device))


def _raise_threshold(model: nn.Module, score_thr: float) -> None:
    """Let the head drop what will not be shown before its NMS, where a barely trained model leaves tens of thousands.

    A detection is only ever suppressed by a better one, so those above the threshold stay the same.
    """
    head = getattr(model, 'head', None)
    if hasattr(head, 'score_thr'):
        # A little lower, because the head drops also what equals its threshold.
        head.score_thr = max(head.score_thr, score_thr - 1e-6)  # type: ignore[union-attr]


def _run(model: nn.Module, sources: Sequence[Source], output: Path, score_thr: float, report: Report) -> None:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        for source in progress.track(sources, description='detecting faces'):
            try:
                if source.kind == 'image':
                    report.images.append(_image(model, source, output, score_thr))
                else:
                    report.videos.append(_video(model, source, output, score_thr))
            except BrokenImageError as error:
                reason = str(error).removeprefix(f'{source.path}: ')
                report.skipped.append({'path': source.path, 'reason': reason})


def _image(model: nn.Module, source: Source, output: Path, score_thr: float) -> dict[str, Any]:
    image = read_image(source.path)
    annotated, faces = detect_and_draw(model, image, score_thr)
    write_image(output / source.output, annotated)
    height, width = image.shape[:2]
    return {
        'path': source.path,
        'output': source.output.as_posix(),
        'width': width,
        'height': height,
        'faces': faces,
    }


def _video(model: nn.Module, source: Source, output: Path, score_thr: float) -> dict[str, Any]:
    reader = VideoReader(source)
    frames: list[dict[str, Any]] = []
    try:
        with VideoSink(output / source.output, reader.fps) as sink:
            try:
                for number, image in enumerate(reader):
                    annotated, faces = detect_and_draw(model, image, score_thr)
                    sink.write(annotated)
                    frames.append({'frame': number, 'faces': faces})
            except KeyboardInterrupt:
                # A camera has no end but this one.
                if source.kind != 'camera':
                    raise
    finally:
        reader.close()
    if not frames:
        raise BrokenImageError(f'{source.path}: no frame can be read')
    if reader.announced and len(frames) < 0.95 * reader.announced:
        print(f'{source.path}: ends after {len(frames)} of {reader.announced} frames', file=sys.stderr)
    return {
        'path': source.path,
        'output': sink.path.relative_to(output).as_posix(),
        'fps': reader.fps,
        'frames': frames,
    }


def detect_and_draw(model: nn.Module, image: np.ndarray, score_thr: float) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Return an annotated copy of an image (H, W, 3) BGR, and its faces as plain values, best first.

    Each face has ``box`` (x1, y1, x2, y2), ``score``, and ``points`` (K × 2) where the model finds any.

    Raises:
        UserError: the model does not detect faces.
    """
    from faceresearch.apis.model import inference

    sample = inference(model, [image])[0]
    if 'pred_instances' not in sample:
        raise UserError(f'{type(model).__name__} does not detect faces: it predicts {", ".join(sample.keys())}')
    found = select_predictions(sample, score_thr)
    points = found.get('keypoints')
    annotated = draw_faces(image, found['bboxes'], found['scores'], points)
    faces: list[dict[str, Any]] = []
    for i, (box, score) in enumerate(zip(found['bboxes'], found['scores'])):
        face: dict[str, Any] = {'box': _rounded(box), 'score': round(float(score), 5)}
        if points is not None:
            face['points'] = [_rounded(point) for point in points[i]]
        faces.append(face)
    return annotated, faces


def _rounded(values: np.ndarray) -> list[float | None]:
    # JSON has no NaN.
    return [round(float(value), 2) if np.isfinite(value) else None for value in values]


def _write_json(path: Path, report: Report, config: str, score_thr: float) -> None:
    content = {
        'model': Path(config).stem,
        'faceresearch': __version__,
        'score_thr': score_thr,
        'images': report.images,
        'videos': report.videos,
        'skipped': report.skipped,
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + '\n', encoding='utf-8')


def _summarise(report: Report, total: int, output: Path) -> None:
    if report.skipped:
        first = '; '.join(f'{entry["path"]} ({entry["reason"]})' for entry in report.skipped[:3])
        more = ', …' if len(report.skipped) > 3 else ''
        line = f'{len(report.skipped)} of {total} inputs cannot be read and were skipped: {first}{more}'
        if len(report.skipped) == total:
            raise UserError(line)
        print(line, file=sys.stderr)
    frames = sum(len(video['frames']) for video in report.videos)
    parts = [f'{len(report.images)} images'] if report.images else []
    parts += [f'{frames} frames of {len(report.videos)} videos'] if report.videos else []
    print(f'{report.faces} faces in {" and ".join(parts)}; results in {output}')
