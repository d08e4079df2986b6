"""One RetinaFace, traced once for all export tests: tracing takes several seconds."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from faceresearch.compat.scope import set_scope
from faceresearch.config import load_config
from faceresearch.export.parity import synthetic_images
from faceresearch.export.trace import RawOutputs, trace
from faceresearch.registry import MODELS

if TYPE_CHECKING:
    import onnx
    from mmengine.config import Config

CONFIG = 'retinaface_mnet025_widerface'


@pytest.fixture(scope='session')
def cfg() -> Config:
    return load_config(CONFIG)


@pytest.fixture(scope='session')
def model(cfg: Config) -> nn.Module:
    """RetinaFace mnet025 with random weights whose outputs depend on the image.

    Freshly built, its signal dies out on the way and parity would hold for any convolution weights: so its batch norms
    first take the statistics of a batch.
    """
    set_scope(cfg)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: Any = MODELS.build(cfg.model)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None
    network.train()
    with torch.no_grad():
        network(synthetic_images(4, 96, 128, network.data_preprocessor), mode='tensor')
    return network.eval()


@pytest.fixture(scope='session')
def traced(model: nn.Module) -> onnx.ModelProto:
    return trace(RawOutputs(model), model.output_names)


@pytest.fixture(scope='session')
def export_run(model: nn.Module, traced: onnx.ModelProto, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The file that ``export_onnx`` writes for ``model``, and what it prints."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        path = export(model, traced, tmp_path_factory.mktemp('export') / 'model.onnx', patch)
    return path, printed.getvalue()


@pytest.fixture(scope='session')
def exported(export_run: tuple[Path, str]) -> Path:
    return export_run[0]


def export(
    model: nn.Module, graph: onnx.ModelProto, path: Path, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> Path:
    """Run ``export_onnx`` with ``model`` in place of a checkpoint's, and ``graph`` in place of tracing it again."""
    from faceresearch.apis.export import export_onnx

    monkeypatch.setattr('faceresearch.apis.model.init_model', lambda *args, **kwargs: model)
    monkeypatch.setattr('faceresearch.export.trace.trace', lambda *args, **kwargs: graph)
    return export_onnx(CONFIG, 'none', path, **options)
