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
#: What models of a folder below ``models`` are for, here and in mmdet and mmpose.
_TASKS = {
    'detectors': 'detection',
    'recognizers': 'recognition',
    'landmarkers': 'landmarks',
    'pose_estimators': 'landmarks',
    'parsers': 'parsing',
    'classifiers': 'classification',
}


def use_benchmark(config: str | Path, benchmark: str | Path, overrides: Sequence[str]) -> Config:
    """Load a model's config with the test set and protocol of a benchmark.

    A detector keeps its own test pipeline, if it has one: how large an image it wants to see, and how it is padded, is
    part of the model. A recogniser gets aligned faces of the size its contract states (the benchmark's variable
    ``image_size``), and embeds mirrored faces as the benchmark's ``flip_test`` says. An override goes to each of the
    two configs that has its key; one that fits neither is an error.

    Args:
        config: the model's config.
        benchmark: evaluation-only config, a path or a name in ``configs/benchmarks/``.
        overrides: changes, ``KEY=VALUE``.

    Raises:
        UserError: a config or an override is wrong, or the benchmark judges another kind of model.
    """
    theirs = [override for override in overrides if _accepts(benchmark, override)]
    # What neither has goes to the model's, whose error then names the nearest key.
    ours = [override for override in overrides if override not in theirs or _accepts(config, override)]
    cfg = load_config(config, ours)
    other = load_config(benchmark, [*_size_override(cfg, benchmark, theirs), *theirs])
    if not other.get('test_dataloader') or not other.get('test_evaluator'):
        raise UserError(f'{other.filename}: no benchmark: it has no test_dataloader and test_evaluator')
    task = (other.get('benchmark') or {}).get('task')
    _check_task(cfg, other, task)
    pipeline = ((cfg.get('test_dataloader') or {}).get('dataset') or {}).get('pipeline')
    for key in _TEST_KEYS:
        if key in other:
            cfg[key] = other[key]
    if pipeline and task != 'recognition':
        cfg['test_dataloader']['dataset']['pipeline'] = [_scoped(step, cfg.get('default_scope')) for step in pipeline]
    if other.get('flip_test') is not None and not any(o.lstrip('+').startswith('model.flip_test=') for o in overrides):
        cfg['model']['flip_test'] = other['flip_test']
    cfg['test_dataloader']['dataset']['_scope_'] = SCOPE
    cfg['test_evaluator'] = [{'_scope_': SCOPE, **evaluator} for evaluator in evaluators(cfg)]
    return cfg


def _size_override(cfg: Config, benchmark: str | Path, theirs: Sequence[str]) -> list[str]:
    """Return the override that has faces aligned to the size the model wants, where the benchmark aligns faces."""
    size = (cfg.get('contract') or {}).get('size')
    stated = any(override.lstrip('+').startswith('image_size=') for override in theirs)
    if stated or not isinstance(size, list | tuple) or len(size) != 2 or 'image_size' not in load_config(benchmark):
        return []
    # ++, since the benchmark states a side, and this is height and width.
    return [f'++image_size=[{int(size[0])},{int(size[1])}]']


def _check_task(cfg: Config, other: Config, task: str | None) -> None:
    """Refuse a benchmark of another kind than the model's, where both are known."""
    own = model_task(cfg)
    if task is not None and own is not None and task != own:
        raise UserError(
            f'{other.filename} judges {task}, and {cfg.filename} is a model for {own}: choose a benchmark of its kind'
        )


def model_task(cfg: Config) -> str | None:
    """Return what a config's model is for, ``detection``, ``recognition``, …, or None if that cannot be told."""
    from faceresearch.compat.scope import infer_scope
    from faceresearch.registry import MODELS

    kind = (cfg.get('model') or {}).get('type')
    if isinstance(kind, str):
        kind = MODELS.get(kind if '.' in kind else f'{infer_scope(cfg)}.{kind}')
    parts = getattr(kind, '__module__', '').split('.')
    return _TASKS.get(parts[2]) if len(parts) > 2 and parts[1] == 'models' else None


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
    """Have the predictions of a test written to an npz, in the form that its protocol reads."""
    from faceresearch.registry import METRICS

    kinds = [METRICS.get(evaluator['type']) for evaluator in evaluators(cfg)]
    chosen = next((kind.dump_metric for kind in kinds if hasattr(kind, 'dump_metric')), 'DumpDetections')
    cfg['test_evaluator'] = [*evaluators(cfg), {'type': chosen, '_scope_': SCOPE, 'path': str(path)}]


def add_report(cfg: Config, folder: str | Path) -> None:
    """Have the metrics that can draw their plots into a folder, the second and further ones each into one of their own."""
    from faceresearch.registry import METRICS

    chosen = []
    for number, evaluator in enumerate(evaluators(cfg)):
        metric = METRICS.get(evaluator['type'])
        names = set() if metric is None else _argument_names(metric)
        if 'plots_dir' in names:
            evaluator = {**evaluator, 'plots_dir': str(Path(folder, str(number)) if number else folder)}
        chosen.append(evaluator)
    cfg['test_evaluator'] = chosen


def evaluators(cfg: Config) -> list[dict[str, Any]]:
    """Return the test evaluators of a config as a list."""
    stated = cfg.get('test_evaluator') or []
    return [dict(e) for e in stated] if isinstance(stated, list | tuple) else [dict(stated)]


def _argument_names(kind: type) -> set[str]:
    from inspect import signature

    return set(signature(kind).parameters)
