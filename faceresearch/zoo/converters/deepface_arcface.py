"""Keras weights of serengil/deepface's ArcFace, an iResNet-34 whose layers are numbered as Keras's ResNets are."""

from __future__ import annotations

from torch import Tensor

from faceresearch.errors import UserError
from faceresearch.zoo.converters.base import Converter

#: Layers of a unit: Keras's name and ours.
_LAYERS = {
    '1_bn': 'bn1',
    '1_conv': 'conv1',
    '2_bn': 'bn2',
    '2_conv': 'conv2',
    '3_bn': 'bn3',
    '0_conv': 'downsample.0',
    '0_bn': 'downsample.1',
}
#: The two layers that have no name of their own get a number where a program has built several networks.
_NUMBER = r'(?:_\d+)?'
#: Rows, columns and channels that are flattened before the dense layer.
_FLATTENED = (7, 7)


def _rules() -> tuple[tuple[str, str], ...]:
    rules = [
        (r'conv1_conv\.(.+)', r'backbone.conv1.\1'),
        (r'conv1_bn\.(.+)', r'backbone.bn1.\1'),
        (r'conv1_prelu\.alpha', 'backbone.prelu.weight'),
        (rf'batch_normalization{_NUMBER}\.(.+)', r'backbone.bn2.\1'),
        (rf'dense{_NUMBER}\.(.+)', r'backbone.fc.\1'),
        (r'embedding\.(.+)', r'backbone.features.\1'),
    ]
    # Keras counts stages from 2 and units from 1.
    for stage in range(1, 5):
        for unit in range(6):
            theirs, ours = f'conv{stage + 1}_block{unit + 1}', f'backbone.layer{stage}.{unit}'
            rules += [(rf'{theirs}_{name}\.(.+)', rf'{ours}.{layer}.\1') for name, layer in _LAYERS.items()]
            rules.append((rf'{theirs}_1_prelu\.alpha', f'{ours}.prelu.weight'))
    return tuple(rules)


ARCFACE = Converter(
    name='serengil/deepface:ArcFace',
    detect=('conv1_prelu.alpha', 'conv5_block1_0_conv.weight', 'embedding.running_mean'),
    rules=_rules(),
)


def as_torch_has_them(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights with slopes as vectors, and the dense layer's inputs in the order of (C, H, W).

    Raises:
        UserError: the dense layer does not fit.
    """
    changed = {name: tensor.flatten() if name.endswith('.alpha') else tensor for name, tensor in weights.items()}
    for name, tensor in weights.items():
        if name.startswith('dense') and name.endswith('.weight'):
            channels, rest = divmod(tensor.shape[-1], _FLATTENED[0] * _FLATTENED[1])
            if tensor.ndim != 2 or rest:
                raise UserError(f'{ARCFACE.name}: {name} is {tuple(tensor.shape)}: the file is of another model')
            changed[name] = tensor.unflatten(1, (*_FLATTENED, channels)).permute(0, 3, 1, 2).flatten(1)
    return changed
