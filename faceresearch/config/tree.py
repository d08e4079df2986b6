"""Plain functions on nested config data: look up, compare, merge, reduce to data."""

from __future__ import annotations

import copy
import functools
import math
import os
import types
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

Path = tuple[str, ...]
DELETE_KEY: Final = '_delete_'
#: Returned by :func:`lookup` for a key that does not exist (None is a value).
MISSING: Final = object()


class MergeConflict(Exception):
    """A dict in a child config meets something in its base that is no dict."""

    def __init__(self, path: Path, base: Any) -> None:
        super().__init__('.'.join(path))
        self.path, self.base = path, base


class NotData(Exception):
    """A value that a config cannot hold, because it could not be written down and read again."""

    def __init__(self, path: Path, value: Any) -> None:
        super().__init__('.'.join(path))
        self.path, self.value = path, value


class _WritableFloat(float):
    """Infinity or NaN, whose text can be read again as Python."""

    def __repr__(self) -> str:
        return f"float('{float.__repr__(self)}')"

    __str__ = __repr__


def split_key(key: str) -> Path:
    """Split a dotted key into its parts."""
    return tuple(key.split('.'))


def dict_key(node: dict[Any, Any], part: str) -> Any:
    """Return the key of ``node`` that ``part`` of a dotted key means: the text itself, or the number it spells."""
    if part not in node and part.lstrip('-').isdigit() and int(part) in node:
        return int(part)
    return part


def child(node: Any, part: str) -> Any:
    """Return one level down from ``node``, or :data:`MISSING`."""
    if isinstance(node, dict):
        # dict.get: a ConfigDict's own `get` would build lazy objects.
        return dict.get(node, dict_key(node, part), MISSING)
    if isinstance(node, (list, tuple)) and part.isdigit() and int(part) < len(node):
        return node[int(part)]
    return MISSING


def lookup(tree: Any, path: Sequence[str]) -> Any:
    """Return the value at ``path``, or :data:`MISSING`."""
    for part in path:
        tree = child(tree, part)
        if tree is MISSING:
            break
    return tree


def depth_of(tree: Any, path: Sequence[str]) -> int:
    """Return how many leading parts of ``path`` exist."""
    for depth, part in enumerate(path):
        tree = child(tree, part)
        if tree is MISSING:
            return depth
    return len(path)


def same(a: Any, b: Any) -> bool:
    """Compare two config values: like ``==``, but 1, 1.0 and True differ, so do lists and tuples, and NaN equals NaN."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(dict.get(a, k), dict.get(b, k)) for k in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return isinstance(a, list) == isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    return a is b or (type(a) is type(b) and a == b)


def merge(overlay: Any, base: Any, path: Path = (), keep_marks: bool = False) -> Any:
    """Lay a child's value over its base's and return the result; neither argument is changed.

    Dicts merge key by key, unless the child's holds ``_delete_=True``; anything else replaces.

    Args:
        overlay: the child's value.
        base: the base's, or :data:`MISSING`.
        path: where the values stand, for the error.
        keep_marks: leave ``_delete_`` in the result, because it will itself be laid over a base.

    Raises:
        MergeConflict: a dict meets a value that is neither a dict nor None.
    """
    if not isinstance(overlay, dict) or dict.get(overlay, DELETE_KEY) or base is None or base is MISSING:
        return copy.deepcopy(overlay) if keep_marks else without_delete_keys(overlay)
    if not isinstance(base, dict):
        raise MergeConflict(path, base)
    merged = dict(dict.items(base))
    for key, value in dict.items(overlay):
        if key != DELETE_KEY:
            merged[key] = merge(value, merged.get(key, MISSING), (*path, str(key)), keep_marks)
    return merged


def replaces(overlay: Any) -> bool:
    """Whether a child's value replaces its base's instead of merging with it."""
    return not isinstance(overlay, dict) or bool(dict.get(overlay, DELETE_KEY))


def without_delete_keys(value: Any) -> Any:
    """Return a copy of ``value`` without the ``_delete_`` marks that have done their work."""
    if isinstance(value, dict):
        return {k: without_delete_keys(v) for k, v in dict.items(value) if k != DELETE_KEY}
    if isinstance(value, (list, tuple)):
        return type(value)(without_delete_keys(v) for v in value)
    return copy.deepcopy(value)


def is_helper(value: Any) -> bool:
    """Whether a top-level value is a tool of the file (import, function, class) and no part of the config."""
    callables = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, functools.partial)
    return isinstance(value, callables)


def to_data(value: Any, path: Path = ()) -> Any:
    """Reduce a value to what a config can hold: None, bool, numbers, str, list, tuple and dict of these.

    numpy scalars and paths become numbers and strings; a class or function that can be imported by name becomes
    its dotted name, which registries accept as a ``type``.

    Raises:
        NotData: a lambda, a tensor, any other object.
    """
    if isinstance(value, dict):
        return {k: to_data(v, (*path, str(k))) for k, v in dict.items(value)}
    if isinstance(value, (list, tuple)):
        items = [to_data(v, (*path, str(i))) for i, v in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    if type(value).__module__ == 'numpy' and hasattr(value, 'item') and getattr(value, 'ndim', 1) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return _WritableFloat(value)
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)) and _importable(value):
        return f'{value.__module__}.{value.__qualname__}'
    raise NotData(path, value)


def _importable(value: Any) -> bool:
    if not value.__module__:  # made by the config itself
        return False
    try:
        return getattr(import_module(value.__module__), value.__qualname__, None) is value
    except ImportError:
        return False


def dotted_keys(tree: Any, prefix: Path = ()) -> list[str]:
    """Return all dotted keys of a config, inner ones included."""
    items: list[tuple[Any, Any]] = []
    if isinstance(tree, dict):
        items = list(dict.items(tree))
    elif isinstance(tree, (list, tuple)):
        items = list(enumerate(tree))
    keys: list[str] = []
    for key, value in items:
        path = (*prefix, str(key))
        keys += ['.'.join(path), *dotted_keys(value, path)]
    return keys
