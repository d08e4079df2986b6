"""Cut aligned faces out of a folder of images."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from faceresearch import __version__
from faceresearch.apis.align_points import read_points
from faceresearch.apis.media import Source, collect
from faceresearch.datasets.base import BrokenImageError
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path
from faceresearch.transforms.alignment import align_face, face_template
from faceresearch.transforms.loading import read_image

REPORT_NAME = 'alignment'
#: Which of several faces: the one with the largest box, nearest to the middle of the image, or of the highest score.
FaceRule = Literal['largest', 'central', 'best']
_SAVE_EVERY = 30.0


@dataclass
class AlignSettings:
    """What decides the crops; a run goes on with a folder only if these are the same.

    Args:
        model: name of the detector's config, or ``points`` for given points.
        checkpoint: its weights, or the file of the points.
        size: (height, width) of the crops.
        face: which of several faces.
        score_thr: detections below this do not count.
        pads: black borders to try one after the other until a face is found, as fractions of the longer side.
        keep_missing: cut the middle out of images without a face.
    """

    model: str
    checkpoint: str
    size: tuple[int, int] = (112, 112)
    face: FaceRule = 'largest'
    score_thr: float = 0.5
    pads: tuple[float, ...] = (0.0,)
    keep_missing: bool = False

    def check(self) -> None:
        """Raise UserError where a setting has no meaning."""
        face_template(self.size)
        if self.face not in ('largest', 'central', 'best'):
            raise UserError(f"--face {self.face}: use 'largest', 'central' or 'best'")
        if not 0 <= self.score_thr <= 1 or not self.pads or not all(0 <= pad <= 4 for pad in self.pads):
            raise UserError(
                f'--score-thr {self.score_thr}, --pad {self.pads}: a score is between 0 and 1, a border between 0 and 4'
            )


def align_faces(
    folder: str | Path,
    output: str | Path,
    config: str | None = None,
    checkpoint: str | None = None,
    points: str | Path | None = None,
    size: int | tuple[int, int] = 112,
    face: FaceRule = 'largest',
    score_thr: float = 0.5,
    pads: Sequence[float] = (0.0,),
    keep_missing: bool = False,
    restart: bool = False,
    overrides: Sequence[str] = (),
    device: str | None = None,
) -> list[dict[str, Any]]:
    """Align one face of every image below a folder, and write crops with the same relative paths.

    ``alignment.json`` and ``alignment.csv`` in the output say of every image whether a face was found, with which
    score, and where its five points are. Images of an earlier run with the same settings are not done again.

    Args:
        folder: the images.
        output: folder for crops and report.
        config: a detector that predicts five points: a config file, or the name of one in ``configs/``.
        checkpoint: a path, a name in the zoo, or ``none`` for random weights.
        points: instead of a detector, a file of points; see :func:`~faceresearch.apis.align_points.read_points`.
        size: side of the crops, or (height, width).
        face: see :class:`AlignSettings`, also for the following.
        score_thr: detections below this do not count.
        pads: black borders to try.
        keep_missing: cut the middle out of images without a face.
        restart: do all images anew.
        overrides: changes to the config, ``KEY=VALUE``.
        device: torch device; a GPU where there is one, by default.

    Returns:
        An entry per image: ``image``, ``found``, ``score``, ``points``, ``output``, ``error``.

    Raises:
        UserError: an input is missing or cannot be used, or the output holds faces aligned with other settings.
    """
    if not Path(folder).is_dir():
        raise UserError(f'{folder}: no such folder')
    if (points is None) == (config is None or checkpoint is None):
        raise UserError('give a detector (CONFIG CHECKPOINT), or --points FILE, and not both')
    output = Path(output)
    model, source = (Path(str(config)).stem, checkpoint) if points is None else ('points', points)
    sides = (size, size) if isinstance(size, int) else (size[0], size[1])
    settings = AlignSettings(model, str(source), sides, face, score_thr, tuple(pads), keep_missing)
    settings.check()
    sources = [source for source in collect([str(folder)], output) if source.kind == 'image']
    done = {} if restart else _earlier(output, settings)
    finder: _Finder
    if points is not None:
        finder = _Given(points, Path(folder))
    else:
        finder = _Detector(str(config), str(checkpoint), settings, overrides, device)
    entries = _run(sources, Path(folder), output, settings, finder, done)
    _summarise(entries, len(sources) - len(done.keys() & {e['image'] for e in entries}), output)
    return entries


class _Finder:
    """Where the face of an image is."""

    def find(self, name: str, image: np.ndarray, pad: float) -> tuple[np.ndarray, float | None] | None:
        """Return five points (5, 2) and a score, or None."""
        raise NotImplementedError


class _Given(_Finder):
    def __init__(self, path: str | Path, folder: Path) -> None:
        self.points = read_points(path)

    def find(self, name: str, image: np.ndarray, pad: float) -> tuple[np.ndarray, float | None] | None:
        points = self.points.get(name)
        return None if points is None else (points, None)


class _Detector(_Finder):
    def __init__(
        self, config: str, checkpoint: str, settings: AlignSettings, overrides: Sequence[str], device: str | None
    ) -> None:
        from faceresearch.analysis.finder import FaceFinder
        from faceresearch.apis.device import choose_device
        from faceresearch.apis.model import init_model
        from faceresearch.config import load_config

        model = init_model(load_config(config, overrides), checkpoint, choose_device(device))
        self.finder, self.settings = FaceFinder(model, settings.score_thr), settings

    def find(self, name: str, image: np.ndarray, pad: float) -> tuple[np.ndarray, float | None] | None:
        faces = self.finder.detect([image], pad)[0]
        if any(face.points is None for face in faces):
            raise UserError(f'{self.settings.model}: does not find five points; use a detector that does')
        good = [face for face in faces if np.isfinite(face.points).all()]  # type: ignore[arg-type] # checked above
        if not good:
            return None
        boxes, scores = np.array([face.box for face in good]), np.array([face.score for face in good])
        chosen = good[_rank(boxes, scores, image.shape, self.settings.face)]
        assert chosen.points is not None
        return chosen.points, chosen.score


def _rank(boxes: np.ndarray, scores: np.ndarray, shape: tuple[int, ...], rule: FaceRule) -> int:
    """Return which face a rule prefers."""
    if rule == 'best':
        return int(np.argmax(scores))
    if rule == 'central':
        middle = np.array([shape[1], shape[0]]) / 2
        return int(np.argmin((((boxes[:, :2] + boxes[:, 2:]) / 2 - middle) ** 2).sum(1)))
    return int(np.argmax((boxes[:, 2:] - boxes[:, :2]).prod(1)))


def _run(
    sources: Sequence[Source],
    folder: Path,
    output: Path,
    settings: AlignSettings,
    finder: _Finder,
    done: dict[str, dict[str, Any]],
) -> list[dict[str, Any]]:
    from rich.console import Console
    from rich.progress import Progress

    entries: list[dict[str, Any]] = []
    saved = time.monotonic()
    try:
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
            for source in progress.track(sources, description='aligning faces'):
                name = Path(source.path).relative_to(folder).as_posix()
                earlier = done.get(name)
                entries.append(earlier if earlier else _align_one(source, name, output, settings, finder))
                if time.monotonic() - saved > _SAVE_EVERY:
                    _write_report(output, settings, [*entries, *_rest(done, entries)])
                    saved = time.monotonic()
    except KeyboardInterrupt:
        _write_report(output, settings, [*entries, *_rest(done, entries)])
        raise
    _write_report(output, settings, entries)
    return entries


def _rest(done: dict[str, dict[str, Any]], entries: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Entries of an earlier run that this one has not come to yet."""
    seen = {entry['image'] for entry in entries}
    return (entry for name, entry in done.items() if name not in seen)


