"""ONNX graphs written node by node: what stands before and after a network in a file that goes the whole way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

#: A name of a value, or a constant.
Value = str | np.ndarray | np.generic | float | Sequence[int]


class Graph:
    """A graph under construction; values are known by name.

    Only operators that have the same inputs in opsets 13 to 24 are used with it, so that a graph fits any of them.

    Args:
        prefix: of the names of values that nodes give, so that graphs can be joined.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[tuple[str, tuple[int, ...], bytes], onnx.TensorProto] = {}

    def __call__(self, op: str, *inputs: Value, **attributes: Any) -> str:
        """Add a node and return the name of its output; numbers are float32, integers and lists of them int64."""
        return self.several(op, 1, *inputs, **attributes)[0]

    def named(self, name: str, op: str, *inputs: Value, **attributes: Any) -> None:
        """Add a node whose output has a name of one's own: a result of the graph."""
        self(op, *inputs, **attributes)
        self.nodes[-1].output[0] = name

    def several(self, op: str, outputs: int, *inputs: Value, **attributes: Any) -> list[str]:
        """Add a node and return the names of its outputs."""
        import onnx

        names = [f'{self.prefix}{len(self.nodes)}_{i}' for i in range(outputs)]
        given = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(onnx.helper.make_node(op, given, names, f'{self.prefix}{len(self.nodes)}', **attributes))
        return names

    def constant(self, value: np.ndarray | np.generic | float | Sequence[int]) -> str:
        """Return the name of a constant."""
        import onnx

        array = np.asarray(value)
        if not isinstance(value, np.ndarray | np.generic):
            array = array.astype(np.float32 if array.dtype.kind == 'f' else np.int64)
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self.initializers:
            name = f'{self.prefix}constant{len(self.initializers)}'
            self.initializers[key] = onnx.numpy_helper.from_array(
                np.ascontiguousarray(array).reshape(array.shape), name
            )
        return self.initializers[key].name

    def cast(self, value: Value, dtype: type[np.generic]) -> str:
        """Convert to another type."""
        import onnx

        return self('Cast', value, to=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def size(self, value: str, axis: int) -> str:
        """Return the length of an axis, int64 ()."""
        return self('Gather', self('Shape', value), np.int64(axis), axis=0)
