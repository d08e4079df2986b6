"""InsightFace's verification files (lfw.bin, cfp_fp.bin, …), which are pickles, read without unpickling.

A file is a pickle of (images, issame): 2P encoded images, as bytes, as strings of Python 2 or as numpy arrays of bytes,
and P truth values. A pickle is a program that may call anything. Here its instructions are followed by an interpreter
of our own that knows lists, tuples, bytes, numbers and the four calls by which numpy arrays and bytes are written, and
in which nothing can be made that is much larger than the file.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceresearch.errors import UserError

#: The largest published file has some hundred megabytes.
MAX_FILE_BYTES = 2 * 2**30
#: Instructions are slow to follow: a file may have this many, 60 for each image of the largest set and room to spare.
MAX_INSTRUCTIONS = 20 * 10**6
#: Bytes of one item of the numpy types that images and truth values are stored as.
_DTYPES = {'u1': 1, 'i1': 1, 'b1': 1}
_GLOBALS = {
    ('numpy.core.multiarray', '_reconstruct'): 'reconstruct',
    ('numpy._core.multiarray', '_reconstruct'): 'reconstruct',
    ('numpy.core.multiarray', 'scalar'): 'scalar',
    ('numpy._core.multiarray', 'scalar'): 'scalar',
    ('numpy', 'ndarray'): 'ndarray',
    ('numpy', 'dtype'): 'dtype',
    ('_codecs', 'encode'): 'encode',
    ('builtins', 'bytes'): 'bytes',
    ('__builtin__', 'bytes'): 'bytes',
}


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class _Dtype:
    code: str


@dataclass
class _Array:
    """An array under construction: its bytes come with a BUILD instruction."""

    code: str = ''
    data: bytes | None = None


class _Refused(Exception):
    """An instruction that has no place in such a file."""


_MARK = object()


def read_pair_bin(path: str | Path) -> tuple[list[bytes], list[bool]]:
    """Read a verification file that is not trusted.

    Returns:
        2P encoded images, pair i in 2i and 2i + 1, and whether each of the P pairs is of one person.

    Raises:
        UserError: the file is missing, too large, damaged, or asks for anything but images and truth values; where that
            is, is given as an offset in bytes.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UserError(f'{path}: {path.stat().st_size} bytes; a verification file has at most {MAX_FILE_BYTES}')
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f'{path}: {error.strerror or error}; a verification file (.bin) is expected there') from error
    content = _interpret(data, path)
    if (
        not isinstance(content, tuple | list)
        or len(content) != 2
        or not all(isinstance(p, list | tuple) for p in content)
    ):
        raise UserError(f'{path}: does not hold (images, issame), as insightface writes it')
    images = [_as_bytes(item, path, number) for number, item in enumerate(content[0])]
    issame = [_as_bool(item, path, number) for number, item in enumerate(content[1])]
    if len(images) != 2 * len(issame) or not images:
        raise UserError(f'{path}: {len(images)} images and {len(issame)} pairs; two images for each pair are needed')
    return images, issame


def _interpret(data: bytes, path: Path) -> Any:
    machine = _Machine()
    offset = 0
    try:
        for count, (opcode, argument, position) in enumerate(pickletools.genops(data)):
            offset = position or 0
            if count > MAX_INSTRUCTIONS:
                raise _Refused(f'more than {MAX_INSTRUCTIONS} instructions')
            machine.step(opcode.name, argument)
    except _Refused as error:
        raise UserError(f'{path}: refused at byte {offset}: {error}; only images and truth values are read') from None
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, EOFError, MemoryError, RecursionError) as error:
        reason = str(error).split('\n')[0][:120] or type(error).__name__
        raise UserError(f'{path}: damaged, or not a pickle, at byte {offset} or after ({reason})') from None
    return machine.result


