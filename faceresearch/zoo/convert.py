"""From a published checkpoint to one of this project's."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from faceresearch.compat.scope import set_scope
from faceresearch.config import load_config, validate
from faceresearch.config.contract import input_contract
from faceresearch.errors import UserError
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import read_checkpoint, save_weights
from faceresearch.zoo.converters import CONVERTERS, ConversionReport, Converter, convert, find_converter
from faceresearch.zoo.converters.deepface import from_keras
from faceresearch.zoo.converters.onnx_weights import BatchNorm
from faceresearch.zoo.converters.xseg import read_deepfacelab
from faceresearch.zoo.keras_file import read_keras

#: A checkpoint that has this project's names already.
OWN = Converter(name='faceresearch', detect=(), rules=((r'(.+)', r'\1'),))


@dataclass(frozen=True)
class Conversion:
    """The outcome of a conversion: where the file is, and what became of every tensor of the source."""

    path: Path
    report: ConversionReport
    parameters: int


def convert_checkpoint(
    source: str | Path,
    config: str | Path,
    out: str | Path,
    overrides: tuple[str, ...] = (),
    bn: BatchNorm = 'identity',
    images: str | Path | None = None,
) -> Conversion:
    """Convert a published checkpoint into weights for the model of a config, completely or not at all.

    A checkpoint that already has this project's names (a ``.pth`` of a training run) is stored as it is. Class centres
    of recognisers are not taken: only the training they come from can use them. The file's metadata names the source's sha256, the converter, the config and the model's input contract.

    Args:
        source: ``.pth``, ``.pt``, ``.tar`` or ``.safetensors``, read without unpickling anything but tensors; ``.npz``
            in DeepFaceLab's layout; Keras's ``.h5``; or ``.onnx``, of which the network must then compute the same
            outputs.
        config: config whose model receives the tensors.
        out: the ``.safetensors`` to write.
        overrides: changes to the config.
        bn: what becomes of batch norms, which ONNX files no longer have: ``identity`` (exact; not for training) or
            ``calibrated`` (statistics measured on ``images``; the same in evaluation, and good to train from).
        images: folder of images for ``bn='calibrated'``.

    Raises:
        UserError: the source cannot be read or is of another model, or ``out`` is not a ``.safetensors``.
    """
    source, out = Path(source), Path(out)
    if out.suffix != '.safetensors':
        raise UserError(f'-o {out}: converted weights are stored as .safetensors; give the file that suffix')
    if source.suffix.lower() != '.onnx' and (bn != 'identity' or images is not None):
        raise UserError(f'{source}: --bn and --images are for .onnx files; this one has its batch norms')
    cfg = load_config(config, list(overrides))
    validate(cfg)
    set_scope(cfg)
    model = MODELS.build(without_head(cfg.model))
    if source.suffix.lower() == '.onnx':
        from faceresearch.zoo.convert_onnx import convert_onnx

        result, report = convert_onnx(model, source, cfg, bn, images)
    else:
        result, report = _renamed(source, model.state_dict())
    whole = set(result) == set(model.state_dict())
    metadata = {
        'origin': report.converter,
        'source': source.name,
        'source_sha256': _sha256(source),
        'config': Path(cfg.filename).stem,
        'part': 'model' if whole else 'backbone',
        'input_contract': json.dumps(input_contract(cfg)),
    }
    if source.suffix.lower() == '.onnx':
        metadata['batch_norm'] = bn
    save_weights(out, result, metadata)
    return Conversion(out, report, sum(p.numel() for p in model.parameters()))


def _renamed(source: Path, target: dict[str, Tensor]) -> tuple[dict[str, Tensor], ConversionReport]:
    """Read a file of tensors by its suffix, and give them the names of a model."""
    suffix = source.suffix.lower()
    if suffix == '.h5':
        weights, keras = from_keras(read_keras(source))
        return convert(weights, target, keras)
    state = read_deepfacelab(source) if suffix == '.npz' else read_checkpoint(source, join=True)[0]
    return convert(state, target, OWN if set(state) == set(target) else find_converter(state, CONVERTERS))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as stream:
        while block := stream.read(2**20):
            digest.update(block)
    return digest.hexdigest()
