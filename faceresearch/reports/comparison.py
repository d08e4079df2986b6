"""Two runs side by side: figures with differences, plots over each other, and what differs in their configs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from faceresearch.errors import UserError
from faceresearch.evaluation.plots import draw_curves, overlay
from faceresearch.fileio import atomic_path
from faceresearch.reports.html import Content, Markup, figure, join, page, plot, table, tag
from faceresearch.reports.record import RunRecord, Shown
from faceresearch.reports.tables import figure_cell, interval, main_keys, number, numeric, numeric_head, warnings
from faceresearch.reports.test_page import style

#: Figures of which less is better, by a part of the key.
_LESS = re.compile(r'(?:^|_)(?:mae|nme|eer|hter|acer|apcer|bpcer|riapar|geodesic)|^(?:fr@|error_ratio|gap)')
#: Keys that are counts, or shares of the data, and say nothing of quality.
_NEUTRAL = re.compile(r'images|faces|threshold|majority|accuracy_std|mae_of_median|impostors@|share_')
#: Settings that only say where a run wrote.
_PLACES = ('work_dir',)


@dataclass(frozen=True)
class Row:
    """A figure of two runs; a value that a run does not have is None, and so is the difference (A − B) then."""

    key: str
    a: float | None
    b: float | None
    difference: float | None


def compare_runs(a: RunRecord, b: RunRecord) -> list[Row]:
    """Return all figures of two runs, in the order of the first.

    Raises:
        UserError: the two have no figure in common.
    """
    if not set(a.figures) & set(b.figures):
        have = [', '.join(list(run.figures)[:3]) or 'nothing' for run in (a, b)]
        raise UserError(f'the two runs have no figure in common: A has {have[0]}, B has {have[1]}')
    rows = []
    for key in dict.fromkeys([*a.figures, *b.figures]):
        first, second = a.figures.get(key), b.figures.get(key)
        rows.append(Row(key, first, second, None if first is None or second is None else first - second))
    return rows


def changed_settings(a: Mapping[str, str], b: Mapping[str, str]) -> list[tuple[str, str | None, str | None]]:
    """Return (key, value in A, value in B) of all settings that differ; None where there is no such key."""
    keys = sorted({*a, *b})
    return [(key, a.get(key), b.get(key)) for key in keys if a.get(key) != b.get(key) and key not in _PLACES]


def comparison_json(a: RunRecord, b: RunRecord) -> dict[str, Any]:
    """Return a comparison as JSON holds it."""
    return {
        'a': a.name,
        'b': b.name,
        'metrics': {row.key: {'a': row.a, 'b': row.b, 'difference': row.difference} for row in compare_runs(a, b)},
        'settings': {key: {'a': x, 'b': y} for key, x, y in changed_settings(a.settings, b.settings)},
    }


def comparison_lines(a: RunRecord, b: RunRecord) -> list[str]:
    """Return what differs between two runs, for people."""
    lines = [f'A: {a.name}', f'B: {b.name}', f'{"":<32}{"A":>12}{"B":>12}{"A − B":>12}']
    for row in compare_runs(a, b):
        values = ['' if value is None else number(value) for value in (row.a, row.b)]
        lines.append(f'{row.key:<32}{values[0]:>12}{values[1]:>12}{_signed(row.difference):>12}')
    differing = changed_settings(a.settings, b.settings)
    lines.append(f'{len(differing)} settings differ' if a.settings and b.settings else 'settings are not known of both')
    return lines


def write_comparison(
    path: str | Path, a: RunRecord, b: RunRecord, verdicts: Sequence[str] = (), labels: tuple[str, str] = ('A', 'B')
) -> None:
    """Write the page of two runs, whole or not at all.

    Args:
        path: the HTML file.
        a: the first run.
        b: the second.
        verdicts: what paired tests say, a line each.
        labels: what the runs are called in tables and plots.

    Raises:
        UserError: the runs have no figure in common, or the file cannot be written.
    """
    sections: list[tuple[str, str, Content]] = [
        ('Runs', 'runs', _runs(a, b, labels)),
        ('Paired tests', 'tests', [tag('p', line) for line in verdicts]),
        ('Metrics', 'metrics', _metrics(a, b, labels)),
        ('Plots', 'plots', _plots(a, b, labels)),
        ('Config differences', 'config', _settings(a, b, labels)),
        ('Environment differences', 'environment', _environment(a, b, labels)),
    ]
    text = page(f'{a.name} and {b.name}', 'Two runs side by side', sections, style())
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def _runs(a: RunRecord, b: RunRecord, labels: tuple[str, str]) -> Markup:
    keys = dict.fromkeys([*a.facts, *b.facts])
    rows: list[list[Content]] = [['Name', a.name, b.name]]
    rows += [[key, a.facts.get(key, '–'), b.facts.get(key, '–')] for key in keys]
    notes = [
        tag('p', f'{label}: {line}', class_='warning')
        for label, run in zip(labels, (a, b))
        for line in warnings(run.figures)
    ]
    if a.facts.get('Test set') != b.facts.get('Test set'):
        notes.append(
            tag(
                'p',
                'The runs name different test sets: their figures compare only where the protocol is one.',
                class_='warning',
            )
        )
    return join(notes, table('What was run', ['', *labels], rows))


def _metrics(a: RunRecord, b: RunRecord, labels: tuple[str, str]) -> Markup:
    shown = set(main_keys(a.figures)) | set(main_keys(b.figures))
    with_interval = any(interval(run.figures, key) for run in (a, b) for key in run.figures)
    head: list[Content] = ['Metric', *map(numeric_head, (*labels, f'{labels[0]} − {labels[1]}'))]
    head += [numeric_head(f'95 % interval, {label}') for label in labels] if with_interval else []
    rows, single = [], []
    for row in compare_runs(a, b):
        cells = [
            tag('th', tag('code', row.key), scope='row'),
            *(numeric('–' if value is None else figure_cell(value)) for value in (row.a, row.b)),
            numeric(_signed(row.difference), _judged(row)),
        ]
        if row.key in shown:
            cells += [numeric(interval(run.figures, row.key)) for run in (a, b)] if with_interval else []
            rows.append(tag('tr', cells))
        elif not row.key.endswith(('_low', '_high')):
            single.append(tag('tr', cells))
    parts = [
        table(f'Differences in colour: {labels[0]} is better (green) or worse (red), as the sign says, too', head, rows)
    ]
    if single:
        summary = tag('summary', f'Figures of single classes ({len(single)})')
        parts.append(tag('details', summary, table('Single classes', head[:4], single)))
    return join(parts)


def _plots(a: RunRecord, b: RunRecord, labels: tuple[str, str]) -> Content:
    parts, done = [], set()
    for first in a.plots:
        second = next((s for s in b.plots if s.file == first.file and s.title == first.title), None)
        if second is not None:
            parts += _both(first, second, a, b, labels)
            done.add(second.file)
        else:
            parts += _one(first, a, labels[0])
    for second in b.plots:
        if second.file not in done:
            parts += _one(second, b, labels[1])
    return tag('div', parts, class_='figures') if parts else ''


def _both(first: Shown, second: Shown, a: RunRecord, b: RunRecord, labels: tuple[str, str]) -> list[Markup]:
    if first.plot is not None and second.plot is not None:
        try:
            joined = overlay(first.plot, second.plot, labels)
        except ValueError:
            joined = None
        if joined is not None:
            with TemporaryDirectory() as folder:
                path = Path(folder, 'plot.png')
                draw_curves(joined, path)
                return [plot(path, first.title, first.caption)]
    return [*_one(first, a, labels[0]), *_one(second, b, labels[1])]


def _one(entry: Shown, run: RunRecord, label: str) -> list[Markup]:
    title = f'{label}: {entry.title}'
    if (run.folder / entry.file).is_file():
        return [plot(run.folder / entry.file, title, entry.caption)]
    return [figure(Markup(), tag('strong', title), f' {entry.file} is not there any more.')]


def _settings(a: RunRecord, b: RunRecord, labels: tuple[str, str]) -> Content:
    if not a.settings or not b.settings:
        return tag(
            'p', 'Of at least one run the config is not known (a metrics.json has figures alone).', class_='note'
        )
    return _differences(
        changed_settings(a.settings, b.settings), labels, 'Settings of the resolved configs that differ'
    )


def _environment(a: RunRecord, b: RunRecord, labels: tuple[str, str]) -> Content:
    if not a.environment or not b.environment:
        return ''
    return _differences(changed_settings(a.environment, b.environment), labels, 'Facts of the environments that differ')


def _differences(rows: Sequence[tuple[str, str | None, str | None]], labels: tuple[str, str], caption: str) -> Markup:
    if not rows:
        return tag('p', 'No differences.', class_='note')
    lines = [
        [tag('code', key), *('–' if value is None else tag('code', value) for value in (x, y))] for key, x, y in rows
    ]
    return table(caption, ['Key', *labels], lines)


def _signed(difference: float | None) -> str:
    if difference is None or math.isnan(difference):
        return ''
    return (f'{difference:+,}' if isinstance(difference, int) else f'{difference:+.4f}').replace('-', '−')


def _judged(row: Row) -> str:
    """Return the class of a difference: better, worse, or none where neither can be said."""
    if not row.difference or math.isnan(row.difference) or _NEUTRAL.match(row.key.rpartition('/')[2]):
        return ''
    less = any(_LESS.search(part) for part in row.key.split('/'))
    return 'better' if (row.difference < 0) == less else 'worse'
