from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from faceresearch.datasets.parsers import FaceAnnotations, detect_format, matlab, read_annotations
from faceresearch.datasets.parsers.annotations import safe_name
from faceresearch.datasets.parsers.writers import write_annotations
from faceresearch.errors import UserError
from tests.evaluation.wider_files import write_ground_truth

OFFICIAL = """0--Parade/a.jpg
2
449 330 122 149 0 0 0 0 0 0
361 98 263 339 0 0 0 1 0 0
0--Parade/none.jpg
0
0 0 0 0 0 0 0 0 0 0
"""
RETINAFACE = """# 0--Parade/a.jpg
449 330 122 149 488.906 373.643 0.0 542.089 376.442 0.0 515.031 412.83 0.0 485.174 425.893 0.0 538.357 431.491 0.0 0.82
78 221 7 8 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 -1.0 0.2
"""
SCRFD = """# 0--Parade/a.jpg 1024 1385
449.0 330.0 571.0 479.0 488.906 373.643 0.0 542.089 376.442 1.0 515.031 412.83 0.0 -1 -1 -1 538.357 431.491 0.0
10 20 30 40 1
50 60 70 80 0
90 100 110 120
"""


def write(tmp_path: Path, text: str, name: str = 'label.txt') -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def read(tmp_path: Path, text: str, **arguments) -> tuple[list[FaceAnnotations], str | None]:
    annotations, problems = read_annotations(write(tmp_path, text), **arguments)
    return annotations, problems.summary()


def test_official_form(tmp_path):
    (first, none), summary = read(tmp_path, OFFICIAL)
    assert summary is None
    assert first.name == '0--Parade/a.jpg'
    assert first.bboxes.tolist() == [[449, 330, 571, 479], [361, 98, 624, 437]]
    assert first.ignore.tolist() == [False, True]
    assert not first.visible.any()
    assert (none.name, none.bboxes.shape, none.line) == ('0--Parade/none.jpg', (0, 4), 5)


def test_retinaface_form(tmp_path):
    (item,), summary = read(tmp_path, RETINAFACE)
    assert summary is None
    assert item.bboxes.tolist() == [[449, 330, 571, 479], [78, 221, 85, 229]]
    assert item.visible.tolist() == [[True] * 5, [False] * 5]
    assert item.keypoints[0, 0].tolist() == pytest.approx([488.906, 373.643])
    assert item.keypoints[0, 4].tolist() == pytest.approx([538.357, 431.491])
    assert (item.keypoints[1] == 0).all()


def test_scrfd_form(tmp_path):
    (item,), summary = read(tmp_path, SCRFD)
    assert summary is None
    assert item.size == (1385, 1024)
    assert item.bboxes.tolist() == [[449, 330, 571, 479], [10, 20, 30, 40], [50, 60, 70, 80], [90, 100, 110, 120]]
    assert item.ignore.tolist() == [False, True, False, False]
    # A point counts whatever its visibility says, unless it is −1, −1, −1.
    assert item.visible.tolist() == [[True, True, True, False, True], [False] * 5, [False] * 5, [False] * 5]


def test_list_of_images(tmp_path):
    annotations, summary = read(tmp_path, './0--Parade/a.jpg\n./0--Parade/b.jpg\n')
    assert [item.name for item in annotations] == ['0--Parade/a.jpg', '0--Parade/b.jpg']
    assert summary is None


def test_mat_form_keeps_invalid_faces_as_ignore_regions(tmp_path):
    folder = write_ground_truth(
        tmp_path, {'0--Parade/a': {'boxes': [[1, 2, 30, 40], [5, 5, 0, 9]], 'easy': [], 'medium': [], 'hard': []}}
    )
    (item,), problems = read_annotations(folder / 'wider_face_val.mat')
    assert item.name == '0--Parade/a.jpg'
    assert item.bboxes.tolist() == [[1, 2, 31, 42]]
    assert problems.counts == {'box without width or height': 1}


