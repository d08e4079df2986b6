"""From the name of a model to converted weights, and what the index says."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from pathlib import Path

import pytest
import torch

from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import read_checkpoint
from faceresearch.zoo.download import cache_folder, download, source_file
from faceresearch.zoo.fetch import Patience
from faceresearch.zoo.index import PublishedWeights, ZooModel, find_models, read_index
from tests.zoo.file_server import serving

NAME = 'retinaface_mnet025_widerface'
HASTY = Patience(timeout=1.0, attempts=2, pause=0.01)


@pytest.fixture(scope='module')
def checkpoint() -> bytes:
    torch.manual_seed(3)
    stream = io.BytesIO()
    torch.save({'state_dict': MODELS.build(load_config(NAME).model).state_dict()}, stream)
    return stream.getvalue()


def published(url: str | None, content: bytes, **changes: object) -> ZooModel:
    weights = PublishedWeights('a test', url, hashlib.sha256(content).hexdigest(), len(content), {'weights': 'MIT'})
    return ZooModel(NAME, 'RetinaFace', 'x.py', 1, 0, dataclasses.replace(weights, **changes))  # type: ignore[arg-type]


def test_fetched_verified_converted(checkpoint: bytes, tmp_path: Path) -> None:
    with serving(checkpoint) as server:
        model = published(server.url('good/weights.pth'), checkpoint)
        (outcome,) = download([model], tmp_path / 'to', tmp_path / 'cache', patience=HASTY)
        assert outcome.path == tmp_path / 'to' / f'{NAME}.safetensors' and not outcome.problem
        state, entries = read_checkpoint(outcome.path)
        expected = torch.load(io.BytesIO(checkpoint), weights_only=True)['state_dict']
        assert all(torch.equal(tensor, expected[name]) for name, tensor in state.items())
        assert entries['source_sha256'] == model.weights.sha256  # type: ignore[union-attr]
        # Once more: nothing to do. The converted file gone: the cache serves, without a network.
        download([model], tmp_path / 'to', tmp_path / 'cache', patience=HASTY)
        outcome.path.unlink()
    (again,) = download([model], tmp_path / 'to', tmp_path / 'cache', offline=True)
    assert again.path and again.path.is_file()
    assert len(server.requests) == 1


def test_one_failure_does_not_stop_the_others(checkpoint: bytes, tmp_path: Path) -> None:
    with serving(checkpoint) as server:
        good = published(server.url('good/weights.pth'), checkpoint)
        bad = dataclasses.replace(
            published(server.url('corrupt/weights.pth'), checkpoint + b'x'), name='yolov3_d53_anime'
        )
        bad_weights = dataclasses.replace(bad.weights, size=None)  # type: ignore[type-var]
        bad = dataclasses.replace(bad, weights=bad_weights)
        first, second = download([bad, good], tmp_path / 'to', tmp_path / 'cache', patience=HASTY)
    assert first.path is None and 'it was deleted' in first.problem
    assert second.path and second.path.is_file()


def test_what_stands_in_the_way_is_said_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = 'http://127.0.0.1:9/weights.pth'

    def problem(model: ZooModel, **options: bool) -> str:
        (outcome,) = download([model], tmp_path / 'to', tmp_path / 'cache', patience=HASTY, **options)  # type: ignore[arg-type]
        return outcome.problem

    assert 'nobody has published' in problem(dataclasses.replace(published(url, b'x'), weights=None))
    assert f'convert_checkpoint.py FILE {NAME}' in problem(published(None, b'x'))
    assert '--unverified' in problem(published(url, b'x', sha256=None))
    for terms in ({'weights': 'non-commercial research'}, {'weights': 'CC-BY-NC-SA-4.0'}, {}):
        assert 'were not accepted' in problem(published(url, b'x', licences=terms))
    assert 'network is switched off' in problem(published(url, b'x'), offline=True)
    monkeypatch.setenv('FACERESEARCH_OFFLINE', '1')
    assert 'network is switched off' in problem(published(url, b'x'))


def test_a_file_that_is_another_models_is_refused(checkpoint: bytes, tmp_path: Path) -> None:
    with serving(checkpoint) as server:
        model = dataclasses.replace(published(server.url('good/weights.pth'), checkpoint), name='arcface_mbf_ms1mv3')
        (outcome,) = download([model], tmp_path / 'to', tmp_path / 'cache', patience=HASTY)
    assert outcome.path is None and 'no converter knows' in outcome.problem
    assert not list((tmp_path / 'to').glob('*')) if (tmp_path / 'to').exists() else True


def test_names_in_addresses_stay_inside_the_cache(tmp_path: Path) -> None:
    for path in ('a/..%2f..%2fevil.pth', 'a/%2e%2e', 'a/', ''):
        weights = PublishedWeights('x', f'https://example.org/{path}')
        assert source_file(weights, tmp_path).resolve().is_relative_to((tmp_path / 'published').resolve())


def test_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('FACERESEARCH_CACHE', '/somewhere/else')
    assert cache_folder() == Path('/somewhere/else')
    monkeypatch.delenv('FACERESEARCH_CACHE')
    monkeypatch.setenv('XDG_CACHE_HOME', '/cache')
    assert cache_folder() == Path('/cache/faceresearch')


def test_the_index() -> None:
    index = read_index()
    assert len(index) > 60
    with pytest.raises(UserError, match="Did you mean 'retinaface_mnet025_widerface'"):
        find_models(['retinaface_mnet25_widerface'], index)
    for model in index.values():
        if model.weights is None:
            continue
        assert model.weights.licences.keys() == {'code', 'weights', 'data'}, model.name
        assert model.weights.sha256 is None or len(model.weights.sha256) == 64, model.name
        if model.weights.url:
            assert model.weights.url.startswith('https://'), model.name


def test_a_damaged_index_is_named(tmp_path: Path) -> None:
    path = tmp_path / 'family/metafile.yml'
    path.parent.mkdir()
    for text, message in (('Models: [', 'is no YAML'), ('Models: [{Name: a}]', "without 'In Collection'")):
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            read_index(tmp_path)
