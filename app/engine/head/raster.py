"""A z-buffer, compiled: which triangle is nearest at every pixel. The kernels run without the GIL."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def raster_band(points, triangles, culled, y0, y1, x0, x1, ids, depth):  # type: ignore[no-untyped-def]
    """Nearest triangle (-1: none) and depth of rows y0..y1, columns x0..x1 into ids, depth (y1 - y0, x1 - x0).

    points: (V, 3) index coordinates (the first pixel's centre is 0), y down, z to the viewer; culled: whether triangles
    that face away (clockwise with y down is towards the viewer for a y-up, counter-clockwise mesh) are left out.
    """
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ay, by, cy = points[a, 1], points[b, 1], points[c, 1]
        top = max(y0, math.ceil(min(ay, by, cy)))
        bottom = min(y1 - 1, math.floor(max(ay, by, cy)))
        if top > bottom:
            continue
        ax, bx, cx = points[a, 0], points[b, 0], points[c, 0]
        left = max(x0, math.ceil(min(ax, bx, cx)))
        right = min(x1 - 1, math.floor(max(ax, bx, cx)))
        if left > right:
            continue
        det = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(det) < 1e-12 or (culled and det > 0):
            continue
        az, bz, cz = points[a, 2], points[b, 2], points[c, 2]
        inv = 1.0 / det
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                s = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * inv
                t2 = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * inv
                if s < -1e-6 or t2 < -1e-6 or s + t2 > 1.000001:
                    continue
                z = az + s * (bz - az) + t2 * (cz - az)
                if ids[y - y0, x - x0] < 0 or z > depth[y - y0, x - x0]:
                    ids[y - y0, x - x0] = t
                    depth[y - y0, x - x0] = z


@njit(cache=True, nogil=True)
def shares(points, triangles, ids, x0, y0, out):  # type: ignore[no-untyped-def]
    """Barycentric shares of the corners of each pixel's triangle into out (h, w, 3); zeros where there is none."""
    for j in range(ids.shape[0]):
        for i in range(ids.shape[1]):
            t = ids[j, i]
            if t < 0:
                out[j, i, 0] = out[j, i, 1] = out[j, i, 2] = 0
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            ux, uy = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
            vx, vy = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1]
            px, py = x0 + i - points[a, 0], y0 + j - points[a, 1]
            det = ux * vy - uy * vx
            s, r = (px * vy - py * vx) / det, (ux * py - uy * px) / det
            out[j, i, 0], out[j, i, 1], out[j, i, 2] = 1 - s - r, s, r


def rasterised(
    points: NDArray[np.float64],
    triangles: NDArray[np.int32],
    box: tuple[int, int, int, int],
    culled: bool = True,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(h, w) nearest triangle (-1: none) and depth of the pixels of box (x0, y0, x1, y1); points in px (V, 3)."""
    x0, y0, x1, y1 = box
    ids = np.full((y1 - y0, x1 - x0), -1, np.int32)
    depth = np.zeros(ids.shape, np.float32)
    moved = np.ascontiguousarray(points - [0.5, 0.5, 0.0])
    raster_band(moved, triangles, culled, y0, y1, x0, x1, ids, depth)
    return ids, depth
