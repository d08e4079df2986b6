"""Who computes with how many threads: too many at once cost a factor of nine when measured on two cores."""

from __future__ import annotations

import os

import cv2
import torch


def available_cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_threads(loader_workers: int) -> str:
    """Set this process's compute threads to max(1, cores − loader workers) and switch OpenCV's own threads off.

    Processes of one machine started by a launcher share its cores. ``OMP_NUM_THREADS``, when set, is respected.

    Args:
        loader_workers: processes that load data at the same time.

    Returns:
        A line for the log.
    """
    cores = available_cores()
    processes = max(1, int(os.environ.get('LOCAL_WORLD_SIZE', '1')))
    wanted = max(1, cores // processes - loader_workers)
    environment = os.environ.get('OMP_NUM_THREADS', '')
    threads = int(environment) if environment.isdecimal() and int(environment) > 0 else wanted
    torch.set_num_threads(threads)
    cv2.setNumThreads(0)
    source = f'OMP_NUM_THREADS={environment}' if threads != wanted else f'{cores} cores − {loader_workers} workers'
    if processes > 1:
        source += f', {processes} processes on this machine'
    return f'Threads: {threads} for computing ({source}), 1 in each loader worker, OpenCV threads off'


def start_worker(worker_id: int, num_workers: int = 0, rank: int = 0, seed: int = 0) -> None:
    """Prepare a loader worker: one thread, own seeds of the global generators (foreign transforms draw from them)."""
    from mmengine.dataset import worker_init_fn

    worker_init_fn(worker_id, num_workers, rank, seed, disable_subprocess_warning=True)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
