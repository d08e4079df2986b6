"""Weights out of a published ONNX file, where no other form of them exists.

An exported graph holds the same tensors as the checkpoint it was made of, but with most batch norms folded into the
layer before them, and under names that say little. The graph's layers are therefore taken in the order in which they are
computed, which is also the order in which our network computes its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.layers import Scale
from faceresearch.zoo.converters.onnx_graph import Layer, Norm

BatchNorm = Literal['identity', 'calibrated']
AnyNorm = nn.BatchNorm1d | nn.BatchNorm2d

#: Largest difference between the file's outputs and ours that counts as equal.
TOLERANCE = 1e-4
#: A shortcut's convolution may stand before or after the path it bridges: layers are looked for this far ahead.
LOOK_AHEAD = 5

_KINDS: dict[type[nn.Module], str] = {
    nn.Conv2d: 'conv',
    nn.Linear: 'linear',
    nn.PReLU: 'prelu',
    nn.BatchNorm1d: 'norm',
    nn.BatchNorm2d: 'norm',
    Scale: 'scale',
}


@dataclass
class Slot:
    """A layer of our network that takes the weights of one of the graph's.

    Attributes:
        name: its name in the network.
        module: convolution, linear layer, PReLU, scale, or a batch norm that follows neither of the first two.
        norm: the batch norm that follows a convolution or linear layer, with its name.
    """

    name: str
    module: nn.Module
    norm: tuple[str, AnyNorm] | None = None

    @property
    def kind(self) -> str:
        """As :class:`~faceresearch.zoo.converters.onnx_graph.Layer` has it."""
        return next(kind for type_, kind in _KINDS.items() if isinstance(self.module, type_))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weights; a batch norm without has the shape of its statistics."""
        module = self.module
        if isinstance(module, Scale):
            return tuple(module.scale.shape)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            return (module.num_features,)
        assert isinstance(module.weight, Tensor)
        return tuple(module.weight.shape)


@dataclass
class OnnxReport:
    """What became of every weight of the file, by its name there.

    Attributes:
        mapped: name in the file → name in the network.
        identities: batch norms that the file no longer had.
    """

    mapped: dict[str, str] = field(default_factory=dict)
    identities: list[AnyNorm] = field(default_factory=list)


def network_slots(network: nn.Module, image: Tensor) -> list[Slot]:
    """Return the layers of a network that have weights, in the order in which they are computed.

    Args:
        network: called with ``mode='tensor'``.
        image: (1, 3, H, W).

    Raises:
        UserError: the network has layers with weights of another kind.
    """
    for name, module in network.named_modules():
        learnt = any(parameter.requires_grad for parameter in module.parameters(recurse=False))
        if learnt and not isinstance(module, tuple(_KINDS)):
            raise UserError(
                f'{name} is a {type(module).__name__}: networks with such layers cannot be filled from ONNX'
            )
    names = {module: name for name, module in network.named_modules()}
    slots: list[Slot] = []
    outputs: dict[int, tuple[Slot, Tensor]] = {}

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        before = outputs.get(id(inputs[0]))
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and before is not None:
            before[0].norm = (names[module], module)
            return
        slots.append(Slot(names[module], module))
        if isinstance(module, nn.Conv2d | nn.Linear):
            # Kept alive: an id is unique only as long as its object is.
            outputs[id(output)] = (slots[-1], output)

    handles = [m.register_forward_hook(note) for m in network.modules() if isinstance(m, tuple(_KINDS))]
    try:
        with torch.no_grad():
            network.eval()(image, mode='tensor')
    finally:
        for handle in handles:
            handle.remove()
    return slots


def fill_from_graph(network: nn.Module, layers: Sequence[Layer], image: Tensor, path: str | Path) -> OnnxReport:
    """Put a graph's weights into a network; batch norms that it no longer has become identities plus the folded bias.

    Their mean is 0, their variance 1 − ε and their weight 1, so evaluation is exact, and training would start by losing
    them: see :func:`calibrate`.

    Args:
        network: the network to fill, in place.
        layers: of :func:`~faceresearch.zoo.converters.onnx_graph.graph_layers`.
        image: an image (1, 3, H, W) to find out the order of the network's layers with.
        path: the file, for messages.

    Raises:
        UserError: the two do not have the same layers.
    """
    slots = network_slots(network, image)
    layers = split_last(layers, slots)
    # Exporters fold a multiplication away where they can; then the network's scale is one.
    if any(slot.kind == 'scale' for slot in slots) and not any(layer.kind == 'scale' for layer in layers):
        for slot in (s for s in slots if s.kind == 'scale'):
            nn.init.ones_(slot.module.scale)  # type: ignore[arg-type]
        slots = [s for s in slots if s.kind != 'scale']
    if not any(slot.kind == 'scale' for slot in slots):
        layers = [layer for layer in layers if layer.kind != 'scale']
    if len(slots) != len(layers):
        raise UserError(
            f'{path}: has {len(layers)} layers with weights, the model {len(slots)}; is it the right config?'
        )
    report = OnnxReport()
    pending = list(layers)
    for slot in slots:
        layer = _take(pending, slot, path)
        with torch.no_grad():
            _fill(slot, layer, report)
        # One tensor may serve several layers, where the exporter found them equal.
        report.mapped[f'{layer.name} #{len(report.mapped)}'] = slot.name
    return report


