"""A file that goes from an image to results, in the place of a whole model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.model import BaseDataPreprocessor
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.base import FaceModel
from faceresearch.structures import FaceDataSample

#: Key of an exported file's metadata: settings of the config that became part of the graph, as JSON.
SETTINGS_KEY = 'settings'


class RawPixels(BaseDataPreprocessor):
    """Hands images on as they are, bytes of any sizes: the file normalises them itself."""

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Return the batch with ``inputs``, a list of (C, H, W) uint8."""
        return {'inputs': list(data['inputs']), 'data_samples': data.get('data_samples')}


class EndToEndNetwork(nn.Module):
    """What such a file predicts, in the fields of a data sample.

    Args:
        session: onnxruntime's.
        path: of the file.
        model: the model whose place it takes.

    Raises:
        UserError: the file gives something that the model does not.
    """

    def __init__(self, session: Any, path: str, model: FaceModel) -> None:
        super().__init__()
        self.session, self.path = session, path
        self.input_name: str = session.get_inputs()[0].name
        self.names = [output.name for output in session.get_outputs()]
        kind = session.get_modelmeta().custom_metadata_map.get('outputs', '')
        writers = {
            'detections': _detections,
            'classes': _classes,
            'attributes': _attributes,
            'embedding': _embedding,
            'keypoints': getattr(model, 'add_points', None),
        }
        own = {'SingleStageDetector': 'detections', 'FaceParser': 'classes', 'FaceRecognizer': 'embedding'}
        own |= {'CoordinateLandmarker': 'keypoints', 'AttributeModel': 'attributes', 'FusedAttributes': 'attributes'}
        expected = next((own[base.__name__] for base in type(model).__mro__ if base.__name__ in own), None)
        if kind != expected or writers[kind] is None:
            raise UserError(f'{path}: gives {kind or "unknown outputs"}, the config is of a {type(model).__name__}')
        self.write: Any = writers[kind]

    def predict(self, inputs: Sequence[Tensor], data_samples: Sequence[FaceDataSample]) -> Sequence[FaceDataSample]:
        """Add what the file predicts of images (C, H, W) uint8, each of any size.

        Raises:
            UserError: the file does not take such images.
        """
        for image, sample in zip(inputs, data_samples, strict=True):
            pixels = np.ascontiguousarray(image.cpu().numpy().transpose(1, 2, 0))[None]
            try:
                values = self.session.run(self.names, {self.input_name: pixels})
            except Exception as error:  # onnxruntime's exceptions share no base class.
                raise UserError(f'{self.path}: {str(error).splitlines()[0]}') from error
            found = {name: torch.from_numpy(value).to(image.device) for name, value in zip(self.names, values)}
            self.write(sample, found, tuple(image.shape[-2:]))
        return data_samples


def require_settings(path: str, stated: Mapping[str, str], ours: Mapping[str, Any]) -> None:
    """Refuse a file whose graph holds other settings than the config.

    Args:
        path: of the file.
        stated: its metadata.
        ours: settings by name, ready for JSON.

    Raises:
        UserError: names the first one that differs.
    """
    theirs = json.loads(stated.get(SETTINGS_KEY, '{}'))
    for name, value in ours.items():
        if name in theirs and theirs[name] != json.loads(json.dumps(value)):
            raise UserError(
                f'{path}: {name} is {theirs[name]} in its graph, the config has {value}: export it with this config'
            )


def is_end2end(path: str | Path) -> bool:
    """Return whether a file takes images of bytes; False for one that is not there or is no ONNX file."""
    from faceresearch.export.metadata import read_metadata

    try:
        return Path(path).suffix.lower() == '.onnx' and Path(path).is_file() and SETTINGS_KEY in read_metadata(path)
    except UserError:
        return False


def _detections(sample: FaceDataSample, found: Mapping[str, Tensor], size: tuple[int, int]) -> None:
    names = {'boxes': 'bboxes'}
    fields = {names.get(name, name): value for name, value in found.items()}
    sample.pred_instances = InstanceData(**fields, labels=torch.zeros(len(fields['scores']), dtype=torch.int64))


def _classes(sample: FaceDataSample, found: Mapping[str, Tensor], size: tuple[int, int]) -> None:
    sample.pred_sem_seg = PixelData(sem_seg=found['classes'])
    if 'probabilities' in found:
        sample.pred_sem_seg.prob = found['probabilities']


def _attributes(sample: FaceDataSample, found: Mapping[str, Tensor], size: tuple[int, int]) -> None:
    from mmengine.structures import BaseDataElement

    sample.pred_attributes = BaseDataElement(**{name: values[0] for name, values in found.items()})


def _embedding(sample: FaceDataSample, found: Mapping[str, Tensor], size: tuple[int, int]) -> None:
    embedding = found['embedding'][0]
    sample.pred_embedding = embedding * found['norm'][0] if 'norm' in found else embedding
