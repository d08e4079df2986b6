"""tools/print_config.py: the resolved config, and who set a value."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFIG = """
data_root = 'data'
batch_size = 8
train_dataloader = dict(batch_size=batch_size, dataset=dict(data_root=data_root))
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / 'c.py'
    path.write_text(CONFIG)
    return path


def print_config(repo_root: Path, *argv: object, folder: Path) -> subprocess.CompletedProcess[str]:
    script = repo_root / 'tools' / 'print_config.py'
    command = [sys.executable, str(script), *map(str, argv)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_prints_a_config_that_loads_again(config: Path, repo_root: Path, tmp_path: Path) -> None:
    done = print_config(repo_root, config, 'data_root=/x', '+train_dataloader.num_workers=2', folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, '')
    values: dict[str, object] = {}
    exec(done.stdout, values)
    assert values['data_root'] == '/x'
    assert values['train_dataloader'] == {'batch_size': 8, 'dataset': {'data_root': '/x'}, 'num_workers': 2}


def test_why_names_file_line_and_override(config: Path, repo_root: Path, tmp_path: Path) -> None:
    key = 'train_dataloader.dataset.data_root'
    done = print_config(repo_root, config, 'data_root=/x', '--why', key, folder=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"{key} = '/x'"
    assert lines[1].split()[0] == 'c.py:4'
    assert [line.split()[0] for line in lines[2:]] == ['computed', 'data_root', 'c.py:2', 'command']


@pytest.mark.parametrize(
    ('argv', 'message'),
    [
        (['gone.py'], 'no config'),
        (['c.py', 'batch_sise=1'], "Did you mean 'batch_size'"),
        (['c.py', 'batch_size=big'], 'wrong type'),
        (['c.py', 'batch_size=1,2'], '--multirun'),
        (['c.py', 'batch_size'], 'cannot be read'),
        (['c.py', '--why', 'batch'], "Did you mean 'batch_size'"),
        ([], 'CONFIG'),
    ],
)
def test_a_users_error_is_one_line(
    argv: list[str], message: str, config: Path, repo_root: Path, tmp_path: Path
) -> None:
    done = print_config(repo_root, *argv, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ''
    assert done.stderr.count('\n') == 1
    assert message in done.stderr


@pytest.mark.slow
def test_check_finds_misspelt_types(config: Path, repo_root: Path, tmp_path: Path) -> None:
    config.write_text("default_scope = 'faceresearch'\nmodel = dict(type='SingleStageDetecter')")
    done = print_config(repo_root, 'c.py', '--check', folder=tmp_path)
    assert done.returncode == 2
    assert "Did you mean 'SingleStageDetector'" in done.stderr
    assert '(c.py:2)' in done.stderr


def test_it_prints_without_torch(config: Path, repo_root: Path, tmp_path: Path) -> None:
    script = repo_root / 'tools' / 'print_config.py'
    code = (
        'import runpy, sys\n'
        f'sys.argv = ["print_config", {str(config)!r}]\n'
        f'try: runpy.run_path({str(script)!r}, run_name="__main__")\n'
        'except SystemExit: print("torch" in sys.modules, file=sys.stderr)'
    )
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == 'False\n'


def test_help_answers_at_once(repo_root: Path, tmp_path: Path) -> None:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        done = print_config(repo_root, '--help', folder=tmp_path)
        times.append(time.perf_counter() - start)
    assert 'example:' in done.stdout
    assert min(times) < 1.0
