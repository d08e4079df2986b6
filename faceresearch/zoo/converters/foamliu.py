"""MobileFaceNet checkpoints of foamliu/MobileFaceNet."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

_BLOCK = r'features\.(\d+)\.conv'

FOAMLIU = Converter(
    name='foamliu/MobileFaceNet',
    detect=('dw_conv.depthwise.weight', 'gdconv.depthwise.weight', 'conv3.weight'),
    rules=(
        (r'conv1\.([01])\.(.+)', r'backbone.stem.\1.\2'),
        # Convolution, batch norm and activation are three modules in a row.
        (r'dw_conv\.depthwise\.(.+)', r'backbone.stem.3.\1'),
        (r'dw_conv\.bn1\.(.+)', r'backbone.stem.4.\1'),
        (r'dw_conv\.pointwise\.(.+)', r'backbone.stem.6.\1'),
        (r'dw_conv\.bn2\.(.+)', r'backbone.stem.7.\1'),
        (rf'{_BLOCK}\.0\.([01])\.(.+)', r'backbone.blocks.\1.layers.\2.\3'),
        (rf'{_BLOCK}\.1\.0\.(.+)', r'backbone.blocks.\1.layers.3.\2'),
        (rf'{_BLOCK}\.1\.1\.(.+)', r'backbone.blocks.\1.layers.4.\2'),
        (rf'{_BLOCK}\.2\.(.+)', r'backbone.blocks.\1.layers.6.\2'),
        (rf'{_BLOCK}\.3\.(.+)', r'backbone.blocks.\1.layers.7.\2'),
        (r'conv2\.([01])\.(.+)', r'backbone.separate.\1.\2'),
        (r'gdconv\.depthwise\.(.+)', r'backbone.pool.0.\1'),
        (r'gdconv\.bn\.(.+)', r'backbone.pool.1.\1'),
        (r'conv3\.(.+)', r'backbone.embedding.0.\1'),
        (r'bn\.(.+)', r'backbone.embedding.1.\1'),
    ),
)
