"""RetinaFace checkpoints of biubug6/Pytorch_Retinaface and yakhyo/retinaface-pytorch."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

# Three levels are numbered 1…3 from fine to coarse in both origins, 0…2 here.
_NECK = tuple(
    rule
    for level in (1, 2, 3)
    for rule in (
        (rf'fpn\.output{level}\.(.+)', rf'neck.lateral.{level - 1}.\1'),
        (rf'fpn\.merge{level}\.(.+)', rf'neck.merge.{level - 1}.\1'),
        (rf'ssh{level}\.conv3X3\.(.+)', rf'neck.ssh.{level - 1}.conv3.\1'),
        (rf'ssh{level}\.conv([57])X[57]_([12])\.(.+)', rf'neck.ssh.{level - 1}.conv\1_\2.\3'),
        (rf'ssh{level}\.conv7x7_3\.(.+)', rf'neck.ssh.{level - 1}.conv7_3.\1'),
    )
)
_MOBILENET_V1 = (
    (r'stage1\.0\.([01])\.(.+)', r'stage1.0.\1.\2'),
    (r'stage(\d)\.(\d)\.0\.(.+)', r'stage\1.\2.0.0.\3'),
    (r'stage(\d)\.(\d)\.1\.(.+)', r'stage\1.\2.0.1.\3'),
    (r'stage(\d)\.(\d)\.3\.(.+)', r'stage\1.\2.1.0.\3'),
    (r'stage(\d)\.(\d)\.4\.(.+)', r'stage\1.\2.1.1.\3'),
)

#: Also files saved by nn.DataParallel: their ``module.`` prefix is removed when the checkpoint is read.
BIUBUG6 = Converter(
    name='biubug6/Pytorch_Retinaface',
    detect=('ClassHead.0.conv1x1.weight', 'fpn.output1.0.weight'),
    rules=(
        *((rf'body\.{pattern}', f'backbone.{new}') for pattern, new in _MOBILENET_V1),
        (r'body\.(.+)', r'backbone.\1'),
        *_NECK,
        (r'ClassHead\.(\d)\.conv1x1\.(.+)', r'head.cls.\1.\2'),
        (r'BboxHead\.(\d)\.conv1x1\.(.+)', r'head.box.\1.\2'),
        (r'LandmarkHead\.(\d)\.conv1x1\.(.+)', r'head.landmark.\1.\2'),
    ),
)

YAKHYO = Converter(
    name='yakhyo/retinaface-pytorch',
    detect=('class_head.class_head.0.weight', 'fpn.output1.0.weight'),
    rules=(
        (r'fx\.(.+)', r'backbone.\1'),
        *_NECK,
        (r'class_head\.class_head\.(\d)\.(.+)', r'head.cls.\1.\2'),
        (r'bbox_head\.bbox_head\.(\d)\.(.+)', r'head.box.\1.\2'),
        (r'landmark_head\.landmark_head\.(\d)\.(.+)', r'head.landmark.\1.\2'),
    ),
)

#: The ImageNet classifier whose trunk is the backbone (mobilenetV1X0.25_pretrain.tar).
BIUBUG6_BACKBONE = Converter(
    name='biubug6/Pytorch_Retinaface:mobilenet0.25 ImageNet',
    detect=('stage1.0.0.weight', 'fc.weight'),
    rules=tuple((pattern, f'backbone.{new}') for pattern, new in _MOBILENET_V1),
    dropped=((r'fc\..+', 'ImageNet classifier: a detector has no use for it'),),
    prefix='backbone.',
)
