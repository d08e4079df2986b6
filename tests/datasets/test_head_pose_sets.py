"""Head pose in the forms of 300W-LP, AFLW2000-3D and BIWI; broken files are told by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from faceresearch.config import load_config
from faceresearch.datasets import BiwiDataset, PoseMatDataset
from faceresearch.datasets.head_pose_sets import biwi_angles, rotation_matrix
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS, METRICS, MODELS
from faceresearch.transforms import FlipAttributes

POINTS = np.array([[30.0, 80, 55], [40, 45, 120]])


def face(path: Path, degrees: tuple[float, float, float], **more: Any) -> None:
    """Write an image file and its .mat: pitch, yaw, roll in radians, then shift and scale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    pose = np.array([[*np.deg2rad(degrees), 100, 200, 0, 0.001]], np.float32)
    savemat(path.with_suffix('.mat'), {'Pose_Para': pose, 'pt2d': POINTS, **more})


def reported(dataset: PoseMatDataset | BiwiDataset) -> str:
    problems = Problems(Path(str(dataset.data_root)))
    dataset.read(problems)
    return problems.summary() or ''


def test_pose_and_box(tmp_path: Path) -> None:
    face(tmp_path / 'AFW/a_0.jpg', (10, -60, 5))
    (sample,) = list(PoseMatDataset(str(tmp_path)).load_data_list())
    # First about x (pitch), then about y (yaw), then about z (roll).
    x, y, z = (Rotation.from_euler(axis, angle, degrees=True) for axis, angle in zip('xyz', (10, -60, 5)))
    assert np.allclose(sample['gt_attributes']['rotation'], (z * y * x).as_matrix(), atol=1e-6)
    assert sample['bbox'].tolist() == [[30, 40, 80, 120]]
    assert sample['img_id'] == 'AFW/a_0.jpg'


def test_wide_angles_are_left_out_as_in_the_field(tmp_path: Path) -> None:
    for number, degrees in enumerate([(0, 98.9, 0), (0, 99.1, 0), (-99.5, 0, 0), (0, 0, 100), (5, 5, 5)]):
        face(tmp_path / f'{number}.jpg', degrees)
    assert [s['img_id'] for s in PoseMatDataset(str(tmp_path)).load_data_list()] == ['0.jpg', '4.jpg']


def test_list_of_names_without_suffix(tmp_path: Path) -> None:
    for name in ('a', 'b', 'c'):
        face(tmp_path / f'IBUG/{name}.jpg', (0, 0, 0))
    (tmp_path / 'files.txt').write_text('IBUG/c\nIBUG/a\n\n')
    found = PoseMatDataset(str(tmp_path), ann_file='files.txt').load_data_list()
    assert [s['img_id'] for s in found] == ['IBUG/c.jpg', 'IBUG/a.jpg']


def test_hidden_points_of_aflw2000(tmp_path: Path) -> None:
    points = np.array([[30.0, 80, -1], [40, 120, -1]])
    face(tmp_path / 'image00002.jpg', (0, 0, 0), pt2d=points, pt3d_68=np.array([[1.0, 9], [2, 8], [5, 5]]))
    boxes = {
        'as published': PoseMatDataset(str(tmp_path)),
        'seen': PoseMatDataset(str(tmp_path), hidden='drop'),
        '68': PoseMatDataset(str(tmp_path), points='pt3d_68'),
    }
    found = {name: dataset.load_data_list()[0]['bbox'].tolist() for name, dataset in boxes.items()}
    assert found == {'as published': [[-1, -1, 80, 120]], 'seen': [[30, 40, 80, 120]], '68': [[1, 2, 9, 8]]}


def test_broken_files_are_named(tmp_path: Path) -> None:
    face(tmp_path / 'good.jpg', (0, 0, 0))
    (tmp_path / 'alone.jpg').touch()
    (tmp_path / 'noise.jpg').touch()
    (tmp_path / 'noise.mat').write_bytes(b'MATLAB' * 40)
    face(tmp_path / 'nan.jpg', (0, 0, float('nan')))
    face(tmp_path / 'short.jpg', (0, 0, 0), Pose_Para=np.zeros((1, 2)))
    face(tmp_path / 'text.jpg', (0, 0, 0), Pose_Para='yaw')
    face(tmp_path / 'other.jpg', (0, 0, 0))
    savemat(tmp_path / 'other.mat', {'pt2d': POINTS})
    dataset = PoseMatDataset(str(tmp_path))
    assert [s['img_id'] for s in dataset.load_data_list()] == ['good.jpg']
    text = reported(dataset)
    assert '4 × .mat that cannot be used' in text and '1 × no .mat beside the image' in text and 'alone.jpg' in text
    assert '1 × angles or points are no numbers' in text and 'nan.mat' in text


def test_paths_stay_inside(tmp_path: Path) -> None:
    face(tmp_path / 'secret.jpg', (0, 0, 0))
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/files.txt').write_text('../secret\n')
    with pytest.raises(UserError, match='outside the data set'):
        PoseMatDataset(str(tmp_path / 'data'), ann_file='files.txt')


def test_argument_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='points='):
        PoseMatDataset(str(tmp_path), points='pt3d')  # type: ignore[arg-type]
    with pytest.raises(UserError, match='not there; put 300W-LP'):
        PoseMatDataset(str(tmp_path / 'none'))


def biwi(folder: Path, rotation: np.ndarray, centre: tuple[float, float, float], name: str = '01/frame_00003') -> None:
    path = folder / f'{name}_rgb.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    rows = '\n'.join(' '.join(f'{value:.6f}' for value in row) + ' ' for row in rotation)
    (folder / f'{name}_pose.txt').write_text(f'{rows}\n\n{centre[0]} {centre[1]} {centre[2]} \n')


