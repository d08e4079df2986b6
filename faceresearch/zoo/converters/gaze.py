"""Gaze checkpoints of yakhyo/gaze-estimation and of L2CS-Net, from which it comes."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

_HEADS = (
    (r'fc_yaw(?:_gaze)?\.(.+)', r'heads.yaw.fc.\1'),
    (r'fc_pitch(?:_gaze)?\.(.+)', r'heads.pitch.fc.\1'),
)
# MobileOne's attention is named so in Apple's code; only S4 has it.
_BACKBONE = ((r'((?:conv1|bn1|layer\d|features|stage\d)\..+)', r'backbone.\1'),)

_FUSED = 'gaze_mobileone_s0_fused_gaze360, or model.backbone.fused=true'
#: MobileOne is published with its branches and, for deployment, as one convolution a block.
_FORMS = (
    (r'backbone\..+\.reparam_conv\..+', f'the file holds the fused network: convert it with {_FUSED}'),
    (
        r'backbone\..+\.rbr_(?:skip|conv|scale)\..+',
        'the file holds the branches of training: convert it with model.backbone.fused=false (export fuses them)',
    ),
)

YAKHYO_GAZE = Converter(
    name='yakhyo/gaze-estimation',
    detect=('fc_yaw.weight', 'fc_pitch.weight'),
    rules=(*_HEADS, *_BACKBONE),
    dropped=((r'(?:linear|classifier|fc)\..+', 'ImageNet classifier'),),
    remedies=_FORMS,
)

L2CS = Converter(
    name='Ahmednull/L2CS-Net',
    detect=('fc_yaw_gaze.weight', 'fc_pitch_gaze.weight'),
    rules=(*_HEADS, *_BACKBONE),
    dropped=((r'fc_finetune\..+', 'a layer that the network never uses'),),
)
