"""The frame all command-line tools share: arguments, overrides, exit codes, and the ``faceresearch`` command.

Exit status: 0 success, 2 an error the user can mend (one line on stderr), 1 a bug (traceback), 130 interrupted.
Only the standard library is imported here, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import runpy
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

# `a.b=…`, `+a.b=…`, `++a.b=…`, `~a.b`: a key starts with a letter, so a path such as `./a=b.jpg` stays an argument.
_OVERRIDE = re.compile(r'(?:\+{0,2}|~)[A-Za-z_][\w$.-]*=|~[A-Za-z_][\w$.-]*$', re.ASCII)


class ToolParser(argparse.ArgumentParser):
    """An ``ArgumentParser`` in which ``KEY=VALUE`` overrides may stand anywhere among the options.

    ``train.py CONFIG --work-dir D lr=0.1 --resume batch_size=8`` puts ``['lr=0.1', 'batch_size=8']`` into
    ``args.overrides``; the plain class would refuse the first and read the second as the checkpoint to resume from.
    Errors are one line and exit with status 2.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._takes_one_value: set[str] = set()
        super().__init__(**kwargs)

    def add_argument(self, *args: Any, **kwargs: Any) -> argparse.Action:
        action = super().add_argument(*args, **kwargs)
        if action.option_strings and action.nargs is None:
            self._takes_one_value.update(action.option_strings)
        return action

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        plain, overrides = self._split(sys.argv[1:] if args is None else list(args))
        parsed = self.parse_intermixed_args(plain, namespace)
        if hasattr(parsed, 'overrides'):
            parsed.overrides = [*(parsed.overrides or []), *overrides]
        elif overrides:
            self.error(f'this tool takes no KEY=VALUE overrides: {" ".join(overrides)}')
        return parsed

    def _split(self, args: list[str]) -> tuple[list[str], list[str]]:
        plain: list[str] = []
        overrides: list[str] = []
        previous = ''
        for argument in args:
            is_value = previous in self._takes_one_value
            (overrides if _OVERRIDE.match(argument) and not is_value else plain).append(argument)
            previous = argument
        return plain, overrides

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'error: {message} (see {self.prog} --help)\n')


def make_parser(description: str, example: str) -> ToolParser:
    """Make a tool's parser.

    Args:
        description: what the tool does, usually the module's ``__doc__``.
        example: one or more command lines, shown at the end of ``--help``.
    """
    lines = '\n'.join(f'  {line.strip()}' for line in example.strip().splitlines())
    script = Path(sys.argv[0])
    return ToolParser(
        prog=f'faceresearch {script.stem}' if script.parent.name == '.tools' else script.name,
        description=description.strip(),
        epilog=f'example:\n{lines}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_common_arguments(parser: argparse.ArgumentParser, overrides: bool = True) -> None:
    """Add what every tool has: ``KEY=VALUE`` overrides (``args.overrides``, a list) and ``--debug``.

    Call it after the tool's own positional arguments.

    Args:
        parser: from :func:`make_parser`.
        overrides: False for a tool that reads no config.
    """
    if overrides:
        parser.add_argument(
            'overrides',
            nargs='*',
            metavar='KEY=VALUE',
            help='change the config: a.b=1 changes, +a.b=1 adds, ++a.b=1 either, ~a.b deletes, a.0.b=1 reaches into '
            'lists (docs/config.md)',
        )
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')


def numbers(text: str) -> tuple[float, ...]:
    """Read an argument ``0,0.25,0.5``.

    Raises:
        ArgumentTypeError: a part is no number.
    """
    try:
        return tuple(float(part) for part in text.split(','))
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r}: a number, or several with commas') from None


def run_tool(main: Callable[[], int | None]) -> NoReturn:
    """Run a tool's ``main`` and exit with the status its outcome calls for."""
    from faceresearch.errors import UserError

    try:
        status = main() or 0
        sys.stdout.flush()
    except UserError as error:
        if '--debug' in sys.argv[1:]:
            traceback.print_exc()
        print(f'error: {" ".join(str(error).split())}', file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        status = 130
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has gone; stdout is pointed elsewhere so that the exit does not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    sys.exit(status)


def tools_folder() -> Path:
    """Return the folder of the tool scripts: in the installed package, or in the checkout that is being run."""
    return packaged_folder('tools')


def packaged_folder(name: str) -> Path:
    """Return ``faceresearch/.<name>`` of an installed package, or ``<checkout>/<name>``.

    Args:
        name: ``'tools'`` or ``'configs'``.

    Raises:
        UserError: neither exists.
    """
    package = Path(__file__).resolve().parent
    installed, checkout = package / f'.{name}', package.parent / name
    if installed.is_dir():
        return installed
    # A folder of this name in site-packages would be somebody else's: only a checkout has our pyproject.toml beside it.
    if checkout.is_dir() and (package.parent / 'pyproject.toml').is_file():
        return checkout
    from faceresearch.errors import UserError

    raise UserError(f'the folder {name!r} is neither in {package} nor in a checkout beside it: reinstall faceresearch')


def list_tools() -> dict[str, str]:
    """Return each tool's name and the first line of its docstring, without importing any of them."""
    return {path.stem: _summary(path) for path in sorted(tools_folder().glob('[a-z]*.py'))}


def _summary(path: Path) -> str:
    doc = ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) or ''
    return doc.split('\n')[0]


def console_main() -> NoReturn:
    """The ``faceresearch`` command: ``faceresearch train CONFIG …`` runs ``tools/train.py CONFIG …``."""
    run_tool(_dispatch)


def _dispatch() -> int:
    name, rest = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ('--help', [])
    if name in ('-h', '--help'):
        print('usage: faceresearch TOOL [ARGUMENTS]\n\nTools (faceresearch TOOL --help tells more):')
        print('\n'.join(f'  {tool:<20} {summary}' for tool, summary in list_tools().items()))
        return 0
    if name in ('-V', '--version'):
        from faceresearch import __version__

        print(f'faceresearch {__version__}')
        return 0
    name = name.replace('-', '_')
    script = tools_folder() / f'{name}.py'
    if not name.isidentifier() or not script.is_file():
        from faceresearch.errors import UserError, did_you_mean

        raise UserError(f'no tool {name!r}.{did_you_mean(name, list_tools())} `faceresearch --help` lists them')
    sys.argv = [f'faceresearch {name}', *rest]
    runpy.run_path(str(script), run_name='__main__')
    return 0
