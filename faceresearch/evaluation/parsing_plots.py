"""Confusion between classes, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceresearch.evaluation.plots import Picture, canvas, save_figure


def draw_confusion(
    confusion: np.ndarray, names: Sequence[str], path: str | Path, title: str = '', of: str = 'true class'
) -> Picture:
    """Draw a confusion matrix (K, K), each row as shares of the true class, into a PNG.

    Args:
        confusion: counts, rows by true class.
        names: classes by number.
        path: the picture.
        title: heading.
        of: what a row's shares are of.

    Raises:
        UserError: the file cannot be written.
    """
    rows = confusion.sum(1, keepdims=True)
    shares = np.divide(confusion, rows, out=np.zeros(confusion.shape), where=rows > 0)
    side = 2.5 + 0.38 * len(names)
    figure, axes = canvas(f'{title} (% of the {of})', (side, side))
    axes.grid(visible=False)
    axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            if share >= 0.005:
                colour = 'white' if share > 0.6 else 'black'
                axes.text(j, i, f'{100 * share:.0f}', ha='center', va='center', fontsize=6.5, color=colour)
    axes.set_xticks(range(len(names)), labels=list(names), rotation=90)
    axes.set_yticks(range(len(names)), labels=list(names))
    axes.set(xlabel='predicted', ylabel='true')
    save_figure(figure, path)
    caption = f'Each row: where the {of} went, in per cent. A perfect model has 100 along the diagonal.'
    return Picture(Path(path), f'Confusion: {title}' if title else 'Confusion', caption)
