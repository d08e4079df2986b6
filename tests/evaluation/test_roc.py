"""ROC, operating points, bootstrap and calibration against closed forms and second computations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from faceresearch.errors import UserError
from faceresearch.evaluation.bootstrap import pair_bootstrap, resample_tar
from faceresearch.evaluation.calibration import calibrate
from faceresearch.evaluation.comparison import compare_models, mcnemar_exact
from faceresearch.evaluation.roc import nearest_point, point_at_most, rate_text, roc_curve, split_scores
from faceresearch.evaluation.verification import PairScores


def sklearn_curve(scores, issame):
    """scikit-learn's definition, step by step over the sorted scores."""
    points = []
    for value in sorted(set(scores.tolist()), reverse=True):
        accepted = scores >= value
        points.append((int((accepted & ~issame).sum()), int((accepted & issame).sum()), value))
    kept = [
        p
        for i, p in enumerate(points)
        if i in (0, len(points) - 1)
        or (points[i + 1][0] - 2 * p[0] + points[i - 1][0], points[i + 1][1] - 2 * p[1] + points[i - 1][1]) != (0, 0)
    ]
    return [(0, 0, math.inf), *kept]


def random_pairs(seed, count=400, values=60):
    rng = np.random.default_rng(seed)
    issame = rng.random(count) < 0.3
    # Few distinct values: ties within and between the two kinds.
    scores = np.round(rng.normal(issame * 1.5, 1) * values / 6) / values
    return scores, issame


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('values', [20, 400, 10**9])
def test_the_curve_is_scikit_learns_point_for_point(seed, values):
    scores, issame = random_pairs(seed, values=values)
    curve = roc_curve(split_scores(scores, issame))
    expected = sklearn_curve(scores, issame)
    assert np.round(curve.far * curve.impostors).astype(int).tolist() == [p[0] for p in expected]
    assert np.round(curve.tar * curve.genuine).astype(int).tolist() == [p[1] for p in expected]
    assert curve.thresholds.tolist() == [p[2] for p in expected]


def test_scikit_learn_itself_agrees():
    metrics = pytest.importorskip('sklearn.metrics')
    scores, issame = random_pairs(7)
    far, tar, _ = metrics.roc_curve(issame, scores)
    curve = roc_curve(split_scores(scores, issame))
    assert np.array_equal(curve.far, far)
    assert np.array_equal(curve.tar, tar)


def test_auc_is_the_share_of_genuine_above_impostor_scores():
    scores, issame = random_pairs(3)
    difference = scores[issame][:, None] - scores[~issame][None]
    expected = ((difference > 0) + (difference == 0) / 2).mean()
    assert roc_curve(split_scores(scores, issame)).auc == pytest.approx(expected, abs=1e-12)
    assert roc_curve(split_scores(scores, issame), drop_intermediate=False).auc == pytest.approx(expected, abs=1e-12)


def test_nearest_far_takes_the_last_of_equally_near_points():
    # Impostors 4 and 2, genuine 5, 3 and 1: FAR 0, 0.5 and 1; 0.25 is as near to 0 as to 0.5.
    scores, issame = np.array([5.0, 4, 3, 2, 1]), np.array([True, False, True, False, True])
    point = nearest_point(roc_curve(split_scores(scores, issame)), 0.25)
    assert (point.far, point.tar, point.impostors) == (0.5, pytest.approx(2 / 3), 1)


def test_threshold_accepts_exactly_the_impostors_that_far_allows():
    impostor = np.arange(1000) / 1000
    scores = np.concatenate([impostor, [0.5, 0.9885, 0.9995]])
    issame = np.arange(1003) >= 1000
    point = point_at_most(split_scores(scores, issame), 1e-2)
    assert (point.impostors, point.far, point.tar) == (10, 0.01, pytest.approx(1 / 3))
    assert 0.989 < point.threshold < 0.990
    assert (impostor >= point.threshold).sum() == 10
    lowest = point_at_most(split_scores(scores, issame), 1e-4)
    assert (lowest.impostors, lowest.tar) == (0, pytest.approx(1 / 3))
    assert 0.999 < lowest.threshold < 0.9995


def test_tied_impostors_are_rejected_together():
    scores = np.array([0.9, 0.8, 0.8, 0.8, 0.1, 0.85, 0.75])
    issame = np.array([False] * 5 + [True] * 2)
    point = point_at_most(split_scores(scores, issame), 0.4)  # two of five allowed; the second ties with two more
    assert (point.impostors, point.tar) == (1, 0.5)
    assert 0.8 < point.threshold <= 0.85


@pytest.mark.parametrize(('rate', 'text'), [(1e-6, '1e-6'), (0.001, '1e-3'), (2.5e-4, '2.5e-4'), (0.1, '1e-1')])
def test_rates_in_keys(rate, text):
    assert rate_text(rate) == text


@pytest.mark.parametrize('scores', [[1.0, np.nan], [np.inf, 0.0]])
def test_scores_that_are_not_finite_are_refused(scores):
    with pytest.raises(UserError, match='finite'):
        split_scores(np.array(scores), np.array([True, False]))


def test_one_kind_of_pairs_is_refused():
    with pytest.raises(UserError, match='none is impostor'):
        split_scores(np.array([1.0]), np.array([True]))


