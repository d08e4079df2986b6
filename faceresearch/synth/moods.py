"""Pictures of faces whose gaze, age and expression are to be told: eyes that can be seen and look far around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .gaze import gaze_of
from .headshot import CLOSE, Headshot, draw_headshot, headshot_rng
from .identity import Expression, Pose
from .noise import Rng
from .person import Person, Shot, sample_shot

#: Expressions that are drawn, by their names in the field.
EMOTIONS = ('neutral', 'happy', 'sad', 'surprise', 'angry')
#: How far eyes turn in the head, in degrees: to the side, up.
MAX_TURN = (40.0, 14.0)
#: Pictures that are tried until both pupils can be seen.
_TRIES = 12


def render_mood(seed: Sequence[int], person: Person, size: int) -> tuple[Headshot, str]:
    """Draw the face of a person who shows one of ``EMOTIONS``, and return its name: same seed, same bytes.

    Both pupils can be seen (106 points of LaPa are the headshot's): no sunglasses, no shut eyes, nothing before them.
    """
    rng = headshot_rng((*seed, 0x4D4F4F44))
    for _ in range(_TRIES):
        shot = sample_shot(rng, person)
        emotion = EMOTIONS[int(rng.integers(len(EMOTIONS)))]
        looks = replace(shot.looks, fringe=min(shot.looks.fringe, 0.4))
        if looks.glasses in ('sun', 'goggles'):
            looks.glasses = 'thin'
        if looks.headwear in ('hood', 'brim'):
            looks.headwear = 'none'
        pose = Pose(
            float(rng.uniform(-0.6, 0.6)),
            float(np.clip(rng.normal(0, 0.15), -0.35, 0.35)),
            float(rng.normal(0, 0.08)),
            shot.pose.perspective,
        )
        shot = Shot(shot.identity, sample_emotion(rng, emotion), looks, pose, shot.light)
        drawn = draw_headshot(rng, shot, size, 'lapa106', CLOSE, hands=0.0)
        if drawn.visible[-2:].all():
            break
    return drawn, emotion


def sample_emotion(rng: Rng, emotion: str) -> Expression:
    """Return an expression of a kind, with a gaze anywhere within ``MAX_TURN``."""
    up = np.deg2rad(float(rng.uniform(-1, 1)) * MAX_TURN[1])
    right = np.deg2rad(float(rng.uniform(-1, 1)) * MAX_TURN[0])
    face = Expression(
        eye_open=float(rng.uniform(0.95, 1.2)) + 0.25 * max(0.0, float(np.sin(up))),
        smile=float(rng.normal(0.0, 0.06)),
        teeth=float(rng.random()),
        gaze=gaze_of(float(right), float(up)),
    )
    strength = float(rng.uniform(0.5, 1.0))
    if emotion == 'happy':
        face.smile, face.mouth_open, face.teeth = strength, float(rng.uniform(0, 0.6) * (rng.random() < 0.7)), 1.0
    elif emotion == 'sad':
        face.smile, face.brow_raise = -0.7 * strength, 0.3 * strength
    elif emotion == 'surprise':
        face.mouth_open, face.brow_raise, face.eye_open = strength, strength, face.eye_open + 0.2 * strength
    elif emotion == 'angry':
        face.smile, face.frown = -0.3 * strength, strength
        face.eye_open += 0.15 * strength
    elif rng.random() < 0.2:
        face.mouth_open = float(rng.uniform(0, 0.25))
    return face
