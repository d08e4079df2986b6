"""Real processes that work together over gloo."""

from __future__ import annotations

import multiprocessing
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def run_processes(work: Callable[..., Any], count: int, folder: Path, *args: Any) -> list[Any]:
    """Call ``work(*args)`` in ``count`` processes that form a group; return what each of them returned.

    Forked from a server that has imported everything and computed nothing: importing costs many times what the tests
    compute, and a process in which other tests have left threads cannot be forked safely.
    """
    name = uuid.uuid4().hex
    multiprocessing.set_forkserver_preload(['torch', 'mmengine.runner', 'faceresearch.engine', work.__module__])
    mp.start_processes(_enter, (work, count, folder, name, args), count, start_method='forkserver')
    return [torch.load(folder / f'{name}_{rank}.pt', weights_only=True) for rank in range(count)]


def _enter(rank: int, work: Callable[..., Any], count: int, folder: Path, name: str, args: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{folder / name}', rank=rank, world_size=count)
    try:
        torch.save(work(*args), folder / f'{name}_{rank}.pt')
        dist.barrier()
    finally:
        dist.destroy_process_group()
