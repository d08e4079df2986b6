"""Write the figures of an acceptance run into docs/benchmarks.md, with the commit and the machine."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs/benchmarks.md'


def shared_folder() -> Path:
    """Return the folder with the real data and weights.

    Raises:
        SystemExit: the environment does not name it.
    """
    folder = os.environ.get('FACERESEARCH_TEST_DATA')
    if not folder:
        sys.exit('error: set FACERESEARCH_TEST_DATA to the folder that holds data/ and weights/')
    return Path(folder).resolve()


def parser(description: str, reduced: bool = True) -> argparse.ArgumentParser:
    """Return a parser with the options that scripts share; some have no reduced form."""
    made = argparse.ArgumentParser(description=description)
    if reduced:
        made.add_argument('--reduced', action='store_true', help='minutes instead of an hour; nothing is recorded')
    made.add_argument('--work-dir', type=Path, help='results go here; a temporary folder by default')
    return made


@contextlib.contextmanager
def folder_of(work_dir: Path | None) -> Iterator[Path]:
    """Give the work dir, or a temporary one."""
    if work_dir is not None:
        yield work_dir.resolve()
        return
    with tempfile.TemporaryDirectory(prefix='acceptance_') as folder:
        yield Path(folder)


def run_tool(*arguments: str | Path) -> float:
    """Run a tool of the checkout as a user would and return the seconds it took.

    Raises:
        SystemExit: the tool failed.
    """
    command = [sys.executable, *map(str, arguments)]
    print('$', *command[1:], flush=True)
    start = time.perf_counter()
    if status := subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(status)
    return time.perf_counter() - start


def record(title: str, command: str, lines: list[str], write: bool = True) -> None:
    """Replace the section ``title`` of the page, or add it, and print it.

    Args:
        title: heading of the section.
        command: what to run to get the figures again.
        lines: the figures, one Markdown line each.
        write: write it to the page; otherwise it is only printed, as for a reduced form.
    """
    # Figures that other scripts have written to the page are no change to what is measured.
    changed = _git('status', '--porcelain', '--untracked-files=no', '--', '.', f':!{PAGE.relative_to(ROOT)}')
    commit = _git('rev-parse', '--short', 'HEAD') + ('-dirty' if changed else '')
    machine = f'{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}'
    body = [f'## {title}', '', f'`{command}`', '', *lines, '', f'Commit {commit}, {date.today()}, {machine}.', '']
    print('\n'.join(body))
    if not write:
        return
    text = PAGE.read_text(encoding='utf-8') if PAGE.exists() else '# Benchmarks\n\nWritten by benchmarks/.\n'
    section = '\n'.join(body)
    pattern = re.compile(rf'^## {re.escape(title)}\n.*?(?=^## |\Z)', re.M | re.S)
    text = pattern.sub(lambda _: section + '\n', text) if pattern.search(text) else f'{text.rstrip()}\n\n{section}'
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text.rstrip() + '\n', encoding='utf-8')


def _git(*arguments: str) -> str:
    done = subprocess.run(['git', *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
