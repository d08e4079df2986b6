"""Part ids of the SynthFaces label map: the 19 classes of CelebAMask-HQ in their official order, and parts of our own
from 32 on.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Part(IntEnum):
    """What a pixel shows. 0-18 are CelebAMask-HQ's classes (left and right are the person's); from 32 on it has no
    class for them.
    """

    BACKGROUND = 0
    SKIN = 1
    NOSE = 2
    EYE_GLASSES = 3
    LEFT_EYE = 4
    RIGHT_EYE = 5
    LEFT_BROW = 6
    RIGHT_BROW = 7
    LEFT_EAR = 8
    RIGHT_EAR = 9
    MOUTH = 10
    UPPER_LIP = 11
    LOWER_LIP = 12
    HAIR = 13
    HAT = 14
    EARRING = 15
    NECKLACE = 16
    NECK = 17
    CLOTH = 18
    FACE_MASK = 32
    SUNGLASSES = 33
    OCCLUDER = 34


#: Parts that hide the face when they lie over it. A person's own hair, beard and clear glasses do not.
HIDING_PARTS = (Part.HAT, Part.CLOTH, Part.FACE_MASK, Part.SUNGLASSES, Part.OCCLUDER)

#: Classes of the parts that CelebAMask-HQ has no class for: masks are cloth, hands and things are background.
_CLASS_OF = {Part.FACE_MASK: Part.CLOTH, Part.SUNGLASSES: Part.EYE_GLASSES, Part.OCCLUDER: Part.BACKGROUND}


def lay_parts(
    parts: np.ndarray, alpha: np.ndarray, origin: tuple[int, int], part: np.ndarray | Part, opaque: float = 0.5
) -> None:
    """Write into ``parts`` (H, W) what a layer with coverage ``alpha`` (h, w) at ``origin`` (x, y) shows: one part, or
    one for each of its pixels.
    """
    (h, w), (x, y) = alpha.shape, origin
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, parts.shape[1]), min(y + h, parts.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    inside = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
    solid = alpha[inside] > opaque
    parts[y0:y1, x0:x1][solid] = part[inside][solid] if isinstance(part, np.ndarray) else part


def celebamask_classes(parts: np.ndarray) -> np.ndarray:
    """Return part ids as CelebAMask-HQ's 19 classes (official order), as its annotators would have drawn them."""
    table = np.arange(256, dtype=np.uint8)
    for part, known in _CLASS_OF.items():
        table[part] = known
    return table[parts]
