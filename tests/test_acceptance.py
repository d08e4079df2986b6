"""The acceptance scripts, in their reduced forms."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / 'benchmarks/acceptance'


@pytest.mark.slow
@pytest.mark.parametrize('script', ['widerface_published', 'parsing_training', 'landmark68_training'])
def test_script(script: str, shared_dir: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPTS / f'{script}.py'), '--reduced', '--work-dir', str(tmp_path)]
    environment = {**os.environ, 'FACERESEARCH_TEST_DATA': str(shared_dir)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
