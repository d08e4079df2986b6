"""Who set this value: the files, lines and overrides behind one key of a config."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from faceresearch.config.loader import Loader
from faceresearch.config.location import locate, origins_of
from faceresearch.config.overrides import Override, nearest_keys
from faceresearch.config.paths import find_config
from faceresearch.config.source import Source
from faceresearch.config.tree import MISSING, Path, depth_of, lookup, same, split_key
from faceresearch.errors import UserError

COMMAND_LINE = 'command line'
_MAX_DEPTH = 6


@dataclass(frozen=True)
class Step:
    """One place that set the key.

    Attributes:
        where: ``file:line``, or ``command line``.
        text: the line, or the override as typed.
        value: what the key was after it.
    """

    where: str
    text: str
    value: Any


@dataclass
class Explanation:
    """Why a key has its value; ``str()`` of it is what ``print_config --why`` prints.

    Attributes:
        key: dotted.
        value: in the resolved config.
        steps: from the deepest base to the command line; the last one won.
        sources: the explanations of the variables from which the winning line computes the value.
    """

    key: str
    value: Any
    steps: list[Step] = field(default_factory=list)
    sources: list[Explanation] = field(default_factory=list)

    def __str__(self) -> str:
        return '\n'.join(self._lines(''))

    def _lines(self, indent: str) -> list[str]:
        lines = [f'{indent}{self.key} = {_brief(self.value)}']
        width = max((len(step.where) for step in self.steps), default=0)
        for step in self.steps:
            last = step is self.steps[-1]
            # The value is worth a column where the line itself does not show it, or where it was overridden.
            mark = f'set here: {_brief(step.value)}' if last else f'was {_brief(step.value)}'
            lines.append(f'{indent}  {step.where:<{width}}  {step.text}    # {mark}')
        for source in self.sources:
            lines.append(f'{indent}  computed from')
            lines += source._lines(indent + '    ')
        return lines


class KeyTracer:
    """Records which statement of which file changes the value at one key while files are evaluated."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[FilePath, list[tuple[int | None, Any]]] = {}
        self._current: FilePath | None = None
        self._seen: Any = MISSING

    def start(self, source: Source) -> None:
        # A file may be evaluated more than once; the last time counts.
        self._current = source.path
        self.records[source.path] = []
        self._seen = MISSING

    def record(self, number: int | None, namespace: dict[str, Any]) -> None:
        assert self._current is not None
        value = lookup(namespace, self.path)
        if value is not MISSING and not same(value, self._seen):
            self.records[self._current].append((number, copy.deepcopy(value)))

    def settle(self, namespace: dict[str, Any]) -> None:
        self._seen = copy.deepcopy(lookup(namespace, self.path))


def explain(path_or_name: str | FilePath, key: str, overrides: Sequence[str] = ()) -> Explanation:
    """Say which file and line, or which override, set a key, what that replaced, and what it was computed from.

    Args:
        path_or_name: as for :func:`~faceresearch.config.loader.load_config`.
        key: dotted, such as ``model.head.num_classes`` or ``train_pipeline.2.scale``.
        overrides: the overrides in effect.

    Raises:
        UserError: the config has no such key.
    """
    config_path = find_config(path_or_name)
    data, checked = Loader(config_path).resolve(overrides)
    path = split_key(key)
    if lookup(data, path) is MISSING:
        anchor = depth_of(data, path)
        raise UserError(f'no key {key!r} in {path_or_name}.{nearest_keys(data, path, anchor)}')
    return _explain(config_path, path, overrides, checked, data, frozenset())


def _explain(
    config_path: FilePath,
    path: Path,
    overrides: Sequence[str],
    checked: list[Override],
    data: dict[str, Any],
    visited: frozenset[Path],
) -> Explanation:
    tracer = KeyTracer(path)
    loader = Loader(config_path, tracer)
    loader.resolve(overrides)
    explanation = Explanation('.'.join(path), lookup(data, path))
    origins: list[Path] = []
    for source in loader.chain():
        for number, value in tracer.records.get(source.path, []):
            statement = source.statements[number] if number is not None else None
            node, rest, line = locate(statement, path)
            explanation.steps.append(Step(source.where(line), source.line(line) if line else '', value))
            origins = origins_of(node, rest, source)
    for override in checked:
        depth = min(len(override.path), len(path))
        if override.path[:depth] == path[:depth]:
            explanation.steps.append(Step(COMMAND_LINE, override.text, lookup(data, path)))
            origins = []
    visited |= {path}
    for origin in dict.fromkeys(origins):
        known = origin[: depth_of(data, origin)]
        if known and known not in visited and len(visited) < _MAX_DEPTH:
            explanation.sources.append(_explain(config_path, known, overrides, checked, data, visited))
    return explanation


def place_of(path_or_name: str | FilePath, key: str, overrides: Sequence[str] = ()) -> str:
    """Return `` (file:line)`` of what set a key, or an empty string where that cannot be told."""
    try:
        steps = explain(path_or_name, key, overrides).steps
    except UserError:
        return ''
    if not steps:
        return ''
    where, text = steps[-1].where, steps[-1].text
    return f' ({where}: {text})' if where == COMMAND_LINE else f' ({where})'


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f'{text[:97]}…'