def test_pair_bootstrap_is_that_of_drawing_pairs():
    """Its quantiles are those of drawing pairs one by one, and its spread is the binomial's where FAR is 1."""
    rng = np.random.default_rng(1)
    genuine, impostor = rng.normal(2, 1, 300), rng.normal(0, 1, 2000)
    scores, issame = np.concatenate([genuine, impostor]), np.arange(2300) < 300
    quick = pair_bootstrap(split_scores(scores, issame), [1e-2], samples=20000)[:, 0]
    drawn = []
    for _ in range(3000):
        g, i = rng.choice(genuine, 300), np.sort(rng.choice(impostor, 2000))
        drawn.append((g > i[-21]).mean())
    assert quick.mean() == pytest.approx(np.mean(drawn), abs=0.003)
    assert quick.std() == pytest.approx(np.std(drawn), rel=0.06)
    slow = resample_tar([scores], issame, None, [1e-2], samples=1500)[0, :, 0]
    assert slow.mean() == pytest.approx(np.mean(drawn), abs=0.004)
    assert slow.std() == pytest.approx(np.std(drawn), rel=0.08)


def test_template_bootstrap_with_given_weights_is_the_weighted_rate():
    """Each draw equals TAR over pairs that are repeated as often as their templates were drawn."""
    rng = np.random.default_rng(2)
    units = rng.integers(12, size=(200, 2))
    issame = rng.random(200) < 0.4
    scores = rng.normal(issame * 1.0, 1)
    found = resample_tar([scores], issame, units, [0.1, 0.3], samples=5, seed=9)[0]
    again = np.random.default_rng(9)
    for draw in range(5):
        weight = np.bincount(again.integers(12, size=12), minlength=12)
        times = weight[units[:, 0]] * weight[units[:, 1]]
        genuine, impostor = np.repeat(scores[issame], times[issame]), np.repeat(scores[~issame], times[~issame])
        for column, far in enumerate((0.1, 0.3)):
            rejected = np.sort(impostor)[-1 - math.floor(far * len(impostor) + 1e-9)]
            assert found[draw, column] == pytest.approx((genuine > rejected).mean(), abs=1e-12)


def test_mcnemar_is_the_exact_binomial_test():
    right_a = np.array([True] * 9 + [False] * 1 + [True] * 20)
    right_b = np.array([False] * 9 + [True] * 1 + [True] * 20)
    only_a, only_b, p = mcnemar_exact(right_a, right_b)
    # Two-sided, 10 tosses of a coin, 9 or more of a kind: 2 · (10 + 1) / 1024.
    assert (only_a, only_b, p) == (9, 1, pytest.approx(22 / 1024))
    assert mcnemar_exact(right_a, right_a)[2] == 1.0


def two_models(noise):
    rng = np.random.default_rng(4)
    issame = np.tile([True, False], 1000)
    base = rng.normal(issame * 0.3, 0.1)
    folds = np.repeat(np.arange(10), 200)
    return PairScores(base, issame, folds), PairScores(base + rng.normal(0, noise, 2000), issame, folds)


def test_the_better_model_is_found_and_a_tie_is_called_chance():
    a, b = two_models(0.2)
    outcome = compare_models(a, b, [1e-2])
    assert outcome['accuracy']['better'] == outcome['tar']['1e-2']['better'] == 'a'
    assert outcome['tar']['1e-2']['interval'][0] > 0
    swapped = compare_models(b, a, [1e-2])
    assert swapped['tar']['1e-2']['better'] == 'b'
    assert swapped['accuracy']['p_value'] == outcome['accuracy']['p_value']
    same = compare_models(a, a, [1e-2])
    assert same['accuracy']['better'] is same['tar']['1e-2']['better'] is None
    assert same['tar']['1e-2']['p_value'] == 1.0


def test_models_on_different_pairs_are_not_compared():
    a, b = two_models(0.1)
    with pytest.raises(UserError, match='same pairs'):
        compare_models(a, b.select(np.arange(2000) < 1998))
    with pytest.raises(UserError, match='same pairs'):
        compare_models(a, PairScores(b.scores, ~b.issame, b.folds))


def test_all_measures_of_a_threshold_agree():
    a, _ = two_models(0.1)
    outcome = calibrate(a, [1e-1, 1e-3])
    assert outcome['genuine_pairs'] == outcome['impostor_pairs'] == 1000
    for far, impostors in (('1e-1', 100), ('1e-3', 1)):
        entry = outcome['thresholds'][far]
        assert entry['l2'] ** 2 == pytest.approx(2 - 2 * entry['cosine'], abs=1e-12)
        assert math.cos(math.radians(entry['angle'])) == pytest.approx(entry['cosine'], abs=1e-12)
        assert (a.scores[~a.issame] >= entry['cosine']).sum() == entry['impostors'] == impostors
        low, high = entry['cosine_interval']
        assert low <= entry['cosine'] <= high or far == '1e-3'
    assert outcome['thresholds']['1e-1']['reliable']
    assert not outcome['thresholds']['1e-3']['reliable']


def test_one_threshold_is_judged_in_each_group():
    issame = np.tile([True, False], 20)
    scores = np.where(issame, 0.9, np.arange(40) / 100)
    groups = np.repeat(['x', 'y'], 20)
    entry = calibrate(PairScores(scores, issame, groups=groups), [0.25])['thresholds']['2.5e-1']
    # The five highest impostors are all in the second group.
    assert entry['groups'] == {'x': {'far': 0.0, 'tar': 1.0}, 'y': {'far': 0.5, 'tar': 1.0}}
