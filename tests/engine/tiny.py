"""A training that takes seconds: RetinaFace mnet025 on a dozen small drawn images in the WIDER layout."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from faceresearch.config import load_config
from faceresearch.engine import FaceRunner, settings
from faceresearch.models.detectors import SingleStageDetector
from faceresearch.registry import MODELS

IMAGES = 12
BATCH = 4
BATCHES_PER_EPOCH = IMAGES // BATCH


@MODELS.register_module()
class DetectorWithDropout(SingleStageDetector):
    """A model that draws random numbers, so that a resumed training needs the generators' states."""

    def extract(self, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(torch.nn.functional.dropout(f, 0.2, self.training) for f in super().extract(inputs))


def write_images(root: Path) -> Path:
    """Write images with one or two elliptic faces each, and their RetinaFace label file."""
    rng = np.random.default_rng(0)
    lines = []
    for number in range(IMAGES):
        height, width = (72, 96) if number % 3 else (96, 80)
        image = rng.integers(0, 120, (height, width, 3), np.uint8)
        name = f'0--Test/face_{number}.jpg'
        lines.append(f'# {name}')
        for face in range(1 + number % 2):
            x, y, w, h = 6 + 40 * face, int(rng.integers(8, 24)), 26, 32
            centre = (x + w // 2, y + h // 2)
            cv2.ellipse(image, centre, (w // 2, h // 2), 0, 0, 360, (140, 180, 230), -1)
            points = [(x + 8, y + 12), (x + 18, y + 12), (x + 13, y + 17), (x + 9, y + 24), (x + 17, y + 24)]
            for point in points:
                cv2.circle(image, point, 1, (20, 20, 20), -1)
            lines.append(' '.join([f'{x} {y} {w} {h}', *(f'{px} {py} 0.0' for px, py in points), '0.9']))
        path = root / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)
    (root / 'label.txt').write_text('\n'.join(lines) + '\n')
    return root


def write_config(path: Path, data_root: Path, extra: str = '') -> Path:
    """Write the config of the training; ``extra`` is text put at its end."""
    path.write_text(
        f"""
_base_ = ['faceresearch::_base_/models/retinaface_mnet025.py', 'faceresearch::_base_/default_runtime.py']
data_root = {str(data_root)!r}
max_epochs = 3
lr = 1e-2
num_workers = 0
dataset = dict(type='WiderFaceDataset', data_root=data_root, ann_file='label.txt', img_dir='images')
train_dataloader = dict(
    batch_size={BATCH},
    num_workers=num_workers,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomSquareCrop', train_size=64),
            dict(type='ColorDistortion'),
            dict(type='PadToSquare'),
            dict(type='RandomFlip'),
            dict(type='RandomInterpolationResize', size=64),
            dict(type='PackFaceInputs'),
        ],
        **dataset,
    ),
)
val_dataloader = dict(
    batch_size=2,
    num_workers=0,
    dataset=dict(test_mode=True, indices=4, pipeline=[dict(type='LoadImage'), dict(type='PackFaceInputs')], **dataset),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='SynthFacesMetric')
test_evaluator = val_evaluator
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=2)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=lr, momentum=0.9))
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[1, 2], gamma=0.5)]
auto_scale_lr = dict(enable=False, base_batch_size=8)
default_hooks = dict(logger=dict(interval=1))
model = dict(type='SingleStageDetector')
{extra}
"""
    )
    return path


class Abort(Exception):
    """Raised in the middle of a training by :class:`Recorder`."""


class Recorder(Hook):
    """Note the loss of each iteration, and optionally abort before one is noted.

    Args:
        abort_at: number of the iteration, from 0, after whose step the training is aborted.
    """

    priority = 'LOWEST'

    def __init__(self, abort_at: int | None = None) -> None:
        self.abort_at = abort_at
        self.losses: dict[int, float] = {}
        self.metrics: dict[int, dict[str, float]] = {}

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        if runner.iter == self.abort_at:
            raise Abort
        self.losses[runner.iter] = float(outputs['loss'].detach())

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        self.metrics[runner.epoch] = dict(metrics or {})


def build_runner(
    config: Path, work_dir: Path, overrides: tuple[str, ...] = (), resume: bool | str = False, amp: bool = False
) -> FaceRunner:
    """Build a runner as tools/train.py does."""
    cfg: Config = load_config(config, overrides)
    settings.prepare(cfg, work_dir)
    if amp:
        settings.use_mixed_precision(cfg)
    cfg['resume'] = resume
    return FaceRunner.for_training(cfg)


def run(
    config: Path,
    work_dir: Path,
    *overrides: str,
    resume: bool | str = False,
    abort_at: int | None = None,
    amp: bool = False,
) -> tuple[Recorder, FaceRunner]:
    """Train, until the end or to ``abort_at``; return what was recorded and the runner."""
    runner = build_runner(config, work_dir, overrides, resume, amp)
    recorder = Recorder(abort_at)
    runner.register_hook(recorder)
    with contextlib.suppress(Abort):
        runner.train()
    return recorder, runner


def weights(runner: FaceRunner) -> dict[str, torch.Tensor]:
    """Return a copy of a runner's weights."""
    return {key: value.clone() for key, value in runner.bare_model.state_dict().items()}
