"""Data sets of attributes: labels by name, splits that keep a person together, and what is reported."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceresearch.config import load_config
from faceresearch.datasets import (
    CelebASpoofDataset,
    ClassFolderDataset,
    Gaze360Dataset,
    MPIIFaceGazeDataset,
    OuluNpuDataset,
    SiWDataset,
    SpoofListDataset,
)
from faceresearch.datasets.attribute_labels import ORDERS, order_map
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.errors import UserError


def picture(path: Path, shape: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((*shape, 3), np.uint8))


def test_orders_of_different_projects_are_mapped_by_name() -> None:
    # FairFace counts men first, InsightFace women: the mistake everybody makes once.
    assert order_map('fairface/gender', 'insightface/gender').tolist() == [1, 0]
    affectnet = order_map('hsemotion/emotion', 'affectnet7/emotion')
    assert affectnet.tolist() == [6, -1, 5, 4, 1, 0, 2, 3], 'AffectNet-7 has no contempt'
    assert order_map('deepface/gender', 'fairface/gender').tolist() == [1, 0]
    for name, order in ORDERS.items():
        assert order_map(name, name).tolist() == list(range(len(order)))


def test_class_folders(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for person in range(40):
        for number in range(3):
            picture(tmp_path / 'anger' / f'S{person:03}_{number}.png')
            picture(tmp_path / 'happy' / f'S{person:03}_{number}.png')
    picture(tmp_path / 'thinking' / 'S001_1.png')
    arguments = {'data_root': str(tmp_path), 'attribute': 'emotion', 'labels': 'ckplus/emotion', 'person': r'S\d+'}
    train = ClassFolderDataset(**arguments, part='train')
    val = ClassFolderDataset(**arguments, part='val')
    people = [{info['group'] for info in map(part.get_data_info, range(len(part)))} for part in (train, val)]
    assert len(train) + len(val) == 240 and people[1]
    assert not people[0] & people[1], 'no person in both'
    assert {train.get_data_info(i)['gt_attributes']['emotion'] for i in range(len(train))} == {0, 4}
    everything = ClassFolderDataset(**arguments)
    assert len(everything) == 240


def test_number_of_a_folder_is_its_class(tmp_path: Path) -> None:
    picture(tmp_path / '1' / 'a.png')
    picture(tmp_path / '2' / 'b.png')
    found = ClassFolderDataset(str(tmp_path), 'spoof', 'minivision/spoof')
    assert [found.get_data_info(i)['gt_attributes']['spoof'] for i in range(2)] == [1, 2]


def test_data_set_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='not there'):
        ClassFolderDataset(str(tmp_path / 'nowhere'))


def test_celeba_spoof(tmp_path: Path) -> None:
    live = [0] * 44
    phone = [0] * 40 + [9, 1, 1, 1]
    contradicting = [0] * 40 + [9, 1, 1, 0]
    labels = {'Data/a.png': live, 'Data/b.png': phone, 'Data/c.png': contradicting, 'Data/d.png': live}
    (tmp_path / 'labels.json').write_text(json.dumps(labels))
    for name in 'ab':
        picture(tmp_path / 'Data' / f'{name}.png', (448, 112))
        (tmp_path / 'Data' / f'{name}_BB.txt').write_text('56 28 112 56 0.99\n')
    found = CelebASpoofDataset(str(tmp_path), 'labels.json')
    assert len(found) == 2
    assert [found.get_data_info(i)['gt_attributes']['spoof'] for i in range(2)] == [1, 2]
    assert found.get_data_info(1)['attack'] == 'phone'
    # The box is written for an image of 224 × 224; this one is 112 wide and 448 high.
    assert found.raw_sample(0, 0)['bbox'].tolist() == [[28, 56, 84, 168]]


def test_oulu_npu(tmp_path: Path) -> None:
    for video in ('1_1_01_1', '2_1_02_5'):
        for frame in range(5):
            picture(tmp_path / 'frames' / video / f'{frame:03}.png')
    lines = ['+1,1_1_01_1', '-2,2_1_02_5', '+1,3_1_03_2', 'nonsense', '-1,6_1_04_3']
    (tmp_path / 'Test.txt').write_text('\n'.join(lines))
    found = OuluNpuDataset(str(tmp_path), 'Test.txt', frames=3)
    infos = [found.get_data_info(i) for i in range(len(found))]
    assert [(i['video'], i['attack']) for i in infos] == [('1_1_01_1', 'live')] * 3 + [('2_1_02_5', 'replay')] * 3
    assert [Path(i['img_path']).stem for i in infos[:3]] == ['000', '002', '004']


def test_siw_leaves_a_medium_out(tmp_path: Path) -> None:
    videos = ['003-1-1-1-1', '003-1-3-1-1', '003-1-3-2-1', '004-1-2-1-1']
    for video in videos:
        picture(tmp_path / 'frames' / video / '0.png')
    (tmp_path / 'list.txt').write_text('\n'.join(videos))
    found = SiWDataset(str(tmp_path), 'list.txt', media=[1], attacks=['replay'])
    assert [found.get_data_info(i)['video'] for i in range(len(found))] == ['003-1-1-1-1', '003-1-3-1-1']


def test_lists_of_several_domains(tmp_path: Path) -> None:
    for name in ('o/real.png', 'o/fake.png', 'm/video/0.png', 'm/video/1.png'):
        picture(tmp_path / name)
    (tmp_path / 'o.txt').write_text('o/real.png 1\no/fake.png,-1\nbad line here\n')
    (tmp_path / 'm.txt').write_text('m/video replay\n')
    found = SpoofListDataset(str(tmp_path), {'O': 'o.txt', 'M': 'm.txt'}, split='dev')
    infos = [found.get_data_info(i) for i in range(len(found))]
    assert [(i['domain'], i['attack'], i['gt_attributes']['spoof']) for i in infos] == [
        ('O', 'live', 1),
        ('O', 'print', 0),
        ('M', 'replay', 0),
        ('M', 'replay', 0),
    ]
    assert {i['split'] for i in infos} == {'dev'}


def test_gaze360_in_both_forms(tmp_path: Path) -> None:
    for name in 'abc':
        picture(tmp_path / 'Image' / f'{name}.jpg')
    row = 'Image{n}.jpg left.jpg right.jpg origin.jpg 0,0,-1 {angles}'
    rows = ['Face Left Right Origin 3DGaze 2DGaze'] + [
        row.format(n=n, angles=angles).removeprefix('Image')
        for n, angles in (('a', '0.5,-0.25'), ('b', '3.0,0.0'), ('c', 'nonsense'))
    ]
    (tmp_path / 'train.label').write_text('\n'.join(rows))
    found = Gaze360Dataset(str(tmp_path), 'train.label', max_angle=90)
    assert len(found) == 1, 'beyond 90 degrees, and not two numbers'
    labels = found.get_data_info(0)['gt_attributes']
    # Column 6 is yaw, then pitch, in radians: the horizontal angle comes first.
    assert labels['yaw'] == pytest.approx(np.rad2deg(0.5)) and labels['pitch'] == pytest.approx(-np.rad2deg(0.25))
    (tmp_path / 'official.txt').write_text('a.jpg 0.6 0 -0.8\nb.jpg 0 1 0\n')
    found = Gaze360Dataset(str(tmp_path), 'official.txt')
    labels = [found.get_data_info(i)['gt_attributes'] for i in range(2)]
    assert labels[0]['yaw'] == pytest.approx(36.8699, abs=1e-4) and labels[0]['pitch'] == pytest.approx(0)
    assert labels[1]['pitch'] == pytest.approx(90)


def test_mpiifacegaze(tmp_path: Path) -> None:
    picture(tmp_path / 'Image' / 'p00.jpg')
    picture(tmp_path / 'Image' / 'p01.jpg')
    for person in ('p00', 'p01'):
        line = f'{person}.jpg l r o left 3d head 0.1,-0.2 0.3,0.4 r s g'
        (tmp_path / f'{person}.label').write_text(f'heading\n{line}\n')
    found = MPIIFaceGazeDataset(str(tmp_path), ['p00.label', 'p01.label'])
    infos = [found.get_data_info(i) for i in range(2)]
    assert [info['group'] for info in infos] == ['p00', 'p01']
    assert infos[0]['gt_attributes']['yaw'] == pytest.approx(np.rad2deg(0.1))


def test_the_official_gaze360_list_is_read(test_data: Path, tmp_path: Path) -> None:
    lines = (test_data / 'gaze/gaze360_validation.txt').read_text().splitlines()[:50]
    (tmp_path / 'list.txt').write_text('\n'.join(lines))
    for line in lines:
        picture(tmp_path / 'imgs' / line.split()[0])
    found = Gaze360Dataset(str(tmp_path), 'list.txt', image_dir='imgs')
    assert len(found) == 50


def test_oulu_npu_joins_the_development_list(tmp_path: Path) -> None:
    for video in ('1_1_21_1', '1_1_21_2', '1_1_36_1', '1_1_36_4'):
        picture(tmp_path / 'frames' / video / '0.png')
    (tmp_path / 'Dev_1.txt').write_text('+1,1_1_21_1\n-1,1_1_21_2\nbad\n')
    (tmp_path / 'Test_1.txt').write_text('+1,1_1_36_1\n-2,1_1_36_4\n')
    found = OuluNpuDataset(str(tmp_path), 'Test_1.txt', dev_file='Dev_1.txt')
    infos = [found.get_data_info(i) for i in range(len(found))]
    assert [(i['split'], i['attack']) for i in infos] == [
        ('test', 'live'),
        ('test', 'replay'),
        ('dev', 'live'),
        ('dev', 'print'),
    ]
    problems = Problems(tmp_path / 'Test_1.txt')
    found.read(problems)
    assert 'Dev_1.txt:3' in (problems.summary() or '')
    with pytest.raises(UserError, match='it is the list'):
        OuluNpuDataset(str(tmp_path), 'Test_1.txt', dev_file='Dev_2.txt')


def test_siw_takes_frames_of_the_beginning(tmp_path: Path) -> None:
    for frame in range(100):
        picture(tmp_path / 'frames/003-1-1-1-1' / f'{frame:03}.png')
    (tmp_path / 'list.txt').write_text('003-1-1-1-1.mov\n')
    found = SiWDataset(str(tmp_path), 'list.txt', first=60, frames=3)
    names = [Path(found.get_data_info(i)['img_path']).stem for i in range(len(found))]
    assert names == ['000', '030', '059'], 'spread over the first 60 frames'


def test_lists_with_a_development_part_and_a_path_outside(tmp_path: Path) -> None:
    picture(tmp_path / 'secret/0.png')
    for name in ('i/real.png', 'i/fake.png', 'd/real.png', 'd/fake.png'):
        picture(tmp_path / 'data' / name)
    (tmp_path / 'data/test.txt').write_text('i/real.png 1\ni/fake.png 0\n../secret 1\n')
    (tmp_path / 'data/devel.txt').write_text('d/real.png 1\nd/fake.png 0\n')
    found = SpoofListDataset(str(tmp_path / 'data'), {'I': 'test.txt'}, dev_domains={'I': 'devel.txt'})
    infos = [found.get_data_info(i) for i in range(len(found))]
    assert [(i['split'], i['img_id']) for i in infos] == [
        ('test', 'i/real.png'),
        ('test', 'i/fake.png'),
        ('dev', 'd/real.png'),
        ('dev', 'd/fake.png'),
    ]


@pytest.mark.parametrize(
    ('config', 'overrides', 'train', 'test'),
    [
        ('oulunpu', ['protocol=2'], 'Protocols/Protocol_2/Train.txt', 'Protocols/Protocol_2/Test.txt'),
        ('oulunpu', ['protocol=4', 'fold=6'], 'Protocols/Protocol_4/Train_6.txt', 'Protocols/Protocol_4/Test_6.txt'),
    ],
)
def test_protocols_of_oulu_npu_name_their_lists(config: str, overrides: list[str], train: str, test: str) -> None:
    cfg = load_config(f'minifasnet_v2_{config}_80', overrides)
    assert cfg.train_dataloader.dataset.ann_file == train
    assert cfg.test_dataloader.dataset.ann_file == test
    assert cfg.test_dataloader.dataset.dev_file == test.replace('Test', 'Dev')
    assert cfg.test_evaluator.threshold == 'dev_eer' and cfg.test_evaluator.by_video


def test_protocols_of_siw_and_ocim() -> None:
    first, second, third = (
        load_config('minifasnet_v2_siw_80', overrides)
        for overrides in ([], ['protocol=2', 'left_out=3'], ['protocol=3', 'left_out=print'])
    )
    parts = [(cfg.train_dataloader.dataset, cfg.test_dataloader.dataset) for cfg in (first, second, third)]
    assert (parts[0][0].first, parts[0][1].get('first')) == (60, None)
    assert (parts[1][0].media, parts[1][1].media) == ([1, 2, 4], [3])
    assert parts[1][0].attacks == parts[1][1].attacks == ['replay']
    assert (parts[2][0].attacks, parts[2][1].attacks) == (['replay'], ['print'])
    cfg = load_config('minifasnet_v2_ocim_80', ['left_out=oulu'])
    assert sorted(cfg.train_dataloader.dataset.domains) == ['casia', 'msu', 'replay']
    assert list(cfg.test_dataloader.dataset.domains) == ['oulu']
    assert cfg.model.heads.spoof.labels == cfg.test_evaluator.labels == 'binary/spoof'
