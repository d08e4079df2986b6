"""Error rates of presentation attack detection: closed forms, and the rank statistic of scipy as a second computation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement
from scipy.stats import mannwhitneyu

from faceresearch.errors import UserError
from faceresearch.evaluation.spoof import SpoofMetric, equal_error_rate, hter, riapar, spoof_rates
from faceresearch.structures import FaceDataSample


def test_rates_by_hand() -> None:
    accepted = np.array([True, True, True, False] + [True, False, False, False] + [False, False])
    real = np.array([True] * 4 + [False] * 6)
    attacks = np.array(['live'] * 4 + ['print'] * 4 + ['replay'] * 2)
    rates = spoof_rates(accepted, real, attacks)
    assert rates['bpcer'] == 0.25
    assert rates['apcer/print'] == 0.25 and rates['apcer/replay'] == 0
    assert rates['apcer'] == 0.25, 'the worst kind of attack'
    assert rates['apcer_pooled'] == pytest.approx(1 / 6)
    assert rates['acer'] == 0.25
    assert rates['riapar'] == 0.5


def test_riapar_is_one_for_a_system_that_tells_nothing() -> None:
    assert riapar(0.0, 0.0) == 0
    assert riapar(1.0, 0.0) == 1  # accepts everybody
    assert riapar(0.0, 1.0) == 1  # rejects everybody


def test_perfect_and_meaningless_scores() -> None:
    real = np.array([True] * 50 + [False] * 50)
    assert equal_error_rate(np.where(real, 0.9, 0.1), real).rate == 0
    scores = np.tile(np.arange(50.0), 2)
    assert equal_error_rate(scores, real).rate == pytest.approx(0.5, abs=0.02)


def test_equal_error_rate_and_hter_by_hand() -> None:
    real = np.array([True, True, True, True, False, False, False, False])
    scores = np.array([0.9, 0.8, 0.7, 0.3, 0.6, 0.2, 0.1, 0.05])
    found = equal_error_rate(scores, real)
    # At 0.6 one attack of four is accepted and one real face of four rejected.
    assert found.rate == 0.25 and found.threshold == 0.6
    assert hter(scores, real, 0.65) == 0.125


def test_auc_is_the_rank_statistic() -> None:
    rng = np.random.default_rng(0)
    real = rng.random(400) < 0.4
    scores = (rng.normal(size=400) + real).clip(-1, 2)  # with ties
    metric = SpoofMetric('binary/spoof', threshold=0.5)
    metric.process(None, [_sample(f'{i}', s, r) for i, (s, r) in enumerate(zip(scores, real))])
    figures = metric.compute_metrics(metric.results)
    # The probability that a real face scores higher than an attack, ties counted half.
    pairs = int(real.sum()) * int((~real).sum())
    expected = mannwhitneyu(scores[real], scores[~real]).statistic / pairs
    assert figures['auc'] == pytest.approx(expected, abs=1e-9)


def test_threshold_comes_from_the_development_split() -> None:
    metric = SpoofMetric('binary/spoof', threshold='dev_eer')
    dev = [_sample(f'd{i}', s, s > 0.75, split='dev') for i, s in enumerate((0.7, 0.72, 0.8, 0.9))]
    test = [_sample(f't{i}', s, r, split='test') for i, (s, r) in enumerate(((0.79, True), (0.85, True), (0.6, False)))]
    metric.process(None, dev + test)
    figures = metric.compute_metrics(metric.results)
    assert figures['threshold'] == pytest.approx(0.8)
    assert (figures['bpcer'], figures['apcer'], figures['hter']) == (0.5, 0, 0.25)
    assert figures['eer'] == 0, 'on the test faces alone'
    metric = SpoofMetric('binary/spoof', threshold='dev_eer')
    metric.process(None, test)
    with pytest.raises(UserError, match='split dev'):
        metric.compute_metrics(metric.results)


def test_frames_of_a_video_are_averaged() -> None:
    metric = SpoofMetric('binary/spoof', threshold=0.5, by_video=True)
    samples = [_sample(f'a{i}', s, True, video='a') for i, s in enumerate((0.4, 0.9))]
    samples += [_sample(f'b{i}', s, False, video='b') for i, s in enumerate((0.6, 0.1, 0.2))]
    metric.process(None, samples)
    figures = metric.compute_metrics(metric.results)
    assert (figures['bpcer'], figures['apcer'], figures['auc']) == (0, 0, 1)


def _sample(name: str, score: float, real: bool, **meta: Any) -> FaceDataSample:
    sample = FaceDataSample(metainfo={'img_id': name, 'attack': 'live' if real else 'print', **meta})
    sample.gt_attributes = BaseDataElement(spoof=torch.tensor(int(real)))
    sample.pred_attributes = BaseDataElement(spoof_scores=torch.tensor([1 - score, score], dtype=torch.float64))
    return sample
