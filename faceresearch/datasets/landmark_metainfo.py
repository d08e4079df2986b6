"""Landmark schemes: what each point is, its mirror image, and which lines join them.

A face's own left and right, as in parsing: ``r_eye`` is the person's right eye, which a frontal photograph shows on its
left. Points on the image's left come first in every scheme, and in ``five``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from faceresearch.errors import UserError

Scheme = Literal['anime28', '300w68', 'wflw98', 'cofw29', 'aflw19', 'lapa106', 'insightface106']
#: Colours (RGB) of the parts that drawings show.
_COLOURS: dict[str, tuple[int, int, int]] = {
    'contour': (255, 225, 40),
    'brow': (255, 128, 60),
    'nose': (90, 255, 90),
    'eye': (60, 170, 255),
    'mouth': (255, 80, 180),
    'pupil': (255, 255, 255),
}


@dataclass(frozen=True)
class LandmarkScheme:
    """The points of one annotation scheme.

    Attributes:
        name: key in ``LANDMARKS``.
        dataset_name: mmpose's name of the data set, by which its metrics choose a normaliser.
        lines: lines (point numbers in order; a closed one ends where it began) by the part they draw; a part whose
            points make no line has lines of one point each.
        flip_indices: (K,) number of each point's mirror image.
        five: points whose means are the five of recognition: image-left eye, image-right eye, tip of the nose,
            image-left and image-right corner of the mouth.
        eye_corners: outer corners of the eyes (image-left, image-right), the usual inter-ocular normaliser.
        weights: weights of points where the field gives them (RTMPose's LaPa recipe), by part; 1 elsewhere.
        normalizer: what the field divides errors by: ``interocular``, or ``box_max``, the box's longer side.
    """

    name: str
    dataset_name: str
    lines: Mapping[str, tuple[tuple[int, ...], ...]]
    flip_indices: tuple[int, ...]
    five: tuple[tuple[int, ...], ...]
    eye_corners: tuple[int, int]
    weights: Mapping[int, float] = field(default_factory=dict)
    normalizer: Literal['interocular', 'box_max'] = 'interocular'

    @property
    def num_points(self) -> int:
        """K."""
        return len(self.flip_indices)

    @property
    def flip_pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of points that change places in the mirror."""
        return tuple((point, mirror) for point, mirror in enumerate(self.flip_indices) if point < mirror)

    @property
    def parts(self) -> dict[str, tuple[int, ...]]:
        """Numbers of each part's points, ascending; every point is in exactly one part."""
        return {part: tuple(sorted({i for line in lines for i in line})) for part, lines in self.lines.items()}

    @property
    def links(self) -> tuple[tuple[int, int], ...]:
        """Pairs of points that a line joins."""
        lines = [line for part in self.lines.values() for line in part]
        return tuple((a, b) for line in lines for a, b in pairwise(line))

    def metainfo(self) -> dict[str, Any]:
        """Return the scheme as mmpose's ``dataset_info``."""
        part_of = {point: part for part, points in self.parts.items() for point in points}
        colours = {i: _colour(part_of[i]) for i in range(self.num_points)}
        names = [f'kpt-{i}' for i in range(self.num_points)]
        swaps = [names[mirror] if mirror != i else '' for i, mirror in enumerate(self.flip_indices)]
        return {
            'dataset_name': self.dataset_name,
            'keypoint_info': {
                i: {'name': names[i], 'id': i, 'color': colours[i], 'type': '', 'swap': swaps[i]}
                for i in range(self.num_points)
            },
            'skeleton_info': {
                n: {'link': (names[a], names[b]), 'id': n, 'color': colours[a]} for n, (a, b) in enumerate(self.links)
            },
            'joint_weights': [float(self.weights.get(i, 1.0)) for i in range(self.num_points)],
            'sigmas': [0.025] * self.num_points,
        }

    def sample_info(self) -> dict[str, Any]:
        """Return what mmpose's transforms find in a sample about its data set."""
        return {
            'dataset_name': self.dataset_name,
            'upper_body_ids': [],
            'lower_body_ids': [],
            'flip_pairs': [list(pair) for pair in self.flip_pairs],
            'flip_indices': list(self.flip_indices),
            'dataset_keypoint_weights': np.array(self.metainfo()['joint_weights'], np.float32),
            'skeleton_links': [list(link) for link in self.links],
        }

    def five_points(self, points: np.ndarray) -> np.ndarray:
        """Return five points (..., 5, 2) of points (..., K, 2), in the order that alignment uses."""
        return np.stack([points[..., list(group), :].mean(-2) for group in self.five], -2)


def landmark_scheme(name: str | Mapping[str, Any]) -> LandmarkScheme:
    """Return a scheme by name, or one of a user's own from the arguments of :class:`LandmarkScheme`.

    Raises:
        UserError: there is no such scheme, or an argument is missing or unknown.
    """
    if not isinstance(name, str):
        try:
            return LandmarkScheme(**name)
        except TypeError as error:
            raise UserError(f'landmark scheme: {str(error).removeprefix("LandmarkScheme.__init__() ")}') from error
    if name not in LANDMARKS:
        raise UserError(f'landmark scheme {name!r} is unknown; use {", ".join(LANDMARKS)}')
    return LANDMARKS[name]


def _colour(part: str) -> list[int]:
    return list(_COLOURS[part.removeprefix('r_').removeprefix('l_')])


def span(first: int, last: int) -> tuple[int, ...]:
    """Return the numbers from first to last, both included, up or down."""
    step = 1 if last >= first else -1
    return tuple(range(first, last + step, step))


def spans(*ends: tuple[int, int]) -> tuple[int, ...]:
    """Return several spans, one after the other."""
    return tuple(number for first, last in ends for number in span(first, last))


def _ring(*points: int) -> tuple[tuple[int, ...], ...]:
    return ((*points, points[0]),)


def _dots(*points: int) -> tuple[tuple[int, ...], ...]:
    return tuple((point,) for point in points)


# Contour and brows of LaPa are WFLW's.
_FACE_33 = {
    'contour': (span(0, 32),),
    'r_brow': _ring(*span(33, 41)),
    'l_brow': _ring(*span(42, 50)),
}
_FLIP_51 = spans((32, 0), (46, 42), (50, 47), (37, 33), (41, 38))

#: lapa106[k] = insightface106[table[k]]: insightface numbers its points in an order of its own (not 300W's nor JD's).
INSIGHTFACE_OF_LAPA = (
    *(1, 9, 10, 11, 12, 13, 14, 15, 16, 2, 3, 4, 5, 6, 7, 8, 0),
    *(24, 23, 22, 21, 20, 19, 18, 32, 31, 30, 29, 28, 27, 26, 25, 17),  # contour
    *(43, 48, 49, 51, 50, 46, 47, 45, 44, 102, 103, 104, 105, 101, 100, 99, 98, 97),  # brows
    *(72, 73, 74, 86, 75, 76, 77, 78, 79, 80, 85, 84, 83, 82, 81),  # nose
    *(35, 41, 40, 42, 39, 37, 33, 36, 38, 89, 95, 94, 96, 93, 91, 87, 90, 92),  # eyes
    *(52, 64, 63, 71, 67, 68, 61, 58, 59, 53, 56, 55, 65, 66, 62, 70, 69, 57, 60, 54),  # mouth
    *(34, 88),  # pupils
)
#: insightface106[k] = lapa106[table[k]].
LAPA_OF_INSIGHTFACE = tuple(INSIGHTFACE_OF_LAPA.index(k) for k in range(106))


def _lapa() -> LandmarkScheme:
    weights = dict.fromkeys(range(33), 0.8) | {point: 2.0 for point in range(66, 83) if point != 74}
    return LandmarkScheme(
        name='lapa106',
        dataset_name='lapa',
        lines={
            **_FACE_33,
            'nose': (span(51, 54), span(55, 65)),
            'r_eye': (*_ring(*span(66, 73)), *_dots(74)),
            'l_eye': (*_ring(*span(75, 82)), *_dots(83)),
            'mouth': (*_ring(*span(84, 95)), *_ring(*span(96, 103))),
            'pupil': _dots(104, 105),
        },
        flip_indices=(
            *_FLIP_51,
            *spans((51, 54), (65, 55), (79, 75), (82, 80), (83, 83), (70, 66), (73, 71), (74, 74)),
            *spans((90, 84), (95, 91), (100, 96), (103, 101), (105, 104)),
        ),
        five=((104,), (105,), (54,), (84,), (90,)),
        eye_corners=(66, 79),
        weights=weights | dict.fromkeys(range(84, 104), 1.5),
    )


def _insightface(lapa: LandmarkScheme) -> LandmarkScheme:
    def renamed(points: Sequence[int]) -> tuple[int, ...]:
        return tuple(INSIGHTFACE_OF_LAPA[point] for point in points)

    return LandmarkScheme(
        name='insightface106',
        dataset_name='insightface106',
        lines={part: tuple(renamed(line) for line in lines) for part, lines in lapa.lines.items()},
        flip_indices=tuple(INSIGHTFACE_OF_LAPA[lapa.flip_indices[point]] for point in LAPA_OF_INSIGHTFACE),
        five=tuple(renamed(group) for group in lapa.five),
        eye_corners=(INSIGHTFACE_OF_LAPA[66], INSIGHTFACE_OF_LAPA[79]),
        weights={INSIGHTFACE_OF_LAPA[point]: weight for point, weight in lapa.weights.items()},
    )


_LAPA = _lapa()
#: Schemes by name. Flip tables and normalisers are those of mmpose's configs; insightface106 follows from its bijection.
LANDMARKS: dict[str, LandmarkScheme] = {
    'anime28': LandmarkScheme(
        name='anime28',
        dataset_name='anime_face',
        lines={
            'contour': (span(0, 4),),
            'r_brow': (span(5, 7),),
            'l_brow': (span(8, 10),),
            'r_eye': (span(11, 13), span(14, 16)),
            'l_eye': (span(17, 19), span(20, 22)),
            'nose': _dots(23),
            'mouth': _ring(24, 25, 26, 27),
        },
        flip_indices=spans((4, 0), (10, 5), (19, 17), (22, 20), (13, 11), (16, 14), (23, 23), (26, 24), (27, 27)),
        five=(span(11, 16), span(17, 22), (23,), (24,), (26,)),
        eye_corners=(11, 19),
    ),
    # The points of iBUG's 300W, dlib, 300W-LP, YouTube Faces and Multi-PIE.
    '300w68': LandmarkScheme(
        name='300w68',
        dataset_name='300w',
        lines={
            'contour': (span(0, 16),),
            'r_brow': (span(17, 21),),
            'l_brow': (span(22, 26),),
            'nose': (span(27, 30), span(31, 35)),
            'r_eye': _ring(*span(36, 41)),
            'l_eye': _ring(*span(42, 47)),
            'mouth': (*_ring(*span(48, 59)), *_ring(*span(60, 67))),
        },
        flip_indices=(
            *spans((16, 0), (26, 17), (27, 30), (35, 31), (45, 42), (47, 46), (39, 36), (41, 40)),
            *spans((54, 48), (59, 55), (64, 60), (67, 65)),
        ),
        five=(span(36, 41), span(42, 47), (30,), (48,), (54,)),
        eye_corners=(36, 45),
    ),
    'wflw98': LandmarkScheme(
        name='wflw98',
        dataset_name='wflw',
        lines={
            **_FACE_33,
            'nose': (span(51, 54), span(55, 59)),
            'r_eye': _ring(*span(60, 67)),
            'l_eye': _ring(*span(68, 75)),
            'mouth': (*_ring(*span(76, 87)), *_ring(*span(88, 95))),
            'pupil': _dots(96, 97),
        },
        flip_indices=(
            *_FLIP_51,
            *spans((51, 54), (59, 55), (72, 68), (75, 73), (64, 60), (67, 65)),
            *spans((82, 76), (87, 83), (92, 88), (95, 93), (97, 96)),
        ),
        five=((96,), (97,), (54,), (76,), (82,)),
        eye_corners=(60, 72),
    ),
    'cofw29': LandmarkScheme(
        name='cofw29',
        dataset_name='cofw',
        lines={
            'r_brow': _ring(0, 4, 2, 5),
            'l_brow': _ring(3, 6, 1, 7),
            'r_eye': _ring(8, 12, 10, 13),
            'l_eye': _ring(11, 14, 9, 15),
            'pupil': _dots(16, 17),
            'nose': ((18, 21, 19), (20,)),
            'mouth': (*_ring(22, 24, 23, 27), (22, 25, 23), (22, 26, 23)),
            'contour': _dots(28),
        },
        flip_indices=(
            *(1, 0, 3, 2, 6, 7, 4, 5, 9, 8, 11, 10, 14, 15, 12, 13, 17, 16, 19, 18, 20, 21, 23, 22, 24, 25, 26, 27, 28),
        ),
        five=((16,), (17,), (20,), (22,), (23,)),
        eye_corners=(8, 9),
    ),
    'aflw19': LandmarkScheme(
        name='aflw19',
        dataset_name='aflw',
        lines={
            'r_brow': (span(0, 2),),
            'l_brow': (span(3, 5),),
            'r_eye': (span(6, 8),),
            'l_eye': (span(9, 11),),
            'nose': (span(12, 14),),
            'mouth': (span(15, 17),),
            'contour': _dots(18),
        },
        flip_indices=spans((5, 0), (11, 6), (14, 12), (17, 15), (18, 18)),
        five=((7,), (10,), (13,), (15,), (17,)),
        eye_corners=(6, 11),
        normalizer='box_max',
    ),
    'lapa106': _LAPA,
    'insightface106': _insightface(_LAPA),
}
