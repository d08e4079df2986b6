"""Models go to a hub and come back the same; what a stranger put there is not run."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from faceresearch.apis.model import inference, init_model
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.zoo.checkpoint import save_weights
from tests.zoo.hub_server import Hub

pytest.importorskip('huggingface_hub')

from faceresearch.zoo.hub import check_foreign_config, pull, push, shared_config

CONFIG = 'retinaface_mnet025_synthfaces'


@pytest.fixture
def hub(monkeypatch):
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv('HF_TOKEN', 'hf_test')
    yield server
    server.shutdown()
    server.server_close()


def write_weights(path: Path) -> Path:
    torch.manual_seed(0)
    save_weights(path, init_model(CONFIG).state_dict(), {})
    return path


def test_a_model_comes_back_the_same(hub, tmp_path, monkeypatch):
    weights = write_weights(tmp_path / 'mine.safetensors')
    (tmp_path / 'metrics.json').write_text('{"synthfaces/easy_ap": 0.25}')
    address = push(CONFIG, weights, 'me/faces', 'mit', tmp_path / 'metrics.json', endpoint=hub.url)
    assert address == f'{hub.url}/me/faces'
    assert set(hub.repos['me/faces']) == {'config.json', 'model.safetensors', 'README.md'}

    config, checkpoint = pull('me/faces', tmp_path / 'pulled', endpoint=hub.url)
    assert (config.name, checkpoint.name) == (f'{CONFIG}.py', f'{CONFIG}.safetensors')
    assert {path.name for path in config.parent.iterdir()} == {config.name, checkpoint.name}
    image = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    (mine,) = inference(init_model(CONFIG, weights), image)
    (theirs,) = inference(init_model(config, checkpoint), image)
    for key in ('bboxes', 'scores', 'keypoints'):
        assert torch.equal(mine.pred_instances[key], theirs.pred_instances[key])
    assert dict(load_config(config).contract)['licences'] == dict(load_config(CONFIG).contract)['licences']


def test_the_card_says_what_the_model_is(hub, tmp_path):
    (tmp_path / 'metrics.json').write_text('{"synthfaces/easy_ap": 0.25}')
    push(
        CONFIG,
        write_weights(tmp_path / 'm.safetensors'),
        'me/faces',
        'cc-by-nc-4.0',
        tmp_path / 'metrics.json',
        endpoint=hub.url,
    )
    card = hub.repos['me/faces']['README.md'].decode()
    front = yaml.safe_load(card.split('---')[1])
    assert front['license'] == 'cc-by-nc-4.0' and front['library_name'] == 'faceresearch'
    assert (
        '| synthfaces/easy_ap | 0.25 |' in card and '| colour_order | BGR |' in card and 'hub.py pull me/faces' in card
    )


@pytest.mark.parametrize(
    'config', ['arcface_r10_synthfaces', 'bisenet_r18_synthfaces', 'hrnetv2_w18_anime28', 'yolov3_d53_anime']
)
def test_what_is_shared_builds_the_same_network(config):
    cfg = load_config(config)
    cfg.test_dataloader.dataset.data_root = '/data/somebody/data'
    shared = shared_config(cfg)
    assert '/data/somebody' not in json.dumps(shared)
    check_foreign_config(shared, 'here')  # our own configs pass
    assert shared['model']['type'] == cfg.model.type
    assert shared['test_dataloader']['dataset']['pipeline']


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c['config']['model'].update(type='os.system'), r"'os\.system' is no name"),
        (lambda c: c['config']['model']['backbone'].update(type='subprocess.Popen'), r"'subprocess\.Popen' is no name"),
        (lambda c: c['config'].update(custom_imports={'imports': ['antigravity']}), 'has custom_imports; only'),
        (
            lambda c: c['config']['model'].update(init_cfg={'type': 'Pretrained', 'checkpoint': '/etc/passwd'}),
            'init_cfg',
        ),
        (lambda c: c['config']['test_evaluator'].update(plots_dir='../../.ssh'), 'leads out of the current folder'),
        (lambda c: c['config']['test_evaluator'].update(ann_file='/etc/passwd'), 'leads out of the current folder'),
        (lambda c: c['config']['test_evaluator'].update(fars=['~/.ssh/id']), 'leads out of the current folder'),
        (lambda c: c['config']['model'].update(type=['x']), 'is no name'),
        (lambda c: c['config']['model'].update(type='NoSuchModel'), 'NoSuchModel'),
        (lambda c: c.update(name='../../evil'), 'no name of a model'),
        (lambda c: c.pop('config'), 'no config of faceresearch'),
        (lambda c: c['config'].pop('model'), 'has no model'),
    ],
)
def test_what_a_stranger_put_there_is_refused(hub, tmp_path, change, message):
    push(CONFIG, write_weights(tmp_path / 'm.safetensors'), 'me/faces', 'mit', endpoint=hub.url)
    content = json.loads(hub.repos['me/faces']['config.json'])
    change(content)
    hub.repos['me/faces']['config.json'] = json.dumps(content).encode()
    with pytest.raises(UserError, match=message):
        pull('me/faces', tmp_path / 'pulled', endpoint=hub.url)
    assert not list((tmp_path / 'pulled').iterdir())


def test_weights_that_do_not_fit_are_refused_and_older_files_stay(hub, tmp_path):
    push(CONFIG, write_weights(tmp_path / 'm.safetensors'), 'me/faces', 'mit', endpoint=hub.url)
    config, checkpoint = pull('me/faces', tmp_path / 'pulled', endpoint=hub.url)
    before = checkpoint.read_bytes()
    hub.repos['me/faces']['model.safetensors'] = before[: len(before) // 2]
    with pytest.raises(UserError, match='damaged or incomplete'):
        pull('me/faces', tmp_path / 'pulled', endpoint=hub.url)
    assert checkpoint.read_bytes() == before
    assert {path.name for path in config.parent.iterdir()} == {config.name, checkpoint.name}


def test_missing_repositories_and_files_are_one_line(hub, tmp_path):
    with pytest.raises(UserError, match='no such repository, or it is private'):
        pull('me/nothing', tmp_path, endpoint=hub.url)
    hub.repos['me/other'] = {'README.md': b'a model of another library'}
    with pytest.raises(UserError, match=r'has no config\.json: it is no model of faceresearch'):
        pull('me/other', tmp_path, endpoint=hub.url)
    with pytest.raises(UserError, match='write owner/name'):
        pull('faces', tmp_path, endpoint=hub.url)


def test_random_weights_are_not_pushed(hub):
    with pytest.raises(UserError, match='not random ones'):
        push(CONFIG, 'none', 'me/faces', 'mit', endpoint=hub.url)
    assert not hub.repos


def test_the_tool_asks_for_a_licence():
    command = [sys.executable, 'tools/hub.py', 'push', CONFIG, 'x.safetensors', 'me/faces']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and '--licence is missing' in done.stderr
