"""Same person or not: thresholds and what they decide."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from faceresearch.analysis.verification import Thresholds, compare_faces, thresholds_for
from faceresearch.apis import Face, FaceAnalyzer
from faceresearch.errors import UserError
from tests.analysis.doubles import Detector, recogniser

BOX = np.array([0, 0, 10, 10], np.float32)
FILE = {'thresholds': {'1e-2': {'cosine': 0.3, 'reliable': True}, '1e-3': {'cosine': 0.5, 'reliable': False}}}


def face(x: float, y: float, size: float = 10, score: float = 1.0) -> Face:
    return Face(BOX * size / 10, score, embedding=np.array([x, y], np.float32))


def analyzer(**settings: object) -> FaceAnalyzer:
    finds = Detector(np.array([[10, 10, 60, 60]], np.float32), np.array([0.9], np.float32), blind=80)
    return FaceAnalyzer(finds, [recogniser()], **settings)  # type: ignore[arg-type]


def test_the_angle_decides() -> None:
    """Of 45 degrees, whatever the lengths: cosine 0.7071, distance 0.2929."""
    outcome = compare_faces(face(1, 0), face(3, 3), 0.7)
    assert outcome.same and outcome.similarity == pytest.approx(0.70711, abs=1e-5)
    assert outcome.to_dict()['distance'] == pytest.approx(0.29289, abs=1e-5)
    assert not compare_faces(face(1, 0), face(3, 3), 0.71).same
    assert compare_faces(np.array([1.0, 0.0]), np.array([2.0, 0.0]), 1.0).same  # at the threshold


def test_which_face_of_several() -> None:
    """Large: at right angles to the probe; best: opposite; the smallest is the person."""
    group = [face(0, 1, size=90, score=0.6), face(-1, 0, size=20, score=0.9), face(1, 0, size=10, score=0.5)]
    similarity = {
        choice: compare_faces(face(1, 0), group, 0.5, choice).similarity for choice in ('largest', 'best', 'any')
    }
    assert similarity == pytest.approx({'largest': 0, 'best': -1, 'any': 1})
    assert compare_faces(group, face(1, 0), 0.5, 'any').faces[0] is group[2]
    with pytest.raises(UserError, match="face='first'"):
        compare_faces(group, group, 0.5, 'first')  # type: ignore[arg-type]


def test_what_cannot_be_compared() -> None:
    with pytest.raises(UserError, match='no embedding: no recogniser looked at it'):
        compare_faces(Face(BOX), face(1, 0), 0.5)
    with pytest.raises(UserError, match='of different models'):
        compare_faces(np.zeros(3), face(1, 0), 0.5)
    with pytest.raises(UserError, match='no direction'):
        compare_faces(np.zeros(2), face(1, 0), 0.5)
    with pytest.raises(UserError, match='threshold=3'):
        compare_faces(face(1, 0), face(1, 0), 3)


def test_nothing_is_decided_without_a_threshold() -> None:
    image = np.zeros((80, 80, 3), np.uint8)
    with pytest.raises(UserError, match='no threshold is known for mobileface_foamliu_ms1m: give thresholds=FILE'):
        analyzer().verify(image, image)
    assert analyzer().verify(image, image, threshold=0.9).far is None


def test_a_calibrated_threshold_is_stated(tmp_path: Path) -> None:
    path = tmp_path / 'thresholds.json'
    path.write_text(json.dumps({**FILE, 'model': 'mobileface_foamliu_ms1m', 'flip_test': 'none'}))
    verifies = analyzer(thresholds=path)
    image = np.random.default_rng(0).integers(0, 255, (80, 80, 3), dtype=np.uint8)
    outcome = verifies.verify(image, image, far=0.01)
    assert outcome.same and (outcome.threshold, outcome.far, outcome.reliable) == (0.3, 0.01, True)
    values = json.loads(json.dumps(outcome.to_dict()))
    assert values['threshold_distance'] == pytest.approx(0.7) and len(values['faces']) == 2
    assert verifies.verify(image, image).reliable is False  # of 1e-3, as the file says
    faces = verifies.represent([image])[0]
    assert verifies.verify(faces, faces[0], far=0.01).similarity == pytest.approx(1)
    with pytest.raises(UserError, match=r'no threshold for FAR 1e-05, only for 0\.01, 0\.001'):
        verifies.verify(image, image, far=1e-5)
    with pytest.raises(UserError, match='the second image: no face found'):
        verifies.verify(image, image[:40], far=0.01)


def test_thresholds_of_another_model_are_refused(tmp_path: Path) -> None:
    path = tmp_path / 't.json'
    for content, message in (
        ({**FILE, 'model': 'arcface_r50_ms1mv3'}, 'calibrated for arcface_r50_ms1mv3'),
        (
            {**FILE, 'model': 'mobileface_foamliu_ms1m', 'flip_test': 'sum'},
            "flip_test='sum', the recogniser has 'none'",
        ),
        ({'thresholds': {'1e-3': {'cosine': 7}}}, 'cosines from -1 to 1'),
        ({'a': 1}, 'not what tools/calibrate.py writes'),
        ([1], 'not what tools/calibrate.py writes'),
    ):
        path.write_text(json.dumps(content))
        with pytest.raises(UserError, match=message):
            analyzer(thresholds=path)
    path.write_text('{')
    with pytest.raises(UserError, match='not a file of thresholds'):
        Thresholds.read(path)
    with pytest.raises(UserError, match='no such file of thresholds'):
        Thresholds.read(tmp_path / 'nowhere.json')


def test_a_contract_may_state_thresholds() -> None:
    finds = Detector(np.array([[10, 10, 60, 60]], np.float32), np.array([0.9], np.float32))
    model = recogniser()
    model.cfg.contract['thresholds'] = {'1e-3': 0.4}  # type: ignore[union-attr,operator,index]
    knows = FaceAnalyzer(finds, [model])
    image = np.zeros((80, 80, 3), np.uint8)
    assert knows.verify(image, image).threshold == 0.4


def test_thresholds_of_all_pairs() -> None:
    """Two people at right angles, one a few degrees apart within: any threshold between cos 5° and cos 85° will do."""
    angles = np.radians([0, 5, 90, 95])
    faces = np.stack([np.cos(angles), np.sin(angles)], 1) * [[1], [2], [3], [4]]
    outcome = thresholds_for(faces, ['a', 'a', 'b', 'b'], [0.25])
    assert (outcome['genuine_pairs'], outcome['impostor_pairs']) == (2, 4)
    # One of the four impostor pairs may pass: the nearest, of 85 degrees, and the next two are of 90.
    entry = outcome['thresholds']['2.5e-1']
    assert np.cos(np.radians(90)) < entry['cosine'] <= np.cos(np.radians(85)) + 1e-9
    assert entry['tar'] == 1 and entry['far'] == 0.25
    with pytest.raises(UserError, match='say of each face who it is'):
        thresholds_for(faces, ['a'])


def test_calibration_on_images_is_used_and_written(tmp_path: Path) -> None:
    calibrates = analyzer()
    rng = np.random.default_rng(0)
    people = [rng.integers(0, 255, (80, 80, 3), dtype=np.uint8) for _ in range(3)]
    images = [person for person in people for _ in range(2)] + [np.zeros((8, 8, 3), np.uint8)]
    path = tmp_path / 't.json'
    outcome = calibrates.calibrate(images, [0, 0, 1, 1, 2, 2, 2], fars=[0.5], out=path)
    assert outcome['images_without_face'] == 1
    assert outcome['genuine_pairs'] == 3 and outcome['impostor_pairs'] == 12
    assert calibrates.verify(people[0], people[0], far=0.5).same
    again = analyzer(thresholds=path)
    assert again.thresholds is not None and calibrates.thresholds is not None
    assert again.thresholds.cosines == calibrates.thresholds.cosines
