"""Writes the attention mesh's three custom operators as standard ONNX operators, and merges the mesh's parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from tools.tflite_models import Operator
from tools.tflite_to_onnx import TO_NCHW, TO_NHWC, Converter

EYE_CONTOUR = 16  # the first indices of an eye's list; the iris gets their mean depth


def corners_direction(net: Converter, mesh: str, options: dict[str, Any]) -> tuple[str, str]:
    """Return the direction from the left to the right rotation point as (cosine, sine)."""
    writer = net.writer

    def do(kind: str, *names: str, **attributes: Any) -> str:
        return writer.node(kind, *names, **attributes)

    ends = [
        do("Gather", mesh, writer.constant(options[f"{side}_rotation_idx"], np.int64), axis=1)
        for side in ("left", "right")
    ]
    along = do("Sub", ends[1], ends[0])
    dx, dy = (do("Gather", along, writer.integers(axis), axis=1) for axis in (0, 1))
    length = do(
        "Max", do("Sqrt", do("Add", do("Mul", dx, dx), do("Mul", dy, dy))), writer.constant(np.float32(1e-9))
    )
    return do("Div", dx, length), do("Div", do("Neg", dy), length)


def transform_matrix(net: Converter, operator: Operator) -> str:
    """Write Landmarks2TransformMatrix, which makes (n, 4, 4) matrices of (n, 468, 3) landmarks.

    A matrix takes the pixels of a window to those of the feature map. The window covers the turned extent of
    a subset of the landmarks, enlarged. Of the angle only cosine and sine are needed; they are the parts of
    the direction between the eye corners.
    """
    options, writer = operator.custom_options(), net.writer
    assert options["target_rotation_radians"] == 0
    mesh = net.operand(operator.inputs[0])

    def do(kind: str, *names: str, **attributes: Any) -> str:
        return writer.node(kind, *names, **attributes)

    def number(value: float) -> str:
        return writer.constant(np.float32(value))

    cos, sin = corners_direction(net, mesh, options)
    subset = do("Gather", mesh, writer.integers(*options["subset_idxs"]), axis=1)
    x, y = (do("Gather", subset, writer.constant(axis, np.int64), axis=2) for axis in (0, 1))
    u = do("Sub", do("Mul", x, cos), do("Mul", y, sin))
    v = do("Add", do("Mul", x, sin), do("Mul", y, cos))
    (u0, u1), (v0, v1) = (
        (do("ReduceMin", w, axes=[1], keepdims=1), do("ReduceMax", w, axes=[1], keepdims=1)) for w in (u, v)
    )
    cu, cv = (do("Mul", do("Add", a, b), number(0.5)) for a, b in ((u0, u1), (v0, v1)))
    sides = options["output_width"], options["output_height"]
    sx, sy = (
        do("Mul", do("Sub", b, a), number(scale / side))
        for a, b, scale, side in (
            (u0, u1, options["scale_x"], sides[0]),
            (v0, v1, options["scale_y"], sides[1]),
        )
    )
    m00, m01 = do("Mul", sx, cos), do("Mul", sy, sin)
    m10, m11 = do("Neg", do("Mul", sx, sin)), do("Mul", sy, cos)
    cx = do("Add", do("Mul", cu, cos), do("Mul", cv, sin))
    cy = do("Sub", do("Mul", cv, cos), do("Mul", cu, sin))
    half = [number(side / 2) for side in sides]
    m03 = do("Sub", cx, do("Add", do("Mul", m00, half[0]), do("Mul", m01, half[1])))
    m13 = do("Sub", cy, do("Add", do("Mul", m10, half[0]), do("Mul", m11, half[1])))
    nought = do("Mul", cos, number(0))
    one = do("Add", nought, number(1))
    rows = [m00, m01, nought, m03, m10, m11, nought, m13]
    rows += [nought, nought, one, nought, nought, nought, nought, one]
    return do("Reshape", do("Concat", *rows, axis=1), writer.integers(-1, 4, 4))


def transform_tensor(net: Converter, operator: Operator) -> str:
    """Write TransformTensorBilinear, which samples a window of the feature map bilinearly.

    Samples outside the map are 0, without fading at its edge. Rows of channels are gathered, because
    onnxruntime's GridSample goes through the map once for each channel and takes three times as long.
    """
    options, writer = operator.custom_options(), net.writer
    height, width = options["output_height"], options["output_width"]
    _, rows, columns, channels = net.model.shape(operator.inputs[0])
    assert rows == columns
    j, i = np.mgrid[:height, :width] + 0.5
    window = np.stack([i.ravel(), j.ravel(), np.zeros(i.size), np.ones(i.size)])

    def do(kind: str, *names: str, **attributes: Any) -> str:
        return writer.node(kind, *names, **attributes)

    upper = do(
        "Slice",
        net.operand(operator.inputs[1]),
        writer.integers(0),
        writer.integers(2),
        writer.integers(1),
    )
    places = do("Transpose", do("MatMul", upper, writer.constant(window)), perm=(0, 2, 1))
    places = do("Sub", places, writer.constant(np.float32(0.5)))
    shape = (height, width, rows, channels)
    return bilinear(net, net.operand(operator.inputs[0]), places, shape)


def bilinear(net: Converter, picture: str, places: str, shape: tuple[int, int, int, int]) -> str:
    """Sample a square map (n, channels, side, side) at places (n, height * width, 2), x and y in pixels.

    Return (n, channels, height, width). shape: (height, width, side, channels).
    """
    writer = net.writer
    height, width, side, channels = shape
    last = np.float32(side - 1)

    def do(kind: str, *names: str, **attributes: Any) -> str:
        return writer.node(kind, *names, **attributes)

    away = do("Abs", do("Sub", places, writer.constant(last / 2)))  # distance from the map's middle
    inside = do("LessOrEqual", do("ReduceMax", away, axes=[2], keepdims=1), writer.constant(last / 2))
    whole = do("Cast", do("Floor", places), to=TensorProto.INT64)
    whole = do("Clip", whole, *(writer.constant(limit, np.int64) for limit in (0, side - 2)))
    right = do("Sub", places, do("Cast", whole, to=TensorProto.FLOAT))
    left = do("Sub", writer.constant(np.float32(1)), right)
    (left_x, left_y), (right_x, right_y) = (
        [do("Gather", share, writer.integers(axis), axis=2) for axis in (0, 1)] for share in (left, right)
    )
    weights = do("Concat", *(do("Mul", x, y) for y in (left_y, right_y) for x in (left_x, right_x)), axis=2)
    weights = do("Mul", weights, do("Cast", inside, to=TensorProto.FLOAT))
    weights = do("Reshape", weights, writer.integers(-1, height * width, 1, 4))
    corners = do("MatMul", whole, writer.constant([[1], [side]], np.int64))
    corners = do("Add", corners, writer.integers(0, 1, side, side + 1))
    corners = do("Reshape", corners, writer.integers(-1, 4 * height * width, 1))
    pixels = do("Transpose", picture, perm=TO_NHWC)
    pixels = do("Reshape", pixels, writer.integers(-1, side * side, channels))
    taken = do("GatherND", pixels, corners, batch_dims=1)
    taken = do("Reshape", taken, writer.integers(-1, height * width, 4, channels))
    seen = do("Reshape", do("MatMul", weights, taken), writer.integers(-1, height, width, channels))
    return do("Transpose", seen, perm=TO_NCHW)


def transform_landmarks(net: Converter, operator: Operator) -> str:
    """Write TransformLandmarks, which takes the (n, k, 2) landmarks of a window through the window's matrix."""
    writer = net.writer
    matrix = net.operand(operator.inputs[1])

    def columns(first: int, after: int) -> str:
        starts, ends = writer.integers(0, first), writer.integers(2, after)
        return writer.node("Slice", matrix, starts, ends, writer.integers(1, 2))

    turn = writer.node("Transpose", columns(0, 2), perm=(0, 2, 1))
    move = writer.node("Transpose", columns(3, 4), perm=(0, 2, 1))
    return writer.node("Add", writer.node("MatMul", net.operand(operator.inputs[0]), turn), move)