def split_last(layers: Sequence[Layer], slots: Sequence[Slot]) -> list[Layer]:
    """Return a graph's layers, the last of which, if it is linear and holds several of ours, is cut up (fc1 of genderage)."""
    heads: list[Slot] = []
    for slot in reversed(slots):
        if slot.kind != 'linear' or (heads and slot.shape[1] != heads[0].shape[1]):
            break
        heads.insert(0, slot)
        if len(heads) > 1 and len(slots) - len(layers) == len(heads) - 1:
            break
    last = layers[-1] if layers else None
    rows = [slot.shape[0] for slot in heads]
    if last is None or last.kind != 'linear' or len(heads) < 2 or last.weight.shape[0] != sum(rows):
        return list(layers)
    last = last.folded()
    weights = last.weight.split(rows)
    biases = [None] * len(rows) if last.bias is None else last.bias.split(rows)
    starts = [sum(rows[:number]) for number in range(len(rows))]
    return [
        *layers[:-1],
        *(
            Layer('linear', f'{last.name}[{start}:{start + len(weight)}]', weight, bias)
            for start, weight, bias in zip(starts, weights, biases)
        ),
    ]


def _take(pending: list[Layer], slot: Slot, path: str | Path) -> Layer:
    for number, layer in enumerate(pending[:LOOK_AHEAD]):
        if layer.kind == slot.kind and tuple(layer.weight.shape) == slot.shape:
            return pending.pop(number)
    layer = pending[0]
    raise UserError(
        f'{path}: {layer.name} is a {layer.kind} of {tuple(layer.weight.shape)} where the model has a'
        f' {slot.kind} of {slot.shape} ({slot.name}); is it the right config?'
    )


def _fill(slot: Slot, layer: Layer, report: OnnxReport) -> None:
    module = slot.module
    if isinstance(module, Scale):
        module.scale.copy_(layer.weight)
    elif isinstance(module, nn.PReLU):
        module.weight.copy_(layer.weight)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        assert layer.norm is not None
        _copy_norm(module, layer.norm, slot.name)
    else:
        assert isinstance(module, nn.Conv2d | nn.Linear)
        _fill_product(slot, module, layer, report)


def _fill_product(slot: Slot, module: nn.Conv2d | nn.Linear, layer: Layer, report: OnnxReport) -> None:
    norm = None if slot.norm is None else slot.norm[1]
    if layer.norm is not None and norm is not None and _fits(norm, layer.norm):
        module.weight.copy_(layer.weight)
        mean = layer.norm.mean
        if module.bias is not None:
            module.bias.copy_(torch.zeros_like(mean) if layer.bias is None else layer.bias)
        elif layer.bias is not None:
            mean = mean - layer.bias
        file = layer.norm
        _copy_norm(norm, Norm(file.name, file.weight, file.bias, mean, file.variance, file.eps), slot.name)
        return
    layer = layer.folded()
    module.weight.copy_(layer.weight)
    bias = torch.zeros(len(layer.weight)) if layer.bias is None else layer.bias
    if norm is not None:
        report.identities.append(norm)
        in_module = norm.bias is None
        _set_identity(norm, torch.zeros_like(bias), torch.zeros_like(bias) if in_module else bias)
        if not in_module:
            bias = torch.zeros_like(bias)
    if module.bias is not None:
        module.bias.copy_(bias)
    elif bias.any():
        raise UserError(f'{layer.name} has a bias and the model has no place for it ({slot.name})')


def _fits(norm: AnyNorm, file: Norm) -> bool:
    """Whether a batch norm can hold what the file's does: one without weight and bias holds statistics only."""
    if norm.weight is not None:
        return True
    return bool((file.weight == 1).all()) and not file.bias.any() and file.eps == norm.eps


def _copy_norm(norm: AnyNorm, file: Norm, name: str) -> None:
    assert norm.running_mean is not None and norm.running_var is not None
    # The same function with our epsilon; a variance below their difference goes into the weight.
    variance = (file.variance.double() + (file.eps - norm.eps)).clamp(min=0)
    scale = ((variance + norm.eps) / (file.variance.double() + file.eps)).sqrt()
    if norm.weight is None:
        if not torch.equal(file.weight, torch.ones_like(file.weight)) or file.bias.any():
            raise UserError(f'{file.name} has weights and the model has no place for them ({name})')
    else:
        norm.weight.copy_(file.weight * scale)
        norm.bias.copy_(file.bias)
    norm.running_mean.copy_(file.mean)
    norm.running_var.copy_(variance)


