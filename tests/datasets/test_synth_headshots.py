"""SynthFaces' landmarks and masks as data sets: what samples carry, and what nothing may change."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from faceresearch.datasets import SynthLandmarkDataset, SynthParsingDataset
from faceresearch.datasets.landmark_metainfo import INSIGHTFACE_OF_LAPA, LANDMARKS
from faceresearch.datasets.parsing_metainfo import class_map
from faceresearch.errors import UserError


@pytest.mark.parametrize('scheme', ['anime28', '300w68', 'lapa106', 'insightface106'])
def test_landmark_samples_have_mmposes_keys(scheme: str) -> None:
    dataset = SynthLandmarkDataset(2, scheme, size=96)  # type: ignore[arg-type]
    sample = dataset[1]
    count = LANDMARKS[scheme].num_points
    assert sample['img'].shape == (96, 96, 3) and sample['img'].dtype == np.uint8
    assert sample['keypoints'].shape == (1, count, 2) and sample['keypoints'].dtype == np.float32
    assert sample['keypoints_visible'].shape == (1, count)
    assert sample['bbox'].shape == (1, 4) and sample['bbox_score'].tolist() == [1]
    assert sample['flip_indices'] == list(LANDMARKS[scheme].flip_indices)
    assert (sample['img_id'], sample['id']) == (f'synth_landmarks_{scheme}_train/000001', 1)
    assert dataset.metainfo['dataset_name'] == LANDMARKS[scheme].dataset_name
    x1, y1, x2, y2 = sample['bbox'][0]
    inside = ((sample['keypoints'] > (x1 - 8, y1 - 8)) & (sample['keypoints'] < (x2 + 8, y2 + 8))).all(-1)
    assert inside.all()


def test_schemes_are_of_the_same_pictures() -> None:
    lapa, other = SynthLandmarkDataset(1, 'lapa106', size=96), SynthLandmarkDataset(1, 'insightface106', size=96)
    np.testing.assert_array_equal(lapa[0]['img'], other[0]['img'])
    np.testing.assert_array_equal(lapa[0]['keypoints'][0], other[0]['keypoints'][0][list(INSIGHTFACE_OF_LAPA)])
    np.testing.assert_array_equal(SynthLandmarkDataset(5, '300w68', size=96)[0]['img'], lapa[0]['img'])


def test_boxes_are_those_of_the_points_where_that_is_asked() -> None:
    given, tight = SynthLandmarkDataset(1, size=96)[0], SynthLandmarkDataset(1, size=96, box='points')[0]
    points = tight['keypoints'][0]
    np.testing.assert_array_equal(given['keypoints'][0], points)
    assert tight['bbox'].dtype == np.float32
    assert tight['bbox'].tolist() == [[*points.min(0), *points.max(0)]]
    assert tight['bbox'][0, 1] > given['bbox'][0, 1], 'no forehead'


def test_landmarks_pass_the_pipeline_of_landmark_models() -> None:
    with DefaultScope.overwrite_default_scope('faceresearch'):
        crop = {'type': 'CropFace', 'size': 48, 'padding': 1.25, 'rotation': 30, 'flip_prob': 0.5}
        dataset = SynthLandmarkDataset(2, size=96, pipeline=[{'type': 'LoadImage'}, crop, {'type': 'PackFaceInputs'}])
        packed = dataset[0]
    assert packed['inputs'].shape == (3, 48, 48)
    assert packed['data_samples'].gt_instances.keypoints.shape == (1, 68, 2)
    assert dataset.metainfo['scheme'] == '300w68'


def test_parsing_samples_in_every_order() -> None:
    samples = {o: SynthParsingDataset(1, o, size=96)[0] for o in ('celebamask', 'bisenet', 'lapa', 'face')}  # type: ignore[arg-type]
    official = samples['celebamask']
    assert official['gt_sem_seg'].shape == (96, 96) and official['gt_sem_seg'].dtype == np.uint8
    assert official['gt_sem_seg'].max() <= 18
    for order, sample in samples.items():
        np.testing.assert_array_equal(sample['img'], official['img'])
        np.testing.assert_array_equal(sample['gt_sem_seg'], class_map('celebamask', order)[official['gt_sem_seg']])
        assert sample['class_order'] == order
    dataset = SynthParsingDataset(1, 'bisenet')
    assert dataset.metainfo['flip_pairs'] == ((2, 3), (4, 5), (7, 8)) and len(dataset.metainfo['classes']) == 19


def test_all_19_classes_occur() -> None:
    dataset = SynthParsingDataset(60, 'celebamask', size=64)
    counts = sum(np.bincount(dataset[k]['gt_sem_seg'].ravel(), minlength=19) for k in range(60))
    assert (np.asarray(counts) > 0).all()


@pytest.mark.parametrize('make', [SynthLandmarkDataset, SynthParsingDataset])
def test_a_cache_and_processes_change_nothing(make: type, tmp_path: Path) -> None:
    plain, cached = make(3, size=64), make(3, size=64, cache_dir=str(tmp_path), jobs=2)
    copy = pickle.loads(pickle.dumps(cached))
    assert len(pickle.dumps(cached)) < 100_000
    for index in range(3):
        for name, value in plain[index].items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(value, cached[index][name], err_msg=name)
                np.testing.assert_array_equal(value, copy[index][name], err_msg=name)
    cached[0]['img'][:] = 0  # a sample is the caller's own
    np.testing.assert_array_equal(cached[0]['img'], plain[0]['img'])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match='delete it'):
        make(3, size=64, cache_dir=str(tmp_path))[0]


def test_splits_seeds_and_sizes() -> None:
    first = SynthLandmarkDataset(2, size=64)
    assert not np.array_equal(first[0]['img'], first[1]['img'])
    for other in (SynthLandmarkDataset(2, size=64, split='val'), SynthLandmarkDataset(2, size=64, seed=1)):
        assert not np.array_equal(first[0]['img'], other[0]['img'])
    np.testing.assert_array_equal(first[1]['img'], SynthLandmarkDataset(9, size=64)[1]['img'])


def test_a_pipeline_keeps_picture_and_mask() -> None:
    with DefaultScope.overwrite_default_scope('faceresearch'):
        pipeline = [{'type': 'LoadImage'}, {'type': 'LoadFaceMask'}]
        sample = SynthParsingDataset(1, 'bisenet', size=64, pipeline=pipeline)[0]
    np.testing.assert_array_equal(sample['gt_sem_seg'], SynthParsingDataset(1, 'bisenet', size=64)[0]['gt_sem_seg'])


@pytest.mark.parametrize(
    'arguments',
    [{'num_samples': 0}, {'num_samples': 1, 'split': 'test'}, {'num_samples': 1, 'size': 8},
     {'num_samples': 1, 'scheme': 'wflw98'}, {'num_samples': 1, 'box': 'tight'},
     {'num_samples': 1, 'version': '0.1'}],
)  # fmt: skip
def test_arguments_without_meaning_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(UserError, match='SynthLandmarkDataset'):
        SynthLandmarkDataset(**arguments)  # type: ignore[arg-type]
