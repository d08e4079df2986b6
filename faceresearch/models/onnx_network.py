"""An ONNX file in the place of a model's network: judged by the same tools as the model it was exported from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.base import FaceModel
from faceresearch.models.onnx_end2end import EndToEndNetwork, RawPixels, is_end2end, require_settings
from faceresearch.models.recognizers.recognizer import FaceRecognizer


class ONNXNetwork(nn.Module):
    """An ONNX file that maps images to raw outputs, computed by onnxruntime on the CPU.

    Args:
        path: file with one input (N, 3, H, W), normalised.
        names: the outputs to return, in this order; None returns all of them.

    Raises:
        UserError: onnxruntime is missing or refuses the file, or its inputs and outputs are others.
    """

    def __init__(self, path: str | Path, names: Sequence[str] | None = None) -> None:
        super().__init__()
        try:
            import onnxruntime
        except ImportError as error:
            raise UserError(f'{path}: testing an ONNX file needs onnxruntime: pip install onnxruntime') from error

        if not Path(path).is_file():
            raise UserError(f'{path}: No such file')
        options = onnxruntime.SessionOptions()
        # Its threads would wait in a loop after each call, on the cores that torch's operators then need: with several
        # files and two cores an image took eight times as long.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
        except Exception as error:  # onnxruntime's exceptions share no base class.
            raise UserError(f'{path}: onnxruntime refuses it: {str(error).splitlines()[0]}') from error
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4:
            raise UserError(f'{path}: needs one input (N, 3, H, W); it has {[entry.shape for entry in inputs]}')
        found = [output.name for output in outputs]
        if names is not None and not set(names) <= set(found):
            raise UserError(
                f'{path}: its outputs are {", ".join(found)}, the model needs {", ".join(names)}: export it with'
                " tools/export_onnx.py, or bring another toolkit's file in with tools/convert_checkpoint.py"
            )
        self.path = str(path)
        self.names = list(found if names is None else names)
        self.shapes = {output.name: output.shape for output in outputs}
        self.input_name = inputs[0].name
        # Most published files take one image at a time.
        self.batch = inputs[0].shape[0] if isinstance(inputs[0].shape[0], int) else None

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map images (N, 3, H, W), normalised, to the outputs, N rows each.

        Raises:
            UserError: the file does not take such images.
        """
        pixels = np.ascontiguousarray(images.detach().float().cpu().numpy())
        step = self.batch or len(pixels)
        try:
            parts = [self._run(pixels[first : first + step], step) for first in range(0, len(pixels), step)]
        except Exception as error:
            raise UserError(f'{self.path}: {str(error).splitlines()[0]}') from error
        return tuple(torch.from_numpy(np.concatenate(part)).to(images.device) for part in zip(*parts))

    def _run(self, pixels: np.ndarray, step: int) -> list[np.ndarray]:
        missing = step - len(pixels)
        whole = np.concatenate([pixels, np.zeros_like(pixels[:1]).repeat(missing, 0)]) if missing else pixels
        return [output[: len(pixels)] for output in self.session.run(self.names, {self.input_name: whole})]


class ONNXEmbedding(ONNXNetwork):
    """An ONNX file as the backbone of a recogniser, this project's or another toolkit's.

    Args:
        path: file with an embedding (N, D), followed by its length (N, 1) if the embedding has unit length.

    Raises:
        UserError: see :class:`ONNXNetwork`; or the first output is no embedding.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        shape = self.shapes[self.names[0]]
        if len(shape) != 2 or not isinstance(shape[1], int):
            raise UserError(f'{path}: is no recogniser: its first output should be (N, D) with a fixed D, not {shape}')
        self.embedding_size: int = shape[1]

    def forward(self, images: Tensor) -> Tensor:  # type: ignore[override]
        """Map aligned faces (N, 3, H, W) to embeddings (N, D)."""
        embedding, *norm = super().forward(images)
        return embedding * norm[0] if norm else embedding


def use_onnx(model: nn.Module, path: str | Path) -> None:
    """Put an ONNX file in the place of a model's network; all around it stays as the config says.

    Raises:
        UserError: the model is of another package, or the file was made for another input or has other outputs.
    """
    if isinstance(model, FaceModel) and is_end2end(path):
        _use_end2end(model, str(path))
        return
    if hasattr(model, 'data_preprocessor') and hasattr(model.data_preprocessor, 'memory_format'):
        # ONNX knows one order; channels_last would be turned back.
        model.data_preprocessor.memory_format = torch.contiguous_format  # type: ignore[union-attr,assignment]
    if isinstance(model, FaceRecognizer):
        embedding = ONNXEmbedding(path)
        _require_same_input(model.data_preprocessor, embedding)
        model.backbone, model.neck, model.embedding_size = embedding, None, embedding.embedding_size
        return
    if not isinstance(model, FaceModel):
        family = type(model).__module__.split('.')[0]
        raise UserError(f"{path}: ONNX files of {family}'s {type(model).__name__} cannot be tested yet")
    network = ONNXNetwork(path, model.output_names)
    _require_same_input(model.data_preprocessor, network)
    model.network = network


def _use_end2end(model: FaceModel, path: str) -> None:
    from faceresearch.export.end2end import settings_of

    network = ONNXNetwork(path)
    # A file of another kind of model is named as that, not by the settings that differ as well.
    end2end = EndToEndNetwork(network.session, path, model)
    stated = network.session.get_modelmeta().custom_metadata_map
    require_settings(path, stated, settings_of(model))
    _require_same_input(model.data_preprocessor, network)
    model.end2end = end2end
    model.data_preprocessor = RawPixels()


def _require_same_input(preprocessor: Any, network: ONNXNetwork) -> None:
    stated = network.session.get_modelmeta().custom_metadata_map
    ours = {
        'colour_order': preprocessor.colour_order,
        'mean': preprocessor.mean.flatten().tolist(),
        'std': preprocessor.std.flatten().tolist(),
    }
    for key, value in ours.items():
        if key not in stated:  # another toolkit's file: the config is trusted
            continue
        theirs = stated[key] if isinstance(value, str) else json.loads(stated[key])
        if theirs != value and not (isinstance(value, list) and np.allclose(theirs, value)):
            raise UserError(
                f'{network.path}: was made for {key} {theirs}, the config has {value}; give the config it came from'
            )
