"""Golden cases: deterministic weights and inputs, rebuilt from a tensor's name and shape alone.

The rule is that of the golden folder's own ``fill.py``, restated here so that a folder of cases needs no code.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch


def case_files(kind: str) -> list[Path]:
    """Return the case files under ``networks`` or ``training``; an empty list when no folder is configured."""
    root = os.environ.get('FACERESEARCH_GOLDEN_DIR')
    if not root and os.environ.get('FACERESEARCH_TEST_DATA'):
        root = str(Path(os.environ['FACERESEARCH_TEST_DATA']) / 'golden')
    return sorted(Path(root, kind).resolve().glob('*.npz')) if root else []


def load_case(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a case's meta and arrays."""
    with np.load(path, allow_pickle=False) as npz:
        arrays = {name: npz[name] for name in npz.files}
    return json.loads(bytes(arrays.pop('meta'))), arrays


def fill(key: str, shape: tuple[int, ...], salt: int, gain: float) -> np.ndarray:
    """Return the array of one tensor."""
    rng = np.random.default_rng([zlib.crc32(key.encode()), salt])
    if key.endswith('num_batches_tracked'):
        return np.zeros(shape, np.int64)
    if key.endswith('running_var'):
        return rng.uniform(0.8, 1.2, shape).astype('float32')
    if key.endswith('running_mean'):
        return (rng.standard_normal(shape) * 0.1).astype('float32')
    if len(shape) >= 2:
        return (rng.standard_normal(shape) * (gain / np.sqrt(int(np.prod(shape[1:]))))).astype('float32')
    if key.endswith('bias'):
        return (rng.standard_normal(shape) * 0.05).astype('float32')
    return rng.uniform(0.8, 1.2, shape).astype('float32')


def original_state(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Rebuild the original's state dict."""
    kept = meta.get('kept_keys', ())
    return {
        name: torch.from_numpy(
            np.asarray(arrays['kept:' + name] if name in kept else fill(name, tuple(shape), meta['salt'], meta['gain']))
        )
        for name, shape, _ in meta['state_dict']
    }


def network_input(meta: dict[str, Any]) -> torch.Tensor:
    """Rebuild the normalised input, float64."""
    seed = zlib.crc32(meta['name'].encode())
    x = np.random.default_rng([seed, meta['salt'], 0]).standard_normal(meta['input_shape'])
    x = x.astype('float32').astype('float64')
    return torch.from_numpy(1 / (1 + np.exp(-x)) if meta['name'].startswith('yolo') else x)
