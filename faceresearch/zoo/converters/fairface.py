"""FairFace checkpoints of dchen236/FairFace: torchvision's ResNet-34 whose last layer has 18 outputs."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

FAIRFACE = Converter(
    name='dchen236/FairFace',
    detect=('conv1.weight', 'layer4.2.conv2.weight', 'fc.weight'),
    # Seven races, two genders, nine ranges of age.
    slices=((r'fc\.(?:weight|bias)', (7, 9, 18)),),
    rules=(
        (r'((?:conv1|bn1|layer\d)\..+)', r'backbone.\1'),
        (r'fc\.(weight|bias)\[0:7\]', r'heads.race.fc.\1'),
        (r'fc\.(weight|bias)\[7:9\]', r'heads.gender.fc.\1'),
        (r'fc\.(weight|bias)\[9:18\]', r'heads.age.fc.\1'),
    ),
)
