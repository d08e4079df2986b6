"""YOLOv3 and Faster R-CNN through the tools: train, save, resume, test, and before the metrics of the others."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceresearch.apis.logs import read_log
from tests.tools.running import run_tool

SMALL = {
    'yolov3/yolov3_d53_anime': ['image_size=96', 'lr=0.02', 'param_scheduler=[]'],
    'faster_rcnn/faster_rcnn_r50_anime': ['image_scale=[96,64]', 'lr=5e-3', 'param_scheduler=[]'],
}


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Ten noisy images, each with one pale face, in COCO's form."""
    root = tmp_path / 'anime'
    (root / 'images').mkdir(parents=True)
    (root / 'annotations').mkdir()
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for number in range(1, 11):
        image = rng.integers(0, 90, (80, 120, 3), dtype=np.uint8)
        x, y = int(rng.integers(30, 90)), int(rng.integers(30, 50))
        cv2.circle(image, (x, y), 25, (200, 220, 250), -1)
        cv2.imwrite(str(root / 'images' / f'{number}.png'), image)
        images.append({'id': number, 'file_name': f'{number}.png', 'width': 120, 'height': 80})
        box = [x - 25, y - 25, 50, 50]
        face = {'id': number, 'image_id': number, 'category_id': 1, 'bbox': box, 'area': 2500, 'iscrowd': 0}
        annotations.append(face)
    content = {'images': images, 'annotations': annotations, 'categories': [{'id': 1, 'name': 'face'}]}
    for split in ('train', 'val'):
        (root / 'annotations' / f'{split}.json').write_text(json.dumps(content))
    return root


@pytest.mark.slow
@pytest.mark.parametrize('config', SMALL)
def test_ten_steps_saved_resumed_and_judged(config: str, faces: Path, shared_dir: Path, tmp_path: Path) -> None:
    work = tmp_path / 'work'
    settings = [f'data_root={faces}', 'batch_size=2', 'num_workers=0', *SMALL[config], 'val_interval=100']
    settings += ['++default_hooks.logger.interval=1', '++log_processor.window_size=1']
    train = ['train', config, *settings, '--work-dir', work]
    assert run_tool(*train, 'max_epochs=2').status == 0
    assert run_tool(*train, 'max_epochs=3', '--resume').status == 0
    losses = [value for _, value in sorted(read_log(work).series['loss'].items())]
    assert len(losses) == 15  # five iterations an epoch, none twice
    assert sum(losses[10:]) < sum(losses[:5])

    out = tmp_path / 'coco.json'
    weights = work / 'last.safetensors'
    assert run_tool('test', config, weights, *settings, '--out', out, '--work-dir', work).status == 0
    assert 0 <= json.loads(out.read_text())['coco/bbox_map'] <= 1

    # Without landmarks, before the protocol of the face detectors.
    wider = [f'data_root={shared_dir}/data/widerface', '++test_dataloader.dataset.indices=3', *SMALL[config]]
    benchmark = ['--benchmark', 'widerface_val', *wider, '--dump', tmp_path / 'p.npz', '--out', out]
    done = run_tool('test', config, weights, *benchmark, '--work-dir', work)
    assert done.status == 0, done.err
    assert json.loads(out.read_text())['widerface/images'] == 3
    judged = run_tool(
        'test', 'widerface_val', '--predictions', tmp_path / 'p.npz', wider[0], 'subset=true', '--out', out
    )
    assert judged.status == 0, judged.err
