from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceresearch.config import load_config
from faceresearch.datasets import WiderFaceDataset
from faceresearch.datasets import wider_face as module
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS

LABELS = """# 0--Parade/a.jpg
10 20 30 40
# 0--Parade/absent.jpg
10 20 30 40
# 1--Handshaking/b.jpg
1 2 3 4 5 6 0 7 8 0 9 10 0 11 12 0 13 14 0 0.5
5 5 9 9 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 0.5
# 1--Handshaking/empty.jpg
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ('0--Parade/a', '1--Handshaking/b', '1--Handshaking/empty'):
        path = tmp_path / 'images' / f'{name}.jpg'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((60, 80, 3), np.uint8))
    (tmp_path / 'label.txt').write_text(LABELS)
    return tmp_path


@pytest.fixture
def log(monkeypatch) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(module, 'print_log', lambda message, **_: seen.append(message))
    return seen


def build(root: Path, **arguments) -> WiderFaceDataset:
    return WiderFaceDataset(data_root=str(root), ann_file='label.txt', img_dir='images', **arguments)


def test_samples_carry_the_annotations(root, log):
    data = build(root)
    assert [data.get_data_info(i)['img_id'] for i in range(len(data))] == ['0--Parade/a', '1--Handshaking/b']
    info = data.get_data_info(1)
    assert Path(info['img_path']) == root / 'images' / '1--Handshaking' / 'b.jpg'
    assert info['gt_bboxes'].dtype == np.float32
    assert info['gt_bboxes'].tolist() == [[1, 2, 4, 6], [5, 5, 14, 14]]
    assert info['gt_bboxes_labels'].tolist() == [0, 0]
    assert info['gt_ignore_flags'].tolist() == [False, False]
    assert info['gt_keypoints'][0].tolist() == [[5, 6], [7, 8], [9, 10], [11, 12], [13, 14]]
    assert info['gt_keypoints_visible'].tolist() == [[True] * 5, [False] * 5]


def test_training_leaves_out_images_without_faces_and_testing_does_not(root, log):
    assert len(build(root)) == 2
    assert len(build(root, test_mode=True)) == 3
    assert len(build(root, filter_empty=False)) == 3


def test_missing_images_are_skipped_and_counted_or_an_error(root, log):
    build(root)
    assert log[0].startswith('1 of 4 images listed in')
    assert '0--Parade/absent.jpg' in log[0]
    with pytest.raises(UserError, match=r'1 of 4 images .*absent'):
        build(root, missing='error')
    with pytest.raises(UserError, match="missing='ignore' is unknown"):
        build(root, missing='ignore')


def test_events_select_images(root, log):
    assert len(build(root, events=['1--Handshaking'], test_mode=True)) == 2
    with pytest.raises(UserError, match="no event '2--Riot'"):
        build(root, events=['2--Riot'])


def test_absent_data_say_what_to_download_and_where_to_put_it(root):
    expected = r'WIDER_train\.zip, WIDER_val\.zip and wider_face_split\.zip from http.* unpack them in '
    for arguments in (
        {'data_root': str(root / 'nowhere')},
        {'data_root': str(root), 'img_dir': 'images'},
        {'data_root': str(root), 'ann_file': 'label.txt', 'img_dir': 'pictures'},
    ):
        with pytest.raises(UserError, match=expected):
            WiderFaceDataset(**arguments)
    for path in (root / 'images').rglob('*.jpg'):
        path.unlink()
    with pytest.raises(UserError, match='all 4 of 4 images listed.*' + expected):
        build(root)


def test_nothing_to_train_on_is_an_error(root, log):
    (root / 'label.txt').write_text('# 0--Parade/a.jpg\n')
    with pytest.raises(UserError, match='none of 1 images has a face to train on'):
        build(root)


def test_what_is_skipped_is_logged_in_one_line(root, log):
    (root / 'label.txt').write_text(LABELS + '# ../../etc/x.jpg\n1 2 3 4\n# 0--Parade/c.jpg\n1 2 three 4\n')
    build(root)
    assert 'skipped 1 × path leaves the image folder, 1 × malformed line' in log[0]
    assert 'label.txt:9: path leaves' in log[0]


@pytest.mark.parametrize(
    ('loader', 'images', 'faces', 'ignored'),
    [('train_dataloader', 221, None, None), ('val_dataloader', 221, 777, None)],
)
def test_real_images_through_the_config(repo_root, test_data, log, loader, images, faces, ignored):
    root = test_data / 'widerface'
    cfg = load_config(repo_root / 'configs/_base_/datasets/widerface.py', [f'data_root={root}', 'image_size=320'])
    data = DATASETS.build(cfg[loader].dataset)
    assert len(data) == images
    infos = [data.get_data_info(i) for i in range(len(data))]
    if faces is not None:
        assert sum(len(info['gt_bboxes']) for info in infos) == faces
    sample = data[3 * len(data) + 5]
    assert sample['data_samples'].img_id == infos[5]['img_id']
    if loader == 'train_dataloader':
        assert sample['inputs'].shape == (3, 320, 320)
        boxes = sample['data_samples'].gt_instances.bboxes
        assert len(boxes) > 0
        assert ((boxes >= 0) & (boxes <= 320)).all()
        again = data[3 * len(data) + 5]
        assert (sample['inputs'] == again['inputs']).all()
    else:
        assert tuple(sample['inputs'].shape[1:]) == sample['data_samples'].ori_shape
