"""Verification over pairs with cross-validated thresholds: LFW, CFP-FP, AgeDB-30, CALFW, CPLFW, RFW, own pairs.

The arithmetic is that of insightface recognition/arcface_torch/eval/verification.py: unit embeddings, squared distance,
thresholds 0, 0.01, … 3.99, "same" below the threshold, folds of consecutive pairs; each fold is judged by the first of
the thresholds that are best on the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceresearch.datasets.parsers.exclusion import read_excluded
from faceresearch.errors import UserError
from faceresearch.evaluation.bootstrap import interval_of, pair_bootstrap
from faceresearch.evaluation.embeddings import EmbeddingBatch, EmbeddingMetric, check_rows, read_embeddings, warn
from faceresearch.evaluation.illustrations import Failure, Illustrations
from faceresearch.evaluation.pair_failures import pair_failures
from faceresearch.evaluation.recognition_plots import draw_report
from faceresearch.evaluation.roc import check_rates, operating_points, rate_text, roc_curve, split_scores
from faceresearch.registry import METRICS

#: What is computed: accuracy or AUC and TAR; with intervals; with searches and plots.
Depth = Literal['quick', 'base', 'full']
DEPTHS = ('quick', 'base', 'full')
#: Squared distances of unit vectors, at which accuracy is tried.
THRESHOLDS = np.arange(0, 4, 0.01)


@dataclass(frozen=True)
class PairScores:
    """Pairs a protocol has compared.

    Attributes:
        scores: (P,) cosine similarity.
        issame: (P,) bool.
        folds: (P,) integers, or None where the protocol has none.
        groups: (P,) strings, or None.
        units: (P, 2) integers: templates or images, or None.
        distances: (P,) squared distances of unit vectors, as the protocol of folds computes them, or None.
    """

    scores: np.ndarray
    issame: np.ndarray
    folds: np.ndarray | None = None
    groups: np.ndarray | None = None
    units: np.ndarray | None = None
    distances: np.ndarray | None = None

    def select(self, chosen: np.ndarray) -> PairScores:
        """Return the pairs of a mask."""
        values = (self.scores, self.issame, self.folds, self.groups, self.units, self.distances)
        return PairScores(*(value if value is None else value[chosen] for value in values))  # type: ignore[arg-type]


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Return rows of length one; a row of zeros stays."""
    vectors = vectors.astype(np.float64) if vectors.dtype.kind != 'f' or vectors.dtype.itemsize < 4 else vectors
    length = np.sqrt(np.einsum('ij,ij->i', vectors, vectors))[:, None]
    return vectors / np.where(length == 0, 1, length)


