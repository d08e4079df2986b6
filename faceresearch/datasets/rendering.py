"""Rendered samples kept on disk: drawn once, by all cores, into a file that later trainings map into memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from mmengine.dist import barrier

from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path


def rendered_once(
    path: Path, shape: tuple[int, ...], dtype: np.dtype, draw: Callable[[int], np.ndarray], jobs: int | None, what: str
) -> np.ndarray:
    """Return the array of a file, mapped into memory; a file that is not there yet is rendered first.

    Args:
        path: ``.npy`` file; its name states everything that decides what is in it.
        shape: of the array.
        dtype: of the array; with fields, samples and their labels are one record.
        draw: renders element i along the first axis; it can be sent to another process.
        jobs: processes that render; None: one for each core.
        what: of how many things there is to render, for the progress bar.

    Raises:
        UserError: the file holds something else.
    """
    # The first process of each machine renders for all of them.
    if not path.is_file() and int(os.environ.get('LOCAL_RANK', 0)) == 0:
        _render_all(path, shape, dtype, draw, jobs, what)
    barrier()
    return open_rendered(path, shape, dtype)


def open_rendered(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Map a file that :func:`rendered_once` made into memory.

    Raises:
        UserError: it holds something else.
    """
    try:
        found = np.load(path, mmap_mode='r', allow_pickle=False)
        if found.dtype == dtype and found.shape == shape:
            return found
        what = f'{found.dtype} {found.shape}'
    except (OSError, ValueError) as error:
        what = str(error)
    raise UserError(f'{path}: not the rendered images it should hold ({what}); delete it, and it is made again')


def _render_all(
    path: Path, shape: tuple[int, ...], dtype: np.dtype, draw: Callable[[int], np.ndarray], jobs: int | None, what: str
) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from faceresearch.engine.threads import effective_workers

    jobs = min(shape[0], effective_workers(jobs or 64))
    with Progress(console=Console(stderr=True)) as progress, atomic_path(path) as temporary:
        target = np.lib.format.open_memmap(temporary, 'w+', dtype, shape)
        drawn = progress.track(_run(draw, shape[0], jobs), shape[0], description=f'rendering {what} ({path.name})')
        for number, item in enumerate(drawn):
            target[number] = item
        target.flush()
        del target


def _run(draw: Callable[[int], np.ndarray], count: int, jobs: int) -> Iterator[np.ndarray]:
    if jobs == 1:
        yield from map(draw, range(count))
        return
    with ProcessPoolExecutor(jobs, initializer=cv2.setNumThreads, initargs=(0,)) as pool:
        yield from pool.map(draw, range(count), chunksize=4)
