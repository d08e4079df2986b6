"""COFW and AFLW from files of their official forms, made here."""

from __future__ import annotations

from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import savemat

from faceresearch.datasets import AFLWDataset, COFWDataset
from faceresearch.errors import UserError


def write_cofw(path: Path, images: list[np.ndarray], boxes: np.ndarray, points: np.ndarray) -> None:
    with h5py.File(path, 'w') as file:
        references = np.empty((1, len(images)), h5py.ref_dtype)
        for number, image in enumerate(images):
            # MATLAB's (H, W, 3) is written columns first.
            references[0, number] = file.create_dataset(f'#refs#/{number}', data=image.T).ref
        file.create_dataset('IsT', data=references, dtype=h5py.ref_dtype)
        file.create_dataset('bboxesT', data=boxes.T)
        file.create_dataset('phisT', data=points.T)


def test_cofw(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colour, grey = rng.integers(0, 255, (60, 80, 3), dtype=np.uint8), rng.integers(0, 255, (50, 70), dtype=np.uint8)
    xy = rng.uniform(10, 40, (2, 58))
    points = np.concatenate([xy, rng.integers(0, 2, (2, 29))], 1)
    write_cofw(tmp_path / 'COFW_test_color.mat', [colour, grey], np.array([[11.0, 6, 30, 35], [1, 1, 40, 40]]), points)
    dataset = COFWDataset(str(tmp_path), 'test')
    first, second = dataset.raw_sample(0, 0), dataset.raw_sample(1, 0)
    assert (first['img'] == colour[..., ::-1]).all()
    assert (second['img'] == grey[..., None]).all()
    assert np.allclose(first['keypoints'][0], xy[0].reshape(2, 29).T - 1, atol=1e-4)
    assert first['keypoints_visible'].all()
    assert first['bbox'].tolist() == [[10, 5, 40, 40]]
    packed = COFWDataset(
        str(tmp_path),
        'test',
        pipeline=[{'type': 'LoadImage'}, {'type': 'CropFace', 'size': 32}, {'type': 'PackFaceInputs'}],
    )[0]
    assert packed['inputs'].shape == (3, 32, 32)
    (tmp_path / 'COFW_train_color.mat').write_bytes(b'no HDF5 file')
    with pytest.raises(UserError, match=r'not a MATLAB 7\.3 file'):
        COFWDataset(str(tmp_path), 'train')


def test_aflw(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    count = 20_003
    names = np.empty((count, 1), object)
    names[:, 0] = ['0/a.jpg'] * count
    points = np.tile(rng.uniform(10, 60, (1, 38)), (count, 1))
    mask = np.ones((count, 19))
    mask[1, 4] = 0
    order = np.roll(np.arange(1, count + 1), -3)  # the test faces are those of rows 1, 2 and 3
    box = np.tile([5.0, 65.0, 7.0, 68.0], (count, 1))
    savemat(
        tmp_path / 'AFLWinfo_release.mat',
        {'bbox': box, 'data': points, 'mask_new': mask, 'nameList': names, 'ra': order},
    )
    (tmp_path / 'data/flickr/0').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'data/flickr/0/a.jpg'), np.zeros((80, 80, 3), np.uint8))
    dataset = AFLWDataset(str(tmp_path), split='test')
    assert [dataset.get_data_info(i)['subsets'] for i in range(len(dataset))] == [['frontal'], [], ['frontal']]
    sample = dataset.get_data_info(0)
    assert sample['bbox'].tolist() == [[5, 7, 65, 68]]
    assert np.allclose(sample['keypoints'][0], points[0].reshape(2, 19).T, atol=1e-4)
    with pytest.raises(UserError, match='does not exist; ask for AFLW'):
        AFLWDataset(str(tmp_path / 'nowhere'))
