"""Draw how well faces are told apart: ROC, DET and the distributions of scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceresearch.evaluation.identification import SearchResult, det_curve
from faceresearch.evaluation.roc import RocCurve, ScoreDistributions, roc_curve
from faceresearch.fileio import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The Okabe-Ito palette: told apart with any colour vision.
_COLOURS = ('#0072B2', '#E69F00', '#009E73', '#CC79A7', '#D55E00', '#56B4E9', '#000000')
#: Ticks of a DET plot, whose axes are stretched by the normal distribution's quantiles.
_DET_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5)


def draw_report(sets: Mapping[str, ScoreDistributions], folder: str | Path, title: str) -> None:
    """Draw ``roc.png``, ``det.png`` and ``scores.png`` of one or more sets of pairs into a folder.

    Args:
        sets: scores by name.
        folder: made if it is missing.
        title: heading.

    Raises:
        UserError: a file cannot be written.
    """
    curves = {name: roc_curve(scores) for name, scores in sets.items()}
    draw_roc(curves, Path(folder) / 'roc.png', title)
    draw_det(curves, Path(folder) / 'det.png', title)
    draw_scores(sets, Path(folder) / 'scores.png', title)


def draw_roc(curves: Mapping[str, RocCurve], path: str | Path, title: str = '') -> None:
    """Draw TAR over FAR, FAR on a logarithmic axis from one accepted impostor pair on."""
    figure, axes = _canvas(title)
    lowest = min(1 / curve.impostors for curve in curves.values())
    worst = 1.0
    for (name, curve), colour in zip(curves.items(), _cycle(len(curves))):
        seen = curve.far > 0
        start = float(curve.tar[~seen].max(initial=0))
        far = np.concatenate([[1 / curve.impostors], curve.far[seen]])
        tar = np.concatenate([[start], curve.tar[seen]])
        axes.plot(far, tar, color=colour, linewidth=2, drawstyle='steps-post', label=f'{name}  AUC {curve.auc:.5f}')
        worst = min(worst, start)
    axes.set_xscale('log')
    axes.set(
        xlim=(lowest, 1), ylim=(max(0.0, worst - 0.05), 1.005), xlabel='false accept rate', ylabel='true accept rate'
    )
    axes.legend(loc='lower right', frameon=False)
    _save(figure, path)


def draw_det(curves: Mapping[str, RocCurve], path: str | Path, title: str = '') -> None:
    """Draw the share of genuine pairs rejected over FAR on normal-deviate axes (Martin et al., Eurospeech 1997)."""
    from scipy.special import ndtri

    figure, axes = _canvas(title)
    lowest = min(1 / curve.impostors for curve in curves.values())
    floor = min(1 / curve.genuine for curve in curves.values())
    for (name, curve), colour in zip(curves.items(), _cycle(len(curves))):
        seen = curve.far > 0
        far = np.concatenate([[1 / curve.impostors], curve.far[seen]])
        miss = 1 - np.concatenate([[float(curve.tar[~seen].max(initial=0))], curve.tar[seen]])
        inside = (far < 1) & (miss > 0) & (miss < 1)
        axes.plot(
            ndtri(far[inside]), ndtri(miss[inside]), color=colour, linewidth=2, drawstyle='steps-post', label=name
        )
    for axis, low in ((axes.xaxis, lowest), (axes.yaxis, floor)):
        ticks = [tick for tick in _DET_TICKS if tick >= low]
        axis.set_ticks(ndtri(ticks), [f'{tick:g}' for tick in ticks])
    axes.set(xlim=(ndtri(lowest), ndtri(0.6)), ylim=(ndtri(floor) - 0.1, ndtri(0.9)))
    axes.set(xlabel='false accept rate', ylabel='false reject rate')
    axes.legend(loc='upper right', frameon=False)
    _save(figure, path)


def draw_identification(galleries: Mapping[str, SearchResult], path: str | Path, title: str = '') -> None:
    """Draw FNIR over FPIR of searches, both on logarithmic axes, as NIST's reports do."""
    figure, axes = _canvas(title)
    for (name, result), colour in zip(galleries.items(), _cycle(len(galleries))):
        fpir, fnir = det_curve(result)
        seen = (fpir > 0) & (fnir > 0)
        label = f'gallery {name}: {int(result.mated.sum()):,} mated, {int((~result.mated).sum()):,} non-mated searches'
        axes.plot(fpir[seen], fnir[seen], color=colour, linewidth=2, drawstyle='steps-post', label=label)
    axes.set(xscale='log', yscale='log', xlabel='FPIR', ylabel='FNIR (1 − TPIR)')
    axes.legend(loc='upper right', frameon=False)
    _save(figure, path)


def draw_scores(sets: Mapping[str, ScoreDistributions], path: str | Path, title: str = '') -> None:
    """Draw the densities of genuine (line) and impostor (filled) scores."""
    figure, axes = _canvas(title)
    low = min(float(min(s.genuine[0], s.impostor[0])) for s in sets.values())
    high = max(float(max(s.genuine[-1], s.impostor[-1])) for s in sets.values())
    bins = np.linspace(low, high if high > low else low + 1, 81)
    for (name, scores), colour in zip(sets.items(), _cycle(len(sets))):
        options: dict[str, Any] = {'bins': bins, 'density': True, 'color': colour}
        axes.hist(scores.impostor, alpha=0.35, label=f'{name}: {len(scores.impostor):,} impostor', **options)
        genuine = f'{name}: {len(scores.genuine):,} genuine'
        axes.hist(scores.genuine, histtype='step', linewidth=1.8, label=genuine, **options)
    axes.set(xlabel='cosine similarity', ylabel='density')
    axes.legend(loc='upper right', frameon=False, fontsize=8)
    _save(figure, path)


def _canvas(title: str) -> tuple[Any, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 5.4), dpi=140, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.grid(color='0.9', linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
    return figure, axes


def _cycle(count: int) -> list[str]:
    return [_COLOURS[number % len(_COLOURS)] for number in range(count)]


def _save(figure: Any, path: str | Path) -> None:
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format='png')
