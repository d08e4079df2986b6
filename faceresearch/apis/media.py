"""Pictures in and out: what a user's inputs name, frames of videos and cameras, videos written."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

import cv2
import numpy as np

from faceresearch.datasets.base import BrokenImageError
from faceresearch.errors import UserError, did_you_mean
from faceresearch.fileio import atomic_path
from faceresearch.visualization import write_image

IMAGE_SUFFIXES = frozenset({'.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.jp2', '.ppm', '.pgm', '.gif'})
VIDEO_SUFFIXES = frozenset({'.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv', '.flv'})
#: Formats that annotated pictures keep; others become JPEG.
_WRITTEN = frozenset({'.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff'})
_DEFAULT_FPS = 25.0


@dataclass(frozen=True)
class Source:
    """One image, video or camera.

    Args:
        path: as the user wrote it, or found in a folder that the user named; a camera's index.
        kind: what it is.
        output: where its annotated picture goes, relative to the output folder; unique.
    """

    path: str
    kind: Literal['image', 'video', 'camera']
    output: Path


def collect(inputs: Sequence[str], output: Path) -> list[Source]:
    """List what ``inputs`` name: files, folders with all that is below them, camera indices.

    A folder's structure is kept in the outputs; equal names from different places get a number. What lies in
    ``output`` is not an input when one of the folders contains it.

    Args:
        inputs: paths and camera indices.
        output: folder for the results.

    Raises:
        UserError: an input does not exist, a folder holds no images, or an output would overwrite an input.
    """
    found: list[tuple[str, Literal['image', 'video', 'camera'], Path]] = []
    for given in inputs:
        path = Path(given)
        if path.is_dir():
            found += [(str(file), _kind(file), file.relative_to(path)) for file in _files_below(path, output)]
        elif path.exists():
            found.append((given, _kind(path), Path(path.name)))
        elif given.isdecimal():
            found.append((given, 'camera', Path(f'camera{given}')))
        else:
            raise UserError(
                f'{given}: no such file or folder.{_near_files(path)} '
                'Inputs are images, folders, videos or a camera index'
            )
    sources, taken = [], set[str]()
    for name, kind, relative in found:
        target = _free_name(_output_name(relative, kind), taken)
        sources.append(Source(name, kind, target))
    _refuse_overwriting(sources, output)
    return sources


class VideoReader:
    """The frames of a video file or a camera, (H, W, 3) uint8 BGR.

    Args:
        source: a video or a camera.

    Raises:
        BrokenImageError: it cannot be opened.
    """

    def __init__(self, source: Source) -> None:
        target: int | str = int(source.path) if source.kind == 'camera' else source.path
        self._capture = cv2.VideoCapture(target)
        if not self._capture.isOpened():
            what = 'no such camera' if source.kind == 'camera' else 'not a video that can be read'
            raise BrokenImageError(f'{source.path}: {what}')
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if math.isfinite(fps) and 1 <= fps <= 240 else _DEFAULT_FPS
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        #: Frames that the file announces; None where it does not say.
        self.announced = int(count) if source.kind == 'video' and math.isfinite(count) and count > 0 else None

    def __iter__(self) -> Iterator[np.ndarray]:
        while True:
            ok, frame = self._capture.read()
            if not ok:
                break
            yield frame

    def close(self) -> None:
        """Release the device or file."""
        self._capture.release()


@contextlib.contextmanager
def opened(video: str | Path | int) -> Iterator[VideoReader]:
    """Open a video, or a camera by its index, and close it at the end of the block.

    Raises:
        UserError: it cannot be opened.
    """
    if not isinstance(video, int) and not Path(video).is_file():
        raise UserError(f'{video}: no such file.{_near_files(Path(video))}')
    try:
        reader = VideoReader(Source(str(video), 'camera' if isinstance(video, int) else 'video', Path('video')))
    except BrokenImageError as error:
        raise UserError(str(error)) from error
    try:
        yield reader
    finally:
        reader.close()


def shown(reader: VideoReader) -> Iterator[np.ndarray]:
    """Yield a video's frames with a bar, on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        yield from progress.track(reader, total=reader.announced, description='frames')


class VideoSink:
    """Writes frames as ``<target>.mp4``, or as numbered pictures in a folder where no video can be encoded.

    The file is whole or absent: leave the ``with`` block by an exception, and nothing appears under its name.

    Args:
        target: path without suffix.
        fps: frames per second.
    """

    def __init__(self, target: Path, fps: float) -> None:
        self.target = target
        self.fps = fps
        self.count = 0
        self._stack = contextlib.ExitStack()
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    @property
    def path(self) -> Path:
        """The video, or the folder of pictures."""
        return self.target.with_name(self.target.name + '.mp4') if self._writer is not None else self.target

    def __enter__(self) -> VideoSink:
        return self

    def write(self, frame: np.ndarray) -> None:
        """Append a frame (H, W, 3) uint8 BGR; frames of another size than the first are scaled to it."""
        if self.count == 0:
            self._open(frame)
        if self._writer is not None:
            self._writer.write(frame if frame.shape[1::-1] == self._size else cv2.resize(frame, self._size))
        else:
            write_image(self.target / f'{self.count:06d}.jpg', frame)
        self.count += 1

    def _open(self, frame: np.ndarray) -> None:
        self._size = (frame.shape[1], frame.shape[0])
        final = self.target.with_name(self.target.name + '.mp4')
        attempt = contextlib.ExitStack()
        temporary = attempt.enter_context(atomic_path(final))
        writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*'mp4v'), self.fps, self._size)
        if writer.isOpened():
            self._writer, self._stack = writer, attempt
            return
        # Nothing was written: leaving by an exception drops the temporary file.
        with contextlib.suppress(_NoEncoder), attempt:
            raise _NoEncoder

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.release()
        self._stack.__exit__(kind, error, trace)


class _NoEncoder(Exception):
    pass


def _files_below(folder: Path, output: Path) -> list[Path]:
    skipped = output.resolve()
    files = [
        path
        for path in sorted(folder.rglob('*'))
        if path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES
        and not path.name.startswith('.')
        and path.is_file()
        and (skipped == folder.resolve() or skipped not in path.resolve().parents)
    ]
    if not files:
        raise UserError(f'{folder}: no images or videos in this folder or below it')
    return files


def _kind(path: Path) -> Literal['image', 'video']:
    return 'video' if path.suffix.lower() in VIDEO_SUFFIXES else 'image'


def _output_name(relative: Path, kind: str) -> Path:
    if kind == 'video':
        return relative.with_suffix('')
    if kind == 'image' and relative.suffix.lower() not in _WRITTEN:
        return relative.with_name(relative.name + '.jpg')
    return relative


def _free_name(wanted: Path, taken: set[str]) -> Path:
    """Return ``wanted``, or it with the first free number. Upper and lower case count as equal, as on some disks."""
    name, number = wanted, 1
    while str(name).lower() in taken:
        number += 1
        name = wanted.with_name(f'{wanted.stem}_{number}{wanted.suffix}')
    taken.add(str(name).lower())
    return name


def _refuse_overwriting(sources: Sequence[Source], output: Path) -> None:
    originals = {Path(source.path).resolve() for source in sources if source.kind != 'camera'}
    for source in sources:
        suffix = '.mp4' if source.kind != 'image' else ''
        target = output / source.output.with_name(source.output.name + suffix)
        if target.resolve() in originals:
            raise UserError(f'{target}: writing results here would overwrite an input; choose another folder with -o')


def _near_files(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ''
    return did_you_mean(path.name, names)
