#!/usr/bin/env python3
"""From a fresh checkout to a trained and tested face detector, in an environment of its own.

    python3 quickstart.py              install, then train and test RetinaFace on SynthFaces (no data set needed)
    python3 quickstart.py test         install, then run the tests (further arguments go to pytest)
    python3 quickstart.py setup        only install

Everything goes into .venv in this checkout and work_dirs/quickstart; nothing is installed system-wide. Only the
standard library is used, and pip with whatever configuration it has on this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST, NEWEST = (3, 11), (3, 13)
CONFIG = 'configs/retinaface/retinaface_mnet025_synthfaces.py'
WORK_DIR = 'work_dirs/quickstart'
STAMP = 'faceresearch-installed.txt'
EXAMPLES = """\
examples:
  python3 quickstart.py                                the 15-minute tour
  python3 quickstart.py demo max_epochs=2              a shorter one: KEY=VALUE arguments change the training config
  python3 quickstart.py test tests/config -x           some tests; arguments go to pytest
  python3 quickstart.py --venv ~/envs/faces setup      the environment somewhere else
"""


class Failure(Exception):
    """Something the user can mend: printed as one line, exit status 2."""


def say(text: str) -> None:
    print(f'[quickstart] {text}', flush=True)


def run(command: list[str], what: str) -> None:
    """Run a command in the checkout; a failure ends the script with the command's own status."""
    status = subprocess.call(command, cwd=str(ROOT), env=environment())
    if status:
        print(f'error: {what} failed (exit status {status}); the lines above say why', file=sys.stderr)
        sys.exit(status if 0 < status < 128 else 1)


def environment() -> dict[str, str]:
    """Return this process's environment without what would send packages elsewhere than into the virtual environment."""
    strays = ('PYTHONHOME', 'PYTHONPATH', 'PIP_USER', 'PIP_TARGET', 'PIP_PREFIX', 'PIP_ROOT', '__PYVENV_LAUNCHER__')
    kept = {key: value for key, value in os.environ.items() if key not in strays}
    return dict(kept, PIP_DISABLE_PIP_VERSION_CHECK='1', PIP_NO_INPUT='1')


