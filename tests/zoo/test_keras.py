"""Keras weights become this project's; expected values are computed in numpy by Keras's conventions (NHWC, HWIO)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import load_weights
from faceresearch.zoo.convert import convert_checkpoint
from faceresearch.zoo.keras_file import read_keras

h5py = pytest.importorskip('h5py')

Weights = dict[str, dict[str, np.ndarray]]
DEEPID = 'deepid_celebfaces_55x47'
OPENFACE = 'openface_nn4small2_casia_facescrub_96'
FACENET = 'facenet_128_msceleb_160'
ARCFACE = 'arcface_r34_deepface'
VGG_FACE = 'vggface_vgg16_vggface_224'
#: nn4.small2: module → branches of its two convolutions (name, reduced, out), pooling, its channels, the 1×1's.
INCEPTION = {
    '3a': (192, {'3x3': (96, 128), '5x5': (16, 32)}, 'max', 32, 64),
    '3b': (256, {'3x3': (96, 128), '5x5': (32, 64)}, 'l2', 64, 64),
    '3c': (320, {'3x3': (128, 256), '5x5': (32, 64)}, 'max', None, None),
    '4a': (640, {'3x3': (96, 192), '5x5': (32, 64)}, 'l2', 128, 256),
    '4e': (640, {'3x3': (160, 256), '5x5': (64, 128)}, 'max', None, None),
    '5a': (1024, {'3x3': (96, 384)}, 'l2', 96, 256),
    '5b': (736, {'3x3': (96, 384)}, 'max', 96, 256),
}


def write(path: Path, layers: Weights, root: str = '') -> Path:
    """Write a file as Keras 2 does: layers without weights among the others, weights under a group of the same name."""
    with h5py.File(path, 'w') as file:
        group = file.create_group(root) if root else file
        names = []
        for number, (layer, weights) in enumerate(layers.items()):
            names += [layer, f'activation_{number}']
            group.create_group(f'activation_{number}').attrs['weight_names'] = np.array([], 'S1')
            own = group.create_group(layer)
            own.attrs['weight_names'] = np.array([f'{layer}/{name}:0'.encode() for name in weights])
            for name, value in weights.items():
                own[f'{layer}/{name}:0'] = value.astype(np.float32)
        group.attrs['layer_names'] = np.array([name.encode() for name in names])
    return path


def conv_weights(rng: np.random.Generator, size: int, before: int, after: int) -> dict[str, np.ndarray]:
    kernel = rng.normal(0, (size * size * before) ** -0.5, (size, size, before, after))
    return {'kernel': kernel.astype(np.float32), 'bias': rng.normal(0, 0.1, after).astype(np.float32)}


def norm_weights(rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
    drawn = {name: rng.normal(0, 0.1, size) for name in ('gamma', 'beta', 'moving_mean', 'moving_variance')}
    drawn['gamma'] += 1
    drawn['moving_variance'] = np.abs(drawn['moving_variance']) + 0.3
    return {name: value.astype(np.float32) for name, value in drawn.items()}


def conv(x: np.ndarray, weights: dict[str, np.ndarray], stride: int = 1, pad: int = 0) -> np.ndarray:
    """Return the convolution of (H, W, C) with a kernel (h, w, C, D)."""
    kernel = weights['kernel'].astype(np.float64)
    x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
    windows = sliding_window_view(x, kernel.shape[:2], (0, 1))[::stride, ::stride]
    return np.einsum('hwcij,ijcd->hwd', windows, kernel, optimize=True) + weights['bias']


def pooled(x: np.ndarray, size: int, stride: int, pad: int = 0) -> np.ndarray:
    x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)), constant_values=-np.inf)
    return sliding_window_view(x, (size, size), (0, 1))[::stride, ::stride].max((3, 4))


def normed(x: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    scale = weights['gamma'] / np.sqrt(weights['moving_variance'].astype(np.float64) + 1e-5)
    return np.maximum((x - weights['moving_mean']) * scale + weights['beta'], 0)


def embedded(config: str, weights: Path, image: np.ndarray) -> np.ndarray:
    """Embed an image (H, W, 3), already normalised, with the converted weights."""
    model = MODELS.build(without_head(load_config(config).model)).eval()
    load_weights(model, weights)
    with torch.no_grad():
        x = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
        return model.double().backbone(x.double())[0].numpy()


def test_deepid(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = {
        'Conv1': conv_weights(rng, 4, 3, 20),
        'Conv2': conv_weights(rng, 3, 20, 40),
        'Conv3': conv_weights(rng, 3, 40, 60),
        'Conv4': conv_weights(rng, 2, 60, 80),
        'fc11': {'kernel': rng.normal(0, 0.03, (1200, 160)), 'bias': rng.normal(0, 0.1, 160)},
        'fc12': {'kernel': rng.normal(0, 0.03, (960, 160)), 'bias': rng.normal(0, 0.1, 160)},
    }
    layers = {name: {k: v.astype(np.float32) for k, v in own.items()} for name, own in layers.items()}
    image = rng.uniform(0, 1, (55, 47, 3))
    x = image
    for name in ('Conv1', 'Conv2', 'Conv3'):
        x = pooled(np.maximum(conv(x, layers[name]), 0), 2, 2)
    deep = np.maximum(conv(x, layers['Conv4']), 0)
    # Flatten and Dense of Keras: rows, columns, channels; (in, out).
    total = x.reshape(-1) @ layers['fc11']['kernel'].astype(np.float64) + layers['fc11']['bias']
    total += deep.reshape(-1) @ layers['fc12']['kernel'].astype(np.float64) + layers['fc12']['bias']
    source = write(tmp_path / 'deepid.h5', layers, root='model_weights')
    conversion = convert_checkpoint(source, DEEPID, tmp_path / 'out.safetensors')
    assert conversion.report.converter == 'serengil/deepface:DeepID' and len(conversion.report.mapped) == 12
    np.testing.assert_allclose(embedded(DEEPID, conversion.path, image), np.maximum(total, 0), atol=1e-9)


def openface_layers(rng: np.random.Generator) -> Weights:
    layers: Weights = {}

    def add(conv_name: str, norm_name: str, size: int, before: int, after: int) -> None:
        layers[conv_name] = conv_weights(rng, size, before, after)
        layers[norm_name] = norm_weights(rng, after)

    for number, (size, before, after) in enumerate([(7, 3, 64), (1, 64, 64), (3, 64, 192)], 1):
        add(f'conv{number}', f'bn{number}', size, before, after)
    for name, (before, branches, _, of_pool, single) in INCEPTION.items():
        place = f'inception_{name}'
        for kind, (reduced, after) in branches.items():
            add(f'{place}_{kind}_conv1', f'{place}_{kind}_bn1', 1, before, reduced)
            add(f'{place}_{kind}_conv2', f'{place}_{kind}_bn2', int(kind[0]), reduced, after)
        if of_pool:
            add(f'{place}_pool_conv', f'{place}_pool_bn', 1, before, of_pool)
        if single:
            add(f'{place}_1x1_conv', f'{place}_1x1_bn', 1, before, single)
    layers['dense_layer'] = {'kernel': rng.normal(0, 0.04, (736, 128)), 'bias': rng.normal(0, 0.1, 128)}
    return layers


def lrn(x: np.ndarray) -> np.ndarray:
    """Torch's local response normalisation over five channels."""
    squares = np.pad(x**2, ((0, 0), (0, 0), (2, 2)))
    return x / (1 + 1e-4 / 5 * sliding_window_view(squares, 5, 2).sum(-1)) ** 0.75


