"""Published ONNX files of recognisers become models that compute the same.

No such file is at hand, so the originals' form is made here: torch's older exporter, which made the published ones, folds
a batch norm into the convolution before it and leaves the others; ours folds those after linear layers too.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from faceresearch.apis import init_model
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.export.trace import RawOutputs, slim, trace
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS
from faceresearch.zoo.checkpoint import read_checkpoint
from faceresearch.zoo.convert import convert_checkpoint
from faceresearch.zoo.converters.onnx_graph import graph_layers, input_scaling, read_graph

MBF = 'arcface_mbf_webface600k'
R18 = 'arcface_r18_ms1mv3'
#: IR as AdaFace has it, as one output.
IR18 = ('adaface_ir18_webface4m', 'model.outputs=embedding')


def build(config: str, *overrides: str) -> nn.Module:
    """A network whose every tensor matters to its outputs."""
    model = MODELS.build(without_head(load_config(config, list(overrides)).model)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith('running_var') or (tensor.ndim == 1 and name.endswith('weight')):
                tensor.uniform_(0.8, 1.2, generator=generator)
            elif name.endswith(('running_mean', 'bias')):
                tensor.normal_(0, 0.1, generator=generator)
            elif tensor.ndim > 1:
                tensor.normal_(0, tensor[0].numel() ** -0.5, generator=generator)
        if isinstance(getattr(model.backbone, 'features', None), nn.BatchNorm1d) and model.backbone.features.affine:
            model.backbone.features.weight.fill_(1)
    return model


def older_exporter(model: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            RawOutputs(model).eval(),
            (torch.zeros(1, 3, 112, 112),),
            str(path),
            dynamo=False,
            opset_version=11,
            input_names=['input.1'],
        )
    return path


def newer_exporter(model: nn.Module, path: Path) -> Path:
    onnx.save(slim(trace(RawOutputs(model).eval(), model.output_names, fixed_size=(112, 112))), path)
    return path


def assert_same_embeddings(model: nn.Module, config: str, weights: Path, *overrides: str) -> nn.Module:
    found = init_model(load_config(config, list(overrides)), weights)
    images = torch.rand(4, 3, 112, 112, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        ours, theirs = found(images)[0], model(images)[0]
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()
    assert (theirs[0] - theirs[1]).abs().max() > 0.01 * theirs.abs().max(), (
        'embeddings that do not differ prove nothing'
    )
    return found


@pytest.mark.parametrize(
    'form', [(MBF,), (R18,), (*IR18,), (*IR18, '+model.backbone.se=true', '+model.backbone.middle_bn=false')], ids=str
)
def test_files_of_the_older_exporter(form: tuple[str, ...], tmp_path: Path) -> None:
    model = build(*form)
    source = older_exporter(model, tmp_path / 'w600k.onnx')
    out = tmp_path / 'w.safetensors'
    convert_checkpoint(source, form[0], out, form[1:])
    found = assert_same_embeddings(model, form[0], out, *form[1:])
    if form[0] == R18:
        # What is not folded comes back as it was.
        unit, original = found.backbone.layer2[1].bn1, model.backbone.layer2[1].bn1
        torch.testing.assert_close(unit.running_var, original.running_var)
        torch.testing.assert_close(found.backbone.features.running_mean, model.backbone.features.running_mean)


@pytest.mark.slow
@pytest.mark.parametrize('form', [(MBF,), (R18,), (*IR18,)], ids=str)
def test_files_in_which_linear_layers_are_folded_too(form: tuple[str, ...], tmp_path: Path) -> None:
    model = build(*form)
    source = newer_exporter(model, tmp_path / 'folded.onnx')
    assert sum(n.op_type == 'BatchNormalization' for n in onnx.load(source).graph.node) == (0 if form[0] == MBF else 9)
    out = tmp_path / 'w.safetensors'
    convert_checkpoint(source, form[0], out, form[1:])
    found = assert_same_embeddings(model, form[0], out, *form[1:])
    if form[0] == R18:
        features = found.backbone.features
        assert (features.weight - 1).abs().max() < 1e-6, 'the scale that is never trained stays one'
        torch.testing.assert_close(features.running_var, torch.full((512,), 1 - features.eps))


def test_a_file_that_takes_pixels(tmp_path: Path) -> None:
    """Files from MXNet subtract 127.5 and multiply by 1/128 themselves, and keep every batch norm."""
    model = build(MBF)
    graph = onnx.load(older_exporter(model, tmp_path / 'inner.onnx'))
    constants = [numpy_helper.from_array(np.float32(v), n) for n, v in (('minus', 127.5), ('times', 1 / 128))]
    graph.graph.initializer.extend(constants)
    first = next(node for node in graph.graph.node if 'input.1' in node.input)
    first.input[list(first.input).index('input.1')] = 'scaled'
    nodes = [
        helper.make_node('Sub', ['input.1', 'minus'], ['centred'], name='_minusscalar0'),
        helper.make_node('Mul', ['centred', 'times'], ['scaled'], name='_mulscalar0'),
        *graph.graph.node,
    ]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    path = tmp_path / 'pixels.onnx'
    onnx.save(graph, path)
    assert input_scaling(read_graph(path)) == (127.5, pytest.approx(1 / 128))
    convert_checkpoint(path, MBF, tmp_path / 'w.safetensors')
    assert_same_embeddings(model, MBF, tmp_path / 'w.safetensors')


def test_batch_norms_with_another_epsilon_and_no_folding(tmp_path: Path) -> None:
    """Linear layer without bias → batch norm of epsilon 2e-5, one variance of which is next to nothing."""
    rng = np.random.default_rng(0)
    arrays = {name: rng.uniform(0.5, 1.5, 4).astype('f') for name in ('gamma', 'beta', 'mean', 'var')}
    arrays['var'][0] = 1e-7
    arrays['weight'] = rng.standard_normal((3, 4)).astype('f')
    nodes = [
        helper.make_node('MatMul', ['x', 'weight'], ['z']),
        helper.make_node('BatchNormalization', ['z', 'gamma', 'beta', 'mean', 'var'], ['y'], epsilon=2e-5),
    ]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, c]) for n, c in (('x', 3), ('y', 4))]
    stored = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_model(helper.make_graph(nodes, 'g', values[:1], values[1:], stored))
    (layer,) = graph_layers(graph, 'file')

    from faceresearch.zoo.converters.onnx_weights import fill_from_graph

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.norm = nn.Linear(3, 4), nn.BatchNorm1d(4)

        def forward(self, x: torch.Tensor, mode: str) -> tuple[torch.Tensor]:
            return (self.norm(self.fc(x)),)

    net = Net().eval()
    fill_from_graph(net, [layer], torch.zeros(1, 3), 'file')
    x = rng.standard_normal((5, 3)).astype('f')
    expected = (x @ arrays['weight'] - arrays['mean']) / np.sqrt(arrays['var'] + 2e-5) * arrays['gamma'] + arrays[
        'beta'
    ]
    with torch.no_grad():
        np.testing.assert_allclose(net(torch.from_numpy(x), mode='tensor')[0], expected, rtol=1e-4)
    torch.testing.assert_close(net.norm.running_var[1:], torch.from_numpy(arrays['var'][1:]) + 1e-5)


def test_the_file_of_another_network_is_refused(tmp_path: Path) -> None:
    source = older_exporter(build(MBF), tmp_path / 'mbf.onnx')
    for config in (R18, 'arcface_mbf_large_webface600k', 'scrfd_500m_kps_widerface'):
        with pytest.raises(UserError, match='right config'):
            convert_checkpoint(source, config, tmp_path / 'w.safetensors')
    with pytest.raises(UserError, match='is a FaceViT: networks with such layers cannot be filled from ONNX'):
        convert_checkpoint(source, 'arcface_vit_t_webface42m', tmp_path / 'w.safetensors')
    assert not (tmp_path / 'w.safetensors').exists()


def test_a_network_that_differs_in_one_operation_is_found(tmp_path: Path) -> None:
    """The comparison with onnxruntime, not the shapes, vouches for a conversion."""
    source = older_exporter(build(MBF), tmp_path / 'mbf.onnx')
    graph = onnx.load(source)
    next(node for node in graph.graph.node if node.op_type == 'Add').op_type = 'Sub'
    onnx.save(graph, source)
    with pytest.raises(UserError, match='computes something else with its weights'):
        convert_checkpoint(source, MBF, tmp_path / 'w.safetensors')


def test_calibrated_statistics_leave_the_embeddings(tmp_path: Path) -> None:
    import cv2

    model = build(R18)
    source = older_exporter(model, tmp_path / 'r18.onnx')
    folder = tmp_path / 'faces'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        cv2.imwrite(str(folder / f'{number}.png'), rng.integers(0, 256, (112, 112, 3), np.uint8))
    convert_checkpoint(source, R18, tmp_path / 'w.safetensors', bn='calibrated', images=folder)
    found = assert_same_embeddings(model, R18, tmp_path / 'w.safetensors')
    _, metadata = read_checkpoint(tmp_path / 'w.safetensors')
    assert metadata['batch_norm'] == 'calibrated'
    stem = found.backbone.bn1
    images = torch.stack(
        [torch.from_numpy(cv2.imread(str(f))[..., ::-1].transpose(2, 0, 1).astype('f')) for f in folder.iterdir()]
    )
    with torch.no_grad():
        features = found.backbone.conv1((images - 127.5) / 127.5)
    torch.testing.assert_close(stem.running_mean, features.mean((0, 2, 3)), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(stem.running_var, features.var((0, 2, 3), correction=0), atol=1e-4, rtol=1e-3)
