"""Sweeps: several values for one key, in Hydra's grammar, and the runs they stand for."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from faceresearch.config.loader import load_config
from faceresearch.config.overrides import parse_hydra
from faceresearch.errors import UserError

_MAX_NAME = 80


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Attributes:
        number: counted from 0, in the order of the product.
        overrides: all overrides of this run.
        name: the folder name, ``<number>_<what varies>``.
    """

    number: int
    overrides: list[str]
    name: str


def expand_sweeps(overrides: Sequence[str]) -> list[list[str]]:
    """Expand ``lr=0.1,0.01``, ``choice(…)`` and ``range(…)`` into one list of overrides for each combination.

    The order is that of Hydra's basic sweeper: the last key varies fastest. A key given twice counts once, with the
    later value. Without a sweep the result is one list.

    Raises:
        UserError: an override cannot be read, or is a ``glob`` or an ``interval``, which name no finite set of values.
    """
    return [[text for text, _ in combination] for combination in _combinations(overrides)]


def plan_jobs(overrides: Sequence[str]) -> list[Job]:
    """Expand sweeps into jobs, named after the values that vary: ``0_lr=0.1``, ``1_lr=0.01``."""
    jobs = []
    for number, combination in enumerate(_combinations(overrides)):
        varied = [text for text, is_swept in combination if is_swept]
        last_parts = [text.split('=')[0].split('.')[-1] for text in varied]
        shorten = len(set(last_parts)) == len(last_parts)
        short = ','.join(_without_holder(text) if shorten else text for text in varied)
        name = re.sub(r'[^\w.,=+-]+', '_', short).strip('_')[:_MAX_NAME]
        jobs.append(Job(number, [text for text, _ in combination], f'{number}_{name}' if name else str(number)))
    return jobs


def _combinations(overrides: Sequence[str]) -> list[tuple[tuple[str, bool], ...]]:
    """Return every combination, as pairs of an override and whether its key is swept."""
    choices: dict[str, list[tuple[str, bool]]] = {}
    for text in overrides:
        parsed = parse_hydra(text)
        if not parsed.is_sweep_override():
            choices[parsed.key_or_group] = [(text, False)]
            continue
        if not parsed.is_discrete_sweep() or parsed.value_type.name == 'GLOB_CHOICE_SWEEP':
            kind = 'glob' if parsed.is_choice_sweep() else 'interval'
            raise UserError(
                f'override {text!r}: {kind}() names no finite set of values; use a,b,c, choice() or range()'
            )
        key = parsed.get_key_element()
        choices[parsed.key_or_group] = [(f'{key}={value}', True) for value in parsed.sweep_string_iterator()]
        if not choices[parsed.key_or_group]:
            raise UserError(f'override {text!r} is an empty sweep: it holds no value')
    return list(itertools.product(*choices.values()))


def _without_holder(text: str) -> str:
    key, _, value = text.partition('=')
    return f'{key.lstrip("+~").split(".")[-1]}={value}'


def run_multirun(
    tool: str | Path,
    config: str | Path,
    overrides: Sequence[str],
    work_dir: str | Path,
    jobs: int = 1,
    options: Sequence[str] = (),
) -> int:
    """Run a tool once for each combination of a sweep, each in a process and a work dir of its own.

    All configs are loaded first, so a misspelt key stops everything before the first run. A run that fails does not
    stop the others. With several jobs at a time, each writes to ``<its work dir>/output.log`` and gets its share of the
    cores (``OMP_NUM_THREADS``, unless that is set).

    Args:
        tool: the script, such as ``tools/train.py``; called ``TOOL CONFIG [OVERRIDE…] --work-dir D [OPTION…]``.
        config: passed on.
        overrides: with sweeps.
        work_dir: parent of the runs' folders, ``<number>_<what varies>``.
        jobs: how many run at a time.
        options: further arguments, such as ``['--amp']``.

    Returns:
        0 if all succeeded, 2 if all failures were the user's (exit status 2), else 1.

    Raises:
        UserError: an override does not fit the config, or ``jobs`` is below 1.
    """
    if jobs < 1:
        raise UserError(f'--jobs must be at least 1, not {jobs}')
    plan = plan_jobs(overrides)
    for job in plan:
        load_config(config, job.overrides)
    print(f'{len(plan)} runs in {work_dir}, {min(jobs, len(plan))} at a time', flush=True)

    def run(job: Job) -> int:
        folder = Path(work_dir) / job.name
        command = [sys.executable, str(tool), str(config), *job.overrides, '--work-dir', str(folder), *options]
        return _run_job(job, command, folder, jobs)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        statuses = list(pool.map(run, plan))
    failed = [status for status in statuses if status]
    print(f'{len(plan) - len(failed)} of {len(plan)} runs succeeded')
    for job, status in zip(plan, statuses):
        print(f'  {"ok" if status == 0 else f"exit {status}":<8} {job.name}')
    if not failed:
        return 0
    return 2 if all(status == 2 for status in failed) else 1


def _run_job(job: Job, command: list[str], folder: Path, jobs: int) -> int:
    print(f'[{job.number}] start: {job.name}', flush=True)
    start = time.monotonic()
    if jobs == 1:
        status = subprocess.run(command, check=False).returncode
    else:
        folder.mkdir(parents=True, exist_ok=True)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
        environment = {'OMP_NUM_THREADS': str(max(1, cores // jobs)), **os.environ}
        with (folder / 'output.log').open('wb') as log:
            status = subprocess.run(
                command, check=False, stdout=log, stderr=subprocess.STDOUT, env=environment
            ).returncode
    print(f'[{job.number}] exit {status} after {time.monotonic() - start:.0f} s: {job.name}', flush=True)
    return status
