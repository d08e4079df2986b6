"""Weights out of a published ONNX file, where no other form of them exists.

An exported graph holds the same tensors as the checkpoint it was made of, but with each batch norm folded into the
convolution before it, and under names that say little. The graph's layers are therefore taken in the order in which
they are computed, which is also the order in which our network computes its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.layers import Scale

if TYPE_CHECKING:
    import onnx

BatchNorm = Literal['identity', 'calibrated']

#: A graph of weights alone: what is larger is no face model.
MAX_BYTES = 2**31
#: Largest difference between the file's outputs and ours that counts as equal.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Layer:
    """A layer of a graph that has weights.

    Attributes:
        kind: ``conv`` or ``scale``.
        name: name of its weights in the file.
        weight: (out, in / groups, kh, kw), or a single number.
        bias: (out,) or None.
    """

    kind: str
    name: str
    weight: Tensor
    bias: Tensor | None = None


@dataclass
class Slot:
    """A layer of our network that takes the weights of one of the graph's.

    Attributes:
        name: its name in the network.
        module: convolution or scale.
        norm: the batch norm that follows a convolution, with its name.
    """

    name: str
    module: nn.Module
    norm: tuple[str, nn.BatchNorm2d] | None = None

    @property
    def kind(self) -> str:
        """``conv`` or ``scale``."""
        return 'scale' if isinstance(self.module, Scale) else 'conv'


@dataclass
class OnnxReport:
    """What became of every weight of the file, by its name there."""

    mapped: dict[str, str] = field(default_factory=dict)


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
    """Return the convolutions of a graph, and its multiplications by one stored number, in order.

    Raises:
        UserError: the graph has layers with weights of another kind.
    """
    from onnx import numpy_helper

    stored = _stored(model)

    def value(name: str) -> Tensor:
        if name not in stored:
            raise UserError(
                f'{path}: weights {name} are computed in the graph, as in a quantised file; use the original'
            )
        try:
            return torch.from_numpy(np.array(numpy_helper.to_array(stored[name]), np.float32))
        except (ValueError, TypeError) as error:
            raise UserError(f'{path}: weights {name} are damaged ({error})') from error

    layers = []
    for node in model.graph.node:
        inside = [name for name in node.input if name in stored]
        if node.op_type == 'Conv':
            bias = value(node.input[2]) if len(node.input) > 2 else None
            layers.append(Layer('conv', node.input[1], value(node.input[1]), bias))
        elif node.op_type == 'Mul' and len(inside) == 1 and _is_number(stored[inside[0]]):
            layers.append(Layer('scale', inside[0], value(inside[0]).reshape(())))
        elif node.op_type in ('BatchNormalization', 'InstanceNormalization', 'Gemm', 'ConvTranspose'):
            raise UserError(
                f'{path}: has a {node.op_type} layer ({node.name}); only graphs with folded batch norm are read'
            )
    return layers


def _stored(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """Return the tensors that a graph holds, by name."""
    constants = (
        n for n in model.graph.node if n.op_type == 'Constant' and n.attribute and n.attribute[0].HasField('t')
    )
    return {**{t.name: t for t in model.graph.initializer}, **{n.output[0]: n.attribute[0].t for n in constants}}


def _is_number(tensor: Any) -> bool:
    return int(np.prod(tensor.dims)) == 1 and tensor.data_type == 1  # float32


def network_slots(network: nn.Module, image: Tensor) -> list[Slot]:
    """Return the layers of a network that have weights, in the order in which they are computed.

    Args:
        network: called with ``mode='tensor'``.
        image: (1, 3, H, W).
    """
    names = {module: name for name, module in network.named_modules()}
    slots: list[Slot] = []
    outputs: dict[int, tuple[Slot | None, Tensor | None]] = {}

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.BatchNorm2d):
            slot, _ = outputs.get(id(inputs[0]), (None, None))
            if slot is None:
                raise UserError(
                    f'{names[module]} does not follow a convolution: this network cannot be filled from ONNX'
                )
            slot.norm = (names[module], module)
        else:
            slots.append(Slot(names[module], module))
            # Kept alive: an id is unique only as long as its object is.
            outputs[id(output)] = (slots[-1], output)

    wanted = (nn.Conv2d, nn.BatchNorm2d, Scale)
    handles = [m.register_forward_hook(note) for m in network.modules() if isinstance(m, wanted)]
    try:
        with torch.no_grad():
            network.eval()(image, mode='tensor')
    finally:
        for handle in handles:
            handle.remove()
    return slots


def fill_from_graph(network: nn.Module, layers: Sequence[Layer], image: Tensor, path: str | Path) -> OnnxReport:
    """Put a graph's weights into a network; batch norms become identities plus the folded bias.

    The statistics are mean 0 and variance 1, so evaluation is exact, and training would start by losing them: see
    :func:`calibrate`.

    Args:
        network: the network to fill, in place.
        layers: of :func:`graph_layers`.
        image: an image (1, 3, H, W) to find out the order of the network's layers with.
        path: the file, for messages.

    Raises:
        UserError: the two do not have the same layers.
    """
    slots = network_slots(network, image)
    # Exporters fold a multiplication away where they can; then the network's scale is one.
    if any(slot.kind == 'scale' for slot in slots) and not any(layer.kind == 'scale' for layer in layers):
        for slot in (s for s in slots if s.kind == 'scale'):
            nn.init.ones_(slot.module.scale)  # type: ignore[arg-type]
        slots = [s for s in slots if s.kind != 'scale']
    if not any(slot.kind == 'scale' for slot in slots):
        layers = [layer for layer in layers if layer.kind != 'scale']
    report = OnnxReport()
    if len(slots) != len(layers):
        raise UserError(
            f'{path}: has {len(layers)} layers with weights, the model {len(slots)}; is it the right config?'
        )
    for slot, layer in zip(slots, layers):
        shape = tuple(slot.module.scale.shape if isinstance(slot.module, Scale) else slot.module.weight.shape)  # type: ignore[union-attr,arg-type,operator]
        if slot.kind != layer.kind or shape != tuple(layer.weight.shape):
            raise UserError(
                f'{path}: {layer.name} is a {layer.kind} of {tuple(layer.weight.shape)} where the model has a'
                f' {slot.kind} of {shape} ({slot.name}); is it the right config?'
            )
        with torch.no_grad():
            _fill(slot, layer)
        # One tensor may serve several layers, where the exporter found them equal.
        report.mapped[f'{layer.name} #{len(report.mapped)}'] = slot.name
    return report


def _fill(slot: Slot, layer: Layer) -> None:
    module = slot.module
    if isinstance(module, Scale):
        module.scale.copy_(layer.weight)
        return
    assert isinstance(module, nn.Conv2d)
    module.weight.copy_(layer.weight)
    bias = torch.zeros(module.out_channels) if layer.bias is None else layer.bias
    if slot.norm is None:
        if module.bias is not None:
            module.bias.copy_(bias)
        elif layer.bias is not None and layer.bias.any():
            raise UserError(f'{layer.name} has a bias and the model has no place for it ({slot.name})')
        return
    norm = slot.norm[1]
    if module.bias is not None:
        module.bias.zero_()
    _set_statistics(norm, torch.zeros_like(bias), torch.ones_like(bias), bias)


def _set_statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, folded_bias: Tensor) -> None:
    """Give a batch norm statistics and let weight and bias undo them: it adds ``folded_bias`` and nothing else."""
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((norm.running_var + norm.eps).sqrt())
    norm.bias.copy_(folded_bias + mean)


@contextmanager
def _sums(norms: Sequence[nn.BatchNorm2d]) -> Iterator[dict[nn.BatchNorm2d, Tensor]]:
    """Collect count, sum and sum of squares per channel (3, C), in double precision, of what the norms are given."""
    sums: dict[nn.BatchNorm2d, Tensor] = {}

    def add(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        x = inputs[0].double()
        count = torch.full((x.shape[1],), x.numel() / x.shape[1], dtype=torch.float64)
        found = torch.stack([count, x.sum((0, 2, 3)), x.square().sum((0, 2, 3))])
        sums[norm] = sums.get(norm, torch.zeros_like(found)) + found

    handles = [norm.register_forward_pre_hook(add) for norm in norms]
    try:
        yield sums
    finally:
        for handle in handles:
            handle.remove()


def calibrate(network: nn.Module, run: Callable[[], None]) -> int:
    """Give identity batch norms the statistics of images, without changing what the network computes.

    With variance σ² and mean μ of a channel, weight √(σ² + ε) and bias b + μ: in evaluation the same function as before;
    in training the layer normalises as one that was trained with it.

    Args:
        network: filled by :func:`fill_from_graph`.
        run: computes the network on the images.

    Returns:
        The number of batch norms.

    Raises:
        UserError: no image was computed.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    with _sums(norms) as sums, torch.no_grad():
        network.eval()
        run()
    if norms and not sums:
        raise UserError("bn='calibrated' needs images: give a folder with --images")
    with torch.no_grad():
        for norm, (count, total, squares) in sums.items():
            mean = total / count
            # A channel that never changes has variance 0; a weight of √ε would only amplify rounding in training.
            variance = (squares / count - mean.square()).clamp(min=1e-4)
            _set_statistics(norm, mean.float(), variance.float(), norm.bias.clone())
    return len(norms)


