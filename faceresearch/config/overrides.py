"""Command-line overrides in Hydra's grammar: parse, check against a config, apply.

``a.b=1`` changes a key that exists, ``+a.b=1`` adds one, ``++a.b=1`` does either, ``~a.b`` deletes, ``a.0.b=1`` reaches
into lists. A dict value replaces the old dict as a whole.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from faceresearch.config.tree import MISSING, Path, child, depth_of, dict_key, dotted_keys, lookup, same, split_key
from faceresearch.errors import UserError, did_you_mean


class Kind(Enum):
    """What an override does; the values are what is typed before the key."""

    CHANGE = ''
    ADD = '+'
    FORCE = '++'
    DELETE = '~'


@dataclass(frozen=True)
class Override:
    """One parsed override.

    Attributes:
        text: as it was typed.
        path: the key's parts.
        kind: change, add, either, or delete.
        value: the new value; :data:`~faceresearch.config.tree.MISSING` for a plain ``~key``.
        anchor: after :meth:`checked`, how many leading parts of the key existed before this override.
    """

    text: str
    path: Path
    kind: Kind
    value: Any
    anchor: int = 0

    @property
    def key(self) -> str:
        return '.'.join(self.path)

    def checked(self, config: Any, where: str) -> Override:
        """Check the override against the config it will change.

        Args:
            config: the merged config, earlier overrides included.
            where: the config's file name, for messages.

        Returns:
            The override, its value brought to the old value's kind (a list to a tuple, ``'8'`` to 8).

        Raises:
            UserError: a missing or existing key, an index past the end, or a value of the wrong type.
        """
        old = lookup(config, self.path)
        anchor = depth_of(config, self.path)
        if self.kind in (Kind.CHANGE, Kind.DELETE) and old is MISSING:
            raise UserError(_missing(self, config, anchor, where))
        if self.kind is Kind.ADD and old is not MISSING:
            raise UserError(
                f'override {self.text!r}: {self.key} exists in {where} ({_brief(old)}); '
                f'write {self.text[1:]!r} to change it, or {"+" + self.text!r} for either'
            )
        if self.kind in (Kind.ADD, Kind.FORCE) and old is MISSING:
            _check_parent(self, lookup(config, self.path[:anchor]), anchor)
        if self.kind is Kind.DELETE and self.value is not MISSING and not same(self.value, old):
            raise UserError(f'override {self.text!r}: {self.key} is {_brief(old)} in {where}; `~{self.key}` deletes it')
        value = self.value if self.kind is not Kind.CHANGE else _adapt(self, old, where)
        if self.kind is Kind.FORCE and isinstance(old, tuple) and isinstance(value, list):
            value = tuple(value)
        return replace(self, value=value, anchor=anchor)

    def fits(self, variable: Any) -> bool:
        """Whether this (checked) override can act on a file's own value of its first name."""
        rest = self.path[1:]
        if self.kind in (Kind.CHANGE, Kind.DELETE) or self.anchor == len(self.path):
            return lookup(variable, rest) is not MISSING
        if self.anchor == 0:
            return False
        parent = lookup(variable, rest[: self.anchor - 1])
        part = rest[self.anchor - 1]
        if isinstance(parent, (list, tuple)):
            return part.isdigit() and int(part) <= len(parent)
        return isinstance(parent, dict)

    def removes_item(self, variable: Any) -> bool:
        """Whether it deletes an item of a list, so that doing it twice would delete two."""
        return self.kind is Kind.DELETE and isinstance(lookup(variable, self.path[1:-1]), (list, tuple))

    def apply_to_variable(self, variable: Any) -> Any:
        """Return a file's value of the first name with the override applied."""
        return _edit(variable, self.path[1:], self)

    def apply(self, config: dict[str, Any]) -> dict[str, Any]:
        """Return the merged config with the override applied; a deletion of what is already gone does nothing."""
        if self.kind is Kind.DELETE and lookup(config, self.path) is MISSING:
            return config
        edited: dict[str, Any] = _edit(config, self.path, self)
        return edited


@functools.cache
def _parser() -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create()


def parse_hydra(text: str) -> Any:
    """Parse with Hydra's grammar into a ``hydra.core.override_parser.types.Override``.

    Raises:
        UserError: the text is no override of a config key.
    """
    from hydra.errors import HydraException

    try:
        parsed = _parser().parse_override(text)
    except HydraException as error:
        reasons = [str(error.__cause__), str(error).split('\n')[0]]
        reason = next((r for r in reasons if r not in ('', 'None')), 'a bracket or a quote is open')
        hint = 'write KEY=VALUE, and quote values with special characters, as in "name=\'a, b\'"'
        raise UserError(f'override {text!r} cannot be read ({reason}); {hint}') from error
    key = parsed.key_or_group
    if parsed.package is not None or '/' in key:
        raise UserError(f'override {text!r}: config groups (a/b, a@b) are not supported; write the key with dots')
    if not key or not all(split_key(key)):
        raise UserError(f'override {text!r} names no key; write KEY=VALUE')
    return parsed


