"""What an evaluation shows beside its figures: pictures it has drawn, and the samples it judged worst."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from faceresearch.evaluation.plots import Picture

#: Samples that a report shows as its worst.
WORST = 12


@dataclass(frozen=True)
class Failure:
    """A sample that was judged badly.

    The evaluation knows what is wrong with it, the data set has its pixels: they are joined when a report is written.

    Attributes:
        names: its image, or the two of a pair, as the data set calls them.
        caption: what is wrong.
        draw: makes a picture (h, w, 3) uint8 BGR of the original images, each (H, W, 3) uint8 BGR.
    """

    names: tuple[str, ...]
    caption: str
    draw: Callable[[Sequence[np.ndarray]], np.ndarray] = field(repr=False)


@dataclass
class Illustrations:
    """What a metric has to show after an evaluation; it is made only where a folder for plots is named.

    Attributes:
        pictures: plots that it has drawn.
        failures: the worst samples, the worst first.
        note: how they were chosen and how to read them.
    """

    pictures: list[Picture] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    note: str = ''