@pytest.mark.parametrize(
    ('text', 'form'),
    [
        (OFFICIAL, 'official'),
        (RETINAFACE, 'retinaface'),
        (SCRFD, 'scrfd'),
        ('a/b.jpg\na/c.jpg\n', 'list'),
        ('\n\n# a b.jpg\n1 2 3 4\n', 'retinaface'),
    ],
)
def test_form_is_recognised_by_content(tmp_path, text, form):
    assert detect_format(write(tmp_path, text)) == form
    assert detect_format(write(tmp_path, '\ufeff' + text.replace('\n', '\r\n'))) == form


def test_windows_line_ends_and_leading_dots_change_nothing(tmp_path):
    plain, _ = read(tmp_path, SCRFD)
    windows, summary = read(tmp_path, SCRFD.replace('# 0', '# ./0').replace('/a', '\\a').replace('\n', '\r\n'))
    assert summary is None
    assert windows[0].name == plain[0].name
    assert np.array_equal(windows[0].bboxes, plain[0].bboxes)


def test_bad_lines_are_skipped_and_counted_with_the_first_three_by_line(tmp_path):
    text = (
        '# e/a.jpg\n1 2 3 x\n1 2 3\n10 10 5 5\nnan 1 2 3\n1 1 0 5\n1 1 5 -2\n1e300 1 2 3\n-9 1 4 4\n'
        '# e/a.jpg\n1 1 5 5\n'
        '# e/b.jpg\n2 2 6 6 5 5 0 6 6 0 inf 7 0 8 8 0 9 9 0 1\n'
    )
    (first, second), summary = read(tmp_path, text)
    assert first.bboxes.tolist() == [[10, 10, 15, 15]]
    assert second.bboxes.tolist() == [[2, 2, 8, 8]]
    assert not second.visible.any()
    assert summary.startswith(f'{tmp_path / "label.txt"}: skipped ')
    for part in (
        '2 × malformed line',
        '2 × box not finite',
        '2 × box without width or height',
        '1 × box outside its image',
        '1 × image listed again',
        '1 × landmarks not finite',
    ):
        assert part in summary
    assert 'First: label.txt:2: malformed line (1 2 3 x); label.txt:3: malformed line (3 columns); label.txt:5:' in (
        summary
    )


def test_box_beyond_the_size_the_file_gives_is_skipped(tmp_path):
    (item,), summary = read(tmp_path, '# e/a.jpg 100 50\n90 40 120 60\n100 10 120 20\n10 50 20 60\n')
    assert item.bboxes.tolist() == [[90, 40, 120, 60]]
    assert '2 × box outside its image' in summary


def test_faces_of_an_image_whose_own_line_is_damaged_go_to_no_other_image(tmp_path):
    text = 'e/a.jpg\n1\n1 1 5 5 0 0 0 0 0 0\ne/b.jp\n1\n7 7 5 5 0 0 0 0 0 0\ne/c.jpg\n7 7 5 5 0 0 0 0 0 0\n'
    (first, third), summary = read(tmp_path, text, ann_format='official')
    assert first.bboxes.tolist() == [[1, 1, 6, 6]]
    assert third.bboxes.tolist() == [[7, 7, 12, 12]]
    assert 'label.txt:1: number of faces differs (1 announced, 4 found)' in summary
    assert 'label.txt:7: number of faces missing' in summary


@pytest.mark.parametrize('path', ['../../etc/x.jpg', '/etc/x.jpg', 'e/../../x.jpg', 'C:\\x.jpg', '..\\x.jpg', '.'])
def test_paths_that_leave_the_image_folder_are_refused(tmp_path, path):
    assert safe_name(path) is None
    for text in (f'# {path}\n1 1 5 5\n# e/a.jpg\n1 1 5 5\n', f'# {path} 9 9\n1 1 5 5\n# e/a.jpg 9 9\n1 1 5 5\n'):
        annotations, summary = read(tmp_path, text)
        assert [item.name for item in annotations] == ['e/a.jpg']
        assert 'label.txt:1: path leaves the image folder' in summary


