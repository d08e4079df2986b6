"""The README does what it says: every command in it is run, in order, in a copy of the checkout.

Long ones run in the reduced form that :data:`REDUCED` states; everything else is run to the letter.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / 'README.md').read_text(encoding='utf-8')

#: Training that takes seconds. Only overrides, which the README explains.
SHORT_SYNTH = 'max_epochs=1 val_interval=1 train_scenes=8 val_scenes=4 batch_size=4 num_workers=0'
SHORT_WIDER = (
    'max_epochs=1 batch_size=2 num_workers=0 image_size=128 '
    '+train_dataloader.dataset.indices=4 +val_dataloader.dataset.indices=2'
)
#: What a command gets added when it is run here, by how it begins.
REDUCED = {
    'python3 quickstart.py test': '--collect-only -q tests/codecs',
    'python3 quickstart.py': f'demo {SHORT_SYNTH}',
    'python tools/train.py configs/retinaface/retinaface_mnet025_synthfaces.py': SHORT_SYNTH,
    'python tools/train.py retinaface_mnet025_synthfaces': SHORT_SYNTH,
    'python tools/train.py configs/retinaface/retinaface_mnet025_widerface.py': SHORT_WIDER,
    'python tools/test.py configs/retinaface/retinaface_mnet025_synthfaces.py': 'val_scenes=4 num_workers=0',
    # A network trained for a second sees faces everywhere: non-maximum suppression of all of them takes minutes.
    'python tools/infer.py configs/retinaface/retinaface_mnet025_synthfaces.py': '+model.head.nms_pre=300',
    'python tools/test.py configs/retinaface/retinaface_mnet025_widerface.py': (
        '+test_dataloader.dataset.indices=4 num_workers=0'
    ),
}


@dataclass
class Block:
    """A fenced block of the README."""

    language: str
    text: str
    line: int


def fenced_blocks(text: str) -> list[Block]:
    matches = re.finditer(r'^```(\w*)\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
    return [Block(m[1], m[2], text.count('\n', 0, m.start()) + 1) for m in matches]


def commands(text: str) -> list[str]:
    """Return the command lines of a text's bash blocks, continuation lines joined."""
    blocks = [block.text.replace('\\\n', ' ') for block in fenced_blocks(text) if block.language == 'bash']
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith('#')]


def reduced(command: str) -> str:
    """Return the command as it is run here."""
    for start in sorted(REDUCED, key=len, reverse=True):
        if command == start or command.startswith(f'{start} '):
            return f'{command} {REDUCED[start]}'
    return command


