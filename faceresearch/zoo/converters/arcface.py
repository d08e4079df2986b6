"""Backbones of insightface's arcface_torch, and of those who took its iResNet over (MagFace, CVLface)."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

#: The networks here have the names of arcface_torch's.
_SAME = ((r'(.+)', r'backbone.\1'),)
_BACKBONE = 'backbone.'

_IRESNET = Converter(
    name='insightface arcface_torch:iResNet',
    detect=('conv1.weight', 'layer1.0.prelu.weight', 'features.running_mean'),
    rules=_SAME,
    prefix=_BACKBONE,
)
_MOBILEFACENET = Converter(
    name='insightface arcface_torch:mbf',
    detect=('layers.0.layers.0.weight', 'conv_sep.layers.0.weight', 'features.layers.2.weight'),
    rules=_SAME,
    prefix=_BACKBONE,
)
_VIT = Converter(
    name='insightface arcface_torch:ViT',
    detect=('mask_token', 'patch_embed.proj.weight', 'feature.3.running_mean'),
    rules=_SAME,
    prefix=_BACKBONE,
)
_CVLFACE = Converter(
    name='mk-minchul/CVLface:iResNet',
    detect=('net.conv1.weight', 'net.layer1.0.prelu.weight'),
    rules=((r'net\.(.+)', r'backbone.\1'),),
    prefix=_BACKBONE,
)


def _magface(prefix: str) -> Converter:
    return Converter(
        name='IrvingMeng/MagFace',
        detect=(f'{prefix}conv1.weight', f'{prefix}layer1.0.prelu.weight'),
        rules=((rf'{prefix}(.+)', r'backbone.\1'),),
        dropped=(
            (r'(?:parallel_)?fc\..+', 'class centres of the training identities: an embedding has no use for them'),
        ),
        prefix=_BACKBONE,
    )


#: MagFace keeps its backbone as ``features``; the ``module.`` of nn.DataParallel stands inside that name or is gone.
ARCFACE = (_IRESNET, _MOBILEFACENET, _VIT, _CVLFACE, _magface('features.module.'), _magface('features.'))
