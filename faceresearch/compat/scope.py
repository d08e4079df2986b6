"""Where the types of a config are looked up when it does not say.

Configs of other projects, and those printed in papers and notes, often have no ``default_scope``: mmdet's and mmpose's
own tools set it. Ours ask here instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from mmengine.registry import DefaultScope, Registry

from faceresearch.errors import UserError, did_you_mean

#: Looked through in this order; mmpose imports mmdet, so it comes last.
_SCOPES = ('faceresearch', 'mmdet', 'mmpose')


def infer_scope(cfg: Mapping[str, Any]) -> str:
    """Return ``cfg.default_scope``, or else the scope in whose registry ``model.type`` is found.

    mmdet and mmpose are imported only when the type is not one of ours.

    Args:
        cfg: a whole config.

    Returns:
        ``faceresearch``, ``mmdet`` or ``mmpose``, or whatever ``default_scope`` says.

    Raises:
        UserError: the type is in none of the three; the nearest names are given.
    """
    stated = cfg.get('default_scope')
    if stated:
        return str(stated)
    model = cfg.get('model')
    kind = model.get('type') if isinstance(model, Mapping) else None
    if kind is None:
        return _SCOPES[0]
    if not isinstance(kind, str):  # a class: its package names the scope
        package = kind.__module__.split('.')[0]
        return package if package in _SCOPES else _SCOPES[0]
    scope, dot, name = kind.partition('.')
    if dot and scope in _SCOPES:
        return scope
    known: list[str] = []
    for scope in _SCOPES:
        names = _models(scope).module_dict
        if (name if dot else kind) in names:
            return scope
        known += names
    raise UserError(
        f'model.type={kind!r} is not a model of faceresearch, mmdet or mmpose.{did_you_mean(kind, known)} '
        f'Name the package that has it: default_scope=…'
    )


def set_scope(cfg: Mapping[str, Any]) -> str:
    """Make the scope of a config mmengine's current one, so that its unprefixed types resolve; return it."""
    scope = infer_scope(cfg)
    current = DefaultScope.get_current_instance()
    if current is None or current.scope_name != scope:
        # Instances are kept by name and the last one is current. One for each scope: frames of a video that pass through
        # models of two packages would make thousands.
        name = f'set-{scope}'
        if not DefaultScope.check_instance_created(name):
            DefaultScope.get_instance(name, scope_name=scope)
        DefaultScope._instance_dict.move_to_end(name)
    return scope


def _models(scope: str) -> Registry:
    registry = import_module(f'{scope}.registry').MODELS
    registry.import_from_location()
    return registry
