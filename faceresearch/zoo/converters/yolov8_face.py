"""YOLOv8-Face checkpoints of derronqi/yolov8-face: plain state dicts, keys ``model.<layer>.…``."""

from __future__ import annotations

from faceresearch.zoo.converters.base import Converter

#: The three branches of layer 22 and its constant ramp of distances.
_HEAD = (
    (r'model\.22\.cv2\.(.+)', r'head.box.\1'),
    (r'model\.22\.cv3\.(.+)', r'head.cls.\1'),
    (r'model\.22\.cv4\.(.+)', r'head.keypoint.\1'),
    (r'model\.22\.dfl\.conv\.weight', r'head.steps'),
)


def _layers(names: dict[int, str]) -> tuple[tuple[str, str], ...]:
    return tuple((rf'model\.{layer}\.(.+)', rf'{name}.\1') for layer, name in names.items())


_C2F_LAYERS = {
    0: 'backbone.stem',
    **{1 + 2 * stage + part: f'backbone.stages.{stage}.{part}' for stage in range(4) for part in range(2)},
    9: 'backbone.sppf',
    12: 'neck.down4',
    15: 'neck.down3',
    16: 'neck.stride3',
    18: 'neck.up4',
    19: 'neck.stride4',
    21: 'neck.up5',
}
_LITE_LAYERS = {
    **{1 + 2 * stage: f'backbone.stages.{stage}.0' for stage in range(3)},
    7: 'backbone.sppf',
    8: 'neck.lateral5',
    11: 'neck.down4',
    12: 'neck.lateral4',
    15: 'neck.down3',
    16: 'neck.stride3',
    18: 'neck.up4',
    19: 'neck.stride4',
    21: 'neck.up5',
}

_C2F = Converter(
    name='derronqi/yolov8-face',
    detect=('model.0.conv.weight', 'model.2.cv1.conv.weight', 'model.22.dfl.conv.weight'),
    rules=(*_layers(_C2F_LAYERS), *_HEAD),
)

_LITE = Converter(
    name='derronqi/yolov8-face:lite',
    detect=('model.0.stem_1.conv.weight', 'model.22.dfl.conv.weight'),
    rules=(
        (r'model\.0\.stem_(1|2a|2b|3)\.(.+)', r'backbone.stem.conv\1.\2'),
        # The first unit of a stage is a layer of its own; those after it count from 0 in the next layer.
        *(
            (rf'model\.{2 + 2 * stage}\.{unit}\.(.+)', rf'backbone.stages.{stage}.{unit + 1}.\1')
            for stage in range(3)
            for unit in range(16)
        ),
        *_layers(_LITE_LAYERS),
        *_HEAD,
    ),
)

YOLOV8_FACE = (_C2F, _LITE)
