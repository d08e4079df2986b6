"""DDAMFN, DeepFace's networks and genderage: sizes, parameters as published, and a step of training on files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceresearch.apis.train import train
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.models.classifiers import AttentionDiversity
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import load_weights, read_checkpoint
from faceresearch.zoo.convert import convert_checkpoint
from tests.datasets.test_attribute_sets import picture

#: The published DDAMFN by its blocks (reference/dense_and_attributes.md, F.3): name, in, out, expansion, kernels' channels.
BLOCKS: list[tuple[str, int, int, int, tuple[int, ...]]] = [
    ('features.2', 64, 64, 128, (64, 32, 32)),
    *((f'features.3.model.{n}', 64, 64, 128, (96, 32)) for n in range(9)),
    ('features.4', 64, 128, 256, (128, 64, 64)),
    *((f'features.5.model.{n}', 128, 128, 256, (192, 64)) for n in range(16)),
    ('features.6', 128, 256, 1024, (256, 256, 256, 256)),
    *((f'features.7.model.{n}', 256, 256, 512, (172, 170, 170)) for n in range(6)),
]


class Published:
    """A DDAMFN checkpoint under its published names, drawn at random, and what it computes, layer by layer."""

    def __init__(self, classes: int) -> None:
        self.generator = torch.Generator().manual_seed(classes)
        self.state: dict[str, Tensor] = {}
        self.unit('features.0', (64, 3, 3, 3))
        self.unit('features.1', (64, 1, 3, 3))
        for name, ins, outs, width, split in BLOCKS:
            self.unit(f'{name}.conv', (width, ins, 1, 1))
            for number, channels in enumerate(split):
                kernel = 3 + 2 * number
                self.conv(f'{name}.conv_dw.mixed_depthwise_conv.{number}', (channels, 1, kernel, kernel), bias=False)
            self.norm(f'{name}.conv_dw.bn', width)
            self.draw(f'{name}.conv_dw.prelu.weight', (width,))
            self.squeeze(f'{name}.CA', width)
            self.unit(f'{name}.project', (outs, width, 1, 1), linear=True)
        self.unit('features.8', (512, 256, 1, 1))
        for head in range(2):
            place = f'cat_head{head}.CoordAtt'
            self.unit(f'{place}.Linear_h', (512, 1, 1, 7), linear=True)
            self.unit(f'{place}.Linear_w', (512, 1, 7, 1), linear=True)
            self.squeeze(place, 512)
            self.unit(f'{place}.Linear', (512, 1, 7, 7), linear=True)
        self.unit('Linear', (512, 1, 7, 7), linear=True)
        self.conv('fc', (classes, 512))
        self.norm('bn', classes)

    def draw(self, name: str, shape: tuple[int, ...], scale: float = 0.2, shift: float = 0.0) -> None:
        self.state[name] = torch.randn(shape, generator=self.generator) * scale + shift

    def conv(self, name: str, shape: tuple[int, ...], bias: bool = True) -> None:
        self.draw(f'{name}.weight', shape, scale=float(np.prod(shape[1:])) ** -0.5)
        if bias:
            self.draw(f'{name}.bias', shape[:1])

    def norm(self, name: str, channels: int) -> None:
        for part, shift in (('weight', 1.0), ('bias', 0.0), ('running_mean', 0.0)):
            self.draw(f'{name}.{part}', (channels,), shift=shift)
        self.state[f'{name}.running_var'] = torch.rand(channels, generator=self.generator) + 0.5
        self.state[f'{name}.num_batches_tracked'] = torch.tensor(3)

    def unit(self, name: str, shape: tuple[int, ...], linear: bool = False) -> None:
        self.conv(f'{name}.conv', shape, bias=False)
        self.norm(f'{name}.bn', shape[0])
        if not linear:
            self.draw(f'{name}.prelu.weight', shape[:1])

    def squeeze(self, name: str, channels: int) -> None:
        middle = max(8, channels // 32)
        self.conv(f'{name}.conv1', (middle, channels, 1, 1))
        self.norm(f'{name}.bn1', middle)
        self.conv(f'{name}.conv2', (channels, middle, 1, 1))
        self.conv(f'{name}.conv3', (channels, middle, 1, 1))

    def run_norm(self, x: Tensor, name: str) -> Tensor:
        parts = (self.state[f'{name}.{part}'] for part in ('running_mean', 'running_var', 'weight', 'bias'))
        return F.batch_norm(x, *parts, eps=1e-5)

    def run_unit(self, x: Tensor, name: str, stride: int = 1, padding: int = 0, deep: bool = False) -> Tensor:
        weight = self.state[f'{name}.conv.weight']
        x = F.conv2d(x, weight, None, stride, padding, groups=len(weight) if deep else 1)
        x = self.run_norm(x, f'{name}.bn')
        slope = self.state.get(f'{name}.prelu.weight')
        return x if slope is None else F.prelu(x, slope)

    def run_squeeze(self, rows: Tensor, columns: Tensor, name: str) -> Tensor:
        def layer(y: Tensor, number: int) -> Tensor:
            return F.conv2d(y, self.state[f'{name}.conv{number}.weight'], self.state[f'{name}.conv{number}.bias'])

        y = torch.cat((rows, columns.permute(0, 1, 3, 2)), 2)
        y = self.run_norm(layer(y, 1), f'{name}.bn1')
        y = y * F.relu6(y + 3) / 6
        height = rows.shape[2]
        return layer(y[:, :, height:], 3).permute(0, 1, 3, 2).sigmoid() * layer(y[:, :, :height], 2).sigmoid()

    def __call__(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the logits and the attention maps."""
        x = self.run_unit(self.run_unit(x, 'features.0', 2, 1), 'features.1', 1, 1, deep=True)
        for name, _, _, _, split in BLOCKS:
            residual = 'model' in name
            y = self.run_unit(x, f'{name}.conv')
            parts = []
            for number, part in enumerate(y.split(split, 1)):
                weight = self.state[f'{name}.conv_dw.mixed_depthwise_conv.{number}.weight']
                stride = 1 if residual else 2
                parts.append(F.conv2d(part, weight, None, stride, number + 1, groups=len(weight)))
            y = torch.cat(parts, 1)
            y = y * self.run_squeeze(y.mean(3, keepdim=True), y.mean(2, keepdim=True), f'{name}.CA')
            y = self.run_unit(y, f'{name}.project')
            x = x + y if residual else y
        x = self.run_unit(x, 'features.8')
        maps = []
        for head in range(2):
            place = f'cat_head{head}.CoordAtt'
            rows = self.run_unit(x, f'{place}.Linear_h', deep=True)
            maps.append(self.run_squeeze(rows, self.run_unit(x, f'{place}.Linear_w', deep=True), place))
        feature = self.run_unit(x * torch.max(*maps), 'Linear', deep=True).flatten(1)
        return F.linear(feature, self.state['fc.weight'], self.state['fc.bias']), maps


