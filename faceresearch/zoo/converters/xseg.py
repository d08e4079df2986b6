"""XSeg weights in DeepFaceLab's layout, from an .npz of arrays by name.

Kernels are (height, width, in, out), those of transposed convolutions (height, width, out, in), dense layers (in, out). The dense
layers flatten a map channel by channel, as torch does.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from faceresearch.errors import UserError
from faceresearch.evaluation.predictions import read_arrays
from faceresearch.zoo.converters.base import Converter

#: What one array may take in memory; the largest of the network has 8 MiB.
_LARGEST = 256 * 2**20
#: Convolutions of each stage of the decoder, which DeepFaceLab numbers downwards.
_COUNTS = {5: 3, 4: 3, 3: 3, 2: 2, 1: 2, 0: 2}


def _unit(where: str) -> tuple[tuple[str, str], ...]:
    """Targets of the parts of a normalised convolution at ``where``; group 1 is the tensor's own name."""
    return (
        (r'conv\.(weight|bias)', f'{where}.0.'),
        (r'frn\.(weight|bias|eps)', f'{where}.1.'),
        (r'tlu\.(tau)', f'{where}.1.'),
    )


def _rules() -> tuple[tuple[str, str], ...]:
    rules: list[tuple[str, str]] = []
    for stage, count in _COUNTS.items():
        for i in range(1, 4):
            rules += [
                (rf'conv{stage}{i}\.{part}', rf'{new}\1') for part, new in _unit(f'backbone.encoder.{stage}.{i - 1}')
            ]
            rules += [
                (rf'uconv{stage}{i}\.{part}', rf'{new}\1')
                for part, new in _unit(f'backbone.decoder.{5 - stage}.{count - i}')
            ]
        up = f'backbone.enlarge.{5 - stage}'
        rules += [
            (rf'up{stage}\.conv\.(weight|bias)', rf'{up}.conv.\1'),
            (rf'up{stage}\.frn\.(weight|bias|eps)', rf'{up}.norm.\1'),
            (rf'up{stage}\.tlu\.(tau)', rf'{up}.norm.\1'),
        ]
    rules += [(rf'dense{i}\.(weight|bias)', rf'backbone.dense.{i - 1}.\1') for i in (1, 2)]
    return (*rules, (r'out_conv\.(weight|bias)', r'head.conv.\1'))


DEEPFACELAB_XSEG = Converter(
    name='iperov/DeepFaceLab:XSeg',
    detect=('conv01.conv.weight', 'dense1.weight', 'out_conv.weight'),
    rules=_rules(),
)


def read_deepfacelab(path: str | Path) -> dict[str, Tensor]:
    """Read arrays in DeepFaceLab's layout, by names such as ``conv01/conv/weight:0``, as tensors in torch's.

    Names get dots for slashes and lose ``:0``. Nothing is unpickled, and sizes are checked before memory is taken.

    Raises:
        UserError: the file is no npz that can be read, or an array has an impossible shape.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix('.npy') for name in archive.namelist() if name.endswith('.npy')]
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f'{path}: not an npz file that can be read ({error})') from error
    state = {}
    for name, array in read_arrays(path, names, _LARGEST).items():
        if array.dtype.kind != 'f' or array.ndim > 4:
            raise UserError(f'{path}: {name} is {array.dtype} {array.shape}; weights are floating-point numbers')
        state[re.sub(r':\d+$', '', name).replace('/', '.')] = torch.from_numpy(np.ascontiguousarray(_turned(array)))
    return state


def _turned(array: np.ndarray) -> np.ndarray:
    if array.ndim == 4 and array.shape[:3] != (1, 1, 1):
        # (h, w, in, out) to (out, in, h, w), and (h, w, out, in) to (in, out, h, w).
        return array.transpose(3, 2, 0, 1)
    if array.ndim == 2:
        return array.T
    return array.reshape(-1)
