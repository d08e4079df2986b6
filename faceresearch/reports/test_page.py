"""The page of a test: figures beside published ones, plots, worst failures, environment and config."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2

from faceresearch.datasets.base import BrokenImageError
from faceresearch.evaluation.illustrations import Failure, Illustrations
from faceresearch.fileio import atomic_path
from faceresearch.reports.html import Content, Markup, figure, image, join, page, plot, tag
from faceresearch.reports.originals import OriginalImages
from faceresearch.reports.published import published_elsewhere, references_of
from faceresearch.reports.record import RunRecord, write_record
from faceresearch.reports.tables import class_table, metric_table, number, reference_table, warnings
from faceresearch.zoo.index import read_index

#: File of the page.
PAGE_NAME = 'report.html'
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 85]
#: Wider pictures get two in a row, not four.
_WIDE = 480


def write_report(record: RunRecord, shows: Sequence[Illustrations], dataset: Any = None, test_set: Any = None) -> Path:
    """Write ``report.html``, and ``report.json`` for comparisons, into the folder of a run.

    Args:
        record: the run.
        shows: what its metrics have to show.
        dataset: where the images of failures come from; None: there are no images at hand.
        test_set: the config of the test set, by which published figures are chosen.

    Returns:
        The page.

    Raises:
        UserError: the folder cannot be written.
    """
    sections: list[tuple[str, str, Content]] = [
        ('Metrics', 'metrics', _metrics(record, test_set)),
        ('Plots', 'plots', _plots(record)),
        ('Worst failures', 'failures', _failures(shows, dataset)),
        ('Environment', 'environment', facts_list({**record.facts, **record.environment})),
        ('Config', 'config', _config(record)),
    ]
    subtitle = ' · '.join(
        part for part in (record.facts.get('Test set', ''), record.environment.get('Date', '')) if part
    )
    text = page(
        f'Test of {record.name}' if 'Model' in record.facts else f'Stored predictions: {record.name}',
        subtitle,
        sections,
        style(),
    )
    target = record.folder / PAGE_NAME
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding='utf-8')
    write_record(record)
    return target


@cache
def style() -> str:
    """Return the style sheet of all pages."""
    return Path(__file__).with_name('style.css').read_text(encoding='utf-8')


def facts_list(facts: dict[str, str]) -> Markup:
    """Return facts by name."""
    return tag('dl', [join(tag('dt', name), tag('dd', value)) for name, value in facts.items()])


def _metrics(record: RunRecord, test_set: Any) -> Markup:
    index = read_index()
    references, others = references_of(index, record.config, test_set)
    parts: list[Markup] = [tag('p', line, class_='warning') for line in warnings(record.figures)]
    if 'Protocol' in record.facts:
        parts.append(tag('p', 'Our protocol: ', record.facts['Protocol'], '.', class_='note'))
    parts.append(metric_table(record.figures, references))
    by_class = class_table(record.figures)
    if by_class is not None:
        parts.append(by_class)
    if others:
        rows = [(reference.name, record.name, reference) for reference in others]
        parts.append(reference_table(rows, 'Published of this model for other test sets'))
    elsewhere = published_elsewhere(index, record.figures, record.config, test_set)
    if elsewhere:
        caption = 'Protocols may differ from ours: see the last column'
        summary = tag('summary', f'Published figures of other models for these metrics ({len(elsewhere)})')
        parts.append(tag('details', summary, reference_table(elsewhere, caption)))
    return join(parts)


def _plots(record: RunRecord) -> Content:
    if not record.plots:
        return tag('p', 'The metrics of this test draw no plots.', class_='note')
    shown = [plot(record.folder / entry.file, entry.title, entry.caption) for entry in record.plots]
    return tag('div', shown, class_='figures')


def _failures(shows: Sequence[Illustrations], dataset: Any) -> Markup:
    parts: list[Markup] = []
    originals = None if dataset is None else OriginalImages(dataset)
    for show in shows:
        if not show.failures:
            continue
        parts.append(tag('p', show.note, class_='note'))
        if originals is None:
            parts.append(
                tag(
                    'p',
                    'Stored predictions were judged, and no images are at hand: there are no pictures.',
                    class_='note',
                )
            )
        pictures, widest = [], 0
        for failure in show.failures:
            shown, width = _failure(failure, originals)
            pictures.append(shown)
            widest = max(widest, width)
        parts.append(tag('div', pictures, class_='failures wide' if widest > _WIDE else 'failures'))
    if parts:
        return join(parts)
    return tag(
        'p', 'No failures to show: nothing was judged wrongly, or this protocol names no single samples.', class_='note'
    )


def _failure(failure: Failure, originals: OriginalImages | None) -> tuple[Markup, int]:
    """Return a failure as a figure, and the width of its picture."""
    names = [tag('code', name) for name in failure.names]
    if originals is None:
        return figure(Markup(), tag('strong', failure.caption), names), 0
    try:
        picture = failure.draw([originals[name] for name in failure.names])
    except (BrokenImageError, KeyError) as error:
        why = error if isinstance(error, BrokenImageError) else 'the image is not in the test set at hand'
        reason = tag('em', f'No picture: {why}.')
        return figure(Markup(), tag('strong', failure.caption), names, reason), 0
    good, data = cv2.imencode('.jpg', picture, _JPEG)
    assert good
    alt = f'{", ".join(failure.names)}: {failure.caption}'
    return figure(image(data.tobytes(), 'jpeg', alt), tag('strong', failure.caption), names), picture.shape[1]


def _config(record: RunRecord) -> Markup:
    lines = record.config_text.count('\n') + 1
    summary = tag('summary', f'The resolved config ({number(lines)} lines)')
    return tag('details', summary, tag('pre', tag('code', record.config_text)))
