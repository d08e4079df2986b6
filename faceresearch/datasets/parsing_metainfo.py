"""Classes of face parsing: the orders that data sets and networks number them in, and what a mirror does to them.

``l_`` and ``r_`` are the person's own left and right. Orders: ``bisenet`` (zllrunning, yakhyo, uniface), ``celebamask``
(the official one of CelebAMask-HQ, and DML-CSR's), ``lapa``, and ``face``, which only tells faces from everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from faceresearch.errors import UserError

ClassOrder = Literal['bisenet', 'celebamask', 'lapa', 'face']
#: Value of pixels that do not count.
IGNORED = 255

#: Names by number.
CLASSES: dict[str, tuple[str, ...]] = {
    'bisenet': (
        *('background', 'skin', 'l_brow', 'r_brow', 'l_eye', 'r_eye', 'eye_g', 'l_ear', 'r_ear', 'ear_r', 'nose'),
        *('mouth', 'u_lip', 'l_lip', 'neck', 'neck_l', 'cloth', 'hair', 'hat'),
    ),
    'celebamask': (
        *('background', 'skin', 'nose', 'eye_g', 'l_eye', 'r_eye', 'l_brow', 'r_brow', 'l_ear', 'r_ear', 'mouth'),
        *('u_lip', 'l_lip', 'hair', 'hat', 'ear_r', 'neck_l', 'neck', 'cloth'),
    ),
    # 'mouth' is LaPa's inner mouth, as it is CelebAMask-HQ's.
    'lapa': (*('background', 'skin', 'l_brow', 'r_brow', 'l_eye', 'r_eye', 'nose', 'u_lip', 'mouth', 'l_lip', 'hair'),),
    'face': ('background', 'face'),
}
#: What belongs to the face itself: not hair, hat, ears and their rings, neck and cloth, which hide or surround it.
FACE_PARTS = (*('skin', 'l_brow', 'r_brow', 'l_eye', 'r_eye', 'eye_g', 'nose', 'mouth', 'u_lip', 'l_lip'),)
#: Colours (RGB) by name: those of CelebAMask-HQ's palette files.
COLOURS: dict[str, tuple[int, int, int]] = {
    'background': (0, 0, 0),
    'skin': (204, 0, 0),
    'nose': (76, 153, 0),
    'eye_g': (204, 204, 0),
    'l_eye': (51, 51, 255),
    'r_eye': (204, 0, 204),
    'l_brow': (0, 255, 255),
    'r_brow': (255, 204, 204),
    'l_ear': (102, 51, 0),
    'r_ear': (255, 0, 0),
    'mouth': (102, 204, 0),
    'u_lip': (255, 255, 0),
    'l_lip': (0, 0, 153),
    'hair': (0, 0, 204),
    'hat': (255, 51, 153),
    'ear_r': (0, 204, 204),
    'neck_l': (0, 51, 0),
    'neck': (255, 153, 51),
    'cloth': (0, 204, 0),
    'face': (0, 204, 102),
}


def classes_of(order: str) -> tuple[str, ...]:
    """Return the names of an order's classes, by number.

    Raises:
        UserError: there is no such order.
    """
    if order not in CLASSES:
        raise UserError(f'class order {order!r} is unknown; use {", ".join(CLASSES)}')
    return CLASSES[order]


def flip_pairs(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return the pairs of classes that change places in the mirror: every ``l_x`` and ``r_x``.

    ``l_lip`` is the lower lip; there is no ``r_lip``, so it has no pair.
    """
    numbers = {name: number for number, name in enumerate(names)}
    return tuple(
        (number, numbers[f'r_{name[2:]}'])
        for name, number in numbers.items()
        if name.startswith('l_') and f'r_{name[2:]}' in numbers
    )


def class_map(source: str, target: str, face_parts: Sequence[str] = FACE_PARTS) -> np.ndarray:
    """Return the table (256,) uint8 that turns ids of one order into those of another, by the classes' names.

    Classes that the target does not have become background; with the target ``face``, those in ``face_parts`` become 1.
    255 stays 255. Ids that the source does not have are not meaningful.

    Raises:
        UserError: an order or a part is unknown.
    """
    names, wanted = classes_of(source), classes_of(target)
    table = np.full(256, IGNORED, np.uint8)
    if target == 'face' and source != 'face':
        unknown = [part for part in face_parts if part not in COLOURS]
        if unknown:
            raise UserError(f'face_parts: there is no class {unknown[0]!r}; use some of {", ".join(COLOURS)}')
        table[: len(names)] = [name in face_parts for name in names]
        return table
    table[: len(names)] = [wanted.index(name) if name in wanted else 0 for name in names]
    return table


def palette_of(names: Sequence[str]) -> np.ndarray:
    """Return colours (C, 3) uint8 RGB of classes by name; unknown names get colours of their own."""
    colours: Mapping[str, tuple[int, int, int]] = COLOURS
    return np.array(
        [colours.get(name, tuple((37 * (i + 1) * f) % 200 + 55 for f in (1, 3, 7))) for i, name in enumerate(names)],
        np.uint8,
    ).reshape(-1, 3)
