"""Children of mmengine's remaining registries, so that ``default_scope='faceresearch'`` is known in all of them.

Nothing is registered here: names are found in the parents. Without these children mmengine logs a warning at every
look-up of a loop, sampler, scheduler or log processor.
"""

from __future__ import annotations

from mmengine import registry as _root
from mmengine.registry import Registry

from faceresearch.registry import SCOPE

_NAMES = (
    'RUNNERS',
    'RUNNER_CONSTRUCTORS',
    'LOOPS',
    'STRATEGIES',
    'DATA_SAMPLERS',
    'MODEL_WRAPPERS',
    'WEIGHT_INITIALIZERS',
    'OPTIM_WRAPPERS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'PARAM_SCHEDULERS',
    'EVALUATOR',
    'TASK_UTILS',
    'VISBACKENDS',
    'LOG_PROCESSORS',
    'INFERENCERS',
    'FUNCTIONS',
)


def _child(parent: Registry) -> Registry:
    return Registry(parent.name, parent=parent, scope=SCOPE, locations=['faceresearch.engine'])


CHILDREN = {name: _child(getattr(_root, name)) for name in _NAMES}
