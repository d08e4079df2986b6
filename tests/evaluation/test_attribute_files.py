"""Stored predictions of gaze, attributes and liveness: written by a run, judged again without model and images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import BaseDataElement

from faceresearch.apis.test import judge_predictions
from faceresearch.apis.test import test as run_test
from faceresearch.engine.checkpoint_hook import less_is_better
from faceresearch.errors import UserError
from faceresearch.evaluation import AttributeMetric, DumpAttributes, GazeMetric, SpoofMetric, evaluate_predictions
from faceresearch.evaluation.head_pose import HeadPoseMetric, angles_of_rotation, rotation_matrix
from faceresearch.structures import FaceDataSample


def gaze_list(folder: Path, angles: np.ndarray) -> dict[str, Any]:
    """A data set of empty files whose gaze is known: ground truth alone is read from it."""
    (folder / 'Image').mkdir(parents=True)
    lines = ['Face Left Right Origin 3DGaze 2DGaze']
    for number, (yaw, pitch) in enumerate(np.deg2rad(angles)):
        (folder / f'Image/{number}.jpg').touch()
        lines.append(f'{number}.jpg l r o 0,0,0 {yaw},{pitch}')
    (folder / 'test.label').write_text('\n'.join(lines))
    return {'type': 'Gaze360Dataset', 'data_root': str(folder), 'ann_file': 'test.label'}


def config(evaluator: dict[str, Any], dataset: dict[str, Any] | None) -> Config:
    return Config({'test_evaluator': evaluator, **({'test_dataloader': {'dataset': dataset}} if dataset else {})})


def sample(name: str, predicted: dict[str, Any], truth: dict[str, Any] | None = None, **meta: Any) -> FaceDataSample:
    made = FaceDataSample(metainfo={'img_id': name, **meta})
    made.pred_attributes = BaseDataElement(**{key: torch.as_tensor(value) for key, value in predicted.items()})
    made.gt_attributes = BaseDataElement(**{key: torch.as_tensor(value) for key, value in (truth or {}).items()})
    return made


def test_dumped_gaze_is_judged_as_by_the_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(-60, 60, (12, 2))
    predicted = (truth + rng.normal(0, 5, truth.shape)).astype(np.float32)
    dataset = gaze_list(tmp_path / 'gaze', truth)
    metric, dump = GazeMetric(), DumpAttributes(str(tmp_path / 'p.npz'))
    # In another order than the data set's, and with an image twice, as samplers of two processes give it.
    for i in (*rng.permutation(12), 3):
        labels = {'yaw': truth[i, 0], 'pitch': truth[i, 1]}
        made = sample(f'Image/{i}.jpg', {'yaw': predicted[i, 0], 'pitch': predicted[i, 1]}, labels)
        metric.process(None, [made])
        dump.process(None, [made])
    assert dump.evaluate(13) == {}
    found = evaluate_predictions(config({'type': 'GazeMetric'}, dataset), tmp_path / 'p.npz')
    assert found == pytest.approx(metric.evaluate(13), abs=1e-9)
    assert found['gaze/yaw_mae'] == pytest.approx(np.abs(predicted - truth)[:, 0].mean())


def test_missing_images_need_a_word(tmp_path: Path) -> None:
    dataset = gaze_list(tmp_path / 'gaze', np.zeros((3, 2)))
    path = tmp_path / 'p.npz'
    np.savez(path, names=np.array(['Image/1', 'Image/2']), yaw=np.array([3.0, 5.0]), pitch=np.zeros(2))
    with pytest.raises(UserError, match=r'p\.npz: 1 of 3 images are missing, such as Image/0; add \+\+subset=true'):
        evaluate_predictions(config({'type': 'GazeMetric'}, dataset), path)
    found = evaluate_predictions(config({'type': 'GazeMetric'}, dataset), path, subset=True)
    assert found['gaze/mae'] == pytest.approx(4)
    np.savez(path, names=np.array(['a']), yaw=np.zeros(1), pitch=np.zeros(1))
    with pytest.raises(UserError, match='names none of this data set'):
        evaluate_predictions(config({'type': 'GazeMetric'}, dataset), path, subset=True)
    with pytest.raises(UserError, match='no data set to judge'):
        evaluate_predictions(config({'type': 'GazeMetric'}, None), path)


@pytest.mark.parametrize(
    ('arrays', 'message'),
    [
        ({'names': np.array(['a']), 'yaw': np.zeros(1)}, 'needs the arrays names, yaw, pitch; it has names, yaw'),
        (
            {'names': np.array(['a']), 'yaw': np.zeros(2), 'pitch': np.zeros(1)},
            r'yaw must be numbers, one row for each',
        ),
        ({'names': np.array(['a', 'b']), 'yaw': np.array([0, np.nan]), 'pitch': np.zeros(2)}, 'yaw of b is not finite'),
        ({'names': np.array(['a', 'a.jpg']), 'yaw': np.zeros(2), 'pitch': np.zeros(2)}, "lists 'a' twice"),
        ({'names': np.array([1]), 'yaw': np.zeros(1), 'pitch': np.zeros(1)}, 'names must be one row of strings'),
        ({'names': np.array(['a']), 'yaw': np.array(['x']), 'pitch': np.zeros(1)}, 'yaw must be numbers'),
        ({'names': np.array(['a'], object), 'yaw': np.zeros(1), 'pitch': np.zeros(1)}, 'Python objects'),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / 'p.npz', **arrays)  # type: ignore[arg-type]
    dataset = gaze_list(tmp_path / 'gaze', np.zeros((1, 2)))
    with pytest.raises(UserError, match=message):
        evaluate_predictions(config({'type': 'GazeMetric'}, dataset), tmp_path / 'p.npz')


def test_liveness_of_another_toolkit_is_one_probability(tmp_path: Path) -> None:
    for name in ('real/a.jpg', 'real/b.jpg', 'fake/c.jpg', 'fake/d.jpg', 'fake/e.jpg'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    dataset = {'type': 'ClassFolderDataset', 'data_root': str(tmp_path), 'attribute': 'spoof', 'labels': 'binary/spoof'}
    path = tmp_path / 'p.npz'
    names = np.array(['real/a', 'real/b', 'fake/c', 'fake/d', 'fake/e'])
    np.savez(path, names=names, spoof_scores=np.array([0.9, 0.4, 0.6, 0.1, 0.2]))
    cfg = config({'type': 'SpoofMetric', 'labels': 'binary/spoof'}, dataset)
    found = evaluate_predictions(cfg, path)
    # Accepted from 0.5: a and c.
    assert (found['spoof/bpcer'], found['spoof/apcer_pooled']) == (0.5, pytest.approx(1 / 3))
    # Of the six pairs of a real face and an attack, b's and c's alone is in the wrong order.
    assert found['spoof/auc'] == pytest.approx(5 / 6)
    both = np.stack([1 - np.array([0.9, 0.4, 0.6, 0.1, 0.2]), np.array([0.9, 0.4, 0.6, 0.1, 0.2])], 1)
    np.savez(path, names=names, spoof_scores=both)
    assert evaluate_predictions(cfg, path) == pytest.approx(found)


def test_classes_come_from_scores_and_numbers_as_they_are(tmp_path: Path) -> None:
    (tmp_path / 'faces').mkdir()
    rows = ['file,age,gender,race,service_test']
    for number, (age, gender) in enumerate([('20-29', 'Male'), ('3-9', 'Female'), ('more than 70', 'Female')]):
        (tmp_path / f'faces/{number}.jpg').touch()
        rows.append(f'faces/{number}.jpg,{age},{gender},White,True')
    (tmp_path / 'val.csv').write_text('\n'.join(rows))
    dataset = {'type': 'FairFaceDataset', 'data_root': str(tmp_path), 'ann_file': 'val.csv'}
    np.savez(
        tmp_path / 'p.npz',
        names=np.array([f'faces/{number}' for number in range(3)]),
        gender_scores=np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]),
        age=np.array([3, 1, 7]),
    )
    evaluator = {'type': 'AttributeMetric', 'classes': {'gender': 'fairface/gender', 'age': 'fairface/age'}}
    found = evaluate_predictions(config(evaluator, dataset), tmp_path / 'p.npz')
    assert found['gender/accuracy'] == pytest.approx(2 / 3) and found['age/accuracy'] == pytest.approx(2 / 3)


def test_head_pose_may_be_angles() -> None:
    truth = [rotation_matrix(*angles) for angles in ((10, 20, 5), (-5, 40, 0))]
    by_matrix, by_angles = HeadPoseMetric(), HeadPoseMetric()
    for number, matrix in enumerate(truth):
        predicted = rotation_matrix(3, 25 * number, -4)
        labels = {'img_id': str(number), 'gt_attributes': {'rotation': matrix}}
        by_matrix.process(None, [{**labels, 'pred_attributes': {'rotation': predicted}}])
        angles = angles_of_rotation(predicted)
        by_angles.process(None, [{**labels, 'pred_attributes': {'rotation_angles': angles}}])
    assert by_matrix.evaluate(2) == pytest.approx(by_angles.evaluate(2))


def test_every_attribute_metric_names_the_file_it_dumps() -> None:
    for metric in (AttributeMetric, GazeMetric, SpoofMetric, HeadPoseMetric):
        assert metric.dump_metric == 'DumpAttributes'


def test_a_run_with_dump_and_its_file_have_the_same_figures(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(12):
        path = tmp_path / f'faces/{("real", "fake")[number % 2]}/{number}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 256, (90, 80, 3), np.uint8))
    (tmp_path / 'faces/real/broken.png').write_bytes(b'no image')
    common = [f'data_root={tmp_path / "faces"}', 'num_workers=0', 'test_dataloader.dataset.part=all']
    found = run_test('minifasnet_v2_liveness', 'none', common, work_dir=tmp_path / 'run', dump=tmp_path / 'p.npz')
    again = judge_predictions('minifasnet_v2_liveness', tmp_path / 'p.npz', [*common, '++subset=true'])
    assert found.pop('spoof/images_broken') == 1
    assert again == pytest.approx(found)
    with pytest.raises(UserError, match='1 of 13 images are missing, such as real/broken'):
        judge_predictions('minifasnet_v2_liveness', tmp_path / 'p.npz', common)


@pytest.mark.parametrize(
    ('metric', 'predicted', 'truth', 'first'),
    [
        (SpoofMetric(), {'spoof_scores': [0.1, 0.8, 0.1]}, {'spoof': 1}, 'spoof/acer'),
        (GazeMetric(), {'yaw': 1.0, 'pitch': 2.0}, {'yaw': 0.0, 'pitch': 0.0}, 'gaze/mae'),
        (HeadPoseMetric(), {'rotation': np.eye(3)}, {'rotation': np.eye(3)}, 'head_pose/mae'),
    ],
)
def test_the_best_model_is_chosen_by_a_figure_of_all(metric: Any, predicted: Any, truth: Any, first: str) -> None:
    # save_best='auto' takes the first key; APCER alone would choose a model that rejects everybody.
    samples = [sample('a', predicted, truth)]
    if first == 'spoof/acer':
        samples.append(sample('b', {'spoof_scores': [0.8, 0.1, 0.1]}, {'spoof': 0}, attack='print'))
    metric.process(None, samples)
    assert next(iter(metric.evaluate(len(samples)))) == first
    assert less_is_better(first)
