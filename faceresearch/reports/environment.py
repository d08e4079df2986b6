"""What a figure was computed with: versions, machine, commit, command."""

from __future__ import annotations

import hashlib
import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: Packages whose version may move a figure.
_PACKAGES = (
    'torch', 'torchvision', 'mmengine', 'mmcv-lite', 'mmdet', 'mmpose', 'timm', 'numpy', 'scipy', 'opencv-python-headless',
    'pillow', 'onnxruntime',
)  # fmt: skip


def environment(device: str | None = None) -> dict[str, str]:
    """Return facts by name, as text.

    Args:
        device: torch device that the model ran on; None: no model did.
    """
    import torch

    from faceresearch import __version__
    from faceresearch.engine.threads import available_cores
    from faceresearch.engine.weights import checkout_commit

    facts = {
        'Date': datetime.now(UTC).strftime('%Y-%m-%d %H:%M UTC'),
        'Command': shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        'faceresearch': __version__,
    }
    commit = checkout_commit()
    if commit:
        facts['Commit'] = commit
    if device is not None:
        facts['Device'] = _device(device)
    facts['Processor'] = (
        f'{_processor()}, {available_cores()} cores for this process, {torch.get_num_threads()} threads'
    )
    facts['System'] = f'{platform.system()} {platform.release()} ({platform.machine()})'
    facts['Python'] = platform.python_version()
    for package in _PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            continue
    return facts


def file_facts(path: str | Path) -> str:
    """Return a file's path, size and sha256, in words; of what is no file only its name."""
    path = Path(path)
    if not path.is_file():
        return str(path)
    with path.open('rb') as stream:
        digest = hashlib.file_digest(stream, 'sha256').hexdigest()
    return f'{path} ({path.stat().st_size:,} bytes, sha256 {digest})'


def _device(device: str) -> str:
    import torch

    if device.startswith('cuda') and torch.cuda.is_available():
        return f'{device}: {torch.cuda.get_device_name(torch.device(device))}, CUDA {torch.version.cuda}'
    return device


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError:
        lines = []
    named = (line.partition(':')[2].strip() for line in lines if line.startswith('model name'))
    return next(named, platform.processor() or platform.machine() or 'unknown')
