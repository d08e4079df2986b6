"""Layers in half precision or on bytes; what is around them stays as it is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest

from faceresearch.errors import UserError
from faceresearch.export.graph import Graph
from faceresearch.export.precision import output_errors, to_half, to_int8


@pytest.fixture(scope='module')
def network() -> onnx.ModelProto:
    """Two convolutions after a normalisation, and a decoding whose numbers half precision cannot tell apart."""
    g, rng = Graph('n.'), np.random.default_rng(0)
    x = g('Sub', 'input', 0.123456)
    x = g('Conv', x, rng.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32), pads=[1] * 4)
    x = g('Relu', x)
    x = g('Conv', x, rng.normal(0, 0.3, (4, 8, 3, 3)).astype(np.float32), pads=[1] * 4)
    g.named('boxes', 'Add', x, np.float32(4097))
    shape = ['n', 3, 'h', 'w']
    made = onnx.helper.make_graph(
        g.nodes,
        'test',
        [onnx.helper.make_tensor_value_info('input', onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info('boxes', onnx.TensorProto.FLOAT, ['n', 4, 'h', 'w'])],
        list(g.initializers.values()),
    )
    return onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid('', 18)], ir_version=10)


def images(count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, (1, 3, 20, 24)).astype(np.float32) for _ in range(count)]


def test_half_precision_ends_with_the_last_layer(network: onnx.ModelProto) -> None:
    half = to_half(network)
    kinds = Counter(tensor.data_type for tensor in half.graph.initializer)
    assert kinds[onnx.TensorProto.FLOAT16] == 2, 'the weights of both layers, and nothing else'
    assert half.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    (error,) = output_errors(network, half, images(3, 1))
    # Near 4097 half precision has steps of 4; convolutions of eight bits of mantissa or more are far better.
    assert 0 < error.max_abs < 0.02
    assert error.mean_value == pytest.approx(4097, abs=5)


def test_bytes_follow_the_images_they_are_calibrated_with(network: onnx.ModelProto) -> None:
    made = to_int8(network, iter(images(8, 2)))
    kinds = {tensor.data_type for tensor in made.graph.initializer if len(tensor.dims) == 4}
    assert kinds == {onnx.TensorProto.INT8}
    (error,) = output_errors(network, made, images(3, 3))
    assert 0 < error.mean_abs < 0.05
    narrow = to_int8(network, iter([image / 20 for image in images(8, 2)]))
    (cut,) = output_errors(network, narrow, images(3, 3))
    assert cut.mean_abs > 5 * error.mean_abs, 'ranges are those of the images'


def test_calibration_needs_an_image(network: onnx.ModelProto) -> None:
    with pytest.raises(UserError, match='no image to calibrate with'):
        to_int8(network, iter([]))
