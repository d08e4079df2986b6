"""Top-down heatmap models of open-mmlab/mmpose: HRNet checkpoints of its versions 0.x and 1.x.

hysts/anime-face-detector's ``mmpose_anime-face_hrnetv2.pth`` is one of version 0.x. There the head was called
``keypoint_head``, and its hidden and last convolutions were one sequence (mmpose/models/heads/heatmap_heads/
heatmap_head.py reads the old names too).
"""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

_BACKBONE = (r'backbone\.(.+)', r'backbone.\1')
_DROPPED = ((r'data_preprocessor\.(?:mean|std)', 'the config states them'),)

MMPOSE_0 = Converter(
    name='open-mmlab/mmpose 0.x',
    detect=('backbone.transition3.3.0.0.weight', 'keypoint_head.final_layer.3.weight'),
    rules=(
        _BACKBONE,
        (r'keypoint_head\.final_layer\.([01])\.(.+)', r'head.conv_layers.\1.\2'),
        (r'keypoint_head\.final_layer\.3\.(.+)', r'head.final_layer.\1'),
    ),
    dropped=_DROPPED,
)

MMPOSE_1 = Converter(
    name='open-mmlab/mmpose 1.x',
    detect=('backbone.transition3.3.0.0.weight', 'head.conv_layers.0.weight', 'head.final_layer.weight'),
    rules=(_BACKBONE, (r'head\.(.+)', r'head.\1')),
    dropped=_DROPPED,
)

MMPOSE = (MMPOSE_0, MMPOSE_1)
