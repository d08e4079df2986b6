"""kill −9 a training at random moments, resume it each time, and compare with one that was never stopped.

    python benchmarks/acceptance/kill_resume.py --kills 5

Passes (exit 0) if every resume went on, no checkpoint under its final name was ever incomplete, and all losses, the
metrics and the final weights equal those of the uninterrupted training bit for bit.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SMALL = (
    'image_size=96',
    'scene_size=[160,160]',
    'train_scenes=128',
    'val_scenes=8',
    'batch_size=8',
    'num_workers=1',
    'max_epochs=6',
    'val_interval=2',
    'default_hooks.logger.interval=1',
    'log_processor.window_size=1',
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', default='retinaface_mnet025_synthfaces')
    parser.add_argument('--kills', type=int, default=5)
    parser.add_argument('--seed', type=int, default=None, help='of the moments; random by default')
    parser.add_argument('--interval', type=int, default=0, help='checkpoint every N iterations instead of every epoch')
    parser.add_argument('--folder', help='work dirs go here; a temporary folder by default')
    parser.add_argument('overrides', nargs='*', metavar='KEY=VALUE')
    args = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if args.seed is None else args.seed
    folder = Path(args.folder or tempfile.mkdtemp(prefix='kill_resume_'))
    overrides = [*SMALL, *args.overrides]
    if args.interval:
        overrides += ['++default_hooks.checkpoint.by_epoch=false', f'default_hooks.checkpoint.interval={args.interval}']
    print(f'seed {seed}, folder {folder}', flush=True)
    duration, steps = train_to_the_end(args.config, overrides, folder / 'whole')
    print(f'uninterrupted: {steps} iterations, {duration:.0f} s from the first to the end', flush=True)
    moments = random.Random(seed)
    # Moments all over the training: an iteration, and a fraction of the time that one takes.
    for number, iteration in enumerate(sorted(moments.sample(range(1, steps), args.kills))):
        delay = moments.uniform(0, 2 * duration / steps)
        kill_once(args.config, overrides, folder / 'killed', number, iteration, delay)
    train_to_the_end(args.config, overrides, folder / 'killed')
    return compare(folder / 'whole', folder / 'killed')


def start(config: str, overrides: list[str], work_dir: Path) -> subprocess.Popen[bytes]:
    work_dir.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        str(ROOT / 'tools/train.py'),
        config,
        *overrides,
        '--work-dir',
        str(work_dir),
        '--resume',
    ]
    with (work_dir / 'output.log').open('ab') as log:
        # A session of its own: the kill takes the loader workers with it, as a lost machine would.
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def position(work_dir: Path) -> int:
    """Return the last iteration that the newest log of a work dir tells of."""
    files = sorted(work_dir.glob('*/vis_data/scalars.json'))
    steps = re.findall(r'"iter": (\d+)', files[-1].read_text(errors='replace')) if files else []
    return int(steps[-1]) if steps else 0


def wait_for(process: subprocess.Popen[bytes], work_dir: Path, iteration: int) -> None:
    while process.poll() is None and position(work_dir) < iteration:
        time.sleep(0.02)


def train_to_the_end(config: str, overrides: list[str], work_dir: Path) -> tuple[float, int]:
    process = start(config, overrides, work_dir)
    wait_for(process, work_dir, 1)
    begin = time.monotonic()
    if process.wait() != 0:
        sys.exit(f'training failed, see {work_dir / "output.log"}')
    return time.monotonic() - begin, position(work_dir)


def kill_once(config: str, overrides: list[str], work_dir: Path, number: int, iteration: int, delay: float) -> None:
    from faceresearch.engine.training_checkpoint import read_state

    process = start(config, overrides, work_dir)
    wait_for(process, work_dir, iteration)
    time.sleep(delay)
    if process.poll() is not None:
        sys.exit(
            f'the training ended (status {process.returncode}) before kill {number + 1}: {work_dir / "output.log"}'
        )
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    states = sorted(work_dir.glob('[!.]*.pth'), key=lambda path: path.stat().st_mtime_ns)
    positions = [read_state(path)['meta']['iter'] for path in states]  # raises if one is incomplete
    leftovers = len(list(work_dir.glob('.*.tmp.*')))
    print(
        f'kill {number + 1}: at iteration {position(work_dir)}, {delay:.2f} s after {iteration} was reached; states of'
        f' iterations {positions}, all readable; {leftovers} temporary files',
        flush=True,
    )


def compare(whole: Path, killed: Path) -> int:
    import torch

    from faceresearch.apis.logs import read_log
    from faceresearch.zoo.checkpoint import read_checkpoint

    failures = 0
    expected, found = read_log(whole).series, read_log(killed).series
    for key in sorted(expected.keys() - {'time', 'data_time', 'memory'}):
        differing = [step for step in expected[key] if found.get(key, {}).get(step) != expected[key][step]]
        failures += bool(differing)
        last = max(expected[key])
        state = f'{len(differing)} DIFFER' if differing else 'all equal'
        print(f'{key:<24} {len(expected[key]):>4} values, {state}; last {expected[key][last]!r}')
    for name in ('last.safetensors', 'best.safetensors'):
        one, other = read_checkpoint(whole / name)[0], read_checkpoint(killed / name)[0]
        equal = one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
        failures += not equal
        print(f'{name:<24} {len(one):>4} tensors, {"bit-equal" if equal else "DIFFERENT"}')
    print('PASS' if not failures else f'FAIL ({failures})')
    return int(failures > 0)


if __name__ == '__main__':
    sys.exit(main())
