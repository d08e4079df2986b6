"""Figures of landmarks: closed forms, mmpose's own metrics, and samples of both frameworks."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.datasets import CocoLandmarkDataset
from faceresearch.datasets.landmark_metainfo import LANDMARKS
from faceresearch.errors import UserError
from faceresearch.evaluation import DumpDetections, LandmarkMetric
from faceresearch.evaluation.landmark_protocol import (
    ced_auc,
    face_errors,
    failure_rate,
    normalizing_lengths,
    pck,
    point_errors,
    pooled_nme,
)
from faceresearch.structures import FaceDataSample
from faceresearch.transforms.crop_face import crop_matrix, warp_points

SCHEME = LANDMARKS['300w68']


def faces(count: int = 12, points: int = 68, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(20, 180, (count, points, 2))
    predicted = truth + rng.normal(0, 6, truth.shape)
    visible = rng.random((count, points)) > 0.2
    corners = list(LANDMARKS['300w68'].eye_corners)
    visible[:, corners] = True
    low = rng.uniform(0, 20, (count, 2))
    return {
        'truth': truth,
        'predicted': predicted,
        'visible': visible,
        'boxes': np.concatenate([low, low + rng.uniform(100, 200, (count, 2))], 1),
    }


def test_figures_are_mmposes() -> None:
    from mmpose.evaluation.functional import keypoint_nme, keypoint_pck_accuracy

    data = faces()
    lengths = normalizing_lengths('interocular', data['truth'], data['visible'], data['boxes'], SCHEME)
    assert np.allclose(lengths, np.linalg.norm(data['truth'][:, 36] - data['truth'][:, 45], axis=-1))
    errors = point_errors(data['predicted'], data['truth'], data['visible'], lengths)
    factor = np.repeat(lengths[:, None], 2, 1)
    assert pooled_nme(errors) == pytest.approx(
        keypoint_nme(data['predicted'], data['truth'], data['visible'].copy(), factor.copy()), abs=1e-12
    )
    sides = (data['boxes'][:, 2:] - data['boxes'][:, :2]).max(1)
    shares = point_errors(data['predicted'], data['truth'], data['visible'], sides)
    expected = keypoint_pck_accuracy(
        data['predicted'], data['truth'], data['visible'].copy(), 0.05, np.repeat(sides[:, None], 2, 1)
    )[1]
    assert pck(shares, 0.05) == pytest.approx(expected, abs=1e-12)


def test_pck_is_strict() -> None:
    assert pck(np.array([[0.1, 0.09], [0.2, np.nan]]), 0.1) == pytest.approx((0 + 1) / 2)


def test_curve_of_errors() -> None:
    errors = np.array([0.02, 0.05, 0.08, 0.3])
    assert failure_rate(errors, 0.08) == 0.25
    # The area of the steps: 0.06, 0.03, 0 and 0 of four faces, by 0.08.
    assert ced_auc(errors, 0.08) == pytest.approx((0.06 + 0.03) / 4 / 0.08)
    fine = np.linspace(0, 0.08, 200001)
    sampled = np.trapezoid((errors[None] <= fine[:, None]).mean(1), fine) / 0.08
    assert ced_auc(errors, 0.08) == pytest.approx(sampled, abs=1e-4)
    assert np.isnan(failure_rate(np.zeros(0), 0.1))


def test_normalisers_and_what_cannot_be_judged() -> None:
    data = faces(3)
    data['visible'][1, 36] = False
    data['truth'][2, 36] = data['truth'][2, 45]
    arguments = (data['truth'], data['visible'], data['boxes'], SCHEME)
    assert np.isnan(normalizing_lengths('interocular', *arguments)).tolist() == [False, True, True]
    data['visible'][:] = True
    sides = data['boxes'][:, 2:] - data['boxes'][:, :2]
    assert np.allclose(normalizing_lengths('box', *arguments), np.sqrt(sides.prod(1)))
    assert np.allclose(normalizing_lengths('box_max', *arguments), sides.max(1))
    extent = data['truth'].max(1) - data['truth'].min(1)
    assert np.allclose(normalizing_lengths('points_box', *arguments), np.sqrt(extent.prod(1)))
    pupils = data['truth'][:, 36:42].mean(1) - data['truth'][:, 42:48].mean(1)
    assert np.allclose(normalizing_lengths('interpupil', *arguments), np.linalg.norm(pupils, axis=1))
    errors = np.array([[0.1, np.nan], [np.nan, np.nan], [0.2, 0.4]])
    assert face_errors(errors).tolist() == pytest.approx([0.1, 0.3])
    assert pooled_nme(errors) == pytest.approx(0.7 / 3)
    with pytest.raises(UserError, match="'pupils' is unknown"):
        LandmarkMetric(normalizer='pupils')


def samples(data: dict[str, np.ndarray], **meta: Any) -> list[FaceDataSample]:
    """Samples whose ground truth is in a crop, as training has it."""
    made = []
    for i in range(len(data['truth'])):
        matrix = crop_matrix(np.array([100.0, 100.0]), 250.0, 112, angle=0.0, mirrored=False)
        sample = FaceDataSample(metainfo={'img_id': f'face{i}', 'warp_matrix': matrix, **meta})
        box = warp_points(data['boxes'][i].reshape(2, 2), matrix).reshape(1, 4)
        sample.gt_instances = InstanceData(
            keypoints=torch.from_numpy(warp_points(data['truth'][i], matrix))[None],
            keypoints_visible=torch.from_numpy(data['visible'][i].astype(np.float32))[None],
            bboxes=torch.from_numpy(box),
        )
        sample.pred_instances = InstanceData(
            keypoints=torch.from_numpy(data['predicted'][i])[None],
            bboxes=torch.from_numpy(data['boxes'][i][None]),
            scores=torch.ones(1),
        )
        made.append(sample)
    return made


def test_the_metric_judges_in_pixels_of_the_image(tmp_path: Path) -> None:
    data = faces()
    metric = LandmarkMetric(scheme='300w68', plots_dir=str(tmp_path))
    made = samples(data)
    for sample in made[:4]:
        sample.set_metainfo({'subsets': ['largepose']})
    metric.process({}, made)
    found = metric.evaluate(len(made))
    lengths = np.linalg.norm(data['truth'][:, 36] - data['truth'][:, 45], axis=-1)
    distances = np.linalg.norm(data['predicted'] - data['truth'], axis=-1) / lengths[:, None]
    assert found['landmark/nme'] == pytest.approx(distances[data['visible']].mean(), abs=1e-9)
    each = [row[seen].mean() for row, seen in zip(distances, data['visible'])]
    assert found['landmark/nme_per_face'] == pytest.approx(np.mean(each), abs=1e-9)
    assert found['landmark/largepose/nme'] == pytest.approx(distances[:4][data['visible'][:4]].mean(), abs=1e-9)
    assert found['landmark/fr@0.1'] == pytest.approx(np.mean(np.array(each) > 0.1))
    assert found['landmark/faces'] == 12
    assert {'landmark/auc@0.08', 'landmark/auc@0.1', 'landmark/pck@0.1'} <= set(found)
    assert (tmp_path / 'ced.png').is_file()
    with (tmp_path / 'points.csv').open(encoding='utf-8') as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 68
    assert rows[30]['part'] == 'nose'
    assert float(rows[30]['error']) == pytest.approx(distances[:, 30][data['visible'][:, 30]].mean(), abs=1e-5)


def test_mmposes_samples_and_metric_agree(shared_dir: Path) -> None:
    """A sample as mmpose's models leave it gets the same NME from mmpose's metric and from ours."""
    from mmpose.evaluation.metrics import NME

    root = shared_dir / 'data/landmarks/mmpose_samples/wflw'
    dataset = CocoLandmarkDataset(str(root), 'test_wflw.json', '', scheme='wflw98')
    rng = np.random.default_rng(0)
    made = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        made.append(
            {
                'id': info['id'],
                'img_id': index,
                'img_path': info['img_path'],
                'gt_instances': {
                    'keypoints': info['keypoints'],
                    'keypoints_visible': info['keypoints_visible'],
                    'bboxes': info['bbox'],
                },
                'pred_instances': {'keypoints': info['keypoints'] + rng.normal(0, 3, info['keypoints'].shape)},
            }
        )
    theirs, ours = NME(norm_mode='keypoint_distance'), LandmarkMetric()
    for metric in (theirs, ours):
        metric.dataset_meta = {'dataset_name': 'wflw'}
        metric.process([], made)
    assert ours.evaluate(4)['landmark/nme'] == pytest.approx(
        theirs.evaluate(4)['NME'], abs=1e-6
    )  # theirs is single precision


def test_stored_predictions_are_judged_alike(shared_dir: Path, tmp_path: Path) -> None:
    root = str(shared_dir / 'data/landmarks/ytf68')
    config = {'type': 'PointsCsvDataset', 'data_root': root, 'ann_file': 'keypoints.csv', 'img_dir': 'images'}
    from faceresearch.datasets import PointsCsvDataset

    dataset = PointsCsvDataset(root, 'keypoints.csv', 'images')
    rng = np.random.default_rng(0)
    data = {
        'truth': np.stack([dataset.get_data_info(i)['keypoints'][0] for i in range(120)]).astype(np.float64),
        'visible': np.ones((120, 68), bool),
        'boxes': np.stack([dataset.get_data_info(i)['bbox'][0] for i in range(120)]).astype(np.float64),
    }
    data['predicted'] = data['truth'] + rng.normal(0, 4, data['truth'].shape)
    made = samples(data)
    for i, sample in enumerate(made):
        sample.set_metainfo({'img_id': dataset.get_data_info(i)['img_id']})
    metric, dump = LandmarkMetric(scheme='300w68'), DumpDetections(str(tmp_path / 'p.npz'))
    for judge in (metric, dump):
        judge.process({}, made)
    live = metric.evaluate(120)
    dump.evaluate(120)
    stored = LandmarkMetric(dataset=config).evaluate_file(tmp_path / 'p.npz')
    assert stored.keys() == live.keys()
    for key, value in live.items():
        assert stored[key] == pytest.approx(value, abs=1e-6), key
    few = DumpDetections(str(tmp_path / 'few.npz'))
    few.process({}, made[:5])
    few.evaluate(5)
    with pytest.raises(UserError, match='115 of 120 faces are missing'):
        LandmarkMetric(dataset=config).evaluate_file(tmp_path / 'few.npz')
    assert LandmarkMetric(dataset=config).evaluate_file(tmp_path / 'few.npz', subset=True)['landmark/faces'] == 5


def test_wrong_models_and_data_sets_are_named() -> None:
    made = samples(faces(2))
    with pytest.raises(UserError, match='does not name its landmark scheme'):
        LandmarkMetric().process({}, made)
    with pytest.raises(UserError, match=r'face0: predicted are points \(1, 68, 2\).*lapa106 has \(1, 106, 2\)'):
        LandmarkMetric(scheme='lapa106').process({}, made)
    made[0].set_metainfo({'img_broken': True})
    metric = LandmarkMetric(scheme='300w68')
    metric.process({}, made)
    found = metric.evaluate(2)
    assert found['landmark/faces'] == 1
    assert found['landmark/images_broken'] == 1


def test_subsets_are_read_from_the_files_that_list_them(tmp_path: Path) -> None:
    """Two faces of one image, and a face of another image of the same name: only their own file's count."""
    data = faces(4)
    data['visible'][:] = True
    places = ['a/x.jpg', 'a/x.jpg', 'b/x.jpg', 'b/y.jpg']

    def write(name: str, listed: list[int]) -> str:
        images = [{'id': i, 'file_name': places[i], 'width': 400, 'height': 400} for i in listed]
        unique = {image['file_name']: image for image in images}
        annotations = [
            {
                'id': n,
                'image_id': unique[places[i]]['id'],
                'category_id': 1,
                'bbox': [0, 0, 200, 200],
                'keypoints': np.concatenate([data['truth'][i], np.ones((68, 1))], 1).ravel().tolist(),
            }
            for n, i in enumerate(listed)
        ]
        content = {
            'images': list(unique.values()),
            'annotations': annotations,
            'categories': [{'id': 1, 'name': 'face'}],
        }
        (tmp_path / name).write_text(json.dumps(content))
        return str(tmp_path / name)

    files = {'blur': write('blur.json', [1]), 'pose': write('pose.json', [2, 3]), 'none': str(tmp_path / 'none.json')}
    metric = LandmarkMetric(scheme='300w68', subset_files=files)
    made = samples(data)
    for sample, place in zip(made, places):
        sample.set_metainfo({'img_path': f'/data/images/{place}'})
    metric.process({}, made)
    found = metric.evaluate(4)
    lengths = np.linalg.norm(data['truth'][:, 36] - data['truth'][:, 45], axis=-1)
    errors = (np.linalg.norm(data['predicted'] - data['truth'], axis=-1) / lengths[:, None]).mean(1)
    assert found['landmark/blur/faces'] == 1 and found['landmark/pose/faces'] == 2
    assert found['landmark/blur/nme'] == pytest.approx(errors[1], abs=1e-6)
    assert found['landmark/pose/nme'] == pytest.approx(errors[2:].mean(), abs=1e-6)
    assert 'landmark/none/nme' not in found
