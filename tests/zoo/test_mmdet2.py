"""Checkpoints with the names and shapes that mmdet 2.x gave YOLOv3 and Faster R-CNN; mmdet 3 has kept them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from tests.tools.running import run_tool

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def norm(name: str, width: int) -> Shapes:
    for part in ('weight', 'bias', 'running_mean', 'running_var'):
        yield f'{name}.{part}', (width,)
    yield f'{name}.num_batches_tracked', ()


def conv_bn(name: str, inputs: int, width: int, kernel: int) -> Shapes:
    yield f'{name}.conv.weight', (width, inputs, kernel, kernel)
    yield from norm(f'{name}.bn', width)


def plain(name: str, *shape: int) -> Shapes:
    yield f'{name}.weight', shape
    yield f'{name}.bias', shape[:1]


def yolov3() -> Shapes:
    yield from conv_bn('backbone.conv1', 3, 32, 3)
    for stage, blocks in enumerate((1, 2, 8, 8, 4), 1):
        width = 32 * 2**stage
        yield from conv_bn(f'backbone.conv_res_block{stage}.conv', width // 2, width, 3)
        for block in range(blocks):
            name = f'backbone.conv_res_block{stage}.res{block}'
            yield from conv_bn(f'{name}.conv1', width, width // 2, 1)
            yield from conv_bn(f'{name}.conv2', width // 2, width, 3)
    for level, (inputs, width) in enumerate(((1024, 512), (768, 256), (384, 128)), 1):
        for layer in range(1, 6):
            wide = layer % 2 == 0
            into = inputs if layer == 1 else width if wide else 2 * width
            yield from conv_bn(f'neck.detect{level}.conv{layer}', into, 2 * width if wide else width, 3 if wide else 1)
    yield from conv_bn('neck.conv1', 512, 256, 1)
    yield from conv_bn('neck.conv2', 256, 128, 1)
    for level, width in enumerate((512, 256, 128)):
        yield from conv_bn(f'bbox_head.convs_bridge.{level}', width, 2 * width, 3)
        yield from plain(f'bbox_head.convs_pred.{level}', 18, 2 * width, 1, 1)


def faster_rcnn() -> Shapes:
    yield 'backbone.conv1.weight', (64, 3, 7, 7)
    yield from norm('backbone.bn1', 64)
    inputs = 64
    for stage, blocks in enumerate((3, 4, 6, 3), 1):
        width = 64 * 2 ** (stage - 1)
        for block in range(blocks):
            name = f'backbone.layer{stage}.{block}'
            for layer, (into, out, kernel) in enumerate(
                ((inputs, width, 1), (width, width, 3), (width, 4 * width, 1)), 1
            ):
                yield f'{name}.conv{layer}.weight', (out, into, kernel, kernel)
                yield from norm(f'{name}.bn{layer}', out)
            if block == 0:
                yield f'{name}.downsample.0.weight', (4 * width, inputs, 1, 1)
                yield from norm(f'{name}.downsample.1', 4 * width)
            inputs = 4 * width
    for level in range(4):
        yield from plain(f'neck.lateral_convs.{level}.conv', 256, 256 * 2**level, 1, 1)
        yield from plain(f'neck.fpn_convs.{level}.conv', 256, 256, 3, 3)
    yield from plain('rpn_head.rpn_conv', 256, 256, 3, 3)
    yield from plain('rpn_head.rpn_cls', 3, 256, 1, 1)
    yield from plain('rpn_head.rpn_reg', 12, 256, 1, 1)
    yield from plain('roi_head.bbox_head.shared_fcs.0', 1024, 256 * 7 * 7)
    yield from plain('roi_head.bbox_head.shared_fcs.1', 1024, 1024)
    yield from plain('roi_head.bbox_head.fc_cls', 2, 1024)
    yield from plain('roi_head.bbox_head.fc_reg', 4, 1024)


@pytest.mark.parametrize(
    ('config', 'layout', 'parameters'),
    [
        ('yolov3/yolov3_d53_anime', yolov3, 61_523_734),
        ('yolov3/yolov3_d53_blackpad_anime', yolov3, 61_523_734),
        ('faster_rcnn/faster_rcnn_r50_anime', faster_rcnn, 41_348_181),
    ],
)
def test_published_layout_is_converted_whole(config: str, layout: object, parameters: int, tmp_path: Path) -> None:
    shapes = dict(layout())  # type: ignore[operator]
    learnt = [shape for name, shape in shapes.items() if not name.endswith(('_mean', '_var', '_tracked'))]
    assert sum(torch.Size(shape).numel() for shape in learnt) == parameters
    generator = torch.Generator().manual_seed(0)
    state = {
        name: torch.rand(shape, generator=generator) if shape else torch.tensor(7) for name, shape in shapes.items()
    }
    source = tmp_path / 'mmdet_anime-face.pth'
    torch.save({'meta': {'mmdet_version': '2.18.0', 'epoch': 12}, 'state_dict': state}, source)
    out = tmp_path / 'out.safetensors'
    done = run_tool('convert_checkpoint', source, config, '-o', out)
    assert done.status == 0, done.err
    with safe_open(out, 'pt') as file:
        assert set(file.keys()) == set(state)
        assert all(torch.equal(file.get_tensor(name), tensor) for name, tensor in state.items())
