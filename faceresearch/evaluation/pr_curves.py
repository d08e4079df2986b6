"""Draw precision over recall."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceresearch.evaluation.wider_protocol import PRCurve
from faceresearch.fileio import atomic_path

#: Blue, orange, green of the Okabe-Ito palette: told apart with any colour vision.
_COLOURS = ('#0072B2', '#E69F00', '#009E73')


def draw_pr_curves(curves: Sequence[PRCurve], path: str | Path, title: str = 'WIDER FACE') -> None:
    """Draw the curves of easy, medium and hard into one PNG.

    Args:
        curves: see :func:`faceresearch.evaluation.wider_protocol.evaluate_detections`.
        path: the picture to write, whole or not at all.
        title: heading.

    Raises:
        UserError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 5.4), dpi=140, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for curve, colour in zip(curves, _COLOURS):
        label = f'{curve.subset:<6}  AP {curve.ap:.4f}  ({curve.faces:,} faces)'
        if np.isnan(curve.ap):
            axes.plot([], [], color=colour, label=f'{curve.subset:<6}  no faces')
            continue
        seen = curve.recall > 0
        # The area is taken under the curve from recall 0 on, at the precision of its first point.
        recall = np.concatenate([[0.0], curve.recall[seen]])
        precision = np.concatenate([curve.precision[seen][:1], curve.precision[seen]]) if seen.any() else [0.0]
        axes.plot(recall, precision, color=colour, linewidth=2.0, label=label)
        axes.plot(recall[-1], precision[-1], 'o', color=colour, markersize=4)
    axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel='recall', ylabel='precision', title=title)
    axes.set_xticks(np.arange(0, 1.01, 0.1))
    axes.set_yticks(np.arange(0, 1.01, 0.1))
    axes.grid(color='0.9', linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
    axes.legend(loc='lower left', frameon=False, prop={'family': 'monospace', 'size': 9})
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format='png')