def _align_one(source: Source, name: str, output: Path, settings: AlignSettings, finder: _Finder) -> dict[str, Any]:
    entry: dict[str, Any] = {
        'image': name,
        'found': False,
        'score': None,
        'points': None,
        'output': None,
        'error': None,
    }
    try:
        image = read_image(source.path)
    except BrokenImageError as error:
        entry['error'] = str(error).removeprefix(f'{source.path}: ')
        return entry
    found = None
    for pad in settings.pads:
        found = finder.find(name, image, pad)
        if found is not None:
            break
    crop = None
    if found is not None:
        try:
            crop = align_face(image, found[0], settings.size)
            entry.update(found=True, score=found[1], points=np.round(found[0].astype(float), 3).tolist())
        except UserError as error:
            entry['error'] = str(error)
    if crop is None and settings.keep_missing:
        crop = _middle(image, settings.size)
    if crop is not None:
        entry['output'] = source.output.as_posix()
        _write_crop(output / source.output, crop)
    return entry


def _middle(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The largest part in the middle of an image that has the crop's shape, resized to it."""
    height, width = image.shape[:2]
    scale = min(height / size[0], width / size[1])
    rows, columns = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    top, left = (height - rows) // 2, (width - columns) // 2
    part = image[top : top + rows, left : left + columns]
    return cv2.resize(part, size[::-1], interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR)


def _write_crop(path: Path, crop: np.ndarray) -> None:
    # Crops are read and compressed again by what is made of them: quality close to none lost.
    jpeg = path.suffix.lower() in ('.jpg', '.jpeg')
    with atomic_path(path) as temporary:
        if not cv2.imwrite(str(temporary), crop, [cv2.IMWRITE_JPEG_QUALITY, 98] if jpeg else []):
            raise UserError(f'{path}: cannot be written as an image')


def _earlier(output: Path, settings: AlignSettings) -> dict[str, dict[str, Any]]:
    """Return the finished entries of an earlier run by image name."""
    path = output / f'{REPORT_NAME}.json'
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        before, entries = dict(content['settings']), {str(entry['image']): dict(entry) for entry in content['images']}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f'{path}: not a report of this tool ({error}); --restart does all images anew') from error
    now = json.loads(json.dumps(asdict(settings)))
    changed = [f'{key} was {before.get(key)!r}, is {now[key]!r}' for key in now if before.get(key) != now[key]]
    if changed:
        raise UserError(
            f'{output}: holds faces aligned with other settings ({"; ".join(changed)}); choose another folder, or'
            ' --restart'
        )
    return {
        name: entry
        for name, entry in entries.items()
        if not entry.get('error') and (not entry.get('output') or (output / str(entry['output'])).is_file())
    }


