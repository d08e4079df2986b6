"""PFLD checkpoints: pfld106_lite, polarisZhao/PFLD-pytorch, cunjian/pytorch_face_landmark."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

_POSE = ((r'auxiliarynet\..+', 'the pose branch: only training uses it'),)

# Convolution, batch norm and activation are three modules in a row; PFLDLite has all units of a stage in one list.
PFLD_LITE = Converter(
    name='pfld106_lite',
    detect=('plfd_backbone.model1.0.0.weight', 'plfd_backbone.extra.2.2.weight', 'plfd_backbone.fc.weight'),
    rules=(
        (r'plfd_backbone\.model\.(.+)', r'backbone.stage1.\1'),
        (r'plfd_backbone\.model1\.(.+)', r'backbone.stage2.\1'),
        (r'plfd_backbone\.conv([12])\.(.+)', r'backbone.reduce\1.\2'),
        (r'plfd_backbone\.extra\.0\.(.+)', r'backbone.extra.0.\1'),
        (r'plfd_backbone\.extra\.2\.0\.(.+)', r'backbone.extra.2.\1'),
        (r'plfd_backbone\.extra\.2\.2\.(.+)', r'backbone.extra.4.\1'),
        (r'plfd_backbone\.fc\.(.+)', r'head.fc.\1'),
    ),
    dropped=_POSE,
)


def _pfld(prefix: str, stem: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    stages = (
        (r'conv3_1\.conv\.(.+)', r'backbone.stage3.0.layers.\1'),
        *((rf'block3_{n}\.conv\.(.+)', rf'backbone.stage3.{n - 1}.layers.\1') for n in range(2, 6)),
        (r'conv4_1\.conv\.(.+)', r'backbone.stage4.layers.\1'),
        (r'conv5_1\.conv\.(.+)', r'backbone.stage5.0.layers.\1'),
        *((rf'block5_{n}\.conv\.(.+)', rf'backbone.stage5.{n - 1}.layers.\1') for n in range(2, 7)),
        (r'conv6_1\.conv\.(.+)', r'backbone.stage6.layers.\1'),
        (r'conv7\.([01])\.(.+)', r'backbone.conv7.\1.\2'),
        (r'conv8\.(.+)', r'backbone.conv8.0.\1'),
        (r'fc\.(.+)', r'head.fc.\1'),
    )
    first = ((r'conv1\.(.+)', r'backbone.stem.0.0.\1'), (r'bn1\.(.+)', r'backbone.stem.0.1.\1'))
    return tuple((prefix + theirs, ours) for theirs, ours in (*first, *stem, *stages))


POLARISZHAO_PFLD = Converter(
    name='polarisZhao/PFLD-pytorch',
    detect=('plfd_backbone.conv2.weight', 'plfd_backbone.block5_6.conv.0.weight', 'plfd_backbone.fc.weight'),
    rules=_pfld(
        r'plfd_backbone\.',
        ((r'conv2\.(.+)', r'backbone.stem.1.0.\1'), (r'bn2\.(.+)', r'backbone.stem.1.1.\1')),
    ),
    dropped=(*_POSE, (r'plfd_backbone\.bn8\..+', 'a batch norm that the network does not apply')),
)
CUNJIAN_PFLD = Converter(
    name='cunjian/pytorch_face_landmark:PFLD',
    detect=('dw_pool.weight', 'conv1_extra.weight', 'block5_6.conv.0.weight'),
    rules=_pfld(
        '',
        (
            (r'dw_pool\.(.+)', r'backbone.stem.1.0.\1'),
            (r'dw_bn\.(.+)', r'backbone.stem.1.1.\1'),
            (r'conv1_extra\.(.+)', r'backbone.stem.1.2.\1'),
        ),
    ),
    dropped=((r'bn8\..+', 'a batch norm that the network does not apply'),),
)
