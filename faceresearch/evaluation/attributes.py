"""Accuracy of attributes: classes and numbers, for all faces and for each group of them."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from faceresearch.datasets.attribute_labels import labels_of
from faceresearch.errors import UserError
from faceresearch.evaluation.attribute_failures import Mistake, worst_mistakes
from faceresearch.evaluation.attribute_files import Alternatives, StoredAttributeMetric
from faceresearch.evaluation.illustrations import Illustrations
from faceresearch.evaluation.parsing_protocol import confusion_matrix
from faceresearch.evaluation.samples import once_each
from faceresearch.evaluation.wider_face import as_numpy, sample_name, with_broken
from faceresearch.registry import METRICS


def class_figures(predicted: np.ndarray, truth: np.ndarray, classes: int) -> dict[str, float]:
    """Return ``accuracy``, ``balanced_accuracy`` (mean recall of the classes that occur), ``mean_f1`` and ``majority``.

    ``majority`` is the accuracy of always naming the most frequent class: what a figure has to be compared with.
    """
    matrix = confusion_matrix(truth, predicted, classes, ignored=-1)
    count, right = matrix.sum(1), np.diag(matrix)
    present = count > 0
    f1 = 2 * right / np.maximum(count + matrix.sum(0), 1)
    return {
        'accuracy': float(right.sum() / max(len(truth), 1)),
        'balanced_accuracy': float((right[present] / count[present]).mean()) if present.any() else math.nan,
        'mean_f1': float(f1[present].mean()) if present.any() else math.nan,
        'majority': float(count.max() / max(len(truth), 1)),
    }


def number_figures(predicted: np.ndarray, truth: np.ndarray, within: float = 5.0) -> dict[str, float]:
    """Return ``mae``, ``cs@<within>`` (share of errors of at most that much) and ``mae_of_median``.

    ``mae_of_median`` is the error of always naming the median of these very labels, the best constant: what a figure
    has to be compared with.
    """
    errors = np.abs(predicted - truth)
    return {
        'mae': float(errors.mean()),
        f'cs@{within:g}': float((errors <= within).mean()),
        'mae_of_median': float(np.abs(truth - np.median(truth)).mean()),
    }


@dataclass
class AttributeImage:
    """What is kept of an image, by head: predicted and true values, and the probability of a predicted class."""

    name: str
    broken: bool = False
    predicted: dict[str, float] = field(default_factory=dict)
    truth: dict[str, float] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)


@METRICS.register_module()
class AttributeMetric(StoredAttributeMetric):
    """Accuracy of classes and mean error of numbers; a face without a label does not count for that head.

    Keys: ``<head>/accuracy``, ``balanced_accuracy``, ``mean_f1``, ``majority`` of classes; ``<head>/mae``, ``cs@5``,
    ``mae_of_median`` of numbers; with ``groups``, ``<head>/<group>/accuracy`` (or ``mae``) for each group and
    ``<head>/gap``, the difference between the best and the worst group of at least ``min_group`` faces.

    Args:
        classes: head → names of its classes, or the name of an order.
        numbers: heads of numbers.
        groups: labels whose combinations are the groups (``('race', 'gender')``), given as classes.
        group_labels: label of a group that is no head → names of its classes, or the name of an order.
        min_group: smaller groups are reported but do not enter the gap.
        plots_dir: folder for a confusion matrix of each head of classes, and the distribution of errors of each other; None: none.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.

    Raises:
        UserError: there is nothing to measure, or a group has no names.
    """

    def __init__(
        self,
        classes: Mapping[str, str | Sequence[str]] | None = None,
        numbers: Sequence[str] = (),
        groups: Sequence[str] = (),
        group_labels: Mapping[str, str | Sequence[str]] | None = None,
        min_group: int = 10,
        plots_dir: str | None = None,
        collect_device: str = 'cpu',
    ) -> None:
        super().__init__(collect_device=collect_device)
        self.classes = {name: labels_of(labels) for name, labels in (classes or {}).items()}
        self.numbers = tuple(numbers)
        self.groups = tuple(groups)
        self.names = {**{n: labels_of(v) for n, v in (group_labels or {}).items()}, **self.classes}
        if not self.classes and not self.numbers:
            raise UserError('AttributeMetric: name heads in classes or numbers')
        unknown = [group for group in self.groups if group not in self.names]
        if unknown:
            raise UserError(f'AttributeMetric: group {unknown[0]!r} has no names; give them in group_labels')
        self.min_group = min_group
        self.plots_dir = plots_dir
        self.illustrations = Illustrations()
        self.results: list[AttributeImage] = []

    def stored_fields(self) -> list[Alternatives]:
        """Return the class or its scores for each head of classes, and the numbers."""
        return [*((name, f'{name}_scores') for name in self.classes), *((name,) for name in self.numbers)]

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the values of a batch."""
        wanted = (*self.classes, *self.numbers, *self.groups)
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            name = sample_name(fields)
            if fields.get('img_broken', False):
                self.results.append(AttributeImage(name, broken=True))
                continue
            predicted, truth = fields['pred_attributes'], fields['gt_attributes']
            self.results.append(
                AttributeImage(
                    name,
                    predicted=_values(predicted, wanted),
                    truth={n: _scalar(as_numpy(truth[n])) for n in wanted if n in truth},
                    confidence={n: _confidence(predicted, n) for n in self.classes if n in predicted},
                )
            )

    def compute_metrics(self, results: list[AttributeImage]) -> dict[str, float]:
        """Judge each head on the faces whose label is known."""
        results = once_each(results)
        seen = [result for result in results if not result.broken]
        figures: dict[str, float] = {}
        self.illustrations = Illustrations()
        mistakes: list[list[Mistake]] = []
        for name in (*self.classes, *self.numbers):
            kept = [
                r for r in seen if name in r.predicted and _is_known(r.truth.get(name, math.nan), name in self.classes)
            ]
            if not kept:
                print_log(f'{name}: no face has a label: there is no figure', 'current', logging.WARNING)
                continue
            predicted = np.array([r.predicted[name] for r in kept])
            truth = np.array([r.truth[name] for r in kept])
            for key, value in self._head(name, predicted, truth).items():
                figures[f'{name}/{key}'] = value
            if self.groups:
                figures |= self._by_group(name, kept, predicted, truth)
            if self.plots_dir:
                self._plot(name, predicted, truth)
                mistakes.append([m for r in kept if (m := self._mistake(name, r)) is not None])
        if self.plots_dir:
            self.illustrations.failures = worst_mistakes(mistakes)
            self.illustrations.note = 'Of each head, the faces it is most sure and wrong about, or furthest off.'
        return with_broken(figures, results)

    def _mistake(self, name: str, result: AttributeImage) -> Mistake | None:
        predicted, truth = result.predicted[name], result.truth[name]
        if name not in self.classes:
            return Mistake(result.name, abs(predicted - truth), f'{name} {predicted:.1f}, truly {truth:.1f}')
        if predicted == truth:
            return None
        labels, sure = self.classes[name], result.confidence.get(name, math.nan)
        share = f' ({sure:.2f})' if math.isfinite(sure) else ''
        caption = f'{name}: {labels[int(predicted)]}{share}, truly {labels[int(truth)]}'
        return Mistake(result.name, sure if math.isfinite(sure) else 0.0, caption)

    def _head(self, name: str, predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        if name in self.classes:
            return class_figures(predicted.astype(np.int64), truth.astype(np.int64), len(self.classes[name]))
        return number_figures(predicted, truth)

    def _by_group(
        self, name: str, kept: Sequence[AttributeImage], predicted: np.ndarray, truth: np.ndarray
    ) -> dict[str, float]:
        key = 'accuracy' if name in self.classes else 'mae'
        groups = np.array([self._group(result) for result in kept], dtype=np.str_)
        figures, compared = {}, []
        for group in np.unique(groups[groups != '']):
            rows = groups == group
            figure = self._head(name, predicted[rows], truth[rows])[key]
            figures[f'{name}/{group}/{key}'] = figure
            if rows.sum() >= self.min_group:
                compared.append(figure)
        if len(compared) > 1:
            figures[f'{name}/gap'] = max(compared) - min(compared)
        return figures

    def _group(self, result: AttributeImage) -> str:
        values = [result.truth.get(group, -1) for group in self.groups]
        if any(not _is_known(value, True) for value in values):
            return ''
        return '+'.join(self.names[group][int(value)] for group, value in zip(self.groups, values))

    def _plot(self, name: str, predicted: np.ndarray, truth: np.ndarray) -> None:
        from faceresearch.evaluation.landmark_plots import draw_ced
        from faceresearch.evaluation.parsing_plots import draw_confusion

        folder = Path(str(self.plots_dir))
        if name in self.classes:
            labels = self.classes[name]
            matrix = confusion_matrix(truth.astype(np.int64), predicted.astype(np.int64), len(labels), ignored=-1)
            picture = draw_confusion(matrix, labels, folder / f'{name}_confusion.png', name)
        else:
            errors = np.abs(predicted - truth)
            limit = max(float(np.quantile(errors, 0.99)), 1e-6)
            picture = draw_ced(errors, folder / f'{name}_errors.png', (), '', f'error of {name}', limit)
        self.illustrations.pictures.append(picture)


def _values(predicted: Mapping[str, Any], wanted: Sequence[str]) -> dict[str, float]:
    values: dict[str, float] = {}
    for name in wanted:
        if name in predicted:
            values[name] = float(as_numpy(predicted[name]))
        elif f'{name}_scores' in predicted:  # a file of another toolkit may have the scores alone
            values[name] = float(as_numpy(predicted[f'{name}_scores']).argmax())
    return values


def _scalar(value: np.ndarray) -> float:
    """Return a label as a number; of a distribution over classes, the most probable one."""
    return float(value.argmax() if value.ndim else value)


def _is_known(value: float, is_class: bool) -> bool:
    return math.isfinite(value) and not (is_class and value < 0)


def _confidence(predicted: Mapping[str, Any], name: str) -> float:
    """Return the probability of the class that a head predicts, nan where it gives none."""
    scores = predicted.get(f'{name}_scores')
    return math.nan if scores is None else float(as_numpy(scores)[int(as_numpy(predicted[name]))])
