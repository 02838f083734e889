"""Finds the nearest triangle at every pixel (a z-buffer) in compiled code that runs without the GIL."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEAR = 1e-4  # px: pixels on an edge belong to both triangles


@njit(cache=True, nogil=True)
def _within(value, step, first, last):  # type: ignore[no-untyped-def]
    """Return the part of [first, last] in which value + i step is not negative."""
    if abs(step) < 1e-12:
        return (first, last) if value >= -1e-9 else (1.0, -1.0)
    zero = -value / step
    if step > 0:
        return max(first, zero), last
    return first, min(last, zero)


@njit(cache=True, nogil=True)
def raster_band(points, triangles, culled, y0, y1, x0, x1, ids, depth):  # type: ignore[no-untyped-def]
    """Write the nearest triangle (-1: none) and the depth of rows y0..y1, columns x0..x1 into ids, depth (y1 - y0,
    x1 - x0).

    points: (V, 3) index coordinates (the first pixel's centre is 0), y down, z to the viewer; culled: whether
    triangles that face away are left out; a triangle of a y-up, counter-clockwise mesh faces the viewer if it is
    clockwise with y down.
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
        inv = 1.0 / det
        sx, sy = (cy - ay) * inv, -(cx - ax) * inv
        tx, ty = -(by - ay) * inv, (bx - ax) * inv
        az = points[a, 2]
        bz, cz = points[b, 2] - az, points[c, 2] - az
        zx = sx * bz + tx * cz
        for y in range(top, bottom + 1):
            # Shares of b and c along the row: s + i sx, r + i tx for the i-th pixel from `left` on.
            s = (left - ax) * sx + (y - ay) * sy
            r = (left - ax) * tx + (y - ay) * ty
            first, last = 0.0, float(right - left)
            first, last = _within(s, sx, first, last)
            first, last = _within(r, tx, first, last)
            first, last = _within(1 - s - r, -sx - tx, first, last)
            start, end = math.ceil(first - NEAR), math.floor(last + NEAR)
            z = az + s * bz + r * cz + start * zx
            for i in range(max(start, 0), min(end, right - left) + 1):
                x = left + i - x0
                if ids[y - y0, x] < 0 or z > depth[y - y0, x]:
                    ids[y - y0, x] = t
                    depth[y - y0, x] = z
                z += zx


@njit(cache=True, nogil=True)
def shares(points, triangles, ids, x0, y0, out):  # type: ignore[no-untyped-def]
    """Write the barycentric shares of the corners of each pixel's triangle into out (h, w, 3); zeros where there is
    none.
    """
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


@njit(cache=True, nogil=True)
def carried(ids, share, corners, base, table, out):  # type: ignore[no-untyped-def]
    """Write values of table (V, C) at every pixel of ids (h, w) into out (h, w, C), by shares (h, w, 3) of
    base[corners].
    """
    for j in range(ids.shape[0]):
        for i in range(ids.shape[1]):
            t = ids[j, i]
            if t < 0:
                continue
            a, b, c = base[corners[t, 0]], base[corners[t, 1]], base[corners[t, 2]]
            u, v, w = share[j, i, 0], share[j, i, 1], share[j, i, 2]
            for k in range(table.shape[1]):
                out[j, i, k] = u * table[a, k] + v * table[b, k] + w * table[c, k]


def rasterised(
    points: NDArray[np.float64],
    triangles: NDArray[np.int32],
    box: tuple[int, int, int, int],
    culled: bool = True,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return (h, w) nearest triangle (-1: none) and depth of the pixels of box (x0, y0, x1, y1); points in px (V,
    3).
    """
    x0, y0, x1, y1 = box
    ids = np.full((y1 - y0, x1 - x0), -1, np.int32)
    depth = np.zeros(ids.shape, np.float32)
    moved = np.ascontiguousarray(points - [0.5, 0.5, 0.0])
    raster_band(moved, triangles, culled, y0, y1, x0, x1, ids, depth)
    return ids, depth
