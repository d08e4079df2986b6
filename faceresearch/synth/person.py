"""A person over the years: what is theirs in every picture, and what a single picture adds.

:class:`~.identity.Identity` mixes both (age, wrinkles, the colour of the hair); here they are taken apart. The shape of
the head and its features, the skin with its marks, the eyes, the hairline and the natural colour of the hair are the
person's. Years, hair style, beard, glasses, make-up, expression, pose and light are the picture's; a person has habits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .identity import (
    HAIR_COLOURS,
    Appearance,
    Expression,
    Identity,
    Pose,
    sample_appearance,
    sample_expression,
    sample_identity,
)
from .lighting import Lighting, sample_lighting
from .noise import Rng

#: How much further than in scenes people differ in shape: a crop shows little else, and recognition is about it.
DISTINCTNESS = 1.8
#: Mean of the shape parameters of :func:`~.identity.sample_identity`, and the range that a face allows.
_SHAPE = {
    'eye_u': (0.355, 0.27, 0.45),
    'eye_phi': (0.10, 0.0, 0.2),
    'eye_size': (1.0, 0.6, 1.6),
    'eye_shape': (0.0, -0.2, 0.2),
    'brow_thickness': (0.85, 0.3, 1.8),
    'brow_height': (0.2, 0.12, 0.29),
    'brow_tilt': (0.02, -0.1, 0.14),
    'nose_phi': (-0.27, -0.35, -0.18),
    'nose_width': (1.0, 0.55, 1.55),
    'nose_height': (0.27, 0.1, 0.46),
    'nose_bridge': (0.45, 0.0, 1.0),
    'mouth_phi': (-0.565, -0.65, -0.48),
    'mouth_width': (0.27, 0.18, 0.36),
    'lip_height': (1.0, 0.3, 1.9),
    'jaw_width': (-0.015, -0.2, 0.17),
    'chin': (-0.01, -0.17, 0.15),
    'cheek': (0.02, -0.11, 0.15),
    'hairline': (0.76, 0.58, 0.94),
}
#: Grey of old hair (BGR).
_GREY = HAIR_COLOURS[10:12].mean(0)[::-1]


@dataclass
class Person:
    """Somebody. ``identity`` is their present state, ``usual`` how they mostly look.

    ``ageing`` is how fast lines come, ``grey_at`` the age in years at which half of the hair is grey, ``glasses``
    whether they need them, and ``hair`` the natural colour of the hair (BGR in [0, 1]).
    """

    identity: Identity
    usual: Appearance
    ageing: float
    grey_at: float
    glasses: bool
    hair: np.ndarray


@dataclass
class Shot:
    """Everything that decides one picture of a person's head."""

    identity: Identity
    expression: Expression
    looks: Appearance
    pose: Pose
    light: Lighting


def sample_person(number: int) -> Person:
    """The person with a number: same number, same person."""
    base = _distinct(sample_identity(number))
    rng = np.random.default_rng([number, 7702])
    # How somebody presents themselves does not change from picture to picture.
    base = replace(base, feminine=float(rng.random() < base.feminine))
    return Person(
        identity=base,
        usual=sample_appearance(rng, base),
        ageing=float(rng.uniform(0.4, 1.2)),
        grey_at=float(np.clip(rng.normal(56, 11), 32, 85)),
        glasses=bool(rng.random() < 0.25),
        hair=base.hair,
    )


def _distinct(identity: Identity) -> Identity:
    """Move the shape away from the mean face, within what a face allows."""
    scale = np.clip(1 + DISTINCTNESS * (identity.scale - 1), 0.84, 1.16).astype(np.float32)
    moved = replace(identity, scale=scale)
    for name, (mean, low, high) in _SHAPE.items():
        setattr(moved, name, float(np.clip(mean + DISTINCTNESS * (getattr(identity, name) - mean), low, high)))
    return moved


def at_age(person: Person, age: float) -> Identity:
    """The person at an age in years: lines and grey hair follow it, the shape stays. Children are not grown up."""
    grey = 1 / (1 + np.exp(-(age - person.grey_at) / 6))
    return replace(
        person.identity,
        age=age,
        wrinkles=float(np.clip((age - 28) / 45, 0, 1)) * person.ageing,
        hair=(person.hair + grey * (_GREY - person.hair)).astype(np.float32),
    )


def sample_shot(rng: Rng, person: Person) -> Shot:
    """A picture of a person on some day within about a decade, by some camera in some light."""
    now = person.identity.age
    age = float(np.clip(now + rng.normal(0, 0.15 * min(now, 45)), 1, 90))
    identity = at_age(person, age)
    return Shot(identity, sample_expression(rng), _looks(rng, person, identity), _pose(rng), _light(rng))


def _looks(rng: Rng, person: Person, identity: Identity) -> Appearance:
    """Hair as usual or not; things that hide the face are rarer than in scenes, where faces need only be found."""
    looks = sample_appearance(rng, identity)
    usual = person.usual
    if rng.random() < 0.75:
        for name in ('hair_style', 'hair_volume', 'hair_length', 'fringe', 'parting', 'beard', 'beard_density'):
            setattr(looks, name, getattr(usual, name))
    looks.face_mask = False
    if rng.random() < 0.75:
        looks.headwear = 'none'
    if person.glasses and rng.random() < 0.75:
        looks.glasses, looks.glasses_colour = _clear(usual.glasses), usual.glasses_colour
    elif rng.random() < 0.75:
        looks.glasses = 'none'
    return looks


def _clear(glasses: str) -> str:
    return glasses if glasses in ('thin', 'thick', 'rimless') else 'thin'


def _pose(rng: Rng) -> Pose:
    """Mostly near frontal, up to half profile. Alignment takes the roll away."""
    yaw = float(rng.normal(0, 0.22)) if rng.random() < 0.85 else float(rng.uniform(-0.9, 0.9))
    pitch = float(np.clip(rng.normal(-0.03, 0.13), -0.4, 0.4))
    return Pose(float(np.clip(yaw, -0.9, 0.9)), pitch, 0.0, float(rng.uniform(0.01, 0.16)))


def _light(rng: Rng) -> Lighting:
    """As in scenes, mostly with more light from all around: pictures of a person are taken where they can be seen."""
    light = sample_lighting(rng)
    if rng.random() < 0.75:
        amount = float(rng.uniform(0.3, 0.7))
        fill = amount * light.key.mean()
        light.key = light.key * (1 - amount)
        light.sky, light.ground = light.sky + fill, light.ground + 0.7 * fill
    return light