def check_python() -> None:
    """Refuse a Python that the pinned packages do not support, and name one that is there and would do."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    supported = [f'python3.{minor}' for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    found = [name for name in supported if shutil.which(name)]
    remedy = f'run `{found[0]} quickstart.py`' if found else 'install one of these and run this again with it'
    here = f'{sys.version_info[0]}.{sys.version_info[1]}'
    raise Failure(f'this is Python {here}; faceresearch needs 3.11, 3.12 or 3.13: {remedy}')


# --- the environment -------------------------------------------------------------------------------------------------


def venv_python(venv: Path) -> Path:
    return venv / ('Scripts/python.exe' if os.name == 'nt' else 'bin/python')


def ask(venv: Path, code: str) -> str | None:
    """Return what a line of Python prints in the environment, or None when it cannot be run there."""
    try:
        command = [str(venv_python(venv)), '-I', '-c', code]
        answer = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def make_venv(venv: Path) -> None:
    """Create the environment, or complete one whose creation was interrupted."""
    if ask(venv, 'print(1)') is None:
        if venv.is_dir() and any(venv.iterdir()) and not (venv / 'pyvenv.cfg').is_file():
            raise Failure(f'{venv} is a folder, but no virtual environment: name another with --venv')
        check_python()
        say(f'creating {venv} with Python {sysconfig.get_python_version()}')
        try:
            import venv as creator

            # pip follows below: with it, a missing ensurepip would fail inside with an unhelpful message.
            creator.create(str(venv), clear=True, symlinks=os.name != 'nt')
        except (ImportError, OSError) as error:
            raise Failure(f'cannot create {venv}: {error}') from None
    version = ask(venv, 'import sys; print("%d.%d" % sys.version_info[:2])')
    if version not in ('3.11', '3.12', '3.13'):
        raise Failure(f'{venv} has Python {version}; faceresearch needs 3.11, 3.12 or 3.13: delete it or use --venv')
    if ask(venv, 'import pip._internal') is None:
        python = str(venv_python(venv))
        if ask(venv, 'import ensurepip') is None:
            raise Failure(
                f'this Python has no ensurepip, so {venv} cannot get pip: install it (on Debian and Ubuntu: '
                f'`apt install python{version}-venv`) and run this again'
            )
        run([python, '-I', '-m', 'ensurepip', '--upgrade', '--default-pip'], 'adding pip to the environment')


def fingerprint(venv: Path) -> str:
    """Return a hash of all that decides what is installed: the pins, our own metadata, the Python, the checkout."""
    python = ask(venv, 'import sys; print(sys.version, sys.prefix)')
    digest = hashlib.sha256(f'{python}\n{ROOT}\n'.encode())
    for path in sorted((ROOT / 'requirements').glob('*.txt')):
        digest.update(path.read_bytes())
    # Up to the tools' own settings: those change nothing that is installed.
    digest.update((ROOT / 'pyproject.toml').read_bytes().split(b'[tool.ruff]')[0])
    return digest.hexdigest()


def drop_cut_off_installs(venv: Path) -> None:
    """Make pip install a package again whose installation was killed halfway.

    pip writes a package's RECORD last, so metadata without one belongs to an unfinished installation; left there, pip
    would take the package for installed.
    """
    site = ask(venv, 'import sysconfig; print(sysconfig.get_path("purelib"))')
    for info in Path(site or venv).glob('*.dist-info'):
        if not (info / 'RECORD').is_file():
            shutil.rmtree(str(info))


def setup(venv: Path) -> Path:
    """Bring the environment up to date with the pins; return its interpreter."""
    make_venv(venv)
    python, stamp = venv_python(venv), venv / STAMP
    wanted = fingerprint(venv)
    if stamp.is_file() and stamp.read_text(encoding='utf-8').strip() == wanted:
        return python
    say('installing the pinned packages (about 3 GB are downloaded the first time; interrupted, it goes on next time)')
    stamp.unlink(missing_ok=True)
    drop_cut_off_installs(venv)
    pip = [str(python), '-I', '-m', 'pip', 'install']
    run([*pip, '-r', 'requirements/dev.txt'], 'installing requirements/dev.txt')
    run([*pip, '--no-deps', '-r', 'requirements/openmmlab.txt'], 'installing requirements/openmmlab.txt')
    run([*pip, '--no-deps', '--no-build-isolation', '-e', '.'], 'installing faceresearch itself')
    stamp.write_text(wanted + '\n', encoding='utf-8')
    say(f'{venv} is ready')
    return python


# --- what it is for --------------------------------------------------------------------------------------------------


def demo(python: Path, overrides: list[str]) -> None:
    """Train and test RetinaFace on SynthFaces, draw what it finds in unseen scenes, and say what to try next."""

    def tool(name: str, *arguments: str) -> None:
        run([str(python), '-u', f'tools/{name}.py', *arguments], f'tools/{name}.py')

    say(f'training {CONFIG} (about 13 minutes on two cores; log and checkpoints: {WORK_DIR})')
    tool('train', CONFIG, *overrides, '--work-dir', WORK_DIR, '--resume')
    best = f'{WORK_DIR}/best.safetensors'
    say(f'testing {best} on unseen scenes')
    outputs = ['--work-dir', WORK_DIR, '--out', f'{WORK_DIR}/metrics.json', '--report', f'{WORK_DIR}/report']
    tool('test', CONFIG, best, *overrides, *outputs)
    say('drawing what it finds')
    tool('make_synthfaces', f'{WORK_DIR}/scenes', '--split', 'val', '--scenes', '12')
    tool('infer', CONFIG, best, f'{WORK_DIR}/scenes/WIDER_val/images/0--SynthFaces', '-o', f'{WORK_DIR}/pictures')

    say('done:')
    work = ROOT / WORK_DIR
    for key, value in json.loads((work / 'metrics.json').read_text(encoding='utf-8')).items():
        print(f'    {key:<28} {value:.4f}' if isinstance(value, float) else f'    {key:<28} {value}')
    here = os.path.relpath(str(work))
    say(f'pictures of detections: {here}/pictures; figures, curves, worst failures: {here}/report/report.html')
    say('to try next:')
    for line in (
        *([] if Path.cwd() == ROOT else [f'cd {shlex.quote(str(ROOT))}']),
        f'source {shlex.quote(os.path.relpath(str(python.parent / "activate"), str(ROOT)))}',
        f'python tools/infer.py {CONFIG} {best} YOUR_PHOTO.jpg -o {WORK_DIR}/photos',
        f'python tools/train.py {CONFIG} max_epochs=200 --work-dir work_dirs/mine',
        f'python tools/export_onnx.py {CONFIG} {best} -o {WORK_DIR}/retinaface.onnx',
    ):
        print(f'    {line}')


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--venv', type=Path, default=ROOT / '.venv', help='where the environment is (default: .venv)')
    parser.add_argument('action', nargs='?', default='demo', choices=('demo', 'test', 'setup'))
    parser.add_argument('arguments', nargs=argparse.REMAINDER, metavar='...', help='for pytest, or KEY=VALUE for demo')
    args = parser.parse_args()
    if args.action == 'setup' and args.arguments:
        parser.error('setup takes no arguments')
    try:
        python = setup(args.venv.expanduser().absolute())
        if args.action == 'demo':
            demo(python, args.arguments)
        elif args.action == 'test':
            return subprocess.call([str(python), '-m', 'pytest', *args.arguments], cwd=str(ROOT), env=environment())
    except Failure as failure:
        print(f'error: {failure}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('\ninterrupted; the same command goes on from here', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
