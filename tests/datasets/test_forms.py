"""Every annotation form holds what it can, says what it cannot, and takes no line on trust."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceresearch.datasets.parsers import FaceAnnotations
from faceresearch.datasets.parsers.coco import read_coco
from faceresearch.datasets.parsers.forms import FORMS, WRITABLE, add_sizes, fit_to_form, read_form, write_form
from faceresearch.datasets.parsers.yolo import read_yolo, write_yolo
from faceresearch.errors import UserError


def write(path: Path, form: str, annotations: list[FaceAnnotations]) -> Counter[str]:
    lost: Counter[str] = Counter()
    write_form(path, [fit_to_form(item, form, lost) for item in annotations], form)
    return Counter({key: count for key, count in lost.items() if count})


def read(path: Path, form: str, images: Path) -> list[FaceAnnotations]:
    annotations, problems = read_form(path, form, images)
    assert problems.summary() is None
    return sorted(annotations, key=lambda item: item.name)


def real_annotations(root: Path, split: str) -> list[FaceAnnotations]:
    """The boxes and ignore regions of the real images; landmarks are made up, since the files have none."""
    images = root / f'WIDER_{split}' / 'images'
    annotations, problems = read_form(root / 'wider_face_split' / f'wider_face_{split}.mat')
    on_disk = [item for item in annotations if (images / item.name).is_file()]
    annotations = sorted(add_sizes(on_disk, images, problems), key=lambda item: item.name)
    rng = np.random.default_rng(0)
    for item in annotations:
        height, width = item.size
        count = len(item.bboxes)
        item.visible = np.repeat((rng.random(count) < 0.7)[:, None] & ~item.ignore[:, None], 5, axis=1)
        points = item.bboxes[:, None, :2] + rng.random((count, 5, 2)) * (
            item.bboxes[:, None, 2:] - item.bboxes[:, None, :2]
        )
        points = np.clip(points, 0, (width, height)).round(3)
        item.keypoints = np.where(item.visible[:, :, None], points, 0)
    return annotations


def check_same(back: list[FaceAnnotations], before: list[FaceAnnotations], forms: tuple[str, ...]) -> None:
    """What came back through some forms is what all of them can hold."""
    drops_ignored = any(not FORMS[form].ignore for form in forms)
    drops_points = any(FORMS[form].points == 'none' for form in forms)
    assert [item.name for item in back] == [item.name for item in before]
    for old, new in zip(before, back):
        keep = ~old.ignore if drops_ignored else np.ones(len(old.ignore), bool)
        # Not only to 1e-6 of a pixel: whole numbers and short decimals come back as they were.
        np.testing.assert_array_equal(new.bboxes, old.bboxes[keep])
        np.testing.assert_array_equal(new.ignore, old.ignore[keep])
        visible = np.zeros_like(old.visible) if drops_points else old.visible
        np.testing.assert_array_equal(new.visible, visible[keep])
        np.testing.assert_array_equal(new.keypoints, np.where(visible[:, :, None], old.keypoints, 0)[keep])


@pytest.mark.parametrize(
    ('split', 'step'),
    [('val', 20), pytest.param('train', 1, marks=pytest.mark.slow), pytest.param('val', 1, marks=pytest.mark.slow)],
)
def test_real_images_through_every_pair_of_forms_and_back(
    test_data: Path, tmp_path: Path, split: str, step: int
) -> None:
    images = test_data / 'widerface' / f'WIDER_{split}' / 'images'
    before = real_annotations(test_data / 'widerface', split)
    sizes = {item.name: item.size for item in before}

    def through(form: str, annotations: list[FaceAnnotations]) -> list[FaceAnnotations]:
        write(tmp_path / form, form, annotations)
        back = read(tmp_path / form, form, images)
        assert all(item.size in (None, sizes[item.name]) for item in back)
        shutil.rmtree(tmp_path / form) if (tmp_path / form).is_dir() else (tmp_path / form).unlink()
        return [replace(item, size=sizes[item.name]) for item in back]

    assert len(before) == 221
    # Of some, those with regions to ignore come first.
    before = sorted(sorted(before, key=lambda item: not item.ignore.any())[::step], key=lambda item: item.name)
    assert any(item.ignore.any() for item in before)
    first = {form: through(form, before) for form in WRITABLE}
    for one, other in product(WRITABLE, WRITABLE):
        there = through(other, first[one])
        check_same(there, before, (one, other))
        check_same(through(one, there), before, (one, other))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name, (height, width) in {'e/a.jpg': (97, 131), 'e/b.png': (64, 48), 'f/none.jpg': (10, 10)}.items():
        (tmp_path / 'images' / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / 'images' / name), np.zeros((height, width, 3), np.uint8))
    return tmp_path / 'images'


def example() -> list[FaceAnnotations]:
    """Numbers with many digits, a face with some of its points, one at the border, a region to ignore."""
    boxes = np.array([[1 / 3, 2.1, 50.7, 61 / 7], [-5.5, 3, 20.25, 40], [10, 10, 30, 30]], np.float64)
    points = np.random.default_rng(1).uniform(1, 40, (3, 5, 2))
    visible = np.array([[True] * 5, [True, False, True, True, False], [False] * 5])
    extras = {
        'attributes': np.array([[1, 0, 1, 0, 2, 1], [0, 0, 0, 0, 0, 0], [2, 0, 0, 1, 0, 0]], float),
        'quality': np.array([0.82, np.nan, 0.5]),
        'point_flags': np.array([[0, 1, 0, 0, 1], [np.nan] * 5, [np.nan] * 5]),
        'hidden': np.array([[np.nan, 1, np.nan, np.nan, np.nan], [np.nan] * 5, [np.nan] * 5]),
    }
    points = np.where(visible[:, :, None], points, 0)
    a = FaceAnnotations('e/a.jpg', boxes, np.array([False, False, True]), points, visible, (97, 131), 1, extras)
    none = (np.zeros((0, 4)), np.zeros(0, bool), np.zeros((0, 5, 2)), np.zeros((0, 5), bool))
    return [a, FaceAnnotations('e/b.png', *none, (64, 48)), FaceAnnotations('f/none.jpg', *none, (10, 10))]


def test_coco_holds_everything(tmp_path: Path, images: Path) -> None:
    assert write(tmp_path / 'a.json', 'coco', example()) == Counter()
    back, problems = read_coco(tmp_path / 'a.json')
    assert problems.summary() is None
    assert [(item.name, item.size) for item in back] == [(item.name, item.size) for item in example()]
    a, before = back[0], example()[0]
    for key in ('bboxes', 'ignore', 'keypoints', 'visible'):
        np.testing.assert_array_equal(getattr(a, key), getattr(before, key))
    assert a.extras.keys() == before.extras.keys()
    for key, values in before.extras.items():
        np.testing.assert_array_equal(a.extras[key], values)
    written = json.loads((tmp_path / 'a.json').read_text())
    assert written['annotations'][1]['keypoints'][3:6] == [0, 0, 0] and written['annotations'][1]['num_keypoints'] == 3
    assert written['annotations'][2]['iscrowd'] == 1


@pytest.mark.parametrize(
    ('form', 'lost'),
    [
        (
            'official',
            {
                "faces' landmarks": 2,
                "faces' quality scores": 2,
                "faces' flags of points": 1,
                "faces' marks of hidden points": 1,
            },
        ),
        (
            'retinaface',
            {
                'regions to ignore (left out)': 1,
                "faces' landmarks": 1,
                "faces' WIDER attributes": 2,
                "faces' marks of hidden points": 1,
            },
        ),
        ('scrfd', {"faces' WIDER attributes": 3, "faces' quality scores": 2, "faces' marks of hidden points": 1}),
        (
            'yolo_pose',
            {
                'regions to ignore (left out)': 1,
                "faces' WIDER attributes": 2,
                "faces' quality scores": 1,
                "faces' flags of points": 1,
            },
        ),
    ],
)
def test_what_a_form_cannot_hold_is_counted(tmp_path: Path, images: Path, form: str, lost: dict[str, int]) -> None:
    assert write(tmp_path / 'out', form, example()) == lost
    back = read(tmp_path / 'out', form, images)
    keep = [0, 1] if 'regions to ignore (left out)' in lost else [0, 1, 2]
    np.testing.assert_allclose(back[0].bboxes, example()[0].bboxes[keep], atol=1e-6)
    if form == 'scrfd':
        np.testing.assert_array_equal(back[0].visible, example()[0].visible)
        np.testing.assert_array_equal(back[0].keypoints, example()[0].keypoints)
        np.testing.assert_array_equal(back[0].extras['point_flags'][0], [0, 1, 0, 0, 1])
    if form == 'official':
        np.testing.assert_array_equal(back[0].extras['attributes'], example()[0].extras['attributes'])


def test_ignored_regions_become_faces_only_when_asked_for() -> None:
    lost: Counter[str] = Counter()
    item = fit_to_form(example()[0], 'yolo_face', lost, keep_ignored=True)
    assert len(item.bboxes) == 3 and not item.ignore.any() and lost['regions to ignore (now faces)'] == 1
    assert example()[0].ignore.any()


def test_yolo_forms_by_hand(tmp_path: Path, images: Path) -> None:
    # Image 131 wide, 97 high; face 20 wide, 40 high around (65.5, 48.5), points at multiples of a tenth of the sides.
    labels = tmp_path / 'labels' / 'e'
    labels.mkdir(parents=True)
    box = f'0 0.5 0.5 {20 / 131!r} {40 / 97!r}'
    (labels / 'a.txt').write_text(f'{box} .1 .2 .2 .2 -1 -1 -0.007 .5 .4 .4\n{box}\n')
    (labels / 'b.txt').write_text('')
    annotations, problems = read_yolo(tmp_path / 'labels', images, 'yolo_face')
    assert problems.summary() is None
    a, b = annotations
    assert (a.name, a.size, b.name, len(b.bboxes)) == ('e/a.jpg', (97, 131), 'e/b.png', 0)
    np.testing.assert_allclose(a.bboxes, [[55.5, 28.5, 75.5, 68.5]] * 2, atol=1e-6)
    assert a.visible.tolist() == [[True, True, False, False, True], [False] * 5]
    np.testing.assert_allclose(a.keypoints[0, [0, 4]], [[13.1, 19.4], [52.4, 38.8]], atol=1e-6)
    (labels / 'a.txt').write_text(f'{box} .1 .2 2 .2 .2 1 0 0 0 .3 .3 2 .4 .4 2\n')
    (a, _), problems = read_yolo(tmp_path / 'labels', images, 'yolo_pose')
    assert problems.summary() is None
    assert a.visible.tolist() == [[True, True, False, True, True]]
    assert np.flatnonzero(a.extras['hidden'][0] == 1).tolist() == [1]
    write_yolo(tmp_path / 'again', [a], 'yolo_pose')
    numbers = np.array((tmp_path / 'again' / 'e' / 'a.txt').read_text().split(), float)
    np.testing.assert_allclose(numbers[5:], [0.1, 0.2, 2, 0.2, 0.2, 1, 0, 0, 0, 0.3, 0.3, 2, 0.4, 0.4, 2], atol=1e-8)


def test_yolo_gets_nothing_that_its_loaders_refuse(tmp_path: Path, images: Path) -> None:
    item = example()[0]
    item.bboxes = np.array([[-30, 5, 10, 20], [-5.5, 3, 20.25, 40], [-20, -20, 200, 120]], np.float64)
    item.ignore[:] = False
    item.visible[:] = True
    item.keypoints[:] = 5
    item.keypoints[0, 1] = [-1, 4]
    item.keypoints[1, 2] = [131.5, 4]
    lost = write(tmp_path / 'out', 'yolo_face', [item])
    assert lost['parts of boxes outside the image'] == 2 and lost['points outside the image'] == 2
    rows = np.loadtxt(tmp_path / 'out' / 'e' / 'a.txt')
    assert (rows[:, :5] >= 0).all() and (rows <= 1).all()
    (back,) = read(tmp_path / 'out', 'yolo_face', images)
    np.testing.assert_allclose(back.bboxes, [[0, 5, 10, 20], [-5.5, 3, 20.25, 40], [0, 0, 131, 97]], atol=1e-6)
    assert (~back.visible).nonzero()[0].tolist() == [0, 1]


def test_malformed_yolo_lines(tmp_path: Path, images: Path) -> None:
    labels = tmp_path / 'labels' / 'e'
    labels.mkdir(parents=True)
    (labels / 'a.txt').write_text(
        '0 .5 .5 .1\n0 .5 .5 .1 .1\nx .5 .5 .1 .1\n1 .5 .5 .1 .1\n0 65 48 20 40\n0 .5 .5 0 .1\n0 nan .5 .1 .1\n'
    )
    (labels / 'b.txt').write_text('\n\n0 .5 .5 .1 .1 1\n')
    (labels / 'gone.txt').write_text('0 .5 .5 .1 .1\n')
    (images / 'e' / 'bad.jpg').write_bytes(b'not an image')
    (labels / 'bad.txt').write_text('0 .5 .5 .1 .1\n')
    (a, b), problems = read_yolo(tmp_path / 'labels', images, 'yolo_face')
    assert len(a.bboxes) == 1 and len(b.bboxes) == 0
    assert problems.counts == {
        'malformed line': 3,
        'class other than 0': 1,
        'box not divided by the image size': 1,
        'box without width or height': 1,
        'box not finite': 1,
        'label file without image': 1,
        'image cannot be read': 1,
    }
    assert 'First: e/a.txt:1: malformed line (4 columns); e/a.txt:3: malformed line' in problems.summary()


def test_malformed_coco_entries_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / 'a.json'
    path.write_text(
        '{"categories": [{"id": 3, "name": "face"}, {"id": 4, "name": "cat"}],\n'
        '"annotations": [\n'
        '{"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "keypoints": [1, 2, 2]},\n'
        '{"image_id": 1, "category_id": 3, "bbox": [1, 2, 3]},\n'
        '{"image_id": 1, "category_id": 4, "bbox": [5, 5, 3, 3]},\n'
        '{"image_id": 9, "category_id": 3, "bbox": [1, 2, 3, 4]},\n'
        '{"image_id": 1, "category_id": 3, "bbox": [1, 2, NaN, 4]},\n'
        '{"image_id": 1, "category_id": 3, "bbox": [1, 2, 1' + '0' * 400 + ', 4]},\n'
        '{"image_id": 1, "category_id": 3, "bbox": [1, 2, 0, 4]},\n'
        '{"image_id": [], "bbox": [1, 2, 0, 4]}, "x"],\n'
        '"images": [{"id": 1, "file_name": "a.jpg", "height": 9, "width": -1},\n{"id": 2, "file_name": "../a.jpg"},\n'
        '{"id": 1, "file_name": "b.jpg"}, {"id": 4}]}'
    )
    (item,), problems = read_coco(path)
    assert item.bboxes.tolist() == [[1, 2, 4, 6]] and item.size is None and not item.visible.any()
    assert problems.counts == {
        'malformed keypoints': 1,
        'malformed annotation': 4,
        'annotation of an unknown image': 1,
        'box not finite': 1,
        'box without width or height': 1,
        'path leaves the image folder': 1,
        'image listed again': 1,
        'image without id or file_name': 1,
    }
    assert problems.examples[0].startswith('a.json:12: path leaves') and problems.examples[1].startswith('a.json:13:')


@pytest.mark.parametrize(
    ('text', 'match'),
    [
        ('', r'a\.json:1: not JSON'),
        ('{"images": [],\n"annotations": [{]}', r'a\.json:2: not JSON'),
        ('{"images": [1,]}', 'after a comma'),
        ('[]', 'not JSON'),
        ('{"images": {}, "annotations": []}', "the list 'images' is missing"),
        ('{"images": []}', "the list 'annotations' is missing"),
        ('{"a":' + '[' * 100000, 'not JSON that can be read'),
        (
            '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]}',
            'say which',
        ),
    ],
)
def test_files_that_are_not_coco(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(UserError, match=match):
        read_coco(tmp_path / 'a.json')


def test_categories_of_a_coco_file(tmp_path: Path) -> None:
    content = {
        'images': [{'id': 'x', 'file_name': 'a.jpg'}],
        'annotations': [{'image_id': 'x', 'category_id': c, 'bbox': [c, 1, 2, 3], 'ignore': c == 2} for c in (1, 2, 3)],
        'categories': [{'id': 1, 'name': 'head'}, {'id': 2, 'name': 'anime face'}, {'id': 3, 'name': 'cat'}],
    }
    (tmp_path / 'a.json').write_text(json.dumps(content))
    (item,), _ = read_coco(tmp_path / 'a.json', categories=['head', 'anime face'])
    assert item.bboxes[:, 0].tolist() == [1, 2] and item.ignore.tolist() == [False, True]
    with pytest.raises(UserError, match="no category 'dog'"):
        read_coco(tmp_path / 'a.json', categories=['dog'])


def test_errors_about_folders_and_sizes(tmp_path: Path, images: Path) -> None:
    with pytest.raises(UserError, match='yolo_face or yolo_pose'):
        read_form(images)
    with pytest.raises(UserError, match='--images'):
        read_form(images, 'yolo_face')
    with pytest.raises(UserError, match='no such folder'):
        read_form(tmp_path / 'absent', 'yolo_face', images)
    with pytest.raises(UserError, match="Did you mean 'yolo_face'"):
        read_form(images, 'yolo_fce', images)
    with pytest.raises(UserError, match='none of 0 label files'):
        read_form(images, 'yolo_face', images)
    with pytest.raises(UserError, match='not an empty folder'):
        write_yolo(images, example(), 'yolo_face')
    (images / 'e' / 'a.png').write_bytes((images / 'e' / 'b.png').read_bytes())
    with pytest.raises(UserError, match='share one label file'):
        read_form(images, 'yolo_face', images)


def test_a_failed_conversion_leaves_nothing_behind(tmp_path: Path) -> None:
    twins = [*example(), *example()]
    twins[3].name = 'e/a.png'
    with pytest.raises(UserError, match='same name but for its suffix'):
        write_yolo(tmp_path / 'labels', twins, 'yolo_pose')
    assert list(tmp_path.iterdir()) == []
