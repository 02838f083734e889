"""Writes a TFLite model as an ONNX graph of standard operators (opset 17), with activations as NCHW."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import tflite
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tools.tflite_models import ACTIVATIONS, Model, Operator

OPSET, IR_VERSION = 17, 8  # versions of ONNX
TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)  # orders of axes for Transpose
BLOCK = 16  # channels that lie together in onnxruntime's own layout of maps, if it has one
SMALL = 64  # constants of fewer values stay float32: a Cast would cost more than it saves


class Writer:
    """Collects nodes and constants under numbered names, so that the same model gives the same bytes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._count = 0
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        self._count += 1
        output = output or f"t{self._count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Add a constant. Floats are stored as float16 where that loses nothing, and cast when the file is
        loaded.
        """
        array = np.array(values, dtype, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            name = f"c{len(self._known)}"
            half = array.astype(np.float16) if array.dtype == np.float32 else None
            if half is not None and array.size >= SMALL and np.array_equal(half.astype(np.float32), array):
                self.constants.append(numpy_helper.from_array(half, f"{name}h"))
                name = self.node("Cast", f"{name}h", output=name, to=TensorProto.FLOAT)
            else:
                self.constants.append(numpy_helper.from_array(array, name))
            self._known[key] = name
        return self._known[key]

    def integers(self, *values: int) -> str:
        """Add a constant of int64 and return its name."""
        return self.constant(values, np.int64)


class Converter:
    """Converts one model. `names` has the ONNX name of every tensor written so far, those of 4-D ones in
    NCHW.
    """

    def __init__(self, model: Model, low: float, high: float) -> None:
        """Begin with the input. low, high: what the bytes 0 and 255 become at the model's input."""
        self.model, self.writer = model, Writer()
        moved = self.writer.node("Transpose", "picture", perm=TO_NCHW)  # bytes are moved faster than floats
        cast = self.writer.node("Cast", moved, to=TensorProto.FLOAT)
        scaled = self.writer.node("Mul", cast, self.writer.constant(np.float32((high - low) / 255)))
        moved = self.writer.node("Add", scaled, self.writer.constant(np.float32(low))) if low else scaled
        self.names = {model.input: moved}

    def write(self, more: dict[str, Callable[[Converter, Operator], str]] | None = None) -> None:
        """Write every operator of the model; `more` has writers of custom operators."""
        writers = {**OPERATORS, **(more or {})}
        for operator in self.model.operators:
            name = writers[operator.kind](self, operator)
            self.names[operator.outputs[0]] = self._activated(name, operator)

    def model_file(self, outputs: dict[str, tuple[str, tuple[int, ...]]]) -> bytes:
        """Return the file's bytes.

        outputs: for each final name, the name written so far and the shape after the batch axis.
        """
        for wanted, (name, _) in outputs.items():
            self.writer.node("Identity", name, output=wanted)
        side = self.model.shape(self.model.input)[1]
        graph = helper.make_graph(
            self.writer.nodes,
            "network",
            [helper.make_tensor_value_info("picture", TensorProto.UINT8, ["n", side, side, 3])],
            [
                helper.make_tensor_value_info(wanted, TensorProto.FLOAT, ["n", *shape])
                for wanted, (_, shape) in outputs.items()
            ],
            self.writer.constants,
        )
        file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="mien")
        file.ir_version = IR_VERSION
        onnx.checker.check_model(file, full_check=True)
        return bytes(file.SerializeToString(deterministic=True))

    def operand(self, number: int, rank: int = 0) -> str:
        """Return the ONNX name of a tensor; a constant that meets a 4-D map has its channels moved to the front."""
        if number in self.names:
            return self.names[number]
        values = self.model.constant(number)
        assert values is not None, f"tensor {number} is used before it is written"
        if rank == 4 and values.size > 1:
            values = np.moveaxis(values.reshape((1,) * (4 - values.ndim) + values.shape), 3, 1)
        return self.writer.constant(values)

    def values(self, number: int) -> NDArray[Any]:
        """Return the values of a constant tensor."""
        values = self.model.constant(number)
        assert values is not None
        return values

    def nhwc(self, number: int) -> str:
        """Return a tensor in TFLite's own order of axes."""
        shape, name = self.model.shape(number), self.operand(number)
        if len(shape) != 4 or shape[1:3] == (1, 1):
            return name
        return self.writer.node("Transpose", name, perm=TO_NHWC)

    def _activated(self, name: str, operator: Operator) -> str:
        kind = "NONE"
        if hasattr(operator.options, "FusedActivationFunction"):
            kind = ACTIVATIONS[operator.options.FusedActivationFunction()]
        if kind == "RELU":
            return self.writer.node("Relu", name)
        if kind == "RELU6":
            return self.writer.node("Clip", name, self.writer.constant(0.0), self.writer.constant(6.0))
        assert kind == "NONE", kind
        return name


