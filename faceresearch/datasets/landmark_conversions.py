"""One landmark scheme's points from another's: tables, and what applies them."""

from __future__ import annotations

import numpy as np

from faceresearch.datasets.landmark_metainfo import INSIGHTFACE_OF_LAPA, LAPA_OF_INSIGHTFACE, landmark_scheme, spans
from faceresearch.errors import UserError


def convert_points(points: np.ndarray, visible: np.ndarray, source: str, target: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a face's points in another scheme's order.

    A target point may be the mean of source points (visible where all of them are); one that the source does not have
    is at 0 and not visible.

    Args:
        points: (..., K, 2) in the scheme ``source``.
        visible: (..., K), 0 where there is no annotation.
        source: a scheme's name.
        target: a scheme's name.

    Raises:
        UserError: a scheme is unknown, or no table leads from one to the other.
    """
    landmark_scheme(source), landmark_scheme(target)
    if source == target:
        return points.copy(), visible.copy()
    if (source, target) not in CONVERSIONS:
        known = ', '.join(f'{a} to {b}' for a, b in CONVERSIONS)
        raise UserError(f'no conversion of landmarks from {source} to {target}; there are {known}')
    table = CONVERSIONS[source, target]
    moved = np.zeros((*points.shape[:-2], len(table), 2), points.dtype)
    seen = np.zeros((*visible.shape[:-1], len(table)), visible.dtype)
    for k, group in enumerate(table):
        if group:
            moved[..., k, :] = points[..., list(group), :].mean(-2)
            seen[..., k] = visible[..., list(group)].min(-1)
    return moved, seen


def _conversions() -> dict[tuple[str, str], tuple[tuple[int, ...], ...]]:
    """Return, for pairs of schemes, the source points whose mean is each target point."""
    # WFLW has all of LaPa but the sides of the nose and the centres of the eyes.
    lapa_of_wflw = spans((0, 54), (58, 62), (66, 73), (75, 82), (84, 105))
    # Every second point of the contour; the upper edge of the brows; six of the eight points of an eye.
    lapa_of_68 = (
        *range(0, 33, 2),
        *spans((33, 37), (42, 46), (51, 54), (58, 62)),
        *(66, 67, 69, 70, 71, 73, 75, 76, 78, 79, 80, 82),
        *spans((84, 103)),
    )
    to_lapa: list[tuple[int, ...]] = [()] * 106
    for k, lapa in enumerate(lapa_of_68):
        # Of the eyes only the corners are the same points; the middles of the lids are means of what 68 points have.
        to_lapa[lapa] = (k,) if not 36 <= k <= 47 or k in (36, 39, 42, 45) else ()
    to_lapa[68], to_lapa[72], to_lapa[77], to_lapa[81] = (37, 38), (40, 41), (43, 44), (46, 47)
    wflw_of_lapa = [lapa_of_wflw.index(k) if k in lapa_of_wflw else None for k in range(106)]
    return {
        ('insightface106', 'lapa106'): tuple((k,) for k in INSIGHTFACE_OF_LAPA),
        ('lapa106', 'insightface106'): tuple((k,) for k in LAPA_OF_INSIGHTFACE),
        ('lapa106', '300w68'): tuple((k,) for k in lapa_of_68),
        ('insightface106', '300w68'): tuple((INSIGHTFACE_OF_LAPA[k],) for k in lapa_of_68),
        ('300w68', 'lapa106'): tuple(to_lapa),
        ('lapa106', 'wflw98'): tuple((k,) for k in lapa_of_wflw),
        ('wflw98', 'lapa106'): tuple(() if k is None else (k,) for k in wflw_of_lapa),
        ('wflw98', '300w68'): tuple((lapa_of_wflw.index(k),) for k in lapa_of_68),
    }


#: (source, target) → for each target point, the source points whose mean it is; none where the source lacks it. The
#: tables to lapa106 are those of mmpose's RTMPose recipe for 106 points.
CONVERSIONS = _conversions()
