"""A network in lower precision, made with a user's images and judged on others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from faceresearch.errors import UserError
from faceresearch.export.parity import SIZES, synthetic_images
from faceresearch.export.precision import Precision, error_table, output_errors, to_half, to_int8

if TYPE_CHECKING:
    import onnx
    from rich.console import Console

#: Images that judge the result.
_JUDGED = 20


def reduced(
    model: nn.Module,
    graph: onnx.ModelProto,
    precision: Precision,
    folder: str | Path | None,
    count: int,
    console: Console,
) -> tuple[onnx.ModelProto, Precision]:
    """Return a network in float16 or int8, and print how far its outputs are from single precision.

    Args:
        model: the graph's, whose test pipeline prepares images.
        graph: takes normalised images.
        precision: float16 or int8.
        folder: of images; without it, for float16, images are made up.
        count: images to calibrate with.
        console: for the table.

    Raises:
        UserError: the folder has no images, or the count is not positive.
    """
    if count < 1:
        raise UserError(f'{count} calibration images: at least 1 is needed')
    if folder is None:
        made = to_half(graph)
        height, width = _size(graph) or SIZES[-1]
        images = [_array(synthetic_images(1, height, width, model.data_preprocessor, _channels(graph)))]  # type: ignore[arg-type]
        console.print('no real images were given: the figures are of a made-up one')
    else:
        paths = image_paths(folder)
        chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, min(count, len(paths))).round().astype(int)]
        # On the images it was calibrated with only where there are no others.
        rest = sorted(set(paths) - set(chosen)) or chosen
        made = to_int8(graph, network_inputs(model, chosen))
        images = list(network_inputs(model, rest[:: max(1, len(rest) // _JUDGED)][:_JUDGED]))
        console.print(f'ranges of activations are those of {len(chosen)} images of {folder}', highlight=False)
    console.print(error_table(output_errors(graph, made, images), precision, len(images)))
    return made, precision


def image_paths(folder: str | Path) -> list[Path]:
    """Return the images in a folder and in those below it.

    Raises:
        UserError: there is none.
    """
    from faceresearch.apis.media import IMAGE_SUFFIXES

    found = sorted(path for path in Path(folder).rglob('*') if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise UserError(f'{folder}: no such folder, or no images in it; --int8 takes a folder of images')
    return found


def network_inputs(model: nn.Module, paths: Sequence[Path]) -> Iterator[np.ndarray]:
    """Yield what the network sees of images, (1, C, h, w) float32 each, prepared as in a test.

    Raises:
        UserError: an image cannot be read.
    """
    from faceresearch.apis.model import prepare

    for path in paths:
        packed = {key: [value] for key, value in prepare(model, path).items()}
        yield _array(model.data_preprocessor(packed, False)['inputs'])  # type: ignore[operator, union-attr]


def _array(images: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(images.float().cpu().numpy())


def _size(graph: onnx.ModelProto) -> tuple[int, int] | None:
    dims = graph.graph.input[0].type.tensor_type.shape.dim
    return (dims[2].dim_value, dims[3].dim_value) if dims[2].dim_value and dims[3].dim_value else None


def _channels(graph: onnx.ModelProto) -> int:
    return int(graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value)
