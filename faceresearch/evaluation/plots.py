"""Curves as data: drawn into a picture, kept in a report, and laid over those of another run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from faceresearch.fileio import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The Okabe-Ito palette: told apart with any colour vision.
COLOURS = ('#0072B2', '#E69F00', '#009E73', '#CC79A7', '#D55E00', '#56B4E9', '#000000')
#: Points of a line that a report keeps: more than a picture has columns.
_KEPT_POINTS = 1500
#: Ticks of axes stretched by the normal distribution's quantiles.
_NORMAL_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5)

Scale = Literal['linear', 'log', 'normal']
Corner = Literal['lower right', 'lower left', 'upper right', 'best']


@dataclass(frozen=True)
class Line:
    """One curve: its label, and x and y of its points, in rising order of x."""

    label: str
    x: Sequence[float] | np.ndarray
    y: Sequence[float] | np.ndarray


@dataclass(frozen=True)
class CurvePlot:
    """What a picture of curves shows.

    Attributes:
        title: heading.
        xlabel: of the axis.
        ylabel: of the axis.
        lines: the curves; one without points has an entry in the legend only.
        xscale: ``normal`` stretches an axis by the normal distribution's quantiles (Martin et al., Eurospeech 1997).
        yscale: likewise.
        xlim: ends of the axis, or None: what the curves need.
        ylim: likewise.
        steps: join points by steps, as counted curves are, or straight.
        legend: where it stands.
        marks: x at which a dashed line stands: thresholds.
    """

    title: str
    xlabel: str
    ylabel: str
    lines: Sequence[Line]
    xscale: Scale = 'linear'
    yscale: Scale = 'linear'
    xlim: tuple[float, float] | None = None
    ylim: tuple[float, float] | None = None
    steps: bool = True
    legend: Corner = 'lower right'
    marks: Sequence[float] = ()


@dataclass(frozen=True)
class Picture:
    """A picture that an evaluation has drawn.

    Attributes:
        path: the file.
        title: what it shows, in a few words.
        caption: how to read it, in a sentence.
        plot: its curves, where it is made of curves.
    """

    path: Path
    title: str
    caption: str
    plot: CurvePlot | None = field(default=None, repr=False)


def draw_curves(plot: CurvePlot, path: str | Path) -> None:
    """Draw curves into a PNG, whole or not at all.

    Raises:
        UserError: the file cannot be written.
    """
    figure, axes = canvas(plot.title)
    style = 'steps-post' if plot.steps else 'default'
    for number, line in enumerate(plot.lines):
        x, y = np.asarray(line.x, np.float64), np.asarray(line.y, np.float64)
        shown = np.isfinite(x) & np.isfinite(y) & _drawable(x, plot.xscale) & _drawable(y, plot.yscale)
        x, y = _placed(x[shown], plot.xscale), _placed(y[shown], plot.yscale)
        colour, dashed = COLOURS[number % len(COLOURS)], (number // len(COLOURS)) % 2
        axes.plot(x, y, color=colour, linewidth=2, linestyle='--' if dashed else '-', drawstyle=style, label=line.label)
    for place in plot.marks:
        axes.axvline(place, color='0.6', linewidth=1, linestyle='--')
    _scale(axes.xaxis, plot.xscale, plot.xlim, axes.set_xlim, axes.set_xscale)
    _scale(axes.yaxis, plot.yscale, plot.ylim, axes.set_ylim, axes.set_yscale)
    axes.set(xlabel=plot.xlabel, ylabel=plot.ylabel)
    if any(line.label for line in plot.lines):
        axes.legend(loc=plot.legend, frameon=False, fontsize=9)
    save_figure(figure, path)


def overlay(first: CurvePlot, second: CurvePlot, names: tuple[str, str] = ('A', 'B')) -> CurvePlot:
    """Return one plot with the curves of two of a kind, each label with the name of its run before it.

    Raises:
        ValueError: the two have different axes.
    """
    if (first.xscale, first.yscale, first.xlabel, first.ylabel) != (
        second.xscale,
        second.yscale,
        second.xlabel,
        second.ylabel,
    ):
        raise ValueError('overlay: the plots have different axes')
    lines = [
        replace(line, label=f'{name}: {line.label}' if line.label else name)
        for name, plot in zip(names, (first, second))
        for line in plot.lines
    ]
    return replace(
        first, lines=lines, xlim=_hull(first.xlim, second.xlim), ylim=_hull(first.ylim, second.ylim), title=first.title
    )


def plot_to_json(plot: CurvePlot) -> dict[str, Any]:
    """Return a plot as JSON holds it; of very long curves only as many points as a picture can show."""
    content = asdict(replace(plot, lines=()))
    content['lines'] = []
    for line in plot.lines:
        x, y = np.asarray(line.x, np.float64), np.asarray(line.y, np.float64)
        finite = np.isfinite(x) & np.isfinite(y)
        kept = _thinned(x[finite], y[finite], plot.xscale)
        content['lines'].append({'label': line.label, 'x': kept[0].tolist(), 'y': kept[1].tolist()})
    return content


def plot_from_json(content: dict[str, Any]) -> CurvePlot:
    """Return the plot of :func:`plot_to_json`.

    Raises:
        TypeError: the content has other fields.
    """
    fields = dict(content)
    for key in ('xlim', 'ylim'):
        fields[key] = None if fields.get(key) is None else tuple(fields[key])
    lines = [Line(str(line['label']), line['x'], line['y']) for line in fields.pop('lines')]
    return CurvePlot(lines=lines, **fields)


def canvas(title: str, size: tuple[float, float] = (7.2, 5.4)) -> tuple[Figure, Axes]:
    """Return a figure of ``size`` inches and its axes, with a grid and no frame on the right and above."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=140, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    # A dollar sign in the name of a file or data set starts no formula.
    axes.set_title(title.replace('$', r'\$'))
    axes.grid(color='0.9', linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
    return figure, axes


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, whole or not at all.

    Raises:
        UserError: the file cannot be written.
    """
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format='png')


def _drawable(values: np.ndarray, scale: Scale) -> np.ndarray:
    if scale == 'log':
        return values > 0
    return (values > 0) & (values < 1) if scale == 'normal' else np.ones(len(values), bool)


def _placed(values: np.ndarray, scale: Scale) -> np.ndarray:
    if scale != 'normal':
        return values
    from scipy.special import ndtri

    return ndtri(values)


def _scale(axis: Any, scale: Scale, limits: tuple[float, float] | None, set_limits: Any, set_scale: Any) -> None:
    if scale == 'normal':
        from scipy.special import ndtri

        low, high = limits or (_NORMAL_TICKS[0], 0.6)
        ticks = [tick for tick in _NORMAL_TICKS if low <= tick <= high]
        axis.set_ticks(ndtri(ticks), [f'{tick:g}' for tick in ticks])
        set_limits(ndtri(low), ndtri(high))
        return
    set_scale(scale)
    if limits is not None:
        set_limits(*limits)


def _thinned(x: np.ndarray, y: np.ndarray, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Drop points that fall into the same column of a picture; the first and last of each column stay."""
    if len(x) <= _KEPT_POINTS:
        return x, y
    place = np.log(np.maximum(x, np.finfo(np.float64).tiny)) if scale != 'linear' else x
    span = float(place.max() - place.min()) or 1.0
    column = ((place - place.min()) / span * (_KEPT_POINTS // 2 - 1)).astype(np.int64)
    edge = np.flatnonzero(np.diff(column))
    kept = np.unique(np.concatenate([[0, len(x) - 1], edge, edge + 1]))
    return x[kept], y[kept]


def _hull(a: tuple[float, float] | None, b: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if a is None or b is None else (min(a[0], b[0]), max(a[1], b[1]))
