"""SynthFaces' attributes and attacks as data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from faceresearch.datasets import SynthAttributeDataset, SynthSpoofDataset
from faceresearch.datasets.attribute_labels import ORDERS
from faceresearch.errors import UserError
from faceresearch.synth.moods import EMOTIONS


def test_attribute_samples_carry_their_labels() -> None:
    dataset = SynthAttributeDataset(12, size=64)
    names = ORDERS['affectnet7/emotion']
    yaws, emotions = [], set()
    for index in range(12):
        sample = dataset[index]
        labels = sample['gt_attributes']
        assert sample['img'].shape == (64, 64, 3) and sample['bbox'].shape == (1, 4)
        assert set(labels) == {'yaw', 'pitch', 'head_yaw', 'head_pitch', 'head_roll', 'age', 'gender', 'emotion'}
        assert abs(labels['yaw']) < 90 and abs(labels['pitch']) < 60 and 1 <= labels['age'] <= 90
        assert labels['gender'] in (0, 1) and names[labels['emotion']] in EMOTIONS
        yaws.append(labels['yaw'])
        emotions.add(labels['emotion'])
    assert max(yaws) > 15 and min(yaws) < -15 and len(emotions) > 2


def test_emotions_are_numbered_as_asked() -> None:
    orders = ('affectnet7/emotion', 'fer2013/emotion')
    plain, other = (SynthAttributeDataset(4, order, size=64) for order in orders)
    for index in range(4):
        first, second = (d[index]['gt_attributes']['emotion'] for d in (plain, other))
        assert ORDERS[orders[0]][first] == ORDERS[orders[1]][second]
    with pytest.raises(UserError, match='surprise'):
        SynthAttributeDataset(1, ('neutral', 'happy', 'sad', 'angry'))


def test_half_is_live_and_attacks_take_turns() -> None:
    dataset = SynthSpoofDataset(12, size=64)
    samples = [dataset[index] for index in range(12)]
    assert [s['gt_attributes']['spoof'] == 1 for s in samples] == [True, False] * 6
    assert [s['attack'] for s in samples[1::2]] == ['print', 'replay', 'face mask'] * 2
    assert [s['gt_attributes']['spoof'] for s in samples[1:6:2]] == [0, 2, 0]
    binary = SynthSpoofDataset(4, 'binary/spoof', size=64)
    assert [binary[k]['gt_attributes']['spoof'] for k in range(4)] == [1, 0, 1, 0]


@pytest.mark.parametrize('make', [SynthAttributeDataset, SynthSpoofDataset])
def test_a_cache_changes_nothing(make: type, tmp_path: Path) -> None:
    plain, cached = make(4, size=64), make(4, size=64, cache_dir=str(tmp_path), jobs=1)
    for index in range(4):
        np.testing.assert_array_equal(plain[index]['img'], cached[index]['img'])
        assert plain[index]['gt_attributes'] == cached[index]['gt_attributes']
    assert not np.array_equal(plain[0]['img'], make(4, size=64, split='val')[0]['img'])


def test_samples_are_packed_for_models_of_attributes() -> None:
    with DefaultScope.overwrite_default_scope('faceresearch'):
        crop = {'type': 'CropFaceScales', 'scales': [1.2], 'size': 48}
        flip = {'type': 'FlipAttributes', 'negate': ['yaw'], 'prob': 1.0}
        pipeline = [{'type': 'LoadImage'}, crop, flip, {'type': 'PackFaceInputs'}]
        packed = SynthAttributeDataset(1, size=64, pipeline=pipeline)[0]
    plain = SynthAttributeDataset(1, size=64)[0]['gt_attributes']
    assert packed['inputs'].shape == (3, 48, 48)
    assert float(packed['data_samples'].gt_attributes.yaw) == pytest.approx(-plain['yaw'], rel=1e-5)
