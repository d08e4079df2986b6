"""SynthFaces on disk, in the layout of the unpacked WIDER FACE archives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from scipy.io import savemat

from faceresearch.datasets.parsers import FaceAnnotations
from faceresearch.datasets.parsers.writers import write_annotations
from faceresearch.datasets.synthfaces import EVENT, SPLITS, scene_name, split_scene
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path

SUBSETS = ('easy', 'medium', 'hard')


def write_wider_layout(
    root: str | Path,
    split: str,
    num_scenes: int,
    size: tuple[int, int] = (320, 320),
    seed: int = 0,
    quality: int = 95,
    jobs: int = 1,
) -> int:
    """Render scenes to ``root`` as WIDER FACE is laid out, so that all that reads WIDER FACE reads them.

    Writes ``WIDER_<split>/images/<event>/*.jpg``, ``wider_face_split/wider_face_<split>_bbx_gt.txt``,
    ``<split>/label.txt`` (RetinaFace's form, with five points) and for ``val`` ``ground_truth/wider_*_val.mat``.
    JPEG images differ a little from the pixels :class:`~faceresearch.datasets.synthfaces.SynthFacesDataset` gives.

    Args:
        root: the folder; files of the same names are replaced.
        split: ``train`` or ``val``.
        num_scenes: how many scenes.
        size: (height, width) in pixels.
        seed: first part of the scenes' seeds.
        quality: JPEG quality.
        jobs: processes that render.

    Returns:
        The number of faces.

    Raises:
        UserError: an argument has no meaning, or the folder cannot be written.
    """
    if split not in SPLITS or num_scenes < 1 or min(size) < 32 or jobs < 1:
        raise UserError(
            f'split={split!r}, num_scenes={num_scenes}, size={size}, jobs={jobs}: split is train or val, and there must'
            ' be at least one scene of 32 x 32 and one job'
        )
    root = Path(root)
    render = partial(_write_scene, root, split, size, seed, quality)
    written = list(_run(render, num_scenes, jobs))
    annotations = [item for item, _ in written]
    write_annotations(root / 'wider_face_split' / f'wider_face_{split}_bbx_gt.txt', annotations, 'official')
    write_annotations(root / split / 'label.txt', annotations, 'retinaface')
    if split == 'val':
        _write_ground_truth(root / 'ground_truth', annotations, [difficulty for _, difficulty in written])
    return sum(len(item.bboxes) for item in annotations)


def _run(render: partial[tuple[FaceAnnotations, np.ndarray]], count: int, jobs: int) -> Iterator[tuple]:
    if jobs == 1:
        yield from map(render, range(count))
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context('spawn')) as pool:
        yield from pool.map(render, range(count), chunksize=8)


def _write_scene(
    root: Path, split: str, size: tuple[int, int], seed: int, quality: int, index: int
) -> tuple[FaceAnnotations, np.ndarray]:
    """Render and store one scene; its annotations and difficulty (N, 3)."""
    cv2.setNumThreads(0)
    scene = split_scene(seed, split, 0, index, size)
    name = f'{scene_name(split, index)}.jpg'
    data = cv2.imencode('.jpg', scene.image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    with atomic_path(root / f'WIDER_{split}' / 'images' / name) as temporary:
        temporary.write_bytes(data.tobytes())
    ignore = np.zeros(len(scene.bboxes), bool)
    item = FaceAnnotations(name, scene.bboxes, ignore, scene.keypoints, scene.keypoints_visible, size)
    return item, scene.difficulty


def _cells(values: Sequence[object]) -> np.ndarray:
    """A MATLAB cell column (n, 1)."""
    column = np.empty((len(values), 1), object)
    for row, value in enumerate(values):
        column[row, 0] = value
    return column


def _write_ground_truth(folder: Path, annotations: list[FaceAnnotations], difficulty: list[np.ndarray]) -> None:
    """The evaluator's four files: boxes (x, y, w, h) of all faces, and 1-based numbers of those that count."""
    files = _cells([Path(item.name).stem for item in annotations])
    common = {'event_list': _cells([EVENT]), 'file_list': _cells([files])}
    boxes = [
        np.concatenate([b[:, :2], b[:, 2:] - b[:, :2]], 1).astype(np.float64) for b in (i.bboxes for i in annotations)
    ]
    content = {'face': {**common, 'face_bbx_list': _cells([_cells(boxes)])}}
    for column, subset in enumerate(SUBSETS):
        numbers = [np.flatnonzero(flags[:, column])[:, None] + 1 for flags in difficulty]
        content[subset] = {**common, 'gt_list': _cells([_cells(numbers)])}
    for name, variables in content.items():
        with atomic_path(folder / f'wider_{name}_val.mat') as temporary:
            savemat(temporary, variables)
