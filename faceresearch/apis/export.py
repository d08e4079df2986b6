"""Export a model to ONNX and prove that the file computes the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from faceresearch.errors import UserError
from faceresearch.export.trace import DEFAULT_OPSET
from faceresearch.fileio import atomic_path

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
) -> Path:
    """Write a model's raw outputs, or what is decoded from them, as an ONNX file with dynamic batch, height and width.

    Height and width are fixed where the input contract names one ``size``, as those of recognisers do.

    The file carries the input contract in its metadata (:func:`faceresearch.export.read_contract`). It is compared
    with torch on several image and batch sizes before it appears under its name; the clean-up by onnxslim is kept only
    if that comparison holds with it.

    Args:
        config: a config file, or the name of one in ``configs/``.
        checkpoint: a path, a name in the zoo, or ``none`` for random weights.
        output: the file to write.
        overrides: changes to the config, ``KEY=VALUE``.
        end2end: decode in the graph: heatmaps to points. What has such a form: :mod:`faceresearch.export.forms`.
        opset: ONNX operator set.
        verify: compare with torch.

    Returns:
        ``output``.

    Raises:
        UserError: the model cannot be exported, or torch and onnxruntime differ by more than 1e-4.
    """
    _require_onnx()
    output = Path(output)
    if output.is_dir():
        raise UserError(f'{output}: is a folder; -o names the file to write')
    from rich.console import Console

    from faceresearch.apis.model import init_model
    from faceresearch.config import load_config
    from faceresearch.export.forms import form_of

    cfg = load_config(config, overrides)
    model = init_model(cfg, checkpoint)
    _write(form_of(model, end2end), model, cfg, output, opset, verify, Console())
    return output


def _write(
    network: nn.Module, model: nn.Module, cfg: Config, output: Path, opset: int, verify: bool, console: Console
) -> None:
    from faceresearch.config.contract import fixed_size
    from faceresearch.export.parity import BATCHES
    from faceresearch.export.trace import trace

    names = tuple(network.output_names)  # type: ignore[arg-type]
    contract = _contract(cfg)
    size = fixed_size(contract)
    graph = trace(network, names, opset, size)
    metadata = _metadata(cfg, contract, opset, str(getattr(network, 'outputs', 'raw')))
    if verify:
        data, rows = _verified(network, model, graph, names, metadata, size)
        _report(console, rows)
    else:
        data = _serialise(graph, metadata)
        console.print('not compared with torch (--no-verify)')
    with atomic_path(output) as temporary:
        temporary.write_bytes(data)
    free = ('batch, ' if len(getattr(network, 'batches', BATCHES)) > 1 else '') + ('' if size else 'height, width')
    console.print(
        f'{output}: {len(data) / 1e6:.1f} MB, opset {opset}, dynamic {free.removesuffix(", ")}; outputs {", ".join(names)}',
        highlight=False,
    )


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
    network: nn.Module,
    model: nn.Module,
    graph: onnx.ModelProto,
    names: Sequence[str],
    metadata: Mapping[str, str],
    size: tuple[int, int] | None,
) -> tuple[bytes, list[Comparison]]:
    """Return the cleaned-up graph if it agrees with torch, else the graph as traced if that does."""
    from faceresearch.export.parity import SIZES, check, compare
    from faceresearch.export.trace import slim

    sizes = SIZES if size is None else (size,)
    normalize = getattr(model, 'data_preprocessor', None)
    data = _serialise(slim(graph), metadata)
    rows = compare(network, data, names, normalize, sizes)
    try:
        check(rows)
    except UserError:
        data = _serialise(graph, metadata)
        rows = compare(network, data, names, normalize, sizes)
        check(rows)
    return data, rows


def _report(console: Console, rows: Sequence[Comparison]) -> None:
    from faceresearch.export.parity import parity_table, says_little

    console.print(parity_table(rows))
    if says_little(rows):
        console.print('the outputs hardly depend on the image (random weights?): this comparison proves little')
