"""Who is drawn and how: parameters of a person (:class:`Identity`), of a moment (:class:`Pose`, :class:`Expression`)
and of what is worn.

Angles of features are directions from the centre of the head in radians: ``u`` azimuth (0 = straight ahead, positive
= the
person's left, image-right in a frontal view), ``phi`` elevation (positive = up). One length unit is half the breadth
of a head (about 75 mm).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .noise import Rng, choose, random_colour

# sRGB (r, g, b) of skin under white light, from very light to very dark.
SKIN_TONES = (
    np.array(
        [
            [232, 194, 172],
            [224, 182, 156],
            [214, 168, 138],
            [202, 152, 120],
            [184, 134, 100],
            [160, 112, 82],
            [134, 92, 66],
            [108, 74, 54],
            [84, 57, 44],
            [62, 43, 35],
        ],
        np.float32,
    )
    / 255
)
HAIR_COLOURS = (
    np.array(
        [
            [18, 15, 14],
            [34, 25, 20],
            [58, 40, 28],
            [86, 58, 38],
            [120, 84, 54],
            [164, 122, 78],
            [206, 170, 116],
            [226, 204, 160],
            [140, 62, 34],
            [92, 36, 24],
            [150, 148, 146],
            [216, 214, 210],
        ],
        np.float32,
    )
    / 255
)
IRIS_COLOURS = (
    np.array([[46, 28, 18], [72, 44, 24], [104, 72, 40], [86, 98, 62], [76, 104, 128], [110, 134, 150]], np.float32)
    / 255
)


@dataclass
class Identity:
    """A person: what stays the same from picture to picture. Drawn from a seed of its own by :func:`sample_identity`."""

    seed: int
    age: float
    feminine: float
    skin: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    scale: np.ndarray
    eye_u: float
    eye_phi: float
    eye_size: float
    eye_shape: float
    brow_thickness: float
    brow_height: float
    brow_tilt: float
    nose_phi: float
    nose_width: float
    nose_height: float
    nose_bridge: float
    mouth_phi: float
    mouth_width: float
    lip_height: float
    lip_redness: float
    jaw_width: float
    chin: float
    cheek: float
    brow_ridge: float
    ear_size: float
    wrinkles: float
    freckles: float
    redness: float
    hairline: float
    hair_curl: float
    baldness: float
    texture_seed: int


@dataclass
class Pose:
    """Orientation of the head in radians: positive yaw turns towards image-right, pitch up, roll clockwise in the
    image; ``perspective``: 1 / distance.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    perspective: float = 0.06


@dataclass
class Expression:
    """State of the soft parts. ``eye_open`` 1 = normal, 0 = shut; ``smile`` -0.5..1; ``mouth_open`` 0..1; ``gaze``
    (right, up) in -1..1.
    """

    eye_open: float = 1.0
    smile: float = 0.0
    mouth_open: float = 0.0
    teeth: float = 0.5
    brow_raise: float = 0.0
    frown: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)


@dataclass
class Appearance:
    """What changes from day to day: hair style, beard, make-up, things worn on the head."""

    hair_style: str = 'short'
    hair_volume: float = 0.12
    hair_length: float = 2.0
    fringe: float = 0.0
    parting: float = 0.0
    beard: str = 'none'
    beard_density: float = 0.8
    make_up: float = 0.0
    lipstick: np.ndarray = field(default_factory=lambda: np.array([0.3, 0.25, 0.7], np.float32))
    headwear: str = 'none'
    headwear_colour: np.ndarray = field(default_factory=lambda: np.full(3, 0.3, np.float32))
    headwear_second: np.ndarray = field(default_factory=lambda: np.full(3, 0.6, np.float32))
    headwear_line: float = 0.6
    glasses: str = 'none'
    glasses_colour: np.ndarray = field(default_factory=lambda: np.full(3, 0.1, np.float32))
    face_mask: bool = False
    mask_colour: np.ndarray = field(default_factory=lambda: np.full(3, 0.8, np.float32))
    seed: int = 0


def _clipped_normal(rng: Rng, mean: float, sigma: float, limit: float = 2.2) -> float:
    return float(mean + sigma * np.clip(rng.standard_normal(), -limit, limit))


