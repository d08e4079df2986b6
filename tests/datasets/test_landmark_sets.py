"""Landmark data sets: official forms, what is wrong with files, real annotations."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mmengine.logging import MMLogger

from faceresearch.datasets import (
    CocoLandmarkDataset,
    DlibXmlDataset,
    IBUG300WDataset,
    JoinedLandmarks,
    PointFilesDataset,
    PointsCsvDataset,
    WFLWDataset,
)
from faceresearch.errors import UserError

#: Five points and no symmetry: a scheme of a user's own.
MINE = {
    'name': 'mine',
    'dataset_name': 'mine',
    'lines': {'nose': ((0, 1, 2),)},
    'flip_indices': (0, 2, 1),
    'five': ((0,), (1,), (2,), (0,), (0,)),
    'eye_corners': (1, 2),
}


def image(path: Path, size: tuple[int, int] = (100, 120)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((*size, 3), np.uint8))
    return path


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Any:
    """What is logged as a warning, joined."""
    logger = MMLogger.get_instance('test_landmarks')
    logger.addHandler(caplog.handler)
    yield lambda: '\n'.join(record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
    logger.removeHandler(caplog.handler)


def pts(points: np.ndarray) -> str:
    rows = '\n'.join(f'{x:.3f} {y:.3f}' for x, y in points)
    return f'version: 1\nn_points:  {len(points)}\n{{\n{rows}\n}}\n'


class TestPts:
    def test_points_count_from_one_and_splits_are_folders(self, tmp_path: Path) -> None:
        points = np.random.default_rng(0).uniform(10, 90, (68, 2)).round(3)
        for name in ('helen/testset/a', 'lfpw/testset/b', 'ibug/c'):
            image(tmp_path / f'{name}.jpg')
            (tmp_path / f'{name}.pts').write_text(pts(points))
        (tmp_path / 'ibug/c_mirror.pts').write_text(pts(points))
        dataset = IBUG300WDataset(str(tmp_path), split='full')
        assert [dataset.get_data_info(i)['subsets'] for i in range(3)] == [['common'], ['common'], ['challenge']]
        sample = dataset.get_data_info(2)
        assert sample['img_id'] == 'ibug/c'
        assert np.allclose(sample['keypoints'][0], points - 1, atol=1e-4)
        assert np.allclose(sample['bbox'][0], [*(points - 1).min(0), *(points - 1).max(0)], atol=1e-4)
        assert len(IBUG300WDataset(str(tmp_path), split='challenge')) == 1
        with pytest.raises(UserError, match=r'300-W: .*afw does not exist; ask for 300-W'):
            IBUG300WDataset(str(tmp_path), split='train')

    def test_what_is_wrong_is_skipped_and_named(self, tmp_path: Path, warnings: Any) -> None:
        good = np.full((68, 2), 5.0) + np.arange(68)[:, None]
        bad = {'short': pts(good[:60]), 'words': pts(good).replace('6.000', 'six', 1), 'open': '{\n1 2\n'}
        for name, text in {'good': pts(good), **bad}.items():
            image(tmp_path / f'ibug/{name}.png')
            (tmp_path / f'ibug/{name}.pts').write_text(text)
        (tmp_path / 'ibug/alone.pts').write_text(pts(good))
        assert len(IBUG300WDataset(str(tmp_path), split='challenge')) == 1
        text = warnings()
        assert '1 × wrong number of points' in text
        assert '1 × malformed points' in text
        assert '1 × no points between { and }' in text
        assert '1 × image missing' in text
        assert 'ibug/alone.pts' in text


class TestWFLW:
    def write(self, root: Path, *lines: str) -> None:
        folder = root / 'WFLW_annotations/list_98pt_rect_attr_train_test'
        folder.mkdir(parents=True)
        (folder / 'list_98pt_rect_attr_test.txt').write_text('\n'.join(lines) + '\n')

    def test_a_line(self, tmp_path: Path, warnings: Any) -> None:
        points = np.random.default_rng(1).uniform(10, 90, (98, 2)).round(6)
        numbers = ' '.join(f'{v:.6f}' for v in points.flatten())
        image(tmp_path / 'WFLW_images/7--Cheering/a.jpg')
        line = f'{numbers} 8 9 95 96 1 0 0 0 1 0 7--Cheering/a.jpg'
        lines = [
            line,
            line.replace('95 96 1 0 0 0 1 0', '95 96 0 0 1 0 0 0'),
            line[20:],
            line.replace('8 9 95', '95 9 8'),
        ]
        self.write(tmp_path, *lines, line.replace('7--Cheering/a.jpg', '../a.jpg'), line.replace(numbers[:9], 'nan'))
        dataset = WFLWDataset(str(tmp_path), split='test')
        sample = dataset.get_data_info(0)
        assert sample['img_id'] == '7--Cheering/a#1'
        assert sample['subsets'] == ['largepose', 'occlusion']
        assert np.allclose(sample['keypoints'][0], points, atol=1e-4)
        assert sample['bbox'].tolist() == [[8, 9, 95, 96]]
        assert dataset.get_data_info(1)['img_id'] == '7--Cheering/a#2'
        text = warnings()
        for kind in ('malformed line', 'box without width', 'path leaves the image folder', 'points not finite'):
            assert f'1 × {kind}' in text
        assert 'test.txt:3: malformed line' in text
        assert len(WFLWDataset(str(tmp_path), split='test', subset='illumination')) == 1
        tight = WFLWDataset(str(tmp_path), split='test', box='points', box_scale=1.2).get_data_info(0)['bbox'][0]
        middle, half = (points.min(0) + points.max(0)) / 2, 0.6 * (points.max(0) - points.min(0))
        assert np.allclose(tight, [*(middle - half), *(middle + half)], atol=1e-4)

    def test_other_schemes(self, tmp_path: Path) -> None:
        points = np.random.default_rng(1).uniform(10, 90, (98, 2)).round(6)
        image(tmp_path / 'WFLW_images/a.jpg')
        self.write(tmp_path, ' '.join(f'{v:.6f}' for v in points.flatten()) + ' 8 9 95 96 0 0 0 0 0 0 a.jpg')
        dataset = WFLWDataset(str(tmp_path), split='test', convert_to='300w68')
        sample = dataset.get_data_info(0)
        assert sample['keypoints'].shape == (1, 68, 2)
        assert np.allclose(sample['keypoints'][0, [0, 8, 36, 45, 48]], points[[0, 16, 60, 72, 76]], atol=1e-4)
        assert dataset.metainfo['dataset_name'] == sample['dataset_name'] == '300w'
        assert len(sample['flip_indices']) == 68


class TestPointFiles:
    def test_lapa_and_jd(self, tmp_path: Path, warnings: Any) -> None:
        points = np.random.default_rng(2).uniform(10, 90, (106, 2)).round(3)
        text = '106\n' + '\n'.join(f'{x} {y}' for x, y in points) + '\n'
        for name in ('a', 'b', 'c'):
            image(tmp_path / f'images/{name}.jpg')
            (tmp_path / f'landmarks/{name}.txt').parent.mkdir(exist_ok=True)
            (tmp_path / f'landmarks/{name}.txt').write_text(text if name != 'c' else text.replace('106', '105', 1))
        (tmp_path / 'landmarks/d.txt').write_text(text)
        dataset = PointFilesDataset(str(tmp_path))
        assert len(dataset) == 2
        assert '1 × malformed points' in warnings()
        assert '1 × image missing' in warnings()
        assert np.allclose(dataset.get_data_info(1)['keypoints'][0], points, atol=1e-4)
        (tmp_path / 'rect').mkdir()
        (tmp_path / 'rect/a.rect').write_text('5 6 90 95\n')
        boxed = PointFilesDataset(str(tmp_path), rect_dir='rect')
        assert [boxed.get_data_info(i)['bbox'].tolist() for i in range(len(boxed))] == [[[5, 6, 90, 95]]]
        order = PointFilesDataset(str(tmp_path), convert_to='insightface106').get_data_info(0)['keypoints'][0]
        assert np.allclose(order[[0, 34, 88]], points[[16, 104, 105]], atol=1e-4)


class TestXml:
    def test_real_file(self, shared_dir: Path) -> None:
        root = str(shared_dir / 'data/landmarks/dlib_faces')
        faces = [DlibXmlDataset(root, f'{part}_with_face_landmarks.xml') for part in ('training', 'testing')]
        assert sum(map(len, faces)) == 43
        sample = faces[1].get_data_info(0)
        assert sample['bbox'].tolist() == [[274, 181, 326, 234]]
        assert sample['keypoints'][0, :2].tolist() == [[277, 194], [278, 200]]
        assert sample['img_id'] == '2008_002470#1'

    def test_what_is_wrong(self, tmp_path: Path, warnings: Any) -> None:
        image(tmp_path / 'a.jpg')
        parts = ''.join(f"<part name='{n}' x='{10 + n}' y='{20 + n}'/>" for n in range(3))
        renumbered = parts.replace("name='1'", "name='7'")
        boxes = [
            f"<box top='10' left='10' width='30' height='30'>{parts}</box>",
            f"<box top='10' left='10' width='30' height='30' ignore='1'>{parts}</box>",
            "<box top='10' left='10' width='30' height='30'/>",
            f"<box top='300' left='10' width='30' height='30'>{parts}</box>",
            f"<box top='10' left='x' width='30' height='30'>{parts}</box>",
            f"<box top='10' left='10' width='30' height='30'>{renumbered}</box>",
        ]
        body = '\n'.join(boxes)
        path = tmp_path / 'faces.xml'
        path.write_text(
            f"<dataset><images>\n<image file='a.jpg' width='120' height='100'>\n{body}</image></images></dataset>"
        )
        dataset = DlibXmlDataset(str(tmp_path), 'faces.xml', scheme=MINE)
        assert len(dataset) == 1
        text = warnings()
        assert '1 × box outside its image' in text
        assert '1 × box not finite' in text
        assert 'faces.xml:8: parts are not numbered from 0' in text

    def test_entities_and_damage_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / 'faces.xml'
        path.write_text('<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><dataset>&b;</dataset>')
        with pytest.raises(UserError, match='declares the entity a'):
            DlibXmlDataset(str(tmp_path), 'faces.xml')
        path.write_text('<dataset>\n<images>')
        with pytest.raises(UserError, match=r'faces\.xml:2: not XML'):
            DlibXmlDataset(str(tmp_path), 'faces.xml')
        with pytest.raises(UserError, match='does not exist; set data_root'):
            DlibXmlDataset(str(tmp_path), 'other.xml')


class TestTable:
    def test_people_are_not_split(self, shared_dir: Path) -> None:
        root = str(shared_dir / 'data/landmarks/ytf68')
        arguments: dict[str, Any] = {'ann_file': 'keypoints.csv', 'img_dir': 'images', 'groups': r'(.+)_\d+$'}
        halves = [PointsCsvDataset(root, share=share, **arguments) for share in ((0, 0.5), (0.5, 1))]
        names = [{half.get_data_info(i)['img_id'] for i in range(len(half))} for half in halves]
        assert len(names[0]) + len(names[1]) == 120
        people = [{name.rpartition('_')[0] for name in part} for part in names]
        assert not people[0] & people[1]
        assert len(people[0] | people[1]) == 83
        first = PointsCsvDataset(root, 'keypoints.csv', 'images').get_data_info(0)
        assert first['keypoints'][0, :2].tolist() == [[74, 99], [78, 121]]

    def test_rows_that_cannot_be_used(self, tmp_path: Path, warnings: Any) -> None:
        image(tmp_path / 'a.jpg')
        rows = [
            'a.jpg,1,2,30,40,50,60',
            'a.jpg,1,2,3,4,5',
            'a.jpg,1,2,x,4,5,6',
            '/etc/a.jpg,1,2,3,4,5,6',
            'a.jpg,1,2,3,4',
        ]
        (tmp_path / 'k.csv').write_text('\n'.join([',x0,y0', *rows, 'b.jpg,1,2,30,40,50,60']) + '\n')
        assert len(PointsCsvDataset(str(tmp_path), 'k.csv', scheme=MINE)) == 1
        text = warnings()
        assert '2 × malformed line' in text
        for kind in ('path leaves the image folder', 'wrong number of points', 'image missing'):
            assert f'1 × {kind}' in text
        (tmp_path / 'k.csv').write_text(',x0,y0\nb.jpg,1,2,30,40,50,60\n')
        with pytest.raises(UserError, match='none of 1 faces'):
            PointsCsvDataset(str(tmp_path), 'k.csv', scheme=MINE)


class TestCoco:
    @pytest.mark.parametrize(
        ('folder', 'scheme'),
        [('300w', '300w68'), ('wflw', 'wflw98'), ('cofw', 'cofw29'), ('aflw', 'aflw19'), ('lapa', 'lapa106')],
    )
    def test_samples_are_mmposes(self, folder: str, scheme: str, shared_dir: Path) -> None:
        """The same fields as mmpose's own data set reads from the same file."""
        from mmpose.datasets.datasets.base import BaseCocoStyleDataset

        from faceresearch.datasets.landmark_metainfo import LANDMARKS

        root = shared_dir / 'data/landmarks/mmpose_samples' / folder
        ours = CocoLandmarkDataset(str(root), f'test_{folder}.json', '', scheme=scheme)
        theirs = BaseCocoStyleDataset(
            ann_file=f'test_{folder}.json',
            data_root=str(root),
            data_prefix={'img': ''},
            metainfo=LANDMARKS[scheme].metainfo(),
        )
        assert len(ours) == len(theirs) == (4 if folder == 'wflw' else 2)
        for index in range(len(ours)):
            one, other = ours.get_data_info(index), theirs.get_data_info(index)
            assert Path(one['img_path']) == Path(other['img_path'])
            for key in ('keypoints', 'keypoints_visible', 'bbox', 'bbox_score'):
                assert np.allclose(one[key], other[key], atol=1e-3), key
                assert one[key].shape == other[key].shape
                assert one[key].dtype == other[key].dtype
            assert one['flip_indices'] == other['flip_indices']
            assert set(one) >= {'flip_pairs', 'dataset_keypoint_weights', 'skeleton_links', 'id', 'img_id'}
        if folder == 'aflw':
            assert ours.get_data_info(0)['box_size'] == 362.0

    def test_the_face_of_a_person(self, shared_dir: Path, tmp_path: Path) -> None:
        path = shared_dir / 'data/landmarks/mmpose_samples/halpe/test_halpe.json'
        content = json.loads(path.read_text(encoding='utf-8'))
        for entry in content['images']:
            image(tmp_path / entry['file_name'], (entry['height'], entry['width']))
        dataset = CocoLandmarkDataset(
            str(tmp_path),
            str(path),
            '',
            num_keypoints=136,
            keypoint_range=(26, 94),
            box='points',
            categories=['person'],
        )
        sample = dataset.get_data_info(0)
        assert sample['keypoints'].shape == (1, 68, 2)
        annotation = next(a for a in content['annotations'] if np.reshape(a['keypoints'], (-1, 3))[26:94, 2].any())
        expected = np.reshape(annotation['keypoints'], (-1, 3))[26:94]
        assert np.allclose(sample['keypoints'][0][expected[:, 2] > 0], expected[expected[:, 2] > 0, :2], atol=1e-3)


