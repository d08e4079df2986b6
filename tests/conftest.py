"""Fixtures shared by all tests: where the real data and the golden cases are."""

from __future__ import annotations

import os
import sys

# Before torch is imported. Another number of threads adds in another order, and runs with and without loader workers
# compute with different numbers of them: bit for bit they compare on one. And two cores serve tests and their
# subprocesses better so.
os.environ.setdefault('OMP_NUM_THREADS', '1')

from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def repo_root() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope='session')
def shared_dir() -> Path:
    """The folder with data/, golden/, weights/ and documents/."""
    root = os.environ.get('FACERESEARCH_TEST_DATA')
    if not root:
        pytest.skip('set FACERESEARCH_TEST_DATA to the folder that holds the test data')
    return Path(root).resolve()


@pytest.fixture(scope='session')
def test_data(shared_dir: Path) -> Path:
    """Real images and labels (``$FACERESEARCH_TEST_DATA/data``)."""
    return shared_dir / 'data'


@pytest.fixture(scope='session')
def golden_dir() -> Path:
    """Golden cases: ``$FACERESEARCH_GOLDEN_DIR``, by default ``$FACERESEARCH_TEST_DATA/golden``."""
    root = os.environ.get('FACERESEARCH_GOLDEN_DIR')
    if root:
        return Path(root).resolve()
    if not os.environ.get('FACERESEARCH_TEST_DATA'):
        pytest.skip('set FACERESEARCH_TEST_DATA to the folder that holds the test data')
    return Path(os.environ['FACERESEARCH_TEST_DATA']).resolve() / 'golden'


@pytest.fixture(autouse=True)
def scope_of_ours() -> None:
    """Types without a prefix are ours again after a test that ran a tool on a config of mmdet or mmpose."""
    engine = sys.modules.get('mmengine.registry')
    if engine is not None:
        current = engine.DefaultScope.get_current_instance()
        if current is not None and current.scope_name != 'faceresearch':
            from faceresearch.compat.scope import set_scope

            set_scope({'default_scope': 'faceresearch'})
