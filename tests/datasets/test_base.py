"""Samples depend on seed, epoch and index only; images that cannot be read do not stop a run."""

# The global generators are the subject here.
# ruff: noqa: NPY002

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceresearch.datasets.base import FaceDataset
from faceresearch.errors import UserError


class Folder(FaceDataset):
    """The images of a folder, each with one face."""

    def load_data_list(self) -> list[dict[str, Any]]:
        return [
            {
                'img_path': str(path),
                'img_id': path.stem,
                'gt_bboxes': np.array([[1, 1, 9, 9]], np.float32),
                'gt_bboxes_labels': np.zeros(1, np.int64),
            }
            for path in sorted(Path(self.data_root).glob('*.png'))
        ]


class Draw:
    """Note what the generators give."""

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        return {
            'id': results['img_id'],
            'own': results['rng'].random(),
            'numpy': np.random.rand(),
            'python': random.random(),
        }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in range(5):
        cv2.imwrite(str(tmp_path / f'{i}.png'), np.full((20, 30, 3), i * 10, np.uint8))
    return tmp_path


def test_a_sample_is_a_function_of_seed_epoch_and_index(folder: Path) -> None:
    first, second = (Folder(data_root=str(folder), pipeline=[Draw()]) for _ in range(2))
    assert len(first) == 5
    random.seed(1)
    a = [first[i] for i in (0, 7, 12)]
    random.seed(2)
    b = [second[i] for i in (12, 7, 0)][::-1]
    assert a == b, 'order, process and global state do not matter'
    assert [s['id'] for s in a] == ['0', '2', '2']
    assert a[1] != a[2], 'the same image differs from epoch to epoch'
    assert len({first[i]['own'] for i in range(50)}) == 50
    assert Folder(data_root=str(folder), pipeline=[Draw()], seed=1)[0] != a[0]


def test_the_global_generators_are_left_as_they_were(folder: Path) -> None:
    data = Folder(data_root=str(folder), pipeline=[Draw()])
    random.seed(5)
    np.random.seed(5)
    expected = random.random(), np.random.rand()
    random.seed(5)
    np.random.seed(5)
    data[0]
    assert (random.random(), np.random.rand()) == expected


PIPELINE = [{'type': 'LoadImage'}, {'type': 'PackFaceInputs'}]


def test_training_takes_the_next_image_for_a_broken_one_and_says_so(folder: Path) -> None:
    (folder / '2.png').write_bytes(b'not an image')
    data = Folder(data_root=str(folder), pipeline=PIPELINE)
    sample = data[2]
    assert sample['data_samples'].img_id == '3'
    assert '2.png' in sample['data_samples'].replaced[0]
    assert 'replaced' not in data[1]['data_samples'].metainfo


def test_evaluation_keeps_a_broken_image_and_marks_it(folder: Path) -> None:
    (folder / '2.png').write_bytes(b'')
    sample = Folder(data_root=str(folder), pipeline=PIPELINE, test_mode=True)[2]
    assert sample['data_samples'].img_id == '2' and sample['data_samples'].img_broken
    assert sample['inputs'].shape == (3, 32, 32)


def test_a_folder_of_broken_images_is_one_clear_error(folder: Path) -> None:
    for path in folder.glob('*.png'):
        path.write_bytes(b'')
    with pytest.raises(UserError, match=r'in a row cannot be used.*0\.png.*empty file'):
        Folder(data_root=str(folder), pipeline=PIPELINE)[0]


def test_faces_to_ignore_are_packed_apart(folder: Path) -> None:
    class Ignoring(Folder):
        def load_data_list(self) -> list[dict[str, Any]]:
            rows = super().load_data_list()
            for row in rows:
                row['gt_bboxes'] = np.array([[1, 1, 9, 9], [2, 2, 4, 4]], np.float32)
                row['gt_bboxes_labels'] = np.zeros(2, np.int64)
                row['gt_ignore_flags'] = np.array([False, True])
            return rows

    sample = Ignoring(data_root=str(folder), pipeline=PIPELINE)[0]['data_samples']
    assert sample.gt_instances.bboxes.tolist() == [[1, 1, 9, 9]]
    assert sample.ignored_instances.bboxes.tolist() == [[2, 2, 4, 4]]
    assert sample.ori_shape == (20, 30)


def test_one_image(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((8, 8, 3), np.uint8))
    data = Folder(data_root=str(tmp_path), pipeline=PIPELINE)
    assert len(data) == 1 and data[17]['inputs'].shape == (3, 8, 8)
