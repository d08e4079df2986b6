"""What an exported file says about itself: the input contract, where it comes from, and its licences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceresearch import __version__
from faceresearch.errors import UserError

if TYPE_CHECKING:
    import onnx

#: The metadata key that holds the whole input contract, as JSON.
CONTRACT_KEY = 'input_contract'


def describe(model_name: str, contract: Mapping[str, Any], opset: int, outputs: str = 'raw') -> dict[str, str]:
    """Return the metadata of an exported model.

    Args:
        model_name: the config's name.
        contract: the input contract: size, colour order, mean, std, licences, …
        opset: ONNX operator set.
        outputs: ``'raw'``, as the network gives them; decoded in the graph: ``'detections'`` or ``'keypoints'``.

    Returns:
        ``model_name``, ``faceresearch_version``, ``opset``, ``outputs``, ``input_contract`` (JSON), and each entry of
        the contract under its own key, nested ones joined with dots (``licences.weights``): strings as they are,
        everything else as JSON.
    """
    flat = dict(sorted(_flatten(contract)))
    flat[CONTRACT_KEY] = _json(contract)
    own = {'model_name': model_name, 'faceresearch_version': __version__, 'opset': str(opset), 'outputs': outputs}
    return {**flat, **own}


def write_metadata(graph: onnx.ModelProto, metadata: Mapping[str, str]) -> None:
    """Put ``metadata`` into a graph, in place of what it had."""
    del graph.metadata_props[:]
    for key in sorted(metadata):
        graph.metadata_props.add(key=key, value=metadata[key])
    graph.producer_name = 'faceresearch'
    graph.producer_version = __version__
    graph.domain = ''
    graph.model_version = 0


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return the metadata of an ONNX file.

    Raises:
        UserError: the file is missing or is not ONNX.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise UserError(f'{path}: {error.strerror or error}') from error
    except DecodeError as error:
        raise UserError(f'{path}: not an ONNX file') from error
    return {entry.key: entry.value for entry in graph.metadata_props}


def read_contract(path: str | Path) -> dict[str, Any]:
    """Return the input contract that an exported file carries.

    Raises:
        UserError: the file is not ONNX or carries none.
    """
    try:
        return json.loads(read_metadata(path)[CONTRACT_KEY])
    except (KeyError, json.JSONDecodeError) as error:
        raise UserError(f'{path}: carries no input contract; export it with tools/export_onnx.py') from error


def _flatten(values: Mapping[str, Any], prefix: str = '') -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat += _flatten(value, f'{prefix}{key}.')
        elif value is not None:
            flat.append((f'{prefix}{key}', value if isinstance(value, str) else _json(value)))
    return flat


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
