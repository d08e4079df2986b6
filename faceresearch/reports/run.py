"""From a finished test to its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceresearch.reports.environment import environment, file_facts
from faceresearch.reports.record import RunRecord, flat_settings, shown
from faceresearch.reports.test_page import write_report

if TYPE_CHECKING:
    from mmengine.config import Config
    from torch import nn


class Reporter:
    """Remembers what a run starts from, and writes its report when the figures are there.

    Args:
        cfg: the resolved config, before anything is added to it for this run.
        folder: of the report.
        benchmark: config whose test set and protocol were taken, if not the model's own.
    """

    def __init__(self, cfg: Config, folder: str | Path, benchmark: str | Path | None = None) -> None:
        from faceresearch.config import format_config

        self.folder = Path(folder)
        self.config = str(cfg.filename or 'config')
        self.text = format_config(cfg)
        self.settings = flat_settings(cfg.to_dict())
        self.test_set = (cfg.get('test_dataloader') or {}).get('dataset')
        self.facts = _facts(cfg, benchmark)

    def after_test(
        self, figures: dict[str, float], metrics: Sequence[Any], checkpoint: str, model: nn.Module, dataset: Any
    ) -> Path:
        """Write the report of a model's test.

        Raises:
            UserError: the folder cannot be written.
        """
        facts = {'Model': Path(self.config).stem, 'Checkpoint': _checkpoint(checkpoint), **self.facts}
        device = next((str(parameter.device) for parameter in model.parameters()), 'cpu')
        return self._write(Path(self.config).stem, facts, figures, metrics, environment(device), dataset)

    def after_predictions(self, figures: dict[str, float], metrics: Sequence[Any], predictions: str | Path) -> Path:
        """Write the report of stored predictions; failures are shown where the images of the test set are at hand.

        Raises:
            UserError: the folder cannot be written.
        """
        facts = {'Predictions': file_facts(predictions), **self.facts}
        return self._write(Path(predictions).stem, facts, figures, metrics, environment(), self._dataset())

    def _write(
        self,
        name: str,
        facts: dict[str, str],
        figures: dict[str, float],
        metrics: Sequence[Any],
        surroundings: dict[str, str],
        dataset: Any,
    ) -> Path:
        shows = [metric.illustrations for metric in metrics if hasattr(metric, 'illustrations')]
        plots = shown([picture for show in shows for picture in show.pictures], self.folder)
        record = RunRecord(
            name, self.config, self.text, self.settings, facts, figures, plots, surroundings, self.folder
        )
        return write_report(record, shows, dataset, self.test_set)

    def _dataset(self) -> Any:
        """Return the test set, or None where its images are not there."""
        from faceresearch.errors import UserError
        from faceresearch.registry import DATASETS

        try:
            return DATASETS.build({**self.test_set, 'pipeline': []}) if self.test_set else None
        except (UserError, OSError):
            return None


def _facts(cfg: Config, benchmark: str | Path | None) -> dict[str, str]:
    from faceresearch.config import load_config
    from faceresearch.engine.benchmark import evaluators

    about = cfg.get('benchmark') if benchmark is None else load_config(benchmark).get('benchmark')
    about = about or {}
    test_set = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    names = [str(test_set.get(key)) for key in ('type', 'data_root') if test_set.get(key)]
    facts = {'Test set': f'{about["data"]} ({", ".join(names)})' if about.get('data') else ', '.join(names)}
    if about.get('protocol'):
        facts['Protocol'] = str(about['protocol'])
    if benchmark is not None:
        facts['Benchmark'] = Path(benchmark).stem
    facts['Judged by'] = ', '.join(str(evaluator['type']) for evaluator in evaluators(cfg))
    return {name: value for name, value in facts.items() if value}


def _checkpoint(name: str) -> str:
    from faceresearch.engine.weights import find_checkpoint

    if name == 'none':
        return 'none: random weights'
    return '; '.join(file_facts(find_checkpoint(part)) for part in name.split('+'))
