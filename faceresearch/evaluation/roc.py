"""Receiver operating characteristic of a comparison: TAR over FAR, thresholds, and how sure they are.

TAR (true accept rate, TPR) is the share of genuine pairs accepted, FAR (false accept rate, FPR, FMR) that of impostor
pairs. A pair is accepted from a threshold on: higher scores mean more alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from faceresearch.errors import UserError

#: How TAR is read at a FAR that no threshold has exactly: at the nearest FAR that the curve has (the IJB evaluators of
#: the field; may be above the one asked for), or at the highest FAR that does not exceed it.
Reading = Literal['nearest', 'at_most']
#: Guards floor(FAR · impostors) against 1e-3 · 3000 = 2.9999…
_EPSILON = 1e-9


@dataclass(frozen=True)
class ScoreDistributions:
    """Scores of genuine and of impostor pairs, each in rising order.

    Attributes:
        genuine: (G,) float.
        impostor: (I,) float.
    """

    genuine: np.ndarray
    impostor: np.ndarray


@dataclass(frozen=True)
class RocCurve:
    """TAR over FAR, both rising.

    Attributes:
        far: (T,) share of impostor pairs accepted.
        tar: (T,) share of genuine pairs accepted.
        thresholds: (T,) lowest score accepted; the first is infinite.
        genuine: number of genuine pairs.
        impostors: number of impostor pairs.
    """

    far: np.ndarray
    tar: np.ndarray
    thresholds: np.ndarray
    genuine: int
    impostors: int

    @property
    def auc(self) -> float:
        """Area under the curve, by trapezia."""
        return float(np.sum(np.diff(self.far) * (self.tar[1:] + self.tar[:-1])) / 2)


@dataclass(frozen=True)
class OperatingPoint:
    """What is accepted at a threshold.

    Attributes:
        asked: the FAR asked for.
        far: the FAR it has.
        tar: share of genuine pairs accepted.
        impostors: impostor pairs accepted: what the figure rests on.
        threshold: lowest score accepted.
    """

    asked: float
    far: float
    tar: float
    impostors: int
    threshold: float


def split_scores(scores: np.ndarray, issame: np.ndarray) -> ScoreDistributions:
    """Sort scores (P,) by kind.

    Raises:
        UserError: a score is not finite, or a kind is missing.
    """
    same = np.asarray(issame, bool)
    genuine, impostor = scores[same], scores[~same]
    genuine.sort()
    impostor.sort()
    for name, values in (('genuine', genuine), ('impostor', impostor)):
        if not len(values):
            raise UserError(f'{len(scores)} pairs and none is {name}: TAR at a FAR needs both kinds')
        if not (np.isfinite(values[0]) and np.isfinite(values[-1])):  # NaN is sorted to the end
            raise UserError(f'{name} scores are not all finite; check the embeddings')
    return ScoreDistributions(genuine, impostor)


def roc_curve(distributions: ScoreDistributions, drop_intermediate: bool = True) -> RocCurve:
    """Return the curve over all distinct scores, point for point as scikit-learn's ``roc_curve`` defines it.

    Args:
        distributions: from :func:`split_scores`.
        drop_intermediate: leave out points on the straight line between their neighbours. It matters: protocols that
            read TAR at the nearest FAR look among the points that are left.
    """
    values = _corners(distributions) if drop_intermediate else _distinct_scores(distributions)
    impostors, genuine = len(distributions.impostor), len(distributions.genuine)
    return RocCurve(
        far=np.concatenate([[0.0], _accepted(distributions.impostor, values) / impostors]),
        tar=np.concatenate([[0.0], _accepted(distributions.genuine, values) / genuine]),
        thresholds=np.concatenate([[np.inf], values]),
        genuine=genuine,
        impostors=impostors,
    )


def _accepted(ordered: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return how many of some rising scores are accepted at each threshold."""
    return len(ordered) - np.searchsorted(ordered, thresholds)


def _distinct_scores(distributions: ScoreDistributions) -> np.ndarray:
    """Return the distinct scores, falling."""
    return np.union1d(distributions.genuine, distributions.impostor)[::-1]


