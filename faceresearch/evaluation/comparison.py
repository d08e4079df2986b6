"""Which of two models is better, judged on the same pairs: a difference, and whether chance explains it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import binomtest

from faceresearch.errors import UserError
from faceresearch.evaluation.bootstrap import interval_of, resample_tar
from faceresearch.evaluation.roc import operating_points, rate_text, split_scores
from faceresearch.evaluation.verification import PairScores, correct_pairs

#: Differences that chance produces more often than this are not taken for real.
LEVEL = 0.05


def mcnemar_exact(right_a: np.ndarray, right_b: np.ndarray) -> tuple[int, int, float]:
    """Return how many pairs only A and only B judges rightly, and McNemar's exact two-sided p-value.

    Were both equally good, either would be right alone equally often (McNemar, Psychometrika 12, 1947; the exact form
    is the binomial test of the two counts).

    Args:
        right_a: (P,) bool.
        right_b: (P,) bool.
    """
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    p = binomtest(only_a, only_a + only_b, 0.5).pvalue if only_a + only_b else 1.0
    return only_a, only_b, float(p)


def compare_models(
    a: PairScores, b: PairScores, fars: Sequence[float] = (1e-3,), samples: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Compare two models' scores of the same pairs.

    Accuracy (over folds) is compared by McNemar's exact test, where the pairs come in folds. TAR at each FAR is
    compared by drawing again, for both models the same: templates where pairs are made of shared ones (IJB), pairs
    otherwise. ``better`` is ``a``, ``b`` or None, where the difference may be chance (p ≥ 0.05).

    Returns:
        ``pairs``; ``accuracy`` with ``a``, ``b``, ``difference`` (A − B), ``only_a_right``, ``only_b_right``,
        ``p_value``, ``better``; ``tar`` by FAR with ``a``, ``b``, ``difference``, ``interval`` (95 %), ``p_value``,
        ``impostors``, ``better``.

    Raises:
        UserError: the two do not have the same pairs.
    """
    if len(a.issame) != len(b.issame) or not np.array_equal(a.issame, b.issame) or not _equal(a.groups, b.groups):
        raise UserError(
            f'the two files do not hold the same pairs ({len(a.issame)} and {len(b.issame)}): judge both models on one'
            ' test set, with the same exclusions'
        )
    outcome: dict[str, Any] = {'pairs': len(a.issame)}
    if a.folds is not None:
        right_a, right_b = correct_pairs(a), correct_pairs(b)
        only_a, only_b, p = mcnemar_exact(right_a, right_b)
        difference = float(right_a.mean() - right_b.mean())
        outcome['accuracy'] = {
            'a': float(right_a.mean()),
            'b': float(right_b.mean()),
            'difference': difference,
            'only_a_right': only_a,
            'only_b_right': only_b,
            'p_value': p,
            'better': _better(difference, p),
        }
    units = a.units if a.folds is None else None
    draws = resample_tar([a.scores, b.scores], a.issame, units, fars, samples, seed)
    points = [operating_points(split_scores(x.scores, x.issame), fars, 'at_most') for x in (a, b)]
    outcome['tar'] = {
        rate_text(far): _compared(points[0][number].tar, points[1][number].tar, draws[:, :, number])
        | {'impostors': points[0][number].impostors}
        for number, far in enumerate(fars)
    }
    return outcome


def _compared(tar_a: float, tar_b: float, draws: np.ndarray) -> dict[str, Any]:
    drawn = draws[0] - draws[1]
    drawn = drawn[np.isfinite(drawn)]
    interval = interval_of(drawn)
    # Two-sided, by how often a draw falls on the other side of no difference; a tie counts half on either side, and
    # one is added, since no finite number of draws shows a p-value of zero.
    below = (drawn < 0).sum() + (drawn == 0).sum() / 2
    p = min(1.0, 2 * (min(below, len(drawn) - below) + 1) / (len(drawn) + 1))
    return {
        'a': tar_a,
        'b': tar_b,
        'difference': tar_a - tar_b,
        'interval': [interval.low, interval.high],
        'p_value': float(p),
        'better': _better(tar_a - tar_b, float(p)),
    }


def _better(difference: float, p: float) -> str | None:
    return None if p >= LEVEL or difference == 0 else 'a' if difference > 0 else 'b'


def _equal(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b))
