"""An exported file equals the network, says what it is, and does not tell where it was made."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from faceresearch import __version__
from faceresearch.config.contract import input_contract
from faceresearch.errors import UserError
from faceresearch.export import read_contract, read_metadata
from faceresearch.export.trace import RawOutputs, trace

from .conftest import CONFIG, export


@pytest.mark.parametrize('size', [(320, 256), (203, 317), (33, 47), (8, 16)])
@pytest.mark.parametrize('batch', [1, 4])
def test_file_equals_network(exported: Path, model: nn.Module, size: tuple[int, int], batch: int) -> None:
    session = onnxruntime.InferenceSession(str(exported), providers=['CPUExecutionProvider'])
    generator = torch.Generator().manual_seed(batch)
    blobs = torch.rand(batch, 3, 12, 12, generator=generator) * 255 - 110
    images = nn.functional.interpolate(blobs, size, mode='bicubic')
    with torch.no_grad():
        expected = model(images, mode='tensor')
    actual = session.run(['loc', 'conf', 'landmarks'], {'input': images.numpy()})
    priors = sum(2 * math.ceil(size[0] / stride) * math.ceil(size[1] / stride) for stride in (8, 16, 32))
    for ours, theirs, width in zip(expected, actual, (4, 2, 10), strict=True):
        assert theirs.shape == (batch, priors, width)
        np.testing.assert_allclose(theirs, ours.numpy(), rtol=0, atol=1e-4)
    assert np.ptp(actual[0], axis=1).max() > 0.1, 'outputs that do not depend on the image prove nothing'


def test_axes_have_names(exported: Path) -> None:
    graph = onnx.load(exported).graph
    shapes = {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.input}
    assert shapes == {'input': ['batch', 3, 'height', 'width']}
    outputs = {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.output}
    assert list(outputs) == ['loc', 'conf', 'landmarks']
    assert {shape[0] for shape in outputs.values()} == {'batch'}
    assert len({shape[1] for shape in outputs.values()}) == 1, 'all three have one row per prior'


def test_metadata_round_trip(exported: Path, cfg: object) -> None:
    assert read_contract(exported) == input_contract(cfg)
    metadata = read_metadata(exported)
    assert metadata['model_name'] == CONFIG
    assert metadata['faceresearch_version'] == __version__
    assert metadata['opset'] == '18'
    assert metadata['mean'] == '[104.0, 117.0, 123.0]'
    assert metadata['colour_order'] == 'BGR'
    assert metadata['licences.code'] == 'Apache-2.0'
    session = onnxruntime.InferenceSession(str(exported), providers=['CPUExecutionProvider'])
    assert session.get_modelmeta().custom_metadata_map == metadata


def test_no_source_paths(exported: Path, repo_root: Path) -> None:
    proto = onnx.load(exported)
    for tensor in proto.graph.initializer:
        tensor.ClearField('raw_data')  # weights may spell anything by chance
    text = proto.SerializeToString()
    for trace_of_machine in (
        b'.py',
        b'site-packages',
        b'stack_trace',
        str(repo_root).encode(),
        str(Path.home()).encode(),
    ):
        assert trace_of_machine not in text
    assert not any(node.metadata_props or node.doc_string for node in proto.graph.node)


def test_same_model_gives_the_same_bytes(model: nn.Module) -> None:
    first, second = (trace(_Wrapped(model.backbone.stage1[0]), ('features',)) for _ in range(2))
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)


@pytest.mark.slow
def test_export_of_a_config_from_start_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from faceresearch.apis.export import export_onnx

    path = export_onnx(CONFIG, 'none', tmp_path / 'r.onnx')
    assert onnx.load(path).opset_import[0].version == 18
    assert '203 x 317' in capsys.readouterr().out


def test_differing_file_is_not_written(
    model: nn.Module, traced: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / 'model.onnx'
    target.write_bytes(b'an older export')
    with pytest.raises(UserError, match=r"output '(loc|conf|landmarks)' by .* for [14] images of \d+ x \d+") as caught:
        export(model, spoilt(traced), target, monkeypatch)
    assert '0.0001' in str(caught.value) and '\n' not in str(caught.value)
    assert target.read_bytes() == b'an older export'
    assert [path.name for path in tmp_path.iterdir()] == ['model.onnx']


def test_unverified_file_is_written_as_asked(
    model: nn.Module,
    traced: onnx.ModelProto,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = export(model, spoilt(traced), tmp_path / 'model.onnx', monkeypatch, verify=False)
    assert read_contract(path)['colour_order'] == 'BGR'
    assert 'not compared' in capsys.readouterr().out


def test_clean_up_that_changes_the_outputs_is_not_kept(
    model: nn.Module, traced: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('faceresearch.export.trace.slim', spoilt)
    path = export(model, traced, tmp_path / 'model.onnx', monkeypatch)
    assert [node.op_type for node in onnx.load(path).graph.node] == [node.op_type for node in traced.graph.node]


def test_table_lists_every_comparison(export_run: tuple[Path, str]) -> None:
    out = export_run[1]
    for shape in ('1 x 3 x 64 x 96', '4 x 3 x 203 x 317', '4 x 3 x 320 x 256'):
        assert out.count(shape) == 3
    assert out.count(' ok ') == 18 and 'FAILED' not in out
    assert 'proves little' not in out


def test_axes_that_a_network_fixes_are_found(tmp_path: Path) -> None:
    from faceresearch.export.parity import compare

    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(3 * 203 * 317, 2)

        def forward(self, inputs: torch.Tensor, mode: str) -> tuple[torch.Tensor]:
            return (self.out(inputs.flatten(1)),)

    network = RawOutputs(Fixed())
    with pytest.raises(UserError, match='images of 64 x 96, 1 at once, do not go through'):
        compare(network, trace(network, ('out',)).SerializeToString(), ('out',))


def test_network_of_one_size_keeps_a_dynamic_batch() -> None:
    class Embedding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(3 * 12 * 10, 4)

        def forward(self, inputs: torch.Tensor, mode: str) -> tuple[torch.Tensor]:
            return (self.out(inputs.flatten(1)),)

    graph = trace(RawOutputs(Embedding()), ('embedding',), fixed_size=(12, 10)).graph
    assert [d.dim_param or d.dim_value for d in graph.input[0].type.tensor_type.shape.dim] == ['batch', 3, 12, 10]


def test_ill_conditioned_network_is_judged_by_its_own_rounding() -> None:
    """Values near 1e6 differ by more than 1e-4 in single precision alone; a wrong weight differs by far more."""
    from faceresearch.export.parity import check, compare

    torch.manual_seed(0)
    network = _Wrapped(nn.Sequential(nn.Conv2d(3, 8, 5), nn.Conv2d(8, 2, 5)))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= 1000
    graph = trace(network, ('features',))
    rows = compare(network, graph.SerializeToString(), ('features',))
    assert max(row.max_abs for row in rows) > 1e-4 and min(row.max_value for row in rows) > 1e4
    check(rows)
    with pytest.raises(UserError, match="output 'features'"):
        check(compare(network, spoilt(graph).SerializeToString(), ('features',)))
    nn.init.constant_(network.part[1].bias, float('nan'))
    with pytest.raises(UserError, match="output 'features' by nan"):
        check(compare(network, graph.SerializeToString(), ('features',)))


def test_constant_outputs_are_pointed_out() -> None:
    from faceresearch.export.parity import compare, says_little

    network = _Wrapped(nn.Conv2d(3, 2, 1))
    nn.init.zeros_(network.part.weight)
    rows = compare(network, trace(network, ('features',)).SerializeToString(), ('features',))
    assert says_little(rows)
    assert {row.limit for row in rows} == {1e-4}, 'only rounding errors buy more room'


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'opset': 999}, 'opset 999'),
        ({'opset': 11}, 'only be written in opset'),
        ({'end2end': True}, 'not there for Small'),
    ],
)
def test_what_cannot_be_had_is_said(
    options: dict, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceresearch.apis.export import export_onnx

    class Small(nn.Module):
        output_names = ('out',)

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 3)

        def forward(self, inputs: torch.Tensor, mode: str) -> tuple[torch.Tensor]:
            return (nn.functional.interpolate(self.conv(inputs), scale_factor=2.0, mode='bilinear', antialias=True),)

    monkeypatch.setattr('faceresearch.apis.model.init_model', lambda *args, **kwargs: Small().eval())
    with pytest.raises(UserError, match=message):
        export_onnx(CONFIG, 'none', tmp_path / 'x.onnx', **options)
    assert list(tmp_path.iterdir()) == []


def test_other_families_and_wrong_targets_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from faceresearch.apis.export import export_onnx

    monkeypatch.setattr('faceresearch.apis.model.init_model', lambda *args, **kwargs: nn.Conv2d(3, 2, 3))
    with pytest.raises(UserError, match=r'Conv2d \(torch\) cannot be exported yet'):
        export_onnx(CONFIG, 'none', tmp_path / 'x.onnx')
    with pytest.raises(UserError, match='is a folder'):
        export_onnx(CONFIG, 'none', tmp_path)


def test_files_without_a_contract_are_named(tmp_path: Path) -> None:
    text = tmp_path / 'text.onnx'
    text.write_text('not a graph')
    with pytest.raises(UserError, match='not an ONNX file'):
        read_metadata(text)
    with pytest.raises(UserError, match='No such file'):
        read_metadata(tmp_path / 'absent.onnx')
    empty = tmp_path / 'empty.onnx'
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], 'g', [], [])), empty)
    with pytest.raises(UserError, match='no input contract'):
        read_contract(empty)


class _Wrapped(nn.Module):
    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part.eval()

    def forward(self, input: torch.Tensor) -> tuple[torch.Tensor]:
        return (self.part(input),)


def spoilt(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which one weight of the first convolution is doubled."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    name = next(node.input[1] for node in copy.graph.node if node.op_type == 'Conv')
    tensor = next(tensor for tensor in copy.graph.initializer if tensor.name == name)
    values = onnx.numpy_helper.to_array(tensor).copy()
    values.flat[np.abs(values).argmax()] *= 2
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))
    return copy
