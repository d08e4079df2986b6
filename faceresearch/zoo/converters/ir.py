"""IR and IR-SE backbones, whose units are numbered through and whose layers are numbered in their units: AdaFace, its
re-release in CVLface, and CurricularFace."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from faceresearch.models.backbones.iresnet import BASIC_UNITS, BOTTLENECK_UNITS
from faceresearch.zoo.converters.base import Converter

#: Our names of the layers of ``res_layer``, by position.
_BASIC = ('bn1', 'conv1', 'bn2', 'prelu', 'conv2', 'bn3')
_BOTTLENECK = ('bn1', 'conv1', 'bn2', 'prelu', 'conv2', 'bn3', 'prelu2', 'expand.0', 'expand.1')
_WITHOUT_MIDDLE_NORM = ('bn1', 'conv1', 'prelu', 'conv2', 'bn3')
_ENDS = {
    'input_layer.0': 'conv1',
    'input_layer.1': 'bn1',
    'input_layer.2': 'prelu',
    'output_layer.0': 'bn2',
    'output_layer.3': 'fc',
    'output_layer.4': 'features',
}
_HEAD = (r'head\..+', 'class centres and statistics of the margin: of use only to the training they come from')


def _unit_names(units: Sequence[int], layers: Sequence[str]) -> Callable[[re.Match[str]], str]:
    """Return the replacement that turns ``body.<unit>.<layer>`` into ``backbone.layer<stage>.<unit>.<name>``."""
    places = [f'layer{stage}.{unit}' for stage, count in enumerate(units, 1) for unit in range(count)]
    names = {f'res_layer.{number}': name for number, name in enumerate(layers)}
    # The attention module comes last, under its number or under a name.
    names |= {f'res_layer.{len(layers)}': 'se', 'res_layer.se_block': 'se', 'shortcut_layer': 'downsample'}

    def rename(match: re.Match[str]) -> str:
        unit, layer, rest = match.groups()
        # What has no place gets a name that no model has: the conversion then says which tensor it is.
        place = places[int(unit)] if int(unit) < len(places) else f'body.{unit}'
        return f'backbone.{place}.{names.get(layer, layer)}.{rest}'

    return rename


def _converter(name: str, prefix: str, units: Sequence[int], layers: Sequence[str]) -> Converter:
    start = re.escape(prefix)
    last = sum(units) - 1
    return Converter(
        name=name,
        # The last layer of the first unit and the last unit tell the form and the depth.
        detect=(f'{prefix}body.0.res_layer.{len(layers) - 1}.running_mean', f'{prefix}body.{last}.res_layer.0.weight'),
        rules=(
            *((rf'{start}{re.escape(theirs)}\.(.+)', rf'backbone.{ours}.\1') for theirs, ours in _ENDS.items()),
            (rf'{start}body\.(\d+)\.(res_layer\.\w+|shortcut_layer)\.(.+)', _unit_names(units, layers)),
        ),
        dropped=(_HEAD,),
        prefix='backbone.',
    )


def _family(name: str, prefix: str, table: Mapping[int, tuple[int, ...]], layers: Sequence[str]) -> list[Converter]:
    # Deeper ones first: they have all the units of shallower ones.
    return [_converter(name, prefix, units, layers) for units in sorted(set(table.values()), key=sum, reverse=True)]


#: Prefixes: bare, Lightning's (its file also holds the head), CVLface's, and that of CVLface's safetensors.
_PREFIXES = {
    '': 'mk-minchul/AdaFace',
    'model.': 'mk-minchul/AdaFace',
    'net.': 'mk-minchul/CVLface',
    'model.net.': 'mk-minchul/CVLface',
}

IR: tuple[Converter, ...] = (
    *(c for prefix, name in _PREFIXES.items() for c in _family(name, prefix, BOTTLENECK_UNITS, _BOTTLENECK)),
    *(c for prefix, name in _PREFIXES.items() for c in _family(name, prefix, BASIC_UNITS, _BASIC)),
    *_family('HuangYG123/CurricularFace', '', BASIC_UNITS, _WITHOUT_MIDDLE_NORM),
)
