"""Thresholds for deployment, and which of two models is better."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceresearch.errors import UserError
from faceresearch.fileio import write_json

if TYPE_CHECKING:
    from faceresearch.evaluation.verification import PairScores


def read_pairs(
    predictions: str | Path, benchmark: str | Path | None = None, overrides: Sequence[str] = ()
) -> PairScores:
    """Compare stored embeddings by the pairs of a benchmark.

    Args:
        predictions: npz, as ``tools/test.py --dump`` writes it.
        benchmark: config that says which pairs there are (IJB needs one); by default they are in the file.
        overrides: changes to the benchmark's config.

    Raises:
        UserError: a file cannot be used, or the benchmark has no pairs.
    """
    from faceresearch.compat.scope import set_scope
    from faceresearch.config import load_config
    from faceresearch.engine.benchmark import evaluators
    from faceresearch.evaluation import VerificationMetric
    from faceresearch.registry import METRICS

    if benchmark is None:
        if overrides:
            raise UserError(f'{overrides[0]}: KEY=VALUE changes a benchmark, and none is named; add --benchmark')
        return VerificationMetric().read_file(predictions)
    cfg = load_config(benchmark, overrides)
    set_scope(cfg)
    for evaluator in evaluators(cfg):
        metric = METRICS.build(evaluator)
        if hasattr(metric, 'read_file'):
            return metric.read_file(predictions)
    raise UserError(f'{cfg.filename}: compares no pairs; name a benchmark that does, such as configs/benchmarks/lfw.py')


def calibrate(
    source: str | Path,
    checkpoint: str | Path | None = None,
    benchmark: str | Path | None = None,
    overrides: Sequence[str] = (),
    fars: Sequence[float] = (1e-2, 1e-3, 1e-4),
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Return the thresholds for false accept rates, and write them as JSON.

    Args:
        source: npz of embeddings, or with ``checkpoint`` a model's config.
        checkpoint: weights of the model, which is then run on the benchmark.
        benchmark: config with the pairs; needed for a model and for IJB features.
        overrides: changes to the configs, ``KEY=VALUE``.
        fars: false accept rates.
        out: JSON file.

    Returns:
        See :func:`faceresearch.evaluation.calibration.calibrate`; of a model also its config's name (``model``) and what it
        did with mirrored faces (``flip_test``): the thresholds hold for that alone.

    Raises:
        UserError: a file cannot be used.
    """
    from faceresearch.apis.test import test
    from faceresearch.evaluation.calibration import calibrate as thresholds_of
    from faceresearch.evaluation.roc import check_rates

    fars = check_rates('far', fars)
    if checkpoint is None:
        pairs = read_pairs(source, benchmark, overrides)
    else:
        if benchmark is None:
            raise UserError(
                'a model is calibrated on the pairs of a benchmark: add --benchmark, such as --benchmark lfw'
            )
        with tempfile.TemporaryDirectory() as folder:
            dump = Path(folder) / 'embeddings.npz'
            test(source, checkpoint, overrides, benchmark=benchmark, dump=dump)
            pairs = read_pairs(dump, benchmark, [o for o in overrides if _fits(benchmark, o)])
    outcome = thresholds_of(pairs, fars)
    if checkpoint is not None and benchmark is not None:
        outcome |= _who(source, benchmark, overrides)
    if out is not None:
        write_json(out, outcome)
    return outcome


def _who(config: str | Path, benchmark: str | Path, overrides: Sequence[str]) -> dict[str, str]:
    from faceresearch.engine.benchmark import use_benchmark

    cfg = use_benchmark(config, benchmark, overrides)
    return {'model': Path(cfg.filename or config).stem, 'flip_test': str(cfg.model.get('flip_test') or 'none')}


def _fits(benchmark: str | Path, override: str) -> bool:
    from faceresearch.config import load_config

    try:
        load_config(benchmark, [override])
    except UserError:
        return False
    return True


def compare(
    a: str | Path,
    b: str | Path,
    benchmark: str | Path | None = None,
    overrides: Sequence[str] = (),
    fars: Sequence[float] = (1e-3,),
    samples: int = 1000,
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Compare two models by their stored embeddings of the same test set.

    Args:
        a: npz of the first model.
        b: npz of the second.
        benchmark: config with the pairs; needed for IJB features.
        overrides: changes to the benchmark's config.
        fars: false accept rates at which TAR is compared.
        samples: draws of the bootstrap.
        out: JSON file.

    Returns:
        See :func:`faceresearch.evaluation.comparison.compare_models`.

    Raises:
        UserError: a file cannot be used, or the two do not belong together.
    """
    from faceresearch.evaluation.comparison import compare_models
    from faceresearch.evaluation.roc import check_rates

    if samples < 100:
        raise UserError(f'--samples {samples}: at least 100 draws are needed for an interval')
    first, second = (read_pairs(path, benchmark, overrides) for path in (a, b))
    outcome = compare_models(first, second, check_rates('far', fars), samples)
    if out is not None:
        write_json(out, outcome)
    return outcome


def calibration_lines(outcome: dict[str, Any]) -> list[str]:
    """Return a table of thresholds for people."""
    lines = [f'{outcome["genuine_pairs"]:,} genuine and {outcome["impostor_pairs"]:,} impostor pairs']
    lines.append(f'{"FAR":<9}{"cosine ≥":>10}{"L2 ≤":>10}{"angle ≤":>10}{"TAR":>9}  95 % of TAR       impostors')
    for far, entry in outcome['thresholds'].items():
        low, high = entry['tar_interval']
        note = '' if entry['reliable'] else '  too few to rely on'
        lines.append(
            f'{far:<9}{entry["cosine"]:>10.4f}{entry["l2"]:>10.4f}{entry["angle"]:>9.2f}°{entry["tar"]:>9.4f}'
            f'  {low:.4f} … {high:.4f}  {entry["impostors"]:>9}{note}'
        )
        for name, rates in entry.get('groups', {}).items():
            shown = ', '.join(f'{key.upper()} {value:.4g}' for key, value in rates.items() if value is not None)
            lines.append(f'    {name}: {shown}')
    return lines


def comparison_lines(outcome: dict[str, Any]) -> list[str]:
    """Return what a comparison found, for people."""
    lines = [f'{outcome["pairs"]:,} pairs']
    accuracy = outcome.get('accuracy')
    if accuracy:
        lines.append(
            f'accuracy: A {accuracy["a"]:.4f}, B {accuracy["b"]:.4f}; only A right {accuracy["only_a_right"]} times, only B'
            f' {accuracy["only_b_right"]} times; {_verdict(accuracy)}'
        )
    for far, tar in outcome['tar'].items():
        low, high = tar['interval']
        lines.append(
            f'TAR at FAR {far}: A {tar["a"]:.4f}, B {tar["b"]:.4f}; A − B {tar["difference"]:+.4f}'
            f' (95 %: {low:+.4f} … {high:+.4f}); {_verdict(tar)}'
        )
    return lines


def _verdict(entry: dict[str, Any]) -> str:
    p = f'p = {entry["p_value"]:.3g}'
    better = entry['better']
    return f'{better.upper()} is better ({p})' if better else f'the difference may be chance ({p})'
