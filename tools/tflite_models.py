"""Reads a TFLite file: its operators in order, their options, and its constants as dense float32 or integers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tflite
from flatbuffers import flexbuffers
from numpy.typing import NDArray

KINDS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
ACTIVATIONS = {
    code: name for name, code in vars(tflite.ActivationFunctionType).items() if isinstance(code, int)
}
DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}


@dataclass(frozen=True)
class Operator:
    """One operator.

    kind: TFLite's name of it, or the custom operator's own name; inputs, outputs: tensor numbers, -1 for an
    input that is left out; options: the table of a built-in operator; custom: the bytes of a custom one.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any
    custom: bytes

    def custom_options(self) -> dict[str, Any]:
        return dict(flexbuffers.Loads(self.custom)) if self.custom else {}


class Model:
    """The first subgraph of a TFLite file."""

    def __init__(self, path: Path) -> None:
        self._model = tflite.Model.GetRootAs(path.read_bytes())
        self._graph = self._model.Subgraphs(0)
        every = [self._operator(k) for k in range(self._graph.OperatorsLength())]
        self._unpacking = {op.outputs[0]: op for op in every if op.kind in ("DEQUANTIZE", "DENSIFY")}
        self.operators = [op for op in every if op.kind not in ("DEQUANTIZE", "DENSIFY")]

    @cached_property
    def input(self) -> int:
        (number,) = self._graph.InputsAsNumpy()
        return int(number)

    @cached_property
    def outputs(self) -> dict[str, int]:
        """Return tensor numbers by the names of the outputs."""
        numbers = (int(number) for number in self._graph.OutputsAsNumpy())
        return {self._graph.Tensors(number).Name().decode(): number for number in numbers}

    def shape(self, number: int) -> tuple[int, ...]:
        tensor = self._graph.Tensors(number)
        return tuple(tensor.Shape(k) for k in range(tensor.ShapeLength()))

    def constant(self, number: int) -> NDArray[Any] | None:
        """Return the values of a tensor that no input changes, or None for any other tensor."""
        if number in self._unpacking:
            source = self._unpacking[number]
            values = self.constant(source.inputs[0])
            return None if values is None else values.astype(np.float32)
        tensor = self._graph.Tensors(number)
        buffer = self._model.Buffers(tensor.Buffer())
        if not buffer.DataLength():
            return None
        values = np.frombuffer(buffer.DataAsNumpy().tobytes(), DTYPES[tensor.Type()])
        if tensor.Sparsity() is not None:
            return _dense(values, tensor.Sparsity(), self.shape(number))
        return values.reshape(self.shape(number))

    def _operator(self, number: int) -> Operator:
        operator = self._graph.Operators(number)
        code = self._model.OperatorCodes(operator.OpcodeIndex())
        kind = KINDS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        custom = bytes(operator.CustomOptions(k) for k in range(operator.CustomOptionsLength()))
        options = None
        if kind == "CUSTOM":
            kind = code.CustomCode().decode()
        elif operator.BuiltinOptions() is not None:
            names = {v: k for k, v in vars(tflite.BuiltinOptions).items() if isinstance(v, int)}
            options = getattr(tflite, names[operator.BuiltinOptionsType()])()
            table = operator.BuiltinOptions()
            options.Init(table.Bytes, table.Pos)
        ends = (operator.InputsAsNumpy(), operator.OutputsAsNumpy())
        inputs, outputs = (tuple(int(value) for value in end) for end in ends)
        return Operator(kind, inputs, outputs, options, custom)


def _dense(values: NDArray[Any], sparsity: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a sparse tensor with all its values.

    `SparsityParameters` in TFLite's schema describes the form: dimensions in traversal order, each dense or
    compressed into segments of indices.
    """
    assert sparsity.BlockMapLength() == 0, "blocks occur in none of the four models"
    order = [sparsity.TraversalOrder(k) for k in range(sparsity.TraversalOrderLength())]
    out = np.zeros(shape, values.dtype)
    places = [((), 0)]  # indices so far in traversal order, and the position within the level
    for level in range(len(order)):
        meta = sparsity.DimMetadata(level)
        deeper = []
        if meta.Format() == tflite.DimensionType.DENSE:
            size = meta.DenseSize()
            for index, position in places:
                deeper += [((*index, k), position * size + k) for k in range(size)]
        else:
            segments, indices = _integers(meta, "ArraySegments"), _integers(meta, "ArrayIndices")
            for index, position in places:
                reach = range(segments[position], segments[position + 1])
                deeper += [((*index, int(indices[k])), k) for k in reach]
        places = deeper
    for index, position in places:
        out[tuple(index[order.index(axis)] for axis in range(len(order)))] = values[position]
    return out


def _integers(meta: Any, name: str) -> NDArray[np.int64]:
    names = {v: k for k, v in vars(tflite.SparseIndexVector).items() if isinstance(v, int)}
    vector = getattr(tflite, names[getattr(meta, f"{name}Type")()])()
    table = getattr(meta, name)()
    vector.Init(table.Bytes, table.Pos)
    return np.array([vector.Values(k) for k in range(vector.ValuesLength())], np.int64)