def _set_identity(norm: AnyNorm, mean: Tensor, folded_bias: Tensor, variance: Tensor | None = None) -> None:
    """Give a batch norm statistics and let weight and bias undo them: it adds ``folded_bias`` and nothing else."""
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.copy_(mean)
    if variance is None:
        norm.running_var.fill_(1 - norm.eps)
    else:
        norm.running_var.copy_(variance)
    if norm.weight is not None:
        norm.weight.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.copy_(folded_bias + mean)


@contextmanager
def _sums(norms: Sequence[AnyNorm]) -> Iterator[dict[AnyNorm, Tensor]]:
    """Collect count, sum and sum of squares per channel (3, C), in double precision, of what the norms are given."""
    sums: dict[AnyNorm, Tensor] = {}

    def add(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
        x = inputs[0].double()
        count = torch.full((x.shape[1],), x.numel() / x.shape[1], dtype=torch.float64)
        axes = tuple(axis for axis in range(x.ndim) if axis != 1)
        found = torch.stack([count, x.sum(axes), x.square().sum(axes)])
        sums[norm] = sums.get(norm, torch.zeros_like(found)) + found

    handles = [norm.register_forward_pre_hook(add) for norm in norms]
    try:
        yield sums
    finally:
        for handle in handles:
            handle.remove()


def calibrate(network: nn.Module, norms: Sequence[AnyNorm], run: Callable[[], None]) -> int:
    """Give identity batch norms the statistics of images, without changing what the network computes.

    With variance σ² and mean μ of a channel, weight √(σ² + ε) and bias b + μ: in evaluation the same function as before;
    in training the layer normalises as one that was trained with it. A batch norm whose weight is fixed to 1 had variance
    1 − ε after folding already, so it gets the mean only; one without weight and bias has both already.

    Args:
        network: filled by :func:`fill_from_graph`.
        norms: the identities in its report.
        run: computes the network on the images.

    Returns:
        The number of batch norms.

    Raises:
        UserError: no image was computed.
    """
    with _sums(norms) as sums, torch.no_grad():
        network.eval()
        run()
    if norms and not sums:
        raise UserError("bn='calibrated' needs images: give a folder with --images")
    with torch.no_grad():
        for norm, (count, total, squares) in sums.items():
            if norm.weight is None:
                continue
            mean = total / count
            # A channel that never changes has variance 0; a weight of √ε would only amplify rounding in training.
            variance = (squares / count - mean.square()).clamp(min=1e-4)
            free = norm.weight.requires_grad
            _set_identity(norm, mean.float(), norm.bias.clone(), variance.float() if free else None)
    return len(norms)


def check_outputs(
    network: nn.Module, path: str | Path, image: Tensor, scaling: tuple[float, float] = (0.0, 1.0)
) -> float:
    """Compare a filled network with the file, computed by onnxruntime; return the largest difference.

    The outputs are compared in order, whatever axes of length one the file has or lacks. Further outputs of the file,
    which the model does not have (features for a branch that only training uses), are passed over.

    Args:
        network: called with ``mode='tensor'``.
        path: the file.
        image: (1, 3, H, W), as the network takes it.
        scaling: what the file itself does to its input first, see
            :func:`~faceresearch.zoo.converters.onnx_graph.input_scaling`.

    Raises:
        UserError: they differ by more than :data:`TOLERANCE` of the largest value (at least 1), or in number or size;
            or onnxruntime is not installed, or cannot compute the file.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError("comparing with .onnx files needs the extra 'onnx': pip install onnxruntime") from error
    shift, factor = scaling
    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # old files list their weights as inputs, which it finds worth a line each
        session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
        expected = session.run(None, {session.get_inputs()[0].name: (image / factor + shift).numpy()})
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
    if len(found) > len(expected) == 1 and all(output.dim() == 2 for output in found):
        found = (torch.cat(found, 1),)  # heads that are one layer in the file
    expected = _without_extras(expected, [output.numel() for output in found])
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


def _without_extras(outputs: Sequence[np.ndarray], sizes: Sequence[int]) -> list[np.ndarray]:
    """Return those outputs of a file that have the wanted sizes, in order; all of them, if they are not that many."""
    if len(outputs) <= len(sizes):
        return list(outputs)
    rest = iter(outputs)
    chosen = [next((output for output in rest if output.size == size), None) for size in sizes]
    return list(outputs) if any(output is None for output in chosen) else [o for o in chosen if o is not None]
