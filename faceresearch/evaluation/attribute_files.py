"""Stored predictions of attribute models: one npz, written by ``--dump`` and judged by ``--predictions``.

Arrays: ``names`` (N,) unicode, and for each predicted field one of N rows, named as in ``pred_attributes``: ``yaw`` and
``pitch`` in degrees, ``age``, ``gender`` (number of the class), ``gender_scores`` (N, classes), ``spoof_scores`` (N,
classes) or (N,), the probability that a face is real, ``rotation`` (N, 3, 3) or ``rotation_angles`` (N, 3), pitch, yaw
and roll in degrees. A class that is not there is the one with the highest score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from faceresearch.errors import UserError
from faceresearch.evaluation.predictions import image_key, read_arrays
from faceresearch.evaluation.wider_face import as_numpy, sample_name
from faceresearch.fileio import atomic_path
from faceresearch.registry import DATASETS, METRICS

#: Names of arrays of which one is needed.
Alternatives = Sequence[str]


@METRICS.register_module()
class DumpAttributes(BaseMetric):
    """Writes ``pred_attributes`` of a whole data set to one npz; images that could not be read are left out.

    Args:
        path: the npz to write.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
    """

    def __init__(self, path: str, collect_device: str = 'cpu') -> None:
        super().__init__(collect_device=collect_device)
        self.path = path
        self.results: list[tuple[str, dict[str, np.ndarray]]] = []

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the predictions of a batch as numpy arrays."""
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            if not fields.get('img_broken', False):
                predicted = {key: as_numpy(value) for key, value in fields['pred_attributes'].items()}
                self.results.append((sample_name(fields), predicted))

    def compute_metrics(self, results: list[tuple[str, dict[str, np.ndarray]]]) -> dict[str, float]:
        """Write the file; there are no figures."""
        # Samplers of several processes repeat images.
        images = dict(results)
        rows = list(images.values())
        arrays = {key: np.stack([row[key] for row in rows]) for key in (rows[0] if rows else ())}
        with atomic_path(self.path) as temporary, temporary.open('wb') as stream:
            np.savez_compressed(stream, names=np.array(list(images), dtype=np.str_), **arrays)  # type: ignore[arg-type]
        return {}


class StoredAttributeMetric(BaseMetric):
    """What metrics of attributes share: they judge stored predictions too.

    ``process`` of the subclass reads ``pred_attributes`` and ``gt_attributes`` of samples.
    """

    #: Registered metric that ``--dump`` adds.
    dump_metric = 'DumpAttributes'
    #: Configuration of the data set that stored predictions are judged by.
    truth: dict[str, Any] | None = None

    def stored_fields(self) -> list[Alternatives]:
        """Return what a file needs: of each entry one array.

        Raises:
            NotImplementedError: the subclass does not say.
        """
        raise NotImplementedError

    def evaluate_file(self, path: str | Path, subset: bool = False) -> dict[str, float]:
        """Judge stored predictions; images are not read.

        Args:
            path: npz in the form of this module.
            subset: pass over images that the file lacks; otherwise they are an error: a missing prediction has no error.

        Raises:
            UserError: there is no ground truth, or the file cannot be used.
        """
        if self.truth is None:
            raise UserError(f'{type(self).__name__}: no data set to judge {path} by: the config has no test_dataloader')
        stored = read_attributes(path, self.stored_fields())
        dataset = DATASETS.build({**self.truth, 'pipeline': [], 'test_mode': True})
        self.dataset_meta = dataset.metainfo
        missing, seen = [], 0
        for name, fields in _labelled(dataset):
            if name in stored:
                self.process(None, [{**fields, 'pred_attributes': stored[name]}])
                seen += 1
            else:
                missing.append(name)
        if missing and not (subset and seen):
            raise UserError(
                f'{path}: {len(missing)} of {len(dataset)} images are missing, such as {missing[0]}'
                + ('; add ++subset=true to judge the others alone' if seen else ': it names none of this data set')
            )
        figures = self.compute_metrics(self.results)
        self.results.clear()
        return {f'{self.prefix}/{key}' if self.prefix else key: value for key, value in figures.items()}


def _labelled(dataset: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for index in range(len(dataset)):
        fields = dataset.get_data_info(index)
        if 'gt_attributes' not in fields:  # of rendered faces, labels and pictures are made together
            fields = dataset.raw_sample(index, 0)
        yield sample_name(fields), fields


def read_attributes(path: str | Path, wanted: Sequence[Alternatives]) -> dict[str, dict[str, np.ndarray]]:
    """Read predictions by image name from an npz that is not trusted.

    Raises:
        UserError: the file is missing or damaged, an array of ``wanted`` is not there, or they do not fit together.
    """
    if not Path(path).is_file():
        raise UserError(f'{path}: no such predictions file')
    arrays = read_arrays(path, ('names', *(name for names in wanted for name in names)))
    absent = [' or '.join(names) for names in wanted if not any(name in arrays for name in names)]
    if 'names' not in arrays or absent:
        have = ', '.join(sorted(arrays)) or 'none of them'
        raise UserError(f'{path}: needs the arrays {", ".join(["names", *map(" or ".join, wanted)])}; it has {have}')
    names = arrays.pop('names')
    if names.ndim != 1 or names.dtype.kind != 'U':
        raise UserError(f'{path}: names must be one row of strings, found {names.dtype} {names.shape}')
    for key, values in arrays.items():
        if values.dtype.kind not in 'fiu' or not values.ndim or len(values) != len(names):
            raise UserError(
                f'{path}: {key} must be numbers, one row for each of {len(names)} names; found {values.dtype} {values.shape}'
            )
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values.reshape(len(values), -1)).all(1)))
            raise UserError(f'{path}: {key} of {names[row]} is not finite')
    keys = [image_key(str(name)) for name in names]
    if len(set(keys)) != len(keys):
        raise UserError(f'{path}: names lists {Counter(keys).most_common(1)[0][0]!r} twice')
    return {name: {key: values[row] for key, values in arrays.items()} for row, name in enumerate(keys)}
