"""Figures of attributes, liveness, verification and parsing against scikit-learn, with ties and classes that do not occur."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement

from faceresearch.evaluation import AttributeMetric, ParsingMetric, SpoofMetric
from faceresearch.evaluation.attributes import class_figures, number_figures
from faceresearch.evaluation.parsing_protocol import confusion_matrix, parsing_scores
from faceresearch.evaluation.roc import point_at_most, roc_curve, split_scores
from faceresearch.evaluation.spoof import equal_error_rate
from faceresearch.structures import FaceDataSample

sk = pytest.importorskip('sklearn.metrics')

SEEDS = range(6)


def labels(seed: int, classes: int = 7, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted classes: one class is never true, another one nowhere at all."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes - 2, count)
    noise = rng.integers(0, classes - 1, count)
    return truth, np.where(rng.random(count) < 0.6, truth, noise)


def scores(seed: int, distinct: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties within and between real faces and attacks."""
    rng = np.random.default_rng(seed)
    real = rng.random(300) < 0.35
    return np.clip(np.round(rng.normal(0.4 + 0.25 * real, 0.2) * distinct) / distinct, 0, 1), real


@pytest.mark.parametrize('seed', SEEDS)
def test_classes(seed: int) -> None:
    truth, predicted = labels(seed)
    found = class_figures(predicted, truth, 7)
    present = np.unique(truth)
    assert found['accuracy'] == pytest.approx(sk.accuracy_score(truth, predicted), abs=1e-12)
    assert found['mean_f1'] == pytest.approx(sk.f1_score(truth, predicted, labels=present, average='macro'), abs=1e-12)
    assert found['majority'] == pytest.approx(np.bincount(truth).max() / len(truth), abs=1e-12)
    with warnings.catch_warnings():
        # It warns of the predicted class that is never true, and passes over it, as ours does.
        warnings.simplefilter('ignore', UserWarning)
        expected = sk.balanced_accuracy_score(truth, predicted)
    assert found['balanced_accuracy'] == pytest.approx(expected, abs=1e-12)
    matrix = confusion_matrix(truth, predicted, 7, ignored=-1)
    assert np.array_equal(matrix, sk.confusion_matrix(truth, predicted, labels=range(7)))


@pytest.mark.parametrize('seed', SEEDS)
def test_a_single_class_and_a_single_face(seed: int) -> None:
    _, predicted = labels(seed)
    truth = np.full(len(predicted), seed % 5)
    found = class_figures(predicted, truth, 7)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)
        expected = sk.balanced_accuracy_score(truth, predicted)
    assert found['balanced_accuracy'] == pytest.approx(expected, abs=1e-12)
    assert class_figures(predicted[:1], truth[:1], 7)['accuracy'] == sk.accuracy_score(truth[:1], predicted[:1])


@pytest.mark.parametrize('seed', SEEDS)
def test_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 90, 150).astype(float)
    predicted = np.round(truth + rng.normal(0, 8, 150))
    found = number_figures(predicted, truth)
    assert found['mae'] == pytest.approx(sk.mean_absolute_error(truth, predicted), abs=1e-12)
    constant = np.full_like(truth, np.median(truth))
    assert found['mae_of_median'] == pytest.approx(sk.mean_absolute_error(truth, constant), abs=1e-12)
    assert found['cs@5'] == pytest.approx(np.mean(np.abs(predicted - truth) <= 5), abs=1e-12)


