"""Export a model to ONNX and prove that the file computes the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from faceresearch.errors import UserError
from faceresearch.export.end2end import IMAGE_NAME, EndToEnd
from faceresearch.export.trace import DEFAULT_OPSET
from faceresearch.fileio import atomic_path
from faceresearch.models.onnx_end2end import SETTINGS_KEY

if TYPE_CHECKING:
    import onnx
    from mmengine.config import Config
    from rich.console import Console

    from faceresearch.export.parity import Comparison


def export_onnx(
    config: str | Path,
    checkpoint: str | Path,
    output: str | Path,
    overrides: Sequence[str] = (),
    end2end: bool = False,
    opset: int = DEFAULT_OPSET,
    verify: bool = True,
    fp16: bool = False,
    int8: str | Path | None = None,
    calibration_images: int = 100,
) -> Path:
    """Write a model as an ONNX file: its raw outputs, or everything from an image to results.

    Raw files have dynamic batch, height and width; height and width are fixed where the input contract names one ``size``, as
    those of recognisers do. With ``end2end`` the input is an image of bytes, (1, H, W, 3) BGR, of any size
    (:mod:`faceresearch.export.end2end`).

    The file carries the input contract in its metadata (:func:`faceresearch.export.read_contract`). It is compared
    with torch on several image and batch sizes before it appears under its name; the clean-up by onnxslim is kept only
    if that comparison holds with it.

    Args:
        config: a config file, or the name of one in ``configs/``.
        checkpoint: a path, a name in the zoo, or ``none`` for random weights.
        output: the file to write.
        overrides: changes to the config, ``KEY=VALUE``.
        end2end: from an image to detections, points, embeddings, attributes or classes.
        opset: ONNX operator set.
        verify: compare with torch.
        fp16: layers in half precision (:func:`faceresearch.export.precision.to_half`).
        int8: folder of images whose activations the ranges of bytes are taken from; layers compute on bytes
            (:func:`faceresearch.export.precision.to_int8`). They go through the model's own test pipeline.
        calibration_images: how many of them, spread over the folder; others, if there are any, judge the result.

    Returns:
        ``output``.

    Raises:
        UserError: the model cannot be exported, or torch and onnxruntime differ by more than 1e-4.
    """
    if fp16 and int8 is not None:
        raise UserError('--fp16 and --int8 exclude each other: export two files')
    _require_onnx()
    output = Path(output)
    if output.is_dir():
        raise UserError(f'{output}: is a folder; -o names the file to write')
    from rich.console import Console

    from faceresearch.apis.model import init_model
    from faceresearch.config import load_config

    cfg = load_config(config, overrides)
    model = init_model(cfg, checkpoint)
    console = Console()
    reduce = _reducer(model, fp16, int8, calibration_images, console)
    _write(model, cfg, output, end2end, opset, verify, console, reduce)
    return output


Reduce = Callable[['onnx.ModelProto'], tuple['onnx.ModelProto', str]]


def _reducer(
    model: nn.Module, fp16: bool, int8: str | Path | None, calibration_images: int, console: Console
) -> Reduce:
    """Return what brings a graph to the precision that is asked for, and names it."""

    def reduce(graph: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
        if not fp16 and int8 is None:
            return graph, 'float32'
        from faceresearch.export.reduced import reduced

        return reduced(model, graph, 'float16' if int8 is None else 'int8', int8, calibration_images, console)

    return reduce


def _write(
    model: nn.Module,
    cfg: Config,
    output: Path,
    end2end: bool,
    opset: int,
    verify: bool,
    console: Console,
    reduce: Reduce,
) -> None:
    from faceresearch.config.contract import fixed_size
    from faceresearch.export.end2end import end_to_end, join
    from faceresearch.export.forms import form_of
    from faceresearch.export.trace import trace

    parts = end_to_end(model) if end2end else None
    network: Any = parts.body if parts else form_of(model)
    names = tuple(network.output_names)
    contract = _contract(cfg)
    size = fixed_size(contract)
    graph = trace(network, names, opset, size)
    metadata = _metadata(cfg, contract, opset, parts.outputs if parts else str(getattr(network, 'outputs', 'raw')))
    if verify:
        graph, rows = _verified(network, model, graph, names, size)
        _report(console, rows)
    else:
        console.print('not compared with torch (--no-verify)')
    graph, metadata['precision'] = reduce(graph)
    if parts:
        graph = join(parts, graph)
        metadata |= {'input': _input_note(parts), SETTINGS_KEY: json.dumps(parts.settings, sort_keys=True)}
        if verify:
            _check_joined(console, parts, model, graph)
    data = _serialise(graph, metadata)
    with atomic_path(output) as temporary:
        temporary.write_bytes(data)
    console.print(f'{output}: {len(data) / 1e6:.1f} MB, opset {opset}, {_axes(graph)}', highlight=False)


def _input_note(parts: EndToEnd) -> str:
    count = 'N' if parts.several else '1'
    return f'{IMAGE_NAME} ({count}, height, width, {parts.channels}) uint8, BGR; normalised in the graph'


def _axes(graph: onnx.ModelProto) -> str:
    """Say which axes of the input are free, and what the outputs are."""
    axes = [dim.dim_param for dim in graph.graph.input[0].type.tensor_type.shape.dim if dim.dim_param]
    return f'dynamic {", ".join(axes) or "none"}; outputs {", ".join(value.name for value in graph.graph.output)}'


def _check_joined(console: Console, parts: EndToEnd, model: nn.Module, graph: onnx.ModelProto) -> None:
    from faceresearch.export.joined import compare_joined
    from faceresearch.export.parity import check, parity_table

    rows = compare_joined(parts, model, graph)
    console.print(parity_table(rows, "pixels and results against the model's own pipeline and decoding"))
    check(rows)


def _require_onnx() -> None:
    from importlib.util import find_spec

    missing = [name for name in ('onnx', 'onnxruntime', 'onnxscript', 'onnxslim') if find_spec(name) is None]
    if missing:
        raise UserError(f'exporting needs {", ".join(missing)}: pip install {" ".join(missing)}')


def _contract(cfg: Config) -> dict[str, Any]:
    from faceresearch.config.contract import input_contract

    return input_contract(cfg)


def _metadata(cfg: Config, contract: dict[str, Any], opset: int, outputs: str) -> dict[str, str]:
    from faceresearch.export.metadata import describe

    return describe(Path(cfg.filename or 'model').stem, contract, opset, outputs)


def _serialise(graph: onnx.ModelProto, metadata: Mapping[str, str]) -> bytes:
    import onnx

    from faceresearch.export.metadata import write_metadata

    write_metadata(graph, metadata)
    onnx.checker.check_model(graph, full_check=True)
    return graph.SerializeToString(deterministic=True)


def _verified(
    network: nn.Module, model: nn.Module, graph: onnx.ModelProto, names: Sequence[str], size: tuple[int, int] | None
) -> tuple[onnx.ModelProto, list[Comparison]]:
    """Return the cleaned-up graph if it agrees with torch, else the graph as traced if that does."""
    from faceresearch.export.parity import SIZES, check, compare
    from faceresearch.export.trace import slim

    sizes = SIZES if size is None else (size,)
    normalize = getattr(model, 'data_preprocessor', None)
    slimmed = slim(graph)
    rows = compare(network, _serialise(slimmed, {}), names, normalize, sizes)
    try:
        check(rows)
    except UserError:
        rows = compare(network, _serialise(graph, {}), names, normalize, sizes)
        check(rows)
        return graph, rows
    return slimmed, rows


def _report(console: Console, rows: Sequence[Comparison]) -> None:
    from faceresearch.export.parity import parity_table, says_little

    console.print(parity_table(rows))
    if says_little(rows):
        console.print('the outputs hardly depend on the image (random weights?): this comparison proves little')
