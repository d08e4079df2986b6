"""The training and testing engine: runner, loops, samplers, hooks."""

from faceresearch.compat import mmengine_amp
from faceresearch.engine import registries
from faceresearch.engine.checkpoint_hook import SafeCheckpointHook
from faceresearch.engine.loops import EpochLoop, IterLoop
from faceresearch.engine.non_finite import NonFiniteLossHook
from faceresearch.engine.progress import ProgressHook
from faceresearch.engine.replaced_images import ReplacedImagesHook
from faceresearch.engine.runner import FaceRunner
from faceresearch.engine.samplers import EpochSampler, IdentityBalancedSampler
from faceresearch.engine.seeded_dataset import SeededDataset

__all__ = [
    'EpochLoop',
    'EpochSampler',
    'FaceRunner',
    'IdentityBalancedSampler',
    'IterLoop',
    'NonFiniteLossHook',
    'ProgressHook',
    'ReplacedImagesHook',
    'SafeCheckpointHook',
    'SeededDataset',
    'mmengine_amp',
    'registries',
]
