"""Recognition checkpoints of yakhyo/face-recognition: plain state dicts of backbones, ``<net>_mcp.pth``."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

_GDC = (
    (r'output_layer\.features\.0\.layers\.(.+)', r'backbone.gdc.pool.\1'),
    (r'output_layer\.fc\.(.+)', r'backbone.gdc.fc.\1'),
)
_GDC_NAMES = ('output_layer.features.0.layers.0.weight', 'output_layer.fc.0.weight')

#: The first stage has a convolution and five blocks, the second six, the third two; here they stand in one row.
_V1 = Converter(
    name='yakhyo/face-recognition:MobileNetV1',
    detect=('stage1.0.2.weight', *_GDC_NAMES),
    rules=(
        *((rf'stage1\.{i}\.(.+)', rf'backbone.features.{i}.\1') for i in range(6)),
        *((rf'stage2\.{i}\.(.+)', rf'backbone.features.{6 + i}.\1') for i in range(6)),
        *((rf'stage3\.{i}\.(.+)', rf'backbone.features.{12 + i}.\1') for i in range(2)),
        *_GDC,
    ),
)

#: A block ends in a convolution and a batch norm of its own, after one or two triples.
_V2 = Converter(
    name='yakhyo/face-recognition:MobileNetV2',
    detect=('features.1.conv.0.2.weight', *_GDC_NAMES),
    rules=(
        (r'features\.(\d+\.\d\..+)', r'backbone.features.\1'),
        (r'features\.(\d+)\.conv\.(\d)\.(\d)\.(.+)', r'backbone.features.\1.layers.\2.\3.\4'),
        # The first block does not expand, so it has one triple.
        (r'features\.1\.conv\.1\.(.+)', r'backbone.features.1.layers.1.0.\1'),
        (r'features\.1\.conv\.2\.(.+)', r'backbone.features.1.layers.1.1.\1'),
        (r'features\.(\d+)\.conv\.2\.(.+)', r'backbone.features.\1.layers.2.0.\2'),
        (r'features\.(\d+)\.conv\.3\.(.+)', r'backbone.features.\1.layers.2.1.\2'),
        *_GDC,
    ),
)

_V3 = Converter(
    name='yakhyo/face-recognition:MobileNetV3',
    detect=('features.1.block.0.2.weight', *_GDC_NAMES),
    rules=(
        (r'features\.(\d+)\.block\.(.+)', r'backbone.features.\1.layers.\2'),
        (r'features\.(\d+\.\d\..+)', r'backbone.features.\1'),
        *_GDC,
    ),
)

_SPHERE = Converter(
    name='yakhyo/face-recognition:SphereNet',
    detect=('layer1.0.0.weight', 'layer1.1.block.0.0.weight', 'fc.weight'),
    rules=tuple(
        rule
        for stage in range(4)
        for rule in (
            (rf'layer{stage + 1}\.0\.(.+)', rf'backbone.stages.{stage}.0.\1'),
            *(
                (
                    rf'layer{stage + 1}\.(\d+)\.block\.{half}\.{part}\.(.+)',
                    rf'backbone.stages.{stage}.\1.layers.{2 * half + part}.\2',
                )
                for half in range(2)
                for part in range(2)
            ),
        )
    )
    + ((r'fc\.(.+)', r'backbone.fc.\1'),),
)

YAKHYO_RECOGNITION = (_V1, _V2, _V3, _SPHERE)
