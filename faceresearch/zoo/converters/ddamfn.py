"""DDAMFN checkpoints of SainingZhang/DDAMFN (DDAMFN++: two attention heads), AffectNet-7 and -8."""

from __future__ import annotations

import re

from faceresearch.zoo.converters.base import Converter

_ENDS = {'0': 'stem', '1': 'stem_depthwise', '8': 'separate'}
_SQUEEZE = {'conv1': 'reduce', 'bn1': 'bn', 'conv2': 'rows', 'conv3': 'columns'}


def _block(match: re.Match[str]) -> str:
    """A single block, which halves the map, or one of several: ``features.4`` and ``features.5.model.3``."""
    stage, number, part, rest = match.groups()
    place = f'backbone.stages.{int(stage) - 2}.{number or 0}'
    if part == 'CA':
        layer, _, end = rest.partition('.')
        return f'{place}.attention.{_SQUEEZE[layer]}.{end}'
    if part == 'conv_dw':
        return f'{place}.depthwise.{rest.removeprefix("mixed_depthwise_conv.")}'
    return f'{place}.{"expand" if part == "conv" else part}.{rest}'


def _squeeze(match: re.Match[str]) -> str:
    head, layer, rest = match.groups()
    return f'backbone.directions.{head}.squeeze.{_SQUEEZE[layer]}.{rest}'


_UNUSED = 'a layer that the network never uses'

DDAMFN = Converter(
    name='SainingZhang/DDAMFN',
    detect=('features.2.CA.conv1.weight', 'cat_head0.CoordAtt.Linear_h.conv.weight', 'fc.weight'),
    rules=(
        *((rf'features\.{place}\.(.+)', rf'backbone.{ours}.\1') for place, ours in _ENDS.items()),
        (
            r'features\.([2-7])\.(?:model\.(\d+)\.)?(conv|CA|project|conv_dw)\.((?:mixed_depthwise_conv|conv|bn|prelu|\w+\d)\..+)',
            _block,
        ),
        (r'cat_head(\d)\.CoordAtt\.Linear_h\.(.+)', r'backbone.directions.\1.across.\2'),
        (r'cat_head(\d)\.CoordAtt\.Linear_w\.(.+)', r'backbone.directions.\1.down.\2'),
        (r'cat_head(\d)\.CoordAtt\.(conv[123]|bn1)\.(.+)', _squeeze),
        (r'Linear\.(.+)', r'backbone.pool.\1'),
        (r'fc\.(.+)', r'heads.emotion.fc.\1'),
    ),
    dropped=(
        (r'features\.\d\.(?:model\.\d+\.)?conv_dw\.(?:bn|prelu)\..+', _UNUSED),
        (r'cat_head\d\.CoordAtt\.Linear\..+', _UNUSED),
        (r'bn\..+', _UNUSED),
    ),
)
