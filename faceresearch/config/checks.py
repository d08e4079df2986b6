"""Check a resolved config before anything is built: type names, argument names, top-level keys."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.utils import get_object_from_string

from faceresearch.compat.scope import infer_scope
from faceresearch.config.provenance import place_of
from faceresearch.config.signatures import arguments_of
from faceresearch.config.tree import Path
from faceresearch.errors import UserError, did_you_mean

_SCOPE = 'faceresearch'
#: What mmengine's runner reads at the top level of a config, and what our tools read besides.
RUNNER_KEYS = frozenset(
    [
        'default_scope',
        'model',
        'train_dataloader',
        'val_dataloader',
        'test_dataloader',
        'train_cfg',
        'val_cfg',
        'test_cfg',
        'val_evaluator',
        'test_evaluator',
        'optim_wrapper',
        'param_scheduler',
        'default_hooks',
        'custom_hooks',
        'randomness',
        'work_dir',
        'load_from',
        'resume',
        'visualizer',
        'log_processor',
        'log_level',
        'env_cfg',
        'launcher',
        'auto_scale_lr',
        'data_preprocessor',
        'custom_imports',
        'runner_type',
        'experiment_name',
        'tta_model',
        'contract',
    ]
)
#: Subtrees that describe data and build nothing, though they may hold a key `type`.
_NOT_BUILT = frozenset(
    ['contract', 'metainfo', 'dataset_info', 'keypoint_info', 'skeleton_info', 'nms', 'nms_cfg', 'roi_layer']
)
#: Transforms whose own list of transforms names another library's classes.
_WRAPPERS = frozenset(['Albu', 'Albumentation'])
#: Dicts of which the builder itself reads some keys, so that not all are the constructor's.
_BUILDER_READS = frozenset(
    [
        'norm_cfg',
        'conv_cfg',
        'act_cfg',
        'upsample_cfg',
        'init_cfg',
        'override',
        'plugins',
        'dcn',
        'cfg',
        'paramwise_cfg',
    ]
)
#: Keys that mmengine takes out before it calls the constructor.
_NEVER_ARGUMENTS = frozenset(('type', '_scope_', 'priority', 'constructor', 'paramwise_cfg', 'convert_to_iter_based'))
#: Where our runner finds our own names whatever the default scope.
_HOOKS = frozenset(('default_hooks', 'custom_hooks'))
_DATALOADER_KEYS = frozenset(('dataset', 'sampler', 'batch_sampler', 'collate_fn', 'num_batch_per_epoch'))


def validate(cfg: Config, overrides: Sequence[str] = ()) -> None:
    """Check that every ``type`` is registered, its arguments exist, and no top-level key is misspelt.

    This imports the components the config names, torch with them.

    Args:
        cfg: from :func:`~faceresearch.config.loader.load_config`.
        overrides: those it was loaded with, so that the message can name the one that is wrong.

    Raises:
        UserError: the first fault, its nearest valid name, and the file and line that set it.
    """
    checker = _Checker(cfg, tuple(overrides))
    checker.check_top_level()
    checker.check_dataloaders()
    data = cfg.to_dict()
    found = [
        (path, node, checker.targets(path, node['type'], scope))
        for path, node, scope in _components(data, (), infer_scope(data))
    ]
    for fault in (_unknown_argument, _missing_argument):  # a misspelt argument may leave another one missing
        for path, node, targets in found:
            checker.check_arguments(path, node, targets, fault)


def registered(scope: str) -> dict[str, list[Callable[..., Any]]]:
    """Return all names a scope's registries know, mmengine's own included, with what stands behind each.

    Args:
        scope: ``'faceresearch'``, ``'mmengine'``, ``'mmdet'``, ``'mmpose'`` or another package with a ``registry``
            module.

    Raises:
        UserError: there is no such package.
    """
    import_module('faceresearch.registry')  # makes mmdet and mmpose importable
    found: dict[str, list[Callable[..., Any]]] = {}
    for name in dict.fromkeys((scope, 'mmengine')):
        try:
            module = import_module(f'{name}.registry')
        except ImportError as error:
            raise UserError(
                f'scope {name!r} has no registry that can be imported ({error}); is it installed?'
            ) from error
        for registry in {id(r): r for r in vars(module).values() if isinstance(r, Registry)}.values():
            registry.import_from_location()
            for key, target in registry.module_dict.items():
                found.setdefault(key, []).append(target)
    return found


def _components(node: Any, path: Path, scope: str) -> Iterator[tuple[Path, dict[str, Any], str]]:
    """Yield each dict with a ``type``, its key, and the scope its type is looked up in."""
    if path and path[-1] in _NOT_BUILT:
        return
    if isinstance(node, dict):
        scope = str(node.get('_scope_') or scope)
        if isinstance(node.get('type'), str):
            yield path, node, scope
            if node['type'].split('.')[-1] in _WRAPPERS:
                return
        for key, value in node.items():
            yield from _components(value, (*path, str(key)), scope)
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _components(value, (*path, str(index)), scope)


class _Checker:
    def __init__(self, cfg: Config, overrides: tuple[str, ...]) -> None:
        self.cfg = cfg
        self.overrides = overrides
        self.names: dict[str, dict[str, list[Callable[..., Any]]]] = {}

    def fail(self, path: Path, problem: str) -> UserError:
        place = place_of(self.cfg.filename, '.'.join(path), self.overrides) if self.cfg.filename else ''
        return UserError(f'{".".join(path)}: {problem}{place}')

    def check_top_level(self) -> None:
        for key, value in self.cfg.to_dict().items():
            if key in RUNNER_KEYS or not isinstance(value, (dict, list)) or key.rstrip('s') in RUNNER_KEYS:
                continue
            near = _nearest_runner_key(key)
            if near:
                raise self.fail((key,), f'nothing reads this key. Did you mean {near!r}?')

    def check_dataloaders(self) -> None:
        for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            loader = self.cfg.get(name)
            if isinstance(loader, dict):
                from torch.utils.data import DataLoader

                known = arguments_of(DataLoader).names | _DATALOADER_KEYS
                for key in loader:
                    if key not in known:
                        problem = f'not an argument of a data loader.{did_you_mean(key, known)}'
                        raise self.fail((name, key), problem)

    def check_arguments(
        self, path: Path, node: dict[str, Any], targets: list[Callable[..., Any]], find: Callable[..., Any]
    ) -> None:
        if not path or path[-1] in _BUILDER_READS or (len(path) > 1 and path[-2] in _BUILDER_READS):
            return
        # A name may stand in several registries (a transform and a model): one that fits is enough.
        faults = [find(path, node, target) for target in targets]
        if faults and all(faults):
            key, problem = faults[0]
            raise self.fail((*path, *key), problem)

    def targets(self, path: Path, name: str, scope: str) -> list[Callable[..., Any]]:
        if '.' in name:
            prefix, _, rest = name.partition('.')
            if '.' in rest or not self._is_scope(prefix):
                target = _imported(name)
                if target is None:
                    raise self.fail((*path, 'type'), f'{name!r} can neither be imported nor is {prefix!r} a scope')
                return [target]
            scope, name = prefix, rest
        known = self._known(scope)
        if name not in known and path[0] in _HOOKS and name in self._known(_SCOPE):
            return self._known(_SCOPE)[name]
        if name in known:
            return known[name]
        if scope != _SCOPE and not difflib.get_close_matches(name, known, 1, 0.85):
            return []  # some of their components read a `type` of their own (`conv`, `nms`): left to their constructors
        where = '' if scope == _SCOPE else f' in {scope}'
        is_near = difflib.get_close_matches(name, known, 1, 0.8)  # importing other scopes takes seconds
        hint = '' if is_near else self._other_scope(name, scope)
        hint = hint or did_you_mean(name, known)
        raise self.fail((*path, 'type'), f'{name!r} is not registered{where}.{hint}')

    def _known(self, scope: str) -> dict[str, list[Callable[..., Any]]]:
        if scope not in self.names:
            self.names[scope] = registered(scope)
        return self.names[scope]

    def _is_scope(self, name: str) -> bool:
        try:
            return bool(self._known(name))
        except UserError:
            return False

    def _other_scope(self, name: str, scope: str) -> str:
        """Say that a name is right but wants a prefix."""
        for other in ('mmdet', 'mmpose', _SCOPE):
            if other == scope:
                continue
            if self._is_scope(other) and name in self._known(other):
                return f' Did you mean {f"{other}.{name}"!r}?'
        return ''


def _unknown_argument(path: Path, node: dict[str, Any], target: Callable[..., Any]) -> tuple[Path, str] | None:
    """Return the key and the problem of an argument the target does not take, or None."""
    arguments = arguments_of(target)
    given = {str(key) for key in node} - _NEVER_ARGUMENTS
    unknown = sorted(given - arguments.names)
    if not _is_ours(target):
        # Builders of other packages may take keys out before the constructor sees them: only plain misspellings.
        unknown = [key for key in unknown if difflib.get_close_matches(key, arguments.names - given, 1, 0.85)]
    if not unknown or arguments.is_open:
        return None
    hint = did_you_mean(unknown[0], arguments.names)
    hint = hint or f' It takes {", ".join(sorted(arguments.names)) or "no arguments"}.'
    return (unknown[0],), f'{node["type"]} has no argument {unknown[0]!r}.{hint}'


def _missing_argument(path: Path, node: dict[str, Any], target: Callable[..., Any]) -> tuple[Path, str] | None:
    """Return the key and the problem of a component whose config lacks a required argument, or None."""
    missing = sorted(arguments_of(target).required - node.keys())
    if not missing or path[0] not in RUNNER_KEYS or not _gets_nothing_else(path, target):
        return None
    return (), f'{node["type"]} needs the argument {missing[0]!r}, which is not given'


def _nearest_runner_key(key: str) -> str | None:
    near = difflib.get_close_matches(key, RUNNER_KEYS, n=1, cutoff=0.88)
    return near[0] if near else None


def _imported(name: str) -> Callable[..., Any] | None:
    try:
        target = get_object_from_string(name)
    except Exception:
        return None
    return target if callable(target) else None


def _is_ours(target: Callable[..., Any]) -> bool:
    return getattr(target, '__module__', '').startswith(f'{_SCOPE}.')


def _gets_nothing_else(path: Path, target: Callable[..., Any]) -> bool:
    """Whether a component's config must hold all it needs.

    So it is with our models and all on the data's side; a model may tell its parts their channels, and mmengine's
    runner feeds optimisers, loops and hooks.
    """
    if not _is_ours(target):
        return False
    data_side = ('datasets', 'transforms', 'codecs', 'evaluation', 'visualization')
    return path == ('model',) or target.__module__.split('.')[1] in data_side
