"""Doubtful labels, from embeddings that a trained network gives: images far from their class, classes of one person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceresearch.errors import UserError

#: cos 75°, the angle from a class's centre beyond which sub-centre ArcFace drops an image (Deng et al., ECCV 2020).
FAR_COSINE = 0.2588
_ROWS = 2048


@dataclass
class NoiseReport:
    """Images and classes to look at.

    Attributes:
        far: (position of the image, cosine to the centre of the others of its class), farthest first.
        misplaced: (position, its class, a class whose centre is nearer, cosine to its own, to the other), surest first.
        merge: (class, class, cosine of their centres), nearest first.
        cosine_mean: of all images to the centre of the others of their class.
    """

    far: list[tuple[int, float]]
    misplaced: list[tuple[int, int, int, float, float]]
    merge: list[tuple[int, int, float]]
    cosine_mean: float


def label_noise(
    embeddings: np.ndarray, identities: np.ndarray, far_cosine: float = FAR_COSINE, merge_cosine: float = 0.6
) -> NoiseReport:
    """Look for labels that the embeddings contradict.

    An image is compared with the centre of the *other* images of its class, since its own vector would draw the centre
    of a small class to it; classes of one image are left out there.

    Args:
        embeddings: (N, D), of any length.
        identities: (N,) int64 from 0 on.
        far_cosine: images whose cosine to their class's centre is below are far.
        merge_cosine: classes whose centres' cosine is above are candidates for one person.

    Raises:
        UserError: the arrays do not fit together, or an embedding is zero or not finite.
    """
    if embeddings.ndim != 2 or len(embeddings) != len(identities) or not len(identities):
        raise UserError(f'embeddings {embeddings.shape} do not fit {len(identities)} identities')
    lengths = np.linalg.norm(embeddings.astype(np.float64), axis=1)
    bad = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
    if len(bad):
        raise UserError(f'embedding {bad[0]} is zero or not finite ({len(bad)} are); they say nothing about labels')
    unit = (embeddings / lengths[:, None]).astype(np.float32)
    numbers, classes, counts = np.unique(identities, return_inverse=True, return_counts=True)
    order = np.argsort(classes, kind='stable')
    sums = np.add.reduceat(unit[order], np.cumsum(counts) - counts, axis=0)
    others = sums[classes] - unit
    own = _cosines(unit, others)
    own[counts[classes] < 2] = np.nan
    centres = _unit(sums)
    best, second = _nearest_others(unit, centres, classes)
    far = np.flatnonzero(own < far_cosine)
    misplaced = np.flatnonzero(second > own)
    return NoiseReport(
        far=[(int(i), float(own[i])) for i in far[np.argsort(own[far])]],
        misplaced=[
            (int(i), int(numbers[classes[i]]), int(numbers[best[i]]), float(own[i]), float(second[i]))
            for i in misplaced[np.argsort((own - second)[misplaced])]
        ],
        merge=_near_centres(centres, numbers, merge_cosine),
        cosine_mean=float(np.nanmean(own)) if (counts > 1).any() else float('nan'),
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _cosines(unit: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return np.einsum('nd,nd->n', unit, _unit(vectors)).astype(np.float64)


def _nearest_others(unit: np.ndarray, centres: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest centre that is not an image's own, and its cosine."""
    best, cosines = np.zeros(len(unit), np.int64), np.full(len(unit), -np.inf)
    if len(centres) < 2:
        return best, cosines
    for low in range(0, len(unit), _ROWS):
        rows = slice(low, low + _ROWS)
        table = unit[rows] @ centres.T
        table[np.arange(len(table)), classes[rows]] = -np.inf
        best[rows] = table.argmax(1)
        cosines[rows] = table.max(1)
    return best, cosines


def _near_centres(centres: np.ndarray, numbers: np.ndarray, threshold: float) -> list[tuple[int, int, float]]:
    found: list[tuple[int, int, float]] = []
    for low in range(0, len(centres), _ROWS):
        table = np.triu(centres[low : low + _ROWS] @ centres[low:].T, 1)
        for i, k in np.argwhere(table > threshold).tolist():
            found.append((int(numbers[low + i]), int(numbers[low + k]), float(table[i, k])))
    return sorted(found, key=lambda row: -row[2])


def read_embeddings(path: str | Path) -> tuple[list[str], np.ndarray]:
    """Read ``names`` (N,) and ``embeddings`` (N, D) of an npz.

    Raises:
        UserError: the file cannot be read, lacks one of them, or they do not fit together.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            missing = [name for name in ('names', 'embeddings') if name not in stored]
            if missing:
                raise UserError(f'{path}: has no array {missing[0]!r} (it has {", ".join(stored.files)})')
            names, embeddings = stored['names'], stored['embeddings']
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f'{path}: cannot be read as npz ({error}); tools/test.py --dump writes one') from error
    if names.ndim != 1 or names.dtype.kind != 'U' or embeddings.ndim != 2 or embeddings.dtype.kind != 'f':
        raise UserError(f'{path}: names must be (N,) text and embeddings (N, D) numbers')
    if len(names) != len(embeddings):
        raise UserError(f'{path}: {len(names)} names for {len(embeddings)} embeddings')
    return names.tolist(), embeddings