def _pads(
    padding: int, sizes: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...]
) -> list[int]:
    """Return ONNX's list of pads, all begins and then all ends; TFLite's SAME puts the smaller half at the
    begin.
    """
    if padding == tflite.Padding.VALID:
        return [0, 0, 0, 0]
    totals = [max(0, (-(-n // s) - 1) * s + k - n) for n, k, s in zip(sizes, kernel, strides)]
    return [total // 2 for total in totals] + [total - total // 2 for total in totals]


def _convolution(net: Converter, operator: Operator) -> str:
    options, writer = operator.options, net.writer
    depthwise = operator.kind == "DEPTHWISE_CONV_2D"
    weights = net.values(operator.inputs[1]).transpose((3, 0, 1, 2) if depthwise else TO_NCHW)
    assert options.DilationHFactor() == options.DilationWFactor() == 1
    assert not depthwise or options.DepthMultiplier() == 1
    kernel, strides = weights.shape[2:], (options.StrideH(), options.StrideW())
    inputs = [net.operand(operator.inputs[0]), writer.constant(weights)]
    if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
        inputs.append(writer.constant(net.values(operator.inputs[2])))
    pads = _pads(options.Padding(), net.model.shape(operator.inputs[0])[1:3], kernel, strides)
    group = weights.shape[0] if depthwise else 1
    return writer.node("Conv", *inputs, kernel_shape=kernel, strides=strides, pads=pads, group=group)


def _transposed_convolution(net: Converter, operator: Operator) -> str:
    """Write MediaPipe's Convolution2DTransposeBias; its options are padding, stride across and stride down as
    int32.
    """
    padding, stride_w, stride_h = struct.unpack("<3i", operator.custom)
    weights = net.values(operator.inputs[1]).transpose(3, 0, 1, 2)
    sizes, kernel, strides = net.model.shape(operator.inputs[0])[1:3], weights.shape[2:], (stride_h, stride_w)
    totals = [max(0, k - (n - 1) % s - 1) if padding == 1 else 0 for n, k, s in zip(sizes, kernel, strides)]
    pads = [total // 2 for total in totals] + [total - total // 2 for total in totals]
    constants = net.writer.constant(weights), net.writer.constant(net.values(operator.inputs[2]))
    return net.writer.node(
        "ConvTranspose",
        net.operand(operator.inputs[0]),
        *constants,
        kernel_shape=kernel,
        strides=strides,
        pads=pads,
    )


def _pad(net: Converter, operator: Operator) -> str:
    """Write Pad; added channels come from a convolution, which leaves onnxruntime's own layout of maps as it
    is.
    """
    rows = net.values(operator.inputs[1])[list(TO_NCHW)]
    name = net.operand(operator.inputs[0])
    more, channels = rows[1, 1], net.model.shape(operator.inputs[0])[3]
    if rows.sum() != more or more % BLOCK or channels % BLOCK:
        pads = net.writer.integers(*rows[:, 0], *rows[:, 1])
        return net.writer.node("Pad", name, pads)
    weights = np.eye(channels + more, channels)[..., None, None]
    return net.writer.node("Conv", name, net.writer.constant(weights), kernel_shape=[1, 1])


def _max_pool(net: Converter, operator: Operator) -> str:
    options = operator.options
    kernel, strides = (
        (options.FilterHeight(), options.FilterWidth()),
        (options.StrideH(), options.StrideW()),
    )
    pads = _pads(options.Padding(), net.model.shape(operator.inputs[0])[1:3], kernel, strides)
    name = net.operand(operator.inputs[0])
    return net.writer.node("MaxPool", name, kernel_shape=kernel, strides=strides, pads=pads)


def _average_pool(net: Converter, operator: Operator) -> str:
    assert net.model.shape(operator.outputs[0])[1:3] == (1, 1)
    return net.writer.node("GlobalAveragePool", net.operand(operator.inputs[0]))


def _prelu(net: Converter, operator: Operator) -> str:
    """Write PRelu as x + (1 - slope) relu(-x), with both factors as convolutions of single channels.

    onnxruntime fuses these with the sum and the relu and keeps its own layout of maps throughout, where PRelu, Max or
    Min take every map out of it and back. ONNX's PRelu alone takes more time there than the rest of the network.
    """
    writer, x = net.writer, net.operand(operator.inputs[0])
    slopes = np.moveaxis(net.values(operator.inputs[1]), -1, 0).reshape(-1, 1, 1, 1)

    def times(name: str, factors: NDArray[Any]) -> str:
        weights = writer.constant(factors)
        return writer.node("Conv", name, weights, kernel_shape=[1, 1], group=len(factors))

    below = writer.node("Relu", times(x, -np.ones_like(slopes)))
    return writer.node("Add", times(below, 1 - slopes), x)


def _elementwise(kind: str) -> Callable[[Converter, Operator], str]:
    def write(net: Converter, operator: Operator) -> str:
        rank = len(net.model.shape(operator.outputs[0]))
        return net.writer.node(kind, *(net.operand(number, rank) for number in operator.inputs))

    return write


def _reshape(net: Converter, operator: Operator) -> str:
    shape = net.model.shape(operator.outputs[0])
    assert shape[0] == 1
    if len(shape) == 4:
        assert shape[1:3] == (1, 1)
        shape = (1, shape[3], 1, 1)
    return net.writer.node("Reshape", net.nhwc(operator.inputs[0]), net.writer.integers(-1, *shape[1:]))


def _concatenation(net: Converter, operator: Operator) -> str:
    assert len(net.model.shape(operator.outputs[0])) == 3
    names = (net.operand(number) for number in operator.inputs)
    return net.writer.node("Concat", *names, axis=operator.options.Axis())


def _resize(net: Converter, operator: Operator) -> str:
    assert operator.options.HalfPixelCenters() and not operator.options.AlignCorners()
    before, after = (net.model.shape(number)[1:3] for number in (operator.inputs[0], operator.outputs[0]))
    scales = net.writer.constant([1, 1, *(b / a for a, b in zip(before, after))])
    name = net.operand(operator.inputs[0])
    return net.writer.node(
        "Resize", name, "", scales, mode="linear", coordinate_transformation_mode="half_pixel"
    )


def _depth_to_space(net: Converter, operator: Operator) -> str:
    block = operator.options.BlockSize()
    return net.writer.node("DepthToSpace", net.operand(operator.inputs[0]), blocksize=block, mode="DCR")


def _strided_slice(net: Converter, operator: Operator) -> str:
    """Return the input, because the only slice that occurs takes all of it."""
    assert net.model.shape(operator.inputs[0]) == net.model.shape(operator.outputs[0])
    assert all(net.values(operator.inputs[3]) == 1)
    return net.operand(operator.inputs[0])


OPERATORS: dict[str, Callable[[Converter, Operator], str]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "Convolution2DTransposeBias": _transposed_convolution,
    "PAD": _pad,
    "MAX_POOL_2D": _max_pool,
    "AVERAGE_POOL_2D": _average_pool,
    "PRELU": _prelu,
    "ADD": _elementwise("Add"),
    "MUL": _elementwise("Mul"),
    "RELU": _elementwise("Relu"),
    "LOGISTIC": _elementwise("Sigmoid"),
    "HARD_SWISH": _elementwise("HardSwish"),
    "RESHAPE": _reshape,
    "CONCATENATION": _concatenation,
    "RESIZE_BILINEAR": _resize,
    "DEPTH_TO_SPACE": _depth_to_space,
    "STRIDED_SLICE": _strided_slice,
}
