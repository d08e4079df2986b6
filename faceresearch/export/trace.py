"""From a network to an ONNX graph with dynamic batch, height and width."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.backbones.mobileone import fuse_blocks

if TYPE_CHECKING:
    import onnx

#: torch's exporter writes this opset; others are reached by converting the finished graph.
DEFAULT_OPSET = 18
INPUT_NAME = 'input'
#: Axes of the input (N, 3, H, W) that stay free.
_AXES = {0: 'batch', 2: 'height', 3: 'width'}
#: Odd and of two lengths, and a batch of two: no axis looks like a constant or like another one.
_TRACED_SHAPE = (2, 3, 203, 317)


class RawOutputs(nn.Module):
    """A model's ``tensor`` mode as a plain module: images (N, 3, H, W), normalised, to a tuple of raw outputs."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.output_names: tuple[str, ...] = tuple(getattr(model, 'output_names', ()))
        #: More than three where a network looks at several crops.
        self.input_channels: int = getattr(model, 'input_channels', 3)

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """Return what ``model.tensor`` returns."""
        return tuple(self.model(input, mode='tensor'))


def trace(
    network: nn.Module,
    output_names: Sequence[str],
    opset: int = DEFAULT_OPSET,
    fixed_size: tuple[int, int] | None = None,
) -> onnx.ModelProto:
    """Export a module in evaluation mode, by ``torch.export`` and onnxscript.

    Blocks of several branches (MobileOne) are written as the one convolution that they are equal to.

    Args:
        network: takes one argument named ``input`` (N, 3, H, W) float32.
        output_names: names of what it returns.
        opset: ONNX operator set.
        fixed_size: (h, w) for a network that takes images of one size only; by default both stay free.

    Returns:
        A graph without anything that tells where it was made: the exporter notes source paths at every node.

    Raises:
        UserError: the opset cannot be had, or the network's shapes cannot be left dynamic.
    """
    _check_opset(opset)
    # The axes are checked, not guessed: an axis that the network turns out to fix is an error.
    dynamic = dict.fromkeys(_AXES if fixed_size is None else (0,), torch.export.Dim.DYNAMIC)
    parameter = next(network.parameters(), torch.zeros(0))
    shape = (_TRACED_SHAPE[0], getattr(network, 'input_channels', 3), *(fixed_size or _TRACED_SHAPE[2:]))
    if tuple(getattr(network, 'batches', ())) == (1,):
        del dynamic[0]
        shape = (1, *shape[1:])
    sample = torch.zeros(shape, dtype=parameter.dtype, device=parameter.device)
    try:
        with quiet():
            program = torch.onnx.export(
                fuse_blocks(network).eval(),
                (sample,),
                dynamo=True,
                dynamic_shapes={'input': dynamic},
                input_names=[INPUT_NAME],
                output_names=list(output_names),
                opset_version=opset,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = _summary(error.__cause__ or error)
        raise UserError(f'this network cannot be exported with dynamic height and width: {reason}') from error
    assert program is not None
    graph = program.model_proto
    written = next(entry.version for entry in graph.opset_import if entry.domain in ('', 'ai.onnx'))
    if written != opset:
        raise UserError(f'opset {opset}: this network can only be written in opset {written}; use --opset {written}')
    anonymise(graph)
    return graph


def anonymise(graph: onnx.ModelProto) -> None:
    """Remove what does not affect the outputs (doc strings, node metadata, shapes inside) and name the free axes."""
    graph.doc_string = ''
    del graph.metadata_props[:]
    del graph.graph.metadata_props[:]
    del graph.graph.value_info[:]
    graph.graph.doc_string = ''
    graph.graph.name = 'faceresearch'
    for part in (*graph.graph.node, *graph.graph.initializer, *graph.graph.input, *graph.graph.output):
        part.doc_string = ''
        del part.metadata_props[:]
    _name_axes(graph.graph)


def slim(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with constants folded and repeated and unused nodes removed (onnxslim)."""
    import onnx
    import onnxslim

    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    with quiet():
        slimmed = onnxslim.slim(copy)
    assert slimmed is not None
    anonymise(slimmed)
    return slimmed


def _name_axes(graph: Any) -> None:
    """Replace the exporter's symbols: ``batch``, ``height``, ``width``, and ``<output>_<axis>`` for what they imply."""
    names: dict[str, str] = {}
    shape = graph.input[0].type.tensor_type.shape
    for axis, name in _AXES.items():
        if axis < len(shape.dim) and shape.dim[axis].dim_param:
            names.setdefault(shape.dim[axis].dim_param, name)
    for value in (*graph.input, *graph.output):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.dim_param:
                # Equal expressions keep one name: loc, conf and landmarks of a detector have the same number of rows.
                dim.dim_param = names.setdefault(dim.dim_param, f'{value.name}_{axis}')


def _check_opset(opset: int) -> None:
    import onnx

    newest = onnx.defs.onnx_opset_version()
    if not 9 <= opset <= newest:
        raise UserError(f'opset {opset}: the installed onnx {onnx.__version__} knows 9 to {newest}; use one of those')


def _summary(error: BaseException) -> str:
    lines = [re.sub(r'\x1b\[[0-9;]*m', '', line).strip() for line in str(error).splitlines()]
    return ' '.join([line for line in lines if line][:2]) or type(error).__name__


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporter's progress lines and its warnings about its own internals from the terminal."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        sink = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(previous)
