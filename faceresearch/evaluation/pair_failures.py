"""The pairs of faces that a recognition model is most wrong about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceresearch.evaluation.illustrations import WORST, Failure


def pair_failures(
    scores: np.ndarray,
    issame: np.ndarray,
    units: np.ndarray,
    names: Sequence[str] | None,
    right: np.ndarray | None = None,
    count: int = WORST,
) -> tuple[list[Failure], str]:
    """Return the different people who look most alike to the model, then the least alike images of one person.

    Args:
        scores: (P,) similarity.
        issame: (P,) bool.
        units: (P, 2) numbers of the images.
        names: of the images; None: their numbers.
        right: (P,) bool, pairs judged rightly, where the protocol decides.
        count: pairs at most, half of them of either kind.
    """
    different, same = np.flatnonzero(~issame), np.flatnonzero(issame)
    chosen = [*different[np.argsort(-scores[different], kind='stable')][: count // 2]]
    chosen += [*same[np.argsort(scores[same], kind='stable')][: count // 2]]
    failures = []
    for pair in chosen:
        shown = tuple(str(unit) if names is None else str(names[unit]) for unit in units[pair])
        who = 'one person' if issame[pair] else 'different people'
        verdict = '' if right is None else ', judged rightly' if right[pair] else ', judged wrongly'
        failures.append(Failure(shown, f'{who}, similarity {scores[pair]:.3f}{verdict}', _draw))
    note = 'Different people who look most alike to the model, then images of one person that look least alike.'
    return failures, note


def _draw(images: Sequence[np.ndarray]) -> np.ndarray:
    from faceresearch.visualization.failures import draw_pair

    return draw_pair(images)
