"""Scenes: reproducible, labels where the pixels are, difficulty as the design defines it."""

from __future__ import annotations

import numpy as np
import pytest

from faceresearch.synth import Expression, Pose, Scene, render_scene, sample_identity
from faceresearch.synth.head_render import FACE_HEIGHT_UNITS, RenderedHead, render_head
from faceresearch.synth.head_view import HeadView
from faceresearch.synth.identity import Appearance
from faceresearch.synth.lighting import Lighting
from faceresearch.synth.parts import celebamask_classes

LIGHT = Lighting(
    np.array([0, 0, 1], np.float32),
    np.full(3, 0.5, np.float32),
    np.full(3, 0.5, np.float32),
    np.full(3, 0.4, np.float32),
    0.5,
)


def head(
    height: float, pose: Pose | None = None, person: int = 3, at: tuple[float, float] = (200.0, 200.0)
) -> RenderedHead:
    identity = sample_identity(person)
    view = HeadView(at, height / FACE_HEIGHT_UNITS, pose or Pose(), identity.scale)
    return render_head(identity, Expression(), Appearance(), view, LIGHT)


@pytest.fixture(scope='module')
def scenes() -> list[Scene]:
    return [render_scene((11, index), (192, 256)) for index in range(40)]


def test_the_same_seed_gives_the_same_bytes():
    first, second = render_scene((1, 2, 3)), render_scene((1, 2, 3))
    assert first.image.tobytes() == second.image.tobytes()
    for name in ('bboxes', 'keypoints', 'keypoints_visible', 'occlusion', 'difficulty', 'identities'):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_another_seed_gives_another_scene_also_when_it_only_ends_in_zeros():
    images = [render_scene(seed, (64, 64)).image.tobytes() for seed in ((1, 2), (1, 3), (1, 2, 0), (1, 2, 0, 0))]
    assert len(set(images)) == len(images)


def test_arrays_have_the_promised_shapes_and_lie_in_the_image(scenes: list[Scene]):
    for scene in scenes:
        n = len(scene.bboxes)
        assert scene.image.shape == (192, 256, 3)
        assert scene.image.dtype == np.uint8
        assert scene.keypoints.shape == (n, 5, 2)
        assert scene.keypoints_visible.shape == (n, 5)
        assert scene.difficulty.shape == (n, 3)
        assert len(scene.identities) == len(scene.occlusion) == len(scene.faces) == n
        assert (scene.bboxes[:, :2] >= 0).all()
        assert (scene.bboxes[:, 2:] <= (256, 192)).all()
        assert (scene.bboxes[:, 2:] > scene.bboxes[:, :2]).all()
        assert ((scene.occlusion >= 0) & (scene.occlusion <= 0.75)).all()
        points = scene.keypoints[scene.keypoints_visible]
        assert ((points >= 0) & (points <= (256, 192))).all()


def test_numbers_of_faces_range_from_none_to_many(scenes: list[Scene]):
    counts = [len(scene.bboxes) for scene in scenes]
    assert min(counts) == 0
    assert 8 <= max(counts) <= 20
    assert 2 <= np.mean(counts) <= 8
    assert len(render_scene(5, (96, 96), num_faces=0).bboxes) == 0


def test_difficulty_is_height_and_occlusion(scenes: list[Scene]):
    faces = 0
    for scene in scenes:
        for box, covered, flags in zip(scene.bboxes, scene.occlusion, scene.difficulty):
            height = box[3] - box[1]
            assert flags.tolist() == [bool(height >= 32 and covered < 0.3), bool(height >= 16), bool(height >= 9)]
            faces += 1
    assert faces > 60


