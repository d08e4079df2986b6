"""Test pipelines of files that take images as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mmengine.config import Config

from faceresearch.engine.weights import find_checkpoint
from faceresearch.models.onnx_end2end import is_end2end, require_settings

_LOADERS = ('val_dataloader', 'test_dataloader')
#: Steps that such a file does itself. Cutting a face out of an image is not among them.
_DONE_BY_FILE = 'ResizeForTest'


def leave_sizes(cfg: Config, checkpoint: str) -> None:
    """Take resizing out of a config's test pipelines, in place, where the checkpoint is a file that resizes images itself.

    Args:
        cfg: with the test pipelines of a test, a benchmark's included.
        checkpoint: as for :func:`faceresearch.engine.weights.load_test_weights`.

    Raises:
        UserError: the file resizes images otherwise than the config.
    """
    if not checkpoint.lower().endswith('.onnx'):
        return
    path = find_checkpoint(checkpoint)
    if not is_end2end(path):
        return
    from faceresearch.config.contract import fixed_size, input_contract
    from faceresearch.export.metadata import read_metadata
    from faceresearch.export.pixels import sizing_of

    stated = read_metadata(path)
    for name in _LOADERS:
        dataset: Any = (cfg.get(name) or {}).get('dataset') or {}
        while 'pipeline' not in dataset and 'dataset' in dataset:
            dataset = dataset['dataset']
        if not dataset.get('pipeline'):
            continue
        sizing = sizing_of(dataset['pipeline'], fixed_size(input_contract(cfg)))
        require_settings(str(path), stated, {'sizing': asdict(sizing)})
        dataset['pipeline'] = [step for step in dataset['pipeline'] if not _is_done_by_file(step)]


def _is_done_by_file(step: Mapping[str, Any]) -> bool:
    return str(step['type']).rpartition('.')[2] == _DONE_BY_FILE