@pytest.mark.parametrize('seed', SEEDS)
def test_metric_over_batches_with_faces_that_have_no_label(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = labels(seed, classes=9)
    known = rng.random(len(truth)) < 0.8
    metric = AttributeMetric(classes={'age': 'fairface/age'})
    for start in range(0, len(truth), 32):
        rows = range(start, min(start + 32, len(truth)))
        metric.process(
            None, [_face(str(i), {'age': predicted[i]}, {'age': truth[i] if known[i] else -1}) for i in rows]
        )
    found = metric.evaluate(len(truth))
    assert found['age/accuracy'] == pytest.approx(sk.accuracy_score(truth[known], predicted[known]), abs=1e-12)


@pytest.mark.parametrize('seed', SEEDS)
@pytest.mark.parametrize('distinct', [8, 50, 10**6])
def test_liveness_curve(seed: int, distinct: int) -> None:
    score, real = scores(seed, distinct)
    far, tar, thresholds = sk.roc_curve(real, score, drop_intermediate=False)
    # Where the two error rates differ least; of several such thresholds, the one with the lowest mean of both.
    gap, mean = np.abs(far - (1 - tar)), (far + 1 - tar) / 2
    best = min(range(len(far)), key=lambda i: (round(gap[i], 12), mean[i]))
    found = equal_error_rate(score, real)
    assert found.rate == pytest.approx(mean[best], abs=1e-12)
    assert found.threshold == pytest.approx(thresholds[best], abs=1e-12)
    distributions = split_scores(score, real)
    assert roc_curve(distributions).auc == pytest.approx(sk.roc_auc_score(real, score), abs=1e-12)
    for level in (0.0, 0.01, 0.05, 0.2):
        point = point_at_most(distributions, level)
        assert point.tar == pytest.approx(tar[far <= level + 1e-12].max(), abs=1e-12)
        assert point.far <= level + 1e-12


@pytest.mark.parametrize('seed', SEEDS)
def test_liveness_metric(seed: int) -> None:
    score, real = scores(seed, 20)
    kinds = np.random.default_rng(seed).choice(['print', 'replay', 'mask'], len(real))
    metric = SpoofMetric(labels='binary/spoof', threshold=0.55)
    metric.process(
        None,
        [
            _face(str(i), {'spoof_scores': np.array([1 - s, s])}, {'spoof': int(r)}, attack=str(k))
            for i, (s, r, k) in enumerate(zip(score, real, kinds))
        ],
    )
    found = metric.evaluate(len(real))
    accepted = score >= 0.55
    (rejected_attacks, apcer), (bpcer, _) = sk.confusion_matrix(real, accepted, normalize='true')
    assert rejected_attacks == pytest.approx(1 - apcer)
    by_kind = [1 - sk.recall_score(~real[kinds == k], ~accepted[kinds == k]) for k in np.unique(kinds)]
    assert found['spoof/apcer_pooled'] == pytest.approx(apcer, abs=1e-12)
    assert found['spoof/apcer'] == pytest.approx(max(by_kind), abs=1e-12)
    assert found['spoof/bpcer'] == pytest.approx(bpcer, abs=1e-12)
    assert found['spoof/hter'] == pytest.approx(1 - sk.balanced_accuracy_score(real, accepted), abs=1e-12)
    assert found['spoof/auc'] == pytest.approx(sk.roc_auc_score(real, score), abs=1e-12)


@pytest.mark.parametrize('seed', SEEDS)
@pytest.mark.parametrize('distinct', [10, 100, 10**6])
def test_verification_curve(seed: int, distinct: int) -> None:
    score, issame = scores(seed + 100, distinct)
    far, tar, thresholds = sk.roc_curve(issame, score)
    curve = roc_curve(split_scores(score, issame))
    assert np.allclose(curve.far, far, atol=1e-12) and np.allclose(curve.tar, tar, atol=1e-12)
    assert np.array_equal(curve.thresholds[1:], thresholds[1:])
    assert curve.auc == pytest.approx(sk.auc(far, tar), abs=1e-12)


@pytest.mark.parametrize('seed', SEEDS)
def test_masks(seed: int) -> None:
    truth, predicted = (values.reshape(20, 40) for values in labels(seed, classes=11, count=800))
    truth[:2] = 255  # not counted
    counted = truth != 255
    found = parsing_scores(confusion_matrix(truth, predicted, 11))
    flat = truth[counted], predicted[counted]
    shown = np.unique(np.concatenate(flat))
    assert np.isnan(found.iou).sum() == 11 - len(shown) > 0
    assert np.allclose(found.iou[shown], sk.jaccard_score(*flat, labels=shown, average=None), atol=1e-12)
    assert np.allclose(found.f1[shown], sk.f1_score(*flat, labels=shown, average=None), atol=1e-12)
    assert found.miou == pytest.approx(sk.jaccard_score(*flat, labels=shown, average='macro'), abs=1e-12)
    foreground = shown[shown > 0]
    assert found.mean_f1 == pytest.approx(sk.f1_score(*flat, labels=foreground, average='macro'), abs=1e-12)
    assert found.pixel_accuracy == pytest.approx(sk.accuracy_score(*flat), abs=1e-12)


def test_parsing_metric_adds_images_up() -> None:
    truth, predicted = (values.reshape(4, 10, 20) for values in labels(3, classes=6, count=800))
    metric = ParsingMetric()
    metric.dataset_meta = {'classes': [f'class {number}' for number in range(6)]}
    for i in range(4):
        fields = {'gt_sem_seg': {'sem_seg': truth[i][None]}, 'pred_sem_seg': {'sem_seg': predicted[i][None]}}
        metric.process(None, [{'img_id': str(i), **fields}])
    found = metric.evaluate(4)
    flat = truth.ravel(), predicted.ravel()
    shown = np.unique(np.concatenate(flat))
    assert found['parsing/miou'] == pytest.approx(sk.jaccard_score(*flat, labels=shown, average='macro'), abs=1e-12)


def _face(name: str, predicted: dict[str, Any], truth: dict[str, Any], **meta: Any) -> FaceDataSample:
    made = FaceDataSample(metainfo={'img_id': name, **meta})
    made.pred_attributes = BaseDataElement(**{key: torch.as_tensor(value) for key, value in predicted.items()})
    made.gt_attributes = BaseDataElement(**{key: torch.as_tensor(value) for key, value in truth.items()})
    return made
