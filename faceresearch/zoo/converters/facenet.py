"""FaceNet checkpoints of timesler/facenet-pytorch (20180402-114759, 20180408-102900)."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

_STEM = {'1a': 0, '2a': 1, '2b': 2, '3b': 4, '4a': 5, '4b': 6}


def _block(theirs: str, ours: str) -> tuple[tuple[str, str], ...]:
    return (
        (rf'{theirs}\.branch(\d)\.(\d)\.(.+)', rf'{ours}.branches.\1.\2.\3'),
        # A branch of one convolution is that convolution.
        (rf'{theirs}\.branch(\d)\.((?:conv|bn)\..+)', rf'{ours}.branches.\1.0.\2'),
        (rf'{theirs}\.conv2d\.(.+)', rf'{ours}.project.\1'),
    )


FACENET_PYTORCH = Converter(
    name='timesler/facenet-pytorch',
    detect=('conv2d_1a.conv.weight', 'block8.conv2d.weight', 'last_linear.weight'),
    rules=(
        *((rf'conv2d_{name}\.(.+)', rf'backbone.stem.{index}.\1') for name, index in _STEM.items()),
        *(
            rule
            for part, (name, depth) in {1: ('blocks35', 5), 2: ('blocks17', 10), 3: ('blocks8', 5)}.items()
            for index in range(depth)
            for rule in _block(rf'repeat_{part}\.{index}', f'backbone.{name}.{index}')
        ),
        *_block('mixed_6a', 'backbone.reduce35'),
        *_block('mixed_7a', 'backbone.reduce17'),
        *_block('block8', 'backbone.blocks8.5'),
        (r'last_linear\.(.+)', r'backbone.fc.\1'),
        (r'last_bn\.(.+)', r'backbone.norm.\1'),
    ),
    dropped=((r'logits\.(?:weight|bias)', 'classifier of the training identities: an embedding has no use for it'),),
)
