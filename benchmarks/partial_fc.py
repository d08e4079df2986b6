"""Memory and time of a training step of the classification head, by number of identities and sample rate.

    python benchmarks/partial_fc.py [--identities 10000 100000 1000000] [--rates 1.0 0.1] [--batch 128]
    torchrun --nproc-per-node 8 benchmarks/partial_fc.py        # each process holds its share of the centres

A step is forward, backward and SGD with momentum on random embeddings, without the network. Memory is the peak of one
process: on a GPU what torch took, on the CPU by how much the process grew (each row runs in a process of its own).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def measure(identities: int, rate: float, batch: int, size: int, steps: int) -> dict[str, float]:
    """Return the median time of a step in ms, the peak in MiB, and classes seen."""
    import torch
    from mmengine.optim import OptimWrapper

    from faceresearch.engine.sharded_optim import prepare_optimizer
    from faceresearch.models.heads import MarginHead

    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    before = _peak(device)
    head = MarginHead(size, identities, {'type': 'ArcFace'}, sample_rate=rate).to(device)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    prepare_optimizer(OptimWrapper(optimizer), head)
    times = []
    for _ in range(steps + 2):
        embedding = torch.randn(batch, size, device=device, requires_grad=True)
        identity = torch.randint(0, identities, (batch,), device=device)
        _wait(device)
        begin = time.perf_counter()
        head.loss(embedding, identity)['loss_margin'].backward()
        optimizer.step()
        seen = head.centres.grad.shape[0] if rate == 1 else head.centres.grad._nnz()
        optimizer.zero_grad()
        _wait(device)
        times.append(time.perf_counter() - begin)
    # The first steps take memory and set up the optimiser.
    return {'ms': statistics.median(times[2:]) * 1000, 'MiB': _peak(device) - before, 'seen': seen}


def _peak(device: object) -> float:
    import torch

    if str(device).startswith('cuda'):
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _wait(device: object) -> None:
    import torch

    if str(device).startswith('cuda'):
        torch.cuda.synchronize()


def _join() -> bool:
    """Join the processes that a launcher started; tell whether this is the first one."""
    import torch

    if 'RANK' not in os.environ:
        return True
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ['LOCAL_RANK']))
    torch.distributed.init_process_group('nccl' if torch.cuda.is_available() else 'gloo')
    return torch.distributed.get_rank() == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--identities', type=int, nargs='+', default=[10_000, 100_000, 1_000_000])
    parser.add_argument('--rates', type=float, nargs='+', default=[1.0, 0.1], help='sample rates')
    parser.add_argument('--batch', type=int, default=128, help='images of each process (default 128)')
    parser.add_argument('--size', type=int, default=512, help='embedding size (default 512)')
    parser.add_argument('--steps', type=int, default=5, help='steps that are timed (default 5)')
    parser.add_argument('--json', action='store_true', help='print one measurement as JSON (used by the tool itself)')
    args = parser.parse_args()

    first = _join() if 'RANK' in os.environ else True
    if first and not args.json:
        print(f'batch {args.batch} per process, embedding size {args.size}, {args.steps} steps')
        print(f'{"identities":>12} {"rate":>6} {"seen here":>10} {"ms/step":>9} {"peak MiB":>9}', flush=True)
    for identities in args.identities:
        for rate in args.rates:
            if args.json or 'RANK' in os.environ:
                found = measure(identities, rate, args.batch, args.size, args.steps)
            else:
                settings = [str(value) for value in (identities, rate, args.batch, args.size, args.steps)]
                names = ('--identities', '--rates', '--batch', '--size', '--steps')
                command = [sys.executable, __file__, '--json']
                command += [part for pair in zip(names, settings) for part in pair]
                found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            if args.json:
                print(json.dumps(found))
            elif first:
                print(
                    f'{identities:>12,} {rate:>6} {found["seen"]:>10,} {found["ms"]:>9.1f} {found["MiB"]:>9.0f}',
                    flush=True,
                )
    return 0


if __name__ == '__main__':
    sys.exit(main())
