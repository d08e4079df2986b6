"""Read, compare and draw the logs of trainings."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faceresearch.errors import UserError, did_you_mean
from faceresearch.fileio import atomic_path

#: Entries of a line that say where it belongs rather than what was measured.
_POSITION = frozenset(('step', 'iter', 'epoch'))
#: Drawn by default, with all metrics.
_DEFAULT_KEYS = ('loss', 'lr')
_HOUSEKEEPING = frozenset(('time', 'data_time', 'memory', 'grad_norm'))


@dataclass
class TrainingLog:
    """The scalars of a training, all its interruptions joined.

    Attributes:
        name: shown in tables and legends.
        series: for each key, its values by step: iterations for what training logs, epochs for metrics.
        metrics: keys of metrics.
        unreadable: lines that could not be read.
    """

    name: str
    series: dict[str, dict[int, float]] = field(default_factory=dict)
    metrics: set[str] = field(default_factory=set)
    unreadable: int = 0

    def seconds_per_iteration(self) -> float | None:
        """Median time of an iteration."""
        times = self.series.get('time', {}).values()
        return statistics.median(times) if times else None


def read_log(work_dir: str | Path) -> TrainingLog:
    """Read the JSON lines that a training wrote to its work dir.

    A run that was resumed has several files; where they overlap, the later one counts, and one that starts from the
    beginning replaces all before it. A line that was cut off when the run was killed is left out.

    Raises:
        UserError: there is no log.
    """
    folder = Path(work_dir)
    files = [folder] if folder.is_file() else sorted(folder.glob('*/vis_data/scalars.json'))
    if not files:
        raise UserError(f'{folder}: no training log there (expected <time>/vis_data/scalars.json); give a work dir')
    log = TrainingLog(name=folder.name)
    for path in files:
        part = TrainingLog(name=folder.name)
        for line in path.read_text(encoding='utf-8', errors='replace').splitlines():
            _add_line(part, line)
        _append(log, part)
    return log


def _add_line(log: TrainingLog, line: str) -> None:
    try:
        entry = json.loads(line)
        step = int(entry['step'])
    except (json.JSONDecodeError, KeyError, TypeError, ValueError):
        log.unreadable += bool(line.strip())
        return
    in_training = 'iter' in entry
    for key, value in entry.items():
        if key in _POSITION or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not in_training and key in _HOUSEKEEPING:
            continue
        if not in_training:
            log.metrics.add(key)
        log.series.setdefault(key, {})[step] = float(value)


def _append(log: TrainingLog, part: TrainingLog) -> None:
    log.unreadable += part.unreadable
    old, new = log.series.get('lr'), part.series.get('lr')
    if old and new and min(new) <= min(old):
        log.series.clear()
        log.metrics.clear()
    log.metrics |= part.metrics
    for key, values in part.series.items():
        log.series.setdefault(key, {}).update(values)


def summarise(logs: Sequence[TrainingLog], keys: Sequence[str]) -> list[dict[str, str | float | int]]:
    """Return one row for each log and key: least, greatest and last value, with their steps."""
    rows: list[dict[str, str | float | int]] = []
    for log in logs:
        for key in keys:
            values = log.series.get(key)
            if not values:
                continue
            low, high, last = min(values, key=values.__getitem__), max(values, key=values.__getitem__), max(values)
            rows.append(
                {
                    'run': log.name,
                    'key': key,
                    'min': values[low],
                    'min_at': low,
                    'max': values[high],
                    'max_at': high,
                    'last': values[last],
                    'last_at': last,
                }
            )
    return rows


def choose_keys(logs: Sequence[TrainingLog], wanted: Sequence[str] = ()) -> list[str]:
    """Return the keys to show: those asked for, or loss, learning rate and all metrics.

    Raises:
        UserError: no log has a key that was asked for.
    """
    known = {key for log in logs for key in log.series}
    for key in wanted:
        if key not in known:
            raise UserError(f'no log has {key!r}.{did_you_mean(key, known)} There are {", ".join(sorted(known))}')
    if wanted:
        return list(wanted)
    metrics = {key for log in logs for key in log.metrics if not key.split('/')[-1].startswith('images')}
    return [key for key in _DEFAULT_KEYS if key in known] + sorted(metrics)


def plot(logs: Sequence[TrainingLog], keys: Sequence[str], path: str | Path) -> None:
    """Draw one panel for each key, with a line for each log, to a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    columns = min(3, len(keys))
    rows = -(-len(keys) // columns)
    figure = Figure(figsize=(5 * columns, 3.4 * rows), layout='constrained')
    FigureCanvasAgg(figure)
    for number, key in enumerate(keys):
        axes = figure.add_subplot(rows, columns, number + 1)
        for log in logs:
            points = sorted(log.series.get(key, {}).items())
            if points:
                axes.plot(*zip(*points), label=log.name, marker='.' if len(points) < 60 else None, linewidth=1.2)
        axes.set_title(key, fontsize=10)
        axes.set_xlabel('epoch' if any(key in log.metrics for log in logs) else 'iteration')
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if len(logs) > 1:
            axes.legend(fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)


def analyze(work_dirs: Sequence[str | Path], keys: Sequence[str] = (), out: str | Path | None = None) -> None:
    """Print a summary of trainings, and draw their curves.

    Args:
        work_dirs: work dirs of trainings, or their ``scalars.json``.
        keys: what to show; loss, learning rate and all metrics by default.
        out: PNG to draw to.

    Raises:
        UserError: there is no log, or no such key.
    """
    from rich.console import Console
    from rich.table import Table

    logs = [read_log(folder) for folder in work_dirs]
    if len({log.name for log in logs}) < len(logs):
        for log, folder in zip(logs, work_dirs):
            log.name = str(folder)
    chosen = choose_keys(logs, keys)
    table = Table()
    for column in ('run', 'key', 'min (at)', 'max (at)', 'last (at)'):
        table.add_column(column, no_wrap=column == 'key')
    for row in summarise(logs, chosen):
        cells = [f'{row[name]:.5g} ({row[f"{name}_at"]})' for name in ('min', 'max', 'last')]
        table.add_row(str(row['run']), str(row['key']), *cells)
    console = Console() if sys.stdout.isatty() else Console(width=140)
    console.print(table)
    for log in logs:
        seconds = log.seconds_per_iteration()
        if seconds is not None:
            data = statistics.median(log.series.get('data_time', {0: 0.0}).values())
            console.print(f'{log.name}: {seconds:.4f} s per iteration, {data:.4f} s of them waiting for data')
        if log.unreadable:
            console.print(f'{log.name}: {log.unreadable} lines could not be read and are left out')
    if out is not None:
        plot(logs, chosen, out)
        console.print(f'wrote {out}')
