"""Figures of face parsing, from one matrix: which class was taken for which, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceresearch.datasets.parsing_metainfo import IGNORED


@dataclass(frozen=True)
class ParsingScores:
    """What follows from a confusion matrix C (rows: truth). Fractions; nan for a class that is nowhere.

    Attributes:
        pixel_accuracy: tr C / ΣC.
        mean_accuracy: mean of C_ii / row_i over the classes that the truth has.
        iou: (K,) C_ii / (row_i + column_i − C_ii).
        f1: (K,) 2 C_ii / (row_i + column_i).
        share: (K,) of the truth's pixels.
    """

    pixel_accuracy: float
    mean_accuracy: float
    iou: np.ndarray
    f1: np.ndarray
    share: np.ndarray

    @property
    def miou(self) -> float:
        """Mean IoU over the classes that occur, background among them."""
        return _mean(self.iou)

    @property
    def miou_foreground(self) -> float:
        """Mean IoU over the classes that occur, without background (class 0)."""
        return _mean(self.iou[1:])

    @property
    def mean_f1(self) -> float:
        """Mean F1 over the classes that occur, without background (class 0), as DML-CSR and its successors report it."""
        return _mean(self.f1[1:])


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, num_classes: int, ignored: int = IGNORED) -> np.ndarray:
    """Count pixels by true class (rows) and predicted class (columns).

    Args:
        truth: (H, W) class ids; ``ignored`` does not count.
        predicted: (H, W) class ids.
        num_classes: K.
        ignored: value of pixels that do not count.

    Returns:
        (K, K) int64.

    Raises:
        ValueError: the shapes differ, or an id is not below K.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f'truth is {truth.shape}, predicted {predicted.shape}')
    counted = truth != ignored
    rows, columns = truth[counted].astype(np.int64), predicted[counted].astype(np.int64)
    if rows.size and max(rows.max(), columns.max()) >= num_classes:
        raise ValueError(f'class {max(rows.max(), columns.max())} of {num_classes} classes')
    counts = np.bincount(rows * num_classes + columns, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes).astype(np.int64)


def parsing_scores(confusion: np.ndarray) -> ParsingScores:
    """Return the figures of a confusion matrix (K, K), rows the truth."""
    hits = np.diag(confusion).astype(np.float64)
    rows, columns = confusion.sum(1).astype(np.float64), confusion.sum(0).astype(np.float64)
    total = rows.sum()
    return ParsingScores(
        pixel_accuracy=float(hits.sum() / total) if total else float('nan'),
        mean_accuracy=_mean(_divided(hits, rows)),
        iou=_divided(hits, rows + columns - hits),
        f1=_divided(2 * hits, rows + columns),
        share=_divided(rows, np.full_like(rows, total)),
    )


def score_table(names: Sequence[str], scores: ParsingScores) -> str:
    """Return the figures of each class as lines of text, in per cent."""
    width = max(len('class'), *map(len, names))
    lines = [f'{"class":<{width}}   pixels      IoU       F1']
    lines += [
        f'{name:<{width}} {100 * scores.share[i]:7.2f} % {100 * scores.iou[i]:8.2f} {100 * scores.f1[i]:8.2f}'
        for i, name in enumerate(names)
    ]
    return '\n'.join(lines)


def _divided(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float('nan')
