"""Find a key of a config in the source text: the line that spells it, and the variables that line reads."""

from __future__ import annotations

import ast
from typing import Any

from faceresearch.config.source import BASE_KEY, Source
from faceresearch.config.tree import Path


def line_of(source: Source, path: Path) -> int | None:
    """Return the line of the last statement of a file that assigns a key, as deep in the literal as it is spelled."""
    for statement in reversed(source.statements):
        if path[0] in _assigned(statement):
            return locate(statement, path)[2]
    return None


def _assigned(statement: ast.stmt) -> set[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, 'target', None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def locate(statement: ast.stmt | None, path: Path) -> tuple[ast.AST | None, Path, int | None]:
    """Follow a key into the literal that a statement assigns.

    Returns:
        The expression that gives the value, the rest of the key that this expression does not spell out, and the line.
    """
    if statement is None:
        return None, (), None
    node: ast.AST | None = getattr(statement, 'value', None)
    if node is None or path[0] not in _assigned(statement):
        return node or statement, (), statement.lineno
    rest, line = path[1:], statement.lineno
    while rest:
        inner = _item(node, rest[0])
        if inner is None:
            break
        node, line = inner.value if isinstance(inner, ast.keyword) else inner, inner.lineno
        rest = rest[1:]
    return node, rest, line


def _item(node: ast.AST | None, part: str) -> Any:
    """Return the node of one item of a dict, list or tuple display, or None."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        return next((keyword for keyword in node.keywords if keyword.arg == part), None)
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values)
        return next((v for k, v in pairs if isinstance(k, ast.Constant) and str(k.value) == part), None)
    if isinstance(node, (ast.List, ast.Tuple)) and part.isdigit() and int(part) < len(node.elts):
        before = node.elts[: int(part) + 1]
        return None if any(isinstance(item, ast.Starred) for item in before) else before[-1]
    return None


def origins_of(node: ast.AST | None, rest: Path, source: Source) -> list[Path]:
    """Return the keys of the variables that an expression reads."""
    if node is None:
        return []
    whole = _reference(node)
    if whole:
        return [(*whole, *rest)] if whole[0] in source.variables or source.uses_base else []
    found: list[Path] = []
    for inner in ast.iter_child_nodes(node):
        found += origins_of(inner, (), source)
    return found


def _reference(node: ast.AST) -> Path:
    """Return the key that ``codec``, ``codec['input_size']`` or ``_base_.codec.input_size`` reads, or ``()``."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            parts.append(str(node.slice.value))
            node = node.value
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            path = (*reversed(parts),) if node.id == BASE_KEY else (node.id, *reversed(parts))
            return path
        else:
            return ()
