"""Published figures find the keys that mean the same, and no others."""

from __future__ import annotations

import pytest

from faceresearch.reports.published import metric_key, published_elsewhere, references_of
from faceresearch.zoo.index import ZooModel, read_index

IBUG = {'type': 'IBUG300WDataset', 'data_root': 'data/300w', 'split': 'full'}


@pytest.fixture(scope='module')
def index() -> dict[str, ZooModel]:
    return read_index()


@pytest.mark.parametrize(
    ('name', 'key'),
    [
        ('hard AP', 'widerface/hard_ap'),
        ('LFW', 'lfw/accuracy'),
        ('CFP-FP', 'cfp_fp/accuracy'),
        ('AgeDB-30', 'agedb_30/accuracy'),
        ('IJB-C TAR@FAR=1e-4', 'ijbc/tar@far=1e-4'),
        ('MFR-All', None),
        ('LFW of another kind', None),
    ],
)
def test_names_of_the_field_are_keys_of_ours(name: str, key: str | None) -> None:
    assert metric_key(name) == key


def test_figures_of_landmarks_belong_to_their_set_and_split() -> None:
    assert metric_key('300-W full NME', IBUG) == 'landmark/nme'
    assert metric_key('300-W challenge NME', IBUG) == 'landmark/challenge/nme'
    assert metric_key('300-W test NME', IBUG) is None
    assert metric_key('300-W test NME', {**IBUG, 'split': 'test'}) == 'landmark/nme'
    assert metric_key('WFLW test NME', IBUG) is None
    assert metric_key('300-W full NME') is None


def test_a_model_has_its_own_published_figures_with_protocol_and_source(index: dict[str, ZooModel]) -> None:
    by_key, others = references_of(index, 'configs/arcface/arcface_mbf_webface600k.py')
    (lfw,) = by_key['lfw/accuracy']
    assert (lfw.value, lfw.source) == (0.9970, 'insightface model zoo, buffalo_s')
    assert [reference.name for reference in others] == ['MFR-All']
    # The original code on the images that are at hand stands beside what this project measured.
    by_key, _ = references_of(index, 'retinaface_mnet025_widerface')
    assert [r.source for r in by_key['widerface/hard_ap']] == [
        'the original code',
        'this project, recorded in the index',
    ]
    assert references_of(index, 'a_config_of_ones_own.py') == ({}, [])


def test_figures_of_other_models_are_found_by_key(index: dict[str, ZooModel]) -> None:
    rows = published_elsewhere(index, {'lfw/accuracy': 0.9, 'lfw/auc': 1.0}, 'arcface_mbf_webface600k')
    assert {key for key, _, _ in rows} == {'lfw/accuracy'}
    names = [model for _, model, _ in rows]
    assert 'adaface_ir101_ms1mv2' in names and 'arcface_mbf_webface600k' not in names


def test_no_figure_of_the_index_is_lost(index: dict[str, ZooModel]) -> None:
    """What has no key of ours is shown under its own name; every figure has a protocol."""
    for model in index.values():
        stated = sum(len(entry.metrics) for entry in model.figures)
        by_key, others = references_of(index, model.config)
        assert sum(map(len, by_key.values())) + len(others) == stated
        assert all(entry.protocol and entry.protocol != 'None' for entry in model.figures), model.name
