"""Masks: what is read from which kind of file, and that they follow their images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from faceresearch.datasets.base import BrokenImageError
from faceresearch.datasets.parsing_metainfo import CLASSES, COLOURS, class_map, flip_pairs
from faceresearch.errors import UserError
from faceresearch.transforms import (
    LoadFaceMask,
    PackFaceInputs,
    PadToSquare,
    RandomCrop,
    RandomFlip,
    RandomInterpolationResize,
    RandomScale,
    RandomSimilarity,
    ResizeForTest,
)
from faceresearch.transforms.masks import merge_parts, read_mask

OFFICIAL = CLASSES['celebamask']


def mask_file(path: Path, ids: np.ndarray, kind: str) -> Path:
    palette = np.array([COLOURS[name] for name in OFFICIAL], np.uint8)
    if kind == 'colours':
        Image.fromarray(palette[ids]).save(path)
        return path
    image = Image.fromarray(ids.astype(np.uint8))
    if kind == 'palette':
        image.putpalette(palette.tobytes())
    image.save(path)
    return path


def sample(**extra: Any) -> dict[str, Any]:
    results = {
        'img': np.zeros((40, 60, 3), np.uint8),
        'mask_order': 'celebamask',
        'class_order': 'bisenet',
        'flip_pairs': flip_pairs(CLASSES['bisenet']),
        'rng': np.random.default_rng(0),
    }
    return {**results, **extra}


@pytest.mark.parametrize('kind', ['palette', 'grey', 'colours'])
def test_ids_are_read_from_palette_grey_and_colour_files(tmp_path: Path, kind: str) -> None:
    ids = np.random.default_rng(0).integers(0, 19, (40, 60))
    path = mask_file(tmp_path / 'm.png', ids, kind)
    results = LoadFaceMask()(sample(mask_path=str(path), class_order='celebamask'))
    assert results['gt_sem_seg'].dtype == np.uint8 and (results['gt_sem_seg'] == ids).all()
    named = LoadFaceMask()(sample(mask_path=str(path)))['gt_sem_seg']
    assert [CLASSES['bisenet'][n] for n in named.ravel()] == [OFFICIAL[n] for n in ids.ravel()]


def test_bisenet_to_official_order_is_the_published_map() -> None:
    stated = [0, 1, 6, 7, 4, 5, 3, 8, 9, 15, 2, 10, 11, 12, 17, 16, 18, 13, 14]
    assert class_map('bisenet', 'celebamask')[:19].tolist() == stated
    assert class_map('celebamask', 'bisenet')[stated].tolist() == list(range(19))
    assert class_map('bisenet', 'celebamask')[255] == 255


def test_pairs_of_the_mirror_are_the_published_ones() -> None:
    assert flip_pairs(CLASSES['bisenet']) == ((2, 3), (4, 5), (7, 8))
    assert flip_pairs(CLASSES['celebamask']) == ((4, 5), (6, 7), (8, 9))
    assert flip_pairs(CLASSES['lapa']) == ((2, 3), (4, 5))


def test_face_is_what_the_user_says_it_is() -> None:
    by_default = class_map('celebamask', 'face')
    assert {OFFICIAL[i] for i in np.flatnonzero(by_default[:19])} == {
        *('skin', 'l_brow', 'r_brow', 'l_eye', 'r_eye', 'eye_g', 'nose', 'mouth', 'u_lip', 'l_lip'),
    }
    assert np.flatnonzero(class_map('celebamask', 'face', ('skin', 'hair'))[:19]).tolist() == [1, 13]
    with pytest.raises(UserError, match="no class 'beard'"):
        class_map('celebamask', 'face', ('beard',))


def test_mirror_swaps_left_and_right() -> None:
    ids = np.tile(np.arange(19, dtype=np.uint8), (40, 1))[:, :19]
    results = sample(img=np.zeros((40, 19, 3), np.uint8), gt_sem_seg=ids)
    mirrored = RandomFlip(prob=1.0)(results)['gt_sem_seg'][0, ::-1]
    expected = np.arange(19)
    for one, other in ((2, 3), (4, 5), (7, 8)):
        expected[[one, other]] = other, one
    assert mirrored.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ('ids', 'shape', 'message'),
    [
        (25, (40, 60), 'value 25 at x 0, y 0.*classes 0 to 18'),
        (3, (20, 60), 'the mask is 60 x 20, its image 60 x 40'),
    ],
)
def test_impossible_masks_are_named(tmp_path: Path, ids: int, shape: tuple[int, int], message: str) -> None:
    path = mask_file(tmp_path / 'm.png', np.full(shape, ids), 'grey')
    with pytest.raises(BrokenImageError, match=f'm.png: .*{message}'):
        LoadFaceMask()(sample(mask_path=str(path)))


def test_strange_files_are_named(tmp_path: Path) -> None:
    (tmp_path / 'text.png').write_text('no image')
    (tmp_path / 'empty.png').touch()
    Image.fromarray(np.full((4, 4, 3), 77, np.uint8)).save(tmp_path / 'photo.png')
    Image.fromarray(np.full((4, 4), 3000, np.uint16)).save(tmp_path / 'deep.png')
    for name, message in (
        ('text.png', 'not a mask'),
        ('empty.png', 'empty file'),
        ('photo.png', r'is a picture \(RGB\)'),
        ('deep.png', 'values up to 3000'),
        ('absent.png', 'not a mask|No such'),
    ):
        with pytest.raises(BrokenImageError, match=message):
            read_mask(tmp_path / name)
    with pytest.raises(BrokenImageError, match=r'colour \(77, 77, 77\) at x 0, y 0 is no class'):
        read_mask(tmp_path / 'photo.png', np.array([[0, 0, 0], [1, 2, 3]], np.uint8))


def test_later_parts_lie_on_top_and_images_come_to_the_masks_size(tmp_path: Path) -> None:
    for name, columns in (('skin', slice(0, 20)), ('nose', slice(10, 25))):
        part = np.zeros((20, 30, 3), np.uint8)
        part[:, columns] = 255
        cv2.imwrite(str(tmp_path / f'{name}.png'), part)
    parts = {name: str(tmp_path / f'{name}.png') for name in ('nose', 'skin')}
    assert merge_parts(parts, OFFICIAL)[0].tolist() == [1] * 10 + [2] * 15 + [0] * 5
    results = LoadFaceMask(fit='image')(sample(mask_parts=parts, mask_order='bisenet'))
    assert results['img'].shape == (20, 30, 3) and results['img_shape'] == results['ori_shape'] == (20, 30)
    assert results['gt_sem_seg'][0].tolist() == [1] * 10 + [10] * 15 + [0] * 5
    with pytest.raises(BrokenImageError, match='the mask is 30 x 20'):
        LoadFaceMask()(sample(mask_parts=parts, mask_order='bisenet'))


def picture(height: int = 90, width: int = 120) -> dict[str, Any]:
    """An image whose grey is ten times its mask's class, in patches."""
    rng = np.random.default_rng(5)
    ids = cv2.resize(rng.integers(0, 12, (3, 4)).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    image = np.repeat(ids[..., None] * 20, 3, 2)
    return {'img': image, 'gt_sem_seg': ids, 'rng': rng, 'flip_pairs': ()}


@pytest.mark.parametrize(
    'transform',
    [
        RandomScale(factors=(0.5, 1.5, 2.0)),
        RandomCrop(size=(48, 64)),
        RandomCrop(size=160),
        RandomSimilarity(size=(100, 80), angle=20, scale=(0.8, 1.2), shift=0.1),
        RandomInterpolationResize(size=(77, 131), methods=('linear', 'area')),
        RandomFlip(prob=1.0),
        PadToSquare(),
    ],
    ids=lambda t: type(t).__name__,
)
def test_masks_follow_the_pixels(transform: Any) -> None:
    for _ in range(5):
        results = transform(picture())
        image, ids = results['img'], results['gt_sem_seg']
        assert image.shape[:2] == ids.shape
        counted = ids != 255
        # At the borders of patches an image's pixels are mixed.
        inside = counted & (cv2.erode(ids, np.ones((5, 5))) == cv2.dilate(ids, np.ones((5, 5))))
        assert inside.mean() > 0.3
        assert (np.abs(image[inside][:, 0].astype(int) - 20 * ids[inside]) <= 1).all()
        packed = PackFaceInputs()({**results, 'img_shape': ids.shape})['data_samples']
        assert packed.gt_sem_seg.sem_seg.shape == (1, *ids.shape)


def test_similarity_without_motion_is_a_resize() -> None:
    results = picture(64, 64)
    results['img'] = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    expected = cv2.resize(results['img'], (32, 32), interpolation=cv2.INTER_LINEAR)
    found = RandomSimilarity(size=32, prob=0.0)(results)['img']
    # OpenCV's warp places samples at multiples of 1/32 pixel.
    assert np.abs(found.astype(int) - expected).max() <= 4


def test_test_images_are_stretched_and_masks_keep_their_size() -> None:
    results = ResizeForTest(rule='stretch', size=64)(picture(90, 120))
    assert results['img'].shape == (64, 64, 3) and results['gt_sem_seg'].shape == (90, 120)
    assert results['scale_factor'] == pytest.approx((64 / 120, 64 / 90))
