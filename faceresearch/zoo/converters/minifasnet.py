"""MiniFASNet checkpoints of minivision-ai/Silent-Face-Anti-Spoofing, and the same weights under yakhyo's names."""

from __future__ import annotations

import re

from faceresearch.zoo.converters.base import Converter

_PARTS = {'conv': 'expand', 'conv_dw': 'depthwise', 'project': 'project'}
_ENDS = {
    'conv1': 'stem',
    'conv2_dw': 'stem_depthwise',
    'conv_6_sep': 'separate',
    'conv_6_dw': 'pool',
    'linear': 'linear',
    'bn': 'bn',
}
#: Between the stages: named after both.
_DOWNS = {'23': 0, '34': 1, '45': 2}


def _between(match: re.Match[str]) -> str:
    down, part, rest = match.groups()
    return f'backbone.downs.{_DOWNS[down]}.{_PARTS[part]}.{rest}'


def _block(match: re.Match[str]) -> str:
    stage, block, part, rest = match.groups()
    return f'backbone.stages.{int(stage) - 3}.{block}.{_PARTS[part]}.{rest}'


def _excite(match: re.Match[str]) -> str:
    stage, block, layer, rest = match.groups()
    return f'backbone.stages.{int(stage) - 3}.{block}.se.{layer}.{rest}'


def _converter(prefix: str) -> Converter:
    start = re.escape(prefix)
    return Converter(
        name='minivision-ai/Silent-Face-Anti-Spoofing',
        detect=(f'{prefix}conv_6_dw.conv.weight', f'{prefix}prob.weight', f'{prefix}conv_23.conv_dw.conv.weight'),
        rules=(
            *((rf'{start}{theirs}\.(.+)', rf'backbone.{ours}.\1') for theirs, ours in _ENDS.items()),
            (rf'{start}conv_(23|34|45)\.(conv|conv_dw|project)\.(.+)', _between),
            (rf'{start}conv_([345])\.model\.(\d+)\.(conv|conv_dw|project)\.(.+)', _block),
            # The code says se_module.fc1, the published V1SE file se_fc1.
            (rf'{start}conv_([345])\.model\.(\d+)\.se_(?:module\.)?(fc1|fc2|bn1|bn2)\.(.+)', _excite),
            (rf'{start}prob\.(.+)', r'heads.spoof.fc.\1'),
            (r'FTGenerator\.ft\.(.+)', r'auxiliary.layers.\1'),
        ),
    )


#: The networks as published (``module.`` is removed when a file is read), and as trained, with the Fourier branch.
MINIFASNET = (_converter(''), _converter('model.'))


def _stage(match: re.Match[str]) -> str:
    stage, block, part, rest = match.groups()
    return f'backbone.stages.{int(stage) - 2}.{block}.{_PARTS.get(part, part)}.{rest}'


def _transition(match: re.Match[str]) -> str:
    down, part, rest = match.groups()
    return f'backbone.downs.{int(down) - 1}.{_PARTS[part]}.{rest}'


#: yakhyo/face-anti-spoofing stores minivision's weights under names of its own.
YAKHYO_MINIFASNET = Converter(
    name='yakhyo/face-anti-spoofing',
    detect=('final_dw.conv.weight', 'classifier.weight', 'transition1.conv_dw.conv.weight'),
    rules=(
        (r'stem\.(.+)', r'backbone.stem.\1'),
        (r'stem_dw\.(.+)', r'backbone.stem_depthwise.\1'),
        (r'transition([123])\.(conv|conv_dw|project)\.(.+)', _transition),
        (r'stage([234])\.model\.(\d+)\.(conv|conv_dw|project|se)\.(.+)', _stage),
        (r'final_expand\.(.+)', r'backbone.separate.\1'),
        (r'final_dw\.(.+)', r'backbone.pool.\1'),
        (r'(linear|bn)\.(.+)', r'backbone.\1.\2'),
        (r'classifier\.(.+)', r'heads.spoof.fc.\1'),
    ),
)
