"""From a published ONNX file to one of this project's models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from torch import Tensor, nn

from faceresearch.config.contract import fixed_size, input_contract
from faceresearch.errors import UserError
from faceresearch.zoo.converters import ConversionReport
from faceresearch.zoo.converters.onnx_graph import graph_layers, input_image, input_scaling, read_graph
from faceresearch.zoo.converters.onnx_weights import AnyNorm, BatchNorm, calibrate, check_outputs, fill_from_graph

#: More images than this do not change a channel's statistics by what matters.
MAX_IMAGES = 256


def convert_onnx(
    model: nn.Module, path: Path, cfg: Config, bn: BatchNorm, images: str | Path | None
) -> tuple[dict[str, Tensor], ConversionReport]:
    """Fill a model from an ONNX file, compare it with the file, and return its tensors.

    Args:
        model: the model that ``cfg`` describes.
        path: the file.
        cfg: brings the test pipeline that ``images`` go through.
        bn: see :func:`~faceresearch.zoo.convert.convert_checkpoint`.
        images: folder of images for ``bn='calibrated'``.

    Raises:
        UserError: the file cannot be read, is of another model, or there are no images to calibrate on.
    """
    if bn not in ('identity', 'calibrated'):
        raise UserError(f"bn={bn!r}: use 'identity' or 'calibrated'")
    if bn == 'calibrated' and images is None:
        raise UserError("bn='calibrated' measures statistics on images: name a folder with --images")
    graph = read_graph(path)
    image = input_image(graph, fixed_size(input_contract(cfg)) or (640, 640))
    scaling = input_scaling(graph)
    filled = fill_from_graph(model, graph_layers(graph, path), image, path)
    check_outputs(model, path, image, scaling)
    if bn == 'calibrated':
        assert images is not None
        _calibrate_on(model, filled.identities, cfg, Path(images))
        check_outputs(model, path, image, scaling)
    report = ConversionReport(f'{path.name} (ONNX)', mapped=filled.mapped)
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}, report


def _calibrate_on(model: nn.Module, norms: Sequence[AnyNorm], cfg: Config, folder: Path) -> None:
    from faceresearch.apis.media import IMAGE_SUFFIXES
    from faceresearch.apis.model import inference

    files = sorted(str(file) for file in folder.rglob('*') if file.suffix.lower() in IMAGE_SUFFIXES)
    # From all over: the files of one event stand together.
    files = files[:: max(1, -(-len(files) // MAX_IMAGES))]
    if not files:
        raise UserError(f'--images {folder}: holds no images')
    model.cfg = cfg  # type: ignore[assignment]
    calibrate(model, norms, lambda: (inference(model, files), None)[1])
