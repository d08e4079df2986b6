"""Figures of face parsing against hand-made ones and a second computation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from faceresearch.datasets.parsing_metainfo import CLASSES
from faceresearch.errors import UserError
from faceresearch.evaluation import DumpMasks, FaceMaskMetric, ParsingMetric
from faceresearch.evaluation.parsing_protocol import confusion_matrix, parsing_scores, score_table
from faceresearch.structures import FaceDataSample

NAMES = ('background', 'skin', 'hair', 'hat')


def sample(truth: np.ndarray, predicted: np.ndarray, name: str, **metainfo: Any) -> FaceDataSample:
    masks = {'gt_sem_seg': truth, 'pred_sem_seg': predicted}
    fields = {key: PixelData(sem_seg=torch.from_numpy(mask.astype(np.uint8))[None]) for key, mask in masks.items()}
    return FaceDataSample(metainfo={'img_id': name, **metainfo}, **fields)


def judged(metric: Any, samples: list[FaceDataSample], names: tuple[str, ...] = NAMES) -> dict[str, float]:
    metric.dataset_meta = {'classes': names}
    for one in samples:
        metric.process(None, [one])
    return metric.evaluate(len(samples))


def test_figures_of_a_matrix_by_hand() -> None:
    confusion = np.array([[50, 10, 0, 0], [5, 25, 0, 0], [0, 5, 5, 0], [0, 0, 0, 0]])
    scores = parsing_scores(confusion)
    assert scores.pixel_accuracy == 0.8
    assert scores.mean_accuracy == pytest.approx((50 / 60 + 25 / 30 + 5 / 10) / 3)
    assert scores.iou[:3] == pytest.approx([50 / 65, 25 / 45, 5 / 10])
    assert scores.f1[:3] == pytest.approx([100 / 115, 50 / 70, 10 / 15])
    assert np.isnan(scores.iou[3])
    assert scores.miou == pytest.approx((50 / 65 + 25 / 45 + 0.5) / 3)
    assert scores.mean_f1 == pytest.approx((50 / 70 + 10 / 15) / 2), 'without background'
    assert len(score_table(NAMES, scores).splitlines()) == 5


def test_figures_are_those_of_sets_of_pixels() -> None:
    """IoU and F1 from sets, image after image, not from a matrix; ignored pixels are in none."""
    rng = np.random.default_rng(1)
    samples, sets = [], {name: [0, 0, 0] for name in NAMES}
    for number in range(6):
        shape = (int(rng.integers(5, 30)), int(rng.integers(5, 30)))
        truth, predicted = rng.integers(0, 4, shape), rng.integers(0, 4, shape)
        predicted[rng.random(shape) < 0.5] = truth[rng.random(shape) < 2][0]
        truth[rng.random(shape) < 0.1] = 255
        samples.append(sample(truth, predicted, str(number)))
        for i, name in enumerate(NAMES):
            a, b = (truth == i), (predicted == i) & (truth != 255)
            for k, count in enumerate(((a & b).sum(), (a | b).sum(), a.sum() + b.sum())):
                sets[name][k] += int(count)
    found = judged(ParsingMetric(), samples)
    for name, (both, either, total) in sets.items():
        assert found[f'parsing/iou_{name}'] == pytest.approx(both / either)
        assert found[f'parsing/f1_{name}'] == pytest.approx(2 * both / total)
    assert found['parsing/mean_f1'] == pytest.approx(np.mean([found[f'parsing/f1_{n}'] for n in NAMES[1:]]))
    assert found['parsing/miou'] == pytest.approx(np.mean([found[f'parsing/iou_{n}'] for n in NAMES]))
    assert found['parsing/images'] == 6


def test_masks_may_be_judged_at_another_size() -> None:
    truth = np.zeros((4, 4), int)
    truth[:2] = 1
    found = judged(
        ParsingMetric(size=8), [sample(truth, cv2.resize(truth.astype(np.uint8), (8, 8), interpolation=0), 'x')]
    )
    assert found['parsing/miou'] == 1
    with pytest.raises(UserError, match=r'truth is \(4, 4\), predicted \(2, 2\)'):
        judged(ParsingMetric(), [sample(truth, np.zeros((2, 2)), 'x')])
    with pytest.raises(UserError, match='class 7 of 4 classes'):
        judged(ParsingMetric(), [sample(truth, np.full((4, 4), 7), 'x')])


def test_broken_images_are_not_judged() -> None:
    good = sample(np.ones((4, 4)), np.ones((4, 4)), 'good')
    broken = sample(np.ones((4, 4)), np.zeros((4, 4)), 'broken', img_broken=True)
    found = judged(ParsingMetric(), [good, broken])
    assert found['parsing/mean_f1'] == 1 and found['parsing/images'] == 1 and found['parsing/images_broken'] == 1


def test_report_shows_the_matrix_and_the_worst(tmp_path: Path) -> None:
    truth = np.ones((30, 30))
    samples = [sample(truth, np.full((30, 30), i % 3), f'{i:02}') for i in range(15)]
    metric = ParsingMetric(plots_dir=str(tmp_path / 'report'))
    judged(metric, samples)
    assert [path.name for path in (tmp_path / 'report').iterdir()] == ['confusion.png']
    assert [picture.path.name for picture in metric.illustrations.pictures] == ['confusion.png']
    failures = metric.illustrations.failures
    # Ten of fifteen are wrong throughout, and come before the others.
    assert {failure.names for failure in failures[:10]} == {(f'{i:02}',) for i in range(15) if i % 3 != 1}
    picture = failures[0].draw([np.full((30, 30, 3), 90, np.uint8)])
    assert picture.dtype == np.uint8 and min(picture.shape[:2]) > 200


def test_face_masks_have_one_overlap() -> None:
    truth, predicted = np.zeros((10, 10)), np.zeros((10, 10))
    truth[:6], predicted[4:] = 1, 1
    other = sample(np.ones((10, 10)), np.ones((10, 10)), 'b')
    found = judged(FaceMaskMetric(), [sample(truth, predicted, 'a'), other], ('background', 'face'))
    assert found['xseg/iou'] == pytest.approx((20 + 100) / (100 + 100))
    assert found['xseg/image_iou'] == pytest.approx((0.2 + 1) / 2)


def test_confusion_leaves_ignored_pixels_out() -> None:
    matrix = confusion_matrix(np.array([[0, 1, 255]]), np.array([[1, 1, 0]]), 2)
    assert matrix.tolist() == [[0, 1], [0, 1]]


def test_stored_masks_are_judged_as_the_model_was(tmp_path: Path) -> None:
    """--dump and --predictions: the same figures from the file; images that it lacks are background."""
    rng = np.random.default_rng(0)
    samples = []
    for name in ('a', 'b', 'c'):
        truth = rng.integers(0, 11, (12, 16)).astype(np.uint8)
        for kind, image in (('images', np.zeros((12, 16, 3), np.uint8)), ('masks', truth)):
            (tmp_path / kind).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / kind / f'{name}.png'), image)
        predicted = np.where(rng.random(truth.shape) < 0.3, rng.integers(0, 11, truth.shape), truth)
        samples.append(sample(truth, predicted, name))
    names = CLASSES['lapa']
    dump = DumpMasks(str(tmp_path / 'masks.npz'))
    pipeline = [{'type': 'LoadImage'}, {'type': 'LoadFaceMask'}, {'type': 'PackFaceInputs'}]
    orders = {'mask_order': 'lapa', 'class_order': 'lapa'}
    truth_set = {
        'type': 'ParsingDataset',
        'data_root': str(tmp_path),
        'test_mode': True,
        'pipeline': pipeline,
        **orders,
    }
    dump.process(None, samples)
    dump.evaluate(3)
    judge = ParsingMetric(truth=truth_set)
    expected = judged(ParsingMetric(), samples, names)
    assert judge.evaluate_file(tmp_path / 'masks.npz') == pytest.approx(expected)
    dump = DumpMasks(str(tmp_path / 'less.npz'))
    dump.process(None, samples[:2])
    dump.evaluate(2)
    less = ParsingMetric(truth=truth_set).evaluate_file(tmp_path / 'less.npz')
    assert less['parsing/images'] == 3 and less['parsing/miou'] < expected['parsing/miou']
    some = ParsingMetric(truth=truth_set).evaluate_file(tmp_path / 'less.npz', subset=True)
    assert some == pytest.approx(judged(ParsingMetric(), samples[:2], names))
    np.savez(tmp_path / 'wrong.npz', names=np.array(['a']), offsets=np.array([0, 5]), png=np.zeros(4, np.uint8))
    with pytest.raises(UserError, match='offsets must rise'):
        judge.evaluate_file(tmp_path / 'wrong.npz')
    with pytest.raises(UserError, match='no truth to judge'):
        ParsingMetric().evaluate_file(tmp_path / 'masks.npz')
