"""A recogniser's training that takes a second: vectors in place of images, no batch statistics, several processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.structures import LabelData
from torch import Tensor, nn

from faceresearch.datasets.base import FaceDataset
from faceresearch.engine import FaceRunner
from faceresearch.models.heads import MarginHead
from faceresearch.registry import DATASETS, MODELS
from faceresearch.structures import FaceDataSample
from tests.engine.tiny import Recorder

CLASSES, SAMPLES, TOTAL_BATCH = 23, 48, 8


@DATASETS.register_module()
class VectorFaces(FaceDataset):
    """Noisy copies of one small image per identity."""

    def load_data_list(self) -> list[dict[str, Any]]:
        return [{'identity': (7 * i) % CLASSES} for i in range(SAMPLES)]

    def _run_pipeline(self, index: int, epoch: int, broken: bool = False, replaced: list[str] | None = None) -> Any:
        identity = self.get_data_info(index)['identity']
        image = np.random.default_rng(identity).standard_normal((3, 4, 4))
        image += 0.3 * np.random.default_rng([epoch, index]).standard_normal((3, 4, 4))
        sample = FaceDataSample(gt_identity=LabelData(label=torch.tensor([identity])))
        return {'inputs': torch.from_numpy(image.astype('float32')), 'data_samples': sample}


@MODELS.register_module()
class TinyEmbedder(nn.Module):
    """Two layers, in double precision so that sums in another order hardly differ."""

    embedding_size = 6

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(48, 12), nn.Tanh(), nn.Linear(12, 6)).double()

    def init_weights(self) -> None:
        for number, parameter in enumerate(self.parameters()):
            parameter.data.normal_(0, 0.4, generator=torch.Generator().manual_seed(number))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images.double())


@MODELS.register_module()
class DoubleMarginHead(MarginHead):
    """The head, in double precision."""

    def __init__(self, embedding_size: int, num_classes: int, margin: Any, **settings: Any) -> None:
        super().__init__(embedding_size, num_classes, margin, **settings)
        self.double()


@MODELS.register_module()
class StackImages(nn.Module):
    """A data preprocessor that only stacks."""

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        return {'inputs': torch.stack(list(data['inputs'])), 'data_samples': data['data_samples']}


def config(work_dir: Path, world: int, **changes: Any) -> Config:
    """Build the config for a number of processes; ``head``, ``optimizer`` and other keys may be changed."""
    head = {
        'type': 'DoubleMarginHead',
        'num_classes': CLASSES,
        'margin': {'type': 'AdaFace'},
        **changes.pop('head', {}),
    }
    optimizer = changes.pop('optimizer', {'type': 'SGD', 'lr': 0.05, 'momentum': 0.9, 'weight_decay': 1e-3})
    clip = {'max_norm': 5.0}
    return Config(
        {
            'default_scope': 'faceresearch',
            'work_dir': str(work_dir),
            'launcher': 'pytorch' if world > 1 else 'none',
            'model': {
                'type': 'FaceRecognizer',
                'backbone': {'type': 'TinyEmbedder'},
                'data_preprocessor': {'type': 'StackImages'},
                'head': head,
            },
            'train_dataloader': {
                'batch_size': TOTAL_BATCH // world,
                'num_workers': 0,
                'sampler': {'type': 'EpochSampler', 'shuffle': True},
                'dataset': {'type': 'VectorFaces'},
            },
            'train_cfg': {'by_epoch': True, 'max_epochs': 3},
            'optim_wrapper': {'type': 'OptimWrapper', 'optimizer': optimizer, 'clip_grad': clip},
            'param_scheduler': [{'type': 'PolyLR', 'end': 3, 'by_epoch': True, 'convert_to_iter_based': True}],
            'default_hooks': {'checkpoint': {'type': 'SafeCheckpointHook', 'interval': 4, 'by_epoch': False}},
            'randomness': {'seed': 1},
            'log_level': 'ERROR',
            **changes,
        }
    )


def train(
    work_dir: Path, resume: bool = False, abort_at: int | None = None, changes: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Train in this process, or in the group it belongs to; return losses by iteration and the centres."""
    world = dist.get_world_size() if dist.is_initialized() else 1
    if world > 1:
        # What a launcher would set.
        os.environ.update(RANK=str(dist.get_rank()), LOCAL_RANK=str(dist.get_rank()), WORLD_SIZE=str(world))
    cfg = config(work_dir, world, **(changes or {}))
    cfg['resume'] = resume
    runner = FaceRunner.for_training(cfg)
    recorder = Recorder(abort_at)
    runner.register_hook(recorder)
    try:
        runner.train()
    except Exception as error:
        if type(error).__name__ != 'Abort':
            raise
    head: Any = runner.bare_model.head
    return {'losses': recorder.losses, 'centres': head.centres.detach(), 'start': head.shard.start}