def _corners(distributions: ScoreDistributions) -> np.ndarray:
    """Return the scores, falling, at which the curve changes its direction, and the highest and the lowest.

    Between genuine scores the curve goes through impostors one by one, along a straight line. So only genuine scores,
    impostor scores that occur several times, and the neighbours of either can be corners: a few of many million.
    """
    genuine, impostor = distributions.genuine, distributions.impostor
    special = np.union1d(genuine, impostor[1:][impostor[1:] == impostor[:-1]])
    ends = [min(genuine[0], impostor[0]), max(genuine[-1], impostor[-1])]
    higher = np.minimum(_next_above(genuine, special), _next_above(impostor, special))
    values = np.unique(np.concatenate([special, higher[higher < np.inf], ends]))[::-1]
    lower = np.maximum(_next_below(genuine, values), _next_below(impostor, values))
    here = np.stack([_occurrences(scores, values) for scores in (impostor, genuine)])
    after = np.stack([_occurrences(scores, lower) for scores in (impostor, genuine)])
    kept = (here != after).any(0)
    # The first point and the last one always stay.
    kept[[0, -1]] = True
    return values[kept]


def _occurrences(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.searchsorted(ordered, values, side='right') - np.searchsorted(ordered, values)


def _next_above(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    place = np.searchsorted(ordered, values, side='right')
    return np.where(place < len(ordered), ordered[np.minimum(place, len(ordered) - 1)], np.inf)


def _next_below(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    place = np.searchsorted(ordered, values)
    return np.where(place > 0, ordered[np.maximum(place - 1, 0)], -np.inf)


def nearest_point(curve: RocCurve, far: float) -> OperatingPoint:
    """Return the curve's point whose FAR is nearest; of several as near, the last one.

    This is the rule of the field's IJB evaluators (insightface eval_ijbc.py). The FAR it finds may be above the one
    asked for.
    """
    distance = np.abs(curve.far - far)
    index = len(distance) - 1 - int(np.argmin(distance[::-1]))
    accepted = round(float(curve.far[index]) * curve.impostors)
    return OperatingPoint(
        far, float(curve.far[index]), float(curve.tar[index]), accepted, float(curve.thresholds[index])
    )


def point_at_most(distributions: ScoreDistributions, far: float) -> OperatingPoint:
    """Return the operating point with the highest FAR that is not above ``far``.

    Its threshold lies half-way between the lowest score that must be accepted for this FAR and the next impostor's, so
    that it does not hang on one pair. If not even one impostor pair may be accepted it lies just above the highest.
    """
    impostor, genuine = distributions.impostor, distributions.genuine
    allowed = min(math.floor(far * len(impostor) + _EPSILON), len(impostor))
    if allowed == len(impostor):
        return OperatingPoint(far, 1.0, 1.0, allowed, float(min(impostor[0], genuine[0])))
    rejected = impostor[-1 - allowed]
    above = len(impostor) - int(np.searchsorted(impostor, rejected, side='right'))  # fewer than allowed with ties
    first = int(np.searchsorted(genuine, rejected, side='right'))
    following = [
        scores[place] for scores, place in ((impostor, len(impostor) - above), (genuine, first)) if place < len(scores)
    ]
    lowest = float(min(following)) if following else math.inf
    threshold = (float(rejected) + lowest) / 2 if lowest < math.inf else float(np.nextafter(rejected, np.inf))
    if not rejected < threshold:
        threshold = float(np.nextafter(rejected, np.inf))
    tar = (len(genuine) - first) / len(genuine)
    return OperatingPoint(far, above / len(impostor), tar, above, threshold)


def operating_points(
    distributions: ScoreDistributions, fars: Sequence[float], reading: Reading, curve: RocCurve | None = None
) -> list[OperatingPoint]:
    """Return the operating point at each FAR.

    Args:
        distributions: from :func:`split_scores`.
        fars: each between 0 and 1.
        reading: see :data:`Reading`.
        curve: of :func:`roc_curve`, if it is there already.
    """
    if reading == 'at_most':
        return [point_at_most(distributions, far) for far in fars]
    curve = roc_curve(distributions) if curve is None else curve
    return [nearest_point(curve, far) for far in fars]


def check_rates(name: str, rates: Sequence[float]) -> tuple[float, ...]:
    """Return error rates as a tuple.

    Raises:
        UserError: one is not above 0 and below or at 1.
    """
    for rate in rates:
        if not 0 < float(rate) <= 1:
            raise UserError(f'{name}={list(rates)}: rates are above 0 and at most 1')
    return tuple(float(rate) for rate in rates)


def rate_text(rate: float) -> str:
    """Return a rate as metric keys have it: ``1e-3``, ``2.5e-4``."""
    mantissa, _, exponent = f'{rate:e}'.partition('e')
    return f'{mantissa.rstrip("0").rstrip(".")}e{int(exponent)}'