def documents() -> list[Path]:
    return [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', ROOT / 'CHANGELOG.md', *(ROOT / 'docs').glob('*.md')]


# --- without running anything long -----------------------------------------------------------------------------------


def test_the_two_commands_come_first():
    assert commands(README)[:2] == ['python3 quickstart.py', 'python3 quickstart.py test']


def test_every_tool_and_config_in_a_command_exists():
    from faceresearch.config import config_names

    names = set(config_names())
    for command in commands(README):
        words = shlex.split(command)
        if not words[1].startswith('tools/'):
            continue
        assert (ROOT / words[1]).is_file(), command
        configs = [word for word in words[2:] if word.startswith('configs/')]
        bare = [
            word for word in words[2:3] if '/' not in word and not word.startswith('-') and not word.endswith('.py')
        ]
        assert all((ROOT / config).is_file() for config in configs), command
        assert set(bare) <= names, command


@pytest.mark.parametrize('path', documents(), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path):
    text = path.read_text(encoding='utf-8')
    headings = {re.sub(r'[^\w -]', '', line.lstrip('# ')).lower().replace(' ', '-') for line in text.splitlines()}
    for target in re.findall(r'\]\(([^)\s]+)\)', text):
        if target.startswith('#'):
            assert target[1:] in headings, target
        elif '://' not in target:
            assert (path.parent / target.split('#')[0]).exists(), f'{path.name}: {target}'


@pytest.mark.parametrize('path', documents(), ids=lambda path: path.name)
def test_files_named_in_code_spans_exist(path: Path):
    """`tools/x.py`, `faceresearch/x/`, `configs/...` in running text are real."""
    text = re.sub(r'```.*?```', '', path.read_text(encoding='utf-8'), flags=re.DOTALL)
    for name in re.findall(r'`((?:tools|faceresearch|configs|tests|requirements|docs)/[\w./-]*)`', text):
        assert (ROOT / name).exists(), f'{path.name}: {name}'


def test_plain_pip_installs_what_the_script_installs():
    """docs/install.md's pip lines are those of quickstart.py, which CI runs, with the smaller set of pins."""
    documented = [
        c.split(' install ')[1] for c in commands((ROOT / 'docs/install.md').read_text()) if ' pip install ' in c
    ]
    assert documented == ['-r requirements/base.txt', '--no-deps -r requirements/openmmlab.txt', '--no-deps -e .']
    script = (ROOT / 'quickstart.py').read_text(encoding='utf-8')
    assert "'--no-deps', '-r', 'requirements/openmmlab.txt'" in script
    assert "'--no-deps', '--no-build-isolation', '-e', '.'" in script


def test_plain_pip_finds_nothing_left_to_install_here():
    """The pins fit together, and to this environment: pip would neither change nor add a package."""
    if importlib.util.find_spec('pip') is None:
        pytest.skip('an environment made by uv has no pip')
    pip = [sys.executable, '-m', 'pip', 'install', '--dry-run', '--no-index', '--disable-pip-version-check']
    for arguments in (['-r', 'requirements/dev.txt'], ['--no-deps', '-r', 'requirements/openmmlab.txt']):
        answer = subprocess.run([*pip, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
        assert 'Would install' not in answer.stdout


# --- every command ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def workspace(tmp_path_factory: pytest.TempPathFactory, shared_dir: Path) -> Path:
    """A checkout to run in: its own work_dirs, the test data as data/, the published weights in checkpoints/."""
    folder = tmp_path_factory.mktemp('checkout')
    for name in (
        'configs',
        'docs',
        'faceresearch',
        'requirements',
        'tests',
        'tools',
        'model-index.yml',
        'pyproject.toml',
    ):
        (folder / name).symlink_to(ROOT / name)
    (folder / 'data').symlink_to(shared_dir / 'data')
    shutil.copy(ROOT / 'quickstart.py', folder)
    (folder / 'checkpoints').mkdir()
    (folder / 'checkpoints' / 'mobilenet0.25_Final.pth').symlink_to(
        shared_dir / 'weights/retinaface/mobilenet0.25_Final.pth'
    )
    for block in fenced_blocks(README):
        named = re.match(r'# (\w+\.py)\n', block.text)
        if block.language == 'python' and named:
            (folder / named[1]).write_text(block.text, encoding='utf-8')
    make_environment(folder)
    return folder


def make_environment(folder: Path) -> None:
    """Put this interpreter where the README's commands look for theirs, and call the environment up to date."""
    binaries = folder / '.venv' / 'bin'
    binaries.mkdir(parents=True)
    for name in ('python', 'python3'):
        (binaries / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        (binaries / name).chmod(0o755)
    spec = importlib.util.spec_from_file_location('readme_quickstart', folder / 'quickstart.py')
    assert spec and spec.loader
    quickstart = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(quickstart)
    stamp = folder / '.venv' / quickstart.STAMP
    stamp.write_text(quickstart.fingerprint(folder / '.venv'), encoding='utf-8')


def run_in(workspace: Path, command: str) -> subprocess.CompletedProcess[str]:
    path = f'{workspace / ".venv" / "bin"}{os.pathsep}{os.environ.get("PATH", "")}'
    env = {**os.environ, 'PATH': path, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    return subprocess.run(['bash', '-c', command], cwd=workspace, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    'command', commands(README), ids=lambda command: command.replace('configs/retinaface/', '')[:64]
)
def test_command(command: str, workspace: Path):
    if 'work_dirs/quickstart/' in command and not (workspace / 'work_dirs/quickstart/best.safetensors').is_file():
        first = run_in(workspace, reduced('python3 quickstart.py'))
        assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    answer = run_in(workspace, reduced(command))
    assert answer.returncode == 0, f'{reduced(command)}\n{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}'
    words = shlex.split(command)
    for option in ('-o', '--out', '--report', '--dump', '--work-dir'):
        if option in words:
            made = workspace / words[words.index(option) + 1]
            assert made.exists(), f'{command}: {made.name} is missing'
            assert made.is_file() or any(made.iterdir())


@pytest.mark.slow
def test_what_the_quick_start_leaves(workspace: Path):
    done = workspace / 'work_dirs' / 'quickstart'
    if not (done / 'metrics.json').is_file():
        assert run_in(workspace, reduced('python3 quickstart.py')).returncode == 0
    for name in re.findall(r'`(best\.safetensors|pictures/|report/report\.html)`', README):
        assert (done / name).exists(), name
    pictures = [path for path in (done / 'pictures').rglob('*') if path.suffix in ('.jpg', '.png')]
    assert len(pictures) >= 12
    assert list((done / 'report').glob('*.png'))


@pytest.mark.slow
def test_python_example(workspace: Path):
    (code,) = [b.text for b in fenced_blocks(README) if b.language == 'python' and 'init_model' in b.text]
    if not (workspace / 'work_dirs/quickstart/best.safetensors').is_file():
        assert run_in(workspace, reduced('python3 quickstart.py')).returncode == 0
    (workspace / 'example.py').write_text(code, encoding='utf-8')
    answer = run_in(workspace, 'python example.py')
    assert answer.returncode == 0, answer.stderr
    assert 'tensor' in answer.stdout
