"""DeepFace's age, gender, race and emotion come in; expected values are computed in numpy by Keras's conventions."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from faceresearch.apis import inference, init_model
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import load_weights
from faceresearch.zoo.convert import convert_checkpoint
from tests.zoo.test_keras import Weights, conv, conv_weights, pooled, write

h5py = pytest.importorskip('h5py')

EMOTION = 'emotion_deepface_fer2013_48'
#: The emotion network's layers: kernel, channels before, after.
CONVOLUTIONS = ((5, 1, 64), (3, 64, 64), (3, 64, 64), (3, 64, 128), (3, 128, 128))
DENSE = ((128, 1024), (1024, 1024), (1024, 7))
#: A VGG-Face of small fully connected layers: its convolutions have their true sizes.
WIDTH = 8


def write_keras3(path: Path, layers: Weights) -> Path:
    """Write the weights as Keras 3 does: numbered by kind, groups in the order of the alphabet."""
    with h5py.File(path, 'w') as file:
        for layer, weights in layers.items():
            group = file.create_group(f'layers/{layer}/vars')
            for number, value in enumerate(weights.values()):
                group[str(number)] = value.astype(np.float32)
        file.create_group('layers/dropout/vars')
        file['optimizer/vars/0'] = np.zeros(1)
    return path


def dense_weights(rng: np.random.Generator, before: int, after: int) -> dict[str, np.ndarray]:
    kernel, bias = rng.normal(0, before**-0.5, (before, after)), rng.normal(0, 0.1, after)
    return {'kernel': kernel.astype(np.float32), 'bias': bias.astype(np.float32)}


def emotion_layers(rng: np.random.Generator) -> Weights:
    convolutions = {
        'conv2d' if not number else f'conv2d_{number}': conv_weights(rng, *size)
        for number, size in enumerate(CONVOLUTIONS)
    }
    dense = {'dense' if not n else f'dense_{n}': dense_weights(rng, *size) for n, size in enumerate(DENSE)}
    return {**convolutions, **dense}


def average(x: np.ndarray) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(x, (3, 3), (0, 1))[::2, ::2].mean((3, 4))


def emotion_logits(layers: Weights, image: np.ndarray) -> np.ndarray:
    """The network on a grey image (48, 48), 0…1."""

    def relu(x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    first, *others = (weights for name, weights in layers.items() if name.startswith('conv'))
    x = pooled(relu(conv(image[..., None], first)), 5, 2)
    for number, weights in enumerate(others):
        x = relu(conv(x, weights))
        x = average(x) if number % 2 else x
    assert x.shape == (1, 1, 128)
    x = x.reshape(-1)
    dense = [weights for name, weights in layers.items() if name.startswith('dense')]
    for weights in dense:
        x = relu(x) @ weights['kernel'].astype(np.float64) + weights['bias']
    return x


@pytest.mark.parametrize('form', ['weights', 'model', 'keras3'])
def test_emotion(form: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = emotion_layers(rng)
    if form == 'keras3':
        source = write_keras3(tmp_path / 'emotion.weights.h5', layers)
    else:
        # A program that made other models before numbers its layers on.
        named = {name.replace('conv2d', 'conv2d_20').replace('dense', 'dense_7'): w for name, w in layers.items()}
        source = write(tmp_path / 'emotion.h5', named, root='model_weights' if form == 'model' else '')
    conversion = convert_checkpoint(source, EMOTION, tmp_path / 'out.safetensors')
    assert conversion.parameters == 1_485_831 and len(conversion.report.mapped) == 16
    image = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
    grey = image.astype(np.float64) @ [0.114, 0.587, 0.299] / 255
    expected = np.exp(emotion_logits(layers, grey))
    model = MODELS.build(load_config(EMOTION).model).eval()
    load_weights(model, conversion.path)
    with torch.no_grad():
        batch = model.data_preprocessor({'inputs': [torch.from_numpy(image.transpose(2, 0, 1).copy())]})
        (logits,) = model(batch['inputs'], mode='tensor')
    np.testing.assert_allclose(logits[0].softmax(0).numpy(), expected / expected.sum(), atol=1e-6)


def test_emotion_of_a_face_that_is_not_square(tmp_path: Path) -> None:
    """DeepFace's way: into 224 pixels with black on both sides, grey, then to 48."""
    rng = np.random.default_rng(4)
    layers = emotion_layers(rng)
    conversion = convert_checkpoint(write(tmp_path / 'e.h5', layers), EMOTION, tmp_path / 'out.safetensors')
    image = cv2.resize(rng.integers(0, 256, (9, 6, 3), dtype=np.uint8), (100, 150), interpolation=cv2.INTER_CUBIC)
    face = np.zeros((224, 224, 3), np.float32)
    face[:, 37:186] = cv2.resize(image, (149, 224)).astype(np.float32) / 255
    grey = cv2.resize(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY), (48, 48))
    expected = np.exp(emotion_logits(layers, grey.astype(np.float64)))
    (sample,) = inference(init_model(EMOTION, conversion.path), image)
    # Pixels are rounded once more than there.
    np.testing.assert_allclose(sample.pred_attributes.emotion_scores.numpy(), expected / expected.sum(), atol=2e-3)
    assert sample.pred_attributes.emotion == expected.argmax()


