from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from faceresearch.errors import UserError
from faceresearch.evaluation.predictions import (
    drop_not_finite,
    image_key,
    join_detections,
    read_predictions,
    write_predictions,
)


def two_images():
    return join_detections(
        ['a/1', 'a/2', 'b/3'],
        [np.array([[1, 2, 3, 4.5]], np.float32), np.zeros((0, 4), np.float32), np.ones((2, 4), np.float32)],
        [np.array([0.5], np.float32), np.zeros(0, np.float32), np.array([0.25, 0.75], np.float32)],
        [np.ones((1, 5, 2), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros((2, 5, 2), np.float32)],
    )


def store(path: Path, **arrays) -> Path:
    np.savez(path, **arrays)
    return path


def good_arrays(**changes) -> dict:
    arrays = {'names': np.array(['a/1', 'a/2']), 'offsets': np.array([0, 1, 2]), 'xyxy_score': np.zeros((2, 5))}
    return {**arrays, **changes}


def test_stored_detections_come_back_as_they_were(tmp_path):
    write_predictions(tmp_path / 'p.npz', two_images())
    back, sent = read_predictions(tmp_path / 'p.npz'), two_images()
    assert back.names == ('a/1', 'a/2', 'b/3')
    assert back.form == 'xyxy'
    assert back.offsets.tolist() == [0, 1, 1, 3]
    for name in ('boxes', 'scores', 'keypoints'):
        assert np.array_equal(getattr(back, name), getattr(sent, name))
    with np.load(tmp_path / 'p.npz', allow_pickle=False) as content:
        assert sorted(content) == ['keypoints', 'names', 'offsets', 'xyxy_score']
        assert content['xyxy_score'].tolist()[0] == [1, 2, 3, 4.5, 0.5]
    assert [path.name for path in tmp_path.iterdir()] == ['p.npz']


def test_no_images_at_all_can_be_stored(tmp_path):
    write_predictions(tmp_path / 'p.npz', join_detections([], [], []))
    assert len(read_predictions(tmp_path / 'p.npz')) == 0


def test_image_names_are_compared_without_suffix_and_leading_dot():
    assert image_key('./0--Parade\\0_Parade_1_2.JPG') == '0--Parade/0_Parade_1_2'
    assert image_key('event/v1.5') == 'event/v1.5'


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'offsets': np.array([0, 2])}, '3 integers'),
        ({'offsets': np.array([0, 2, 1])}, 'rise from 0'),
        ({'offsets': np.array([0, 1, 3])}, 'number of boxes, 2'),
        ({'offsets': np.array([0.0, 1.0, 2.0])}, 'integers'),
        ({'names': np.array(['a/1', 'a/1.jpg'])}, "'a/1' twice"),
        ({'names': np.array([1, 2])}, 'strings'),
        ({'xyxy_score': np.zeros((2, 4))}, r'\(N, 5\)'),
        ({'xywh_score': np.zeros((2, 5))}, 'either xyxy_score or xywh_score'),
        ({'keypoints': np.zeros((3, 5, 2))}, r'\(2, K, 2\)'),
        ({'names': np.array(['a/1', None])}, 'Python objects'),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        read_predictions(store(tmp_path / 'p.npz', **good_arrays(**changes)))


def test_missing_empty_and_damaged_files_are_user_errors(tmp_path):
    with pytest.raises(UserError, match='no such predictions file'):
        read_predictions(tmp_path / 'absent.npz')
    path = store(tmp_path / 'p.npz', **good_arrays())
    data = path.read_bytes()
    for content in (b'', data[: len(data) // 2], b'not a zip'):
        path.write_bytes(content)
        with pytest.raises(UserError, match='not an npz file'):
            read_predictions(path)


def test_announced_size_is_checked_before_memory_is_taken(tmp_path):
    path = store(tmp_path / 'p.npz', **good_arrays())
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {'descr': '<f8', 'fortran_order': False, 'shape': (2**40, 5)})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w') as archive:
        for name, part in parts.items():
            archive.writestr(name, header.getvalue() if name == 'xyxy_score.npy' else part)
    with pytest.raises(UserError, match='announces'):
        read_predictions(path)


def test_detections_that_are_not_finite_are_dropped_from_their_own_image(capsys):
    detections = two_images()
    detections.scores[1] = np.nan
    cleaned = drop_not_finite(detections)
    assert cleaned.offsets.tolist() == [0, 1, 1, 2]
    assert cleaned.scores.tolist() == [0.5, 0.75]
    assert len(cleaned.keypoints) == 2
    assert drop_not_finite(cleaned) is cleaned
