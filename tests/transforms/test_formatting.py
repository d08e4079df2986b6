"""Packing: identities, and samples without boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from faceresearch.registry import TRANSFORMS
from faceresearch.transforms import ColorDistortion, PackFaceInputs, RandomAffine, RandomFlip, RandomHSV


def crop(identity: int = 3, seed: int = 0) -> dict[str, Any]:
    image = np.random.default_rng(9).integers(0, 256, (112, 96, 3), np.uint8)
    return {
        'img': image,
        'img_shape': (112, 96),
        'img_id': 'a',
        'gt_identity': identity,
        'rng': np.random.default_rng(seed),
    }


@pytest.mark.parametrize('identity', [0, 2_059_905, -1, np.int64(7)])
def test_identity_is_packed_as_a_label(identity: int) -> None:
    sample = PackFaceInputs().transform(crop(identity))['data_samples']
    assert sample.gt_identity.label.dtype == torch.int64
    assert sample.gt_identity.label.tolist() == [int(identity)]
    assert 'gt_instances' not in sample


def test_no_identity_is_no_label() -> None:
    results = crop()
    del results['gt_identity']
    assert 'gt_identity' not in PackFaceInputs().transform(results)['data_samples']


def test_a_crop_without_boxes_is_mirrored() -> None:
    results = RandomFlip(prob=1.0).transform(crop())
    packed = PackFaceInputs().transform(results)
    image = torch.from_numpy(crop()['img']).permute(2, 0, 1)
    assert torch.equal(packed['inputs'], image.flip(2))
    assert packed['data_samples'].flip is True


def test_points_of_a_crop_without_boxes_are_mirrored() -> None:
    results = crop()
    results['gt_keypoints'] = np.array([[[10, 1], [20, 2], [30, 3], [40, 4], [50, 5]]], np.float32)
    results['gt_keypoints_visible'] = np.array([[True, False, True, True, True]])
    results = RandomFlip(prob=1.0).transform(results)
    assert results['gt_keypoints'][0, :, 0].tolist() == [76, 86, 66, 46, 56]
    assert results['gt_keypoints_visible'][0].tolist() == [False, True, True, True, True]


@pytest.mark.parametrize('transform', [ColorDistortion(), RandomHSV(), RandomAffine(size=112)])
def test_other_augmentations_take_a_crop_without_boxes(transform: Any) -> None:
    image = transform.transform(crop())['img']
    assert image.dtype == np.uint8 and image.shape[2] == 3


def test_resize_takes_a_crop_without_boxes() -> None:
    resize = TRANSFORMS.build({'type': 'RandomInterpolationResize', 'size': 64})
    assert resize.transform(crop())['img'].shape == (64, 64, 3)
