"""What embeddings depend on, as plain values: two analyzers with the same ones make the same embeddings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from mmengine.config import Config
from torch import nn

from faceresearch.config.contract import input_contract

if TYPE_CHECKING:
    from faceresearch.analysis.analyzer import FaceAnalyzer

#: Raise it when faces are aligned or embedded in another way than before, so that stored embeddings are not used.
_FORM = 1


def identity_of(analyzer: FaceAnalyzer) -> dict[str, Any]:
    """Return all that an analyzer's embeddings depend on: settings, input contracts, configs and weights of its models.

    Raises:
        UserError: there is no recogniser.
    """
    finder = analyzer.finder
    return {
        'form': _FORM,
        'detector': None if finder.detector is None else _model(finder.detector),
        'score_thr': finder.score_thr,
        'pads': list(finder.pads),
        'max_faces': finder.max_faces,
        'models': [_model(stage.model) for stage in analyzer.recognition()],
    }


def weights_digest(model: nn.Module) -> str:
    """Return a hash of a model's weights: of its ONNX files, where such compute it."""
    from faceresearch.models.onnx_network import ONNXNetwork

    files = [Path(part.path) for part in model.modules() if isinstance(part, ONNXNetwork)]
    sums = hashlib.blake2b(digest_size=32)
    for path in files:
        sums.update(path.read_bytes())
    # Beside an ONNX file, the tensors are what the config began with, and are not used.
    for name, tensor in () if files else model.state_dict().items():
        values = tensor.detach().cpu().contiguous()
        sums.update(f'{name} {values.dtype} {tuple(values.shape)}\n'.encode())
        sums.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return sums.hexdigest()


def _model(model: nn.Module) -> dict[str, Any]:
    from faceresearch.compat.pipelines import test_dataset

    cfg: Any = model.cfg
    pipeline = test_dataset(cfg).get('pipeline') or ()
    return {
        'config': Path(cfg.filename or type(model).__name__).stem,
        'contract': input_contract(cfg),
        'model': Config({'model': cfg.get('model') or {}}).to_dict()['model'],
        'pipeline': [{str(key): str(value) for key, value in step.items()} for step in pipeline],
        'weights': weights_digest(model),
    }
