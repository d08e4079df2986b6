"""Attribute models as ONNX: equal to torch, MobileOne fused, labels and angles in the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceresearch.apis.export import export_onnx


@pytest.mark.parametrize(
    ('config', 'outputs'),
    [
        ('minifasnet_v2se_celebaspoof_80', ['spoof']),
        ('minifasnet_v2_v1se_liveness', ['spoof']),
        ('gaze_mobileone_s0_gaze360', ['yaw', 'pitch']),
        ('emotion_deepface_fer2013_48', ['emotion']),
        pytest.param('emotion_ddamfn_affectnet7_112', ['emotion'], marks=pytest.mark.slow),
        ('age_gender_genderage_utkface_96', ['gender', 'age']),
        pytest.param('demography_vgg16_age_utkface_224', ['age'], marks=pytest.mark.slow),
    ],
)
def test_exported_file_equals_the_network(config: str, outputs: list[str], tmp_path: Path) -> None:
    onnx = pytest.importorskip('onnx')
    from faceresearch.export import read_contract

    overrides = ['image_size=64'] if config.startswith('gaze') else []
    if config.startswith('demography'):
        overrides = ['model.backbone.embedding_size=64']
    path = export_onnx(config, 'none', tmp_path / 'model.onnx', overrides)
    graph = onnx.load(path).graph
    assert [output.name for output in graph.output] == outputs
    contract = read_contract(path)
    if config.startswith('gaze'):
        # One convolution a block: 43 blocks, and nothing is added up any more.
        kinds = [node.op_type for node in graph.node]
        assert kinds.count('Conv') == 43 and 'Add' not in kinds and 'BatchNormalization' not in kinds
        assert contract['angles'].startswith('degrees')
    elif config.startswith('minifasnet'):
        assert contract['labels'] == {'spoof': ['print', 'real', 'replay']}
    elif 'deepface' in config:
        # What the network sees is grey, and so is the file's input.
        assert contract['colour_order'] == 'grey' and contract['std'] == [255.0]
        assert [dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim][1:] == [1, 48, 48]
        assert contract['labels']['emotion'][0] == 'angry'
    elif 'age_gender' in config:
        assert contract['labels'] == {'gender': ['Female', 'Male']}
