"""Threads and mixed precision."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import pytest
import torch
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn

from faceresearch.engine import threads


@pytest.fixture(autouse=True)
def restore_threads() -> Iterator[None]:
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


@pytest.mark.parametrize(
    ('cores', 'workers', 'processes', 'expected'),
    [(8, 3, 1, 5), (2, 1, 1, 1), (2, 4, 1, 1), (16, 2, 4, 2), (1, 0, 1, 1)],
)
def test_cores_are_divided(
    monkeypatch: pytest.MonkeyPatch, cores: int, workers: int, processes: int, expected: int
) -> None:
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', str(processes))
    monkeypatch.setattr(threads, 'available_cores', lambda: cores)
    line = threads.set_threads(workers)
    assert torch.get_num_threads() == expected
    assert line.startswith(f'Threads: {expected} to compute with ({cores} cores, {workers} loader workers')
    assert cv2.getNumThreads() in (0, 1)


def test_users_choice_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    monkeypatch.setattr(threads, 'available_cores', lambda: 16)
    assert 'OMP_NUM_THREADS=3' in threads.set_threads(1)
    assert torch.get_num_threads() == 3


def test_no_more_workers_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('LOCAL_WORLD_SIZE', raising=False)
    monkeypatch.setattr(threads, 'available_cores', lambda: 2)
    assert [threads.effective_workers(n) for n in (0, 1, 2, 8)] == [0, 1, 2, 2]


def test_mixed_precision_on_the_cpu() -> None:
    model = nn.Linear(4, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = OPTIM_WRAPPERS.build({'type': 'AmpOptimWrapper', 'optimizer': optimizer, 'clip_grad': {'max_norm': 1.0}})
    before = model.weight.clone()
    with wrapper.optim_context(model):
        output = model(torch.ones(2, 4))
    assert output.dtype == torch.bfloat16
    wrapper.update_params(output.float().sum())
    assert model.weight.dtype == torch.float32
    assert not torch.equal(before, model.weight)
    wrapper.load_state_dict(wrapper.state_dict())


def test_mixed_precision_type() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(ValueError, match="'float16' or 'bfloat16'"):
        OPTIM_WRAPPERS.build({'type': 'AmpOptimWrapper', 'optimizer': optimizer, 'dtype': 'float64'})