class _Machine:
    """The stack machine of the pickle format, less all that makes objects."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.result: Any = None

    def step(self, name: str, argument: Any) -> None:
        if name in _PUSHED:
            self.stack.append(_PUSHED[name](argument))
        elif name in _HANDLERS:
            _HANDLERS[name](self, argument)
        else:
            raise _Refused(f'the instruction {name}')

    def pop_mark(self) -> list[Any]:
        """Return what was pushed since the last mark."""
        items = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def append(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise _Refused('appending to what is no list')
        self.stack[-1].extend(items)

    def call(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, _Global) or not isinstance(arguments, tuple):
            raise _Refused('a call of what cannot be called')
        self.stack.append(_call(function.name, arguments))

    def build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, _Dtype):
            return  # byte order and alignment, which single bytes do not have
        if not isinstance(target, _Array) or not isinstance(state, tuple) or len(state) != 5:
            raise _Refused('a state for what has none')
        _, shape, dtype, _, content = state
        if not isinstance(dtype, _Dtype) or not isinstance(shape, tuple) or not all(isinstance(n, int) for n in shape):
            raise _Refused('an array without type or shape')
        if sum(n != 1 for n in shape) > 1:
            raise _Refused(f'an array of shape {shape}, where the bytes of an encoded image are expected')
        content = content.encode('latin-1') if isinstance(content, str) else content
        if not isinstance(content, bytes) or math.prod(shape) * _DTYPES[dtype.code] != len(content):
            raise _Refused(f'an array that announces {shape} and has another number of bytes')
        target.code, target.data = dtype.code, content

    def find(self, module: Any, name: Any) -> None:
        known = _GLOBALS.get((module, name)) if isinstance(module, str) and isinstance(name, str) else None
        if known is None:
            raise _Refused(f'it asks for {module}.{name}')
        self.stack.append(_Global(known))

    def stop(self) -> None:
        self.result = self.stack.pop()
        if self.stack:
            raise _Refused('something is left over')


def _call(name: str, arguments: tuple[Any, ...]) -> Any:
    if name == 'reconstruct' and arguments and arguments[0] == _Global('ndarray'):
        return _Array()
    if name == 'dtype' and arguments:
        code = arguments[0].decode('latin-1') if isinstance(arguments[0], bytes) else arguments[0]
        if code in _DTYPES:
            return _Dtype(code)
        raise _Refused(f'an array of type {code!r}')
    if name == 'scalar' and len(arguments) == 2 and isinstance(arguments[0], _Dtype):
        value = arguments[1].encode('latin-1') if isinstance(arguments[1], str) else arguments[1]
        if isinstance(value, bytes) and len(value) == 1:
            return value[0]
    if (
        name == 'encode'
        and len(arguments) == 2
        and isinstance(arguments[0], str)
        and arguments[1] in ('latin1', 'latin-1')
    ):
        return arguments[0].encode('latin-1')
    if name == 'bytes' and not arguments:
        return b''
    raise _Refused(f'a call of {name} with arguments that it is not written with')


#: Instructions that push their argument, and how it is read.
_PUSHED: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(('BINBYTES', 'SHORT_BINBYTES', 'BINBYTES8'), lambda a: a),
    **dict.fromkeys(('BINSTRING', 'SHORT_BINSTRING'), lambda a: a.encode('latin-1')),  # pickletools decodes them so
    **dict.fromkeys(('STRING',), lambda a: a.encode('latin-1') if isinstance(a, str) else a),
    **dict.fromkeys(('BINUNICODE', 'SHORT_BINUNICODE', 'BINUNICODE8', 'UNICODE'), lambda a: a),
    **dict.fromkeys(('BININT', 'BININT1', 'BININT2', 'INT', 'LONG', 'LONG1'), lambda a: a),
    'BYTEARRAY8': bytes,
    'NEWTRUE': lambda _: True,
    'NEWFALSE': lambda _: False,
    'NONE': lambda _: None,
    'EMPTY_LIST': lambda _: [],
    'EMPTY_TUPLE': lambda _: (),
    'MARK': lambda _: _MARK,
}


def _tuple(machine: _Machine, size: int) -> None:
    items = machine.stack[-size:]
    if len(items) != size or _MARK in items:
        raise IndexError('too few values for a tuple')
    del machine.stack[-size:]
    machine.stack.append(tuple(items))


def _put(machine: _Machine, key: int) -> None:
    # A dict, not a list as in pickle itself: a large number must not take memory.
    machine.memo[key] = machine.stack[-1]


_HANDLERS: dict[str, Callable[[_Machine, Any], None]] = {
    'PROTO': lambda m, a: None,
    'FRAME': lambda m, a: None,
    'STOP': lambda m, a: m.stop(),
    'POP': lambda m, a: m.stack.__delitem__(-1),
    'LIST': lambda m, a: m.stack.append(m.pop_mark()),
    'TUPLE': lambda m, a: m.stack.append(tuple(m.pop_mark())),
    'TUPLE1': lambda m, a: _tuple(m, 1),
    'TUPLE2': lambda m, a: _tuple(m, 2),
    'TUPLE3': lambda m, a: _tuple(m, 3),
    'APPEND': lambda m, a: m.append([m.stack.pop()]),
    'APPENDS': lambda m, a: m.append(m.pop_mark()),
    **dict.fromkeys(('PUT', 'BINPUT', 'LONG_BINPUT'), _put),
    'MEMOIZE': lambda m, a: _put(m, len(m.memo)),
    **dict.fromkeys(('GET', 'BINGET', 'LONG_BINGET'), lambda m, a: m.stack.append(m.memo[a])),
    'GLOBAL': lambda m, a: m.find(*a.split(' ', 1)),
    'STACK_GLOBAL': lambda m, a: m.find(m.stack.pop(-2), m.stack.pop()),
    'REDUCE': lambda m, a: m.call(),
    'BUILD': lambda m, a: m.build(),
}


def _as_bytes(item: Any, path: Path, number: int) -> bytes:
    if isinstance(item, _Array) and item.data is not None and item.code != 'b1':
        return item.data
    if isinstance(item, bytes):
        return item
    if isinstance(item, str):  # a string of Python 2 that went through Python 3
        try:
            return item.encode('latin-1')
        except UnicodeEncodeError:
            pass
    raise UserError(f'{path}: image {number} is no encoded image but {type(item).__name__.strip("_").lower()}')


def _as_bool(item: Any, path: Path, number: int) -> bool:
    if isinstance(item, bool | int) and item in (0, 1):
        return bool(item)
    raise UserError(f'{path}: issame of pair {number} is {type(item).__name__.strip("_").lower()}, not true or false')
