"""Users' own faces in COCO's form, through the config that trains on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceresearch.apis.convert_dataset import convert_dataset
from faceresearch.config import load_config
from faceresearch.datasets import CocoFaceDataset, WiderFaceDataset
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS


@pytest.fixture
def content() -> dict[str, Any]:
    points = [20, 30, 2, 30, 30, 1, 25, 35, 2, 0, 0, 0, 30, 40, 2]
    return {
        'images': [{'id': i, 'file_name': f'e/{i}.png', 'width': 80, 'height': 60} for i in range(3)],
        'annotations': [
            {'id': 1, 'image_id': 0, 'category_id': 7, 'bbox': [10, 20, 30, 25.5], 'keypoints': points, 'iscrowd': 0},
            {'id': 2, 'image_id': 0, 'category_id': 7, 'bbox': [50, 20, 10, 10]},
            {'id': 3, 'image_id': 0, 'category_id': 7, 'bbox': [1, 1, 5, 5], 'iscrowd': 1},
            {'id': 4, 'image_id': 1, 'category_id': 7, 'bbox': [1, 1, 5, 5], 'ignore': 1},
        ],
        'categories': [{'id': 7, 'name': 'face'}, {'id': 9, 'name': 'person'}],
    }


@pytest.fixture
def root(tmp_path: Path, content: dict[str, Any]) -> Path:
    for i in range(3):
        (tmp_path / 'images' / 'e').mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / 'images' / 'e' / f'{i}.png'), np.full((60, 80, 3), 50, np.uint8))
    (tmp_path / 'train.json').write_text(json.dumps(content))
    return tmp_path


def build(root: Path, **arguments: Any) -> CocoFaceDataset:
    return CocoFaceDataset(data_root=str(root), ann_file='train.json', **arguments)


def test_samples_carry_boxes_points_and_what_to_ignore(root: Path) -> None:
    data = build(root)
    assert len(data) == 1, 'images without a face are left out in training'
    info = data.get_data_info(0)
    assert info['img_id'] == 'e/0' and Path(info['img_path']) == root / 'images/e/0.png'
    assert info['gt_bboxes'].dtype == info['gt_keypoints'].dtype == np.float32
    assert info['gt_bboxes'].tolist() == [[10, 20, 40, 45.5], [50, 20, 60, 30], [1, 1, 6, 6]]
    assert info['gt_bboxes_labels'].tolist() == [0, 0, 0] and info['gt_ignore_flags'].tolist() == [False, False, True]
    assert info['gt_keypoints_visible'].tolist() == [[True, True, True, False, True], [False] * 5, [False] * 5]
    assert info['gt_keypoints'][0].tolist() == [[20, 30], [30, 30], [25, 35], [0, 0], [30, 40]]
    assert len(build(root, test_mode=True)) == 3


def test_faces_with_some_points_can_be_faces_without(root: Path, content: dict[str, Any]) -> None:
    content['annotations'][1]['keypoints'] = [51, 21, 2] * 5
    (root / 'train.json').write_text(json.dumps(content))
    info = build(root, whole_landmarks=True).get_data_info(0)
    assert info['gt_keypoints_visible'].tolist() == [[False] * 5, [True] * 5, [False] * 5]
    assert (info['gt_keypoints'][0] == 0).all() and (info['gt_keypoints'][1] == [51, 21]).all()


def test_other_numbers_of_points(root: Path, content: dict[str, Any]) -> None:
    content['annotations'][0]['keypoints'] = [5, 6, 2] * 28
    (root / 'train.json').write_text(json.dumps(content))
    assert build(root, num_keypoints=28).get_data_info(0)['gt_keypoints'].shape == (3, 28, 2)
    five = build(root).get_data_info(0)
    assert five['gt_keypoints'].shape == (3, 5, 2) and not five['gt_keypoints_visible'].any()


def test_absent_data_say_what_to_set(root: Path) -> None:
    with pytest.raises(UserError, match=r'absent\.json does not exist; set data_root, ann_file and img_dir'):
        CocoFaceDataset(data_root=str(root), ann_file='absent.json')
    with pytest.raises(UserError, match='all 3 of 3 images listed'):
        build(root, img_dir='images/e')
    with pytest.raises(UserError, match="no category 'head'"):
        build(root, categories=['head'])


def test_config_for_users_own_data(root: Path, repo_root: Path) -> None:
    overrides = [f'data_root={root}', 'train_ann_file=train.json', 'val_ann_file=train.json', 'image_size=64']
    cfg = load_config(repo_root / 'configs/retinaface/retinaface_mnet025_coco.py', overrides)
    sample = DATASETS.build(cfg.train_dataloader.dataset)[0]
    assert sample['inputs'].shape == (3, 64, 64) and len(sample['data_samples'].gt_instances) > 0
    assert len(DATASETS.build(cfg.val_dataloader.dataset)) == 3
    assert [m['type'] for m in cfg.val_evaluator] == ['FaceCocoMetric', 'MatchedLandmarkNME']


def test_real_images_give_the_same_samples_as_in_their_own_form(test_data: Path, tmp_path: Path) -> None:
    root = test_data / 'widerface'
    images, ann_file = root / 'WIDER_val/images', root / 'wider_face_split/wider_face_val_bbx_gt.txt'
    convert_dataset(ann_file, tmp_path / 'val.json', 'coco', images=images)
    pipeline = [{'type': 'LoadImage'}, {'type': 'SanitizeBoxes'}]
    wider = WiderFaceDataset(str(root), str(ann_file), 'WIDER_val/images', test_mode=True, pipeline=pipeline)
    coco = CocoFaceDataset(str(root), str(tmp_path / 'val.json'), 'WIDER_val/images', test_mode=True, pipeline=pipeline)
    assert len(coco) == len(wider) == 221
    for i in range(0, 221, 20):
        a, b = wider[i], coco[i]
        assert a['img_id'] == b['img_id']
        for key in ('gt_bboxes', 'gt_ignore_flags', 'gt_keypoints', 'gt_keypoints_visible'):
            np.testing.assert_array_equal(a[key], b[key])
