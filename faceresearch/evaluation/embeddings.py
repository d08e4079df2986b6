"""Embeddings of a whole data set: collected from a model, written by ``--dump``, read for ``--predictions``.

Forms of the npz: pairs have ``embeddings`` (2P, D), pair i in rows 2i and 2i + 1, and ``issame`` (P,), optionally
``folds`` (P,) integers, ``groups`` (P,) strings and ``names`` (2P,) strings; IJB has ``features`` (N, D) in the order of
its list of images, optionally ``present`` (N,) bool; searches have ``embeddings`` (N, D) and ``names`` (N,).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from faceresearch.errors import UserError
from faceresearch.evaluation.predictions import read_arrays
from faceresearch.evaluation.wider_face import as_numpy
from faceresearch.fileio import atomic_path
from faceresearch.registry import METRICS


@dataclass
class EmbeddingBatch:
    """What is kept of a batch, on the CPU: image names, embeddings (B, D) float32, and which could not be read."""

    names: list[str]
    embeddings: np.ndarray
    broken: list[bool]


class EmbeddingMetric(BaseMetric):
    """Collects ``pred_embedding`` of each image; subclasses compare.

    ``dataset_meta`` says in ``img_ids`` which images belong to the set, in its order.

    Args:
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.
    """

    #: Registered metric that ``--dump`` adds.
    dump_metric = 'DumpEmbeddings'

    def __init__(self, collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.results: list[EmbeddingBatch] = []

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the embeddings of a batch as one array.

        Raises:
            UserError: the model predicts none.
        """
        fields = [sample.to_dict() if isinstance(sample, BaseDataElement) else sample for sample in data_samples]
        if any('pred_embedding' not in sample for sample in fields):
            raise UserError('the model predicts no embedding; this test set judges face recognition')
        embeddings = np.stack([as_numpy(sample['pred_embedding']).astype(np.float32) for sample in fields])
        names = [str(sample['img_id']) for sample in fields]
        self.results.append(EmbeddingBatch(names, embeddings, [bool(s.get('img_broken', False)) for s in fields]))

    def join(self, results: list[EmbeddingBatch]) -> tuple[np.ndarray, np.ndarray]:
        """Return embeddings (N, D) in the data set's order and which of them are there (N,).

        ``results`` is emptied: both at once may be more than there is memory for.
        """
        return join_embeddings(results, self.meta('img_ids'))

    def meta(self, key: str, default: Any = None) -> Any:
        """Return what the data set says about itself.

        Raises:
            UserError: it says nothing of the kind and there is no default.
        """
        found = (self.dataset_meta or {}).get(key, default)
        if found is None and key == 'img_ids':
            raise UserError(
                f'{type(self).__name__}: the test set is not one of face recognition (it has no list of images to'
                ' compare); name a benchmark, such as configs/benchmarks/lfw.py'
            )
        return found


def join_embeddings(results: list[EmbeddingBatch], img_ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Bring batches into the order of ``img_ids``; repeated images count once. ``results`` is emptied.

    Returns:
        Embeddings (N, D) float32, zero where an image is missing or could not be read, and (N,) bool.

    Raises:
        UserError: an embedding is not finite.
    """
    place = {name: number for number, name in enumerate(img_ids)}
    width = results[0].embeddings.shape[1] if results else 0
    joined, present = np.zeros((len(place), width), np.float32), np.zeros(len(place), bool)
    broken: set[str] = set()
    while results:
        batch = results.pop()
        for name, embedding, is_broken in zip(batch.names, batch.embeddings, batch.broken):
            if is_broken:
                broken.add(name)
            elif name in place:
                joined[place[name]], present[place[name]] = embedding, True
    check_finite(joined, 'the model')
    if broken:
        warn(f'{len(broken)} images could not be read and are not judged: {", ".join(sorted(broken)[:3])}')
    return joined, present


def check_finite(embeddings: np.ndarray, source: object, chunk: int = 8192) -> None:
    """Refuse embeddings (N, D) of which one is NaN or infinite.

    Raises:
        UserError: names the first row.
    """
    for start in range(0, len(embeddings), chunk):
        # The sum of a row is not finite if one of its numbers is not; a mask of all would take a quarter of them again.
        good = np.isfinite(embeddings[start : start + chunk].sum(1, dtype=np.float64))
        if not good.all():
            raise UserError(f'{source}: the embedding in row {start + int(np.argmin(good))} is not finite')


def read_embeddings(path: str | Path, name: str, others: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Read the matrix ``name`` (N, D), which must be there, and those of ``others`` that are.

    Raises:
        UserError: the file is missing or damaged, or the matrix is not one of finite numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'{path}: no such predictions file')
    arrays = read_arrays(path, (name, *others))
    if name not in arrays:
        have = ', '.join(sorted(arrays)) or 'none of those expected'
        raise UserError(f'{path}: needs an array {name} (images, size of the embedding); it has {have}')
    matrix = arrays[name]
    if matrix.ndim != 2 or matrix.dtype.kind not in 'fiu' or not matrix.shape[1]:
        raise UserError(f'{path}: {name} must be numbers (images, size), found {matrix.dtype} {matrix.shape}')
    check_finite(matrix, path)
    return arrays


def check_rows(path: str | Path, arrays: dict[str, np.ndarray], name: str, count: int, kinds: str) -> np.ndarray | None:
    """Return an optional array (count,) of a kind of numpy types, or None.

    Raises:
        UserError: it has another shape or kind.
    """
    if name not in arrays:
        return None
    found = arrays[name]
    if found.shape != (count,) or found.dtype.kind not in kinds:
        raise UserError(f'{path}: {name} must be one row of {count}, found {found.dtype} {found.shape}')
    return found


def write_arrays(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays to an npz, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open('wb') as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


@METRICS.register_module()
class DumpEmbeddings(EmbeddingMetric):
    """Writes the embeddings of a data set to one npz, in the form its protocol reads (see the module).

    Args:
        path: the npz to write.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
    """

    def __init__(self, path: str, collect_device: str = 'cpu') -> None:
        super().__init__(collect_device=collect_device)
        self.path = path

    def compute_metrics(self, results: list[EmbeddingBatch]) -> dict[str, float]:
        """Write the file; there are no figures."""
        embeddings, present = self.join(list(results))
        names = np.array(self.meta('img_ids'), np.str_)
        if self.meta('pairs') is not None:
            arrays = self._pairs(embeddings, present, names)
        elif self.meta('features_listed'):
            arrays = {'features': embeddings, **({} if present.all() else {'present': present})}
        else:
            arrays = {'embeddings': embeddings[present], 'names': names[present]}
        write_arrays(self.path, arrays)
        return {}

    def _pairs(self, embeddings: np.ndarray, present: np.ndarray, names: np.ndarray) -> dict[str, np.ndarray]:
        pairs = np.asarray(self.meta('pairs'))
        kept = present[pairs].all(1)
        rows = pairs[kept].reshape(-1)
        arrays = {'embeddings': embeddings[rows], 'issame': np.asarray(self.meta('issame'))[kept], 'names': names[rows]}
        for key in ('folds', 'groups'):
            values = self.meta(key)
            if values is not None:
                arrays[key] = np.asarray(values)[kept]
        return arrays


def warn(message: str) -> None:
    """Log a warning."""
    print_log(message, logger='current', level=logging.WARNING)
