"""How far TAR at a FAR would move with another draw of pairs, or of people.

Pairs that share a template are not independent, and at low FAR the threshold rests on few impostors: both make figures
of large sets less certain than the number of pairs suggests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceresearch.evaluation.roc import ScoreDistributions

#: Of the impostor scores only those up to this many times the highest FAR are looked at in each draw.
_TAIL = 3.0


@dataclass(frozen=True)
class Interval:
    """A percentile interval."""

    low: float
    high: float


def interval_of(draws: np.ndarray, level: float = 0.95) -> Interval:
    """Return the percentile interval of draws (B,)."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def pair_bootstrap(
    distributions: ScoreDistributions, fars: Sequence[float], samples: int = 2000, seed: int = 0
) -> np.ndarray:
    """Draw TAR (samples, FARs) as if pairs were drawn again, genuine and impostor pairs apart.

    No pair is in fact drawn. The threshold of a draw is an order statistic, whose rank has a beta distribution; given
    the threshold, the number of genuine pairs above it is binomial. The distribution is that of drawing n of n pairs
    with replacement, and millions of pairs cost what thousands do.

    Args:
        distributions: scores by kind.
        fars: each between 0 and 1.
        samples: draws.
        seed: of the random numbers.
    """
    rng = np.random.default_rng(seed)
    impostor, genuine = distributions.impostor, distributions.genuine
    count = len(impostor)
    drawn = np.empty((samples, len(fars)))
    for column, far in enumerate(fars):
        allowed = min(math.floor(far * count + 1e-9), count - 1)
        # Rank, from above, of the highest score rejected: the (allowed + 1)-th of `count` uniform draws of ranks.
        rank = np.minimum((rng.beta(allowed + 1, count - allowed, samples) * count).astype(np.int64), count - 1)
        above = len(genuine) - np.searchsorted(genuine, impostor[count - 1 - rank], side='right')
        drawn[:, column] = rng.binomial(len(genuine), above / len(genuine)) / len(genuine)
    return drawn


def resample_tar(
    scores: Sequence[np.ndarray],
    issame: np.ndarray,
    units: np.ndarray | None,
    fars: Sequence[float],
    samples: int = 200,
    seed: int = 0,
) -> np.ndarray:
    """Draw TAR (models, samples, FARs) of one or more models on the same pairs, with the same draws for each.

    With ``units``, templates (or images, or people) are drawn with replacement, and a pair counts as often as the
    product of its two members' numbers: dependent pairs come and go together. Without, pairs are drawn, genuine and
    impostor ones apart. TAR is read at the highest FAR that does not exceed the one asked for.

    Args:
        scores: (P,) for each model.
        issame: (P,) bool.
        units: (P, 2) integers from 0 on, the two members of each pair; None: pairs are drawn.
        fars: each between 0 and 1.
        samples: draws.
        seed: of the random numbers.
    """
    same = np.asarray(issame, bool)
    genuine, impostor = np.flatnonzero(same), np.flatnonzero(~same)
    tail = min(len(impostor), math.ceil(_TAIL * max(fars) * len(impostor)) + 20)
    models = [_Ordered.of(s, genuine, impostor, tail) for s in scores]
    drawn = np.empty((len(models), samples, len(fars)))
    rng = np.random.default_rng(seed)
    if units is None:
        for number in range(samples):
            weights = np.zeros(len(same), np.float64)
            for kind in (genuine, impostor):
                weights[kind] = np.bincount(rng.integers(len(kind), size=len(kind)), minlength=len(kind))
            for model, order in enumerate(models):
                found = order.tar(weights[order.genuine], weights[order.impostor], float(len(impostor)), fars)
                drawn[model, number] = found
        return drawn
    count = int(units.max()) + 1
    weights = np.stack([np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(samples)], 1)
    totals = _impostor_weight(units, impostor, weights)
    for model, order in enumerate(models):
        (a, b), (c, d) = units[order.genuine].T, units[order.impostor].T
        for number in range(samples):
            w = weights[:, number].astype(np.float64)
            drawn[model, number] = order.tar(w[a] * w[b], w[c] * w[d], totals[number], fars)
    return drawn


def _impostor_weight(units: np.ndarray, impostor: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return Σ w[a] w[b] over the impostor pairs for each column of weights (units, draws)."""
    from scipy.sparse import csr_matrix

    rows, columns = units[impostor].T
    count = len(weights)
    pairs = csr_matrix((np.ones(len(impostor), np.float32), (rows, columns)), (count, count))
    return np.einsum('ud,ud->d', weights, pairs @ weights.astype(np.float64))


@dataclass(frozen=True)
class _Ordered:
    """Pairs of one model in falling order of score: all genuine ones, and the highest impostors."""

    genuine: np.ndarray
    impostor: np.ndarray
    #: For each of `impostor`, how many of `genuine` have a higher score; last, how many count when all are accepted.
    above: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, genuine: np.ndarray, impostor: np.ndarray, tail: int) -> _Ordered:
        values, all_impostors = scores[impostor], len(impostor)
        if tail < len(values):
            chosen = np.argpartition(values, len(values) - tail)[len(values) - tail :]
            impostor, values = impostor[chosen], values[chosen]
        order = np.argsort(values, kind='stable')[::-1]
        own = scores[genuine]
        rising = np.sort(own)
        above = len(own) - np.searchsorted(rising, values[order], side='right')
        above = np.append(above, len(own) if len(order) == all_impostors else above[-1])
        return cls(genuine[np.argsort(own, kind='stable')[::-1]], impostor[order], above)

    def tar(self, genuine: np.ndarray, impostor: np.ndarray, total: float, fars: Sequence[float]) -> np.ndarray:
        """Return TAR for weights of the pairs in this order and the weight of all impostor pairs."""
        accepted = np.cumsum(impostor)
        share = np.concatenate([[0.0], np.cumsum(genuine)])
        if not share[-1]:
            return np.full(len(fars), np.nan)
        # The first impostor that is too much is the highest score rejected.
        place = np.searchsorted(accepted, np.asarray(fars) * total * (1 + 1e-12), side='right')
        return share[self.above[place]] / share[-1]