def sample_identity(seed: int) -> Identity:
    """The person with number ``seed``: same number, same person."""
    rng = np.random.default_rng([seed, 7701])
    age = float(np.clip(rng.gamma(4.0, 9.0), 1, 90))
    child = float(np.clip((14 - age) / 12, 0, 1))
    feminine = float(rng.beta(0.6, 0.6)) * (1 - 0.5 * child) + 0.3 * child
    position = float(np.clip(rng.beta(1.1, 1.3) * 9.4 - 0.2, 0, 8.99))
    low = int(position)
    skin = SKIN_TONES[low] + (position - low) * (SKIN_TONES[low + 1] - SKIN_TONES[low])
    skin = skin + (skin.mean() - skin) * float(rng.uniform(-0.12, 0.22))
    skin = np.clip(skin * rng.uniform(0.95, 1.05, 3), 0.03, 1).astype(np.float32)[::-1].copy()
    hair_index = int(rng.integers(0, 3 if position > 4.5 or rng.random() < 0.35 else 10))
    if age > 45 and rng.random() < (age - 40) / 45:
        hair_index = int(rng.integers(10, 12))
    hair = np.clip(HAIR_COLOURS[hair_index] * rng.uniform(0.75, 1.25), 0.02, 1)[::-1].astype(np.float32).copy()
    if rng.random() < 0.03:
        hair = random_colour(rng, 0.7, 0.7)
    iris_index = int(rng.integers(0, 3) if position > 3 else rng.integers(0, 6))
    width = _clipped_normal(rng, 1.0, 0.045)
    n = lambda mean, sigma: _clipped_normal(rng, mean, sigma)  # noqa: E731
    return Identity(
        seed=seed,
        age=age,
        feminine=feminine,
        skin=skin,
        hair=hair,
        iris=IRIS_COLOURS[iris_index][::-1].copy(),
        scale=np.array([width, n(1.0, 0.045) - 0.06 * child, n(1.0, 0.03)], np.float32),
        eye_u=n(0.355, 0.022),
        eye_phi=n(0.10, 0.025) - 0.06 * child,
        eye_size=n(1.0, 0.12) + 0.3 * child,
        eye_shape=n(0, 0.06),
        brow_thickness=max(0.35, n(1.0, 0.3) - 0.35 * feminine),
        brow_height=n(0.2, 0.025),
        brow_tilt=n(0.02, 0.035),
        nose_phi=n(-0.27, 0.025) + 0.05 * child,
        nose_width=n(1.0, 0.16),
        nose_height=max(0.12, n(0.28, 0.06) - 0.12 * child),
        nose_bridge=n(0.45, 0.2),
        mouth_phi=n(-0.565, 0.025) + 0.04 * child,
        mouth_width=n(0.27, 0.028),
        lip_height=max(0.35, n(1.0, 0.28)),
        lip_redness=float(rng.uniform(0.3, 1)),
        jaw_width=n(0.0, 0.055) - 0.03 * feminine,
        chin=n(0.0, 0.05) - 0.02 * feminine,
        cheek=n(0.02, 0.04) + 0.05 * child,
        brow_ridge=n(0.03, 0.025) * (1.2 - feminine),
        ear_size=n(1.0, 0.2),
        wrinkles=float(np.clip((age - 28) / 45, 0, 1) * rng.uniform(0.4, 1.2)),
        freckles=float(max(0, rng.normal(-0.4, 0.6))),
        redness=float(rng.uniform(0, 1)),
        hairline=n(0.76, 0.05),
        hair_curl=float(rng.beta(0.6, 1.2)),
        baldness=float(rng.random() < 0.22 * (age > 30) * (1 - feminine)) * float(rng.uniform(0.4, 1)),
        texture_seed=int(rng.integers(2**31)),
    )


def sample_pose(rng: Rng, spread: float = 1.0) -> Pose:
    """A head orientation of a photograph: mostly near frontal, a tail of profiles, nods and tilts."""
    yaw = float(rng.normal(0, 0.35)) if rng.random() < 0.58 else float(rng.uniform(-1.55, 1.55))
    pitch = float(np.clip(rng.normal(-0.03, 0.2), -0.75, 0.6))
    roll = float(rng.normal(0, 0.13)) if rng.random() < 0.85 else float(rng.normal(0, 0.5))
    return Pose(
        float(np.clip(yaw * spread, -1.6, 1.6)),
        pitch * spread,
        float(np.clip(roll * spread, -1.4, 1.4)),
        float(rng.uniform(0.01, 0.16)),
    )


