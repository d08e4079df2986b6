"""SCRFD checkpoints of insightface detection/scrfd (an mmdet 2.7 fork)."""

from __future__ import annotations

from dataclasses import replace

from faceresearch.zoo.converters.base import Converter

# Levels are named by their stride where each has its own tower, and '0' where all share one.
_LEVELS = ((r'\(8, 8\)', 0), (r'\(16, 16\)', 1), (r'\(32, 32\)', 2), ('0', 0))
_TOWER = tuple(
    rule
    for key, level in _LEVELS
    for rule in (
        (rf'bbox_head\.cls_stride_convs\.{key}\.(\d)\.conv\.(.+)', rf'head.towers.{level}.\1.0.\2'),
        (rf'bbox_head\.cls_stride_convs\.{key}\.(\d)\.[bg]n\.(.+)', rf'head.towers.{level}.\1.1.\2'),
        (rf'bbox_head\.cls_stride_convs\.{key}\.(\d)\.depthwise_conv\.conv\.(.+)', rf'head.towers.{level}.\1.0.\2'),
        (rf'bbox_head\.cls_stride_convs\.{key}\.(\d)\.depthwise_conv\.[bg]n\.(.+)', rf'head.towers.{level}.\1.1.\2'),
        (rf'bbox_head\.cls_stride_convs\.{key}\.(\d)\.pointwise_conv\.conv\.(.+)', rf'head.towers.{level}.\1.3.\2'),
        (rf'bbox_head\.cls_stride_convs\.{key}\.(\d)\.pointwise_conv\.[bg]n\.(.+)', rf'head.towers.{level}.\1.4.\2'),
        (rf'bbox_head\.stride_cls\.{key}\.(.+)', rf'head.cls.{level}.\1'),
        (rf'bbox_head\.stride_reg\.{key}\.(.+)', rf'head.box.{level}.\1'),
        (rf'bbox_head\.stride_kps\.{key}\.(.+)', rf'head.landmark.{level}.\1'),
    )
)

INSIGHTFACE_SCRFD = Converter(
    name='insightface detection/scrfd',
    detect=('neck.pafpn_convs.0.conv.weight', 'backbone.layer1.0.0.weight'),
    rules=(
        (r'backbone\.stem\.(.+)', r'backbone.stem.\1'),
        *((rf'backbone\.layer{i + 1}\.(.+)', rf'backbone.stages.{i}.\1') for i in range(4)),
        (r'neck\.lateral_convs\.(\d)\.conv\.(.+)', r'neck.lateral.\1.\2'),
        (r'neck\.fpn_convs\.(\d)\.conv\.(.+)', r'neck.fpn.\1.\2'),
        (r'neck\.downsample_convs\.(\d)\.conv\.(.+)', r'neck.downsample.\1.\2'),
        (r'neck\.pafpn_convs\.(\d)\.conv\.(.+)', r'neck.pafpn.\1.\2'),
        *_TOWER,
        (r'bbox_head\.scales\.(\d)\.scale', r'head.scales.\1.scale'),
    ),
    dropped=((r'bbox_head\.integral\.project', 'numbers of a distribution that SCRFD does not predict'),),
)

#: The same for the ResNet forms, whose blocks have named layers.
INSIGHTFACE_SCRFD_RESNET = replace(
    INSIGHTFACE_SCRFD, detect=('neck.pafpn_convs.0.conv.weight', 'backbone.layer1.0.conv1.weight')
)
