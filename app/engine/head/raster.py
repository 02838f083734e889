"""Finds the nearest triangle at every pixel (a z-buffer), in compiled code that runs without Python's lock."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEAR = 1e-4  # px: pixels on an edge belong to both triangles


@njit(cache=True, nogil=True, forceinline=True)
def _within(value, step, first, last):  # type: ignore[no-untyped-def]
    """Return the part (first, last) of a range of i in which value + i * step is not negative; it is empty where its
    first exceeds its last.
    """
    if abs(step) < 1e-12:
        return (first, last) if value >= -1e-9 else (1.0, -1.0)
    zero = -value / step
    if step > 0:
        return max(first, zero), last
    return first, min(last, zero)


@njit(cache=True, nogil=True)
def raster_band(points, triangles, chosen, culled, y0, y1, x0, x1, ids, depth):  # type: ignore[no-untyped-def]
    """Write the nearest triangle and its depth (px) at every pixel of rows y0 to y1 - 1 and columns x0 to x1 - 1.

    ids: (y1 - y0, x1 - x0) filled with -1 before; depth: the same shape; points: (V, 3) px with the first pixel's
    centre at 0, y down, z to the viewer; triangles: (T, 3) counter-clockwise from outside where y points up, hence
    clockwise here; chosen: (N,) the numbers of those that are drawn; culled: whether triangles that face away from
    the viewer are left out.
    """
    for t in chosen:
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
    """Write the barycentric shares of the corners of each pixel's triangle into out (h, w, 3); 0 where there is none.

    points: (V, 3) px as `raster_band` has them; ids: (h, w) its triangles; x0, y0: column and row of ids[0, 0].
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
    """Interpolate values at every pixel into out (h, w, C), which keeps what it has where there is no triangle.

    ids: (h, w) triangles; share: (h, w, 3) of their corners; corners: (T, 3); base: the row of the table (V, C) that
    each corner stands for.
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
    """Return (h, w) the nearest triangle (-1: none) and (h, w) its depth in px of the pixels of a box.

    points: (V, 3) px, y down, z to the viewer; triangles: (T, 3); box: (x0, y0, x1, y1) px; culled: whether triangles
    that face away are left out.
    """
    x0, y0, x1, y1 = box
    ids = np.full((y1 - y0, x1 - x0), -1, np.int32)
    depth = np.zeros(ids.shape, np.float32)
    moved = np.ascontiguousarray(points - [0.5, 0.5, 0.0])
    raster_band(moved, triangles, np.arange(len(triangles)), culled, y0, y1, x0, x1, ids, depth)
    return ids, depth
