"""BiSeNet face parsers of yakhyo/face-parsing and zllrunning/face-parsing.PyTorch (79999_iter.pth)."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

_UNUSED = ((r'(?:fpn\.backbone|cp\.resnet)\.fc\..+', 'ImageNet classifier that the original carries and does not use'),)
#: Outputs: the original's name ends in 16 or 32, for an auxiliary one, or in nothing, for the main one.
_OUTPUTS = ((r'', 'main'), (r'16', 'aux.0'), (r'32', 'aux.1'))


def _rules(origin: str, backbone: str, block: str, norm: str) -> tuple[tuple[str, str], ...]:
    """Rules of both origins, which name a convolution with batch norm and its parts differently.

    Args:
        origin: pattern of the context path's name.
        backbone: pattern of the backbone's name in it.
        block: pattern of such a block inside another module, with the dot before it.
        norm: the batch norm inside a block.
    """
    parts = (('conv', '0'), (norm, '1'))
    return (
        (rf'{origin}\.{backbone}\.(.+)', r'backbone.\1'),
        *(
            (rf'{origin}\.arm(16|32){block}\.{theirs}\.(.+)', rf'neck.refine\1.block.{ours}.\2')
            for theirs, ours in parts
        ),
        *((rf'{origin}\.conv_head(16|32)\.{theirs}\.(.+)', rf'neck.smooth\1.{ours}.\2') for theirs, ours in parts),
        *((rf'{origin}\.conv_avg\.{theirs}\.(.+)', rf'neck.mean32.{ours}.\1') for theirs, ours in parts),
        (r'ffm\.(conv[12]\.weight)', r'neck.fusion.\1'),
        *(
            (rf'conv_out{which}{block}\.{theirs}\.(.+)', rf'head.{head}.block.{ours}.\1')
            for which, head in _OUTPUTS
            for theirs, ours in parts
        ),
    )


YAKHYO_BISENET = Converter(
    name='yakhyo/face-parsing',
    detect=('fpn.arm16.conv_block.conv.weight', 'conv_out.conv.weight'),
    rules=(
        *_rules('fpn', 'backbone', r'\.conv_block', 'norm'),
        (r'fpn\.arm(16|32)\.attention\.([01])\.(.+)', r'neck.refine\1.attention.\2.\3'),
        (r'ffm\.conv_block\.conv\.(.+)', r'neck.fusion.block.0.\1'),
        (r'ffm\.conv_block\.norm\.(.+)', r'neck.fusion.block.1.\1'),
        *((rf'conv_out{which}\.conv\.(.+)', rf'head.{head}.conv.\1') for which, head in _OUTPUTS),
    ),
    dropped=_UNUSED,
)

ZLLRUNNING_BISENET = Converter(
    name='zllrunning/face-parsing.PyTorch',
    detect=('cp.arm16.conv.conv.weight', 'conv_out.conv_out.weight'),
    rules=(
        *_rules('cp', 'resnet', r'\.conv', 'bn'),
        (r'cp\.arm(16|32)\.conv_atten\.(.+)', r'neck.refine\1.attention.0.\2'),
        (r'cp\.arm(16|32)\.bn_atten\.(.+)', r'neck.refine\1.attention.1.\2'),
        (r'ffm\.convblk\.conv\.(.+)', r'neck.fusion.block.0.\1'),
        (r'ffm\.convblk\.bn\.(.+)', r'neck.fusion.block.1.\1'),
        *((rf'conv_out{which}\.conv_out\.(.+)', rf'head.{head}.conv.\1') for which, head in _OUTPUTS),
    ),
    dropped=_UNUSED,
)

BISENET = (YAKHYO_BISENET, ZLLRUNNING_BISENET)
