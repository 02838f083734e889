"""Draws smooth closed contours with soft edges, and reads pictures along curves."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32 = NDArray[np.float32]


def catmull_rom(points: FloatArray, steps: int = 6) -> FloatArray:
    """Return a closed Catmull-Rom curve (N * steps, 2) through (N, 2) points."""
    return _spline(len(points), steps) @ points


@cache
def _spline(count: int, steps: int) -> FloatArray:
    """Return (count * steps, count): the weights of `count` points at every place of a closed curve through them."""
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (np.roll(np.eye(count), -k, axis=0)[:, None] for k in (-1, 0, 1, 2))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(curve.reshape(-1, count))


def ring(upper: tuple[int, ...], lower: tuple[int, ...]) -> list[int]:
    """Return the vertices of the closed contour that two rows of vertices form; the rows share both ends."""
    return [*upper, *lower[-2:0:-1]]


def soft_inside(contour: FloatArray, origin: tuple[int, int], shape: tuple[int, ...], blur: float) -> Float32:
    """Return (h, w) coverage, 0 to 1, by a closed contour (N, 2) px in a box of this shape, blurred by `blur` px.

    origin: (x, y) of the box' first pixel in the contour's picture.
    """
    shift = 6
    corners = np.round((contour - np.array(origin) - 0.5) * (1 << shift)).astype(np.int32)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, shift)
    soft: Float32 = mask.astype(np.float32) / np.float32(255)
    return np.asarray(cv2.GaussianBlur(soft, (0, 0), blur), np.float32) if blur > 0.3 else soft


def box_around(points: FloatArray, margin: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the box (x0, y0, x1, y1) px around points (N, 2), grown by `margin` px and cut to a (width, height)."""
    sides = np.ascontiguousarray(points[:, :2].T)  # ten times as quick as along the columns
    low, high = np.floor(sides.min(axis=1) - margin), np.ceil(sides.max(axis=1) + margin)
    x0, y0 = min(size[0], max(0, int(low[0]))), min(size[1], max(0, int(low[1])))
    return x0, y0, max(x0, min(size[0], int(high[0]))), max(y0, min(size[1], int(high[1])))


def fetch(picture: NDArray[Any], x: Float32, y: Float32) -> Float32:
    """Return the bilinear colours of a picture (H, W) or (H, W, C) at pixel coordinates x, y (h, w); edges repeat."""
    return np.asarray(
        cv2.remap(picture, x - 0.5, y - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )
