"""Stored detections: one npz for a whole data set, written by ``--dump`` and judged by ``--predictions``.

Arrays: ``names`` (images,) unicode, ``offsets`` (images + 1,) integers, so that image i owns the rows
offsets[i]:offsets[i + 1] of ``xyxy_score`` or ``xywh_score`` (N, 5), in pixels of the original image, and of the
optional ``keypoints`` (N, K, 2).
"""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mmengine.logging import print_log

from faceresearch.datasets.parsers.images import stem_of
from faceresearch.errors import UserError
from faceresearch.fileio import atomic_path

#: Bytes one array of a predictions file may have once unpacked.
MAX_ARRAY_BYTES = 4 * 2**30


@dataclass(frozen=True)
class DetectionSet:
    """Detections on a list of images.

    Attributes:
        names: image names, ``event/file`` without extension in WIDER FACE.
        offsets: (images + 1,) int64; image i owns the rows offsets[i]:offsets[i + 1].
        boxes: (N, 4) float, pixels of the original image, in the form ``form``.
        scores: (N,) float.
        form: ``xyxy``, or ``xywh``, where x and y are the left upper corner.
        keypoints: (N, K, 2) float, pixels, or None.
    """

    names: tuple[str, ...]
    offsets: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    form: Literal['xyxy', 'xywh'] = 'xyxy'
    keypoints: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.names)


def image_key(name: str) -> str:
    """Return the name an image is known by in predictions: forward slashes, no leading ``./``, no image suffix."""
    name = name.replace('\\', '/')
    while name.startswith('./'):
        name = name[2:]
    return stem_of(name)


def join_detections(
    names: Sequence[str],
    boxes: Sequence[np.ndarray],
    scores: Sequence[np.ndarray],
    keypoints: Sequence[np.ndarray] | None = None,
) -> DetectionSet:
    """Join the detections of each image, boxes (n, 4) xyxy, scores (n,) and points (n, K, 2), to one set."""
    offsets = np.cumsum([0, *map(len, scores)]).astype(np.int64)
    points = None
    if keypoints is not None:
        count = max((k.shape[1] for k in keypoints if len(k)), default=0)
        points = np.concatenate([np.zeros((0, count, 2), np.float32), *(k for k in keypoints if len(k))])
    return DetectionSet(
        names=tuple(names),
        offsets=offsets,
        boxes=np.concatenate([np.zeros((0, 4), np.float32), *(b.reshape(-1, 4) for b in boxes)]),
        scores=np.concatenate([np.zeros(0, np.float32), *scores]),
        keypoints=points,
    )


def drop_not_finite(detections: DetectionSet) -> DetectionSet:
    """Drop detections with a box or score that is NaN or infinite, with a warning that says how many."""
    good = np.isfinite(detections.boxes).all(1) & np.isfinite(detections.scores)
    if good.all():
        return detections
    image = np.searchsorted(detections.offsets, np.flatnonzero(~good)[0], side='right') - 1
    print_log(
        f'{(~good).sum()} of {len(good)} detections have a box or score that is not finite and are dropped;'
        f' the first is on {detections.names[image]}',
        logger='current',
        level=logging.WARNING,
    )
    return DetectionSet(
        names=detections.names,
        offsets=np.concatenate([[0], np.cumsum(good)])[detections.offsets],
        boxes=detections.boxes[good],
        scores=detections.scores[good],
        form=detections.form,
        keypoints=None if detections.keypoints is None else detections.keypoints[good],
    )


def write_predictions(path: str | Path, detections: DetectionSet) -> None:
    """Write detections to an npz file, whole or not at all.

    Raises:
        UserError: the file cannot be written.
    """
    arrays: dict[str, np.ndarray] = {
        'names': np.array(detections.names, dtype=np.str_),
        'offsets': detections.offsets,
        f'{detections.form}_score': np.concatenate([detections.boxes, detections.scores[:, None]], axis=1),
    }
    if detections.keypoints is not None:
        arrays['keypoints'] = detections.keypoints
    with atomic_path(path) as temporary, temporary.open('wb') as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]


def read_predictions(path: str | Path) -> DetectionSet:
    """Read detections from an npz file that is not trusted: nothing is unpickled, sizes are checked beforehand.

    Raises:
        UserError: the file is missing, damaged, too large, or its arrays do not fit together.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'{path}: no such predictions file')
    arrays = read_arrays(path, ('names', 'offsets', 'xyxy_score', 'xywh_score', 'keypoints'))
    forms = [form for form in ('xyxy', 'xywh') if f'{form}_score' in arrays]
    if len(forms) != 1 or 'names' not in arrays or 'offsets' not in arrays:
        raise UserError(
            f'{path}: needs the arrays names, offsets and either xyxy_score or xywh_score; it has'
            f' {", ".join(sorted(arrays)) or "none of them"}'
        )
    rows = arrays[f'{forms[0]}_score']
    _check_shapes(path, arrays, rows)
    names = tuple(image_key(str(name)) for name in arrays['names'])
    if len(set(names)) != len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise UserError(f'{path}: names lists {twice!r} twice; join its detections')
    if rows.dtype == np.float16 or rows.dtype.kind != 'f':
        rows = rows.astype(np.float64)
    return DetectionSet(
        names=names,
        offsets=arrays['offsets'].astype(np.int64),
        boxes=rows[:, :4],
        scores=rows[:, 4],
        form='xyxy' if forms[0] == 'xyxy' else 'xywh',
        keypoints=arrays.get('keypoints'),
    )


def _check_shapes(path: Path, arrays: dict[str, np.ndarray], rows: np.ndarray) -> None:
    names, offsets, points = arrays['names'], arrays['offsets'], arrays.get('keypoints')
    if names.ndim != 1 or names.dtype.kind != 'U':
        raise UserError(f'{path}: names must be one row of strings, found {names.dtype} {names.shape}')
    if rows.ndim != 2 or rows.shape[1] != 5 or rows.dtype.kind not in 'fiu':
        raise UserError(f'{path}: the boxes must be numbers (N, 5), found {rows.dtype} {rows.shape}')
    if offsets.shape != (len(names) + 1,) or offsets.dtype.kind not in 'iu':
        raise UserError(
            f'{path}: offsets must be {len(names) + 1} integers, one more than names; found'
            f' {offsets.dtype} {offsets.shape}'
        )
    signed = offsets.astype(np.int64)
    if signed[0] != 0 or signed[-1] != len(rows) or (np.diff(signed) < 0).any():
        raise UserError(f'{path}: offsets must rise from 0 to the number of boxes, {len(rows)}')
    if points is not None and (points.ndim != 3 or points.shape[::2] != (len(rows), 2) or points.dtype.kind != 'f'):
        raise UserError(f'{path}: keypoints must be ({len(rows)}, K, 2), found {points.dtype} {points.shape}')


def read_arrays(path: str | Path, names: Iterable[str], largest: int = MAX_ARRAY_BYTES) -> dict[str, np.ndarray]:
    """Read those arrays of an npz file that are there; others are not touched.

    The size an array announces must be the size of its part of the archive, and within ``largest`` bytes, before
    memory is taken for it; arrays of Python objects are refused.

    Raises:
        UserError: the file is damaged, or an array is refused.
    """
    path = Path(path)
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            present = set(archive.namelist())
            for name in names:
                if f'{name}.npy' in present:
                    arrays[name] = _read_array(archive, f'{name}.npy', largest)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise UserError(f'{path}: not an npz file that can be read ({error})') from error
    return arrays


def _read_array(archive: zipfile.ZipFile, member: str, largest: int) -> np.ndarray:
    size = archive.getinfo(member).file_size
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f'{member}: unknown format {version}')
        read_header: Any = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(stream)
        header = stream.tell()
    if dtype.hasobject:
        raise ValueError(f'{member} holds Python objects, which are not read')
    expected = dtype.itemsize
    for length in shape:
        expected *= length
    if expected > largest or header + expected != size:
        raise ValueError(f'{member}: announces {expected} bytes of data, {size - header} are there')
    with archive.open(member) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)
