"""Stored masks of a whole data set: one npz, written by ``--dump`` and judged by ``--predictions``.

Arrays: ``names`` (images,) unicode, ``offsets`` (images + 1,) integers, and ``png`` (bytes,) uint8: image i is the PNG file
``png[offsets[i]:offsets[i + 1]]``, grey, of class ids at the size of the ground truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from faceresearch.datasets.base import BrokenImageError
from faceresearch.errors import UserError
from faceresearch.evaluation.predictions import image_key, read_arrays
from faceresearch.evaluation.wider_face import as_numpy, sample_name
from faceresearch.fileio import atomic_path
from faceresearch.registry import METRICS
from faceresearch.transforms.masks import decode_mask


@METRICS.register_module()
class DumpMasks(BaseMetric):
    """Writes the predicted masks of a whole data set to one npz; images that could not be read are left out.

    Args:
        path: the npz to write.
        collect_device: ``cpu`` or ``gpu``, where results of several processes meet.
    """

    def __init__(self, path: str, collect_device: str = 'cpu') -> None:
        super().__init__(collect_device=collect_device)
        self.path = path
        self.results: list[tuple[str, bytes]] = []

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the masks of a batch as PNG files."""
        for sample in data_samples:
            fields = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            if not fields.get('img_broken', False):
                mask = as_numpy(fields['pred_sem_seg']['sem_seg'])[0].astype(np.uint8)
                self.results.append((sample_name(fields), cv2.imencode('.png', mask)[1].tobytes()))

    def compute_metrics(self, results: list[tuple[str, bytes]]) -> dict[str, float]:
        """Write the file; there are no figures."""
        files = dict(results)
        with atomic_path(self.path) as temporary, temporary.open('wb') as stream:
            np.savez(
                stream,
                names=np.array(list(files), dtype=np.str_),
                offsets=np.cumsum([0, *map(len, files.values())]).astype(np.int64),
                png=np.frombuffer(b''.join(files.values()), np.uint8),
            )
        return {}


class StoredMasks:
    """The masks of an npz file that is not trusted, decoded when they are asked for.

    Args:
        path: the file.

    Raises:
        UserError: it is missing, damaged, too large, or its arrays do not fit together.
    """

    def __init__(self, path: str | Path) -> None:
        if not Path(path).is_file():
            raise UserError(f'{path}: no such predictions file')
        arrays = read_arrays(path, ('names', 'offsets', 'png'))
        if set(arrays) != {'names', 'offsets', 'png'}:
            raise UserError(
                f'{path}: needs the arrays names, offsets and png; it has {", ".join(sorted(arrays)) or "none"}'
            )
        names, offsets, self._bytes = arrays['names'], arrays['offsets'], arrays['png']
        if names.ndim != 1 or names.dtype.kind != 'U' or self._bytes.dtype != np.uint8 or self._bytes.ndim != 1:
            raise UserError(f'{path}: names must be one row of strings, png one row of bytes')
        good = offsets.shape == (len(names) + 1,) and offsets.dtype.kind in 'iu'
        if (
            not good
            or offsets[0] != 0
            or offsets[-1] != len(self._bytes)
            or (np.diff(offsets.astype(np.int64)) < 0).any()
        ):
            raise UserError(f'{path}: offsets must rise from 0 to the length of png, one more than names')
        self.path = Path(path)
        self._places = {image_key(str(name)): (int(a), int(b)) for name, a, b in zip(names, offsets, offsets[1:])}

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def mask(self, name: str) -> np.ndarray:
        """Return the mask (H, W) uint8 of an image.

        Raises:
            UserError: it is damaged.
        """
        first, last = self._places[name]
        try:
            return decode_mask(self._bytes[first:last].tobytes(), f'{self.path}: {name}')
        except BrokenImageError as error:
            raise UserError(str(error)) from error
