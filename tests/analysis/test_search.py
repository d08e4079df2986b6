"""Nearest embeddings, against sorting them all."""

from __future__ import annotations

import numpy as np
import pytest

from faceresearch.analysis import search
from faceresearch.analysis.search import ApproximateIndex, nearest, normalised
from faceresearch.errors import UserError


def vectors(count: int, seed: int, dimensions: int = 32) -> np.ndarray:
    return normalised(np.random.default_rng(seed).normal(size=(count, dimensions)))


@pytest.mark.parametrize('k', [1, 7, 500, 2000, None])
@pytest.mark.parametrize('threshold', [None, 20.0, 1e6])
def test_equals_sorting_them_all(k: int | None, threshold: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, '_BLOCK', 600)
    # Whole numbers: products are exact, and many are equal.
    rng = np.random.default_rng(0)
    gallery, queries = rng.integers(-3, 4, (1000, 32)), rng.integers(-3, 4, (3, 32))
    found = nearest(queries.astype(np.float32), gallery.astype(np.float32), k, threshold)
    for products, (indices, cosines) in zip(queries @ gallery.T, found, strict=True):
        order = sorted(range(1000), key=lambda i: (-products[i], i))
        expected = [i for i in order if threshold is None or products[i] >= threshold][:k]
        assert indices.tolist() == expected and cosines.tolist() == products[expected].tolist()


def test_nothing_to_compare() -> None:
    assert nearest(vectors(0, 0), vectors(5, 0)) == []
    ((indices, cosines),) = nearest(vectors(1, 0), vectors(0, 0))
    assert len(indices) == len(cosines) == 0
    with pytest.raises(UserError, match='no direction'):
        normalised(np.array([[1.0, np.inf]]))


def test_the_graph_finds_what_the_exact_search_finds() -> None:
    """People with ten images each: of 200 queries, the graph's first answer is the exact one's."""
    pytest.importorskip('faiss')
    rng = np.random.default_rng(4)
    people = rng.normal(size=(500, 64))
    gallery = normalised(np.repeat(people, 10, 0) + rng.normal(0, 0.5, (5000, 64)))
    queries = normalised(people[:200] + rng.normal(0, 0.5, (200, 64)))
    exact, found = nearest(queries, gallery, 10), ApproximateIndex(gallery).nearest(queries, 10)
    assert np.mean([a[0][0] == b[0][0] for a, b in zip(exact, found)]) >= 0.99
    assert np.mean([len(set(a[0]) & set(b[0])) for a, b in zip(exact, found)]) >= 9.8
    for (_, cosines), (_, graph) in zip(exact, found):
        assert (np.diff(graph) <= 0).all() and graph[0] == pytest.approx(cosines[0], abs=1e-5)
    (near,) = ApproximateIndex(gallery).nearest(queries[:1], 10, threshold=0.999)
    assert len(near[0]) == 0
    with pytest.raises(UserError, match='needs k'):
        ApproximateIndex(gallery[:5]).nearest(queries, None)
