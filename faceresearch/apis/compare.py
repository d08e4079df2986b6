"""Two runs side by side: of recognition models pair by pair, of any others by what their reports hold."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceresearch.errors import UserError
from faceresearch.fileio import write_json

if TYPE_CHECKING:
    from faceresearch.reports.record import RunRecord

#: Benchmark of embeddings that hold their pairs themselves.
_OWN_PAIRS = 'pairs'


def compare(
    a: str | Path,
    b: str | Path,
    benchmark: str | Path | None = None,
    overrides: Sequence[str] = (),
    fars: Sequence[float] = (1e-3,),
    samples: int = 1000,
    out: str | Path | None = None,
    html: str | Path | None = None,
) -> list[str]:
    """Compare two runs.

    Stored embeddings (``.npz``) are compared pair by pair, with tests of whether a difference may be chance: see
    :func:`faceresearch.apis.recognition.compare`. Any other two runs are given as the folders of their reports
    (``tools/test.py --report``) or their ``metrics.json``.

    Args:
        a: the first run.
        b: the second.
        benchmark: of embeddings, config with the pairs; needed for IJB features.
        overrides: changes to the benchmark's config.
        fars: of embeddings, false accept rates at which TAR is compared.
        samples: of embeddings, draws of the bootstrap.
        out: JSON file for the outcome.
        html: page for metrics side by side, plots over each other and config differences.

    Returns:
        What was found, for people.

    Raises:
        UserError: a file cannot be used, or the two do not belong together.
    """
    stored = [Path(path).suffix.lower() == '.npz' for path in (a, b)]
    if all(stored):
        return _compare_embeddings(a, b, benchmark, overrides, fars, samples, out, html)
    if any(stored):
        raise UserError(f'{a}, {b}: compare two files of embeddings (.npz), or two reports, not one of each')
    if benchmark is not None or overrides:
        raise UserError(
            '--benchmark and KEY=VALUE go with stored embeddings (.npz): reports say what they were judged by'
        )
    from faceresearch.reports.comparison import comparison_json, comparison_lines, write_comparison
    from faceresearch.reports.record import read_run

    first, second = _named(read_run(a), read_run(b), a, b)
    lines = comparison_lines(first, second)
    if out is not None:
        write_json(out, comparison_json(first, second))
    if html is not None:
        write_comparison(html, first, second)
    return lines


def _compare_embeddings(
    a: str | Path,
    b: str | Path,
    benchmark: str | Path | None,
    overrides: Sequence[str],
    fars: Sequence[float],
    samples: int,
    out: str | Path | None,
    html: str | Path | None,
) -> list[str]:
    from faceresearch.apis import recognition
    from faceresearch.apis.test import judge_predictions

    lines = recognition.comparison_lines(recognition.compare(a, b, benchmark, overrides, fars, samples, out))
    if html is None:
        return lines
    from faceresearch.reports.comparison import write_comparison
    from faceresearch.reports.record import read_run

    with tempfile.TemporaryDirectory() as folder:
        for name, path in (('a', a), ('b', b)):
            judge_predictions(benchmark or _OWN_PAIRS, path, overrides, report=Path(folder, name))
        first, second = _named(read_run(Path(folder, 'a')), read_run(Path(folder, 'b')), a, b)
        write_comparison(html, first, second, lines)
    return lines


def _named(first: RunRecord, second: RunRecord, a: str | Path, b: str | Path) -> tuple[RunRecord, RunRecord]:
    """Return the runs; two of one name get those of their files."""
    if first.name != second.name:
        return first, second
    return replace(first, name=f'{first.name} ({a})'), replace(second, name=f'{second.name} ({b})')
