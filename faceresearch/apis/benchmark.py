"""How large and how fast a model is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from faceresearch.errors import UserError

BACKENDS = ('torch', 'compile', 'onnxruntime')


@dataclass(frozen=True)
class Timing:
    """Latency of one way of running a model.

    Args:
        backend: one of ``BACKENDS``.
        milliseconds: of each run; empty where it could not run.
        note: why it could not.
    """

    backend: str
    milliseconds: tuple[float, ...]
    note: str = ''


def benchmark(
    config: str | Path,
    checkpoint: str | Path = 'none',
    overrides: Sequence[str] = (),
    size: tuple[int, int] | None = None,
    batch: int = 1,
    runs: int = 20,
    backends: Sequence[str] = BACKENDS,
    device: str | None = None,
) -> list[Timing]:
    """Print a model's parameters, multiply-adds and latency; resizing, decoding and NMS are not part of it.

    Args:
        config: a config file, or the name of one in ``configs/``.
        checkpoint: a path, a name in the zoo, or ``none``: speed does not depend on the weights.
        overrides: changes to the config, ``KEY=VALUE``.
        size: (h, w) of the images; None takes the one that the model's contract names, or 640 × 640.
        batch: images at once.
        runs: timed runs, after three that are not.
        backends: which of ``BACKENDS``.
        device: torch device; a GPU where there is one, by default. onnxruntime always runs on the CPU.

    Raises:
        UserError: sizes, runs or a back end make no sense, or the model has no raw outputs.
    """
    unknown = sorted(set(backends) - set(BACKENDS))
    if unknown:
        raise UserError(f'unknown back end {unknown[0]!r}; use {", ".join(BACKENDS)}')
    from faceresearch.apis.device import choose_device
    from faceresearch.apis.model import init_model
    from faceresearch.config import load_config
    from faceresearch.config.contract import fixed_size
    from faceresearch.export.forms import form_of

    cfg = load_config(config, overrides)
    size = size or fixed_size(cfg.get('contract') or {}) or (640, 640)
    if min(*size, batch, runs) < 1:
        raise UserError(f'size {size[0]} x {size[1]}, batch {batch}, runs {runs}: all must be at least 1')
    place = choose_device(device)
    model = init_model(cfg, checkpoint, place)
    network: Any = form_of(model)
    images = torch.randn(batch, 3, *size, device=place)
    names = tuple(network.output_names)
    timings = [_timing(backend, network, names, images, runs) for backend in backends]
    macs = multiply_adds(network, images[:1])
    headline = (
        f'{Path(config).stem}: {sum(p.numel() for p in model.parameters()):,} parameters, '
        f'{macs / 1e9:.3f} G multiply-adds ({2 * macs / 1e9:.3f} GFLOP) per image,'
        f' {openmmlab_flops(network, size) / 1e9:.3f} as OpenMMLab counts, on {place}'
    )
    _print(headline, timings, batch, size, runs)
    return timings


def _print(headline: str, timings: Sequence[Timing], batch: int, size: tuple[int, int], runs: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f'{batch} x 3 x {size[0]} x {size[1]}, {runs} runs, {torch.get_num_threads()} threads')
    for column in ('', 'median ms', 'fastest', 'slowest', 'images/s'):
        table.add_column(column, justify='left' if not column else 'right', no_wrap=True)
    for timing in timings:
        table.add_row(*_cells(timing, batch))
    console = Console()
    console.print(headline, highlight=False)
    console.print(table)
    for timing in timings:
        if timing.note:
            console.print(f'{timing.backend}: {timing.note}', highlight=False)


def multiply_adds(network: nn.Module, images: Tensor) -> int:
    """Count the multiplications of a forward pass that are followed by an addition: convolutions and matrix products.

    Papers call this FLOPs as often as they call its double so.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(images)
    return counter.get_total_flops() // 2


def openmmlab_flops(network: nn.Module, size: tuple[int, int]) -> float:
    """Count what mmcv counts: multiply-adds, biases, norms, activations and poolings of modules, for an image (h, w).

    Figures of mmdet and its forks (SCRFD) are these.
    """
    from mmcv.cnn import get_model_complexity_info

    return get_model_complexity_info(network, (3, *size), print_per_layer_stat=False, as_strings=False)[0]


def _timing(backend: str, network: nn.Module, names: Sequence[str], images: Tensor, runs: int) -> Timing:
    try:
        run = {'torch': _torch, 'compile': _compiled, 'onnxruntime': _onnx}[backend](network, names, images)
        return Timing(backend, _measure(run, runs, images.device))
    except Exception as error:  # No compiler, no onnxruntime, …: the other rows are still worth having.
        lines = str(error).strip().splitlines()
        return Timing(backend, (), f'{type(error).__name__}: {lines[0] if lines else ""}'[:200])


def _torch(network: nn.Module, names: Sequence[str], images: Tensor) -> Callable[[], object]:
    return lambda: network(images)


def _compiled(network: nn.Module, names: Sequence[str], images: Tensor) -> Callable[[], object]:
    compiled = torch.compile(network)
    return lambda: compiled(images)


def _onnx(network: nn.Module, names: Sequence[str], images: Tensor) -> Callable[[], object]:
    from faceresearch.export.parity import open_session
    from faceresearch.export.trace import INPUT_NAME, slim, trace

    graph = slim(trace(network, names, fixed_size=(images.shape[2], images.shape[3])))
    session = open_session(graph.SerializeToString())
    array = images.cpu().numpy()
    return lambda: session.run(None, {INPUT_NAME: array})


def _measure(run: Callable[[], object], runs: int, device: torch.device) -> tuple[float, ...]:
    def once() -> float:
        start = time.perf_counter()
        run()
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
        return 1000 * (time.perf_counter() - start)

    with torch.inference_mode():
        for _ in range(3):
            once()
        return tuple(once() for _ in range(runs))


def _cells(timing: Timing, batch: int) -> list[str]:
    if not timing.milliseconds:
        return [timing.backend, 'not available', '', '', '']
    median = statistics.median(timing.milliseconds)
    figures = (median, min(timing.milliseconds), max(timing.milliseconds))
    return [timing.backend, *(f'{value:.2f}' for value in figures), f'{1000 * batch / median:.1f}']
