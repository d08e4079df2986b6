"""Gaze labels agree with the irises that are painted; moods and attacks are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from faceresearch.synth import Expression, Pose
from faceresearch.synth.features import eye_contour
from faceresearch.synth.gaze import EYEBALL, eye_rotation, gaze_angles, gaze_of
from faceresearch.synth.moods import EMOTIONS, MAX_TURN, render_mood, sample_emotion
from faceresearch.synth.person import sample_person
from faceresearch.synth.spoof import ATTACKS, render_presentation


@pytest.mark.parametrize(('right', 'up'), [(0.0, 0.0), (40.0, 0.0), (-40.0, 10.0), (15.0, -14.0)])
def test_the_iris_is_where_an_eyeball_that_turns_has_it(right: float, up: float) -> None:
    person = sample_person(4_000_001).identity
    gaze = gaze_of(*np.deg2rad([right, up]))
    assert np.allclose(np.rad2deg(eye_rotation(gaze)), (right, up), atol=1e-6)
    a, b = np.deg2rad([right, up])
    for side in (-1, 1):
        ahead = eye_contour(person, Expression(), side).iris
        moved = eye_contour(person, Expression(gaze=gaze), side).iris - ahead
        np.testing.assert_allclose(moved / EYEBALL, [np.sin(a) * np.cos(b), np.sin(b)], atol=1e-9)


def test_angles_are_those_of_gaze_data_sets() -> None:
    """Into the camera is (0, 0); to the image's left is a positive yaw, upwards a positive pitch."""
    assert np.allclose(gaze_angles(Pose(), Expression()), 0)
    # Pose.yaw and Expression.gaze turn to the image's right.
    assert np.allclose(gaze_angles(Pose(yaw=0.3), Expression()), (-np.rad2deg(0.3), 0), atol=1e-4)
    assert np.allclose(gaze_angles(Pose(pitch=0.2), Expression()), (0, np.rad2deg(0.2)), atol=1e-4)
    eyes = Expression(gaze=gaze_of(np.deg2rad(25), 0.0))
    assert np.allclose(gaze_angles(Pose(), eyes), (-25, 0), atol=1e-4)
    # A head that turns one way and eyes that turn back: into the camera again.
    assert np.allclose(gaze_angles(Pose(yaw=-np.deg2rad(25)), eyes), 0, atol=1e-4)
    # A head that is laid on its side looks up and down where it looked aside.
    assert np.allclose(gaze_angles(Pose(roll=np.pi / 2), eyes), (0, -25), atol=1e-4)


def test_a_mirrored_face_has_the_opposite_yaw() -> None:
    pose, gaze = Pose(0.4, -0.2, 0.1), (0.8, 0.5)
    yaw, pitch = gaze_angles(pose, Expression(gaze=gaze))
    mirrored = gaze_angles(Pose(-0.4, -0.2, -0.1), Expression(gaze=(-0.8, 0.5)))
    assert np.allclose(mirrored, (-yaw, pitch), atol=1e-4)


def test_pupils_can_be_seen_and_gazes_go_far() -> None:
    for number in range(8):
        first, emotion = render_mood((1, number), sample_person(4_000_000 + number), 64)
        again, _ = render_mood((1, number), sample_person(4_000_000 + number), 64)
        assert first.image.tobytes() == again.image.tobytes()
        assert emotion in EMOTIONS and first.visible[-2:].all()
        assert first.shot.looks.glasses not in ('sun', 'goggles')
    rng = np.random.default_rng(0)
    turns = np.rad2deg([eye_rotation(sample_emotion(rng, 'neutral').gaze) for _ in range(300)])
    assert (np.abs(turns) <= np.array(MAX_TURN) + 1e-6).all()
    assert (np.ptp(turns, axis=0) > 1.8 * np.array(MAX_TURN)).all()


@pytest.mark.parametrize('attack', ['live', *ATTACKS])
def test_presentations_are_reproducible_and_show_a_face(attack: str) -> None:
    people = sample_person(4_000_000), sample_person(4_900_000)
    first, again = (render_presentation((3, 1), *people, 96, attack) for _ in range(2))
    assert first.image.tobytes() == again.image.tobytes() and first.image.shape == (96, 96, 3)
    assert first.attack == attack
    x1, y1, x2, y2 = first.box
    assert 0 <= x1 < x2 <= 96 and 0 <= y1 < y2 <= 96 and 15 < y2 - y1 < 70
    live = render_presentation((3, 1), *people, 96, 'live')
    assert (attack == 'live') == (first.image.tobytes() == live.image.tobytes())
