"""A model's input contract: all that someone who feeds it images must know."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from faceresearch.config.tree import same
from faceresearch.errors import UserError


def input_contract(cfg: Config) -> dict[str, Any]:
    """Return ``cfg.contract`` joined with what the data preprocessor does, ready for JSON.

    Args:
        cfg: a resolved config. ``contract`` may hold size, alignment template, landmark names, label names, licences,
            intended use.

    Returns:
        The contract, with ``colour_order`` (what the network sees: ``'RGB'``, ``'BGR'`` or ``'grey'``), ``mean`` and
        ``std`` (in that order, on the scale 0–255; 0 and 1 where it states none) from ``model.data_preprocessor``, and
        the ``labels`` of a ``class_order`` or, by head, of ``model.heads``. Tuples are lists, keys are strings.

    Raises:
        UserError: the contract contradicts the preprocessor, or holds what JSON cannot.
    """
    contract = _plain(cfg.get('contract') or {}, 'contract')
    if 'class_order' in contract and 'labels' not in contract:
        from faceresearch.datasets.parsing_metainfo import classes_of

        contract['labels'] = list(classes_of(contract['class_order']))
    for key, value in {**_preprocessing(cfg), **_labels(cfg)}.items():
        stated = contract.get(key, value)
        if not same(stated, value):
            raise UserError(
                f'{cfg.filename or "config"}: contract.{key} is {stated!r} but model.data_preprocessor says {value!r}; '
                f'leave it out of the contract'
            )
        contract[key] = value
    return contract


def fixed_size(contract: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the one image size (h, w) that a model takes, by its input contract, or None for a free size."""
    size = contract.get('size')
    if isinstance(size, list | tuple) and len(size) == 2 and all(isinstance(n, int) for n in size):
        return int(size[0]), int(size[1])
    return None


def colour_order(bgr_to_rgb: bool, grey: bool = False) -> str:
    """Return what a network sees of images that are read as BGR: ``'RGB'``, ``'BGR'`` or ``'grey'``."""
    return 'grey' if grey else 'RGB' if bgr_to_rgb else 'BGR'


def _preprocessing(cfg: Config) -> dict[str, Any]:
    preprocessor = (cfg.get('model') or {}).get('data_preprocessor')
    if not preprocessor:
        return {}
    grey = bool(preprocessor.get('grey'))
    found: dict[str, Any] = {'colour_order': colour_order(bool(preprocessor.get('bgr_to_rgb')), grey)}
    for key, neutral in (('mean', 0.0), ('std', 1.0)):
        value = preprocessor.get(key)
        channels = (
            [neutral] * (1 if grey else 3) if value is None else value if isinstance(value, (list, tuple)) else [value]
        )
        found[key] = [float(v) for v in channels]
    return found


def _labels(cfg: Config) -> dict[str, Any]:
    """Return the class names of a model with named heads, in the model's order."""
    from faceresearch.datasets.attribute_labels import labels_of

    model = cfg.get('model') or {}
    members = model.get('members') or [model]
    heads = (members[0] if isinstance(members[0], Mapping) else {}).get('heads')
    if not isinstance(heads, Mapping):
        return {}
    named = {name: list(labels_of(head['labels'])) for name, head in heads.items() if 'labels' in head}
    return {'labels': named} if named else {}


def _plain(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v, f'{key}.{k}') for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v, f'{key}.{i}') for i, v in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f'{key} is {value}: JSON has no such number')
    return value
