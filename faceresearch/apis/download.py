"""Fetch models of the zoo, and say what there is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from faceresearch.errors import UserError
from faceresearch.zoo.download import Outcome, download, listing
from faceresearch.zoo.index import ZooModel, find_models, read_external, read_index


def list_models(names: Sequence[str] = (), folder: str | Path = 'checkpoints') -> None:
    """Print the models of the zoo, or some of them: parameters, evidence, where weights come from, terms.

    Args:
        names: models to show; all by default.
        folder: where converted weights are looked for.

    Raises:
        UserError: there is no model of a name.
    """
    index = read_index()
    models = find_models(list(names), index) if names else list(index.values())
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(listing(models, folder))
    if not names:
        console.print('\nof other toolkits, not here:')
        for model in read_external():
            console.print(f'{model.name} ({model.task}): {model.reason}; nearest: {model.nearest}', highlight=False)


def download_models(
    names: Sequence[str] | None,
    folder: str | Path = 'checkpoints',
    cache: str | Path | None = None,
    jobs: int = 4,
    offline: bool = False,
    unverified: bool = False,
    accept_terms: bool = False,
) -> int:
    """Fetch and convert the published weights of models, and print a line about each.

    Args:
        names: models of the zoo; None takes all that have an address and, unless ``unverified``, a checksum.
        folder: where the converted weights go.
        cache: folder for the published files.
        jobs: transfers at a time.
        offline: use only what is in the cache.
        unverified: also fetch files without a known checksum.
        accept_terms: accept restricted terms unasked; otherwise each is asked about on a terminal, and refused elsewhere.

    Returns:
        0 if all are there.

    Raises:
        UserError: there is no model of a name, or some did not arrive (what did is kept).
    """
    index = read_index()
    if names is None:
        models = [model for model in index.values() if _fetchable(model, unverified)]
    else:
        models = find_models(list(names), index)
    outcomes = download(
        models, folder, cache, jobs, offline, unverified, (lambda model: True) if accept_terms else _ask
    )
    for outcome in outcomes:
        if outcome.path is not None:
            print(f'{outcome.model.name}: {outcome.path}')
    failed = [outcome for outcome in outcomes if outcome.path is None]
    if failed:
        raise UserError(_summary(failed, len(outcomes)))
    return 0


def _fetchable(model: ZooModel, unverified: bool) -> bool:
    weights = model.weights
    return weights is not None and weights.url is not None and (unverified or weights.sha256 is not None)


def _ask(model: ZooModel) -> bool:
    assert model.weights
    if not sys.stdin.isatty():
        return False
    terms = '; '.join(f'{what}: {licence}' for what, licence in model.weights.licences.items())
    return input(f'{model.name}: {terms or "no licence is stated"}. Use it under these terms? [y/N] ').lower() == 'y'


def _summary(failed: Sequence[Outcome], total: int) -> str:
    lines = [f'{outcome.model.name}: {outcome.problem}' for outcome in failed]
    if total == 1:
        return lines[0]
    return f'{len(failed)} of {total} models did not arrive: {" | ".join(lines)}'