def test_paths_of_a_mat_file_are_refused_too(tmp_path):
    boxes = {'boxes': [[1, 2, 30, 40]], 'easy': [], 'medium': [], 'hard': []}
    folder = write_ground_truth(tmp_path, {'../x': boxes, 'e/a': boxes})
    annotations, problems = read_annotations(folder / 'wider_face_val.mat')
    assert [item.name for item in annotations] == ['e/a.jpg']
    assert problems.counts == {'path leaves the image folder': 1}


def test_files_that_are_not_annotations_are_user_errors(tmp_path):
    with pytest.raises(UserError, match='cannot be read'):
        read_annotations(tmp_path / 'absent.txt')
    with pytest.raises(UserError, match='line 1 is neither'):
        read_annotations(write(tmp_path, 'hello\nworld\n'))
    with pytest.raises(UserError, match='line 1 is neither'):
        read_annotations(write(tmp_path, ''))
    with pytest.raises(UserError, match="Did you mean 'retinaface'"):
        read_annotations(write(tmp_path, RETINAFACE), ann_format='retinafce')
    with pytest.raises(UserError, match='not a MATLAB 5 file'):
        read_annotations(write(tmp_path, 'text', 'x.mat'))
    savemat(tmp_path / 'other.mat', {'event_list': np.zeros(3)})
    with pytest.raises(UserError, match="the variable 'file_list' is missing"):
        read_annotations(tmp_path / 'other.mat')


def test_mat_file_that_unpacks_to_much_more_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(matlab, 'MAX_UNPACKED_BYTES', 2**20)
    savemat(tmp_path / 'bomb.mat', {'event_list': np.zeros((4096, 4096), np.uint8)}, do_compression=True)
    assert (tmp_path / 'bomb.mat').stat().st_size < 2**15
    monkeypatch.setattr('scipy.io.loadmat', lambda *_, **__: pytest.fail('was read'))
    with pytest.raises(UserError, match='unpacks to more than'):
        matlab.read_mat(tmp_path / 'bomb.mat', ('event_list',))


def test_what_is_written_reads_back(tmp_path):
    (scrfd,), _ = read(tmp_path, SCRFD)
    scrfd.visible[0] = True
    for form in ('official', 'retinaface', 'scrfd'):
        write_annotations(tmp_path / f'{form}.txt', [scrfd], form)
        (back,), problems = read_annotations(tmp_path / f'{form}.txt')
        assert detect_format(tmp_path / f'{form}.txt') == form
        assert problems.summary() is None
        assert np.array_equal(back.bboxes, scrfd.bboxes)
        assert np.array_equal(back.ignore, scrfd.ignore) == (form != 'retinaface')
        assert np.array_equal(back.visible, scrfd.visible) == (form != 'official')
        if form != 'official':
            assert np.array_equal(back.keypoints, scrfd.keypoints)


def test_the_real_forms_agree(test_data):
    root = test_data / 'widerface'
    files = {
        'official': root / 'wider_face_split' / 'wider_face_val_bbx_gt.txt',
        'mat': root / 'wider_face_split' / 'wider_face_val.mat',
        'retinaface': root / 'labels' / 'val_label.txt',
        'scrfd': root / 'labels' / 'val_labelv2_scrfd.txt',
    }
    tables = {}
    for form, path in files.items():
        assert detect_format(path) == form
        annotations, _ = read_annotations(path)
        tables[form] = {item.name: item for item in annotations}
    assert {form: len(table) for form, table in tables.items()} == {
        'official': 3226,
        'mat': 3226,
        'retinaface': 3222,
        'scrfd': 3226,
    }
    for form in ('mat', 'retinaface', 'scrfd'):
        for name, item in tables[form].items():
            official = tables['official'][name]
            assert np.array_equal(item.bboxes, official.bboxes), (form, name)
            if form == 'mat':
                assert np.array_equal(item.ignore, official.ignore), name
    # 39,708 boxes are annotated; 11 have no width or height. 585 are marked invalid.
    assert sum(len(item.bboxes) for item in tables['scrfd'].values()) == 39708 - 11
    assert sum(int(item.ignore.sum()) for item in tables['official'].values()) == 585
