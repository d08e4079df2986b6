"""Metrics of mmdet and mmpose under the names that this project's figures have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.evaluator import BaseMetric

from faceresearch.errors import UserError, did_you_mean
from faceresearch.registry import METRICS


@METRICS.register_module()
class ForeignMetric(BaseMetric):
    """Ask another package's metric, and report the chosen figures under our keys.

    Args:
        metric: the metric, or its config.
        keys: its keys → ours; its other figures are not reported.
        nothing: value of every figure if it reports none, which is how mmdet says that nothing was detected.

    Raises:
        UserError: ``keys`` names a figure that the metric does not report.
    """

    def __init__(self, metric: BaseMetric | dict[str, Any], keys: Mapping[str, str], nothing: float = 0.0) -> None:
        super().__init__()
        self.metric: BaseMetric = METRICS.build(metric) if isinstance(metric, dict) else metric
        self.keys = dict(keys)
        self.nothing = nothing

    @property
    def dataset_meta(self) -> dict[str, Any] | None:
        """What the data set says about itself."""
        return self.metric.dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict[str, Any]) -> None:
        self.metric.dataset_meta = dataset_meta

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Hand a batch on."""
        self.metric.process(data_batch, data_samples)

    def evaluate(self, size: int) -> dict[str, float]:
        """Return the figures of ``size`` samples."""
        return self._renamed(self.metric.evaluate(size))

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Return the figures of collected results."""
        return self._renamed(self.metric.compute_metrics(results))

    def _renamed(self, figures: Mapping[str, Any]) -> dict[str, float]:
        if not figures:
            return dict.fromkeys(self.keys.values(), self.nothing)
        for theirs in self.keys:
            if theirs not in figures:
                kind = type(self.metric).__name__
                raise UserError(
                    f'{kind} has no figure {theirs!r}.{did_you_mean(theirs, figures)} It has {", ".join(figures)}'
                )
        return {ours: float(figures[theirs]) for theirs, ours in self.keys.items()}
