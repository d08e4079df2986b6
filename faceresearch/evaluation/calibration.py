"""From a false accept rate to a threshold, in every measure that embeddings are compared by.

All measures follow from the cosine s of two embeddings: distance of unit vectors √(2 − 2 s), angle arccos s. Published
tables that state them apart contradict themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from faceresearch.evaluation.bootstrap import interval_of, pair_bootstrap
from faceresearch.evaluation.roc import ScoreDistributions, point_at_most, rate_text, split_scores
from faceresearch.evaluation.verification import PairScores

#: Impostor pairs under which a threshold is a guess.
FEW_IMPOSTORS = 10


def l2_of_cosine(cosine: float) -> float:
    """Return the Euclidean distance of two unit vectors."""
    return math.sqrt(max(0.0, 2 - 2 * cosine))


def angle_of_cosine(cosine: float) -> float:
    """Return the angle in degrees."""
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def threshold_interval(
    distributions: ScoreDistributions, far: float, samples: int = 2000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Return the interval in which the threshold of a FAR lies if impostor pairs are drawn again.

    The threshold is an order statistic; see :func:`~faceresearch.evaluation.bootstrap.pair_bootstrap`.
    """
    impostor = distributions.impostor
    count = len(impostor)
    allowed = min(math.floor(far * count + 1e-9), count - 1)
    share = np.random.default_rng(seed).beta(allowed + 1, count - allowed, samples)
    drawn = impostor[count - 1 - np.minimum((share * count).astype(np.int64), count - 1)]
    interval = interval_of(drawn, level)
    return interval.low, interval.high


def calibrate(pairs: PairScores, fars: Sequence[float]) -> dict[str, Any]:
    """Return the threshold of each FAR as plain values for JSON.

    For each FAR (key as in ``1e-3``): ``cosine`` (accept at or above), ``l2`` (accept at or below), ``angle`` (degrees,
    at or below), ``cosine_interval`` and ``tar_interval`` (95 % bootstrap over pairs), the ``far`` that the threshold
    has on these pairs, ``tar``, and ``impostors``, the pairs it rests on; ``reliable`` is false for fewer than ten. With
    groups, ``groups`` holds FAR and TAR of each at the same threshold.

    Args:
        pairs: compared pairs.
        fars: false accept rates.

    Raises:
        UserError: there are no genuine or no impostor pairs.
    """
    distributions = split_scores(pairs.scores, pairs.issame)
    draws = pair_bootstrap(distributions, fars)
    thresholds: dict[str, Any] = {}
    for number, far in enumerate(fars):
        point = point_at_most(distributions, far)
        tar = interval_of(draws[:, number])
        entry: dict[str, Any] = {
            'cosine': point.threshold,
            'l2': l2_of_cosine(point.threshold),
            'angle': angle_of_cosine(point.threshold),
            'cosine_interval': list(threshold_interval(distributions, far)),
            'far': point.far,
            'tar': point.tar,
            'tar_interval': [tar.low, tar.high],
            'impostors': point.impostors,
            'reliable': point.impostors >= FEW_IMPOSTORS,
        }
        if pairs.groups is not None:
            entry['groups'] = {
                str(name): _rates(pairs.select(pairs.groups == name), point.threshold)
                for name in np.unique(pairs.groups)
            }
        thresholds[rate_text(far)] = entry
    return {
        'genuine_pairs': len(distributions.genuine),
        'impostor_pairs': len(distributions.impostor),
        'thresholds': thresholds,
    }


def _rates(pairs: PairScores, threshold: float) -> dict[str, float | None]:
    accepted = pairs.scores >= threshold
    rates: dict[str, float | None] = {}
    for name, kind in (('far', ~pairs.issame), ('tar', pairs.issame)):
        rates[name] = float(accepted[kind].mean()) if kind.any() else None
    return rates
