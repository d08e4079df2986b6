"""Keras weights of serengil/deepface: VGG-Face, OpenFace nn4.small2, DeepID, FaceNet, ArcFace, and its attributes.

Their layers are named as DeepFace's own models name them; VGG-Face's have only their order.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from faceresearch.errors import UserError
from faceresearch.models.backbones.vggface import STAGES
from faceresearch.zoo.converters.base import Converter, find_converter
from faceresearch.zoo.converters.deepface_arcface import ARCFACE, as_torch_has_them
from faceresearch.zoo.converters.deepface_attributes import DEMOGRAPHY, EMOTION, attributes_from_keras

#: Place of each convolution of VGG-16 among its layers, activations and poolings.
_VGG_PLACES = [
    sum(2 * depth + 1 for _, depth in STAGES[:stage]) + 2 * number
    for stage, (_, depth) in enumerate(STAGES)
    for number in range(depth)
]

VGG_FACE = Converter(
    name='serengil/deepface:VGG-Face',
    detect=('conv0.weight', 'conv13.weight', 'conv15.weight'),
    rules=(
        *((rf'conv{number}\.(.+)', rf'backbone.features.{place}.\1') for number, place in enumerate(_VGG_PLACES)),
        (r'conv13\.(.+)', r'backbone.fc6.\1'),
        (r'conv14\.(.+)', r'backbone.fc7.\1'),
    ),
    dropped=((r'conv15\..+', 'classifier of the training identities: an embedding has no use for it'),),
)

DEEPID = Converter(
    name='serengil/deepface:DeepID',
    detect=('Conv1.weight', 'fc11.weight', 'fc12.weight'),
    rules=(
        *((rf'Conv{number + 1}\.(.+)', rf'backbone.trunk.{3 * number}.\1') for number in range(3)),
        (r'Conv4\.(.+)', r'backbone.conv4.\1'),
        (r'fc11\.(.+)', r'backbone.fc3.\1'),
        (r'fc12\.(.+)', r'backbone.fc4.\1'),
    ),
    dropped=((r'fc8\..+', 'classifier of the training identities: an embedding has no use for it'),),
)
#: Dense layers after a flattening: (H, W, C) of what is flattened.
_FLATTENED = {'fc11.weight': (5, 4, 60), 'fc12.weight': (4, 3, 80)}

_MODULES = {'3a': 0, '3b': 1, '3c': 2, '4a': 3, '4e': 4, '5a': 5, '5b': 6}


def _openface() -> tuple[tuple[str, str], ...]:
    rules = []
    for number, place in ((1, 0), (2, 3), (3, 4)):
        rules += [(rf'conv{number}\.(.+)', rf'backbone.stem.{place}.0.\1')]
        rules += [(rf'bn{number}\.(.+)', rf'backbone.stem.{place}.1.\1')]
    for name, number in _MODULES.items():
        ours = f'backbone.blocks.{number}'
        for kind, half in (('conv', 0), ('bn', 1)):
            for step in (0, 1):
                for kernel, branch in ((3, 0), (5, 1)):
                    theirs = rf'inception_{name}_{kernel}x{kernel}_{kind}{step + 1}\.(.+)'
                    rules.append((theirs, rf'{ours}.branches.{branch}.{step}.{half}.\1'))
            rules.append((rf'inception_{name}_pool_{kind}\.(.+)', rf'{ours}.pooled.{half}.\1'))
            rules.append((rf'inception_{name}_1x1_{kind}\.(.+)', rf'{ours}.single.{half}.\1'))
    return (*rules, (r'dense_layer\.(.+)', r'backbone.fc.\1'))


OPENFACE = Converter(
    name='serengil/deepface:OpenFace',
    detect=('conv1.weight', 'inception_3a_3x3_conv1.weight', 'dense_layer.weight'),
    rules=_openface(),
)


_STEM = {'1a': 0, '2a': 1, '2b': 2, '3b': 4, '4a': 5, '4b': 6}
_BLOCKS = {'Block35': 'blocks35', 'Block17': 'blocks17', 'Block8': 'blocks8'}
#: Number of the last convolution in the branches of the two reductions.
_REDUCTIONS = {'6a': ('reduce35', (0, 2)), '7a': ('reduce17', (1, 1, 2))}


def _facenet() -> tuple[tuple[str, str], ...]:
    rules = [(r'Bottleneck\.weight', 'backbone.fc.weight'), (r'Bottleneck_BatchNorm\.(.+)', r'backbone.norm.\1')]

    def both(theirs: str, ours: str) -> None:
        rules.append((rf'{theirs}\.(.+)', rf'{ours}.conv.\1'))
        rules.append((rf'{theirs}_BatchNorm\.(.+)', rf'{ours}.bn.\1'))

    for name, place in _STEM.items():
        both(rf'Conv2d_{name}_\dx\d', f'backbone.stem.{place}')
    for theirs, ours in _BLOCKS.items():
        for number in range(10):
            block = f'backbone.{ours}.{number}'
            for branch in range(3):
                start = rf'{theirs}_{number + 1}_Branch_{branch}_Conv2d'
                both(rf'{start}_1x1', f'{block}.branches.{branch}.0')
                for step, letter in enumerate('abc'):
                    both(rf'{start}_0{letter}_\dx\d', f'{block}.branches.{branch}.{step}')
            rules.append((rf'{theirs}_{number + 1}_Conv2d_1x1\.(.+)', rf'{block}.project.\1'))
    for name, (ours, last) in _REDUCTIONS.items():
        for branch, end in enumerate(last):
            for step, letters in ((0, '0a'), (1, '0b'), (end, '1a')):
                both(
                    rf'Mixed_{name}_Branch_{branch}_Conv2d_{letters}_\dx\d', f'backbone.{ours}.branches.{branch}.{step}'
                )
    return tuple(rules)


FACENET = Converter(
    name='serengil/deepface:FaceNet',
    detect=('Conv2d_1a_3x3.weight', 'Block8_6_Conv2d_1x1.weight', 'Bottleneck.weight'),
    rules=_facenet(),
)


def from_keras(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Converter]:
    """Return the weights of a Keras file as torch orders them, and the converter that renames them.

    Args:
        state: from :func:`~faceresearch.zoo.keras_file.read_keras`.

    Raises:
        UserError: no converter knows such weights.
    """
    attributes = attributes_from_keras(state)
    if attributes is not None:
        return attributes, find_converter(attributes, (*DEMOGRAPHY, EMOTION))
    weights = dict(state)
    kernels = [name.rpartition('.')[0] for name, tensor in state.items() if tensor.ndim == 4]
    if len(kernels) == 16 and len(state) == 32 and state[f'{kernels[13]}.weight'].shape[1:] == (512, 7, 7):
        numbers = {layer: f'conv{number}' for number, layer in enumerate(kernels)}
        weights = {
            f'{numbers[layer]}.{part}': tensor
            for (layer, _, part), tensor in ((name.rpartition('.'), tensor) for name, tensor in state.items())
        }
        # Convolutions over the whole map, which are dense layers.
        for name in ('conv13.weight', 'conv14.weight'):
            weights[name] = weights[name].flatten(1)
        return weights, VGG_FACE
    converter = find_converter(weights, (OPENFACE, DEEPID, FACENET, ARCFACE))
    if converter is ARCFACE:
        weights = as_torch_has_them(weights)
    if converter is DEEPID:
        for name, shape in _FLATTENED.items():
            if weights[name].ndim != 2 or weights[name].shape[1] != shape[0] * shape[1] * shape[2]:
                raise UserError(f'{DEEPID.name}: {name} is {tuple(weights[name].shape)}: the file is of another model')
            weights[name] = weights[name].unflatten(1, shape).permute(0, 3, 1, 2).flatten(1)
    return weights, converter