@pytest.mark.parametrize(('classes', 'parameters'), [(7, 4_187_421), (8, 4_187_936)])
def test_ddamfn_checkpoint(classes: int, parameters: int, tmp_path: Path) -> None:
    published = Published(classes)
    buffers = ('running_mean', 'running_var', 'num_batches_tracked')
    learnt = {name: tensor for name, tensor in published.state.items() if not name.endswith(buffers)}
    assert sum(tensor.numel() for tensor in learnt.values()) == parameters
    torch.save({'iter': 19, 'model_state_dict': published.state}, tmp_path / 'ddamfn.pth')
    config = f'emotion_ddamfn_affectnet{classes}_112'
    conversion = convert_checkpoint(tmp_path / 'ddamfn.pth', config, tmp_path / 'out.safetensors')
    unused = sum(learnt[name].numel() for name in conversion.report.dropped if name in learnt)
    assert conversion.parameters + unused == parameters
    model = MODELS.build(load_config(config).model).eval()
    load_weights(model, conversion.path)
    image = torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, maps = published(image)
        (found,) = model(image, mode='tensor')
        own = model.backbone.with_auxiliary(image)[1]
    assert found.shape == (2, classes) and torch.allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.abs().max())
    assert own.shape == (2, 2, 512, 7, 7) and torch.allclose(own, torch.stack(maps), atol=1e-4)


def test_attention_diversity() -> None:
    maps = torch.rand(3, 2, 4, 5, 5)
    errors = sum(((maps[i] - maps[j]) ** 2).mean() for i, j in ((0, 1), (0, 2), (1, 2)))
    assert AttentionDiversity(0.1).loss(maps, [])['loss_attention'].item() == pytest.approx(0.3 / errors.item())
    with pytest.raises(UserError, match='attention_heads to at least 2'):
        AttentionDiversity().loss(maps[:1], [])


def utkface(folder: Path) -> list[str]:
    for number in range(12):
        picture(folder / f'{20 + 8 * number}_{number % 2}_{number % 5}_2017010{number}.jpg')
    return []


def fairface(folder: Path) -> list[str]:
    rows = ['file,age,gender,race']
    races = ('East Asian', 'Southeast Asian', 'White', 'Latino_Hispanic')
    for number in range(8):
        picture(folder / f'val/{number}.jpg')
        rows.append(f'val/{number}.jpg,3-9,Male,{races[number % 4]}')
    for part in ('train', 'val'):
        (folder / f'fairface_label_{part}.csv').write_text('\n'.join(rows))
    return []


