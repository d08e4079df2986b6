"""Run a tool inside the test's process, as the command line would."""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


class Outcome(NamedTuple):
    """Exit status and what was printed."""

    status: int
    out: str
    err: str


def run_tool(name: str, *arguments: object) -> Outcome:
    """Run ``tools/<name>.py`` with arguments."""
    out, err = io.StringIO(), io.StringIO()
    script = TOOLS / f'{name}.py'
    status = 0
    with (
        mock.patch.object(sys, 'argv', [str(script), *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            runpy.run_path(str(script), run_name='__main__')
        except SystemExit as end:
            status = int(end.code or 0)
    return Outcome(status, out.getvalue(), err.getvalue())


def error_line(outcome: Outcome) -> str:
    """Return the one line of an error that a user can mend."""
    assert outcome.status == 2, outcome
    lines = [line for line in outcome.err.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1, outcome.err
    assert 'Traceback' not in outcome.err
    return lines[0]
