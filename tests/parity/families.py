"""Which config builds which golden case."""

from __future__ import annotations

import re

import pytest

#: Pattern of a case's name → config. A case that matches has a config, or its test fails.
CONFIGS = {
    r'(?:retinaface|biubug6)_(?P<backbone>\w+)': 'configs/retinaface/retinaface_{backbone}_widerface.py',
    r'yolov5(?P<size>[nsm])(?:_face)?': 'configs/yolov5_face/yolov5_face_{size}_widerface.py',
    # The stored cases have ReLU, the released weights SiLU.
    r'yolov8(?P<size>n)_face': 'configs/yolov8_face/yolov8_face_{size}_relu_widerface.py',
    r'yolov8lite(?P<size>[st])_face': 'configs/yolov8_face/yolov8_face_lite_{size}_relu_widerface.py',
    r'iresnet(?P<depth>\d+)(?:_arcface)?': 'configs/arcface/arcface_r{depth}_ms1mv3.py',
    r'mbf': 'configs/arcface/arcface_mbf_webface600k.py',
    r'vit_(?P<size>[tsbl])': 'configs/arcface/arcface_vit_{size}_webface42m.py',
    r'adaface_ir_(?P<depth>\d+)': 'configs/adaface/adaface_ir{depth}_webface4m.py',
    r'mobileface_(?P<net>\w+)': 'configs/mobileface/mobileface_{net}_ms1mv2.py',
    r'(?P<net>sphere\d+)': 'configs/sphereface/sphereface_{net}_ms1mv2.py',
    r'bisenet_resnet(?P<depth>\d+)': 'configs/bisenet/bisenet_r{depth}_celebamaskhq_512.py',
    # The network that minivision trains, with its Fourier branch.
    r'minifasnet_ft': 'configs/minifasnet/minifasnet_v2se_celebaspoof_80.py',
    r'minifasnet_(?P<net>\w+)': 'configs/minifasnet/minifasnet_{net}_celebaspoof_80.py',
    r'gaze_resnet(?P<depth>\d+)': 'configs/gaze/gaze_r{depth}_gaze360.py',
    r'gaze_(?P<net>\w+)': 'configs/gaze/gaze_{net}_gaze360.py',
    r'facenet(?P<size>\d+)': 'configs/facenet/facenet_{size}_vggface2_160.py',
}

#: Pattern of a network's name → changes to its config, where the original gives more outputs than are of use.
OVERRIDES = {r'bisenet_\w+': ('model.outputs=all',)}

#: Families that are still to come: their cases are skipped until the family has a line above.
TO_COME: tuple[str, ...] = ()


def overrides_of(case: str) -> tuple[str, ...]:
    """Return the changes to a case's config under which the model gives what the original gives."""
    return next((changes for pattern, changes in OVERRIDES.items() if re.fullmatch(pattern, case)), ())


def config_of(case: str) -> str:
    """Return the config of a golden case, skipping those of families to come; an unknown case fails."""
    for pattern, config in CONFIGS.items():
        if match := re.fullmatch(pattern, case):
            return config.format(**match.groupdict())
    if any(re.fullmatch(pattern, case) for pattern in TO_COME):
        pytest.skip(f'the family of {case} is still to come')
    pytest.fail(f'no config is named for golden case {case}')