def sample_expression(rng: Rng) -> Expression:
    """A facial expression: neutral, smiling with or without teeth, talking, laughing, frowning, eyes closed."""
    kind = choose(rng, ('neutral', 'smile', 'laugh', 'talk', 'frown', 'surprise'), (0.34, 0.3, 0.13, 0.11, 0.08, 0.04))
    out = Expression(
        eye_open=float(np.clip(rng.normal(0.95, 0.18), 0.25, 1.35)),
        smile=float(rng.normal(0.05, 0.12)),
        gaze=(float(rng.normal(0, 0.4)), float(rng.normal(0, 0.25))),
        teeth=float(rng.random()),
    )
    if kind == 'smile':
        out.smile, out.mouth_open, out.teeth = (
            float(rng.uniform(0.4, 1)),
            float(rng.uniform(0, 0.4) * (rng.random() < 0.7)),
            1.0,
        )
    elif kind == 'laugh':
        out.smile, out.mouth_open, out.teeth = float(rng.uniform(0.6, 1.1)), float(rng.uniform(0.35, 0.9)), 1.0
        out.eye_open *= 0.7
    elif kind == 'talk':
        out.mouth_open = float(rng.uniform(0.15, 0.7))
    elif kind == 'frown':
        out.smile, out.frown = float(rng.uniform(-0.6, -0.1)), float(rng.uniform(0.3, 1))
    elif kind == 'surprise':
        out.mouth_open, out.brow_raise, out.eye_open = (
            float(rng.uniform(0.4, 1)),
            float(rng.uniform(0.4, 1)),
            float(rng.uniform(1.1, 1.4)),
        )
    if rng.random() < 0.07:
        out.eye_open = 0.02
    return out


def sample_appearance(rng: Rng, person: Identity) -> Appearance:
    """Hair style, beard, make-up and worn things that go with the person."""
    feminine = rng.random() < person.feminine
    if feminine:
        style = choose(rng, ('long', 'bob', 'tied', 'short', 'afro'), (0.5, 0.2, 0.18, 0.08, 0.04))
    else:
        style = choose(
            rng, ('short', 'buzz', 'quiff', 'bob', 'long', 'afro', 'bald'), (0.46, 0.2, 0.13, 0.06, 0.06, 0.03, 0.06)
        )
    if person.baldness > 0 and not feminine:
        style = choose(rng, ('receding', 'bald', 'buzz'), (0.6, 0.25, 0.15))
    volume = {'buzz': 0.025, 'bald': 0.0, 'afro': float(rng.uniform(0.4, 0.8)), 'receding': 0.07}.get(
        style, float(rng.uniform(0.06, 0.26))
    )
    beard = 'none'
    if not feminine and person.age > 17 and rng.random() < 0.5:
        beard = choose(rng, ('stubble', 'moustache', 'goatee', 'full', 'long'), (0.42, 0.16, 0.14, 0.22, 0.06))
    headwear = 'none'
    if rng.random() < 0.24:
        headwear = choose(
            rng,
            ('cap', 'beanie', 'brim', 'hood', 'turban', 'helmet', 'band'),
            (0.28, 0.16, 0.16, 0.16, 0.07, 0.08, 0.09),
        )
    glasses = 'none'
    if rng.random() < 0.24:
        glasses = choose(rng, ('thin', 'thick', 'rimless', 'sun', 'goggles'), (0.34, 0.24, 0.08, 0.3, 0.04))
    frame = np.full(3, rng.uniform(0.02, 0.2), np.float32) if rng.random() < 0.7 else random_colour(rng)
    return Appearance(
        hair_style=style,
        hair_volume=volume,
        hair_length=float(rng.uniform(1.3, 3.2)),
        fringe=float(rng.random() < 0.33) * float(rng.uniform(0.3, 1)),
        parting=float(rng.normal(0, 0.3)),
        beard=beard,
        beard_density=float(rng.uniform(0.45, 1)),
        make_up=float(rng.random() < 0.6) * float(rng.uniform(0.2, 1)) if feminine and person.age > 14 else 0.0,
        lipstick=np.array([rng.uniform(0.15, 0.5), rng.uniform(0.05, 0.4), rng.uniform(0.5, 0.9)], np.float32),
        headwear=headwear,
        headwear_colour=random_colour(rng),
        headwear_second=random_colour(rng),
        headwear_line=float(rng.uniform(0.42, 0.72)),
        glasses=glasses,
        glasses_colour=frame,
        face_mask=bool(rng.random() < 0.035),
        mask_colour=random_colour(rng, float(rng.choice([0.05, 0.3, 0.6])), float(rng.choice([0.1, 0.75, 0.9]))),
        seed=int(rng.integers(2**31)),
    )
