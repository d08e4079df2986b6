"""Put a model before another test set, and record what it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.registry import SCOPE

_TEST_KEYS = ('test_dataloader', 'test_evaluator', 'test_cfg')


def use_benchmark(config: str | Path, benchmark: str | Path, overrides: Sequence[str]) -> Config:
    """Load a model's config with the test set and protocol of a benchmark.

    The model keeps its own test pipeline, if it has one: how large an image it wants to see, and how it is padded, is
    part of the model. An override goes to each of the two configs that has its key; one that fits neither is an error.

    Args:
        config: the model's config.
        benchmark: evaluation-only config, a path or a name in ``configs/benchmarks/``.
        overrides: changes, ``KEY=VALUE``.

    Raises:
        UserError: a config or an override is wrong.
    """
    theirs = [override for override in overrides if _accepts(benchmark, override)]
    # What neither has goes to the model's, whose error then names the nearest key.
    ours = [override for override in overrides if override not in theirs or _accepts(config, override)]
    cfg = load_config(config, ours)
    other = load_config(benchmark, theirs)
    if not other.get('test_dataloader') or not other.get('test_evaluator'):
        raise UserError(f'{other.filename}: no benchmark: it has no test_dataloader and test_evaluator')
    pipeline = ((cfg.get('test_dataloader') or {}).get('dataset') or {}).get('pipeline')
    for key in _TEST_KEYS:
        if key in other:
            cfg[key] = other[key]
    if pipeline:
        cfg['test_dataloader']['dataset']['pipeline'] = [_scoped(step, cfg.get('default_scope')) for step in pipeline]
    cfg['test_dataloader']['dataset']['_scope_'] = SCOPE
    cfg['test_evaluator'] = [{'_scope_': SCOPE, **evaluator} for evaluator in evaluators(cfg)]
    return cfg


def _scoped(step: dict[str, Any], scope: str | None) -> dict[str, Any]:
    """Name the project that a step of a model's pipeline comes from: the data set is of this one."""
    if scope in (None, SCOPE) or '.' in step['type']:
        return step
    return {**step, 'type': f'{scope}.{step["type"]}'}


def _accepts(config: str | Path, override: str) -> bool:
    try:
        load_config(config, [override])
    except UserError:
        return False
    return True


def add_dump(cfg: Config, path: str | Path) -> None:
    """Have the predictions of a test written to an npz."""
    cfg['test_evaluator'] = [*evaluators(cfg), {'type': 'DumpDetections', '_scope_': 'faceresearch', 'path': str(path)}]


def add_report(cfg: Config, folder: str | Path) -> None:
    """Have precision-recall curves drawn to a folder by the metrics that can."""
    from faceresearch.registry import METRICS

    chosen = []
    for number, evaluator in enumerate(evaluators(cfg)):
        metric = METRICS.get(evaluator['type'])
        if metric is not None and 'curves_path' in _argument_names(metric):
            suffix = f'_{number}' if number else ''
            evaluator = {**evaluator, 'curves_path': str(Path(folder) / f'pr_curves{suffix}.png')}
        chosen.append(evaluator)
    cfg['test_evaluator'] = chosen


def evaluators(cfg: Config) -> list[dict[str, Any]]:
    """Return the test evaluators of a config as a list."""
    stated = cfg.get('test_evaluator') or []
    return [dict(e) for e in stated] if isinstance(stated, list | tuple) else [dict(stated)]


def _argument_names(kind: type) -> set[str]:
    from inspect import signature

    return set(signature(kind).parameters)
