"""HRNet's recipes for human faces: each trains a step on its data set's own samples and is judged on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.evaluator import Evaluator
from torch import nn

from faceresearch.compat.pipelines import test_metainfo as metainfo_of
from faceresearch.compat.scope import set_scope
from faceresearch.config import load_config
from faceresearch.datasets.landmark_metainfo import LANDMARKS
from faceresearch.engine.dataloader import build_dataloader
from faceresearch.registry import METRICS, MODELS

#: Config → folder of samples, points, σ of targets, exact targets, loss.
RECIPES = {
    'hrnetv2_w18_300w': ('300w', 68, 1.5, False, 'KeypointMSELoss'),
    'hrnetv2_w18_wflw': ('wflw', 98, 2, False, 'KeypointMSELoss'),
    'hrnetv2_w18_dark_wflw': ('wflw', 98, 2, True, 'KeypointMSELoss'),
    'hrnetv2_w18_awing_wflw': ('wflw', 98, 2, False, 'AdaptiveWingLoss'),
    'hrnetv2_w18_cofw': ('cofw', 29, 1.5, False, 'KeypointMSELoss'),
    'hrnetv2_w18_aflw': ('aflw', 19, 2, False, 'KeypointMSELoss'),
    'hrnetv2_w18_dark_aflw': ('aflw', 19, 2, True, 'KeypointMSELoss'),
    'hrnetv2_w18_lapa': ('lapa', 106, 2, True, 'KeypointMSELoss'),
}


@pytest.fixture(autouse=True)
def scope_of_others() -> Iterator[None]:
    yield
    set_scope({'default_scope': 'faceresearch'})


@pytest.mark.parametrize('name', RECIPES)
def test_recipe_is_that_of_its_paper(name: str) -> None:
    _, points, sigma, unbiased, loss = RECIPES[name]
    cfg = load_config(name)
    assert (cfg.model.head.out_channels, cfg.codec.sigma, cfg.codec.unbiased) == (points, sigma, unbiased)
    assert cfg.model.head.loss.type == loss
    assert cfg.model.test_cfg == {'flip_test': True, 'flip_mode': 'heatmap', 'shift_heatmap': True}
    assert cfg.optim_wrapper.optimizer == {'type': 'Adam', 'lr': 2e-3}
    assert (cfg.train_cfg.max_epochs, cfg.param_scheduler[1].milestones) == (60, [40, 55])
    assert cfg.auto_scale_lr == {'enable': True, 'base_batch_size': 512}
    turned = next(step for step in cfg.train_pipeline if step.type == 'RandomBBoxTransform')
    assert (turned.shift_prob, turned.rotate_factor, turned.scale_factor) == (0, 60, (0.75, 1.25))
    scheme = LANDMARKS[cfg.contract.landmark_scheme]
    assert metainfo_of(cfg)['flip_indices'] == list(scheme.flip_indices)


@pytest.mark.parametrize('name', ['hrnetv2_w18_300w', 'hrnetv2_w18_cofw', 'hrnetv2_w18_dark_aflw', 'hrnetv2_w18_lapa'])
def test_a_step_and_a_figure_on_the_data_sets_own_samples(name: str, test_data: Path) -> None:
    train_and_judge(name, test_data)


@pytest.mark.slow
@pytest.mark.parametrize('name', ['hrnetv2_w18_wflw', 'hrnetv2_w18_awing_wflw', 'hrnetv2_w18_dark_wflw'])
def test_a_step_and_a_figure_on_wflw(name: str, test_data: Path) -> None:
    train_and_judge(name, test_data)


def train_and_judge(name: str, test_data: Path) -> None:
    folder, points, *_ = RECIPES[name]
    root = test_data / 'landmarks/mmpose_samples' / folder
    cfg = load_config(
        name,
        [
            f'data_root={root}',
            f'train_ann_file=test_{folder}.json',
            f'val_ann_file=test_{folder}.json',
            "image_folder=''",
            'batch_size=2',
            'num_workers=0',
            'codec.input_size=[64,64]',
            'codec.heatmap_size=[16,16]',
        ],
    )
    set_scope(cfg)
    torch.manual_seed(0)
    model: Any = MODELS.build(cfg.model)
    model.init_weights()
    loader = build_dataloader(cfg.train_dataloader, seed=0)
    batch = next(iter(loader))
    assert batch['data_samples'][0].flip_indices == list(LANDMARKS[cfg.contract.landmark_scheme].flip_indices)
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    losses['loss_kpt'].backward()
    assert losses['loss_kpt'] > 0
    assert nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None]).isfinite()

    model.eval()
    tests = build_dataloader(cfg.val_dataloader, seed=0)
    evaluator, judged = Evaluator(cfg.val_evaluator), []
    evaluator.dataset_meta = tests.dataset.metainfo
    with torch.no_grad():
        for batch in tests:
            samples = model.test_step(batch)
            judged += samples
            assert samples[0].pred_instances.keypoints.shape == (1, points, 2)
            evaluator.process(samples, batch)
    figures = evaluator.evaluate(len(tests.dataset))
    # mmpose's own metric on the same samples, with what its configs say of the data set (mmpose configs/face_2d_keypoint).
    item = {'norm_mode': 'use_norm_item', 'norm_item': 'bbox_size'}
    theirs = METRICS.build({'type': 'mmpose.NME', **(item if folder == 'aflw' else {'norm_mode': 'keypoint_distance'})})
    theirs.dataset_meta = tests.dataset.metainfo
    theirs.process({}, [sample.to_dict() for sample in judged])
    expected = theirs.evaluate(len(judged))['NME']
    assert figures['landmark/nme'] == pytest.approx(expected, rel=1e-6) and expected > 0.01
