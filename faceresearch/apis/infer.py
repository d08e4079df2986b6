"""Run a model on a user's own pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from faceresearch import __version__
from faceresearch.apis.infer_tasks import Predict, PredictFrames, Task, Ways, one_by_one, ways_of
from faceresearch.apis.media import Source, VideoReader, VideoSink, collect
from faceresearch.datasets.base import BrokenImageError
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path
from faceresearch.structures import FaceDataSample
from faceresearch.transforms.loading import read_image
from faceresearch.visualization import write_image
from faceresearch.visualization.predictions import Drawn, Options, draw_sample

if TYPE_CHECKING:
    from faceresearch.analysis.analyzer import FaceAnalyzer

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
        return sum(len(entry.get('faces', ())) for entry in self.entries)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What was predicted on every image and frame."""
        return [*self.images, *(frame for video in self.videos for frame in video['frames'])]


def infer(
    config: str | Path,
    checkpoint: str | Path,
    inputs: Sequence[str],
    output: str | Path = 'outputs',
    write_json: bool = False,
    score_thr: float = 0.5,
    overrides: Sequence[str] = (),
    device: str | None = None,
    detector: tuple[str | Path, str | Path] | None = None,
    others: Sequence[tuple[str | Path, str | Path]] = (),
    pads: Sequence[float] = (0.0,),
    task: Task | None = None,
) -> Report:
    """Run a model on images, folders, videos or a camera's stream and write pictures with what it finds.

    Faces are drawn with boxes and points, parsed images in the colours of their classes; the class ids of an image are
    written as ``masks/<picture>.png``.

    Args:
        config: a config file, or the name of one in ``configs/``.
        checkpoint: a path, a name in the zoo, or ``none`` for random weights.
        inputs: images, folders, videos, or a camera's index.
        output: folder for the results.
        write_json: also write ``detections.json``: boxes (xyxy), scores and points, in pixels of the original images, or what
            else the model predicts.
        score_thr: detections below this are left out.
        overrides: changes to the config, ``KEY=VALUE``.
        device: torch device; a GPU where there is one, by default.
        detector: config and checkpoint of a detector that finds the faces which the model then looks at;
            without it the model is shown whole images.
        others: configs and checkpoints of further models that look at each face. Without ``detector``, the first model is
            the detector.
        pads: black borders to try until an image has a face; see :class:`faceresearch.analysis.analyzer.FaceAnalyzer`.
        task: what is done with the faces beside drawing them.

    Raises:
        UserError: an input is missing, nothing could be read, or nothing that the model predicts can be drawn.
    """
    if not 0 <= score_thr <= 1:
        raise UserError(f'--score-thr {score_thr}: a score is between 0 and 1')
    output = Path(output)
    sources = collect(inputs, output)
    loaded = load_models(config, checkpoint, overrides, device, detector, others, score_thr, pads)
    if isinstance(loaded, nn.Module) and task is None:
        _raise_threshold(loaded, score_thr)
        ways = one_by_one(partial(predict_and_draw, loaded, score_thr=score_thr))
    else:
        ways = ways_of(as_analyzer(loaded, score_thr, pads), task)
    report = Report()
    _run(ways, sources, output, report)
    if write_json:
        _write_json(output / JSON_NAME, report, str(config), score_thr)
    _summarise(report, len(sources), output)
    return report


def load_models(
    config: str | Path,
    checkpoint: str | Path,
    overrides: Sequence[str] = (),
    device: str | None = None,
    detector: tuple[str | Path, str | Path] | None = None,
    others: Sequence[tuple[str | Path, str | Path]] = (),
    score_thr: float = 0.5,
    pads: Sequence[float] = (0.0,),
) -> nn.Module | FaceAnalyzer:
    """Return the model of a config, or an analyzer of it, a detector and further models; arguments as of :func:`infer`.

    Raises:
        UserError: a config, checkpoint or device cannot be used.
    """
    model = _load(config, checkpoint, overrides, device)
    if detector is None and not others:
        return model
    from faceresearch.analysis.analyzer import FaceAnalyzer

    further = [_load(*source, (), device) for source in others]
    if detector is None:
        return FaceAnalyzer(model, further, score_thr, pads)
    return FaceAnalyzer(_load(*detector, (), device), [model, *further], score_thr, pads)


def as_analyzer(loaded: nn.Module | FaceAnalyzer, score_thr: float, pads: Sequence[float]) -> FaceAnalyzer:
    """Return an analyzer as it is, and a detector as one that does nothing else."""
    from faceresearch.analysis.analyzer import FaceAnalyzer

    return FaceAnalyzer(loaded, (), score_thr, pads) if isinstance(loaded, nn.Module) else loaded


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


def _run(ways: Ways, sources: Sequence[Source], output: Path, report: Report) -> None:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        for source in progress.track(sources, description='detecting faces'):
            try:
                if source.kind == 'image':
                    report.images.append(_image(ways.image, source, output))
                else:
                    report.videos.append(_video(ways.frames, source, output))
            except BrokenImageError as error:
                reason = str(error).removeprefix(f'{source.path}: ')
                report.skipped.append({'path': source.path, 'reason': reason})


def _image(predict: Predict, source: Source, output: Path) -> dict[str, Any]:
    image = read_image(source.path)
    drawn = predict(image)
    write_image(output / source.output, drawn.picture)
    height, width = image.shape[:2]
    entry = {'path': source.path, 'output': source.output.as_posix(), 'width': width, 'height': height, **drawn.values}
    for name, mask in drawn.masks.items():
        # In folders of their own: beside the pictures they could have the name of another input.
        entry[name] = (Path(f'{name}s') / source.output.parent / f'{source.output.name}.png').as_posix()
        write_image(output / entry[name], mask)
    return entry


def _video(predict: PredictFrames, source: Source, output: Path) -> dict[str, Any]:
    reader = VideoReader(source)
    frames: list[dict[str, Any]] = []
    try:
        with VideoSink(output / source.output, reader.fps) as sink:
            try:
                for number, drawn in enumerate(predict(reader, reader.fps, source.kind == 'camera')):
                    sink.write(drawn.picture)
                    frames.append({'frame': number, **drawn.values})
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


def predict_and_draw(model: nn.Module, image: np.ndarray, score_thr: float) -> Drawn:
    """Return what a model predicts on an image (H, W, 3) BGR: drawn, and as plain values.

    A face has ``box`` (x1, y1, x2, y2), ``score``, and ``points`` (K × 2) where the model finds any; a parsed image has
    ``classes``, the share of its pixels by the class's name. What is drawn for which prediction:
    :data:`faceresearch.visualization.predictions.DRAWERS`.

    Raises:
        UserError: nothing of what the model predicts can be drawn.
    """
    from faceresearch.apis.model import inference

    sample = inference(model, [image])[0]
    return _draw(model, image, sample, score_thr)


def _draw(model: nn.Module, image: np.ndarray, sample: FaceDataSample, score_thr: float) -> Drawn:
    from faceresearch.config.contract import input_contract

    contract = input_contract(model.cfg) if hasattr(model, 'cfg') else {}  # type: ignore[arg-type]
    try:
        return draw_sample(image, sample, Options(score_thr, contract))
    except KeyError as error:
        raise UserError(f'{type(model).__name__} predicts {error.args[0]}: that cannot be drawn') from error


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
    found = f'{report.faces} faces in ' if any('faces' in entry for entry in report.entries) else ''
    print(f'{found}{" and ".join(parts)}; results in {output}')
