"""An exported file before the same benchmark as the model it came from."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from faceresearch.apis import inference, init_model
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.export.parity import synthetic_images
from faceresearch.zoo.checkpoint import save_weights
from tests.tools.running import run_tool

CONFIG = 'mobileface_mnet025_ms1mv2'


@pytest.fixture(scope='module')
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Weights with the statistics of some images, without which all embeddings are nearly the same, and their export."""
    folder = tmp_path_factory.mktemp('onnx')
    model = init_model(CONFIG, 'none')
    for layer in model.modules():
        if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
            layer.momentum = None
    with torch.no_grad():
        model.train()(synthetic_images(8, 112, 112, model.data_preprocessor))
    save_weights(folder / 'w.safetensors', model.state_dict(), {})
    done = run_tool('export_onnx', CONFIG, folder / 'w.safetensors', '-o', folder / 'm.onnx', '--no-verify')
    assert done.status == 0, done.err
    return folder / 'w.safetensors', folder / 'm.onnx'


@pytest.fixture(scope='module')
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty pairs of images in LFW's layout."""
    root = tmp_path_factory.mktemp('lfw')
    rng = np.random.default_rng(0)
    lines = ['10\t1']
    for person in range(21):
        folder = root / 'images' / f'P{person:02d}'
        folder.mkdir(parents=True)
        base = cv2.resize(rng.integers(0, 255, (7, 7, 3), dtype=np.uint8), (112, 112))
        for number in (1, 2):
            noise = rng.integers(0, 40, base.shape)
            cv2.imwrite(str(folder / f'P{person:02d}_{number:04d}.jpg'), np.clip(base + noise, 0, 255).astype(np.uint8))
    for fold in range(10):
        lines += [f'P{fold:02d}\t1\t2', f'P{fold:02d}\t1\tP{fold + 10:02d}\t2']
    (root / 'pairs.txt').write_text('\n'.join(lines) + '\n')
    return root


@pytest.mark.slow
def test_file_has_the_accuracy_of_its_model(exported: tuple[Path, Path], pairs: Path, tmp_path: Path) -> None:
    found, embeddings = [], []
    for i, checkpoint in enumerate(exported):
        settings = [f'data_root={pairs}', 'ann_file=pairs.txt', 'img_dir=images', 'num_workers=0']
        out = ['--out', tmp_path / f'{i}.json', '--dump', tmp_path / f'{i}.npz', '--work-dir', tmp_path]
        done = run_tool('test', CONFIG, checkpoint, '--benchmark', 'pairs', *settings, *out)
        assert done.status == 0, done.err
        found.append(json.loads((tmp_path / f'{i}.json').read_text()))
        embeddings.append(np.load(tmp_path / f'{i}.npz')['embeddings'])
    assert found[0] == pytest.approx(found[1], nan_ok=True)
    assert np.abs(embeddings[0] - embeddings[1]).max() < 1e-4 * np.abs(embeddings[0]).max()


def test_file_for_other_colours_is_refused(exported: tuple[Path, Path], pairs: Path, tmp_path: Path) -> None:
    settings = [
        f'data_root={pairs}',
        'ann_file=pairs.txt',
        'img_dir=images',
        'model.data_preprocessor.bgr_to_rgb=false',
    ]
    done = run_tool('test', CONFIG, exported[1], '--benchmark', 'pairs', *settings, '--work-dir', tmp_path)
    assert done.status == 2
    assert 'was made for colour_order RGB, the config has BGR' in done.err


def test_absent_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'absent\.onnx: No such file'):
        init_model(CONFIG, tmp_path / 'absent.onnx')
    (tmp_path / 'text.onnx').write_text('not a graph')
    with pytest.raises(UserError, match='onnxruntime refuses it'):
        init_model(CONFIG, tmp_path / 'text.onnx')


def test_a_recognisers_file_is_no_detector(exported: tuple[Path, Path]) -> None:
    with pytest.raises(UserError, match='its outputs are embedding, the model needs loc, conf, landmarks'):
        init_model('retinaface_mnet025_widerface', exported[1])


def test_mmdets_models_are_named(exported: tuple[Path, Path]) -> None:
    with pytest.raises(UserError, match="ONNX files of mmdet's YOLOV3 cannot be tested yet"):
        init_model('yolov3_d53_anime', exported[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    'config',
    [
        'retinaface_mnet025_widerface',
        'scrfd_500m_kps_widerface',
        'yolov5_face_n_0_5_widerface',
        'yolov8_face_lite_t_widerface',
    ],
)
def test_a_detectors_file_detects_what_its_model_does(config: str, tmp_path: Path) -> None:
    """Images of two sizes in a batch: each without the padding of the other."""
    # Every anchor is kept: an untrained head scores many alike, and rounding would choose among them.
    keep_all = ('score_thr=0', 'nms_iou=1', 'max_per_img=0')
    settings = load_config(config, [f'++model.head.{setting}' for setting in keep_all])
    torch.manual_seed(0)
    model = init_model(settings, 'none')
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None
            layer.train()
    with torch.no_grad():
        model(synthetic_images(2, 192, 256, model.data_preprocessor), mode='tensor')
    weights, file = tmp_path / 'w.safetensors', tmp_path / 'm.onnx'
    save_weights(weights, model.state_dict(), {})
    assert run_tool('export_onnx', config, weights, '-o', file, '--no-verify').status == 0
    rng = np.random.default_rng(0)
    shapes = ((160, 224), (128, 128))
    images = [cv2.resize(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8), shape[::-1]) for shape in shapes]
    ours, theirs = (inference(init_model(settings, checkpoint), images) for checkpoint in (weights, file))
    for one, other in zip(ours, theirs):
        one, other = one.pred_instances, other.pred_instances
        assert len(one) == len(other) > 500
        # Equal scores may stand in any order: every detection has its like.
        rows, likes = (torch.cat([x.bboxes, x.keypoints.flatten(1), x.scores[:, None] * 1e3], 1) for x in (one, other))
        # In pixels (of 640 at most) and thousandths of a score, in single precision.
        assert cKDTree(likes.numpy()).query(rows.numpy(), p=np.inf)[0].max() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize('config', ['bisenet_r18_celebamaskhq_512', 'xseg_dfl_celebamaskhq_256'])
def test_a_parsers_file_parses_as_its_model_does(config: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = init_model(config, 'none')
    weights, file = tmp_path / 'w.safetensors', tmp_path / 'm.onnx'
    save_weights(weights, model.state_dict(), {})
    assert run_tool('export_onnx', config, weights, '-o', file, '--no-verify').status == 0
    image = cv2.resize(np.random.default_rng(0).integers(0, 255, (9, 9, 3), dtype=np.uint8), (300, 200))
    ours, theirs = (inference(init_model(config, checkpoint), image)[0] for checkpoint in (weights, file))
    assert ours.pred_sem_seg.sem_seg.shape == (1, 200, 300)
    assert (ours.pred_sem_seg.sem_seg == theirs.pred_sem_seg.sem_seg).float().mean() > 0.999