def affectnet(folder: Path) -> list[str]:
    for part in ('training', 'validation'):
        rows = ['subDirectory_filePath,expression']
        for number in range(9):
            picture(folder / f'{part}/{number}.jpg')
            rows.append(f'{part}/{number}.jpg,{number}')
        (folder / f'{part}.csv').write_text('\n'.join(rows))
    return []


def fer(folder: Path) -> list[str]:
    rng = np.random.default_rng(0)
    with (folder / 'fer2013.csv').open('w') as images, (folder / 'fer2013new.csv').open('w') as votes:
        writers = csv.writer(images), csv.writer(votes)
        writers[0].writerow(['emotion', 'pixels', 'Usage'])
        emotions = ('neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear', 'contempt')
        writers[1].writerow(['Usage', 'Image name', *emotions, 'unknown', 'NF'])
        for usage in ('Training', 'PublicTest', 'PrivateTest'):
            for number in range(6):
                values = ' '.join(map(str, rng.integers(0, 256, 48 * 48)))
                writers[0].writerow([number, values, usage])
                counts = np.roll([6, 4, *[0] * 6], number)
                writers[1].writerow([usage, f'fer{number:07}.png', *counts, 0, 0])
    return []


SMALL = ['model.backbone.embedding_size=16', 'image_size=224']


@pytest.mark.parametrize(
    ('config', 'make', 'metric', 'overrides'),
    [
        ('emotion_deepface_fer2013_48', fer, 'emotion/accuracy', []),
        ('emotion_r18_ferplus_48', fer, 'emotion/accuracy', []),
        ('emotion_ddamfn_affectnet7_112', affectnet, 'emotion/accuracy', []),
        ('age_gender_genderage_utkface_96', utkface, 'age/mae', []),
        ('demography_vgg16_age_utkface_224', utkface, 'age/mae', SMALL),
        ('demography_vgg16_gender_utkface_224', utkface, 'gender/accuracy', SMALL),
        ('demography_vgg16_race_fairface_224', fairface, 'race/accuracy', SMALL),
    ],
)
@pytest.mark.slow
def test_one_epoch_on_files(config: str, make: Any, metric: str, overrides: list[str], tmp_path: Path) -> None:
    data = tmp_path / 'data'
    data.mkdir()
    make(data)
    settings = ['max_epochs=1', 'val_interval=1', 'batch_size=2', 'num_workers=0', f'data_root={data}', *overrides]
    if 'demography' in config:
        settings.append('+train_dataloader.dataset.indices=2')
    work = tmp_path / 'work'
    train(config, settings, work_dir=work)
    log = next(work.rglob('scalars.json')).read_text()
    assert f'"{metric}"' in log and 'nan' not in log.lower()
    (checkpoint,) = work.glob('epoch_1.pth')
    assert read_checkpoint(checkpoint)[0]


class MXNet(nn.Module):
    """genderage's form: pixels in, scaled inside; one layer gives gender and age."""

    def __init__(self, backbone: nn.Module, fc: nn.Module) -> None:
        super().__init__()
        self.backbone, self.fc = backbone, fc

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.backbone((x - 127.5) * 0.0078125)[0].mean((2, 3)))


def test_genderage_comes_from_a_file_of_its_form(tmp_path: Path) -> None:
    """No genderage.onnx is at hand: one of the same inputs and outputs stands for it; its last layer becomes two heads."""
    onnxruntime = pytest.importorskip('onnxruntime')
    name = 'age_gender_genderage_utkface_96'
    torch.manual_seed(0)
    file = MXNet(MODELS.build(load_config(name).model).backbone, nn.Linear(256, 3)).eval()
    for module in file.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    path = tmp_path / 'genderage.onnx'
    torch.onnx.export(
        file, (torch.zeros(1, 3, 96, 96),), str(path), input_names=['data'], output_names=['fc1'], dynamo=False
    )
    conversion = convert_checkpoint(path, name, tmp_path / 'out.safetensors')
    model = MODELS.build(load_config(name).model).eval()
    load_weights(model, conversion.path)
    pixels = torch.randint(0, 256, (3, 96, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    (expected,) = session.run(None, {'data': pixels[None].float().numpy()})[0]
    with torch.no_grad():
        inputs = model.data_preprocessor({'inputs': [pixels.flip(0)]})['inputs']
        (sample,) = model(inputs, mode='predict')
    found = sample.pred_attributes
    assert int(found.gender) == int(expected[:2].argmax()) and model.heads['gender'].labels == ('Female', 'Male')
    assert found.age.item() == pytest.approx(100 * expected[2], abs=1e-2)
    # Another number of outputs is another file.
    torch.onnx.export(
        MXNet(file.backbone, nn.Linear(256, 4)).eval(), (torch.zeros(1, 3, 96, 96),), str(path), dynamo=False
    )
    with pytest.raises(UserError, match=r'is it the right config\?'):
        convert_checkpoint(path, name, tmp_path / 'out.safetensors')
