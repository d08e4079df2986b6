"""Precision over recall."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceresearch.evaluation.plots import CurvePlot, Line, Picture, draw_curves
from faceresearch.evaluation.wider_protocol import PRCurve


def draw_pr_curves(curves: Sequence[PRCurve], path: str | Path, title: str = 'WIDER FACE') -> Picture:
    """Draw the curves of easy, medium and hard into one PNG.

    Args:
        curves: see :func:`faceresearch.evaluation.wider_protocol.evaluate_detections`.
        path: the picture to write, whole or not at all.
        title: heading.

    Raises:
        UserError: the file cannot be written.
    """
    lines = [_line(curve) for curve in curves]
    plot = CurvePlot(title, 'recall', 'precision', lines, xlim=(0, 1), ylim=(0, 1.01), steps=False, legend='lower left')
    draw_curves(plot, path)
    caption = 'Precision over recall as the score threshold falls. The area under each curve is its average precision.'
    return Picture(Path(path), 'Precision and recall', caption, plot)


def _line(curve: PRCurve) -> Line:
    if np.isnan(curve.ap):
        return Line(f'{curve.subset}  no faces', [], [])
    seen = curve.recall > 0
    # The area is taken under the curve from recall 0 on, at the precision of its first point.
    recall = np.concatenate([[0.0], curve.recall[seen]])
    precision = np.concatenate([curve.precision[seen][:1], curve.precision[seen]]) if seen.any() else np.zeros(1)
    return Line(f'{curve.subset}  AP {curve.ap:.4f}  ({curve.faces:,} faces)', recall, precision)
