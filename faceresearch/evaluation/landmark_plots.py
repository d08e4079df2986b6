"""What a report shows of landmark errors."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceresearch.datasets.landmark_metainfo import LandmarkScheme
from faceresearch.fileio import atomic_path


def draw_ced(faces: np.ndarray, path: str | Path, thresholds: Sequence[float], normalizer: str) -> None:
    """Draw the cumulative distribution of the faces' errors (N,) into a PNG, with the thresholds.

    Raises:
        UserError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5), dpi=140, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    limit = 1.5 * max(thresholds)
    steps = np.concatenate([[0.0], np.sort(faces), [max(limit, float(faces.max(initial=0.0)))]])
    shares = np.concatenate([[0.0], np.arange(1, len(faces) + 1) / max(len(faces), 1), [1.0]])
    axes.step(steps, shares, where='post', linewidth=1.8)
    for threshold in thresholds:
        axes.axvline(threshold, color='0.7', linewidth=1, linestyle='--')
    axes.set(
        xlim=(0, limit),
        ylim=(0, 1.01),
        xlabel=f'mean error of a face / {normalizer}',
        ylabel='share of faces',
        title=f'{len(faces)} faces',
    )
    axes.grid(alpha=0.3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format='png')


def write_point_table(errors: np.ndarray, scheme: LandmarkScheme, path: str | Path) -> None:
    """Write the mean error of every point as CSV: number, part, faces it is annotated on, mean.

    Args:
        errors: (N, K), nan where a point is not judged.
        scheme: names the parts.
        path: the file.

    Raises:
        UserError: the file cannot be written.
    """
    part_of = {point: part for part, points in scheme.parts.items() for point in points}
    with atomic_path(path) as temporary, temporary.open('w', encoding='utf-8', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerow(['point', 'part', 'faces', 'error'])
        for point, column in enumerate(errors.T):
            judged = column[np.isfinite(column)]
            writer.writerow([point, part_of[point], len(judged), f'{judged.mean():.6f}' if len(judged) else ''])
