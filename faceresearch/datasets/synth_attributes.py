"""SynthFaces as data sets of attributes: gaze, age, gender, expression and head pose; live faces and attacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from faceresearch.datasets.attribute_labels import labels_of, same_class
from faceresearch.datasets.spoof_sets import spoof_label
from faceresearch.datasets.synth_headshots import FIRST_PERSON, SPLITS, Split, SynthHeadshots
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS
from faceresearch.synth.gaze import gaze_angles
from faceresearch.synth.moods import EMOTIONS, render_mood
from faceresearch.synth.person import sample_person
from faceresearch.synth.spoof import ATTACKS, render_presentation

_ANGLES = ('yaw', 'pitch', 'head_yaw', 'head_pitch', 'head_roll')
_NUMBERS = (*_ANGLES, 'age')


@DATASETS.register_module()
class SynthAttributeDataset(SynthHeadshots):
    """Rendered faces whose gaze, age, gender, expression and pose are known; both eyes are open and can be seen.

    A sample carries ``img`` (size, size, 3) uint8 BGR, ``img_id``, ``bbox`` (1, 4) float32, and ``gt_attributes``:

    - ``yaw``, ``pitch``: gaze in camera coordinates in degrees, as gaze data sets count them (yaw positive towards the
      left of the image, pitch upwards), exact for the irises as drawn. Eyes turn by up to 40°
      in a head that turns by up to 34°;
    - ``head_yaw``, ``head_pitch``, ``head_roll``: of the head in degrees, with the same signs, and clockwise positive;
    - ``age`` in years; ``gender``: how somebody presents themselves, 0 male and 1 female;
    - ``emotion``: class number of neutral, happy, sad, surprise or angry in ``emotions``.

    Args:
        num_samples: see :class:`~faceresearch.datasets.synth_headshots.SynthHeadshots`, also for what is not named here.
        emotions: names of the classes by number, or the name of an order in
            :mod:`~faceresearch.datasets.attribute_labels`.
    """

    kind = 'attributes'

    def __init__(
        self,
        num_samples: int,
        emotions: str | Sequence[str] = 'affectnet7/emotion',
        split: Split = 'train',
        size: int = 128,
        cache_dir: str | None = None,
        jobs: int | None = None,
        version: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        names = [same_class(name) for name in labels_of(emotions)]
        missing = [name for name in EMOTIONS if name not in names]
        if missing:
            raise UserError(f'SynthAttributeDataset: emotions={emotions!r} has no {missing[0]!r}, which is drawn')
        self._emotions = [names.index(name) for name in EMOTIONS]
        super().__init__(
            num_samples, split, size, cache_dir, jobs, version, pipeline, test_mode, seed, indices, metainfo, lazy_init
        )

    def record_type(self) -> np.dtype:
        """Image, box and labels."""
        numbers = [(name, 'f4') for name in _NUMBERS]
        return np.dtype(
            [
                ('img', 'u1', (self.size, self.size, 3)),
                ('bbox', 'f4', (4,)),
                *numbers,
                ('gender', 'u1'),
                ('emotion', 'u1'),
            ]
        )

    def drawing(self) -> Callable[[int], np.ndarray]:
        """Draw a face with its labels."""
        return partial(_draw_mood, self.record_type(), self.seed, self.split, self.size)

    def sample_of(self, record: np.ndarray) -> dict[str, Any]:
        """Return box and labels."""
        labels: dict[str, Any] = {name: float(record[name]) for name in _NUMBERS}
        labels |= {'gender': int(record['gender']), 'emotion': self._emotions[int(record['emotion'])]}
        return {'bbox': np.array(record['bbox'])[None], 'gt_attributes': labels}


def _draw_mood(record: np.dtype, seed: int, split: str, size: int, number: int) -> np.ndarray:
    drawn, emotion = render_mood((seed, SPLITS[split], number), sample_person(FIRST_PERSON[split] + number), size)
    shot = drawn.shot
    pose = np.rad2deg([-shot.pose.yaw, shot.pose.pitch, shot.pose.roll])
    out = np.zeros((), record)
    out['img'], out['bbox'] = drawn.image, drawn.box - 0.5
    for name, value in zip(_ANGLES, (*gaze_angles(shot.pose, shot.expression), *pose), strict=True):
        out[name] = value
    out['age'], out['gender'] = shot.identity.age, shot.identity.feminine > 0.5
    out['emotion'] = EMOTIONS.index(emotion)
    return out


@DATASETS.register_module()
class SynthSpoofDataset(SynthHeadshots):
    """Rendered live faces and attacks: prints, screens and cut-out masks, half of the samples live.

    A sample carries ``img`` (size, size, 3) uint8 BGR, ``img_id``, ``bbox`` (1, 4) float32 of the face, ``attack``
    (``live``, ``print``, ``replay`` or ``face mask``) and ``gt_attributes`` with ``spoof``, its class in ``labels``.
    Sample i is live where i is even; attacks take turns.

    Args:
        num_samples: see :class:`~faceresearch.datasets.synth_headshots.SynthHeadshots`, also for what is not named here.
        labels: names of the classes, or the name of an order: in ``minivision/spoof`` and ``binary/spoof`` 1 is real.
    """

    kind = 'spoof'

    def __init__(
        self,
        num_samples: int,
        labels: str | Sequence[str] = 'minivision/spoof',
        split: Split = 'train',
        size: int = 160,
        cache_dir: str | None = None,
        jobs: int | None = None,
        version: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        seed: int = 0,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        self.labels = labels_of(labels)
        super().__init__(
            num_samples, split, size, cache_dir, jobs, version, pipeline, test_mode, seed, indices, metainfo, lazy_init
        )

    def record_type(self) -> np.dtype:
        """Image, box and kind of attack."""
        return np.dtype([('img', 'u1', (self.size, self.size, 3)), ('bbox', 'f4', (4,)), ('attack', 'u1')])

    def drawing(self) -> Callable[[int], np.ndarray]:
        """Draw a live face or an attack."""
        return partial(_draw_presentation, self.record_type(), self.seed, self.split, self.size)

    def sample_of(self, record: np.ndarray) -> dict[str, Any]:
        """Return box, label and kind of attack."""
        attack = ('live', *ATTACKS)[int(record['attack'])]
        return {
            'bbox': np.array(record['bbox'])[None],
            'attack': attack,
            'gt_attributes': {'spoof': spoof_label(attack, self.labels)},
        }


def _draw_presentation(record: np.dtype, seed: int, split: str, size: int, number: int) -> np.ndarray:
    kind = 0 if number % 2 == 0 else 1 + number // 2 % len(ATTACKS)
    first = FIRST_PERSON[split]
    # Who wears a mask is somebody of the same split, far from those whose faces are seen.
    people = sample_person(first + number), sample_person(first + 900_000 + number % 100_000)
    drawn = render_presentation((seed, SPLITS[split], number), *people, size, ('live', *ATTACKS)[kind])
    out = np.zeros((), record)
    out['img'], out['bbox'], out['attack'] = drawn.image, drawn.box - 0.5, kind
    return out
