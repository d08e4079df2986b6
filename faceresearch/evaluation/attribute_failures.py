"""The faces whose attributes a model is most sure and wrong about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceresearch.evaluation.illustrations import WORST, Failure


@dataclass(frozen=True)
class Mistake:
    """One wrong value: the image's name, how bad it is (of one head all in one unit), and what is wrong, in words."""

    name: str
    badness: float
    caption: str


def worst_mistakes(heads: Sequence[Sequence[Mistake]], count: int = WORST) -> list[Failure]:
    """Return the worst mistakes of each head, as many of one as of another: at least four of each, the worst first.

    Args:
        heads: mistakes by head.
        count: pictures of all heads together, where four of each are not more.
    """
    heads = [mistakes for mistakes in heads if mistakes]
    share = max(4, count // max(len(heads), 1))
    return [
        Failure((mistake.name,), mistake.caption, _draw)
        for mistakes in heads
        for mistake in sorted(mistakes, key=lambda mistake: -mistake.badness)[:share]
    ]


def _draw(images: Sequence[np.ndarray]) -> np.ndarray:
    from faceresearch.visualization.failures import draw_whole

    return draw_whole(images)
