"""The mouth's inside drawn with a depth buffer, compiled."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath=True)
def draw_triangles(points, colours, triangles, depth, out):  # type: ignore[no-untyped-def]
    """Fill out (h, w, C) where a triangle is nearer than depth (h, w), both in place; what faces away is left out.

    points: (V, 3) float32, x and y in index coordinates of `out` (y down), z towards the viewer; colours: (V, C)
    float32, carried linearly over (T, 3) triangles, counter-clockwise as seen from outside with y up.
    """
    height, width, channels = out.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = points[a, 0], points[a, 1]
        ux, uy = points[b, 0] - ax, points[b, 1] - ay
        vx, vy = points[c, 0] - ax, points[c, 1] - ay
        det = ux * vy - uy * vx
        if det >= -1e-9:
            continue
        low_x, high_x = min(0.0, ux, vx) + ax, max(0.0, ux, vx) + ax
        low_y, high_y = min(0.0, uy, vy) + ay, max(0.0, uy, vy) + ay
        x0, x1 = max(0, math.ceil(low_x)), min(width - 1, math.floor(high_x))
        y0, y1 = max(0, math.ceil(low_y)), min(height - 1, math.floor(high_y))
        inverse = 1.0 / det
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                px, py = x - ax, y - ay
                s = (px * vy - py * vx) * inverse
                r = (ux * py - uy * px) * inverse
                if s < -1e-5 or r < -1e-5 or s + r > 1 + 1e-5:
                    continue
                z = points[a, 2] + s * (points[b, 2] - points[a, 2]) + r * (points[c, 2] - points[a, 2])
                if z <= depth[y, x]:
                    continue
                depth[y, x] = z
                for k in range(channels):
                    first = colours[a, k]
                    out[y, x, k] = first + s * (colours[b, k] - first) + r * (colours[c, k] - first)


def warm_up() -> None:
    """Compile the kernels for the types that are used."""
    points, colours = np.zeros((3, 3), np.float32), np.zeros((3, 4), np.float32)
    draw_triangles(
        points,
        colours,
        np.zeros((1, 3), np.int32),
        np.zeros((2, 2), np.float32),
        np.zeros((2, 2, 4), np.float32),
    )
