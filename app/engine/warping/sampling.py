"""Fetches colours between the pixels of a picture, in compiled code.

Positions are in index coordinates (the centre of the first pixel is 0) and lie inside the picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def inside(image, x, y, dx, dy):  # type: ignore[no-untyped-def]
    """Return the source position of pixel (x, y), moved to the picture's edge where it lies outside."""
    zero = np.float32(0)
    qx = min(max(np.float32(x) + dx, zero), np.float32(image.shape[1] - 1))
    qy = min(max(np.float32(y) + dy, zero), np.float32(image.shape[0] - 1))
    return qx, qy


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def bilinear(image, qx, qy):  # type: ignore[no-untyped-def]
    """Return bilinear (r, g, b) of a picture (H, W, 3 or 4) at index coordinates inside it."""
    one = np.float32(1)
    x, y = int(qx), int(qy)
    x1, y1 = min(x + 1, image.shape[1] - 1), min(y + 1, image.shape[0] - 1)
    fx, fy = qx - np.float32(x), qy - np.float32(y)
    w00, w01, w10, w11 = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
    r = w00 * image[y, x, 0] + w01 * image[y, x1, 0] + w10 * image[y1, x, 0] + w11 * image[y1, x1, 0]
    g = w00 * image[y, x, 1] + w01 * image[y, x1, 1] + w10 * image[y1, x, 1] + w11 * image[y1, x1, 1]
    b = w00 * image[y, x, 2] + w01 * image[y, x1, 2] + w10 * image[y1, x, 2] + w11 * image[y1, x1, 2]
    return r, g, b


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def plane(image, qx, qy):  # type: ignore[no-untyped-def]
    """Return the bilinear value of a picture (H, W) at index coordinates inside it."""
    one = np.float32(1)
    x, y = int(qx), int(qy)
    x1, y1 = min(x + 1, image.shape[1] - 1), min(y + 1, image.shape[0] - 1)
    fx, fy = qx - np.float32(x), qy - np.float32(y)
    above = (one - fx) * image[y, x] + fx * image[y, x1]
    return (one - fy) * above + fy * ((one - fx) * image[y1, x] + fx * image[y1, x1])


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _keys(t):  # type: ignore[no-untyped-def]
    """Return the Catmull-Rom weights of the four neighbours at fraction t.

    Source: Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981, with a = -1/2.
    """
    half, one = np.float32(0.5), np.float32(1)
    u = one - t
    a0, a3 = -half * t * u * u, -half * u * t * t
    a1 = one - t * t * (np.float32(2.5) - np.float32(1.5) * t)
    return a0, a1, one - a0 - a1 - a3, a3


@intrinsic  # type: ignore[untyped-decorator]
def _weighted(context, image, rows, columns, down, along):  # type: ignore[no-untyped-def]
    """Return four float32: the channels of an image (H, W, 4), summed over four rows and four columns (unsigned) with
    the weights `down` and `along`.

    The four channels lie beside each other, so one vector instruction takes all of them. This is three times as quick
    as one channel after the other, and the compiler does not find it by itself.
    """
    if image.layout != "C" or image.ndim != 3:
        raise TypingError("bicubic reads whole pictures, whose channels lie beside each other")
    found = types.UniTuple(types.float32, 4)
    return found(image, rows, columns, down, along), _weighted_code


def _weighted_code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Build the machine code of `_weighted`, as Numba asks an intrinsic to."""
    kind = signature.args[0]
    picture = context.make_array(kind)(context, builder, args[0])
    strides = cgutils.unpack_tuple(builder, picture.strides)
    start = builder.bitcast(picture.data, ir.IntType(8).as_pointer())
    rows, columns, down, along = (cgutils.unpack_tuple(builder, each) for each in args[1:])
    four, stored = ir.VectorType(ir.FloatType(), 4), ir.VectorType(ir.IntType(kind.dtype.bitwidth), 4)
    index = ir.IntType(32)

    def spread(weight: Any) -> Any:
        one = builder.insert_element(ir.Constant(four, ir.Undefined), weight, index(0))
        return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(index, 4), [0] * 4))

    def pixel(row: Any, column: Any) -> Any:
        place = builder.add(builder.mul(row, strides[0]), builder.mul(column, strides[1]))
        at = builder.bitcast(builder.gep(start, [place]), stored.as_pointer())
        return builder.uitofp(builder.load(at, align=1), four)

    def added(one: Any, other: Any) -> Any:
        return builder.fadd(one, other, flags=("fast",))

    def summed(values: list[Any], weights: list[Any]) -> Any:
        a, b, c, d = (builder.fmul(value, weight, flags=("fast",)) for value, weight in zip(values, weights))
        return added(added(a, b), added(c, d))

    spreads = [spread(weight) for weight in along]
    lines = [summed([pixel(row, column) for column in columns], spreads) for row in rows]
    total = summed(lines, [spread(weight) for weight in down])
    channels = [builder.extract_element(total, index(channel)) for channel in range(4)]
    return context.make_tuple(builder, signature.return_type, channels)


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def bicubic(image, qx, qy):  # type: ignore[no-untyped-def]
    """Return the channels (4,) of a picture (H, W, 4), uint8 or uint16, at index coordinates inside it, by Catmull-Rom
    splines; edges repeat.
    """
    x, y = int(qx), int(qy)
    # Unsigned indices, so that no test for negative ones is compiled in.
    columns = (
        np.uint64(max(x - 1, 0)),
        np.uint64(x),
        np.uint64(min(x + 1, image.shape[1] - 1)),
        np.uint64(min(x + 2, image.shape[1] - 1)),
    )
    rows = (
        np.uint64(max(y - 1, 0)),
        np.uint64(y),
        np.uint64(min(y + 1, image.shape[0] - 1)),
        np.uint64(min(y + 2, image.shape[0] - 1)),
    )
    return _weighted(image, rows, columns, _keys(qy - np.float32(y)), _keys(qx - np.float32(x)))