def vgg_layers(rng: np.random.Generator, classes: int) -> Weights:
    sizes = [(3, 3, 64), (3, 64, 64), (3, 64, 128), (3, 128, 128), (3, 128, 256), *[(3, 256, 256)] * 2]
    sizes += [(3, 256, 512), *[(3, 512, 512)] * 5, (7, 512, WIDTH), (1, WIDTH, WIDTH), (1, WIDTH, classes)]
    names = ['conv2d', *(f'conv2d_{number}' for number in range(1, 15)), 'predictions']
    return {name: conv_weights(rng, *size) for name, size in zip(names, sizes)}


@pytest.fixture(scope='module')
def race(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Weights]:
    layers = vgg_layers(np.random.default_rng(1), 6)
    return write(tmp_path_factory.mktemp('vgg') / 'race_model_single_batch.h5', layers), layers


def vgg_logits(layers: Weights, image: np.ndarray) -> np.ndarray:
    """VGG-Face's layers on an image (H, W, 3) of 32 pixels a side of the last map."""
    x, names = image, list(layers)
    depths = (2, 2, 3, 3, 3)
    for stage, depth in enumerate(depths):
        for number in range(depth):
            x = np.maximum(conv(x, layers[names[sum(depths[:stage]) + number]], pad=1), 0)
        x = pooled(x, 2, 2)
    for name in names[13:15]:
        x = np.maximum(conv(x, layers[name]), 0)
    return conv(x, layers[names[15]])[0, 0]


@pytest.mark.slow
def test_race_from_image_to_logits(race: tuple[Path, Weights], tmp_path: Path) -> None:
    source, layers = race
    config, overrides = 'demography_vgg16_race_fairface_224', ('model.backbone.embedding_size=8',)
    conversion = convert_checkpoint(source, config, tmp_path / 'out.safetensors', overrides)
    model = MODELS.build(load_config(config, list(overrides)).model).eval()
    load_weights(model, conversion.path)
    image = np.random.default_rng(2).uniform(0, 1, (224, 224, 3))
    with torch.no_grad():
        (found,) = model.double()(torch.from_numpy(image.transpose(2, 0, 1)[None].copy()), mode='tensor')
    np.testing.assert_allclose(found[0].numpy(), vgg_logits(layers, image), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(('classes', 'head'), [(101, 'age'), (2, 'gender'), (6, 'race')])
def test_demography_by_the_length_of_its_last_layer(
    classes: int, head: str, race: tuple[Path, Weights], tmp_path: Path
) -> None:
    _, layers = race
    layers = {**layers, 'predictions': conv_weights(np.random.default_rng(classes), 1, WIDTH, classes)}
    source = write(tmp_path / f'{head}.h5', layers)
    data = 'fairface' if head == 'race' else 'utkface'
    config = f'demography_vgg16_{head}_{data}_224'
    out = tmp_path / 'out.safetensors'
    conversion = convert_checkpoint(source, config, out, ('model.backbone.embedding_size=8',))
    assert conversion.report.converter == f'serengil/deepface:{head}' and not conversion.report.dropped
    model = MODELS.build(load_config(config, ['model.backbone.embedding_size=8']).model).eval()
    load_weights(model, out)
    feature = np.random.default_rng(3).uniform(0, 1, WIDTH)
    expected = feature @ layers['predictions']['kernel'][0, 0].astype(np.float64) + layers['predictions']['bias']
    raw = torch.from_numpy(expected)[None]
    with torch.no_grad():
        found = model.heads[head].double()(torch.from_numpy(feature)[None])
    assert torch.allclose(found, raw)
    decoded = model.heads[head].decode(raw)
    probabilities = np.exp(expected - expected.max()) / np.exp(expected - expected.max()).sum()
    if head == 'age':
        assert decoded[''].item() == pytest.approx((probabilities * np.arange(101)).sum())
    else:
        np.testing.assert_allclose(decoded['_scores'][0].numpy(), probabilities)
        assert model.heads[head].labels[0] == {'gender': 'Woman', 'race': 'asian'}[head]
    # The same weights as DeepFace's torch backend stores them.
    names = [f'conv{s + 1}_{n + 1}' for s, depth in enumerate((2, 2, 3, 3, 3)) for n in range(depth)] + ['fc6', 'fc7']
    state = {}
    for name, weights in zip([*(f'backbone.{name}' for name in names), 'predictions'], layers.values()):
        state[f'{name}.weight'] = torch.from_numpy(weights['kernel'].transpose(3, 2, 0, 1).copy())
        state[f'{name}.bias'] = torch.from_numpy(weights['bias'])
    torch.save(state, tmp_path / 'torch.pth')
    second = tmp_path / 'torch.safetensors'
    convert_checkpoint(tmp_path / 'torch.pth', config, second, ('model.backbone.embedding_size=8',))
    again = MODELS.build(load_config(config, ['model.backbone.embedding_size=8']).model)
    load_weights(again, second)
    own, other = model.float().state_dict(), again.state_dict()
    assert all(torch.equal(own[name], other[name]) for name in own)


def test_age_is_no_gender(race: tuple[Path, Weights], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'serengil/deepface:race: .* which the model lacks'):
        convert_checkpoint(
            race[0],
            'demography_vgg16_gender_utkface_224',
            tmp_path / 'out.safetensors',
            ('model.backbone.embedding_size=8',),
        )


def test_keras3_layer_of_an_unknown_kind(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    source = write_keras3(tmp_path / 'x.weights.h5', {'conv2d': {'a': rng.normal(size=3), 'b': rng.normal(size=3)}})
    with pytest.raises(UserError, match='layer conv2d has 2 weights: its kind is not known'):
        convert_checkpoint(source, EMOTION, tmp_path / 'out.safetensors')