def parse_override(text: str) -> Override:
    """Parse one override that holds one value.

    Raises:
        UserError: it cannot be read, is a sweep, or holds an interpolation.
    """
    parsed = parse_hydra(text)
    if parsed.is_sweep_override():
        hint = 'add --multirun to run every value, or write a list as [a,b]'
        raise UserError(f'override {text!r} is a sweep over several values; {hint}')
    kind = Kind[
        'FORCE' if parsed.type.name == 'FORCE_ADD' else {'DEL': 'DELETE'}.get(parsed.type.name, parsed.type.name)
    ]
    value = parsed.value()
    if kind is Kind.DELETE and '=' not in text:
        value = MISSING
    if _interpolates(value):
        raise UserError(f'override {text!r}: interpolation ${{…}} is not supported; write the value out')
    return Override(text, split_key(parsed.key_or_group), kind, value)


def _interpolates(value: Any) -> bool:
    if isinstance(value, str):
        return '${' in value
    if isinstance(value, dict):
        return any(map(_interpolates, value.values()))
    return isinstance(value, list) and any(map(_interpolates, value))


def _edit(node: Any, path: Path, override: Override) -> Any:
    """Return a copy of ``node`` changed at ``path``; everything off the path is shared with the original."""
    part, rest = path[0] if path else '', path[1:]
    if not path:
        return copy.deepcopy(override.value)
    delete = override.kind is Kind.DELETE and not rest
    if isinstance(node, dict) or node is MISSING or node is None:
        result: Any = {} if not isinstance(node, dict) else dict(dict.items(node))
        key = dict_key(result, part)
        if delete:
            result.pop(key)
        else:
            result[key] = _edit(dict.get(result, key, MISSING), rest, override)
        return result
    items, index = list(node), int(part)
    if delete:
        del items[index]
    else:
        items[index : index + 1] = [_edit(child(node, part), rest, override)]
    return items if isinstance(node, list) else tuple(items)


def _check_parent(override: Override, parent: Any, anchor: int) -> None:
    part = override.path[anchor]
    holder = '.'.join(override.path[:anchor])
    if isinstance(parent, (list, tuple)):
        if part != str(len(parent)):
            raise UserError(
                f'override {override.text!r}: {holder} has {len(parent)} items (0 to {len(parent) - 1}); '
                f'only item {len(parent)} can be added'
            )
    elif not isinstance(parent, dict) and parent is not None:
        raise UserError(f'override {override.text!r}: {holder} is {_brief(parent)}, which holds no keys')


def _missing(override: Override, config: Any, anchor: int, where: str) -> str:
    """Say which part of a key is missing, and which existing keys are nearest to it."""
    holder = '.'.join(override.path[:anchor])
    parent = lookup(config, override.path[:anchor])
    start = f'override {override.text!r}: no key {".".join(override.path[: anchor + 1])!r} in {where}.'
    if isinstance(parent, (list, tuple)):
        return f'{start} {holder} is a list of {len(parent)} items, counted from 0'
    if not isinstance(parent, dict):
        return f'{start} {holder} is {_brief(parent)}, which holds no keys'
    hint = nearest_keys(config, override.path, anchor)
    if not hint:
        hint = f' {holder or "The config"} has {", ".join(map(str, parent)) or "no keys"}.'
    add = f' `+{override.text}` adds it' if override.kind is Kind.CHANGE else ''
    return f'{start}{hint}{add}'


def nearest_keys(config: Any, path: Path, anchor: int) -> str:
    """Return `` Did you mean …?`` for a missing key: misspelt siblings, else keys of that name elsewhere, else any."""
    parent = lookup(config, path[:anchor])
    siblings = [str(k) for k in parent] if isinstance(parent, dict) else []
    near = did_you_mean(path[anchor], siblings)
    if near:
        for name in siblings:
            near = near.replace(f"'{name}'", f"'{'.'.join((*path[:anchor], name, *path[anchor + 1 :]))}'")
        return near
    everywhere = dotted_keys(config)
    namesakes = sorted((k for k in everywhere if k.split('.')[-1] == path[-1]), key=lambda k: k.count('.'))
    if namesakes:
        return f' Did you mean {" or ".join(map(repr, namesakes[:3]))}?'
    return did_you_mean('.'.join(path), everywhere)


def _adapt(override: Override, old: Any, where: str) -> Any:
    """Bring a new value to the old one's kind, or refuse it."""
    new = override.value
    if old is None or new is None or isinstance(old, (str, dict)):
        return new
    if isinstance(old, (list, tuple)) and isinstance(new, list):
        return _as_sequence(new, old)
    if isinstance(old, bool) and isinstance(new, bool):
        return new
    if _is_number(old) and _is_number(new):
        return new
    if _is_number(old) and isinstance(new, str):
        for read in (int, float):
            try:
                return read(new)
            except ValueError:
                continue
    raise UserError(
        f'override {override.text!r}: wrong type: {override.key} is {_brief(old)} in {where}, a {_kind(old)}, and '
        f'{_brief(new)} is a {_kind(new)}; `++{override.key}=…` sets it all the same'
    )


def _as_sequence(new: list[Any], old: list[Any] | tuple[Any, ...]) -> Any:
    """Give a list from the command line the tuples of the value it replaces (the grammar has no tuples)."""
    inner = old[0] if old and all(isinstance(item, (list, tuple)) for item in old) else None
    items = [_as_sequence(item, inner) if inner is not None and isinstance(item, list) else item for item in new]
    return items if isinstance(old, list) else tuple(items)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    names = {dict: 'dict', list: 'list', tuple: 'list', bool: 'true/false value', str: 'string'}
    return next((name for kind, name in names.items() if isinstance(value, kind)), 'number')


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}…'