def camera(path: Path, shift: float = 0.0) -> None:
    path.write_text(
        f'500 0 320 \n0 500 240 \n0 0 1 \n\n0 0 0 0 \n\n1 0 0 \n0 1 0 \n0 0 1 \n\n{shift} 0 0 \n\n640 480 \n'
    )


def test_biwi_angles_have_the_signs_of_the_field() -> None:
    # With the numbers of the field's formula: roll, yaw and pitch of the transposed matrix, the first two reversed.
    stored = Rotation.from_euler('xyz', [12, -34, 7], degrees=True).as_matrix().T
    r = stored.T
    roll = -np.rad2deg(np.arctan2(r[1, 0], r[0, 0]))
    yaw = -np.rad2deg(np.arctan2(-r[2, 0], np.hypot(r[2, 1], r[2, 2])))
    pitch = np.rad2deg(np.arctan2(r[2, 1], r[2, 2]))
    assert biwi_angles(stored) == pytest.approx([pitch, yaw, roll])
    assert biwi_angles(stored) == pytest.approx([12, 34, -7])


def test_biwi_box_is_projected(tmp_path: Path) -> None:
    biwi(tmp_path, np.eye(3), (100, -50, 1000))
    camera(tmp_path / '01/rgb.cal', shift=-20)
    (sample,) = BiwiDataset(str(tmp_path)).load_data_list()
    # (100 - 20) · 500 / 1000 + 320 = 360, 240 - 25 = 215; 110 mm are 55 px.
    assert sample['bbox'][0].tolist() == pytest.approx([305, 160, 415, 270])
    assert np.allclose(sample['gt_attributes']['rotation'], np.eye(3)) and sample['group'] == '01'


def test_biwi_boxes_of_a_detector_and_some_sequences(tmp_path: Path) -> None:
    for name in ('01/frame_00003', '01/frame_00004', '02/frame_00003'):
        biwi(tmp_path, np.eye(3), (0, 0, 1000), name)
    (tmp_path / 'boxes.txt').write_text('01/frame_00004_rgb.png 1 2 30 40\n02/frame_00003_rgb.png 1 2 30 40\nx 1 2\n')
    found = BiwiDataset(str(tmp_path), boxes='boxes.txt', sequences=[1]).load_data_list()
    assert [s['img_id'] for s in found] == ['01/frame_00004_rgb.png']
    assert found[0]['bbox'].tolist() == [[1, 2, 30, 40]]


def test_broken_biwi_files_are_named(tmp_path: Path) -> None:
    biwi(tmp_path, np.eye(3), (0, 0, 1000))
    camera(tmp_path / '01/rgb.cal')
    biwi(tmp_path, np.ones((3, 3)), (0, 0, 1000), '01/frame_00009')
    biwi(tmp_path, np.eye(3), (0, 0, -1000), '01/frame_00010')
    biwi(tmp_path, np.eye(3), (0, 0, 1000), '02/frame_00001')
    dataset = BiwiDataset(str(tmp_path))
    assert len(dataset.load_data_list()) == 1
    text = reported(dataset)
    assert '3 × pose or calibration' in text and 'frame_00009_pose.txt' in text and 'no rotation' in text
    assert 'behind the camera' in text and 'rgb.cal' in text


def test_mirrored_rotation_has_yaw_and_roll_reversed() -> None:
    labels = {'rotation': rotation_matrix(10, 20, 30)}
    results = {'img': np.zeros((4, 4, 3), np.uint8), 'rng': np.random.default_rng(0), 'gt_attributes': labels}
    flipped = FlipAttributes(rotations=['rotation'], prob=1.0).transform(results)['gt_attributes']['rotation']
    assert np.allclose(flipped, rotation_matrix(10, -20, -30))


@pytest.mark.parametrize('test_set', ['aflw2000', 'biwi'])
def test_recipe_reads_both_test_sets_and_learns(tmp_path: Path, test_set: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (200, 160, 3), np.uint8)
    for folder in ('lp', 'aflw'):
        for number in range(4):
            face(tmp_path / folder / f'{number}.jpg', (5.0 * number, -10.0 * number, 3))
            cv2.imwrite(str(tmp_path / folder / f'{number}.jpg'), image)
    biwi(tmp_path / 'hpdb', np.eye(3), (-200, -200, 1000))
    camera(tmp_path / 'hpdb/01/rgb.cal')
    cv2.imwrite(str(tmp_path / 'hpdb/01/frame_00003_rgb.png'), image)
    roots = [f'data_root={tmp_path / "lp"}', f'aflw2000_root={tmp_path / "aflw"}', f'biwi_root={tmp_path / "hpdb"}']
    cfg = load_config('head_pose_r18_300wlp', [*roots, f'test_set={test_set}', 'model.backbone.pretrained=null'])
    train, test = (DATASETS.build(cfg[f'{part}_dataloader'].dataset) for part in ('train', 'test'))
    assert (len(train), len(test)) == (4, 4 if test_set == 'aflw2000' else 1)
    samples = [train[i] for i in range(4)]
    assert all(sample['inputs'].shape == (3, 224, 224) for sample in (*samples, test[0]))
    model = MODELS.build(cfg.model).train()
    batch = torch.stack([sample['inputs'] for sample in samples]).float()
    losses = model(batch, [sample['data_samples'] for sample in samples], mode='loss')
    assert list(losses) == ['loss_rotation'] and 0 < float(losses['loss_rotation'].detach()) < np.pi
    metric = METRICS.build(cfg.test_evaluator)
    with torch.no_grad():
        predicted = model.eval()(test[0]['inputs'][None].float(), [test[0]['data_samples']], mode='predict')
    metric.process(None, predicted)
    assert 0 < metric.evaluate(1)['head_pose/mae'] <= 180
