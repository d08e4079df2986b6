"""FER2013 and FER+: images out of the csv file, votes by their authors' rules, and what is reported with file and line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceresearch.datasets import AffectNetDataset, FairFaceDataset, FER2013Dataset, FERPlusDataset, UTKFaceDataset
from faceresearch.datasets.attribute_labels import ORDERS, order_map
from faceresearch.datasets.fer_sets import count_votes, whole_number
from faceresearch.datasets.parsers.annotations import Problems
from faceresearch.errors import UserError
from tests.datasets.test_attribute_sets import picture

PIXELS = np.arange(48 * 48) % 251
TEXT = ' '.join(map(str, PIXELS))
HEADING = 'emotion,pixels,Usage'
VOTES = 'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF'


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text('\n'.join(lines) + '\n')


def reported(dataset: FER2013Dataset) -> str:
    problems = Problems(Path(dataset.ann_file))
    dataset.read(problems)
    return problems.summary() or ''


def test_an_image_is_what_its_row_says(tmp_path: Path) -> None:
    write(tmp_path, 'fer2013.csv', HEADING, f'3,{TEXT},Training', f'6.0,{TEXT},PrivateTest')
    found = FER2013Dataset(str(tmp_path), usage='Training', pipeline=[{'type': 'LoadImage'}])
    assert len(found) == 1
    sample = found[0]
    assert sample['gt_attributes'] == {'emotion': 3} and ORDERS['fer2013/emotion'][3] == 'happy'
    assert sample['img'].shape == (48, 48, 3) and sample['img'].dtype == np.uint8
    np.testing.assert_array_equal(sample['img'][..., 1], PIXELS.reshape(48, 48))
    assert len(FER2013Dataset(str(tmp_path))) == 2


def test_damaged_rows_are_told_with_file_and_line(tmp_path: Path) -> None:
    rows = [f'9,{TEXT},Training', f'3,{TEXT} 7,Training', f'3,{TEXT[:-3]}300,Training', f'03-Sep,{TEXT},Training']
    write(tmp_path, 'fer2013.csv', HEADING, *rows, f'3,{TEXT},Test', '3,1 2', f'2,{TEXT},Training')
    found = FER2013Dataset(str(tmp_path))
    assert len(found) == 1 and found.get_data_info(0)['gt_attributes'] == {'emotion': 2}
    text = reported(found)
    assert 'fer2013.csv:2: emotion outside the list (9)' in text and '2 × emotion outside the list' in text
    assert 'fer2013.csv:3: pixels are no 48 x 48 values from 0 to 255' in text and '2 × pixels are no' in text
    assert '1 × usage outside the list' in text and '1 × 2 columns instead of 3' in text


def test_wrong_files(tmp_path: Path) -> None:
    write(tmp_path, 'fer2013.csv', 'emotion;pixels;Usage', f'3;{TEXT};Training')
    with pytest.raises(UserError, match=r"fer2013.csv:1: the heading is 'emotion;pixels;Usage': column 'emotion'"):
        FER2013Dataset(str(tmp_path))
    (tmp_path / 'fer2013.csv').write_bytes(b'\xff\xd8' + bytes(100))
    with pytest.raises(UserError, match='not a text file'):
        FER2013Dataset(str(tmp_path))
    with pytest.raises(UserError, match=r'put FER2013 under .* from kaggle\.com'):
        FER2013Dataset(str(tmp_path / 'none'))
    with pytest.raises(UserError, match=r"usage=\['Test'\]: use Training, PublicTest, PrivateTest"):
        FER2013Dataset(str(tmp_path), usage='Test')  # type: ignore[arg-type]


def test_numbers_of_spreadsheets() -> None:
    assert [whole_number(text) for text in ('7', ' 7.0', '7.5', '-1', '', '1e2', '²')] == [7, 7, *[None] * 5]


#: Votes, and what microsoft/FERPlus makes of them: the majority's class, and shares.
CASES = [
    ([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], 0, {0: 0.6, 1: 0.4}),
    # A single vote does not count: four of seven, and all of the rest.
    ([4, 3, 1, 1, 1, 0, 0, 0, 0, 0], 0, {0: 4 / 7, 1: 3 / 7}),
    # Five of ten are not more than half; but eight of ten are three quarters.
    ([5, 3, 2, 0, 0, 0, 0, 0, 0, 0], None, {0: 5 / 8, 1: 3 / 8}),
    # Equal votes are taken together; four emotions are too many.
    ([2, 2, 2, 2, 2, 0, 0, 0, 0, 0], None, None),
    ([4, 0, 0, 2, 2, 0, 0, 0, 2, 0], None, {0: 0.5, 3: 0.25, 4: 0.25}),
    # Most do not know, or see no face.
    ([2, 0, 0, 0, 0, 0, 0, 0, 8, 0], None, None),
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 10], None, None),
    ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], None, None),
    # As many know as do not know: what is known so far counts, five of ten are too few.
    ([5, 0, 0, 0, 0, 0, 0, 0, 5, 0], None, None),
]


@pytest.mark.parametrize(('votes', 'majority', 'shares'), CASES)
def test_votes(votes: list[int], majority: int | None, shares: dict[int, float] | None) -> None:
    found = count_votes(np.array(votes), 'majority')
    assert (None if found is None else int(found.argmax())) == majority
    spread = count_votes(np.array(votes), 'distribution')
    if shares is None:
        assert spread is None
    else:
        assert spread is not None
        np.testing.assert_allclose(spread, [shares.get(number, 0) for number in range(8)])


def test_ferplus_goes_with_fer2013_row_by_row(tmp_path: Path) -> None:
    write(tmp_path, 'fer2013.csv', HEADING, *[f'0,{TEXT},Training'] * 3, f'0,{TEXT},PublicTest')
    rows = ['Training,fer0.png,0,0,7,3,0,0,0,0,0,0', 'Training,,0,0,0,0,0,0,0,0,0,10', 'Training,fer2.png,x,,,,,,,,,']
    write(tmp_path, 'fer2013new.csv', VOTES, *rows, 'PublicTest,fer3.png,10,0,0,0,0,0,0,0,0,0')
    found = FERPlusDataset(str(tmp_path), usage='Training', pipeline=[{'type': 'LoadImage'}])
    assert 'fer2013new.csv:4: votes missing or no numbers' in reported(found)
    assert len(found) == 1 and found[0]['gt_attributes'] == {'emotion': 2}
    assert ORDERS['ferplus/emotion'][2] == 'surprise'
    np.testing.assert_array_equal(found[0]['img'][..., 0], PIXELS.reshape(48, 48))
    shares = FERPlusDataset(str(tmp_path), usage='Training', votes='distribution')
    np.testing.assert_allclose(shares.get_data_info(0)['gt_attributes']['emotion'], [0, 0, 0.7, 0.3, 0, 0, 0, 0])
    write(tmp_path, 'fer2013new.csv', VOTES, *rows)
    with pytest.raises(
        UserError, match=r'fer2013new.csv:end does not go with .*fer2013.csv:5: both need the same rows'
    ):
        FERPlusDataset(str(tmp_path))
    write(tmp_path, 'fer2013new.csv', VOTES, 'Training,fer0.png,1,2', *rows, 'PublicTest,,0,0,0,0,0,0,0,0,0,10')
    with pytest.raises(UserError, match='4 columns instead of 12'):
        FERPlusDataset(str(tmp_path))
    (tmp_path / 'fer2013.csv').unlink()
    with pytest.raises(UserError, match=r'FER\+ has only the votes: put fer2013.csv there, from kaggle.com'):
        FERPlusDataset(str(tmp_path))


def test_labels_in_another_order(tmp_path: Path) -> None:
    rows = ['image,expression']
    for number in (6, 7, 0):
        picture(tmp_path / f'{number}.jpg')
        rows.append(f'{number}.jpg,{number}')
    write(tmp_path, 't.csv', *rows)
    relabel = {'emotion': ('affectnet8/emotion', 'hsemotion/emotion')}
    found = AffectNetDataset(str(tmp_path), 't.csv', relabel=relabel)
    names = [ORDERS['hsemotion/emotion'][found.get_data_info(i)['gt_attributes']['emotion']] for i in range(3)]
    assert names == ['angry', 'contempt', 'neutral']
    seven = AffectNetDataset(str(tmp_path), 't.csv', relabel={'emotion': ('affectnet8/emotion', 'affectnet7/emotion')})
    assert [seven.get_data_info(i)['gt_attributes']['emotion'] for i in range(len(seven))] == [6, 0]


def test_votes_in_another_order(tmp_path: Path) -> None:
    write(tmp_path, 'fer2013.csv', HEADING, f'0,{TEXT},Training')
    write(tmp_path, 'fer2013new.csv', VOTES, 'Training,fer0.png,0,0,0,0,6,0,0,4,0,0')
    relabel = {'emotion': ('ferplus/emotion', 'fer2013/emotion')}
    found = FERPlusDataset(str(tmp_path), votes='distribution', relabel=relabel)
    shares = found.get_data_info(0)['gt_attributes']['emotion']
    np.testing.assert_allclose(
        shares, [1, 0, 0, 0, 0, 0, 0], err_msg='contempt is none of the seven; anger is the first'
    )


def test_merged_classes_and_limits(tmp_path: Path) -> None:
    for name in ('val/1.jpg', 'val/2.jpg'):
        picture(tmp_path / name)
    write(tmp_path, 'l.csv', 'file,age,gender,race', 'val/1.jpg,3-9,Male,Southeast Asian', 'val/2.jpg,3-9,Male,White')
    merged = {'East Asian': 'asian', 'Southeast Asian': 'asian'}
    found = FairFaceDataset(
        str(tmp_path),
        'l.csv',
        relabel={'race': ('fairface/race', 'deepface/race', merged), 'gender': ('fairface/gender', 'deepface/gender')},
    )
    assert [found.get_data_info(i)['gt_attributes']['race'] for i in range(2)] == [0, 3]
    assert ORDERS['deepface/gender'][found.get_data_info(0)['gt_attributes']['gender']] == 'Man'
    with pytest.raises(UserError, match='cannot become'):
        order_map('fairface/race', 'deepface/race', {'Martian': 'asian'})
    for name in ('30_1_0_2017.jpg', '110_1_0_2017.jpg'):
        picture(tmp_path / 'utk' / name)
    ages = UTKFaceDataset(str(tmp_path / 'utk'), limits={'age': (0, 100)})
    labels = sorted(
        (ages.get_data_info(i)['gt_attributes'] for i in range(2)), key=lambda row: row['age'] == row['age']
    )
    assert labels[0]['age'] != labels[0]['age'] and labels[0]['gender'] == 1 and labels[1]['age'] == 30
