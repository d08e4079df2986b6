"""The frame of the command-line tools."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from faceresearch import __version__, cli
from faceresearch.errors import UserError


def parser() -> cli.ToolParser:
    made = cli.make_parser('Do a thing.', 'tools/thing.py CONFIG a=1\ntools/thing.py CONFIG --out D')
    made.add_argument('config')
    made.add_argument('checkpoint', nargs='?')
    made.add_argument('--out')
    made.add_argument('--resume', nargs='?', const='newest')
    made.add_argument('--flag', action='store_true')
    cli.add_common_arguments(made)
    return made


@pytest.mark.parametrize(
    ('argv', 'expected'),
    [
        (['c.py'], {'config': 'c.py', 'checkpoint': None, 'overrides': []}),
        (['c.py', 'a.b=1', '+c=2', '++d=[1,2]', '~e.f'], {'overrides': ['a.b=1', '+c=2', '++d=[1,2]', '~e.f']}),
        (['c.py', '--out', 'D', 'a=1', '--flag', 'b=2'], {'out': 'D', 'flag': True, 'overrides': ['a=1', 'b=2']}),
        (['c.py', '--resume', 'a=1'], {'resume': 'newest', 'overrides': ['a=1']}),
        (['c.py', 'a=1', '--resume', 'last.pth'], {'resume': 'last.pth', 'overrides': ['a=1']}),
        (['--resume', '--out=x=y', 'c.py'], {'resume': 'newest', 'out': 'x=y', 'config': 'c.py'}),
        (['c.py', '--out', 'lr=0.1'], {'out': 'lr=0.1', 'overrides': []}),
        (['c.py', 'a=1', 'weights.pth'], {'checkpoint': 'weights.pth', 'overrides': ['a=1']}),
        (['c.py', './a=b.pth'], {'checkpoint': './a=b.pth', 'overrides': []}),
        (['c.py', "n='x y=z'", 'lr=0.1,0.2'], {'overrides': ["n='x y=z'", 'lr=0.1,0.2']}),
        (['a=1', 'c.py', '--debug'], {'config': 'c.py', 'overrides': ['a=1'], 'debug': True}),
    ],
)
def test_overrides_may_stand_anywhere(argv: list[str], expected: dict[str, object]) -> None:
    parsed = vars(parser().parse_args(argv))
    assert {key: parsed[key] for key in expected} == expected


@pytest.mark.parametrize('argv', [[], ['c.py', '--no-such'], ['c.py', '--out'], ['c.py', '--fl']])
def test_a_wrong_command_line_is_one_line_and_exit_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(argv)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and error.count('\n') == 1 and '--help' in error


def test_a_tool_without_a_config_takes_no_overrides(capsys: pytest.CaptureFixture[str]) -> None:
    made = cli.make_parser('x', 'y')
    cli.add_common_arguments(made, overrides=False)
    with pytest.raises(SystemExit):
        made.parse_args(['a=1'])
    assert 'takes no KEY=VALUE' in capsys.readouterr().err


def test_help_shows_the_examples() -> None:
    text = parser().format_help()
    assert 'example:\n  tools/thing.py CONFIG a=1\n  tools/thing.py CONFIG --out D' in text
    assert 'KEY=VALUE' in text and '--debug' in text


def run(main: object, *argv: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, 'argv', ['tool', *argv])
    with pytest.raises(SystemExit) as caught:
        cli.run_tool(main)  # type: ignore[arg-type]
    return int(caught.value.code or 0)


def raiser(error: BaseException) -> object:
    def main() -> int:
        raise error

    return main


def test_exit_statuses(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda: None, monkeypatch=monkeypatch) == 0
    assert run(lambda: 3, monkeypatch=monkeypatch) == 3
    assert run(raiser(KeyboardInterrupt()), monkeypatch=monkeypatch) == 130
    assert capsys.readouterr().err == 'interrupted\n'
    assert run(raiser(UserError('a file\nis missing')), monkeypatch=monkeypatch) == 2
    assert capsys.readouterr().err == 'error: a file is missing\n'


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raiser(UserError('bad')), '--debug', monkeypatch=monkeypatch) == 2
    error = capsys.readouterr().err
    assert 'Traceback' in error and error.endswith('error: bad\n')


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'argv', ['tool'])
    with pytest.raises(ZeroDivisionError):  # Python itself prints it and exits with 1
        cli.run_tool(raiser(ZeroDivisionError()))  # type: ignore[arg-type]


def command(*argv: str, folder: Path, repo_root: Path) -> subprocess.CompletedProcess[str]:
    code = 'from faceresearch.cli import console_main; console_main()'
    return subprocess.run(
        [sys.executable, '-c', code, *argv],
        cwd=folder,
        env={'PYTHONPATH': str(repo_root), 'PATH': '', 'COLUMNS': '200'},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_lists_and_runs_the_tools(tmp_path: Path, repo_root: Path) -> None:
    listed = command('--help', folder=tmp_path, repo_root=repo_root)
    assert listed.returncode == 0
    for tool in (repo_root / 'tools').glob('*.py'):
        line = next(line for line in listed.stdout.splitlines() if line.split()[:1] == [tool.stem])
        assert len(line.split()) > 3  # every tool says what it does
    helped = command('print-config', '--help', folder=tmp_path, repo_root=repo_root)
    assert helped.returncode == 0
    assert helped.stdout.startswith('usage: print_config.py')


def test_the_command_passes_on_status_and_message(tmp_path: Path, repo_root: Path) -> None:
    assert command('--version', folder=tmp_path, repo_root=repo_root).stdout == f'faceresearch {__version__}\n'
    wrong = command('print_confg', folder=tmp_path, repo_root=repo_root)
    assert (wrong.returncode, wrong.stderr.count('\n')) == (2, 1)
    assert "Did you mean 'print_config'" in wrong.stderr
    failed = command('print_config', 'no_such_config', folder=tmp_path, repo_root=repo_root)
    assert (failed.returncode, failed.stderr.count('\n')) == (2, 1)
    assert failed.stderr.startswith("error: no config 'no_such_config'")


def test_installed_tools_are_found_beside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / 'site-packages' / 'faceresearch'
    package.mkdir(parents=True)
    monkeypatch.setattr(cli, '__file__', str(package / 'cli.py'))
    (tmp_path / 'site-packages' / 'tools').mkdir()  # another distribution's: not ours
    with pytest.raises(UserError, match="folder 'tools' is neither in"):
        cli.tools_folder()
    (package / '.tools').mkdir()
    (package / '.tools' / 'thing.py').write_text('"""Do a thing.\n\nMore."""\nraise RuntimeError')
    assert cli.list_tools() == {'thing': 'Do a thing.'}
    monkeypatch.setattr(sys, 'argv', [str(package / '.tools' / 'thing.py')])
    assert cli.make_parser('x', 'y').prog == 'faceresearch thing'


def test_the_frame_imports_nothing_heavy(repo_root: Path) -> None:
    code = 'import sys, faceresearch.cli; print([m for m in ("torch", "numpy", "mmengine", "hydra", "cv2") if m in sys.modules])'
    done = subprocess.run([sys.executable, '-c', code], cwd=repo_root, capture_output=True, text=True, check=True)
    assert done.stdout == '[]\n'


def test_namespace_defaults_are_argparses() -> None:
    assert isinstance(parser(), argparse.ArgumentParser)
    assert parser().parse_args(['c.py']).debug is False