OPERATORS = {
    "Landmarks2TransformMatrix": transform_matrix,
    "TransformTensorBilinear": transform_tensor,
    "TransformLandmarks": transform_landmarks,
}


def merged(net: Converter) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return the outputs `points` (n, 478, 3), crop pixels, and `presence` (n, 1), in [0, 1].

    The mesh's x and y are replaced by those of the sharper parts: first the lips, then the left and the right
    eye. The irises follow after the mesh, with the mean depth of their eye's contour.
    """
    writer, outputs = net.writer, net.model.outputs
    kinds = [op for op in net.model.operators if op.kind == "Landmarks2TransformMatrix"]
    lips, left, right = (list(op.custom_options()["subset_idxs"]) for op in kinds)
    names = ("mesh_identity", "lips", "left_eye", "right_eye", "left_iris", "right_iris")
    mesh, *parts = (net.operand(outputs[f"output_{name}"]) for name in names)
    mesh = writer.node("Reshape", mesh, writer.integers(-1, 468, 3))
    flat = [writer.node("Slice", mesh, writer.integers(0), writer.integers(2), writer.integers(2))]
    flat += [
        writer.node("Reshape", part, writer.integers(-1, count, 2))
        for part, count in zip(parts, (len(lips), len(left), len(right), 5, 5))
    ]
    source = np.arange(478)
    place = 468
    for indices in (lips, left, right):
        source[indices] = place + np.arange(len(indices))
        place += len(indices)
    source[468:] = place + np.arange(10)
    xy = writer.node("Gather", writer.node("Concat", *flat, axis=1), writer.integers(*source), axis=1)
    depth = writer.node("Slice", mesh, writer.integers(2), writer.integers(3), writer.integers(2))
    irises = []
    for indices in (left, right):
        contour = writer.node("Gather", depth, writer.integers(*indices[:EYE_CONTOUR]), axis=1)
        irises.append(writer.node("ReduceMean", contour, axes=[1], keepdims=1))
    places = writer.integers(*range(468), *[468] * 5, *[469] * 5)
    z = writer.node("Gather", writer.node("Concat", depth, *irises, axis=1), places, axis=1)
    points = writer.node("Concat", xy, z, axis=2)
    flag = writer.node("Sigmoid", net.operand(outputs["conv_faceflag"]))
    presence = writer.node("Reshape", flag, writer.integers(-1, 1))
    return {"points": (points, (478, 3)), "presence": (presence, (1,))}