def test_joined_sets_share_one_pipeline(shared_dir: Path) -> None:
    root = shared_dir / 'data/landmarks'
    table = {'type': 'PointsCsvDataset', 'ann_file': 'keypoints.csv', 'img_dir': 'images'}
    parts = [
        {
            'type': 'DlibXmlDataset',
            'data_root': str(root / 'dlib_faces'),
            'ann_file': 'training_with_face_landmarks.xml',
        },
        {**table, 'data_root': str(root / 'ytf68')},
    ]
    pipeline = [
        {'type': 'LoadImage'},
        {'type': 'CropFace', 'size': 64, 'rotation': 20, 'flip_prob': 0.5},
        {'type': 'PackFaceInputs'},
    ]
    joined = JoinedLandmarks(parts, repeat=[2, 1], pipeline=pipeline)
    alone = DlibXmlDataset(str(root / 'dlib_faces'), 'training_with_face_landmarks.xml')
    assert len(joined) == 2 * len(alone) + 120
    assert joined.metainfo['scheme'] == '300w68'
    first, again = joined[3], joined[3 + len(joined)]
    assert first['inputs'].shape == (3, 64, 64)
    assert first['data_samples'].img_path == again['data_samples'].img_path
    # Another epoch crops otherwise; the same place of the same epoch does not.
    assert not (first['inputs'] == again['inputs']).all()
    assert (first['inputs'] == joined[3]['inputs']).all()
    with pytest.raises(UserError, match='have the schemes'):
        JoinedLandmarks([parts[0], {**parts[1], 'convert_to': 'lapa106'}])
