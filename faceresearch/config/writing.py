"""Write a resolved config as a file that loads to the same config."""

from __future__ import annotations

import keyword
from pathlib import Path
from typing import Any

from mmengine.config import Config

from faceresearch.fileio import atomic_path

_WIDTH = 100


def format_config(cfg: Config) -> str:
    """Return a config as Python text, keys in the order of their definition; loading it gives an equal config."""
    data = cfg.to_dict()
    return '\n'.join(f'{name} = {_format(value, 0, len(name) + 3)}' for name, value in data.items())


def dump_config(cfg: Config, path: str | Path) -> None:
    """Write :func:`format_config` to a file, in one step: a reader sees the old file or the whole new one.

    Raises:
        UserError: the folder cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(format_config(cfg) + '\n', encoding='utf-8')


def _format(value: Any, indent: int, used: int) -> str:
    """Format a value on one line if it fits beside the ``used`` columns before it, else one item a line."""
    inline = _inline(value)
    if not isinstance(value, (dict, list, tuple)) or not value or indent + used + len(inline) <= _WIDTH:
        return inline
    inner = indent + 4
    pad, end = ' ' * inner, ' ' * indent
    if isinstance(value, dict):
        if _is_plain(value):
            items = [f'{k}={_format(v, inner, len(k) + 2)}' for k, v in value.items()]
            opening, closing = 'dict(', ')'
        else:
            items = [f'{k!r}: {_format(v, inner, len(repr(k)) + 3)}' for k, v in value.items()]
            opening, closing = '{', '}'
    else:
        items = [_format(item, inner, 1) for item in value]
        opening, closing = '[]' if isinstance(value, list) else '()'
    return opening + '\n' + ''.join(f'{pad}{item},\n' for item in items) + end + closing


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        if _is_plain(value):
            return f'dict({", ".join(f"{k}={_inline(v)}" for k, v in value.items())})'
        return '{' + ', '.join(f'{k!r}: {_inline(v)}' for k, v in value.items()) + '}'
    if isinstance(value, list):
        return f'[{", ".join(map(_inline, value))}]'
    if isinstance(value, tuple):
        return f'({", ".join(map(_inline, value))}{"," if len(value) == 1 else ""})'
    return repr(value)


def _is_plain(value: dict[Any, Any]) -> bool:
    """Whether the keys can be written as arguments of ``dict()``."""
    return all(isinstance(k, str) and k.isidentifier() and not keyword.iskeyword(k) for k in value)
