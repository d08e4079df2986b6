"""Data sets of face parsing, in their official layouts, with what goes wrong in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceresearch.datasets import CelebAMaskHQDataset, LaPaDataset, ParsingDataset
from faceresearch.datasets.parsing_metainfo import CLASSES
from faceresearch.errors import UserError

PIPELINE: list[dict[str, Any]] = [{'type': 'LoadImage'}, {'type': 'LoadFaceMask'}, {'type': 'PackFaceInputs'}]
OFFICIAL_PIPELINE = [PIPELINE[0], {'type': 'LoadFaceMask', 'fit': 'image'}, PIPELINE[2]]


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    record: Callable[..., None] = lambda message, **kwargs: lines.append(message)  # noqa: E731
    monkeypatch.setattr('faceresearch.datasets.parsing.print_log', record)
    return lines


@pytest.fixture
def celebamask(tmp_path: Path) -> Path:
    """Six faces, two of each split: images of 64 px, parts of 32 px, in folders of 2,000 numbers."""
    root = tmp_path / 'CelebAMask-HQ'
    originals = (5, 162770, 162771, 182637, 182638, 202599)
    lines = ['idx  orig_idx  orig_file']
    for number, original in enumerate(originals):
        lines.append(f'{number}  {original}  {original + 1:06d}.jpg')
        write(root / f'CelebA-HQ-img/{number}.jpg', np.full((64, 64, 3), 100, np.uint8))
        for part, rows in (('skin', slice(4, 28)), ('l_eye', slice(10, 14)), ('hair', slice(0, 6))):
            mask = np.zeros((32, 32, 3), np.uint8)
            mask[rows] = 255
            write(root / f'CelebAMask-HQ-mask-anno/{number // 3}/{number:05d}_{part}.png', mask)
    (root / 'CelebA-HQ-to-CelebA-mapping.txt').write_text('\n'.join(lines))
    return root


def test_official_split_follows_the_numbers_of_celeba(celebamask: Path) -> None:
    found = {}
    for split in ('train', 'val', 'test'):
        dataset = CelebAMaskHQDataset(str(celebamask), split)
        found[split] = [dataset.get_data_info(i)['img_id'] for i in range(len(dataset))]
    assert found == {'train': ['0', '1'], 'val': ['2', '3'], 'test': ['4', '5']}
    assert len(CelebAMaskHQDataset(str(celebamask), 'all')) == 6


@pytest.mark.parametrize('order', ['bisenet', 'celebamask', 'lapa', 'face'])
def test_parts_are_merged_in_the_order_asked_for(celebamask: Path, order: Any) -> None:
    dataset = CelebAMaskHQDataset(str(celebamask), 'val', order, pipeline=OFFICIAL_PIPELINE)
    assert dataset.metainfo['classes'] == CLASSES[order] and dataset.metainfo['class_order'] == order
    sample = dataset[0]['data_samples']
    assert dataset[0]['inputs'].shape == (3, 32, 32), 'the image comes to the size of its mask'
    column = sample.gt_sem_seg.sem_seg[0, :, 5].tolist()
    expected = ['hair'] * 6 + ['skin'] * 4 + ['l_eye'] * 4 + ['skin'] * 14 + ['background'] * 4
    if order == 'face':
        assert column == [int(name in ('skin', 'l_eye')) for name in expected]
    else:
        assert [CLASSES[order][n] for n in column] == expected


def test_what_is_missing_is_counted_and_named(celebamask: Path, log: list[str]) -> None:
    (celebamask / 'CelebA-HQ-img/1.jpg').unlink()
    for path in (celebamask / 'CelebAMask-HQ-mask-anno').rglob('00002_*'):
        path.unlink()
    mapping = celebamask / 'CelebA-HQ-to-CelebA-mapping.txt'
    mapping.write_text(mapping.read_text() + '\nnonsense here\n3 182637 x.jpg\n')
    assert len(CelebAMaskHQDataset(str(celebamask), 'all')) == 4
    text = '\n'.join(log)
    for part in ('1 × malformed line', '1 × image named twice', '1 × image is missing', '1 × image without a mask'):
        assert part in text
    assert 'CelebA-HQ-to-CelebA-mapping.txt:8: malformed line' in text


def test_absent_data_set_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'unpack CelebAMask-HQ\.zip'):
        CelebAMaskHQDataset(str(tmp_path))
    with pytest.raises(UserError, match=r'unpack LaPa\.tar\.gz'):
        LaPaDataset(str(tmp_path))
    with pytest.raises(UserError, match='no such image folder'):
        ParsingDataset(str(tmp_path))
    with pytest.raises(UserError, match="class order 'alphabetical' is unknown"):
        ParsingDataset(str(tmp_path), class_order='alphabetical')  # type: ignore[arg-type]


def test_lapa_has_images_of_any_size(tmp_path: Path) -> None:
    for number, shape in enumerate(((40, 60), (90, 30))):
        write(tmp_path / f'val/images/{number}.jpg', np.zeros((*shape, 3), np.uint8))
        write(tmp_path / f'val/labels/{number}.png', np.full(shape, 10, np.uint8))
    dataset = LaPaDataset(str(tmp_path), 'val', pipeline=PIPELINE)
    assert [tuple(dataset[i]['data_samples'].gt_sem_seg.sem_seg.shape) for i in range(2)] == [(1, 40, 60), (1, 90, 30)]
    assert dataset.metainfo['classes'][10] == 'hair'


def test_masks_that_cannot_be_used_are_replaced_in_training_and_counted_in_tests(
    tmp_path: Path, log: list[str]
) -> None:
    values = {'a': 1, 'b': 40, 'c': 2, 'd': 3}
    for name, value in values.items():
        write(tmp_path / f'images/{name}.jpg', np.zeros((20, 20, 3), np.uint8))
        shape = (20, 10) if name == 'c' else (20, 20)
        write(tmp_path / f'masks/{name}.png', np.full(shape, value, np.uint8))
    write(tmp_path / 'images/lonely.jpg', np.zeros((20, 20, 3), np.uint8))
    training = ParsingDataset(str(tmp_path), class_order='celebamask', pipeline=PIPELINE)
    assert len(training) == 4 and any('1 × image without a mask' in line and 'lonely.jpg' in line for line in log)
    replaced = training[1]['data_samples']
    assert replaced.img_id == 'd' and int(replaced.gt_sem_seg.sem_seg.max()) == 3
    assert ['b.png' in replaced.replaced[0], 'c.png' in replaced.replaced[1]] == [True, True]
    testing = ParsingDataset(str(tmp_path), class_order='celebamask', pipeline=PIPELINE, test_mode=True)
    assert [bool(testing[i]['data_samples'].metainfo.get('img_broken')) for i in range(4)] == [False, True, True, False]


def test_real_faces_have_their_left_eye_at_the_right(test_data: Path) -> None:
    """``l_`` is the person's own left; the palette files are in the official order."""
    dataset = ParsingDataset(str(test_data / 'celebamask_mini'), pipeline=PIPELINE, indices=20)
    names = dataset.metainfo['classes']
    sides = []
    for i in range(len(dataset)):
        mask = dataset[i]['data_samples'].gt_sem_seg.sem_seg[0].numpy()
        left, right = (np.argwhere(mask == names.index(name))[:, 1] for name in ('l_eye', 'r_eye'))
        if len(left) and len(right):
            sides.append(left.mean() > right.mean())
    # A few of the annotators took the other side.
    assert len(sides) == 20 and sum(sides) >= 16, sides
