"""Published weights, one command away: fetched, verified, converted."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table
from safetensors import SafetensorError, safe_open

from faceresearch.errors import UserError
from faceresearch.zoo.fetch import OnProgress, Patience, fetch, file_sha256
from faceresearch.zoo.index import PublishedWeights, ZooModel

#: Environment variables: the folder for published files, and whether the network may be used.
CACHE_VARIABLE, OFFLINE_VARIABLE = 'FACERESEARCH_CACHE', 'FACERESEARCH_OFFLINE'


class Outcome(NamedTuple):
    """What became of one model: the converted file, or why there is none."""

    model: ZooModel
    path: Path | None
    problem: str


def cache_folder() -> Path:
    """Return where published files are kept: ``$FACERESEARCH_CACHE``, or faceresearch in the user's cache folder."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser()
    return Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser() / 'faceresearch'


def is_offline() -> bool:
    """Say whether ``$FACERESEARCH_OFFLINE`` forbids the network."""
    return os.environ.get(OFFLINE_VARIABLE, '').lower() not in ('', '0', 'false', 'no')


def download(
    models: Sequence[ZooModel],
    folder: str | Path = 'checkpoints',
    cache: str | Path | None = None,
    jobs: int = 4,
    offline: bool = False,
    unverified: bool = False,
    accepts: Callable[[ZooModel], bool] = lambda model: not (model.weights and model.weights.restricted),
    patience: Patience | None = None,
) -> list[Outcome]:
    """Fetch the published weights of models and convert them to ``<folder>/<name>.safetensors``.

    One that fails does not keep the others from arriving.

    Args:
        models: rows of the index.
        folder: where tools look for weights by the name of a model.
        cache: folder for the published files; :func:`cache_folder` by default.
        jobs: transfers at a time.
        offline: use only what is in the cache.
        unverified: also fetch files whose checksum nobody has published.
        accepts: asked for each model whose weights have restricted terms.
        patience: with slow and broken connections.

    Returns:
        What became of each model, in their order.
    """
    cache, folder = Path(cache or cache_folder()), Path(folder)
    problems: dict[str, str] = {}
    wanted: list[ZooModel] = []
    for model in models:
        problems[model.name] = _obstacle(model, cache, offline or is_offline(), unverified)
        if not problems[model.name] and model.weights and model.weights.restricted and not accepts(model):
            problems[model.name] = (
                f'the terms of its weights ({model.weights.restricted}) were not accepted; see --accept-terms'
            )
        if not problems[model.name] and not _is_converted(model, folder):
            wanted.append(model)
    console = Console(stderr=True)
    columns = (TextColumn('{task.description}'), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress,
        ThreadPoolExecutor(max(1, jobs)) as pool,
    ):
        futures = [pool.submit(_fetch, model, cache, _bar(progress, model.name), patience) for model in wanted]
        for model, future in zip(wanted, futures):
            try:
                _convert(model, future.result(), folder)
            except UserError as error:
                problems[model.name] = str(error)
    return [
        Outcome(model, None if problems[model.name] else _target(model, folder), problems[model.name])
        for model in models
    ]


def source_file(weights: PublishedWeights, cache: Path) -> Path:
    """Return where a published file is kept: under its checksum, or one of its address, with its own name."""
    assert weights.url is not None
    key = weights.sha256 or hashlib.sha256(weights.url.encode()).hexdigest()
    name = PurePosixPath(unquote(urlsplit(weights.url).path)).name
    return cache / 'published' / key[:16] / (name if name not in ('', '.', '..') else 'weights')


def _obstacle(model: ZooModel, cache: Path, offline: bool, unverified: bool) -> str:
    """Return why the weights of a model cannot be fetched at all, or an empty string."""
    weights = model.weights
    if weights is None:
        return 'nobody has published weights for it that can be converted'
    if weights.url is None:
        return (
            f'{weights.origin} has no direct address: fetch the file by hand, then tools/convert_checkpoint.py FILE'
            f' {model.name} -o checkpoints/{model.name}.safetensors'
        )
    if weights.sha256 is None and not unverified:
        return f'no checksum of {weights.url} is known; --unverified fetches it all the same, and prints the one it has'
    if offline and not source_file(weights, cache).is_file():
        return f'{weights.url} is not in {cache}, and the network is switched off (--offline or {OFFLINE_VARIABLE})'
    return ''


def _bar(progress: Progress, name: str) -> OnProgress:
    task: list[TaskID] = []

    def report(done: int, total: int | None) -> None:
        if not task:
            task.append(progress.add_task(name, total=total))
        progress.update(task[0], completed=done, total=total)

    return report


def _fetch(model: ZooModel, cache: Path, on_progress: OnProgress, patience: Patience | None) -> Path:
    assert model.weights and model.weights.url
    source = source_file(model.weights, cache)
    fetch(model.weights.url, source, model.weights.sha256, model.weights.size, on_progress, patience)
    return source


def _target(model: ZooModel, folder: Path) -> Path:
    return folder / f'{model.name}.safetensors'


def _is_converted(model: ZooModel, folder: Path) -> bool:
    """Say whether the converted file is there, and comes from the published one."""
    assert model.weights
    try:
        with safe_open(_target(model, folder), 'np') as stored:
            source = (stored.metadata() or {}).get('source_sha256')
    except (OSError, SafetensorError):
        return False
    return model.weights.sha256 in (None, source)


def _convert(model: ZooModel, source: Path, folder: Path) -> None:
    from faceresearch.zoo.convert import convert_checkpoint

    convert_checkpoint(source, model.name, _target(model, folder))
    if model.weights and model.weights.sha256 is None:
        print(f'{model.name}: {source.name} has sha256 {file_sha256(source)}; nobody vouches for it')


def listing(models: Sequence[ZooModel], folder: str | Path = 'checkpoints') -> Table:
    """Return a table of models: how they are published, under which terms, and what is here."""
    table = Table(box=None, pad_edge=False, header_style='bold')
    for heading in ('model', 'parameters', 'evidence', 'weights', 'terms', 'here'):
        table.add_column(heading, justify='right' if heading == 'parameters' else 'left', overflow='fold')
    for model in models:
        weights = model.weights
        if weights is None:
            how, terms = '-', ''
        else:
            checked = '' if weights.sha256 else ', no checksum known'
            how = f'download{checked}' if weights.url else f'by hand: {weights.origin}'
            terms = weights.licences.get('weights', 'none stated')
        parameters = '' if model.parameters is None else f'{model.parameters:,}'
        here = 'yes' if weights and _is_converted(model, Path(folder)) else ''
        table.add_row(model.name, parameters, str(model.evidence), how, terms, here)
    return table
