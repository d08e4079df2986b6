"""EdgeFace checkpoints of otroshi/edgeface: timm's names, low-rank layers included."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

EDGEFACE = Converter(
    name='otroshi/edgeface',
    detect=('model.stem.0.weight', 'model.stages.1.blocks.0.conv_dw.weight', 'model.head.norm.weight'),
    rules=((r'model\.(.+)', r'backbone.net.\1'),),
)
