"""Evaluate a config file, its bases and the overrides, so that what is derived from a variable follows it.

A file's variables are changed from outside by the files that inherit from it and by the command line. Each change is
made right after the statement that assigns the variable, in the file that assigns it, so later lines of that file see
the new value; then files merge as in mmengine. Where a child reads ``_base_.x``, it sees the base with all the child's
changes in effect, except the child's own change to ``x`` itself (``x = _base_.x * 2`` doubles once).
"""

from __future__ import annotations

import copy
import traceback
import types
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mmengine.config import Config, ConfigDict

from faceresearch.config.location import line_of
from faceresearch.config.overrides import Kind, Override, parse_override
from faceresearch.config.paths import find_config, shown
from faceresearch.config.source import BASE_KEY, HOOK, Source, load_data, read_source
from faceresearch.config.tree import MISSING, MergeConflict, NotData, is_helper, merge, replaces, same, to_data
from faceresearch.errors import UserError

_MAX_PASSES = 8


@dataclass(frozen=True)
class FilePatch:
    """The values a file gives to variables of its bases."""

    source: Source
    values: dict[str, Any]

    def without(self, name: str) -> FilePatch:
        return FilePatch(self.source, {k: v for k, v in self.values.items() if k != name})


Patch = FilePatch | Override


class Tracer(Protocol):
    """Watches one key while files are evaluated (:mod:`faceresearch.config.provenance`)."""

    def start(self, source: Source) -> None: ...
    def record(self, number: int | None, namespace: dict[str, Any]) -> None: ...
    def settle(self, namespace: dict[str, Any]) -> None: ...


