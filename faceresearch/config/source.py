"""One config file: read, placeholders replaced, compiled so that a function runs after each of its statements."""

from __future__ import annotations

import ast
import json
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

from mmengine.config import Config

from faceresearch import compat
from faceresearch.config.paths import SUFFIXES, configs_folder, find_config, shown
from faceresearch.errors import UserError, did_you_mean

BASE_KEY = '_base_'
#: Name of the function called in a config's namespace after each statement, with the statement's number.
HOOK = '__after_statement__'
_BASE_PLACEHOLDER = re.compile(r'\{\{\s*_base_\.([\w.]+)\s*\}\}')


@dataclass(frozen=True)
class Base:
    """One entry of ``_base_``: the file, and the scope prefix (``mmdet``) if it comes from another package."""

    path: Path
    scope: str | None


@dataclass
class Source:
    """A config file ready to be evaluated.

    Attributes:
        path: absolute.
        text: as stored on disk.
        style: ``'text'`` (``_base_``), ``'import'`` (mmengine's ``read_base``) or ``'data'`` (yaml, json).
        bases: what it inherits from.
        code: compiled statements, without ``_base_``; None unless of text style.
        statements: the module-level statements in the order of their numbers.
        variables: names assigned by ``=`` at the top level (not loop targets, imports or functions; not ``_private``).
        scratch: names that are only loop or ``with`` targets.
        uses_base: whether ``_base_`` is read.
        base_names: names read as ``_base_.name``.
        environment: environment variables that replaced placeholders.
    """

    path: Path
    text: str
    style: str
    bases: list[Base] = field(default_factory=list)
    code: CodeType | None = None
    statements: list[ast.stmt] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)
    scratch: set[str] = field(default_factory=set)
    uses_base: bool = False
    base_names: set[str] = field(default_factory=set)
    environment: dict[str, str] = field(default_factory=dict)

    def where(self, line: int | None = None) -> str:
        """Return ``file:line`` for messages."""
        return shown(self.path) + (f':{line}' if line else '')

    def line(self, number: int) -> str:
        """Return one line of the file, counted from 1, without indentation."""
        lines = self.text.splitlines()
        return lines[number - 1].strip() if number <= len(lines) else ''


def read_source(path: Path) -> Source:
    """Read a config file.

    Raises:
        UserError: the file cannot be read or parsed, or names a base that does not exist.
    """
    try:
        text = path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'cannot read config {shown(path)}: {error}') from error
    if path.suffix not in SUFFIXES:
        raise UserError(f'{shown(path)} is no config: expected a name ending in .py, .yml, .yaml or .json')
    replaced, environment = _substitute(path)
    if path.suffix != '.py':
        return _data_source(path, text, replaced, environment)
    try:
        module = ast.parse(_BASE_PLACEHOLDER.sub(_base_expression, replaced), str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, 'lineno', None)
        raise UserError(f'{shown(path)}:{line or 1}: not valid Python: {getattr(error, "msg", error)}') from error
    if _reads_base_by_import(module):
        return Source(path, text, 'import', environment=environment)
    source = Source(path, text, 'text', environment=environment)
    module.body = [node for node in module.body if not _take_bases(node, source)]
    _collect_names(module, source)
    code = ast.fix_missing_locations(_Instrument(source.statements).visit(module))
    source.code = compile(code, str(path), 'exec')
    return source


def _substitute(path: Path) -> tuple[str, dict[str, str]]:
    """Replace ``{{ fileBasenameNoExtension }}`` and its like, and ``{{$VARIABLE:default}}``, as mmengine does."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = str(Path(folder) / path.name)
        try:
            Config._substitute_predefined_vars(str(path), temporary)
            environment = Config._substitute_env_variables(temporary, temporary)
        except KeyError as error:
            raise UserError(f'{shown(path)}: {error.args[0]}') from error
        return Path(temporary).read_text(encoding='utf-8'), environment


def _base_expression(match: re.Match[str]) -> str:
    parts = (part if part.isdigit() else repr(part) for part in match[1].split('.'))
    return BASE_KEY + ''.join(f'[{part}]' for part in parts)


def _data_source(path: Path, text: str, replaced: str, environment: dict[str, str]) -> Source:
    source = Source(path, text, 'data', environment=environment)
    if _BASE_PLACEHOLDER.search(replaced):
        raise UserError(f'{shown(path)}: {{{{_base_.…}}}} works in .py configs only')
    bases = load_data(replaced, path).get(BASE_KEY, [])
    source.bases = [_find_base(entry, source, None) for entry in (bases if isinstance(bases, list) else [bases])]
    return source


def load_data(text: str, path: Path) -> dict[str, Any]:
    """Parse a yaml or json config into a dict."""
    import yaml

    try:
        data = json.loads(text) if path.suffix == '.json' else yaml.safe_load(text)
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        raise UserError(f'{shown(path)}: not valid {path.suffix[1:]}: {" ".join(str(error).split())}') from error
    if not isinstance(data, dict):
        raise UserError(f'{shown(path)}: the top level must map keys to values')
    return data


def _reads_base_by_import(module: ast.Module) -> bool:
    """Whether this is mmengine's import style (``with read_base():``), which mmengine itself evaluates."""
    return any(
        isinstance(node, ast.With)
        and isinstance(node.items[0].context_expr, ast.Call)
        and isinstance(node.items[0].context_expr.func, ast.Name)
        and node.items[0].context_expr.func.id == 'read_base'
        for node in module.body
    )


