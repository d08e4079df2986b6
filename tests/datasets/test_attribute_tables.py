"""Tables of attributes in their official forms: what is read, and what is reported with file and line."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from faceresearch.datasets import (
    AffectNetDataset,
    CelebAAttributesDataset,
    FairFaceDataset,
    ListedEmotionDataset,
    UTKFaceDataset,
)
from faceresearch.datasets.attribute_tables import FairFaceDataset as Table
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.errors import UserError
from tests.datasets.test_attribute_sets import picture

HEADING = 'file,age,gender,race,service_test'


def fairface(folder: Path, *rows: str, heading: str = HEADING) -> dict[str, Any]:
    (folder / 'labels.csv').write_text('\n'.join([heading, *rows]) + '\n')
    for number in range(1, len(rows) + 1):
        picture(folder / f'val/{number}.jpg')
    return {'data_root': str(folder), 'ann_file': 'labels.csv'}


def reported(dataset: Table) -> str:
    problems = Problems(Path(dataset.ann_file))
    dataset.read(problems)
    return problems.summary() or ''


def test_fairface_labels(tmp_path: Path) -> None:
    found = FairFaceDataset(**fairface(tmp_path, 'val/1.jpg,3-9,Male,Latino_Hispanic,False', 'val/2.jpg,,Female,,True'))
    first, second = (found.get_data_info(i)['gt_attributes'] for i in range(2))
    assert first == {'race': 2, 'gender': 0, 'age': 1}
    assert second == {'race': -1, 'gender': 1, 'age': -1}, 'empty labels are not known'


def test_what_is_wrong_is_told_with_file_and_line(tmp_path: Path) -> None:
    found = FairFaceDataset(
        **fairface(
            tmp_path,
            'val/1.jpg,03-Sep,Male,White,True',
            'val/2.jpg,Oct-19,Female,Martian,True',
            'val/3.jpg,20-29,Male',
            'val/4.jpg,20-29,Male,White,True',
        )
    )
    assert len(found) == 3
    text = reported(found)
    assert 'labels.csv:2: age that a spreadsheet made a date (03-Sep, perhaps 3-9)' in text
    assert 'labels.csv:3: race outside the list (Martian)' in text
    assert '2 × age that a spreadsheet made a date' in text and '3 columns instead of 5' in text
    labels = [found.get_data_info(i)['gt_attributes'] for i in range(3)]
    assert labels[0] == {'race': 0, 'gender': 0, 'age': -1}, 'the other labels of the line are used'


def test_wrong_heading(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"labels.csv:1: the heading is 'file,years,gender,race'.*'age' is not there"):
        FairFaceDataset(**fairface(tmp_path, 'val/1.jpg,3-9,Male,White', heading='file,years,gender,race'))


def test_real_fairface_and_utkface_files(test_data: Path) -> None:
    found = FairFaceDataset(str(test_data / 'fairface'), 'fairface_label_val.csv')
    assert len(found) == 1600
    parts = [FairFaceDataset(str(test_data / 'fairface'), 'fairface_label_val.csv', part=p) for p in ('train', 'val')]
    names = [{part.get_data_info(i)['img_id'] for i in range(len(part))} for part in parts]
    assert not names[0] & names[1] and len(names[0] | names[1]) == 1600
    assert len(UTKFaceDataset(str(test_data / 'utkface'))) == 500


def test_utkface_names(tmp_path: Path) -> None:
    for name in ('25_1_3_20170104.jpg.chip.jpg', '61_1_20170109142408075.jpg.chip.jpg', '200_0_0_2017.jpg'):
        picture(tmp_path / name)
    found = UTKFaceDataset(str(tmp_path))
    assert [found.get_data_info(i)['gt_attributes'] for i in range(len(found))] == [
        {'age': 25.0, 'gender': 1, 'race': 3}
    ]


def test_rafdb_list(tmp_path: Path) -> None:
    for name in ('train_00001', 'test_0001'):
        picture(tmp_path / 'aligned' / f'{name}_aligned.jpg')
    (tmp_path / 'list.txt').write_text('train_00001.jpg 5\ntest_0001.jpg 1\ntest_0002.jpg 9\n')
    found = ListedEmotionDataset(str(tmp_path), 'list.txt', prefix='test')
    assert [found.get_data_info(i)['gt_attributes'] for i in range(len(found))] == [{'emotion': 0}]


def test_affectnet_table(tmp_path: Path) -> None:
    for name in 'ab':
        picture(tmp_path / f'{name}.jpg')
    rows = ['subDirectory_filePath,expression,valence,arousal', 'a.jpg,1,0.5,-2', 'b.jpg,10,0,0']
    (tmp_path / 't.csv').write_text('\n'.join(rows))
    found = AffectNetDataset(str(tmp_path), 't.csv')
    labels = found.get_data_info(0)['gt_attributes']
    assert len(found) == 1 and labels['emotion'] == 1 and labels['valence'] == 0.5
    assert labels['arousal'] != labels['arousal'], 'minus two: there is none'


def test_celeba_list(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    picture(tmp_path / 'img_align_celeba/1.jpg')
    (tmp_path / 'list.txt').write_text('2\nSmiling Young\n1.jpg -1 1\n2.jpg -1\n')
    with caplog.at_level(logging.WARNING):
        found = CelebAAttributesDataset(str(tmp_path), 'list.txt')
    assert found.get_data_info(0)['gt_attributes']['attributes'].tolist() == [0, 1]
