"""Gaze checkpoints of yakhyo/gaze-estimation and of L2CS-Net, from which it comes."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

_HEADS = (
    (r'fc_yaw(?:_gaze)?\.(.+)', r'heads.yaw.fc.\1'),
    (r'fc_pitch(?:_gaze)?\.(.+)', r'heads.pitch.fc.\1'),
)
# MobileOne's attention is named so in Apple's code; only S4 has it.
_BACKBONE = ((r'((?:conv1|bn1|layer\d|features|stage\d)\..+)', r'backbone.\1'),)

YAKHYO_GAZE = Converter(
    name='yakhyo/gaze-estimation',
    detect=('fc_yaw.weight', 'fc_pitch.weight'),
    rules=(*_HEADS, *_BACKBONE),
    dropped=((r'(?:linear|classifier|fc)\..+', 'ImageNet classifier'),),
)

L2CS = Converter(
    name='Ahmednull/L2CS-Net',
    detect=('fc_yaw_gaze.weight', 'fc_pitch_gaze.weight'),
    rules=(*_HEADS, *_BACKBONE),
    dropped=((r'fc_finetune\..+', 'a layer that the network never uses'),),
)
