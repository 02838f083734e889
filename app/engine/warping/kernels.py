"""The per-pixel work, compiled: rasterise the target mesh, fetch the photo through it, composite exactly.

Exact layering: the foreground is *defined* as F = I - (1 - a) B, so that F + (1 - a) B is the photo I whatever
the matte a and the background fill B; a moved picture is F(q) + (1 - a(q)) B(p) with q the source of pixel p.
Positions are in index coordinates (the centre of the first pixel is 0).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

MAPS = 17  # columns of the per-triangle table, see `triangle_maps`


@njit(cache=True, nogil=True)
def triangle_maps(source, target, mirrored, shade, triangles, out):  # type: ignore[no-untyped-def]
    """Per triangle the affine maps from target pixels, as (value at the first corner, d/dx, d/dy).

    source, target, mirrored: (V, 2) index coordinates; shade: (V, 2) brightness gain - 1 and share of the mirrored
    texture; out (T, 17): anchor x, y, then displacement x and y (source - target), gain, share, mirrored
    position x and y relative to the target. Degenerate triangles keep their first corner's values.
    """
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = target[a, 0], target[a, 1]
        ux, uy = target[b, 0] - ax, target[b, 1] - ay
        vx, vy = target[c, 0] - ax, target[c, 1] - ay
        det = ux * vy - uy * vx
        inv = 1.0 / det if abs(det) > 1e-9 else 0.0
        out[t, 0] = ax
        out[t, 1] = ay
        for k in range(5):
            if k < 2:
                fa = source[a, k] - target[a, k]
                fb = source[b, k] - target[b, k]
                fc = source[c, k] - target[c, k]
            elif k == 2:
                fa, fb, fc = shade[a, 0], shade[b, 0], shade[c, 0]
            else:
                fa = mirrored[a, k - 3] - target[a, k - 3]
                fb = mirrored[b, k - 3] - target[b, k - 3]
                fc = mirrored[c, k - 3] - target[c, k - 3]
            out[t, 2 + 3 * k] = fa
            out[t, 3 + 3 * k] = ((fb - fa) * vy - (fc - fa) * uy) * inv
            out[t, 4 + 3 * k] = ((fc - fa) * ux - (fb - fa) * vx) * inv


@njit(cache=True, nogil=True)
def fill_ids(y0, y1, x0, x1, target, triangles, order, ids):  # type: ignore[no-untyped-def]
    """Paint triangle numbers, in `order`, into ids (y1 - y0, x1 - x0); those that face away are left out."""
    for k in range(order.shape[0]):
        t = order[k]
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = target[a, 0], target[a, 1]
        bx, by = target[b, 0], target[b, 1]
        cx, cy = target[c, 0], target[c, 1]
        if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) >= 0:
            continue
        top = max(y0, int(math.ceil(min(ay, by, cy) - 1e-3)))
        bottom = min(y1 - 1, int(math.floor(max(ay, by, cy) + 1e-3)))
        for y in range(top, bottom + 1):
            low, high = 1e9, -1e9
            for e in range(3):
                if e == 0:
                    px, py, qx, qy = ax, ay, bx, by
                elif e == 1:
                    px, py, qx, qy = bx, by, cx, cy
                else:
                    px, py, qx, qy = cx, cy, ax, ay
                if (py <= y + 1e-3 or qy <= y + 1e-3) and (py >= y - 1e-3 or qy >= y - 1e-3):
                    if abs(qy - py) > 1e-6:
                        s = min(1.0, max(0.0, (y - py) / (qy - py)))
                        x = px + s * (qx - px)
                        low = min(low, x)
                        high = max(high, x)
                    else:
                        low = min(low, px, qx)
                        high = max(high, px, qx)
            first = max(x0, int(math.ceil(low - 1e-3)))
            last = min(x1 - 1, int(math.floor(high + 1e-3)))
            for x in range(first, last + 1):
                ids[y - y0, x - x0] = t


@njit(cache=True, nogil=True, inline="always")
def _cubic(t, w):  # type: ignore[no-untyped-def]
    """Catmull-Rom weights of the four neighbours at fraction t."""
    t2 = t * t
    t3 = t2 * t
    w[0] = -0.5 * t3 + t2 - 0.5 * t
    w[1] = 1.5 * t3 - 2.5 * t2 + 1.0
    w[2] = -1.5 * t3 + 2.0 * t2 + 0.5 * t
    w[3] = 0.5 * t3 - 0.5 * t2


@njit(cache=True, nogil=True, fastmath=True)
def sample(image, qx, qy, sharp, w, colour):  # type: ignore[no-untyped-def]
    """Colour of (H, W, C) at index coordinates into colour (C,): Catmull-Rom if sharp, else bilinear; edges repeat."""
    h, wd, n = image.shape
    qx = min(max(qx, np.float32(0)), np.float32(wd - 1))
    qy = min(max(qy, np.float32(0)), np.float32(h - 1))
    x, y = int(qx), int(qy)
    fx, fy = qx - np.float32(x), qy - np.float32(y)
    if sharp and 1 <= x < wd - 2 and 1 <= y < h - 2:
        _cubic(fx, w[0])
        _cubic(fy, w[1])
        for c in range(n):
            total = np.float32(0)
            for j in range(4):
                row = (
                    w[0, 0] * image[y + j - 1, x - 1, c]
                    + w[0, 1] * image[y + j - 1, x, c]
                    + w[0, 2] * image[y + j - 1, x + 1, c]
                    + w[0, 3] * image[y + j - 1, x + 2, c]
                )
                total += w[1, j] * row
            colour[c] = total
    else:
        x1, y1 = min(x + 1, wd - 1), min(y + 1, h - 1)
        for c in range(n):
            upper = (1 - fx) * image[y, x, c] + fx * image[y, x1, c]
            lower = (1 - fx) * image[y1, x, c] + fx * image[y1, x1, c]
            colour[c] = (1 - fy) * upper + fy * lower


@njit(cache=True, nogil=True, fastmath=True)
def _value(plane, qx, qy):  # type: ignore[no-untyped-def]
    """Bilinear value of an (H, W) uint8 plane, divided by 255."""
    h, wd = plane.shape
    qx = min(max(qx, np.float32(0)), np.float32(wd - 1))
    qy = min(max(qy, np.float32(0)), np.float32(h - 1))
    x, y = int(qx), int(qy)
    x1, y1 = min(x + 1, wd - 1), min(y + 1, h - 1)
    fx, fy = qx - np.float32(x), qy - np.float32(y)
    upper = (1 - fx) * plane[y, x] + fx * plane[y, x1]
    lower = (1 - fx) * plane[y1, x] + fx * plane[y1, x1]
    return ((1 - fy) * upper + fy * lower) * np.float32(1 / 255)


@njit(cache=True, nogil=True, fastmath=True)
def fetch(photo, background, matte, zone, x, y, dx, dy, gain, sharp, w, colour, other):  # type: ignore[no-untyped-def]
    """Composite colour of pixel (x, y) whose source is (x + dx, y + dy), into colour (C,)."""
    h, wd, n = photo.shape
    qx, qy = np.float32(x) + dx, np.float32(y) + dy
    ix = min(max(int(qx + np.float32(0.5)), 0), wd - 1)
    iy = min(max(int(qy + np.float32(0.5)), 0), h - 1)
    kind = zone[iy, ix]
    if kind == 0:
        for c in range(n):
            colour[c] = background[y, x, c]
        return
    sample(photo, qx, qy, sharp, w, colour)
    if kind == 2:
        for c in range(n):
            colour[c] *= 1 + gain
        return
    a = _value(matte, qx, qy)
    sample(background, qx, qy, False, w, other)
    for c in range(n):
        colour[c] = colour[c] * (1 + a * gain) + (1 - a) * (background[y, x, c] - other[c])


@njit(cache=True, nogil=True, fastmath=True)
def _displacements(y0, y1, x0, x1, maps, hold, ids, flow):  # type: ignore[no-untyped-def]
    """Displacement of every pixel of the band into flow (rows, columns, 2); hold scales it down."""
    held = hold.shape[0] > 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            t = ids[y - y0, x - x0]
            if t < 0:
                flow[y - y0, x - x0, 0] = 0
                flow[y - y0, x - x0, 1] = 0
                continue
            u, v = np.float32(x) - maps[t, 0], np.float32(y) - maps[t, 1]
            dx = maps[t, 2] + maps[t, 3] * u + maps[t, 4] * v
            dy = maps[t, 5] + maps[t, 6] * u + maps[t, 7] * v
            if held:
                share = hold[y, x] * np.float32(1 / 255)
                dx *= share
                dy *= share
            flow[y - y0, x - x0, 0] = dx
            flow[y - y0, x - x0, 1] = dy


@njit(cache=True, nogil=True, fastmath=True)
def _jump(flow, j, i, rows, columns, limit):  # type: ignore[no-untyped-def]
    """Whether a 4-neighbour's displacement differs so much that an occluding edge runs between."""
    dx, dy = flow[j, i, 0], flow[j, i, 1]
    for k in range(4):
        jj = j + (1 if k == 0 else (-1 if k == 1 else 0))
        ii = i + (1 if k == 2 else (-1 if k == 3 else 0))
        if (
            0 <= jj < rows
            and 0 <= ii < columns
            and abs(flow[jj, ii, 0] - dx) + abs(flow[jj, ii, 1] - dy) > limit
        ):
            return True
    return False


