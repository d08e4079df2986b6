"""Portraits: aligned by the points, the same person over the years, reproducible."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace

import numpy as np
import pytest

from faceresearch.errors import UserError
from faceresearch.synth import Expression, Pose, render_scene
from faceresearch.synth.head_render import FACE_HEIGHT_UNITS, build_maps, render_head
from faceresearch.synth.head_view import HeadView
from faceresearch.synth.identity import Appearance
from faceresearch.synth.lighting import Lighting
from faceresearch.synth.person import Shot, at_age, sample_person, sample_shot
from faceresearch.synth.portrait import _draw_head, draw_shot, render_portrait
from faceresearch.transforms.alignment import align_face, face_template, similarity_transform

LIGHT = Lighting(
    np.array([0, 0, 1], np.float32),
    np.full(3, 0.5, np.float32),
    np.full(3, 0.5, np.float32),
    np.full(3, 0.4, np.float32),
    0.5,
)


def test_same_seed_same_bytes_another_seed_another_picture() -> None:
    person = sample_person(2_000_001)
    first, second = render_portrait((1, 2), person), render_portrait((1, 2), person)
    assert first.image.tobytes() == second.image.tobytes()
    assert first.image.shape == (112, 112, 3) and first.image.dtype == np.uint8
    others = [render_portrait(seed, person).image.tobytes() for seed in ((1, 3), (1, 2, 0), (2, 1))]
    assert len({first.image.tobytes(), *others}) == 4


@pytest.mark.parametrize('size', [112, 128, 224])
def test_the_points_are_where_alignment_puts_them(size: int) -> None:
    template = face_template(size)
    for number in range(12):
        shot = sample_shot(np.random.default_rng(number), sample_person(3_000_000 + number))
        exact = draw_shot(np.random.default_rng(0), shot, size, point_error=0)
        # Aligning the true points changes nothing any more.
        np.testing.assert_allclose(
            similarity_transform(exact.points, template), [[1, 0, 0], [0, 1, 0]], atol=1e-3 * size
        )
        np.testing.assert_allclose(similarity_transform(exact.points, template)[:, :2], np.eye(2), atol=1e-4)
        rough = draw_shot(np.random.default_rng(0), shot, size, point_error=0.7)
        assert 0 < np.abs(rough.points - exact.points).max() < 4 * size / 112


@pytest.mark.parametrize('pose', [Pose(), Pose(yaw=0.6, pitch=-0.2, roll=0.3), Pose(yaw=-0.8)])
def test_the_crop_is_what_aligning_a_picture_of_the_head_gives(pose: Pose) -> None:
    """Drawn large in a scene's way and aligned by ``align_face``, the same head is seen."""
    identity = at_age(sample_person(3_000_002), 30)
    shot = Shot(identity, Expression(), Appearance(), pose, LIGHT)
    view = HeadView((300.0, 300.0), 200 / FACE_HEIGHT_UNITS, pose, identity.scale)
    head = render_head(identity, shot.expression, shot.looks, view, LIGHT)
    large = np.zeros((600, 600, 3), np.float32)
    x, y = head.origin
    large[y : y + head.alpha.shape[0], x : x + head.alpha.shape[1]] = head.colour * head.alpha[..., None]
    wanted = align_face(large, head.keypoints - 0.5, 112)

    from faceresearch.synth.portrait import _aligned_view

    maps = build_maps(identity, shot.expression, shot.looks, 112)
    aligned, _ = _aligned_view(np.random.default_rng(0), maps, shot, face_template(112), 0.0)
    colour, alpha = _draw_head(maps, shot, aligned, 112)
    error = (colour * alpha[..., None] - wanted)[20:105, 25:87]
    # Maps and rays of another resolution, light that has turned with the head: alike, not equal.
    assert np.abs(error).mean() < 0.05
    correlation = np.corrcoef((colour * alpha[..., None])[20:105, 25:87].ravel(), wanted[20:105, 25:87].ravel())[0, 1]
    assert correlation > 0.95


def test_years_change_lines_and_hair_and_nothing_of_the_shape() -> None:
    person = sample_person(2_000_007)
    young, old = at_age(person, 20), at_age(person, 85)
    assert young.wrinkles == 0 < old.wrinkles
    grey = lambda hair: float(hair.max() - hair.min()) / float(hair.max())  # noqa: E731
    assert grey(old.hair) < 0.1 or grey(old.hair) < grey(young.hair)
    changed = {f.name for f in fields(young) if not np.array_equal(getattr(young, f.name), getattr(old, f.name))}
    assert changed <= {'age', 'wrinkles', 'hair'}


def test_pictures_of_a_person_differ_in_all_that_may_change() -> None:
    person = sample_person(2_000_003)
    shots = [sample_shot(np.random.default_rng(k), person) for k in range(40)]
    shape = [f.name for f in fields(person.identity) if f.name not in ('age', 'wrinkles', 'hair')]
    for name in shape:
        assert all(np.array_equal(getattr(s.identity, name), getattr(person.identity, name)) for s in shots), name
    assert np.std([s.pose.yaw for s in shots]) > 0.1
    assert len({s.looks.hair_style for s in shots}) > 1
    assert len({round(s.expression.smile, 3) for s in shots}) > 10
    assert np.std([s.identity.age for s in shots]) > 0.5
    assert not any(s.looks.face_mask for s in shots)


def test_people_differ_in_shape() -> None:
    people = [sample_person(2_000_000 + k).identity for k in range(200)]
    eyes = np.array([p.eye_u for p in people])
    assert 0.02 < eyes.std() < 0.05 and eyes.min() >= 0.27 and eyes.max() <= 0.45
    assert sample_person(5).identity.texture_seed == sample_person(5).identity.texture_seed
    assert len({p.texture_seed for p in people}) == 200


def test_sizes_without_a_template_are_refused() -> None:
    with pytest.raises(UserError, match='template'):
        render_portrait((0,), sample_person(2_000_000), size=100)


def test_portraits_leave_scenes_as_they_are() -> None:
    """Drawing portraits in between changes no bit of a scene: nothing is kept from one to the other."""
    before = hashlib.sha256(render_scene((4, 2), (128, 128)).image.tobytes()).hexdigest()
    person = sample_person(2_000_000)
    shot = sample_shot(np.random.default_rng(0), person)
    draw_shot(np.random.default_rng(0), replace(shot, pose=Pose(0.2)))
    assert hashlib.sha256(render_scene((4, 2), (128, 128)).image.tobytes()).hexdigest() == before
