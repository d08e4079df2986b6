"""The eight registries: every name a config may use is found here.

Each is a child of mmengine's root registry of the same purpose, so mmdet and mmpose components are reached by their
scope prefix (``mmdet.FPN``), and is filled lazily: a package is imported when the first name is looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmengine import registry as _root
from mmengine.registry import Registry

from faceresearch import compat

if TYPE_CHECKING:
    from torch import nn

SCOPE = 'faceresearch'

compat.install()

#: Networks and their parts, losses, data preprocessors.
MODELS = Registry('model', parent=_root.MODELS, scope=SCOPE, locations=['faceresearch.models'])
#: Data sets.
DATASETS = Registry('dataset', parent=_root.DATASETS, scope=SCOPE, locations=['faceresearch.datasets'])
#: Sample transforms, dict → dict.
TRANSFORMS = Registry('transform', parent=_root.TRANSFORMS, scope=SCOPE, locations=['faceresearch.transforms'])
#: Encoders of targets and decoders of outputs, one object for both.
CODECS = Registry('codec', scope=SCOPE, locations=['faceresearch.codecs'])
#: Evaluation protocols.
METRICS = Registry('metric', parent=_root.METRICS, scope=SCOPE, locations=['faceresearch.evaluation'])
#: Training hooks.
HOOKS = Registry('hook', parent=_root.HOOKS, scope=SCOPE, locations=['faceresearch.engine'])
#: Optimisers.
OPTIMIZERS = Registry('optimizer', parent=_root.OPTIMIZERS, scope=SCOPE, locations=['faceresearch.engine'])
#: Visualizers.
VISUALIZERS = Registry('visualizer', parent=_root.VISUALIZERS, scope=SCOPE, locations=['faceresearch.visualization'])

ALL = (MODELS, DATASETS, TRANSFORMS, CODECS, METRICS, HOOKS, OPTIMIZERS, VISUALIZERS)


def build_module(module: nn.Module | dict[str, Any]) -> nn.Module:
    """Return a network part as it is, or built from its config dict."""
    return MODELS.build(module) if isinstance(module, dict) else module


def build_codec(codec: Any) -> Any:
    """Return a codec as it is, or built from its config dict."""
    return CODECS.build(codec) if isinstance(codec, dict) else codec