def contiguous_folds(count: int, folds: int = 10) -> np.ndarray:
    """Return the fold of each of ``count`` pairs: consecutive, not shuffled, the first ones larger by one if need be.

    Raises:
        UserError: there are fewer pairs than folds, or fewer than two folds.
    """
    if folds < 2 or count < folds:
        raise UserError(f'num_folds={folds} and {count} pairs: at least two folds, and a pair in each, are needed')
    sizes = np.full(folds, count // folds)
    sizes[: count % folds] += 1
    return np.repeat(np.arange(folds), sizes)


def fold_accuracies(
    distances: np.ndarray, issame: np.ndarray, folds: np.ndarray, thresholds: np.ndarray = THRESHOLDS
) -> tuple[np.ndarray, np.ndarray]:
    """Return each fold's accuracy (F,) with the threshold (F,) that is best on the other folds.

    Of thresholds that are equally good the first, the lowest, is taken: others move published figures.

    Args:
        distances: (P,); a pair is "same" below the threshold.
        issame: (P,) bool.
        folds: (P,) integers; the folds that occur are judged, in rising order.
        thresholds: (T,) rising.

    Raises:
        UserError: there is only one fold.
    """
    names, number = np.unique(folds, return_inverse=True)
    if len(names) < 2:
        raise UserError('all pairs are in one fold: the threshold of a fold comes from the others')
    # distance < thresholds[j] from this j on.
    first = np.searchsorted(thresholds, distances, side='right')
    shape = (len(names), len(thresholds) + 1)
    counts = [np.zeros(shape, np.int64), np.zeros(shape, np.int64)]
    for kind in (0, 1):
        chosen = issame.astype(bool) == bool(kind)
        np.add.at(counts[kind], (number[chosen], first[chosen]), 1)
    accepted = [np.cumsum(count, axis=1)[:, :-1] for count in counts]
    right = accepted[1] + counts[0].sum(1, keepdims=True) - accepted[0]
    best = np.argmax(right.sum(0) - right, axis=1)
    sizes = np.bincount(number)
    return right[np.arange(len(names)), best] / sizes, thresholds[best]


def correct_pairs(pairs: PairScores) -> np.ndarray:
    """Return which pairs (P,) bool are judged rightly by the threshold of their fold, each group by itself."""
    right = np.zeros(len(pairs.issame), bool)
    groups = np.zeros(len(right), np.int8) if pairs.groups is None else pairs.groups
    for name in np.unique(groups):
        part = pairs.select(groups == name)
        distances, folds = _distances_and_folds(part)
        thresholds = fold_accuracies(distances, part.issame, folds)[1]
        limit = thresholds[np.unique(folds, return_inverse=True)[1]]
        right[groups == name] = (distances < limit) == part.issame
    return right


def _distances_and_folds(pairs: PairScores) -> tuple[np.ndarray, np.ndarray]:
    folds = contiguous_folds(len(pairs.issame)) if pairs.folds is None else pairs.folds
    return 2 - 2 * pairs.scores if pairs.distances is None else pairs.distances, folds


def compare_pairs(
    embeddings: np.ndarray,
    pairs: np.ndarray,
    issame: np.ndarray,
    folds: np.ndarray,
    groups: np.ndarray | None = None,
) -> PairScores:
    """Compare embeddings (N, D) by pairs (P, 2) of rows."""
    unit = unit_rows(embeddings)
    distances = np.empty(len(pairs))
    for start in range(0, len(pairs), 8192):
        part = pairs[start : start + 8192]
        distances[start : start + 8192] = np.square(unit[part[:, 0]] - unit[part[:, 1]]).sum(1)
    # Of unit vectors, so that the two agree to the last digit wherever thresholds are carried from one to the other.
    return PairScores(1 - distances / 2, np.asarray(issame, bool), folds, groups, np.asarray(pairs), distances)


@METRICS.register_module()
class VerificationMetric(EmbeddingMetric):
    """Accuracy over folds, AUC and TAR on pairs of faces.

    Reports ``accuracy`` and ``accuracy_std`` (population) over the folds, ``auc``, and ``tar@far=…`` at the highest FAR
    that does not exceed the one asked for. With groups each has these figures under its name, and besides there are
    ``accuracy`` (mean of the groups), ``accuracy_std`` between groups and ``error_ratio``, the largest error rate of a
    group by the smallest. From depth ``base`` on ``tar@far=…_low`` and ``_high`` (95 % bootstrap over pairs) and
    ``impostors@far=…``, the impostor pairs a figure rests on; ``full`` draws ROC, DET and score distributions.

    Args:
        num_folds: consecutive folds, where the data do not come in folds of their own.
        fars: false accept rates to report TAR at.
        depth: ``quick``, ``base`` or ``full``.
        exclude: with stored predictions, a file of image names (rows of ``embeddings`` where the file has no names),
            one a line, whose pairs are left out.
        plots_dir: folder for plots, drawn at any depth if given; ``work_dirs/<prefix>_plots`` at depth ``full``.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
        prefix: first part of the metric keys.

    Raises:
        UserError: an argument has no meaning.
    """

    default_prefix = 'pairs'

    def __init__(
        self,
        num_folds: int = 10,
        fars: Sequence[float] = (1e-3,),
        depth: Depth = 'quick',
        exclude: str | None = None,
        plots_dir: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.num_folds = num_folds
        self.fars = check_rates('fars', fars)
        self.depth = check_depth(depth)
        self.exclude = exclude
        self.plots_dir = plots_dir or (f'work_dirs/{self.prefix}_plots' if depth == 'full' else None)
        self.illustrations = Illustrations()
        self._names: Sequence[str] | None = None

    def compute_metrics(self, results: list[EmbeddingBatch]) -> dict[str, float]:
        """Judge the pairs whose images were both read."""
        embeddings, present = self.join(list(results))
        pairs, issame = np.asarray(self.meta('pairs')), np.asarray(self.meta('issame'), bool)
        groups, folds = self.meta('groups'), self.meta('folds')
        groups = None if groups is None else np.asarray(groups)
        folds = group_folds(groups, len(pairs), self.num_folds) if folds is None else np.asarray(folds)
        kept = present[pairs].all(1)
        scored = compare_pairs(
            embeddings, pairs[kept], issame[kept], folds[kept], None if groups is None else groups[kept]
        )
        expected = int(self.meta('images_expected', len(present)))
        self._names = self.meta('img_ids')
        figures = self.judge(scored)
        if present.sum() < expected:
            warn(
                f'{self.prefix}: {present.sum()} of {expected} images, {kept.sum()} of'
                f' {self.meta("pairs_expected", len(pairs))} pairs judged; the figures are not comparable'
            )
            figures.update(images=int(present.sum()), images_expected=expected)
        return figures

    def read_file(self, path: str | Path) -> PairScores:
        """Compare stored embeddings; see :mod:`faceresearch.evaluation.embeddings` for the form.

        Raises:
            UserError: the file cannot be used.
        """
        arrays = read_embeddings(path, 'embeddings', ('issame', 'folds', 'groups', 'names'))
        count, odd = divmod(len(arrays['embeddings']), 2)
        issame = check_rows(path, arrays, 'issame', count, 'biu')
        if odd or issame is None:
            raise UserError(f'{path}: needs embeddings (2 x pairs, size) and issame (pairs,); see docs/evaluation.md')
        folds = check_rows(path, arrays, 'folds', count, 'iu')
        groups = check_rows(path, arrays, 'groups', count, 'U')
        names = check_rows(path, arrays, 'names', 2 * count, 'U')
        self._names = None if names is None else names.tolist()
        folds = group_folds(groups, count, self.num_folds) if folds is None else folds
        scored = compare_pairs(arrays['embeddings'], np.arange(2 * count).reshape(-1, 2), issame, folds, groups)
        if self.exclude is None:
            return scored
        excluded = read_excluded(self.exclude)
        ids = np.arange(2 * count).astype(np.str_) if names is None else names
        kept = np.asarray(~np.isin(ids, sorted(excluded)).reshape(-1, 2).any(1))
        warn(f'{self.exclude}: {count - kept.sum()} of {count} pairs are left out')
        return scored.select(kept)

    def evaluate_file(self, path: str | Path, subset: bool = False) -> dict[str, float]:
        """Judge stored embeddings; no image is needed.

        Args:
            path: npz, see :mod:`faceresearch.evaluation.embeddings`.
            subset: makes no difference: the pairs are those in the file.

        Raises:
            UserError: the file cannot be used.
        """
        return {f'{self.prefix}/{key}': value for key, value in self.judge(self.read_file(path)).items()}

    def judge(self, pairs: PairScores) -> dict[str, float]:
        """Return the figures of compared pairs, and draw the plots asked for."""
        if pairs.groups is None:
            figures = self._judge_group(pairs)
            parts = {str(self.prefix): pairs}
        else:
            names = [str(name) for name in np.unique(pairs.groups)]
            parts = {name: pairs.select(np.asarray(pairs.groups == name)) for name in names}
            judged = {name: self._judge_group(part) for name, part in parts.items()}
            accuracies = np.array([of_group['accuracy'] for of_group in judged.values()])
            errors = 1 - accuracies
            # The mean comes first: it says which model of a training is the best.
            figures = {'accuracy': float(accuracies.mean()), 'accuracy_std': float(accuracies.std())}
            figures['error_ratio'] = float(errors.max() / errors.min()) if errors.min() > 0 else float('nan')
            for name, of_group in judged.items():
                figures.update({f'{name}/{key}': value for key, value in of_group.items()})
        if self.plots_dir is not None:
            both = {name: part for name, part in parts.items() if part.issame.any() and not part.issame.all()}
            if both:
                curves = {name: split_scores(part.scores, part.issame) for name, part in both.items()}
                pictures = draw_report(curves, self.plots_dir, str(self.prefix))
                self.illustrations = Illustrations(pictures, *self._failures(pairs))
        return figures

    def _failures(self, pairs: PairScores) -> tuple[list[Failure], str]:
        assert pairs.units is not None
        return pair_failures(pairs.scores, pairs.issame, pairs.units, self._names, correct_pairs(pairs))

    def _judge_group(self, pairs: PairScores) -> dict[str, float]:
        distances, folds = _distances_and_folds(pairs)
        accuracies, _ = fold_accuracies(distances, pairs.issame, folds)
        figures: dict[str, float] = {'accuracy': float(accuracies.mean()), 'accuracy_std': float(accuracies.std())}
        if pairs.issame.all() or not pairs.issame.any():
            warn(f'{self.prefix}: all pairs are of one kind; AUC and TAR are not defined (nan)')
            return {**figures, 'auc': float('nan'), **{f'tar@far={rate_text(far)}': float('nan') for far in self.fars}}
        scores = split_scores(pairs.scores, pairs.issame)
        figures['auc'] = roc_curve(scores).auc
        draws = None if self.depth == 'quick' else pair_bootstrap(scores, self.fars)
        for number, point in enumerate(operating_points(scores, self.fars, 'at_most')):
            add_point(figures, point.asked, point.tar, point.impostors, None if draws is None else draws[:, number])
        return figures


def add_point(figures: dict[str, float], far: float, tar: float, impostors: int, draws: np.ndarray | None) -> None:
    """Add TAR at a FAR to the figures, with its interval and the impostor pairs it rests on where draws are given."""
    key = f'far={rate_text(far)}'
    figures[f'tar@{key}'] = tar
    if draws is not None:
        interval = interval_of(draws)
        figures[f'tar@{key}_low'], figures[f'tar@{key}_high'] = interval.low, interval.high
        figures[f'impostors@{key}'] = impostors


def group_folds(groups: np.ndarray | None, count: int, folds: int) -> np.ndarray:
    """Return consecutive folds, within each group by itself."""
    if groups is None:
        return contiguous_folds(count, folds)
    number = np.empty(count, np.int64)
    for name in np.unique(groups):
        number[groups == name] = contiguous_folds(int((groups == name).sum()), folds)
    return number


def check_depth(depth: Any) -> Depth:
    """Return a depth.

    Raises:
        UserError: there is no such depth.
    """
    if depth not in DEPTHS:
        raise UserError(f"depth={depth!r} is unknown; use 'quick', 'base' or 'full'")
    return depth