@njit(cache=True, nogil=True, fastmath=True)
def _soft(photo, background, matte, zone, x, y, j, i, flow, gain, sharp, w, colour, other, total):  # type: ignore[no-untyped-def]
    """An anti-aliased occluding edge: the mean of what this pixel's and its neighbours' displacements fetch."""
    rows, columns = flow.shape[0], flow.shape[1]
    n = photo.shape[2]
    weight = np.float32(0)
    for c in range(n):
        total[c] = 0
    for jj in range(max(j - 1, 0), min(j + 2, rows)):
        for ii in range(max(i - 1, 0), min(i + 2, columns)):
            share = np.float32((2 - abs(jj - j)) * (2 - abs(ii - i)))
            fetch(
                photo,
                background,
                matte,
                zone,
                x,
                y,
                flow[jj, ii, 0],
                flow[jj, ii, 1],
                gain,
                sharp,
                w,
                colour,
                other,
            )
            for c in range(n):
                total[c] += share * colour[c]
            weight += share
    for c in range(n):
        colour[c] = total[c] / weight


@njit(cache=True, nogil=True, fastmath=True)
def warp_band(  # type: ignore[no-untyped-def]
    y0,
    y1,
    x0,
    x1,
    height,
    photo,
    background,
    matte,
    zone,
    hold,
    target,
    triangles,
    order,
    maps,
    limit,
    top,
    sharp,
    out,
):
    """Rows y0..y1 of the moved box (x0..x1), whose out (h, w, C) starts at row y0 of the picture.

    photo, background: (H, W, C); matte: (H, W) uint8; zone: (H, W) 0 background, 1 mixed, 2 solid; hold: (H, W)
    uint8 or empty; limit: px of displacement difference that makes an edge; top: largest pixel value.
    """
    n = photo.shape[2]
    first, last = max(y0 - 1, 0), min(y1 + 1, height)
    columns = x1 - x0
    ids = np.full((last - first, columns), -1, np.int16)
    fill_ids(first, last, x0, x1, target, triangles, order, ids)
    flow = np.empty((last - first, columns, 2), np.float32)
    _displacements(first, last, x0, x1, maps, hold, ids, flow)
    colour, other, total = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    w = np.empty((2, 4), np.float32)
    for y in range(y0, y1):
        j = y - first
        for x in range(x0, x1):
            i = x - x0
            dx, dy = flow[j, i, 0], flow[j, i, 1]
            edge = _jump(flow, j, i, flow.shape[0], columns, limit)
            t = ids[j, i]
            gain = np.float32(0)
            if t >= 0:
                u, v = np.float32(x) - maps[t, 0], np.float32(y) - maps[t, 1]
                gain = maps[t, 8] + maps[t, 9] * u + maps[t, 10] * v
            if dx == 0 and dy == 0 and gain == 0 and not edge:
                for c in range(n):
                    out[y - y0, i, c] = photo[y, x, c]
                continue
            if edge:
                _soft(photo, background, matte, zone, x, y, j, i, flow, gain, sharp, w, colour, other, total)
            else:
                fetch(photo, background, matte, zone, x, y, dx, dy, gain, sharp, w, colour, other)
            for c in range(n):
                value = min(max(colour[c] + np.float32(0.5), np.float32(0)), top + np.float32(0.5))
                out[y - y0, i, c] = int(value)
