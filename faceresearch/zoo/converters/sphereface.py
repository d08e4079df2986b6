"""SphereFace-20 of clcarwin/sphereface_pytorch: 112×96, every layer named by stage and number."""

from __future__ import annotations

from faceresearch.models.backbones.sphere import BLOCKS
from faceresearch.zoo.converters.base import Converter


def _layers() -> tuple[tuple[str, str], ...]:
    rules = []
    for stage, blocks in enumerate(BLOCKS[20]):
        for number in range(1, 2 * blocks + 2):
            block, half = (number // 2, number % 2) if number > 1 else (0, 0)
            place = f'backbone.stages.{stage}.{block}' + ('' if block == 0 else '.layers')
            rules.append((rf'conv{stage + 1}_{number}\.(.+)', rf'{place}.{2 * half}.\1'))
            rules.append((rf'relu{stage + 1}_{number}\.(.+)', rf'{place}.{2 * half + 1}.\1'))
    return tuple(rules)


CLCARWIN = Converter(
    name='clcarwin/sphereface_pytorch',
    detect=('conv1_1.weight', 'relu4_3.weight', 'fc5.weight'),
    rules=(*_layers(), (r'fc5\.(.+)', r'backbone.fc.\1')),
    dropped=((r'fc6\.weight', 'centres of the training identities: an embedding has no use for them'),),
)
