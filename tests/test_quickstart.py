"""quickstart.py: installs once, again when something changed, and goes on after an interruption."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import venv
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def quickstart(tmp_path: Path) -> ModuleType:
    """The script, with a copy of the checkout's requirements to work on."""
    spec = importlib.util.spec_from_file_location('quickstart', ROOT / 'quickstart.py')
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    checkout = tmp_path / 'checkout'
    shutil.copytree(ROOT / 'requirements', checkout / 'requirements')
    shutil.copy(ROOT / 'pyproject.toml', checkout)
    module.ROOT = checkout
    return module


@pytest.fixture
def commands(quickstart: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would be run: ensurepip and pip, which need time and the network."""
    ran: list[list[str]] = []
    monkeypatch.setattr(quickstart, 'run', lambda command, what: ran.append(command))
    return ran


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment with a pip that is only a name."""
    folder = tmp_path / 'venv'
    venv.create(folder, symlinks=True)
    (site,) = folder.glob('lib/python*/site-packages')
    (site / 'pip' / '_internal').mkdir(parents=True)
    (site / 'pip' / '__init__.py').touch()
    (site / 'pip' / '_internal' / '__init__.py').touch()
    return folder


def test_it_installs_the_pins_then_openmmlab_without_dependencies_then_itself(quickstart, commands, environment):
    python = quickstart.setup(environment)
    assert python == environment / 'bin' / 'python'
    installs = [command[command.index('install') + 1 :] for command in commands]
    assert installs == [
        ['-r', 'requirements/dev.txt'],
        ['--no-deps', '-r', 'requirements/openmmlab.txt'],
        ['--no-deps', '--no-build-isolation', '-e', '.'],
    ]
    assert all(command[0] == str(python) for command in commands)
    # Whatever pip is configured to use on this machine stays in force.
    assert not [word for command in commands for word in command if word.startswith(('--index', '--extra', '-f'))]


def test_a_second_run_installs_nothing_and_a_changed_pin_everything(quickstart, commands, environment):
    quickstart.setup(environment)
    commands.clear()
    quickstart.setup(environment)
    assert commands == []
    with (quickstart.ROOT / 'requirements' / 'base.txt').open('a') as file:
        file.write('# changed\n')
    quickstart.setup(environment)
    assert len(commands) == 3


def test_an_interrupted_install_goes_on(quickstart, environment, monkeypatch):
    (site,) = environment.glob('lib/python*/site-packages')
    for name in ('whole', 'cut_off'):
        (site / f'{name}-1.0.dist-info').mkdir()
        (site / f'{name}-1.0.dist-info' / 'METADATA').write_text('Metadata-Version: 2.1\n')
    (site / 'whole-1.0.dist-info' / 'RECORD').touch()
    ran = []

    def killed(command: list[str], what: str) -> None:
        ran.append(command)
        raise KeyboardInterrupt

    monkeypatch.setattr(quickstart, 'run', killed)
    for _ in range(2):  # nothing says "done" after the first
        with pytest.raises(KeyboardInterrupt):
            quickstart.setup(environment)
    assert len(ran) == 2
    # pip takes a package with metadata for installed; it writes RECORD last.
    assert sorted(path.name for path in site.glob('*.dist-info')) == ['whole-1.0.dist-info']


def test_a_half_made_environment_is_completed(quickstart, commands, tmp_path):
    half = tmp_path / 'half'
    half.mkdir()
    (half / 'pyvenv.cfg').write_text('home = nowhere\n')
    quickstart.setup(half)
    assert (half / 'bin' / 'python').exists()
    assert 'ensurepip' in commands[0]
    assert len(commands) == 4


def test_a_folder_that_is_no_environment_is_left_alone(quickstart, tmp_path):
    (tmp_path / 'photos').mkdir()
    (tmp_path / 'photos' / 'me.jpg').touch()
    with pytest.raises(quickstart.Failure, match=r'photos is a folder, but no virtual environment'):
        quickstart.setup(tmp_path / 'photos')
    assert (tmp_path / 'photos' / 'me.jpg').exists()


@pytest.mark.parametrize('version', [(3, 10), (3, 14)])
def test_an_unsupported_python_is_one_line(quickstart, tmp_path, monkeypatch, version, capsys):
    monkeypatch.setattr(sys, 'version_info', (*version, 1, 'final', 0))
    monkeypatch.setattr(quickstart.shutil, 'which', lambda name: name if name == 'python3.12' else None)
    monkeypatch.setattr(sys, 'argv', ['quickstart.py', '--venv', str(tmp_path / 'new'), 'setup'])
    assert quickstart.main() == 2
    message = capsys.readouterr().err
    assert message.count('\n') == 1
    assert f'{version[0]}.{version[1]}' in message
    assert '`python3.12 quickstart.py`' in message
    assert not (tmp_path / 'new').exists()


def test_a_python_without_ensurepip_says_what_to_install(quickstart, tmp_path, monkeypatch):
    real = quickstart.ask
    monkeypatch.setattr(quickstart, 'ask', lambda folder, code: None if 'ensurepip' in code else real(folder, code))
    with pytest.raises(quickstart.Failure, match=rf'apt install python3\.{sys.version_info[1]}-venv'):
        quickstart.setup(tmp_path / 'new')


def test_settings_that_install_elsewhere_are_not_passed_on(quickstart, monkeypatch):
    monkeypatch.setenv('PIP_USER', '1')
    monkeypatch.setenv('PYTHONPATH', 'elsewhere')
    monkeypatch.setenv('PIP_CACHE_DIR', 'kept')
    passed = quickstart.environment()
    assert 'PIP_USER' not in passed
    assert 'PYTHONPATH' not in passed
    assert passed['PIP_CACHE_DIR'] == 'kept'
