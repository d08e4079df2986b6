"""Pin every package the project installs: writes base.txt, cuda.txt, extras.txt, dev.txt, demo.txt and openmmlab.txt beside this file.

Run it when pyproject.toml's dependencies change or to move to newer releases (needs uv, and the network):
    python requirements/compile.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Their own metadata asks for a second OpenCV build, for chumpy (does not build) and for xtcocotools (built against
# numpy 1), so they are installed without it; what they do need is pinned in base.txt.
OPENMMLAB = ('mmcv-lite', 'mmdet', 'mmengine', 'mmpose')
CUDA = re.compile(r'(nvidia-|cuda-|triton\b)')
HEADERS = {
    'base': 'What training, testing and inference need, besides openmmlab.txt.\n-c cuda.txt',
    'cuda': 'Constraints: they hold only where the chosen torch build asks for these packages.',
    'extras': 'ONNX export, TensorBoard, web data sets, Keras checkpoints.\n-r base.txt',
    'dev': 'Tests, linters, type checker, build backend, browser driver.\n-r extras.txt',
    'demo': "The demo page. Install with --no-deps, after base.txt: gradio's own metadata asks for an older Pillow.",
    'openmmlab': 'Install with --no-deps, after base.txt: their own metadata asks for packages that break the environment.',
}


def resolve(*extras: str) -> list[str]:
    """Return the pinned lines of the project with some extras, for every supported Python and platform."""
    options = [word for extra in extras for word in ('--extra', extra)]
    options += ['--universal', '--python-version', '3.11', '--no-header', '--no-annotate', '--upgrade']
    command = ['uv', 'pip', 'compile', 'pyproject.toml', *options, '--quiet']
    return subprocess.run(command, cwd=HERE.parent, check=True, capture_output=True, text=True).stdout.splitlines()


def name_of(line: str) -> str:
    return re.split(r'[=\s]', line, maxsplit=1)[0]


def write(name: str, lines: list[str]) -> None:
    comment, *options = HEADERS[name].split('\n')
    header = [f'# {comment}', '# Written by requirements/compile.py; do not edit.', *options]
    (HERE / f'{name}.txt').write_text('\n'.join([*header, *lines]) + '\n', encoding='utf-8')
    print(f'{name}.txt: {len(lines)} packages')


def main() -> int:
    everything = resolve('onnx', 'train', 'convert', 'dev', 'demo')
    usual = {name_of(line) for line in resolve('onnx', 'train', 'convert', 'dev')}
    core = {name_of(line) for line in resolve()}
    # Beside base.txt alone it must be whole: what dev.txt has too is in both.
    demo = {name_of(line) for line in resolve('demo')} - core
    extra = {name_of(line) for line in resolve('onnx', 'train', 'convert')} - core
    groups: dict[str, list[str]] = {name: [] for name in HEADERS}
    for line in everything:
        name = name_of(line)
        if name in demo:
            groups['demo'].append(line)
        if name not in usual:
            continue
        if name in OPENMMLAB:
            group = 'openmmlab'
        elif CUDA.match(name):
            group = 'cuda'
        else:
            group = 'base' if name in core else 'extras' if name in extra else 'dev'
        groups[group].append(line)
    for name, lines in groups.items():
        write(name, lines)
    return 0


if __name__ == '__main__':
    sys.exit(main())
