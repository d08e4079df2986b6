"""What a report shows of landmark errors."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceresearch.datasets.landmark_metainfo import LandmarkScheme
from faceresearch.evaluation.plots import CurvePlot, Line, Picture, draw_curves
from faceresearch.fileio import atomic_path


def draw_ced(
    faces: np.ndarray,
    path: str | Path,
    thresholds: Sequence[float],
    normalizer: str,
    xlabel: str | None = None,
    limit: float | None = None,
) -> Picture:
    """Draw the cumulative distribution of the faces' errors (N,) into a PNG, with the thresholds.

    Args:
        faces: errors, finite.
        path: the picture.
        thresholds: marked by dashed lines.
        normalizer: what the errors are divided by.
        xlabel: of the axis; by default it names the normaliser.
        limit: end of the axis; by default one and a half times the highest threshold.

    Raises:
        UserError: the file cannot be written.
    """
    limit = limit or 1.5 * max(thresholds)
    steps = np.concatenate([[0.0], np.sort(faces), [max(limit, float(faces.max(initial=0.0)))]])
    shares = np.concatenate([[0.0], np.arange(1, len(faces) + 1) / max(len(faces), 1), [1.0]])
    plot = CurvePlot(
        f'{len(faces):,} faces',
        xlabel or f'mean error of a face / {normalizer}',
        'share of faces',
        [Line('', steps, shares)],
        xlim=(0, limit),
        ylim=(0, 1.01),
        marks=tuple(thresholds),
    )
    draw_curves(plot, path)
    marked = ' Dashed: the thresholds of the figures.' if thresholds else ''
    caption = f'Share of faces whose error is at most the value on the axis.{marked}'
    return Picture(Path(path), 'Cumulative error distribution', caption, plot)


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
