"""Landmarks and masks of rendered heads agree with each other, with the five points, and with the mirror."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from faceresearch.datasets.landmark_metainfo import LANDMARKS
from faceresearch.synth import Expression, Part, Pose
from faceresearch.synth.head_render import FACE_HEIGHT_UNITS, RenderedHead, render_head
from faceresearch.synth.head_view import HeadView
from faceresearch.synth.identity import Appearance
from faceresearch.synth.landmarks import SCHEMES
from faceresearch.synth.lighting import Lighting
from faceresearch.synth.parts import celebamask_classes
from faceresearch.synth.person import sample_person

LIGHT = Lighting(
    np.array([0, 0, 1], np.float32),
    np.full(3, 0.5, np.float32),
    np.full(3, 0.5, np.float32),
    np.full(3, 0.4, np.float32),
    0.5,
)
HEIGHT = 160.0
OPEN = Expression(mouth_open=0.6)


def head(
    scheme: str,
    pose: Pose | None = None,
    expression: Expression | None = None,
    looks: Appearance | None = None,
    person: int = 2_000_004,
) -> RenderedHead:
    identity = sample_person(person).identity
    view = HeadView((200.0, 200.0), HEIGHT / FACE_HEIGHT_UNITS, pose or Pose(), identity.scale)
    bald = Appearance(hair_style='bald')
    return render_head(identity, expression or Expression(), looks or bald, view, LIGHT, scheme)


def points_of(drawn: RenderedHead) -> np.ndarray:
    assert drawn.landmarks is not None
    return drawn.landmarks


def distance_to_edge(drawn: RenderedHead, parts: tuple[Part, ...], points: np.ndarray) -> np.ndarray:
    """Pixels from each point to the border of a part (negative: inside)."""
    mask = np.isin(drawn.part, parts).astype(np.uint8)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    x, y = (points - drawn.origin).astype(int).T
    return (outside - inside)[y, x]


@pytest.mark.parametrize('scheme', SCHEMES)
def test_a_mirrored_head_has_mirrored_points(scheme: str) -> None:
    for expression in (Expression(), OPEN, Expression(smile=0.8, eye_open=0.5)):
        for pose in (Pose(), Pose(yaw=0.5, pitch=0.2, roll=0.3), Pose(yaw=-0.9)):
            plain = points_of(head(scheme, pose, expression))
            mirrored = points_of(head(scheme, replace(pose, yaw=-pose.yaw, roll=-pose.roll), expression))
            back = mirrored[list(LANDMARKS[scheme].flip_indices)] * (-1, 1) + (400, 0)
            np.testing.assert_allclose(plain, back, atol=0.05)


@pytest.mark.parametrize('scheme', SCHEMES)
def test_the_schemes_five_points_are_the_five_points(scheme: str) -> None:
    for pose in (Pose(), Pose(yaw=0.4, pitch=-0.2, roll=0.2)):
        drawn = head(scheme, pose)
        five = LANDMARKS[scheme].five_points(points_of(drawn))
        # Nose and corners are the same points; an eye's is a mean of its lids, or its pupil.
        np.testing.assert_allclose(five[2:], drawn.keypoints[2:], atol=0.1)
        np.testing.assert_allclose(five[:2], drawn.keypoints[:2], atol=0.025 * HEIGHT)
    corners = [(36, 39), (42, 45)]
    ibug = head('300w68')
    means = np.stack([points_of(ibug)[list(pair)].mean(0) for pair in corners])
    np.testing.assert_allclose(means, ibug.keypoints[:2], atol=0.6)


def test_106_points_contain_the_68() -> None:
    pairs = {
        0: 0,
        8: 16,
        16: 32,
        17: 33,
        21: 37,
        22: 42,
        26: 46,
        27: 51,
        30: 54,
        31: 58,
        33: 60,
        35: 62,
        36: 66,
        39: 70,
    }
    pairs |= {42: 75, 45: 79} | {48 + k: 84 + k for k in range(20)}
    for pose in (Pose(), Pose(yaw=-0.7, roll=0.2)):
        few, many = points_of(head('300w68', pose, OPEN)), points_of(head('lapa106', pose, OPEN))
        np.testing.assert_allclose(few[list(pairs)], many[list(pairs.values())], atol=1e-3)


def test_points_lie_on_the_borders_of_the_mask() -> None:
    for pose in (Pose(), Pose(yaw=0.35, pitch=0.1, roll=0.2)):
        drawn = head('300w68', pose, OPEN)
        points = points_of(drawn)
        lips = (Part.UPPER_LIP, Part.LOWER_LIP, Part.MOUTH)
        assert np.abs(distance_to_edge(drawn, lips, points[48:60])).max() < 3.2
        assert np.abs(distance_to_edge(drawn, (Part.MOUTH,), points[[61, 62, 63, 65, 66, 67]])).max() < 3.2
        for part, numbers in ((Part.RIGHT_EYE, range(36, 42)), (Part.LEFT_EYE, range(42, 48))):
            assert np.abs(distance_to_edge(drawn, (part,), points[list(numbers)])).max() < 3.2
        for part, numbers in ((Part.RIGHT_BROW, range(17, 22)), (Part.LEFT_BROW, range(22, 27))):
            assert np.abs(distance_to_edge(drawn, (part,), points[list(numbers)])).max() < 4
        # The contour: skin inside, ear, neck or background outside.
        outline = points[:17]
        middle = drawn.keypoints.mean(0)
        face = tuple(Part(number) for number in range(1, 13) if number not in (Part.LEFT_EAR, Part.RIGHT_EAR))
        assert (distance_to_edge(drawn, face, outline + 0.06 * (middle - outline)) < 1).all()
        assert (distance_to_edge(drawn, face, outline - 0.1 * (middle - outline))[2:15] > -1).all()


def test_a_pupil_is_inside_its_eye_and_hidden_when_it_is_shut() -> None:
    for gaze in ((0.0, 0.0), (0.8, 0.2), (-0.8, -0.2)):
        drawn = head('lapa106', None, Expression(gaze=gaze))
        points = points_of(drawn)
        for number, part in ((104, Part.RIGHT_EYE), (105, Part.LEFT_EYE)):
            assert distance_to_edge(drawn, (part,), points[[number]])[0] < 0
    shut = head('lapa106', None, Expression(eye_open=0.02))
    assert shut.landmarks_visible is not None
    assert not shut.landmarks_visible[104:].any() and shut.landmarks_visible[66:74].all()


def test_points_are_hidden_by_what_is_worn_and_by_the_head() -> None:
    plain = head('300w68').landmarks_visible
    assert plain is not None and plain.all()
    sun = head('300w68', None, None, Appearance(hair_style='bald', glasses='sun')).landmarks_visible
    assert sun is not None and not sun[36:48].any() and sun[48:].all()
    masked = head('300w68', None, None, Appearance(hair_style='bald', face_mask=True)).landmarks_visible
    assert masked is not None and not masked[48:].any() and masked[36:48].all()
    profile = head('300w68', Pose(yaw=1.35)).landmarks_visible
    assert profile is not None and profile[36:42].all() and not profile[42:48].any()


def test_left_parts_are_the_persons_left() -> None:
    """As in CelebAMask-HQ, whose l_eye is on the image's right in a frontal picture (93 % of 403 sample masks)."""
    drawn = head('300w68')
    for left, right in (
        (Part.LEFT_EYE, Part.RIGHT_EYE),
        (Part.LEFT_BROW, Part.RIGHT_BROW),
        (Part.LEFT_EAR, Part.RIGHT_EAR),
    ):
        assert np.nonzero(drawn.part == left)[1].mean() > np.nonzero(drawn.part == right)[1].mean()


def test_masks_have_only_the_19_classes() -> None:
    parts = np.array([[Part.SKIN, Part.SUNGLASSES], [Part.FACE_MASK, Part.OCCLUDER]], np.uint8)
    assert celebamask_classes(parts).tolist() == [[1, 3], [18, 0]]
    glasses = head('300w68', None, None, Appearance(hair_style='bald', glasses='thick'))
    classes = celebamask_classes(glasses.part)
    assert classes.max() <= 18 and {3, 4, 5} <= set(np.unique(classes).tolist())
