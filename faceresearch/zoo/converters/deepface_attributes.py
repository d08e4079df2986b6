"""Age, gender, race and emotion of serengil/deepface, and VGG-Face in torch's form: Keras files and those of its torch backend.

Age, gender and race are VGG-Face with one more layer, ``predictions``, and are told apart by its length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from faceresearch.models.backbones.vggface import STAGES
from faceresearch.zoo.converters.base import Converter

#: VGG-Face's layers in their order, as matconvnet and DeepFace's torch backend name them, and their places here.
VGG_LAYERS = {
    f'conv{stage + 1}_{number + 1}': f'backbone.features.{sum(2 * d + 1 for _, d in STAGES[:stage]) + 2 * number}'
    for stage, (_, depth) in enumerate(STAGES)
    for number in range(depth)
} | {'fc6': 'backbone.fc6', 'fc7': 'backbone.fc7'}


def _vgg(prefix: str) -> tuple[tuple[str, str], ...]:
    return tuple((rf'{prefix}{theirs}\.(.+)', rf'{ours}.\1') for theirs, ours in VGG_LAYERS.items())


def _attribute(head: str, classes: int) -> Converter:
    return Converter(
        name=f'serengil/deepface:{head}',
        detect=('backbone.conv5_3.weight', 'backbone.fc7.weight', 'predictions.weight'),
        lengths=(('predictions.weight', classes),),
        rules=(*_vgg(r'backbone\.'), (r'predictions\.(.+)', rf'heads.{head}.fc.\1')),
        dense=(r'(?:backbone\.fc[67]|predictions)\.weight',),
    )


DEMOGRAPHY = (_attribute('age', 101), _attribute('gender', 2), _attribute('race', 6))

VGG_FACE_TORCH = Converter(
    name='serengil/deepface:VGG-Face',
    detect=('conv5_3.weight', 'fc7.weight', 'fc8.weight'),
    rules=_vgg(''),
    dropped=((r'fc8\..+', 'classifier of the training identities: an embedding has no use for it'),),
    dense=(r'fc[67]\.weight',),
)

#: Place of each of the emotion network's convolutions among its layers.
_EMOTION_PLACES = (0, 3, 5, 8, 10)

EMOTION = Converter(
    name='serengil/deepface:emotion',
    detect=('conv_1.weight', 'conv_5.weight', 'fc_3.weight'),
    rules=(
        *(
            (rf'conv_{number}\.(.+)', rf'backbone.features.{place}.\1')
            for number, place in enumerate(_EMOTION_PLACES, 1)
        ),
        (r'fc_([12])\.(.+)', r'backbone.fc\1.\2'),
        (r'fc_3\.(.+)', r'heads.emotion.fc.\1'),
    ),
)

#: All that a torch file of DeepFace's may be.
DEEPFACE_TORCH = (*DEMOGRAPHY, VGG_FACE_TORCH, EMOTION)


def attributes_from_keras(state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Return the weights of a Keras file under the names of the torch files, or None if they are of another network.

    Keras numbers the layers anew for each model that a program makes, so that only their order and their shapes tell.

    Args:
        state: from :func:`~faceresearch.zoo.keras_file.read_keras`.
    """
    kernels = {name.rpartition('.')[0]: tensor for name, tensor in state.items() if tensor.ndim > 1}
    shapes = [tuple(tensor.shape) for tensor in kernels.values()]
    if len(state) != 2 * len(kernels):
        return None
    if len(shapes) == 16 and shapes[13][1:] == (512, 7, 7) and shapes[15][0] in (101, 2, 6):
        names = [*(f'backbone.{name}' for name in VGG_LAYERS), 'predictions']
    elif len(shapes) == 8 and shapes[0] == (64, 1, 5, 5) and shapes[5] == (1024, 128):
        names = [*(f'conv_{number}' for number in range(1, 6)), *(f'fc_{number}' for number in range(1, 4))]
    else:
        return None
    return _renamed(state, dict(zip(kernels, names)))


def _renamed(state: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    parts: Sequence[tuple[str, str, str]] = [name.rpartition('.') for name in state]
    return {f'{names[layer]}.{part}': tensor for (layer, _, part), tensor in zip(parts, state.values())}
