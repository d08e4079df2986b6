"""YOLOv5-Face state dicts of deepcam-cn/yolov5-face, whose modules are numbered in the order of the graph."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

#: Our blocks' names that differ from the checkpoint's.
_BLOCK = (
    (r'stem_1\.(.+)', r'conv1.\1'),
    (r'stem_(2[ab]|3)\.(.+)', r'conv\1.\2'),
)
_PIXELS = ((r'model\.\d+\.anchor_grid', 'the same anchors in pixels; those in cells are kept'),)


def _head(index: int) -> tuple[tuple[str, str], ...]:
    return (
        (rf'model\.{index}\.anchors', 'head.anchors'),
        (rf'model\.{index}\.m\.(\d)\.(.+)', r'head.convs.\1.\2'),
    )


def _neck(first: int, levels: int) -> tuple[tuple[str, str], ...]:
    """Rules of a path aggregation whose first module is number ``first``; up-sampling and concatenation count too."""
    finer = levels - 1
    rules = []
    for step in range(finer):
        # Top down: convolution, up-sampling, concatenation, C3.
        level, index = finer - 1 - step, first + 4 * step
        rules.append((rf'model\.{index}\.(.+)', rf'neck.lateral.{level}.\1'))
        rules.append((rf'model\.{index + 3}\.(.+)', rf'neck.top_down.{level}.\1'))
        # Bottom up: convolution, concatenation, C3.
        index = first + 4 * finer + 3 * step
        rules.append((rf'model\.{index}\.(.+)', rf'neck.down.{step}.\1'))
        rules.append((rf'model\.{index + 2}\.(.+)', rf'neck.bottom_up.{step}.\1'))
    return tuple(rules)


def _stem() -> tuple[tuple[str, str], ...]:
    return tuple((rf'model\.0\.{pattern}', f'backbone.stem.{new}') for pattern, new in _BLOCK)


def _shuffle(levels: int) -> Converter:
    trunk = []
    for level in range(levels):
        trunk.append((rf'model\.{2 * level + 1}\.(.+)', rf'backbone.down.{level}.\1'))
        trunk.append((rf'model\.{2 * level + 2}\.(.+)', rf'backbone.blocks.{level}.\1'))
    neck = 2 * levels + 1
    head = neck + 7 * (levels - 1)
    return Converter(
        name=f'deepcam-cn/yolov5-face:n{"6" if levels == 4 else ""}',
        detect=('model.0.stem_1.conv.weight', 'model.1.branch1.0.weight', f'model.{head}.anchors'),
        rules=(*_stem(), *trunk, *_neck(neck, levels), *_head(head)),
        dropped=_PIXELS,
    )


def _csp(levels: int) -> Converter:
    trunk = [(r'model\.1\.(.+)', r'backbone.blocks.0.\1')]
    for level in range(levels):
        trunk.append((rf'model\.{2 * level + 2}\.(.+)', rf'backbone.down.{level}.\1'))
        # Pyramid pooling comes between the last convolution and the last block.
        block = 2 * level + 3 + (level == levels - 1)
        trunk.append((rf'model\.{block}\.(.+)', rf'backbone.blocks.{level + 1}.\1'))
    spp = 2 * levels + 1
    head = spp + 2 + 7 * (levels - 1)
    return Converter(
        name=f'deepcam-cn/yolov5-face:s, m, l{" with P6" if levels == 4 else ""}',
        detect=('model.0.stem_1.conv.weight', 'model.1.cv1.conv.weight', f'model.{head}.anchors'),
        rules=(
            *_stem(),
            (rf'model\.{spp}\.(.+)', r'backbone.spp.\1'),
            *trunk,
            *_neck(spp + 2, levels),
            *_head(head),
        ),
        dropped=_PIXELS,
    )


#: n and n-0.5; s, m and l; and their forms with a fourth level.
YOLOV5_FACE = (_shuffle(3), _csp(3), _shuffle(4), _csp(4))
