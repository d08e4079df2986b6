"""Draw how well faces are told apart: ROC, DET and the distributions of scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from faceresearch.evaluation.identification import SearchResult, det_curve
from faceresearch.evaluation.plots import COLOURS, CurvePlot, Line, Picture, canvas, draw_curves, save_figure
from faceresearch.evaluation.roc import RocCurve, ScoreDistributions, roc_curve


def draw_report(
    sets: Mapping[str, ScoreDistributions],
    folder: str | Path,
    title: str,
    kinds: tuple[str, str] = ('genuine', 'impostor'),
    score: str = 'cosine similarity',
) -> list[Picture]:
    """Draw ``roc.png``, ``det.png`` and ``scores.png`` of one or more sets of pairs into a folder.

    Args:
        sets: scores by name.
        folder: made if it is missing.
        title: heading.
        kinds: what is to be accepted, and what rejected.
        score: what the scores are.

    Raises:
        UserError: a file cannot be written.
    """
    curves = {name: roc_curve(scores) for name, scores in sets.items()}
    return [
        draw_roc(curves, Path(folder) / 'roc.png', title),
        draw_det(curves, Path(folder) / 'det.png', title),
        draw_scores(sets, Path(folder) / 'scores.png', title, kinds, score),
    ]


def draw_roc(curves: Mapping[str, RocCurve], path: str | Path, title: str = '') -> Picture:
    """Draw TAR over FAR, FAR on a logarithmic axis from one accepted impostor pair on."""
    lowest = min(1 / curve.impostors for curve in curves.values())
    lines, worst = [], 1.0
    for name, curve in curves.items():
        far, tar = _seen(curve)
        lines.append(Line(f'{name}  AUC {curve.auc:.5f}', far, tar))
        worst = min(worst, float(tar[0]))
    plot = CurvePlot(
        title,
        'false accept rate',
        'true accept rate',
        lines,
        xscale='log',
        xlim=(lowest, 1),
        ylim=(max(0.0, worst - 0.05), 1.005),
    )
    draw_curves(plot, path)
    caption = 'True accept rate over false accept rate (logarithmic), from one false accept on.'
    return Picture(Path(path), 'ROC', caption, plot)


def draw_det(curves: Mapping[str, RocCurve], path: str | Path, title: str = '') -> Picture:
    """Draw the share of genuine pairs rejected over FAR on normal-deviate axes (Martin et al., Eurospeech 1997)."""
    lowest = min(1 / curve.impostors for curve in curves.values())
    floor = min(1 / curve.genuine for curve in curves.values())
    lines = []
    for name, curve in curves.items():
        far, tar = _seen(curve)
        lines.append(Line(name, far, 1 - tar))
    plot = CurvePlot(
        title,
        'false accept rate',
        'false reject rate',
        lines,
        xscale='normal',
        yscale='normal',
        xlim=(lowest, 0.6),
        ylim=(0.9 * floor, 0.9),
        legend='upper right',
    )
    draw_curves(plot, path)
    caption = (
        'False reject rate over false accept rate on normal-deviate axes: lower is better, a straight line is usual.'
    )
    return Picture(Path(path), 'DET', caption, plot)


def draw_identification(galleries: Mapping[str, SearchResult], path: str | Path, title: str = '') -> Picture:
    """Draw FNIR over FPIR of searches, both on logarithmic axes, as NIST's reports do."""
    lines = []
    for name, result in galleries.items():
        label = f'gallery {name}: {int(result.mated.sum()):,} mated, {int((~result.mated).sum()):,} non-mated searches'
        lines.append(Line(label, *det_curve(result)))
    plot = CurvePlot(title, 'FPIR', 'FNIR (1 − TPIR)', lines, xscale='log', yscale='log', legend='upper right')
    draw_curves(plot, path)
    caption = 'Searches of enrolled people missed (FNIR) over searches of others that return someone (FPIR).'
    return Picture(Path(path), 'Identification', caption, plot)


def draw_scores(
    sets: Mapping[str, ScoreDistributions],
    path: str | Path,
    title: str = '',
    kinds: tuple[str, str] = ('genuine', 'impostor'),
    score: str = 'cosine similarity',
) -> Picture:
    """Draw the densities of genuine (line) and impostor (filled) scores."""
    figure, axes = canvas(title)
    low = min(float(min(s.genuine[0], s.impostor[0])) for s in sets.values())
    high = max(float(max(s.genuine[-1], s.impostor[-1])) for s in sets.values())
    bins = np.linspace(low, high if high > low else low + 1, 81)
    for number, (name, scores) in enumerate(sets.items()):
        options: dict[str, Any] = {'bins': bins, 'density': True, 'color': COLOURS[number % len(COLOURS)]}
        axes.hist(scores.impostor, alpha=0.35, label=f'{name}: {len(scores.impostor):,} {kinds[1]}', **options)
        label = f'{name}: {len(scores.genuine):,} {kinds[0]}'
        axes.hist(scores.genuine, histtype='step', linewidth=1.8, label=label, **options)
    axes.set(xlabel=score, ylabel='density')
    axes.legend(loc='best', frameon=False, fontsize=8)
    save_figure(figure, path)
    caption = (
        f'Densities of the scores: {kinds[0]} as a line, {kinds[1]} filled. Where they overlap, mistakes are made.'
    )
    return Picture(Path(path), 'Scores', caption)


def _seen(curve: RocCurve) -> tuple[np.ndarray, np.ndarray]:
    """Return FAR and TAR from one accepted impostor on."""
    seen = curve.far > 0
    start = float(curve.tar[~seen].max(initial=0))
    return np.concatenate([[1 / curve.impostors], curve.far[seen]]), np.concatenate([[start], curve.tar[seen]])
