"""Landmark schemes: flip tables, conversions and mmpose's form, against the field's tables and real annotations."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from faceresearch.datasets.landmark_conversions import CONVERSIONS, convert_points
from faceresearch.datasets.landmark_metainfo import LANDMARKS, landmark_scheme
from faceresearch.errors import UserError

COUNTS = {
    'anime28': 28,
    '300w68': 68,
    'wflw98': 98,
    'cofw29': 29,
    'aflw19': 19,
    'lapa106': 106,
    'insightface106': 106,
}


@pytest.mark.parametrize('name', COUNTS)
def test_a_mirror_twice_is_none_and_every_point_is_in_one_part(name: str) -> None:
    scheme = landmark_scheme(name)
    flip = np.array(scheme.flip_indices)
    assert scheme.num_points == COUNTS[name]
    assert (flip[flip] == np.arange(scheme.num_points)).all()
    assert sorted(point for points in scheme.parts.values() for point in points) == list(range(scheme.num_points))
    for part, points in scheme.parts.items():
        mirror = {'r_': 'l_', 'l_': 'r_'}.get(part[:2], part[:2]) + part[2:]
        assert sorted(flip[list(points)]) == list(scheme.parts[mirror]), part
    left, right, nose, mouth_left, mouth_right = scheme.five
    assert sorted(flip[list(left)]) == sorted(right)
    assert sorted(flip[list(mouth_left)]) == sorted(mouth_right)
    assert sorted(flip[list(nose)]) == sorted(nose)
    assert flip[scheme.eye_corners[0]] == scheme.eye_corners[1]


def test_tables_are_those_of_the_reference(shared_dir: Path) -> None:
    maps = json.loads((shared_dir / 'reference' / 'landmark_maps.json').read_text(encoding='utf-8'))
    for name in COUNTS:
        assert list(LANDMARKS[name].flip_indices) == maps['flip'][name], name
    tables = maps['convert']
    for source, target, key in (
        ('insightface106', 'lapa106', 'insightface106_to_lapa106 (lapa[k]=if[M[k]])'),
        ('lapa106', 'insightface106', 'lapa106_to_insightface106 (if[k]=lapa[M[k]])'),
        ('insightface106', '300w68', 'insightface106_to_68 (p68[k]=if[M[k]])'),
        ('lapa106', 'wflw98', 'wflw98_to_lapa106 (lapa index per wflw point)'),
    ):
        assert [k for (k,) in CONVERSIONS[source, target]] == tables[key], key
    to_lapa = CONVERSIONS['300w68', 'lapa106']
    pairs = [[group[0], k] for k, group in enumerate(to_lapa) if len(group) == 1]
    means = [[list(group), k] for k, group in enumerate(to_lapa) if len(group) == 2]
    assert sorted(pairs) == sorted(tables['68_to_lapa106 pairs (mmpose; single)'])
    assert means == tables['68_to_lapa106 means (mmpose)']
    corners = maps['nme_norm_pairs']
    assert list(LANDMARKS['300w68'].eye_corners) == corners['300w']
    for name in ('cofw29', 'wflw98', 'lapa106'):
        assert list(LANDMARKS[name].eye_corners) == corners[name]


@pytest.mark.parametrize(('source', 'target'), CONVERSIONS)
def test_conversion_and_mirror_commute(source: str, target: str) -> None:
    """To convert a mirrored face, or to mirror a converted one, is the same."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(2, COUNTS[source], 2))
    visible = np.ones((2, COUNTS[source]))
    visible[1, 3] = visible[1, LANDMARKS[source].flip_indices[3]] = 0
    flip, flip_target = list(LANDMARKS[source].flip_indices), list(LANDMARKS[target].flip_indices)
    mirrored, mirrored_visible = convert_points(points[:, flip], visible[:, flip], source, target)
    converted, converted_visible = convert_points(points, visible, source, target)
    assert np.allclose(mirrored, converted[:, flip_target])
    assert (mirrored_visible == converted_visible[:, flip_target]).all()
    assert (converted_visible[0] == [bool(group) for group in CONVERSIONS[source, target]]).all()


def test_106_points_go_there_and_back() -> None:
    points = np.random.default_rng(1).normal(size=(106, 2))
    there, seen = convert_points(points, np.ones(106), 'lapa106', 'insightface106')
    back, _ = convert_points(there, seen, 'insightface106', 'lapa106')
    assert (back == points).all()
    assert not (there == points).all()


@pytest.mark.parametrize(
    ('folder', 'name'),
    [('300w', '300w68'), ('wflw', 'wflw98'), ('cofw', 'cofw29'), ('aflw', 'aflw19'), ('lapa', 'lapa106')],
)
def test_mirror_pairs_are_level_on_real_faces(folder: str, name: str, shared_dir: Path) -> None:
    """On real annotations a point and its mirror lie on opposite sides: the mirrored face, renumbered, fits the face."""
    path = shared_dir / 'data' / 'landmarks' / 'mmpose_samples' / folder / f'test_{folder}.json'
    scheme = LANDMARKS[name]
    for annotation in json.loads(path.read_text(encoding='utf-8'))['annotations']:
        points = np.array(annotation['keypoints'], np.float64).reshape(-1, 3)[:, :2]
        assert residual(points, points[list(scheme.flip_indices)]) < 0.5 * residual(points, points)
        left, right, nose, mouth_left, mouth_right = scheme.five_points(points)
        assert left[0] < right[0]
        assert mouth_left[0] < mouth_right[0]
        assert max(left[1], right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


def residual(points: np.ndarray, mirrored: np.ndarray) -> float:
    """Distance of a face from the mirror image with the given numbering, after the best similarity transform."""
    face = (points[:, 0] + 1j * points[:, 1]) - (points[:, 0] + 1j * points[:, 1]).mean()
    image = -mirrored[:, 0] + 1j * mirrored[:, 1]
    image -= image.mean()
    turn = np.vdot(image, face) / np.vdot(image, image)
    return float(np.abs(face - turn * image).mean())


@pytest.mark.parametrize('name', COUNTS)
def test_mmpose_reads_the_metainfo(name: str) -> None:
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    scheme = LANDMARKS[name]
    parsed = parse_pose_metainfo(scheme.metainfo())
    ours = scheme.sample_info()
    assert parsed['flip_indices'] == ours['flip_indices']
    assert {tuple(sorted(pair)) for pair in parsed['flip_pairs']} == {tuple(pair) for pair in ours['flip_pairs']}
    assert [list(link) for link in parsed['skeleton_links']] == ours['skeleton_links']
    assert parsed['dataset_name'] == ours['dataset_name']
    assert np.array_equal(parsed['dataset_keypoint_weights'], ours['dataset_keypoint_weights'])


def test_an_unknown_scheme_or_conversion_is_named() -> None:
    with pytest.raises(UserError, match="'300w' is unknown; use anime28, 300w68"):
        landmark_scheme('300w')
    with pytest.raises(UserError, match='from anime28 to 300w68'):
        convert_points(np.zeros((28, 2)), np.ones(28), 'anime28', '300w68')
