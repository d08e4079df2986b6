"""Another package's metric under our keys."""

from __future__ import annotations

from typing import Any

import pytest
from mmengine.evaluator import BaseMetric, Evaluator

from faceresearch.errors import UserError
from faceresearch.evaluation import ForeignMetric


class MeanScore(BaseMetric):
    """Stands for mmdet's or mmpose's metric: reports nothing if there was nothing to judge."""

    default_prefix = 'theirs'

    def process(self, data_batch: Any, data_samples: Any) -> None:
        self.results += [sample['score'] for sample in data_samples if sample['score'] is not None]

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        assert self.dataset_meta == {'classes': ('face',)}
        return {'mAP': sum(results) / len(results), 'other': 1.0} if results else {}


def evaluate(scores: list[float | None], keys: dict[str, str], nothing: float = 0.0) -> dict[str, float]:
    evaluator = Evaluator([ForeignMetric(MeanScore(), keys, nothing)])
    evaluator.dataset_meta = {'classes': ('face',)}
    for score in scores:
        evaluator.process([{'score': score}])
    return evaluator.evaluate(len(scores))


def test_the_chosen_figures_get_our_names() -> None:
    assert evaluate([0.2, 0.4], {'theirs/mAP': 'coco/bbox_map'}) == {'coco/bbox_map': pytest.approx(0.3)}


def test_nothing_detected_is_a_figure_too() -> None:
    assert evaluate([None], {'theirs/mAP': 'coco/bbox_map'}) == {'coco/bbox_map': 0.0}
    assert evaluate([None], {'theirs/mAP': 'landmark/nme'}, nothing=1.0) == {'landmark/nme': 1.0}


def test_a_misspelt_figure_is_not_a_zero() -> None:
    with pytest.raises(UserError, match=r"MeanScore has no figure 'theirs/map'.*'theirs/mAP'"):
        evaluate([0.2], {'theirs/map': 'coco/bbox_map'})