def _take_bases(node: ast.stmt, source: Source) -> bool:
    """Read the statement ``_base_ = …`` into ``source.bases``; False for any other statement."""
    if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == BASE_KEY):
        return False
    try:
        bases = eval(compile(ast.Expression(node.value), str(source.path), 'eval'), {})
    except Exception as error:
        raise UserError(f'{source.where(node.lineno)}: _base_ must be a path or a list of paths: {error}') from error
    entries = list(bases) if isinstance(bases, (list, tuple)) else [bases]
    source.bases = [_find_base(entry, source, node.lineno) for entry in entries]
    return True


def _find_base(entry: Any, source: Source, line: int | None) -> Base:
    if not isinstance(entry, str):
        raise UserError(f'{source.where(line)}: _base_ must be a path or a list of paths, not {entry!r}')
    if entry.startswith('faceresearch::'):
        return Base(find_config(_with_folder(entry)), None)
    if '::' not in entry:
        path = (source.path.parent / Path(entry).expanduser()).resolve()
        if not path.is_file():
            near = did_you_mean(path.name, (p.name for p in path.parent.glob('*')) if path.parent.is_dir() else ())
            raise UserError(f'{source.where(line)}: base config {entry!r} does not exist ({shown(path)}).{near}')
        return Base(path, None)
    compat.install()  # mmengine's look-up of installed packages
    try:
        path_text, scope = Config._get_cfg_path(entry, str(source.path))
    except Exception as error:
        raise UserError(f'{source.where(line)}: base config {entry!r} cannot be found: {error}') from error
    return Base(Path(path_text).resolve(), scope)


def _with_folder(entry: str) -> str:
    inside = configs_folder() / entry.removeprefix('faceresearch::')
    return str(inside) if inside.is_file() else entry


def _collect_names(module: ast.Module, source: Source) -> None:
    assigned: set[str] = set()
    for node in _module_level(module):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets: list[Any] = [*node.targets] if isinstance(node, ast.Assign) else [node.target]
            assigned.update(_stored_names(targets))
        elif isinstance(node, (ast.For, ast.With)):
            targets = [node.target] if isinstance(node, ast.For) else [i.optional_vars for i in node.items]
            source.scratch.update(_stored_names(targets))
    source.variables = {name for name in assigned - source.scratch if not name.startswith('_')}
    source.scratch -= assigned
    for inner in ast.walk(module):
        if isinstance(inner, ast.Name) and inner.id == BASE_KEY:
            source.uses_base = True
        holder = getattr(inner, 'value', None)
        if isinstance(holder, ast.Name) and holder.id == BASE_KEY:
            if isinstance(inner, ast.Attribute):
                source.base_names.add(inner.attr)
            elif isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Constant):
                source.base_names.add(str(inner.slice.value))


def _stored_names(targets: list[Any]) -> set[str]:
    nodes = (node for target in targets if target is not None for node in ast.walk(target))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _module_level(module: ast.AST) -> list[ast.stmt]:
    """All statements that run when the file runs: not those in functions and classes."""
    found: list[ast.stmt] = []
    for body in _bodies(module):
        for node in body:
            found.append(node)
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
                found += _module_level(node)
    return found


def _bodies(node: ast.AST) -> list[list[ast.stmt]]:
    bodies = [getattr(node, name) for name in ('body', 'orelse', 'finalbody') if getattr(node, name, None)]
    for holder in [*getattr(node, 'handlers', []), *getattr(node, 'cases', [])]:
        bodies.append(holder.body)
    return bodies


class _Instrument(ast.NodeTransformer):
    """Insert a call of :data:`HOOK` after each module-level statement."""

    def __init__(self, statements: list[ast.stmt]) -> None:
        self.statements = statements

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for body in _bodies(node):
            body[:] = [new for statement in body for new in self._with_hook(statement)]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return node

    def _with_hook(self, statement: ast.stmt) -> list[ast.stmt]:
        self.visit(statement)
        if isinstance(statement, (ast.Break, ast.Continue, ast.ImportFrom, ast.Import)):
            return [statement]
        self.statements.append(statement)
        number = ast.Constant(len(self.statements) - 1)
        call = ast.Expr(ast.Call(ast.Name(HOOK, ast.Load()), [number], []))
        return [statement, ast.copy_location(call, statement)]