class Loader:
    """Evaluates one config with its bases; files are read and compiled once.

    Args:
        path: the config file.
        tracer: told what each statement makes of one key.
    """

    def __init__(self, path: Path, tracer: Tracer | None = None) -> None:
        self._sources: dict[Path, Source] = {}
        self._stack: list[Path] = []
        self._items_removed: set[int] = set()
        self._inside_package = False
        self.tracer = tracer
        self.root = self.source(path)

    def source(self, path: Path) -> Source:
        if path not in self._sources:
            self._sources[path] = read_source(path)
        return self._sources[path]

    def resolve(self, overrides: Sequence[str]) -> tuple[dict[str, Any], list[Override]]:
        """Return the config as plain data with all overrides applied, and the overrides as checked.

        Each override is checked against the config that the earlier ones leave behind.
        """
        data = self._evaluate_with([])
        checked: list[Override] = []
        for text in overrides:
            checked.append(parse_override(text).checked(data, shown(self.root.path)))
            data = self._evaluate_with(checked)
        return data, checked

    def chain(self, source: Source | None = None) -> list[Source]:
        """Return the files from the deepest base to the leaf, in the order in which they merge."""
        source = source or self.root
        chain = [s for base in source.bases for s in self.chain(self.source(base.path))] + [source]
        return list({s.path: s for s in chain}.values())

    def _evaluate_with(self, overrides: list[Override]) -> dict[str, Any]:
        self._items_removed = set()
        data = self._evaluate(self.root, list(overrides))
        for override in overrides:
            if id(override) not in self._items_removed:
                data = override.apply(data)
        return data

    def _evaluate(self, source: Source, patches: list[Patch]) -> dict[str, Any]:
        """Return a file merged onto its bases."""
        if source.path in self._stack:
            names = ' → '.join(shown(p) for p in [*self._stack, source.path])
            raise UserError(f'configs inherit from each other in a circle: {names}')
        self._stack.append(source.path)
        try:
            if source.uses_base and source.bases:
                return self._evaluate_reading_base(source, patches)
            own = self._run(source, patches, ConfigDict())
            base = self._evaluate_bases(source, _passed_on(self._patch(source, own), patches))
            return self._merge(source, own, base)
        finally:
            self._stack.pop()

    def _evaluate_reading_base(self, source: Source, patches: list[Patch]) -> dict[str, Any]:
        """The same for a file that reads ``_base_``: what it sees there depends on what it changes, so repeat."""
        changes = FilePatch(source, {})
        for _ in range(_MAX_PASSES):
            inner = _passed_on(changes, patches)
            base = self._evaluate_bases(source, inner)
            view = dict(base)
            for name in sorted(source.base_names & changes.values.keys()):
                view[name] = self._untraced_bases(source, _without_name(inner, name))[name]
            seen = ConfigDict(copy.deepcopy(view))
            own = self._run(source, patches, seen)
            new = self._patch(source, own)
            new = FilePatch(source, {name: value for name, value in new.values.items() if name in base})
            if same(new.values, changes.values):
                # `_base_.model.head.x = 1` changes what is inherited: keep such edits.
                inherited = dict.items(seen)
                kept = {k: base[k] if k in view and same(v, view[k]) else to_data(v) for k, v in inherited}
                return self._merge(source, own, kept)
            changes = new
        raise UserError(
            f'{source.where()}: its values keep changing with the `_base_` values they are computed from; '
            f'use `_base_.x` to compute `x` only in the line that assigns `x`'
        )

    def _patch(self, source: Source, own: dict[str, Any]) -> FilePatch:
        """Return what a file changes in its bases; another package's files keep the meaning they have there: nothing."""
        if self._inside_package:
            return FilePatch(source, {})
        names = own.keys() if source.style != 'text' else source.variables & own.keys()
        return FilePatch(source, {name: own[name] for name in names})

    def _untraced_bases(self, source: Source, patches: list[Patch]) -> dict[str, Any]:
        tracer, self.tracer = self.tracer, None
        try:
            return self._evaluate_bases(source, patches)
        finally:
            self.tracer = tracer

    def _evaluate_bases(self, source: Source, patches: list[Patch]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        origin: dict[str, Source] = {}
        for base in source.bases:
            base_source = self.source(base.path)
            outside, self._inside_package = self._inside_package, self._inside_package or base.scope is not None
            try:
                data = self._evaluate(base_source, patches)
            finally:
                self._inside_package = outside
            if base.scope:
                data = to_data(Config._dict_to_config_dict(ConfigDict(data), base.scope))
            for key, value in data.items():
                if key in merged and not same(merged[key], value):
                    raise UserError(
                        f'{source.where()}: its bases {origin[key].where()} and {base_source.where()} both set '
                        f'{key!r}, to different values; set it in one of them'
                    )
                merged[key] = value
                origin[key] = base_source
        return merged

    def _merge(self, source: Source, own: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
        merged = dict(base)
        for key, value in own.items():
            try:
                merged[key] = merge(value, base.get(key, MISSING), (key,))
            except MergeConflict as error:
                raise UserError(_conflict(source, error)) from error
        return merged

    def _run(self, source: Source, patches: list[Patch], base: ConfigDict) -> dict[str, Any]:
        """Return the values a file itself sets, patches in effect."""
        if self.tracer:
            self.tracer.start(source)
        if source.style != 'text':
            return self._patched_data(source, patches)
        relevant = {name: chosen for name in source.variables if (chosen := _of_name(patches, name))}
        last: dict[str, Any] = {}

        def after_statement(number: int) -> None:
            if self.tracer:
                self.tracer.record(number, namespace)
            for name in relevant.keys() & namespace.keys():
                value = namespace[name]
                new = self._apply(source, relevant[name], name, value, value is not last.get(name, MISSING))
                # `_base_` gives ConfigDicts, whose keys are attributes too; what replaces them must be the same.
                new = ConfigDict._hook(new) if source.uses_base else new
                namespace[name] = last[name] = value if same(new, value) else new
            if self.tracer:
                self.tracer.settle(namespace)

        namespace: dict[str, Any] = {BASE_KEY: base, HOOK: after_statement}
        self._execute(source, namespace)
        skipped = source.scratch | {BASE_KEY}
        own = {k: v for k, v in namespace.items() if not (k.startswith('__') or k in skipped or is_helper(v))}
        _warn_deprecated(source, own.pop('_deprecation_', None))
        return {name: _as_data(source, name, value) for name, value in own.items()}

    def _patched_data(self, source: Source, patches: list[Patch]) -> dict[str, Any]:
        if source.style == 'data':
            data = load_data(source.text, source.path)
            data.pop(BASE_KEY, None)
        else:
            try:
                data = Config.fromfile(source.path, import_custom_modules=False).to_dict()
            except Exception as error:
                raise UserError(f'{source.where()}: {type(error).__name__}: {error}') from error
        data = {name: _as_data(source, name, value) for name, value in data.items() if not is_helper(value)}
        if self.tracer:
            self.tracer.record(None, data)
        return {name: self._apply(source, _of_name(patches, name), name, value, True) for name, value in data.items()}

    def _apply(self, source: Source, patches: Sequence[Patch], name: str, value: Any, fresh: bool) -> Any:
        """Return a file's value of ``name`` changed by the patches; ``fresh`` if it has just been assigned."""
        for patch in patches:
            if isinstance(patch, FilePatch):
                try:
                    value = merge(patch.values[name], value, (name,), keep_marks=bool(source.bases))
                except MergeConflict as error:
                    raise UserError(_conflict(patch.source, error)) from error
            elif patch.path == (name,):
                value = value if patch.kind is Kind.DELETE else copy.deepcopy(patch.value)
            elif patch.fits(value) and (fresh or not patch.removes_item(value)):
                if patch.removes_item(value):
                    self._items_removed.add(id(patch))
                value = patch.apply_to_variable(value)
        return value

    def _execute(self, source: Source, namespace: dict[str, Any]) -> None:
        assert source.code is not None
        try:
            exec(source.code, namespace)
        except UserError:
            raise
        except Exception as error:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(source.path)]
            hint = ''
            if isinstance(error, NameError) and error.name in self._plain_base(source):
                hint = f'; to read a value of the base, write _base_.{error.name}'
            line = frames[-1].lineno if frames else None
            raise UserError(f'{source.where(line)}: {type(error).__name__}: {error}{hint}') from error

    def _plain_base(self, source: Source) -> dict[str, Any]:
        try:
            return self._untraced_bases(source, [])
        except UserError:
            return {}


def _passed_on(own: FilePatch, patches: list[Patch]) -> list[Patch]:
    """Return the patches for a file's bases: its own values, then the patches it received.

    Where the file replaces a base's value, its own value (which has the patches in it) is all the base needs; the
    patches may speak of keys that only the file's value has.
    """
    replaced = {name for name, value in own.values.items() if replaces(value)}
    rest = patches
    for name in replaced:
        rest = _without_name(rest, name)
    return [own, *rest]


def _without_name(patches: list[Patch], name: str) -> list[Patch]:
    kept: list[Patch] = [p.without(name) if isinstance(p, FilePatch) else p for p in patches]
    return [p for p in kept if isinstance(p, FilePatch) or p.path[0] != name]


def _of_name(patches: Sequence[Patch], name: str) -> list[Patch]:
    return [p for p in patches if (name in p.values if isinstance(p, FilePatch) else p.path[0] == name)]


def _as_data(source: Source, name: str, value: Any) -> Any:
    try:
        return to_data(value, (name,))
    except NotData as error:
        kind = 'lambda' if isinstance(error.value, types.LambdaType) else type(error.value).__name__
        raise UserError(
            f'{source.where(line_of(source, error.path))}: {".".join(error.path)} is a {kind}; a config holds numbers, strings, lists, tuples and '
            f'dicts only (name a registered class or function in `type=`)'
        ) from error


def _conflict(source: Source, error: MergeConflict) -> str:
    return (
        f'{source.where(line_of(source, error.path))}: {".".join(error.path)} is a dict here but {error.base!r:.60} in the base; '
        f'add _delete_=True to the dict to replace it'
    )


def _warn_deprecated(source: Source, info: dict[str, str] | None) -> None:
    if info is not None:
        instead = f' Use {info["expected"]} instead.' if 'expected' in info else ''
        more = f' See {info["reference"]}.' if 'reference' in info else ''
        warnings.warn(
            f'The config file {source.where()} is deprecated.{instead}{more}', DeprecationWarning, stacklevel=2
        )


def load_config(path_or_name: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Load a config file with its bases and apply overrides.

    Args:
        path_or_name: a file, or the name of one in ``configs/`` (:func:`~faceresearch.config.paths.find_config`).
        overrides: in Hydra's grammar, such as ``['batch_size=8', '+model.head.num_points=28', '~custom_hooks']``.

    Returns:
        A config of plain data. ``filename`` is the file's absolute path, ``text`` the files' texts from base to leaf.

    Raises:
        UserError: no such file, an error in a config, or an override that does not fit.
    """
    loader = Loader(find_config(path_or_name))
    data, _ = loader.resolve(overrides)
    text = '\n'.join(f'{source.path}\n{source.text}' for source in loader.chain())
    environment = {k: v for source in loader.chain() for k, v in source.environment.items()}
    try:
        cfg = Config(data, cfg_text=text, filename=str(loader.root.path), env_variables=environment)
    except KeyError as error:
        raise UserError(f'{loader.root.where()}: {error.args[0]}; rename that variable') from error
    _import_custom_modules(cfg)
    return cfg


def _import_custom_modules(cfg: Config) -> None:
    from mmengine.utils import import_modules_from_strings

    wanted = cfg.get('custom_imports')
    if not wanted:
        return
    try:
        import_modules_from_strings(**wanted)
    except (ImportError, TypeError) as error:
        raise UserError(f'{shown(cfg.filename)}: custom_imports: {error}; is its folder on PYTHONPATH?') from error