def test_a_frontal_box_holds_its_points_in_their_order():
    ratios = []
    for person in range(9):
        face = head(80, person=person)
        assert face.box is not None
        x1, y1, x2, y2 = face.box
        points = face.keypoints
        assert ((points > (x1, y1)) & (points < (x2, y2))).all()
        assert face.keypoints_visible.all()
        left_eye, right_eye, nose, left_mouth, right_mouth = points
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < nose[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
        ratios.append((y2 - y1) / (x2 - x1))
        assert 0.85 * 80 < y2 - y1 < 1.25 * 80
    # Hairline to chin against the width between the cheeks: WIDER FACE's annotators draw 1.31 in the median.
    assert 1.2 < np.median(ratios) < 1.4
    assert min(ratios) > 1.0
    assert max(ratios) < 1.6


@pytest.mark.parametrize('factor', [2.0, 3.0])
def test_a_face_drawn_larger_has_a_box_larger_by_the_same_factor(factor: float):
    for pose in (Pose(), Pose(yaw=0.7, pitch=-0.2, roll=0.3), Pose(yaw=-1.4)):
        small, large = head(48, pose), head(48 * factor, pose)
        assert small.box is not None
        assert large.box is not None
        centre = np.array([200, 200, 200, 200])
        # Only the interpolation in the maps of the surface, finer for larger heads, differs.
        assert np.allclose((small.box - centre) * factor, large.box - centre, atol=0.02 * 48 * factor)
        assert np.allclose((small.keypoints - 200) * factor, large.keypoints - 200, atol=0.02 * 48 * factor)


def test_a_mirrored_pose_mirrors_the_box():
    for yaw in (0.5, 1.2):
        right, left = head(90, Pose(yaw=yaw)), head(90, Pose(yaw=-yaw))
        assert right.box is not None
        assert left.box is not None
        mirrored = np.array([400 - left.box[2], left.box[1], 400 - left.box[0], left.box[3]])
        assert np.allclose(right.box, mirrored, atol=1.5)


def test_a_profile_hides_the_far_eye_and_the_nose_leads():
    face = head(100, Pose(yaw=1.5))
    assert face.box is not None
    assert face.keypoints_visible.tolist()[:3] == [True, False, True] or face.keypoints_visible.tolist()[1] is False
    assert face.keypoints[2, 0] > face.keypoints[:2, 0].max()
    assert abs(face.box[2] - face.keypoints[2, 0]) < 8


def test_nothing_is_labelled_from_behind():
    assert head(80, Pose(yaw=float(np.pi))).box is None


def test_the_box_is_where_the_face_is_drawn():
    """The skin of a bald head's facial region, found in the pixels, spans the box."""
    identity = sample_identity(3)
    view = HeadView((150.0, 150.0), 120 / FACE_HEIGHT_UNITS, Pose(), identity.scale)
    face = render_head(identity, Expression(), Appearance(hair_style='bald'), view, LIGHT)
    assert face.box is not None
    eye_row = round(float(face.keypoints[:2, 1].mean())) - face.origin[1]
    columns = np.flatnonzero(face.alpha[eye_row] > 0.5) + face.origin[0]
    # Ears stand out beyond the cheeks, by less than a tenth of the width each.
    width = face.box[2] - face.box[0]
    assert -1 < face.box[0] - columns.min() < 0.1 * width
    assert -1 < columns.max() - face.box[2] < 0.1 * width


def test_a_face_that_is_cut_off_by_the_frame_counts_as_occluded():
    covered = []
    for seed in range(24):
        scene = render_scene((21, seed), (150, 150), num_faces=6, face_height=40)
        for box, occlusion in zip(scene.bboxes, scene.occlusion):
            if box[0] == 0 and box[2] < 22:
                covered.append(occlusion)
    assert covered
    assert min(covered) > 0.1


def test_people_repeat_with_their_seed():
    first, again, other = sample_identity(17), sample_identity(17), sample_identity(18)
    assert np.array_equal(first.skin, again.skin)
    assert (first.age, first.nose_width) == (again.age, again.nose_width)
    assert (first.age, first.nose_width) != (other.age, other.nose_width)


def test_the_parts_of_a_scene_are_where_its_faces_are(scenes: list[Scene]):
    """Noses of faces that hardly anything covers are face.

    The tip of a nose seen from the side lies on the outline: the pixel it falls in may show more of what is behind, such as
    somebody's clothes. Then the pixel beside it is face.
    """
    frontal = turned = 0
    face = range(1, 13)
    for scene in scenes:
        assert scene.parts.shape == scene.image.shape[:2] and scene.parts.dtype == np.uint8
        classes = celebamask_classes(scene.parts)
        assert classes.max() <= 18
        for points, shown, covered, facts in zip(
            scene.keypoints, scene.keypoints_visible, scene.occlusion, scene.faces
        ):
            if covered >= 0.05 or not shown.all():
                continue
            x, y = points[2].astype(int)
            if abs(facts.pose.yaw) < 0.5:
                frontal += 1
                assert classes[y, x] in face
            else:
                turned += 1
                assert np.isin(classes[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2], face).any()
    assert frontal > 20 and turned > 10