def _write_report(output: Path, settings: AlignSettings, entries: Sequence[dict[str, Any]]) -> None:
    content = {'faceresearch': __version__, 'settings': asdict(settings), 'images': list(entries)}
    with (
        atomic_path(output / f'{REPORT_NAME}.csv') as temporary,
        temporary.open('w', newline='', encoding='utf-8') as f,
    ):
        table = csv.writer(f)
        table.writerow(['image', 'found', 'score', *(f'{axis}{k}' for k in range(1, 6) for axis in 'xy')])
        for entry in entries:
            numbers = [value for point in entry['points'] or [(None, None)] * 5 for value in point]
            table.writerow([entry['image'], int(entry['found']), entry['score'], *numbers])
    with atomic_path(output / f'{REPORT_NAME}.json') as temporary:
        lines = ',\n'.join(json.dumps(entry, allow_nan=False) for entry in content.pop('images'))
        head = json.dumps(content, allow_nan=False)[:-1]
        temporary.write_text(f'{head}, "images": [\n{lines}\n]}}\n', encoding='utf-8')


def _summarise(entries: Sequence[dict[str, Any]], new: int, output: Path) -> None:
    found = sum(entry['found'] for entry in entries)
    print(f'{found} faces in {len(entries)} images ({new} new); crops and {REPORT_NAME}.json in {output}')
    missing = [entry['image'] for entry in entries if not entry['found'] and not entry['error']]
    broken = [f'{entry["image"]} ({entry["error"]})' for entry in entries if entry['error']]
    for what, names in (('without a face', missing), ('that cannot be used', broken)):
        if names:
            more = ', …' if len(names) > 3 else ''
            print(f'{len(names)} images {what}: {", ".join(names[:3])}{more}', file=sys.stderr)
