"""Metrics as tables: figures, intervals, and what others have published."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from faceresearch.reports.html import Content, Markup, join, table, tag
from faceresearch.reports.published import Reference

#: Of parsing, keys by class.
_BY_CLASS = re.compile(r'(.+/)(iou|f1|share)_(.+)')
#: Ends of the interval of the key before them.
_LOW, _HIGH = '_low', '_high'
#: Counts that belong to the key of the same rate.
_IMPOSTORS = 'impostors@'


def number(value: float, digits: int = 4) -> str:
    """Return a figure as people read it: counts with commas, fractions with four digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if math.isnan(value):
        return 'not defined'
    return f'{value:,}' if isinstance(value, int) else f'{value:,.{digits}f}'


def figure_cell(value: float) -> Markup:
    """Return a figure whose exact value is in the page as well."""
    return tag('data', number(value), value=repr(value))


def numeric(content: Content, class_: str = '') -> Markup:
    """Return a cell of numbers."""
    return tag('td', content, class_=f'number {class_}'.strip())


def numeric_head(content: Content) -> Markup:
    """Return the heading of a column of numbers."""
    return tag('th', content, scope='col', class_='number')


def interval(figures: Mapping[str, float], key: str) -> str:
    """Return the 95 % interval of a figure, or nothing."""
    low, high = figures.get(key + _LOW), figures.get(key + _HIGH)
    return '' if low is None or high is None else f'{number(low)} … {number(high)}'


def main_keys(figures: Mapping[str, float]) -> list[str]:
    """Return the keys that stand in a row of their own: no ends of intervals, no figures of single classes."""
    return [
        key
        for key in figures
        if not _BY_CLASS.fullmatch(key)
        and not key.rpartition('/')[2].startswith(_IMPOSTORS)
        and not any(key.endswith(end) and key.removesuffix(end) in figures for end in (_LOW, _HIGH))
    ]


def metric_table(figures: Mapping[str, float], references: Mapping[str, Sequence[Reference]]) -> Markup:
    """Return our figures with intervals, beside them what is published of the same model and how it was measured."""
    with_interval = any(interval(figures, key) for key in figures)
    with_references = any(key in figures for key in references)
    head: list[Content] = ['Metric', numeric_head('This run')]
    head += [numeric_head('95 % interval')] if with_interval else []
    if with_references:
        head += [numeric_head('Published'), numeric_head('Difference'), 'Protocol of the published figure, source']
    rows = []
    for key in main_keys(figures):
        stated: list[Reference | None] = [*references.get(key, ())] or [None]
        for place, reference in enumerate(stated):
            cells: list[Markup] = []
            if not place:
                span = {'rowspan': len(stated)} if len(stated) > 1 else {}
                cells.append(tag('th', tag('code', key), scope='row', **span))
                cells.append(tag('td', figure_cell(figures[key]), _impostors(figures, key), class_='number', **span))
                if with_interval:
                    cells.append(tag('td', _ends(figures, key), class_='number', **span))
            if with_references:
                cells += _reference_cells(figures[key], reference)
            rows.append(tag('tr', cells))
    return table('Figures are fractions unless the name says otherwise, as in metrics.json.', head, rows)


def class_table(figures: Mapping[str, float]) -> Markup | None:
    """Return the figures of single classes, or None where there are none."""
    found: dict[str, dict[str, str]] = {}
    for key in figures:
        match = _BY_CLASS.fullmatch(key)
        if match:
            found.setdefault(match[3], {})[match[2]] = key
    if not found:
        return None
    kinds = [kind for kind in ('iou', 'f1', 'share') if any(kind in row for row in found.values())]
    names = {'iou': 'IoU', 'f1': 'F1', 'share': 'share of true pixels'}
    rows = [
        tag(
            'tr',
            tag('th', name.replace('_', ' '), scope='row'),
            [numeric(figure_cell(figures[row[kind]]) if kind in row else '') for kind in kinds],
        )
        for name, row in found.items()
    ]
    return table('By class', ['Class', *(numeric_head(names[kind]) for kind in kinds)], rows)


def reference_table(rows: Sequence[tuple[str, str, Reference]], caption: str) -> Markup:
    """Return published figures of other models, or such as have no key here: (key or name, model, reference)."""
    lines = [
        tag(
            'tr',
            tag('th', tag('code', key), scope='row'),
            tag('td', model),
            numeric(number(r.value)),
            tag('td', _said(r)),
        )
        for key, model, r in rows
    ]
    return table(caption, ['Metric', 'Model', numeric_head('Published'), 'Protocol, source'], lines)


def warnings(figures: Mapping[str, float]) -> list[str]:
    """Return what makes figures not comparable: images that are missing or could not be read."""
    lines = []
    for key, expected in figures.items():
        if not key.endswith('images_expected'):
            continue
        seen = figures.get(key.removesuffix('_expected'))
        if seen is not None and seen < expected:
            lines.append(
                f'{key.partition("/")[0]}: {number(seen)} of {number(expected)} images were judged: the figures are not'
                ' comparable with those of the whole set.'
            )
    for key, count in figures.items():
        if key.endswith('images_broken'):
            lines.append(f'{key.partition("/")[0]}: {number(count)} images could not be read and are not judged.')
    return lines


def _ends(figures: Mapping[str, float], key: str) -> Content:
    if not interval(figures, key):
        return ''
    return join(figure_cell(figures[key + _LOW]), ' … ', figure_cell(figures[key + _HIGH]))


def _impostors(figures: Mapping[str, float], key: str) -> Content:
    """Return the impostor pairs that a rate rests on."""
    prefix, _, rate = key.rpartition('/')
    count = figures.get(f'{prefix}/{_IMPOSTORS}{rate.partition("@")[2]}') if rate.startswith('tar@') else None
    return '' if count is None else tag('small', ' (', figure_cell(count), ' impostor pairs)')


def _reference_cells(ours: float, reference: Reference | None) -> list[Markup]:
    if reference is None:
        return [tag('td'), tag('td'), tag('td')]
    difference = ours - reference.value
    shown = '' if math.isnan(difference) else f'{difference:+.4f}'.replace('-', '−')
    return [numeric(number(reference.value)), numeric(shown), tag('td', _said(reference))]


def _said(reference: Reference) -> Markup:
    return join(reference.protocol, tag('small', ' · ', reference.source))
