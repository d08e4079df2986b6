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


def processes_here() -> int:
    """Return how many training processes a launcher started on this machine."""
    return max(1, int(os.environ.get('LOCAL_WORLD_SIZE') or os.environ.get('SLURM_NTASKS_PER_NODE') or 1))


def effective_workers(wanted: int) -> int:
    """Return the number of loader workers to start: no more than this process's share of the cores."""
    return min(wanted, max(1, available_cores() // processes_here()))


def set_threads(workers: int) -> str:
    """Set this process's compute threads to max(1, cores − loader workers) and switch OpenCV's own threads off.

    Processes of one machine started by a launcher share its cores. ``OMP_NUM_THREADS``, when set, is respected.

    Args:
        workers: processes that load data at the same time.

    Returns:
        A line for the log.
    """
    cores, processes = available_cores(), processes_here()
    threads = max(1, cores // processes - workers)
    reason = f'{cores} cores, {workers} loader workers'
    if processes > 1:
        reason += f', {processes} processes on this machine'
    stated = os.environ.get('OMP_NUM_THREADS', '')
    if stated.isdecimal() and int(stated) > 0:
        threads, reason = int(stated), f'{reason}; OMP_NUM_THREADS={stated}'
    torch.set_num_threads(threads)
    cv2.setNumThreads(0)
    return f'Threads: {threads} to compute with ({reason}), 1 in each loader worker, none of OpenCV'


def start_worker(worker_id: int, num_workers: int = 0, rank: int = 0, seed: int = 0) -> None:
    """Prepare a loader worker: one thread, own seeds of the global generators (foreign transforms draw from them)."""
    from mmengine.dataset import worker_init_fn

    worker_init_fn(worker_id, num_workers, rank, seed, disable_subprocess_warning=True)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def join_cpu_processes() -> None:
    """Join the process group with gloo: mmengine's own set-up assumes a GPU."""
    if not torch.distributed.is_initialized() and 'RANK' in os.environ:
        torch.distributed.init_process_group(backend='gloo')
