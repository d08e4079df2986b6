"""Recognition through the command line: stored embeddings, thresholds, comparison, a model before a benchmark."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from faceresearch.engine.benchmark import add_dump, use_benchmark
from faceresearch.errors import UserError


def run(repo_root, *arguments):
    command = [sys.executable, *(str(a) for a in arguments)]
    return subprocess.run(command, cwd=repo_root, capture_output=True, text=True, check=False)


def store(path, seed, noise):
    rng = np.random.default_rng(0)
    first = rng.standard_normal((600, 32))
    second = np.where((np.arange(600) % 2 == 0)[:, None], first, rng.standard_normal((600, 32)))
    embeddings = np.stack([first, second], 1).reshape(-1, 32)
    embeddings = embeddings + np.random.default_rng(seed).normal(0, noise, embeddings.shape)
    np.savez(path, embeddings=embeddings.astype(np.float32), issame=np.arange(600) % 2 == 0)
    return path


def test_stored_pairs_are_judged(repo_root, golden_dir, tmp_path):
    predictions = golden_dir / 'evaluation/verification.npz'
    done = run(repo_root, 'tools/test.py', 'cfp_fp', '--predictions', predictions, '--out', tmp_path / 'm.json')
    assert done.returncode == 0, done.stderr
    expected = json.loads((golden_dir / 'evaluation/verification_expected.json').read_text())
    figures = json.loads((tmp_path / 'm.json').read_text())
    assert figures['cfp_fp/accuracy'] == expected['accuracy_mean']


def test_stored_ijb_features_are_judged_with_options(repo_root, golden_dir, tmp_path):
    folder = golden_dir / 'evaluation/ijb_mini'
    options = ['use_flip=false', 'use_norm_score=false', 'use_detector_score=false', 'depth=quick']
    done = run(
        repo_root, 'tools/test.py', 'ijbc', '--predictions', folder / 'ijbmini_features.npz', f'data_root={folder}',
        'prefix=ijbmini', *options, '--out', tmp_path / 'm.json',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = json.loads((folder / 'ijbmini_expected.json').read_text())['noflip_nonorm_nodet']
    figures = json.loads((tmp_path / 'm.json').read_text())
    assert figures['ijbc/tar@far=1e-4'] == expected['tar_at_far']['0.0001']


def test_calibrate_writes_thresholds(repo_root, tmp_path):
    predictions = store(tmp_path / 'a.npz', 1, 0.5)
    done = run(repo_root, 'tools/calibrate.py', predictions, '--far', '1e-1', '1e-2', '-o', tmp_path / 't.json')
    assert done.returncode == 0, done.stderr
    thresholds = json.loads((tmp_path / 't.json').read_text())['thresholds']
    assert thresholds['1e-1']['impostors'] == 30
    assert thresholds['1e-1']['cosine'] < thresholds['1e-2']['cosine']
    assert thresholds['1e-2']['l2'] ** 2 == pytest.approx(2 - 2 * thresholds['1e-2']['cosine'])


def test_compare_names_the_better_one(repo_root, tmp_path):
    a, b = store(tmp_path / 'a.npz', 1, 0.3), store(tmp_path / 'b.npz', 2, 1.2)
    done = run(repo_root, 'tools/compare.py', a, b, '--far', '1e-2', '--samples', 200, '-o', tmp_path / 'c.json')
    assert done.returncode == 0, done.stderr
    assert 'A is better' in done.stdout
    outcome = json.loads((tmp_path / 'c.json').read_text())
    assert outcome['accuracy']['better'] == outcome['tar']['1e-2']['better'] == 'a'


def test_a_wrong_file_is_one_line_and_exit_2(repo_root, tmp_path):
    (tmp_path / 'p.npz').write_bytes(b'no archive')
    done = run(repo_root, 'tools/calibrate.py', tmp_path / 'p.npz')
    assert (done.returncode, done.stderr.count('\n')) == (2, 1)
    assert done.stderr.startswith('error: ')


MODEL = """
default_scope = 'faceresearch'
model = dict(type='FaceRecognizer', backbone=dict(type='IResNet', depth=18))
contract = dict(size=(112, 96))
"""


def test_a_recogniser_gets_crops_of_its_size_and_the_benchmarks_flips(tmp_path):
    (tmp_path / 'model.py').write_text(MODEL)
    cfg = use_benchmark(tmp_path / 'model.py', 'lfw', ['ann_file=other.bin'])
    assert cfg.test_dataloader.dataset.ann_file == 'other.bin'
    assert cfg.test_dataloader.dataset.pipeline[1] == {'type': 'AlignFace', 'size': [112, 96]}
    assert cfg.model.flip_test == 'sum'
    assert use_benchmark(tmp_path / 'model.py', 'ijbc', []).model.flip_test == 'concat'
    own = use_benchmark(tmp_path / 'model.py', 'lfw', ['+model.flip_test=none', 'image_size=128'])
    assert own.model.flip_test == 'none'
    assert own.test_dataloader.dataset.pipeline[1].size == 128
    add_dump(cfg, 'p.npz')
    assert cfg.test_evaluator[-1].type == 'DumpEmbeddings'


def test_a_model_of_another_kind_is_refused(tmp_path):
    with pytest.raises(UserError, match=r'judges recognition, and .* is a model for detection'):
        use_benchmark('retinaface_mnet025_widerface', 'lfw', [])
    (tmp_path / 'model.py').write_text(MODEL)
    with pytest.raises(UserError, match=r'judges detection, and .* is a model for recognition'):
        use_benchmark(tmp_path / 'model.py', 'widerface_val', [])
    cfg = use_benchmark('retinaface_mnet025_widerface', 'widerface_val', [])
    add_dump(cfg, 'p.npz')
    assert cfg.test_evaluator[-1].type == 'DumpDetections'
