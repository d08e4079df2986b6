"""The same network in half precision or in bytes.

Only what lies between the first and the last layer with weights is changed: normalised pixels, coordinates and scores stay
in single precision, where half would lose whole pixels of a large image.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from faceresearch.errors import UserError
from faceresearch.export.parity import open_session
from faceresearch.export.trace import INPUT_NAME, anonymise, quiet

if TYPE_CHECKING:
    import onnx
    from rich.table import Table

Precision = Literal['float32', 'float16', 'int8']

_LAYERS = ('Conv', 'ConvTranspose', 'Gemm', 'MatMul')
#: A product with fewer weights is arithmetic of a decoding, no layer.
_MIN_WEIGHTS = 64
#: What is computed on bytes between layers with weights. Others take floats again.
_ON_BYTES = ('Conv', 'Gemm', 'MatMul', 'Add', 'Concat', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'Resize', 'Relu')


def to_half(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph whose layers compute in float16; inputs and outputs stay float32.

    onnxruntime's own converter passes every value of a node that stays in single precision through half all the same, which
    costs whole pixels of a coordinate; so this is a converter of a region. Weights that half precision cannot hold become its
    largest or smallest number. onnxruntime's CPU kernels compute in float32 whatever the weights are stored in; a GPU's do not.
    """
    import onnx

    half = _copy(graph)
    outside = set(_outside(half))
    inferred = onnx.shape_inference.infer_shapes(half).graph
    values = (*inferred.value_info, *inferred.input, *inferred.output)
    floats = {value.name for value in values if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}
    region = _HalfRegion({tensor.name: tensor for tensor in half.graph.initializer}, floats)
    nodes = list(half.graph.node)
    made = {name for node in nodes if node.name not in outside for name in node.output if name in floats}
    needed = {name for node in nodes if node.name in outside for name in node.input}
    needed |= {value.name for value in half.graph.output}
    del half.graph.node[:]
    for node in nodes:
        if node.name not in outside:
            half.graph.node.extend([*region.convert(node, made), *region.widen(node, made & needed)])
        else:
            half.graph.node.append(node)
    used = {name for node in half.graph.node for name in node.input}
    kept = [tensor for tensor in half.graph.initializer if tensor.name in used]
    del half.graph.initializer[:]
    half.graph.initializer.extend([*kept, *region.weights.values()])
    anonymise(half)
    return half


class _HalfRegion:
    """Turns nodes to float16, with casts where the region begins and ends.

    Args:
        initializers: of the graph, by name.
        floats: names of values that are float32.
    """

    def __init__(self, initializers: dict[str, Any], floats: set[str]) -> None:
        self.initializers, self.floats = initializers, floats
        self.weights: dict[str, Any] = {}
        self.casts = set[str]()

    def convert(self, node: Any, made: set[str]) -> list[Any]:
        """Return a node of the region, after casts of what it takes from outside.

        Args:
            node: is changed.
            made: float values that the region's nodes give.
        """
        import onnx

        before = []
        for place, name in enumerate(node.input):
            # Scales of a resizing are float32 whatever it resizes.
            if not name or (node.op_type == 'Resize' and place):
                continue
            if name in self.initializers and self.initializers[name].data_type == onnx.TensorProto.FLOAT:
                self._store(name)
            elif name in self.floats and name not in made and name not in self.casts:
                self.casts.add(name)
                before.append(_cast(name, f'{name}_half', onnx.TensorProto.FLOAT16))
            elif name not in self.floats:
                continue
            node.input[place] = f'{name}_half'
        for attribute in node.attribute:
            if node.op_type == 'Cast' and attribute.i == onnx.TensorProto.FLOAT:
                attribute.i = onnx.TensorProto.FLOAT16
        for place, name in enumerate(node.output):
            if name in made:
                node.output[place] = f'{name}_half'
        return [*before, node]

    def widen(self, node: Any, needed: set[str]) -> list[Any]:
        """Return the casts of what a converted node gives to nodes outside."""
        import onnx

        names = [name.removesuffix('_half') for name in node.output]
        return [_cast(f'{name}_half', name, onnx.TensorProto.FLOAT) for name in names if name in needed]

    def _store(self, name: str) -> None:
        import onnx

        if name not in self.weights:
            largest = np.finfo(np.float16).max
            array = onnx.numpy_helper.to_array(self.initializers[name]).clip(-largest, largest)
            self.weights[name] = onnx.numpy_helper.from_array(array.astype(np.float16), f'{name}_half')


