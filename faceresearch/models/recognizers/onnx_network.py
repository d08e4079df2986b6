"""A recogniser whose network is an ONNX file: judged by the same tools as the one it was exported from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.recognizers.recognizer import FaceRecognizer


class ONNXEmbedding(nn.Module):
    """An ONNX file as the backbone of a recogniser, computed by onnxruntime on the CPU.

    Args:
        path: file with one input (N, 3, H, W), normalised, and an embedding (N, D), followed by its length (N, 1) if
            the embedding has unit length.

    Raises:
        UserError: onnxruntime is missing or refuses the file, or its inputs and outputs are others.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        try:
            import onnxruntime
        except ImportError as error:
            raise UserError(f'{path}: testing an ONNX file needs onnxruntime: pip install onnxruntime') from error

        if not Path(path).is_file():
            raise UserError(f'{path}: No such file')
        try:
            self.session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
        except Exception as error:  # onnxruntime's exceptions share no base class.
            raise UserError(f'{path}: onnxruntime refuses it: {str(error).splitlines()[0]}') from error
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or len(outputs[0].shape) != 2:
            raise UserError(f'{path}: is no recogniser: needs one input (N, 3, H, W) and an embedding (N, D)')
        self.path = str(path)
        self.input_name = inputs[0].name
        # Most published files take one image at a time.
        self.batch = inputs[0].shape[0] if isinstance(inputs[0].shape[0], int) else None
        size = outputs[0].shape[1]
        if not isinstance(size, int):
            raise UserError(f'{path}: does not state the length of its embedding')
        self.embedding_size = size

    def forward(self, images: Tensor) -> Tensor:
        """Map aligned faces (N, 3, H, W) to embeddings (N, D).

        Raises:
            UserError: the file does not take such images.
        """
        pixels = np.ascontiguousarray(images.detach().float().cpu().numpy())
        step = self.batch or len(pixels)
        try:
            parts = [self._run(pixels[first : first + step], step) for first in range(0, len(pixels), step)]
        except Exception as error:
            raise UserError(f'{self.path}: {str(error).splitlines()[0]}') from error
        return torch.from_numpy(np.concatenate(parts)).to(images.device)

    def _run(self, pixels: np.ndarray, step: int) -> np.ndarray:
        missing = step - len(pixels)
        whole = np.concatenate([pixels, np.zeros_like(pixels[:1]).repeat(missing, 0)]) if missing else pixels
        embedding, *norm = self.session.run(None, {self.input_name: whole})
        return (embedding * norm[0] if norm else embedding)[: len(pixels)]


def use_onnx(model: nn.Module, path: str | Path) -> None:
    """Put an ONNX file in the place of a recogniser's network; colours and normalisation stay those of its config.

    Raises:
        UserError: the model is no recogniser, or the file says that it was made for other colours or normalisation.
    """
    if not isinstance(model, FaceRecognizer):
        raise UserError(f'{path}: ONNX files of {type(model).__name__} cannot be tested yet, those of recognisers can')
    network = ONNXEmbedding(path)
    _require_same_input(model.data_preprocessor, network, str(path))
    model.backbone, model.neck, model.embedding_size = network, None, network.embedding_size


def _require_same_input(preprocessor: Any, network: ONNXEmbedding, path: str) -> None:
    import json

    stated = network.session.get_modelmeta().custom_metadata_map
    ours = {
        'colour_order': 'RGB' if preprocessor.bgr_to_rgb else 'BGR',
        'mean': preprocessor.mean.flatten().tolist(),
        'std': preprocessor.std.flatten().tolist(),
    }
    for key, value in ours.items():
        if key not in stated:  # another toolkit's file: the config is trusted
            continue
        theirs = stated[key] if isinstance(value, str) else json.loads(stated[key])
        if theirs != value and not (isinstance(value, list) and np.allclose(theirs, value)):
            raise UserError(
                f'{path}: was made for {key} {theirs}, the config has {value}; give the config it came from'
            )
