"""Files from an image of bytes to results, through the tools: what they predict in the place of their models."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from faceresearch.apis import inference, init_model
from faceresearch.errors import UserError
from faceresearch.export import read_metadata
from faceresearch.export.parity import synthetic_images
from faceresearch.zoo.checkpoint import save_weights
from tests.tools.running import error_line, run_tool


def weights_of(config: str, path: Path, size: tuple[int, int]) -> Path:
    """Write random weights with the statistics of some images, so that results depend on the image."""
    torch.manual_seed(0)
    model = init_model(config, 'none')
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None
            layer.train()
    channels = getattr(model, 'input_channels', 3)
    with torch.no_grad():
        model(synthetic_images(4, *size, model.data_preprocessor, channels), mode='tensor')
    save_weights(path, model.state_dict(), {})
    return path


def photo(height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 255, (9, 9, 3), dtype=np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.slow
def test_landmarks(tmp_path: Path) -> None:
    config, file = 'landmark68_pfld_300w', tmp_path / 'm.onnx'
    weights = weights_of(config, tmp_path / 'w.safetensors', (112, 112))
    done = run_tool('export_onnx', config, weights, '-o', file, '--end2end')
    assert done.status == 0, done.err
    assert 'pixels' in done.out and 'FAILED' not in done.out
    metadata = read_metadata(file)
    assert (metadata['outputs'], metadata['precision']) == ('keypoints', 'float32')
    image, box = photo(300, 400), [np.array([50, 40, 210, 220])]
    ours, theirs = (inference(init_model(config, c), [image], boxes=box)[0].pred_instances for c in (weights, file))
    torch.testing.assert_close(theirs.keypoints, ours.keypoints, rtol=0, atol=1e-2)
    assert ours.keypoints.std() > 0.1


@pytest.mark.slow
def test_parser(tmp_path: Path) -> None:
    config, file = 'bisenet_r18_faces_128', tmp_path / 'm.onnx'
    weights = weights_of(config, tmp_path / 'w.safetensors', (128, 128))
    done = run_tool('export_onnx', config, weights, '-o', file, '--end2end')
    assert done.status == 0, done.err
    image = photo(150, 230)
    ours, theirs = (inference(init_model(config, c), image)[0].pred_sem_seg.sem_seg for c in (weights, file))
    assert ours.shape == theirs.shape == (1, 150, 230)
    assert (ours == theirs).float().mean() > 0.999 and len(ours.unique()) > 1
    # Another size of the network's input is another file.
    done = run_tool('test', config, file, 'test_size=96', 'data_root=nowhere')
    assert 'sizing is' in error_line(done) and 'export it with this config' in done.err


@pytest.mark.slow
def test_attributes_of_two_crops_of_a_face(tmp_path: Path) -> None:
    config, file = 'minifasnet_v2_v1se_liveness', tmp_path / 'm.onnx'
    weights = weights_of(config, tmp_path / 'w.safetensors', (80, 80))
    done = run_tool('export_onnx', config, weights, '-o', file, '--end2end', '--fp16')
    assert done.status == 0, done.err
    assert read_metadata(file)['precision'] == 'float16'
    image, box = photo(300, 400), [np.array([150, 100, 210, 180])]
    ours, theirs = (inference(init_model(config, c), [image], boxes=box)[0].pred_attributes for c in (weights, file))
    torch.testing.assert_close(theirs.spoof_scores, ours.spoof_scores, rtol=0, atol=5e-3)
    assert ours.spoof == theirs.spoof
    with pytest.raises(UserError, match='gives attributes, the config is of a SingleStageDetector'):
        init_model('retinaface_mnet025_widerface', file)


def test_int8_needs_images(tmp_path: Path) -> None:
    done = run_tool('export_onnx', 'a', 'none', '-o', tmp_path / 'x.onnx', '--fp16', '--int8', tmp_path)
    assert done.status == 2 and 'not allowed with' in done.err
    from faceresearch.export.reduced import image_paths

    with pytest.raises(UserError, match='no images in it; --int8 takes a folder of images'):
        image_paths(tmp_path)
