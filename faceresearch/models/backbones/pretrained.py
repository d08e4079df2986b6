"""Initial weights of backbones."""

from __future__ import annotations

from collections.abc import Mapping

import torchvision
from torch import Tensor, nn

from faceresearch.errors import UserError

TORCHVISION = 'torchvision'
PREFIX = 'backbone.'


def load_pretrained(backbone: nn.Module, source: str, torchvision_name: str | None = None) -> None:
    """Fill a backbone before training.

    Args:
        backbone: the module to fill, completely.
        source: ``'torchvision'`` fetches torchvision's ImageNet weights; anything else is a file: a checkpoint of
            this project (whose backbone is taken), a state dict of the backbone, or a published checkpoint that a
            converter knows.
        torchvision_name: torchvision's name of the network, if it has one.

    Raises:
        UserError: the weights cannot be fetched or read, or do not fit.
    """
    state = _fetch_torchvision(torchvision_name) if source == TORCHVISION else _read(backbone, source)
    own = backbone.state_dict()
    wrong = [name for name in own if name not in state or state[name].shape != own[name].shape]
    if wrong:
        raise UserError(
            f'pretrained={source!r} does not fit {type(backbone).__name__}: {wrong[0]} is missing or has another shape'
            f' ({len(wrong)} of {len(own)} tensors do not fit)'
        )
    backbone.load_state_dict({name: state[name] for name in own})


def _fetch_torchvision(name: str | None) -> Mapping[str, Tensor]:
    if name is None:
        raise UserError("pretrained='torchvision': torchvision has no such network; give a file")
    try:
        return torchvision.models.get_model_weights(name).DEFAULT.get_state_dict(progress=True)
    except OSError as error:
        raise UserError(
            f"{name}: torchvision's ImageNet weights cannot be fetched ({error}); download them where there is a"
            ' network and give their path, or start from random weights with model.backbone.pretrained=null'
        ) from error


def _read(backbone: nn.Module, source: str) -> Mapping[str, Tensor]:
    from faceresearch.zoo.checkpoint import read_checkpoint
    from faceresearch.zoo.converters import CONVERTERS, convert, find_converter

    state, _ = read_checkpoint(source)
    own = backbone.state_dict()
    if all(name in state for name in own):
        return state
    if not any(name.startswith(PREFIX) for name in state):
        target = {PREFIX + name: tensor for name, tensor in own.items()}
        state, _ = convert(state, target, find_converter(state, CONVERTERS), only=PREFIX)
    return {name.removeprefix(PREFIX): tensor for name, tensor in state.items() if name.startswith(PREFIX)}
