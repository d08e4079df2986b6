"""Test a model, or judge stored predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from faceresearch.fileio import write_json

Launcher = Literal['none', 'pytorch', 'slurm', 'mpi']


def test(
    config: str | Path,
    checkpoint: str | Path = 'none',
    overrides: Sequence[str] = (),
    benchmark: str | Path | None = None,
    work_dir: str | Path | None = None,
    out: str | Path | None = None,
    dump: str | Path | None = None,
    report: str | Path | None = None,
    launcher: Launcher = 'none',
) -> dict[str, float]:
    """Test a model on the test set of its config, or on a benchmark.

    Args:
        config: a config file, or the name of one in ``configs/``.
        checkpoint: a path, a name in the zoo, or ``none`` for random weights.
        overrides: changes to the config, ``KEY=VALUE``; with ``benchmark`` they may name its variables too.
        benchmark: evaluation-only config whose test set and protocol replace the config's.
        work_dir: where logs go; ``work_dirs/<config name>`` by default.
        out: JSON file for the metrics.
        dump: npz file for the predictions.
        report: folder for a page with figures, plots, worst failures, environment and config.
        launcher: how several processes were started.

    Returns:
        Metrics by key, as in ``out``.

    Raises:
        UserError: config, data or checkpoint are not usable.
    """
    from mmengine.dist import is_main_process

    from faceresearch.config import load_config, validate
    from faceresearch.engine import FaceRunner, settings
    from faceresearch.engine.benchmark import add_dump, add_report, use_benchmark
    from faceresearch.engine.weights import flat_metrics, load_test_weights
    from faceresearch.engine.whole_images import leave_sizes
    from faceresearch.reports.run import Reporter

    cfg = load_config(config, overrides) if benchmark is None else use_benchmark(config, benchmark, overrides)
    validate(cfg, overrides)
    leave_sizes(cfg, str(checkpoint))
    settings.prepare(cfg, work_dir)
    if launcher != 'none':
        cfg['launcher'] = launcher
    reporter = None if report is None else Reporter(cfg, report, benchmark)
    if dump is not None:
        add_dump(cfg, dump)
    if report is not None:
        add_report(cfg, report)
    runner = FaceRunner.for_test(cfg)
    load_test_weights(runner.bare_model, str(checkpoint))
    figures = flat_metrics(runner.test())
    if out is not None and is_main_process():
        write_json(out, figures)
    if reporter is not None and is_main_process():
        metrics, dataset = runner.test_evaluator.metrics, runner.test_dataloader.dataset
        reporter.after_test(figures, metrics, str(checkpoint), runner.bare_model, dataset)
    return figures


def judge_predictions(
    benchmark: str | Path,
    predictions: str | Path,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    report: str | Path | None = None,
) -> dict[str, float]:
    """Judge stored predictions by the protocol of a benchmark; neither a model nor images are needed.

    Args:
        benchmark: config of the benchmark, or its name in ``configs/benchmarks/``.
        predictions: npz file, ours or another toolkit's.
        overrides: changes to the config.
        out: JSON file for the metrics.
        report: folder for a page with figures, plots, worst failures, environment and config.

    Raises:
        UserError: a file cannot be used.
    """
    from faceresearch.compat.scope import set_scope
    from faceresearch.config import load_config
    from faceresearch.engine import settings
    from faceresearch.engine.benchmark import add_report
    from faceresearch.engine.weights import flat_metrics
    from faceresearch.evaluation.stored import judge_file
    from faceresearch.reports.run import Reporter

    cfg = load_config(benchmark, overrides)
    settings.prepare(cfg)
    set_scope(cfg)
    reporter = None if report is None else Reporter(cfg, report)
    if report is not None:
        add_report(cfg, report)
    found, metrics = judge_file(cfg, predictions)
    figures = flat_metrics(found)
    if out is not None:
        write_json(out, figures)
    if reporter is not None:
        reporter.after_predictions(figures, metrics, predictions)
    return figures
