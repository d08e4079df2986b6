"""The nearest of many embeddings: exactly, or by an approximate index."""

from __future__ import annotations

from typing import Any

import numpy as np

from faceresearch.errors import UserError

#: Cosines that are held at once.
_BLOCK = 2**22


def normalised(embeddings: np.ndarray) -> np.ndarray:
    """Return embeddings (N, D) as float32 of length 1.

    Raises:
        UserError: one is zero or not finite.
    """
    wide = np.asarray(embeddings, np.float64)
    length = np.linalg.norm(wide, axis=-1, keepdims=True)
    if not (np.isfinite(length) & (length > 0)).all():
        raise UserError('an embedding is zero or not finite, and has no direction to compare')
    return (wide / length).astype(np.float32)


def nearest(
    queries: np.ndarray, gallery: np.ndarray, k: int | None = 10, threshold: float | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each query the gallery's most similar embeddings: every one is compared.

    Args:
        queries: (Q, D) of length 1.
        gallery: (N, D) of length 1; of any size: blocks of it are compared one after the other.
        k: how many at most; None sets no limit.
        threshold: least cosine.

    Returns:
        Indices and cosines of each query, most similar first, and by index where they are equal.
    """
    found = [(np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in queries]
    step = max(1, _BLOCK // max(1, len(queries)))
    for start in range(0, len(gallery), step):
        cosines = queries @ gallery[start : start + step].T
        for n, row in enumerate(cosines):
            indices = np.arange(len(row)) if threshold is None else np.flatnonzero(row >= threshold)
            joined = np.concatenate([found[n][0], indices + start]), np.concatenate([found[n][1], row[indices]])
            found[n] = _best(*joined, k)
    return [_best(indices, cosines, k, ordered=True) for indices, cosines in found]


def _best(
    indices: np.ndarray, cosines: np.ndarray, k: int | None, ordered: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    if k is not None and len(indices) > k:
        if k == 0:
            return indices[:0], cosines[:0]
        # All that reach the k-th: of equal ones, those of the lowest index stay.
        least = -np.partition(-cosines, k - 1)[k - 1]
        kept = cosines >= least
        indices, cosines, ordered = indices[kept], cosines[kept], True
    if ordered:
        order = np.lexsort((indices, -cosines))[:k]
        indices, cosines = indices[order], cosines[order]
    return indices, cosines


class ApproximateIndex:
    """A graph of neighbours (HNSW, through faiss) that answers without looking at every embedding: for millions.

    It may miss some of the nearest. Building it takes minutes for a million, and it lives in memory only.

    Args:
        gallery: (N, D) of length 1.

    Raises:
        UserError: faiss is not installed.
    """

    def __init__(self, gallery: np.ndarray) -> None:
        try:
            import faiss
        except ImportError as error:
            raise UserError(
                "approximate search needs faiss: pip install faiss-cpu (the extra 'search'); the exact one needs nothing"
            ) from error
        self._graph: Any = faiss.IndexHNSWFlat(gallery.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
        self._graph.hnsw.efConstruction = 200
        self._graph.add(np.ascontiguousarray(gallery, np.float32))

    def nearest(
        self, queries: np.ndarray, k: int | None = 10, threshold: float | None = None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return what :func:`nearest` would, or most of it.

        Raises:
            UserError: no ``k``: the graph has no end.
        """
        if k is None:
            raise UserError('approximate search needs k, the number of matches')
        count = min(k, self._graph.ntotal)
        if not count:
            return [(np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in queries]
        self._graph.hnsw.efSearch = max(64, 2 * count)
        cosines, indices = self._graph.search(np.ascontiguousarray(queries, np.float32), count)
        found = []
        for row, near in zip(cosines, indices):
            kept = (near >= 0) & (row >= (-2.0 if threshold is None else threshold))
            found.append(_best(near[kept], row[kept], count, ordered=True))
        return found