def inception(x: np.ndarray, layers: Weights, name: str) -> np.ndarray:
    _, branches, kind, of_pool, single = INCEPTION[name]
    place, stride = f'inception_{name}', 1 if single else 2
    maps = []
    for branch in branches:
        size = int(branch[0])
        y = normed(conv(x, layers[f'{place}_{branch}_conv1']), layers[f'{place}_{branch}_bn1'])
        maps.append(
            normed(conv(y, layers[f'{place}_{branch}_conv2'], stride, size // 2), layers[f'{place}_{branch}_bn2'])
        )
    if kind == 'l2':
        y = np.sqrt(sliding_window_view(x**2, (3, 3), (0, 1))[::3, ::3].sum((3, 4)))
    else:
        y = pooled(x, 3, 2, pad=1 if stride == 2 else 0)
    if of_pool:
        y = normed(conv(y, layers[f'{place}_pool_conv']), layers[f'{place}_pool_bn'])
    border = maps[0].shape[0] - y.shape[0]
    maps.append(np.pad(y, ((border // 2, border - border // 2), (border // 2, border - border // 2), (0, 0))))
    if single:
        maps.append(normed(conv(x, layers[f'{place}_1x1_conv']), layers[f'{place}_1x1_bn']))
    return np.concatenate(maps, 2)


def test_openface(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    layers = openface_layers(rng)
    layers['dense_layer'] = {k: v.astype(np.float32) for k, v in layers['dense_layer'].items()}
    image = rng.uniform(0, 1, (96, 96, 3))
    x = lrn(pooled(normed(conv(image, layers['conv1'], 2, 3), layers['bn1']), 3, 2, 1))
    x = normed(conv(x, layers['conv2']), layers['bn2'])
    x = pooled(lrn(normed(conv(x, layers['conv3'], 1, 1), layers['bn3'])), 3, 2, 1)
    for name in INCEPTION:
        x = inception(x, layers, name)
    x = x.mean((0, 1)) @ layers['dense_layer']['kernel'].astype(np.float64) + layers['dense_layer']['bias']
    source = write(tmp_path / 'openface.h5', layers)
    conversion = convert_checkpoint(source, OPENFACE, tmp_path / 'out.safetensors')
    assert conversion.parameters == 3_733_968
    np.testing.assert_allclose(embedded(OPENFACE, conversion.path, image), x / np.linalg.norm(x), atol=1e-9)


def arcface_layers(rng: np.random.Generator, width: int) -> Weights:
    """DeepFace's ArcFace with two units in a stage; the two layers without a name are numbered as in a longer program."""
    slopes = {'alpha': rng.uniform(0.1, 0.4, (1, 1, width))}
    layers: Weights = {'conv1_conv': kernel_only(rng, 3, 3, width), 'conv1_bn': norm_weights(rng, width)}
    layers['conv1_prelu'] = slopes
    before = width
    for stage in range(4):
        after = width * 2**stage
        for unit in range(2):
            name = f'conv{stage + 2}_block{unit + 1}'
            if unit == 0:
                layers[f'{name}_0_conv'] = kernel_only(rng, 1, before, after)
                layers[f'{name}_0_bn'] = norm_weights(rng, after)
            layers[f'{name}_1_bn'] = norm_weights(rng, before)
            layers[f'{name}_1_conv'] = kernel_only(rng, 3, before, after)
            layers[f'{name}_2_bn'] = norm_weights(rng, after)
            layers[f'{name}_1_prelu'] = {'alpha': rng.uniform(0.1, 0.4, (1, 1, after))}
            layers[f'{name}_2_conv'] = kernel_only(rng, 3, after, after)
            layers[f'{name}_3_bn'] = norm_weights(rng, after)
            before = after
    layers['batch_normalization_3'] = norm_weights(rng, before)
    layers['dense_1'] = {'kernel': rng.normal(0, 0.05, (49 * before, 512)), 'bias': rng.normal(0, 0.1, 512)}
    layers['embedding'] = norm_weights(rng, 512)
    return {name: {k: v.astype(np.float32) for k, v in own.items()} for name, own in layers.items()}


def kernel_only(rng: np.random.Generator, size: int, before: int, after: int) -> dict[str, np.ndarray]:
    return {'kernel': conv_weights(rng, size, before, after)['kernel']}


def scaled(x: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    scale = weights['gamma'] / np.sqrt(weights['moving_variance'].astype(np.float64) + 2e-5)
    return (x - weights['moving_mean']) * scale + weights['beta']


def sloped(x: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    return np.where(x > 0, x, x * weights['alpha'][0, 0].astype(np.float64))


def test_arcface(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    layers = arcface_layers(rng, 4)
    image = rng.uniform(-1, 1, (112, 112, 3))

    def conv_of(x: np.ndarray, name: str, stride: int = 1, pad: int = 1) -> np.ndarray:
        return conv(x, {**layers[name], 'bias': np.zeros(1)}, stride, pad)

    x = sloped(scaled(conv_of(image, 'conv1_conv'), layers['conv1_bn']), layers['conv1_prelu'])
    for stage in range(4):
        for unit in range(2):
            name, stride = f'conv{stage + 2}_block{unit + 1}', 2 if unit == 0 else 1
            bridge = x
            if unit == 0:
                bridge = scaled(conv_of(x, f'{name}_0_conv', 2, 0), layers[f'{name}_0_bn'])
            y = scaled(conv_of(scaled(x, layers[f'{name}_1_bn']), f'{name}_1_conv'), layers[f'{name}_2_bn'])
            y = conv_of(sloped(y, layers[f'{name}_1_prelu']), f'{name}_2_conv', stride)
            x = bridge + scaled(y, layers[f'{name}_3_bn'])
    # Flatten and Dense of Keras: rows, columns, channels; (in, out).
    x = scaled(x, layers['batch_normalization_3']).reshape(-1) @ layers['dense_1']['kernel'].astype(np.float64)
    x = scaled(x + layers['dense_1']['bias'], layers['embedding'])
    source = write(tmp_path / 'arcface_weights.h5', layers)
    overrides = ('model.backbone.depth=18', '++model.backbone.width=4')
    conversion = convert_checkpoint(source, ARCFACE, tmp_path / 'out.safetensors', overrides)
    assert conversion.report.converter == 'serengil/deepface:ArcFace' and not conversion.report.dropped
    model = MODELS.build(without_head(load_config(ARCFACE, overrides).model)).eval()
    load_weights(model, conversion.path)
    with torch.no_grad():
        found = model.double().backbone(torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))[0].numpy()
    np.testing.assert_allclose(found, x, atol=1e-9)


def test_vgg_face_by_the_order_of_its_layers(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    sizes = [(3, 3, 64), (3, 64, 64), (3, 64, 128), (3, 128, 128), (3, 128, 256), *[(3, 256, 256)] * 2]
    sizes += [(3, 256, 512), *[(3, 512, 512)] * 5, (7, 512, 8), (1, 8, 8), (1, 8, 30)]
    layers: Weights = {f'conv2d_{number + 5}': conv_weights(rng, *size) for number, size in enumerate(sizes)}
    source = write(tmp_path / 'vgg_face_weights.h5', layers)
    out = tmp_path / 'out.safetensors'
    conversion = convert_checkpoint(source, VGG_FACE, out, ('model.backbone.embedding_size=8',))
    assert list(conversion.report.dropped) == ['conv15.weight', 'conv15.bias']
    config = load_config(VGG_FACE, ['model.backbone.embedding_size=8'])
    model = MODELS.build(without_head(config.model)).eval()
    load_weights(model, out)
    convolutions = [layer for layer in model.backbone.features if isinstance(layer, torch.nn.Conv2d)]
    x = rng.normal(0, 1, (5, 5, 3))
    for number in (0, 1):
        expected = conv(x, layers[f'conv2d_{number + 5}'], pad=1)
        with torch.no_grad():
            found = convolutions[number].double()(torch.from_numpy(x.transpose(2, 0, 1)[None].copy()))
        np.testing.assert_allclose(found[0].numpy().transpose(1, 2, 0), expected, atol=1e-9)
        x = expected
    for layer, kept in zip(convolutions, list(layers.values()), strict=False):
        assert torch.equal(layer.weight[3, 2].float(), torch.from_numpy(kept['kernel'][:, :, 2, 3]))
    x = rng.normal(0, 1, (7, 7, 512))
    expected = conv(conv(x, layers['conv2d_18']), layers['conv2d_19'])[0, 0]
    with torch.no_grad():
        flat = torch.from_numpy(x.transpose(2, 0, 1).reshape(1, -1))
        found = model.backbone.fc7.double()(model.backbone.fc6.double()(flat))
    np.testing.assert_allclose(found[0].numpy(), expected, atol=1e-9)


#: FaceNet's blocks: input channels, branches of (name, width, kernel), and how often.
BLOCKS = {
    'Block35': (
        256,
        [[('1x1', 32)], [('0a_1x1', 32), ('0b_3x3', 32)], [('0a_1x1', 32), ('0b_3x3', 32), ('0c_3x3', 32)]],
    ),
    'Block17': (896, [[('1x1', 128)], [('0a_1x1', 128), ('0b_1x7', 128), ('0c_7x1', 128)]]),
    'Block8': (1792, [[('1x1', 192)], [('0a_1x1', 192), ('0b_1x3', 192), ('0c_3x1', 192)]]),
}
REDUCTIONS = {
    'Mixed_6a': [[('1a_3x3', 384)], [('0a_1x1', 192), ('0b_3x3', 192), ('1a_3x3', 256)]],
    'Mixed_7a': [
        [('0a_1x1', 256), ('1a_3x3', 384)],
        [('0a_1x1', 256), ('1a_3x3', 256)],
        [('0a_1x1', 256), ('0b_3x3', 256), ('1a_3x3', 256)],
    ],
}


class FaceNetInNumpy:
    """The network as Keras runs it; layers are drawn when they are first met, and kept by their Keras names."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)
        self.layers: Weights = {}

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        weights = norm_weights(self.rng, x.shape[-1])
        del weights['gamma']  # scale=False
        self.layers[name] = weights
        return (x - weights['moving_mean']) / np.sqrt(weights['moving_variance'].astype(np.float64) + 1e-3) + weights[
            'beta'
        ]

    def step(self, x: np.ndarray, name: str, width: int, stride: int = 1, same: bool = True) -> np.ndarray:
        high, wide = map(int, name.rsplit('_', 1)[-1].split('x'))
        kernel = self.rng.normal(0, (2 / (high * wide * x.shape[-1])) ** 0.5, (high, wide, x.shape[-1], width))
        self.layers[name] = {'kernel': kernel.astype(np.float32)}
        if same:  # stride 1: as much on both sides
            x = np.pad(x, ((high // 2, high // 2), (wide // 2, wide // 2), (0, 0)))
        x = conv(x, {**self.layers[name], 'bias': np.zeros(width)}, stride)
        return np.maximum(self.norm(x, f'{name}_BatchNorm'), 0)

    def branches(self, x: np.ndarray, place: str, branches: list[list[tuple[str, int]]]) -> list[np.ndarray]:
        maps = []
        for number, steps in enumerate(branches):
            y = x
            for name, width in steps:
                last = name.startswith('1a')
                y = self.step(y, f'{place}_Branch_{number}_Conv2d_{name}', width, 2 if last else 1, same=not last)
            maps.append(y)
        return maps

    def block(self, x: np.ndarray, kind: str, number: int, scale: float, relu: bool = True) -> np.ndarray:
        channels, branches = BLOCKS[kind]
        y = np.concatenate(self.branches(x, f'{kind}_{number}', branches), 2)
        weights = self.layers[f'{kind}_{number}_Conv2d_1x1'] = conv_weights(self.rng, 1, y.shape[-1], channels)
        x = x + scale * conv(y, weights)
        return np.maximum(x, 0) if relu else x

    def __call__(self, x: np.ndarray) -> np.ndarray:
        x = self.step(x, 'Conv2d_1a_3x3', 32, 2, same=False)
        x = self.step(x, 'Conv2d_2a_3x3', 32, same=False)
        x = pooled(self.step(x, 'Conv2d_2b_3x3', 64), 3, 2)
        x = self.step(self.step(x, 'Conv2d_3b_1x1', 80), 'Conv2d_4a_3x3', 192, same=False)
        x = self.step(x, 'Conv2d_4b_3x3', 256, 2, same=False)
        for number in range(1, 6):
            x = self.block(x, 'Block35', number, 0.17)
        x = np.concatenate([*self.branches(x, 'Mixed_6a', REDUCTIONS['Mixed_6a']), pooled(x, 3, 2)], 2)
        for number in range(1, 11):
            x = self.block(x, 'Block17', number, 0.1)
        x = np.concatenate([*self.branches(x, 'Mixed_7a', REDUCTIONS['Mixed_7a']), pooled(x, 3, 2)], 2)
        for number in range(1, 6):
            x = self.block(x, 'Block8', number, 0.2)
        x = self.block(x, 'Block8', 6, 1.0, relu=False).mean((0, 1))
        kernel = self.rng.normal(0, 0.02, (1792, 128)).astype(np.float32)
        self.layers['Bottleneck'] = {'kernel': kernel}
        return self.norm(x @ kernel.astype(np.float64), 'Bottleneck_BatchNorm')


def test_facenet(tmp_path: Path) -> None:
    image = np.random.default_rng(4).uniform(0, 1, (75, 75, 3))
    network = FaceNetInNumpy()
    expected = network(image)
    source = write(tmp_path / 'facenet_weights.h5', network.layers)
    conversion = convert_checkpoint(source, FACENET, tmp_path / 'out.safetensors')
    assert not conversion.report.dropped
    np.testing.assert_allclose(embedded(FACENET, conversion.path, image), expected, rtol=1e-9, atol=1e-9)


def test_norm_without_scale(tmp_path: Path) -> None:
    weights = norm_weights(np.random.default_rng(0), 4)
    del weights['gamma']
    state = read_keras(write(tmp_path / 'x.h5', {'bn': weights}))
    assert state['bn.weight'].tolist() == [1] * 4
    np.testing.assert_array_equal(state['bn.running_var'].numpy(), weights['moving_variance'])


def test_files_that_are_refused(tmp_path: Path) -> None:
    kernel = {'kernel': np.ones((2, 3))}
    (tmp_path / 'junk.h5').write_bytes(b'\x89HDF\r\n\x1a\n' + bytes(100))
    with pytest.raises(UserError, match='cannot be read'):
        read_keras(tmp_path / 'junk.h5')
    with h5py.File(tmp_path / 'plain.h5', 'w') as file:
        file['x'] = np.ones(3)
    with pytest.raises(UserError, match='no layer_names'):
        read_keras(tmp_path / 'plain.h5')
    with h5py.File(write(tmp_path / 'link.h5', {'fc': kernel}), 'a') as file:
        del file['fc/fc/kernel:0']
        file['fc/fc/kernel:0'] = h5py.ExternalLink('plain.h5', '/x')
    with pytest.raises(UserError, match='kernel:0 is missing, or in another file'):
        read_keras(tmp_path / 'link.h5')
    with h5py.File(write(tmp_path / 'huge.h5', {'fc': kernel}), 'a') as file:
        del file['fc/fc/kernel:0']
        file['fc'].create_dataset('fc/kernel:0', (2**20, 2**20), 'f4', chunks=(64, 64))
    with pytest.raises(UserError, match=r'kernel:0 claims 4398046511104 bytes in a file of \d+'):
        read_keras(tmp_path / 'huge.h5')
    with h5py.File(write(tmp_path / 'text.h5', {'fc': kernel}), 'a') as file:
        del file['fc/fc/kernel:0']
        file['fc/fc/kernel:0'] = 'words'
    with pytest.raises(UserError, match='no plain array'):
        read_keras(tmp_path / 'text.h5')
    with pytest.raises(UserError, match=r'no converter knows.*fc\.weight'):
        convert_checkpoint(write(tmp_path / 'x.h5', {'fc': kernel}), DEEPID, tmp_path / 'out.safetensors')
