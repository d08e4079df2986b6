"""What a published ONNX file holds: its layers with weights, in the order in which they are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from faceresearch.errors import UserError

if TYPE_CHECKING:
    import onnx

#: A graph of weights alone: what is larger is no face model.
MAX_BYTES = 2**31
_UNREAD = ('InstanceNormalization', 'LayerNormalization', 'ConvTranspose')


@dataclass(frozen=True)
class Norm:
    """A batch norm in evaluation: (x − mean) / √(variance + eps) · weight + bias, each (C,)."""

    name: str
    weight: Tensor
    bias: Tensor
    mean: Tensor
    variance: Tensor
    eps: float


@dataclass(frozen=True)
class Layer:
    """A layer of a graph that has weights.

    Attributes:
        kind: ``conv``, ``linear``, ``prelu``, ``norm`` (a batch norm that follows neither convolution nor linear layer)
            or ``scale``.
        name: name of its weights in the file.
        weight: (out, in / groups, kh, kw), (out, in), (C,), or a single number.
        bias: (out,) or None.
        norm: the batch norm after a convolution or linear layer, where it is not folded; or the layer itself.
    """

    kind: str
    name: str
    weight: Tensor
    bias: Tensor | None = None
    norm: Norm | None = None

    def folded(self) -> Layer:
        """Return the convolution or linear layer with its batch norm folded into weight and bias."""
        if self.norm is None:
            return self
        norm = self.norm
        scale = norm.weight.double() / (norm.variance.double() + norm.eps).sqrt()
        bias = norm.bias - norm.mean * scale if self.bias is None else norm.bias + (self.bias - norm.mean) * scale
        weight = self.weight * scale.reshape(-1, *[1] * (self.weight.ndim - 1))
        return Layer(self.kind, self.name, weight.float(), bias.float())


def read_graph(path: str | Path) -> onnx.ModelProto:
    """Read an ONNX file; data outside it is not followed.

    Raises:
        UserError: onnx is not installed, or the file is too large, no ONNX graph, or keeps its weights elsewhere.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise UserError(
            "reading .onnx files needs the packages of the extra 'onnx': pip install onnx onnxruntime"
        ) from error
    path = Path(path)
    if not path.is_file():
        raise UserError(f'{path}: no such file')
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f'{path}: {path.stat().st_size / 2**30:.1f} GiB is more than an ONNX file can hold')
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise UserError(f'{path}: not an ONNX file, or a damaged one') from error
    if not model.graph.node or not model.graph.output:
        raise UserError(f'{path}: not an ONNX file, or an empty one')
    for tensor in _stored(model).values():
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise UserError(f'{path}: its weights are in another file; save it with the weights inside')
    return model


def graph_layers(model: onnx.ModelProto, path: str | Path) -> list[Layer]:
    """Return the layers of a graph that have weights, in order.

    Raises:
        UserError: the graph has layers with weights of another kind.
    """
    weights = _Weights(model, path)
    layers: list[Layer] = []
    #: Which layer, by position, gave an output.
    origin: dict[str, int] = {}
    for node in model.graph.node:
        kind = _KINDS.get(node.op_type)
        if node.op_type in _UNREAD:
            raise UserError(f'{path}: has a {node.op_type} layer ({node.name}); graphs with those are not read')
        if node.op_type == 'BatchNormalization':
            norm = weights.norm(node)
            before = origin.get(node.input[0])
            if before is None:
                layers.append(Layer('norm', norm.name, norm.weight, norm=norm))
            else:
                old = layers[before]
                layers[before] = Layer(old.kind, old.name, old.weight, old.bias, norm)
        elif node.op_type == 'Add' and (bias := _linear_bias(node, origin, layers, weights)) is not None:
            number, values = bias
            old = layers[number]
            layers[number] = Layer(old.kind, old.name, old.weight, values)
            origin[node.output[0]] = number
        elif kind is not None and (layer := kind(node, weights)) is not None:
            layers.append(layer)
            if layer.kind in ('conv', 'linear'):
                origin[node.output[0]] = len(layers) - 1
    return layers


def input_scaling(model: onnx.ModelProto) -> tuple[float, float]:
    """Return what a graph itself does to its input first: (x − shift) · factor; (0, 1) if nothing.

    Files that come from MXNet take pixels, 0…255, and subtract and multiply inside.
    """
    from onnx import numpy_helper

    stored = _stored(model)
    shift, factor = 0.0, 1.0
    name = _image_input(model).name
    for _ in range(4):
        users = [node for node in model.graph.node if name in node.input]
        if len(users) != 1 or users[0].op_type not in ('Sub', 'Add', 'Mul', 'Div'):
            break
        node = users[0]
        others = [other for other in node.input if other != name]
        if len(others) != 1 or others[0] not in stored or not _is_number(stored[others[0]]):
            break
        value = float(numpy_helper.to_array(stored[others[0]]).reshape(()))
        if node.op_type in ('Sub', 'Add'):
            shift += (value if node.op_type == 'Sub' else -value) / factor
        else:
            factor *= value if node.op_type == 'Mul' else 1 / value
        name = node.output[0]
    return shift, factor


