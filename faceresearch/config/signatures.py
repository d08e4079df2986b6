"""Which arguments a registered class or function takes, through the classes it hands ``**kwargs`` on to."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_TAKES_OUT = ('pop', 'get', 'setdefault')


@dataclass
class Arguments:
    """The named arguments of a constructor or function.

    Attributes:
        names: all of them.
        required: those without a default in the outermost signature.
        is_open: whether any further name is taken (a true ``**kwargs``).
    """

    names: set[str] = field(default_factory=set)
    required: set[str] = field(default_factory=set)
    is_open: bool = False


def arguments_of(target: Callable[..., Any]) -> Arguments:
    """Inspect a class or function.

    A ``**kwargs`` stands for the parent class's arguments where the source only hands it to ``super().__init__`` and
    takes named ones out; otherwise it takes anything.
    """
    if not inspect.isclass(target):
        return _signature(target)
    owners = [owner for owner in target.__mro__ if '__init__' in vars(owner)]
    found = Arguments()
    for depth, owner in enumerate(owners):
        if owner is object or _is_torch_module(owner):
            found.is_open = False  # these two accept no arguments at all
            break
        own = _signature(vars(owner)['__init__'], is_method=True)
        found.names |= own.names
        found.required = own.required if depth == 0 else found.required
        found.is_open = own.is_open
        taken_out = _names_taken_out(vars(owner)['__init__']) if own.is_open else None
        if taken_out is None:
            break
        found.names |= taken_out
    return found


def _is_torch_module(owner: type) -> bool:
    return owner.__name__ == 'Module' and owner.__module__ == 'torch.nn.modules.module'


def _signature(function: Callable[..., Any], is_method: bool = False) -> Arguments:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # compiled code
        return Arguments(is_open=True)
    parameters = parameters[1:] if is_method else parameters
    named = [p for p in parameters if p.kind in _NAMED]
    return Arguments(
        names={p.name for p in named},
        required={p.name for p in named if p.default is inspect.Parameter.empty},
        is_open=any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters),
    )


def _names_taken_out(init: Callable[..., Any]) -> set[str] | None:
    """Return the names an ``__init__`` takes out of ``**kwargs`` before it hands it to its parent.

    None if the source cannot be read, or uses it in any other way.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(init))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    if not isinstance(tree, ast.FunctionDef) or tree.args.kwarg is None:
        return None
    keyword = tree.args.kwarg.arg
    names: set[str] = set()
    understood = handed_on = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_parent_init(node.func):
            forwards = sum(k.arg is None and _is_name(k.value, keyword) for k in node.keywords)
            handed_on += forwards
            understood += forwards
        name = _taken_out(node, keyword)
        if name is not None:
            names.add(name)
            understood += 1
    uses = sum(_is_name(node, keyword) for node in ast.walk(tree))
    return names if handed_on and uses == understood else None


def _is_parent_init(function: ast.AST) -> bool:
    return isinstance(function, ast.Attribute) and function.attr == '__init__'


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _taken_out(node: ast.AST, keyword: str) -> str | None:
    """Return ``x`` of ``kwargs['x']``, ``kwargs.pop('x', …)`` or ``'x' in kwargs``."""
    key: ast.AST | None = None
    if isinstance(node, ast.Subscript) and _is_name(node.value, keyword):
        key = node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_name(node.func.value, keyword):
        key = node.args[0] if node.func.attr in _TAKES_OUT and node.args else None
    elif isinstance(node, ast.Compare) and len(node.comparators) == 1 and _is_name(node.comparators[0], keyword):
        key = node.left
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