def check_outputs(network: nn.Module, path: str | Path, image: Tensor) -> float:
    """Compare a filled network with the file, computed by onnxruntime; return the largest difference.

    The outputs are compared in order, whatever axes of length one the file has or lacks.

    Raises:
        UserError: they differ by more than :data:`TOLERANCE` of the largest value (at least 1), or in number or size;
            or onnxruntime is not installed, or cannot compute the file.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError("comparing with .onnx files needs the extra 'onnx': pip install onnxruntime") from error
    try:
        session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
        expected = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    except Exception as error:  # onnxruntime's own kinds of error have no common base
        raise UserError(
            f'{path}: onnxruntime cannot compute it ({str(error).strip().splitlines()[0][:120]})'
        ) from error
    with torch.no_grad():
        found = network.eval()(image, mode='tensor')
    # Published files may arrange the same numbers in another way than we export them.
    arrange = getattr(getattr(network, 'head', None), 'published_outputs', None)
    if arrange is not None and len(found) != len(expected):
        found = arrange(found)
    if [o.numel() for o in found] != [e.size for e in expected]:
        raise UserError(
            f'{path}: its outputs have {[e.shape for e in expected]}, the model gives {[tuple(o.shape) for o in found]}'
        )
    differences = [
        np.abs(ours.numpy().reshape(theirs.shape) - theirs).max() / max(1.0, float(np.abs(theirs).max()))
        for ours, theirs in zip(found, expected)
    ]
    # Unlike Python's max, numpy's keeps a difference that is no number.
    worst = float(np.max(differences))
    if not worst <= TOLERANCE:
        raise UserError(
            f'{path}: the model computes something else with its weights (difference {worst:.2g}); is it the right config?'
        )
    return worst


def input_image(model: onnx.ModelProto) -> Tensor:
    """Return a random image (1, 3, H, W) in 0…1 of the size that a graph takes, 640 where it takes any."""
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    height, width = (shape[axis] if len(shape) == 4 and shape[axis] > 0 else 640 for axis in (2, 3))
    if not 32 <= min(height, width) <= max(height, width) <= 4096:
        raise UserError(f'the graph takes images of {height} x {width}, which is no size of a face model')
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
