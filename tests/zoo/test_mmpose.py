"""HRNetV2-W18 checkpoints with the names and shapes of mmpose 0.x, and what a network with those weights computes.

The network here is written with the old names and plain functions, from the paper and the published shapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from faceresearch.apis import init_model
from tests.tools.running import error_line, run_tool

CONFIG = 'hrnetv2_w18_hysts_anime28'
WIDTHS = (18, 36, 72, 144)
MODULES = {2: 1, 3: 4, 4: 3}
Shapes = Iterator[tuple[str, tuple[int, ...]]]


def norm_shapes(name: str, width: int) -> Shapes:
    for part in ('weight', 'bias', 'running_mean', 'running_var'):
        yield f'{name}.{part}', (width,)
    yield f'{name}.num_batches_tracked', ()


def pair(conv: str, norm: str, inputs: int, width: int, kernel: int) -> Shapes:
    yield f'{conv}.weight', (width, inputs, kernel, kernel)
    yield from norm_shapes(norm, width)


def stem_shapes() -> Shapes:
    yield from pair('conv1', 'bn1', 3, 64, 3)
    yield from pair('conv2', 'bn2', 64, 64, 3)
    for block in range(4):
        name = f'layer1.{block}'
        yield from pair(f'{name}.conv1', f'{name}.bn1', 64 if block == 0 else 256, 64, 1)
        yield from pair(f'{name}.conv2', f'{name}.bn2', 64, 64, 3)
        yield from pair(f'{name}.conv3', f'{name}.bn3', 64, 256, 1)
    yield from pair('layer1.0.downsample.0', 'layer1.0.downsample.1', 64, 256, 1)
    yield from pair('transition1.0.0', 'transition1.0.1', 256, 18, 3)
    yield from pair('transition1.1.0.0', 'transition1.1.0.1', 256, 36, 3)
    yield from pair('transition2.2.0.0', 'transition2.2.0.1', 36, 72, 3)
    yield from pair('transition3.3.0.0', 'transition3.3.0.1', 72, 144, 3)


def module_shapes(name: str, branches: int) -> Shapes:
    for branch in range(branches):
        for block in range(4):
            for layer in (1, 2):
                at = f'{name}.branches.{branch}.{block}'
                yield from pair(f'{at}.conv{layer}', f'{at}.bn{layer}', WIDTHS[branch], WIDTHS[branch], 3)
    for to in range(branches):
        for source in range(branches):
            at = f'{name}.fuse_layers.{to}.{source}'
            if source > to:
                yield from pair(f'{at}.0', f'{at}.1', WIDTHS[source], WIDTHS[to], 1)
            for step in range(to - source):
                width = WIDTHS[to] if step == to - source - 1 else WIDTHS[source]
                yield from pair(f'{at}.{step}.0', f'{at}.{step}.1', WIDTHS[source], width, 3)


def checkpoint_shapes() -> Shapes:
    for name, shape in stem_shapes():
        yield f'backbone.{name}', shape
    for stage, modules in MODULES.items():
        for module in range(modules):
            yield from module_shapes(f'backbone.stage{stage}.{module}', stage)
    yield 'keypoint_head.final_layer.0.weight', (270, 270, 1, 1)
    yield 'keypoint_head.final_layer.0.bias', (270,)
    yield from norm_shapes('keypoint_head.final_layer.1', 270)
    yield 'keypoint_head.final_layer.3.weight', (28, 270, 1, 1)
    yield 'keypoint_head.final_layer.3.bias', (28,)


class Network:
    """HRNetV2-W18 on the tensors of a checkpoint of mmpose 0.x."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        self.state = {name: tensor.double() for name, tensor in state.items()}

    def conv(self, x: Tensor, conv: str, norm: str, stride: int = 1) -> Tensor:
        weight = self.state[f'{conv}.weight']
        x = F.conv2d(x, weight, self.state.get(f'{conv}.bias'), stride, weight.shape[-1] // 2)
        parts = (self.state[f'{norm}.{part}'] for part in ('running_mean', 'running_var', 'weight', 'bias'))
        return F.batch_norm(x, *parts, eps=1e-5)

    def block(self, x: Tensor, name: str, layers: int) -> Tensor:
        skip = x
        if f'{name}.downsample.0.weight' in self.state:
            skip = self.conv(x, f'{name}.downsample.0', f'{name}.downsample.1')
        for layer in range(1, layers + 1):
            x = self.conv(x, f'{name}.conv{layer}', f'{name}.bn{layer}')
            x = x.relu() if layer < layers else x
        return (x + skip).relu()

    def fuse(self, maps: list[Tensor], name: str) -> list[Tensor]:
        fused = []
        for to, target in enumerate(maps):
            total = torch.zeros_like(target)
            for source, x in enumerate(maps):
                at = f'{name}.{to}.{source}'
                if source > to:
                    x = self.conv(x, f'{at}.0', f'{at}.1')
                    x = F.interpolate(x, scale_factor=2 ** (source - to), mode='bilinear', align_corners=False)
                for step in range(to - source):
                    x = self.conv(x, f'{at}.{step}.0', f'{at}.{step}.1', stride=2)
                    x = x.relu() if step < to - source - 1 else x
                total = total + x
            fused.append(total.relu())
        return fused

    def __call__(self, images: Tensor) -> Tensor:
        x = self.conv(images, 'backbone.conv1', 'backbone.bn1', 2).relu()
        x = self.conv(x, 'backbone.conv2', 'backbone.bn2', 2).relu()
        for block in range(4):
            x = self.block(x, f'backbone.layer1.{block}', 3)
        maps = [self.conv(x, 'backbone.transition1.0.0', 'backbone.transition1.0.1').relu()]
        for stage, modules in MODULES.items():
            at, last = f'backbone.transition{stage - 1}.{stage - 1}.0', x if stage == 2 else maps[-1]
            maps.append(self.conv(last, f'{at}.0', f'{at}.1', 2).relu())
            for module in range(modules):
                name = f'backbone.stage{stage}.{module}'
                for branch, _ in enumerate(maps):
                    for block in range(4):
                        maps[branch] = self.block(maps[branch], f'{name}.branches.{branch}.{block}', 2)
                maps = self.fuse(maps, f'{name}.fuse_layers')
        size = maps[0].shape[-2:]
        joined = torch.cat([F.interpolate(x, size, mode='bilinear', align_corners=False) for x in maps], 1)
        last = 'keypoint_head.final_layer'
        hidden = self.conv(joined, f'{last}.0', f'{last}.1').relu()
        return F.conv2d(hidden, self.state[f'{last}.3.weight'], self.state[f'{last}.3.bias'])


def filled() -> dict[str, Tensor]:
    """Weights with which signals neither vanish nor grow."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in checkpoint_shapes():
        values = torch.randn(shape, generator=generator)
        if len(shape) == 4:
            state[name] = values / (shape[1] * shape[2] * shape[3]) ** 0.5
        elif not shape:
            state[name] = torch.tensor(7)
        else:
            state[name] = values.abs() + 0.5 if name.endswith('running_var') else 0.3 * values
        if len(shape) == 1 and name.endswith('weight'):
            state[name] = state[name] + 1
    return state


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / 'mmpose_anime-face_hrnetv2.pth'
    torch.save({'meta': {'mmpose_version': '0.18.0', 'epoch': 60}, 'state_dict': filled()}, path)
    return path


def test_an_old_checkpoint_computes_what_it_did(source: Path, tmp_path: Path) -> None:
    state = filled()
    learnt = [t for name, t in state.items() if not name.endswith(('_mean', '_var', '_tracked'))]
    assert sum(t.numel() for t in learnt) == 9_643_558
    out = tmp_path / 'out.safetensors'
    done = run_tool('convert_checkpoint', source, CONFIG, '-o', out)
    assert done.status == 0, done.err
    model = init_model(CONFIG, out).double()
    images = torch.rand((2, 3, 64, 96), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        ours, theirs = model(images, None, mode='tensor'), Network(state)(images)
    assert ours.shape == (2, 28, 16, 24)
    assert theirs.std() > 0.1
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_a_checkpoint_of_version_one_keeps_its_names(source: Path, tmp_path: Path) -> None:
    """Those with buffers of a preprocessor have other names than the model; they mean the same weights."""
    renamed = {
        name.replace('keypoint_head.final_layer.3', 'head.final_layer').replace(
            'keypoint_head.final_layer', 'head.conv_layers'
        ): tensor
        for name, tensor in filled().items()
    }
    renamed['data_preprocessor.mean'] = torch.zeros(3, 1, 1)
    torch.save({'state_dict': renamed}, tmp_path / 'new.pth')
    images = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    outputs = []
    for checkpoint in (source, tmp_path / 'new.pth'):
        out = tmp_path / f'{checkpoint.stem}.safetensors'
        assert run_tool('convert_checkpoint', checkpoint, CONFIG, '-o', out).status == 0
        with torch.no_grad():
            outputs.append(init_model(CONFIG, out)(images, None, mode='tensor'))
    assert torch.equal(*outputs)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    state = filled()
    for name, change in {
        'missing': {'backbone.stage4.2.fuse_layers.3.0.2.0.weight': None},
        'extra': {'keypoint_head.deconv_layers.0.weight': torch.zeros(1)},
        'points': {'keypoint_head.final_layer.3.weight': torch.zeros(98, 270, 1, 1)},
    }.items():
        path = tmp_path / f'{name}.pth'
        torch.save({'state_dict': {k: v for k, v in {**state, **change}.items() if v is not None}}, path)
        done = run_tool('convert_checkpoint', path, CONFIG, '-o', tmp_path / f'{name}.safetensors')
        assert next(iter(change)) in error_line(done)
        assert not (tmp_path / f'{name}.safetensors').exists()