def _cast(name: str, result: str, kind: int) -> Any:
    import onnx

    return onnx.helper.make_node('Cast', [name], [result], to=kind)


def to_int8(graph: onnx.ModelProto, images: Iterable[np.ndarray]) -> onnx.ModelProto:
    """Return a graph whose layers compute on bytes: weights by channel, activations by tensor, in QDQ form.

    Args:
        graph: with dynamic or fixed sizes.
        images: normalised, each (1, C, h, w) float32; the ranges of activations are theirs.

    Raises:
        UserError: there is no image.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    iterator = iter(images)
    first = next(iterator, None)
    if first is None:
        raise UserError('--int8: no image to calibrate with')
    reader = _Reader(chain([first], iterator))
    with tempfile.TemporaryDirectory() as folder, quiet():
        plain, prepared, written = (Path(folder) / f'{name}.onnx' for name in ('plain', 'prepared', 'int8'))
        # As a file: given a graph in memory, onnxruntime 1.31 then looks for its weights in a file that is not there.
        onnx.save(graph, plain)
        # Batch norms become part of their convolutions.
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        model = _copy(onnx.load(prepared))
        quantize_static(
            model,
            str(written),
            reader,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_ON_BYTES),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_outside(model),
            calibrate_method=CalibrationMethod.MinMax,
        )
        quantised = onnx.load(written)
    anonymise(quantised)
    return quantised


class _Reader:
    """Hands images to onnxruntime one by one."""

    def __init__(self, images: Iterable[np.ndarray]) -> None:
        self.images: Iterator[np.ndarray] = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self.images, None)
        return None if image is None else {INPUT_NAME: image}


def _copy(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which every node has a name of its own."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    for number, node in enumerate(copy.graph.node):
        node.name = f'n{number}'
    return copy


def _outside(graph: onnx.ModelProto) -> list[str]:
    """Return the nodes before the first or after the last layer on every way through the graph."""
    weights = {tensor.name: int(np.prod(tensor.dims)) for tensor in graph.graph.initializer}
    nodes = list(graph.graph.node)

    def is_layer(node: Any) -> bool:
        return node.op_type in _LAYERS and any(weights.get(name, 0) >= _MIN_WEIGHTS for name in node.input)

    after, before = set[str](), set[str]()
    for node in nodes:
        if is_layer(node) or after.intersection(node.input):
            after.update(node.output)
    for node in reversed(nodes):
        if is_layer(node) or before.intersection(node.output):
            before.update(node.input)
    # A value is inside if layers lie on both of its sides; so is a node that gives one, and the last layer itself.
    return [
        node.name
        for node in nodes
        if not is_layer(node) and not (after.intersection(node.output) and before.intersection(node.output))
    ]


@dataclass(frozen=True)
class OutputError:
    """How far an output is from the same in single precision, over some images.

    Args:
        output: name.
        mean_abs: mean absolute difference.
        max_abs: largest one.
        mean_value: mean absolute value of the output.
    """

    output: str
    mean_abs: float
    max_abs: float
    mean_value: float


def output_errors(exact: onnx.ModelProto, other: onnx.ModelProto, images: Sequence[np.ndarray]) -> list[OutputError]:
    """Compare the outputs of a network's two forms on normalised images (1, C, h, w)."""
    sessions = [open_session(graph.SerializeToString()) for graph in (exact, other)]
    names = [value.name for value in exact.graph.output]
    sums = np.zeros((len(names), 4))
    for image in images:
        pairs = zip(*(session.run(names, {INPUT_NAME: image}) for session in sessions))
        for row, (one, two) in zip(sums, pairs):
            difference = np.abs(one.astype(np.float64) - two)
            row += difference.sum(), 0, np.abs(one).sum(dtype=np.float64), one.size
            row[1] = max(row[1], difference.max(initial=0))
    return [
        OutputError(name, total / max(size, 1), largest, value / max(size, 1))
        for name, (total, largest, value, size) in zip(names, sums)
    ]


def error_table(rows: Sequence[OutputError], precision: Precision, count: int) -> Table:
    """Return the errors as a table for the terminal."""
    from rich.table import Table

    table = Table(title=f'{precision} against float32, {count} images', title_justify='left')
    for column in ('output', 'mean difference', 'largest', 'mean value'):
        table.add_column(column, justify='left' if column == 'output' else 'right', no_wrap=True)
    for row in rows:
        table.add_row(row.output, f'{row.mean_abs:.3g}', f'{row.max_abs:.3g}', f'{row.mean_value:.3g}')
    return table