def input_image(model: onnx.ModelProto, free_size: tuple[int, int] = (640, 640)) -> Tensor:
    """Return a random image (1, 3, H, W) in 0…1 of the size that a graph takes, ``free_size`` where it takes any."""
    shape = [d.dim_value for d in _image_input(model).type.tensor_type.shape.dim]
    height, width = (shape[a] if len(shape) == 4 and shape[a] > 0 else free_size[a - 2] for a in (2, 3))
    if not 32 <= min(height, width) <= max(height, width) <= 4096:
        raise UserError(f'the graph takes images of {height} x {width}, which is no size of a face model')
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


class _Weights:
    """The tensors that a graph holds, by name; those that it passes on or transposes too.

    Args:
        model: the graph.
        path: its file, for messages.
    """

    def __init__(self, model: onnx.ModelProto, path: str | Path) -> None:
        self.stored: Mapping[str, Any] = _stored(model)
        self.path = path
        self.passed_on = {
            node.output[0]: (node.input[0], node.op_type == 'Transpose')
            for node in model.graph.node
            if node.op_type in ('Identity', 'Transpose') and node.input
        }

    def has(self, name: str) -> bool:
        """Whether the graph holds the tensor."""
        return self._source(name)[0] in self.stored

    def __call__(self, name: str) -> Tensor:
        """Return a tensor, float32.

        Raises:
            UserError: it is computed, or damaged.
        """
        from onnx import numpy_helper

        source, transposed = self._source(name)
        if source not in self.stored:
            raise UserError(
                f'{self.path}: weights {name} are computed in the graph, as in a quantised file; use the original'
            )
        try:
            array = np.array(numpy_helper.to_array(self.stored[source]), np.float32)
        except (ValueError, TypeError) as error:
            raise UserError(f'{self.path}: weights {name} are damaged ({error})') from error
        return torch.from_numpy(np.ascontiguousarray(array.T if transposed else array))

    def norm(self, node: Any) -> Norm:
        """Return the batch norm that a node is."""
        weight, bias, mean, variance = (self(name) for name in node.input[1:5])
        return Norm(node.input[1], weight, bias, mean, variance, _attribute(node, 'epsilon', 1e-5))

    def _source(self, name: str) -> tuple[str, bool]:
        transposed = False
        for _ in range(8):
            if name in self.stored or name not in self.passed_on:
                break
            name, turned = self.passed_on[name]
            transposed ^= turned
        return name, transposed


def _conv(node: Any, weights: _Weights) -> Layer:
    bias = weights(node.input[2]) if len(node.input) > 2 else None
    return Layer('conv', node.input[1], weights(node.input[1]), bias)


def _gemm(node: Any, weights: _Weights) -> Layer:
    weight = weights(node.input[1])
    bias = weights(node.input[2]).reshape(-1) if len(node.input) > 2 else None
    if not _attribute(node, 'transB', 0):
        weight = weight.T.contiguous()
    return Layer('linear', node.input[1], weight, bias)


def _matmul(node: Any, weights: _Weights) -> Layer | None:
    if not weights.has(node.input[1]):
        return None
    weight = weights(node.input[1])
    return Layer('linear', node.input[1], weight.T.contiguous()) if weight.ndim == 2 else None


def _prelu(node: Any, weights: _Weights) -> Layer:
    return Layer('prelu', node.input[1], weights(node.input[1]).reshape(-1))


def _scale(node: Any, weights: _Weights) -> Layer | None:
    inside = [name for name in node.input if name in weights.stored]
    if len(inside) != 1 or not _is_number(weights.stored[inside[0]]):
        return None
    return Layer('scale', inside[0], weights(inside[0]).reshape(()))


_KINDS: dict[str, Callable[[Any, _Weights], Layer | None]] = {
    'Conv': _conv,
    'Gemm': _gemm,
    'MatMul': _matmul,
    'PRelu': _prelu,
    'Mul': _scale,
}


def _linear_bias(
    node: Any, origin: Mapping[str, int], layers: list[Layer], weights: _Weights
) -> tuple[int, Tensor] | None:
    """Return the bias that an addition gives a matrix product without one, with the product's position."""
    for product, other in (tuple(node.input), tuple(reversed(node.input))):
        number = origin.get(product)
        if number is None or layers[number].kind != 'linear' or not weights.has(other):
            continue
        values = weights(other).reshape(-1)
        if layers[number].bias is None and len(values) == len(layers[number].weight):
            return number, values
    return None


def _stored(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """Return the tensors that a graph holds, by name."""
    constants = (
        n for n in model.graph.node if n.op_type == 'Constant' and n.attribute and n.attribute[0].HasField('t')
    )
    return {**{t.name: t for t in model.graph.initializer}, **{n.output[0]: n.attribute[0].t for n in constants}}


def _image_input(model: onnx.ModelProto) -> Any:
    """Return the first input that is no weight: old files list those too."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return next((value for value in model.graph.input if value.name not in weights), model.graph.input[0])


def _attribute(node: Any, name: str, default: Any) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            return attribute.f if isinstance(default, float) else attribute.i
    return default


def _is_number(tensor: Any) -> bool:
    return int(np.prod(tensor.dims)) == 1 and tensor.data_type == 1  # float32
