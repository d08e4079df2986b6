"""Aligning a folder: the crops, the report, and going on where a run stopped."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

import faceresearch.analysis.finder
import faceresearch.apis.model
from faceresearch.apis.align import align_faces
from faceresearch.apis.align_points import read_points
from faceresearch.errors import UserError
from faceresearch.structures import FaceDataSample
from faceresearch.transforms.alignment import align_face, face_template

POINTS = face_template(112) * 0.8 + (20, 10)


def picture(seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (15, 20, 3), np.uint8)
    return cv2.resize(small, (160, 120), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(('a.png', 'sub/b.png', 'sub/deep/a.png')):
        path = tmp_path / 'in' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture(number))
    return tmp_path / 'in'


@pytest.fixture
def points_file(tmp_path: Path) -> Path:
    path = tmp_path / 'points.json'
    path.write_text(json.dumps({'a.png': POINTS.tolist(), 'sub/b.png': (POINTS + 5).tolist()}))
    return path


def test_crops_keep_their_paths_and_the_report_says_what_was_found(folder: Path, points_file: Path) -> None:
    out = folder.parent / 'out'
    entries = align_faces(folder, out, points=points_file)
    np.testing.assert_array_equal(cv2.imread(str(out / 'a.png')), align_face(picture(0), POINTS, 112))
    np.testing.assert_array_equal(cv2.imread(str(out / 'sub/b.png')), align_face(picture(1), POINTS + 5, 112))
    assert not (out / 'sub/deep/a.png').exists()
    assert [(e['image'], e['found']) for e in entries] == [
        ('a.png', True),
        ('sub/b.png', True),
        ('sub/deep/a.png', False),
    ]
    stored = json.loads((out / 'alignment.json').read_text())
    assert stored['images'] == entries and stored['settings']['size'] == [112, 112]
    rows = list(csv.reader((out / 'alignment.csv').open()))
    assert rows[1][:2] == ['a.png', '1'] and float(rows[1][3]) == pytest.approx(POINTS[0, 0], abs=1e-3)
    assert rows[3][:2] == ['sub/deep/a.png', '0'] and not any(rows[3][2:])


@pytest.mark.parametrize('report', ['alignment.json', 'alignment.csv'])
def test_a_report_is_a_file_of_points(folder: Path, points_file: Path, report: str) -> None:
    out, again = folder.parent / 'out', folder.parent / 'again'
    align_faces(folder, out, points=points_file)
    align_faces(folder, again, points=out / report, size=(112, 96))
    np.testing.assert_array_equal(cv2.imread(str(again / 'a.png')), align_face(picture(0), POINTS.round(3), (112, 96)))


def test_missing_faces_may_be_cut_from_the_middle(folder: Path, points_file: Path) -> None:
    out = folder.parent / 'out'
    entries = align_faces(folder, out, points=points_file, keep_missing=True)
    assert [e['found'] for e in entries] == [True, True, False] and entries[2]['output'] == 'sub/deep/a.png'
    middle = cv2.resize(picture(2)[:, 20:140], (112, 112), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(cv2.imread(str(out / 'sub/deep/a.png')), middle)


def test_a_second_run_does_what_the_first_has_not(
    folder: Path, points_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder.parent / 'out'
    align_faces(folder, out, points=points_file)
    before = (out / 'a.png').stat().st_mtime_ns
    (out / 'sub/b.png').unlink()
    cv2.imwrite(str(folder / 'new.png'), picture(7))
    capsys.readouterr()
    entries = align_faces(folder, out, points=points_file)
    assert (out / 'a.png').stat().st_mtime_ns == before
    assert (out / 'sub/b.png').is_file() and len(entries) == 4
    assert '(2 new)' in capsys.readouterr().out


def test_other_settings_need_another_folder(folder: Path, points_file: Path) -> None:
    out = folder.parent / 'out'
    align_faces(folder, out, points=points_file)
    with pytest.raises(UserError, match=r'size was .*112.*--restart'):
        align_faces(folder, out, points=points_file, size=128)
    align_faces(folder, out, points=points_file, size=128, restart=True)
    assert cv2.imread(str(out / 'a.png')).shape == (128, 128, 3)


def test_broken_images_and_senseless_points_are_reported_and_tried_again(folder: Path, tmp_path: Path) -> None:
    (folder / 'broken.png').write_bytes(b'no image')
    path = tmp_path / 'points.txt'
    path.write_text('a.png ' + ' '.join(['7 7'] * 5) + '\nsub/b.png ' + ' '.join(map(str, POINTS.ravel())) + ' 0.99\n')
    out = tmp_path / 'out'
    entries = {e['image']: e for e in align_faces(folder, out, points=path)}
    assert 'not an image' in entries['broken.png']['error']
    assert 'in 1 place' in entries['a.png']['error'] and not entries['a.png']['found']
    assert entries['sub/b.png']['found']
    cv2.imwrite(str(folder / 'broken.png'), picture(9))
    assert {e['image']: e for e in align_faces(folder, out, points=path)}['broken.png']['error'] is None


def detector(monkeypatch: pytest.MonkeyPatch, seen: list[tuple[int, ...]], needs_border: int = 0) -> None:
    """A detector that finds two faces, and none unless there is a border."""

    def predict(images: list[np.ndarray]) -> list[FaceDataSample]:
        seen.append(images[0].shape)
        border = (images[0].shape[0] - 120) // 2
        # A small face in the middle with a low score, a large one at the left.
        boxes = torch.tensor([[70.0, 50, 90, 70], [0, 0, 60, 80]]) + border
        keypoints = torch.from_numpy(np.stack([POINTS, POINTS - (20, 10)])).float() + border
        keep = 2 if border >= needs_border else 0
        sample = FaceDataSample()
        sample.pred_instances = InstanceData(
            bboxes=boxes[:keep], scores=torch.tensor([0.6, 0.9])[:keep], keypoints=keypoints[:keep]
        )
        return [sample]

    monkeypatch.setattr(faceresearch.apis.model, 'init_model', lambda *_: torch.nn.Identity())
    predict.model = torch.nn.Identity()  # type: ignore[attr-defined]
    monkeypatch.setattr(faceresearch.analysis.finder, 'Predictor', lambda *_, **__: predict)


@pytest.mark.parametrize(('rule', 'shift'), [('largest', (20, 10)), ('best', (20, 10)), ('central', (0, 0))])
def test_rules_choose_among_faces(
    folder: Path, monkeypatch: pytest.MonkeyPatch, rule: Any, shift: tuple[int, int]
) -> None:
    detector(monkeypatch, [])
    entries = align_faces(folder, folder.parent / 'out', 'retinaface_mnet025_widerface', 'none', face=rule)
    np.testing.assert_allclose(entries[0]['points'], POINTS - shift, atol=0.01)


def test_borders_are_tried_in_turn_and_points_lead_back_to_the_image(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []
    detector(monkeypatch, seen, needs_border=40)
    out = folder.parent / 'out'
    entries = align_faces(folder, out, 'retinaface_mnet025_widerface', 'none', pads=(0, 0.25, 1), face='central')
    assert seen[:2] == [(120, 160, 3), (200, 240, 3)] and len(seen) == 6
    np.testing.assert_allclose(entries[0]['points'], POINTS, atol=0.01)
    crop = cv2.imread(str(out / 'a.png')).astype(int)
    assert np.abs(crop - align_face(picture(0), POINTS, 112)).max() <= 1


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('a.png 1 2 3', ':1: needs an image name and ten numbers'),
        ('a.png ' + 'x ' * 10, ':1: points are not numbers'),
        ('a.png ' + 'nan ' * 10, '5 or 68 finite'),
        ('', 'holds no points'),
    ],
)
def test_files_of_points_are_checked(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / 'points.txt'
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_points(path)
    path.with_suffix('.json').write_text('[1, 2]')
    with pytest.raises(UserError, match=r'needs \{"image name"'):
        read_points(path.with_suffix('.json'))


def test_68_points_become_five(tmp_path: Path) -> None:
    path = tmp_path / 'points.json'
    path.write_text(json.dumps({'a': [[k, 2 * k] for k in range(68)]}))
    assert read_points(path)['a'].tolist() == [[37.5, 75], [43.5, 87], [30, 60], [48, 96], [54, 108]]


def test_a_detector_or_points(folder: Path, points_file: Path) -> None:
    for arguments in ({}, {'config': 'x'}, {'config': 'x', 'checkpoint': 'none', 'points': points_file}):
        with pytest.raises(UserError, match='and not both'):
            align_faces(folder, folder.parent / 'out', **arguments)  # type: ignore[arg-type]
