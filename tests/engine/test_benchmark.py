"""A model before another test set."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceresearch.engine.benchmark import use_benchmark
from faceresearch.errors import UserError

MODEL = """
model = dict(type='SingleStageDetector')
size = 640
test_dataloader = dict(batch_size=8, dataset=dict(type='A', data_root='a', pipeline=[dict(type='Resize', size=size)]))
test_evaluator = dict(type='MetricA')
"""
BENCHMARK = """
data_root = 'b'
test_dataloader = dict(batch_size=1, dataset=dict(type='B', data_root=data_root, pipeline=[dict(type='LoadImage')]))
test_evaluator = dict(type='MetricB')
"""


@pytest.fixture
def configs(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / 'model.py').write_text(MODEL)
    (tmp_path / 'benchmark.py').write_text(BENCHMARK)
    return tmp_path / 'model.py', tmp_path / 'benchmark.py'


def test_data_and_metric_are_the_benchmarks_and_the_pipeline_is_the_models(configs: tuple[Path, Path]) -> None:
    cfg = use_benchmark(*configs, ['data_root=elsewhere', 'size=320'])
    assert cfg.test_dataloader.batch_size == 1
    assert cfg.test_dataloader.dataset.type == 'B'
    assert cfg.test_dataloader.dataset.data_root == 'elsewhere'
    assert cfg.test_dataloader.dataset.pipeline == [{'type': 'Resize', 'size': 320}]
    assert [evaluator.type for evaluator in cfg.test_evaluator] == ['MetricB']


def test_the_pipeline_can_be_changed(configs: tuple[Path, Path]) -> None:
    cfg = use_benchmark(*configs, ['test_dataloader.dataset.pipeline.0.size=256'])
    assert cfg.test_dataloader.dataset.pipeline[0].size == 256


def test_a_variable_that_both_configs_have_changes_both(configs: tuple[Path, Path]) -> None:
    configs[1].write_text("size = 512\nkind = f'Metric{size}'\n" + BENCHMARK.replace("'MetricB'", 'kind'))
    cfg = use_benchmark(*configs, ['size=320'])
    assert cfg.test_dataloader.dataset.pipeline == [{'type': 'Resize', 'size': 320}]
    assert cfg.test_evaluator[0].type == 'Metric320'


def test_the_pipeline_of_another_project_is_found_there(configs: tuple[Path, Path]) -> None:
    configs[0].write_text(MODEL + "default_scope = 'mmdet'")
    cfg = use_benchmark(*configs, [])
    assert cfg.test_dataloader.dataset.pipeline == [{'type': 'mmdet.Resize', 'size': 640}]
    assert cfg.test_dataloader.dataset._scope_ == cfg.test_evaluator[0]._scope_ == 'faceresearch'


def test_a_model_without_a_pipeline_takes_the_benchmarks(configs: tuple[Path, Path], tmp_path: Path) -> None:
    bare = tmp_path / 'bare.py'
    bare.write_text("model = dict(type='SingleStageDetector')")
    cfg = use_benchmark(bare, configs[1], ['test_dataloader.dataset.pipeline.0.type=Other'])
    assert cfg.test_dataloader.dataset.pipeline[0].type == 'Other'


def test_an_override_that_fits_neither(configs: tuple[Path, Path]) -> None:
    with pytest.raises(UserError, match='sise'):
        use_benchmark(*configs, ['sise=3'])
