"""A turned head's pixels, compiled: z-buffer, photo or atlas, soft edge, over what lies behind.

Positions are in index coordinates (the centre of the first pixel is 0).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from app.engine.head.raster import raster_band
from app.engine.warping.kernels import bicubic, bilinear

# Columns of the per-vertex table.
PHOTO_X, PHOTO_Y, ATLAS_X, ATLAS_Y, PHOTO, SOLID, GAIN, THERE = range(8)
COLUMNS = 8


@njit(cache=True, nogil=True, fastmath=True)
def _colour(values, texture, background, atlas, top, out):  # type: ignore[no-untyped-def]
    """Premultiplied colour and coverage of one place into out (4,); values: (8,) of the table."""
    zero, one = np.float32(0), np.float32(1)
    photo, solid, there = values[PHOTO], values[SOLID], values[THERE]
    lit = one + values[GAIN]
    r = g = b = a = zero
    if photo > zero:
        qx = min(max(values[PHOTO_X], zero), np.float32(texture.shape[1] - 1))
        qy = min(max(values[PHOTO_Y], zero), np.float32(texture.shape[0] - 1))
        pr, pg, pb, pa = bicubic(texture, qx, qy)
        a = min(max(pa / top, zero), one)
        if a < one:
            br, bg, bb = bilinear(background, qx, qy)
            left = one - a
            pr, pg, pb = pr - left * br, pg - left * bg, pb - left * bb
            if solid > zero:
                # Where the head's edge has turned inwards it is no edge: all of its own colour, or the atlas'.
                known = min(max((a - np.float32(0.7)) * np.float32(4.0), zero), one)
                photo *= one - solid * (one - known)
                full = one + solid * (one / max(a, np.float32(0.3)) - one)
                pr, pg, pb = pr * full, pg * full, pb * full
                a = min(a * full, one)
        r, g, b, a = photo * pr, photo * pg, photo * pb, photo * a
    if photo < one:
        ax = min(max(values[ATLAS_X], zero), np.float32(atlas.shape[1] - 1))
        ay = min(max(values[ATLAS_Y], zero), np.float32(atlas.shape[0] - 1))
        tr, tg, tb = bilinear(atlas, ax, ay)
        rest = one - photo
        r, g, b, a = r + rest * tr, g + rest * tg, b + rest * tb, a + rest
    out[0], out[1], out[2], out[3] = there * lit * r, there * lit * g, there * lit * b, there * a


@njit(cache=True, nogil=True)
def head_maps(points, triangles, corners, table, out):  # type: ignore[no-untyped-def]
    """Per triangle the anchor and (value there, d/dx, d/dy) of each column of table, into out (T, 2 + 3 * COLUMNS)."""
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = points[a, 0], points[a, 1]
        ux, uy = points[b, 0] - ax, points[b, 1] - ay
        vx, vy = points[c, 0] - ax, points[c, 1] - ay
        det = ux * vy - uy * vx
        if det > -1e-9:
            continue
        inv = 1.0 / det
        out[t, 0], out[t, 1] = ax, ay
        d, e, f = corners[t, 0], corners[t, 1], corners[t, 2]
        for k in range(COLUMNS):
            first = table[d, k]
            fb, fc = table[e, k] - first, table[f, k] - first
            out[t, 2 + 3 * k] = first
            out[t, 3 + 3 * k] = (fb * vy - fc * uy) * inv
            out[t, 4 + 3 * k] = (fc * ux - fb * vx) * inv


@njit(cache=True, nogil=True, fastmath=True)
def head_band(  # type: ignore[no-untyped-def]
    y0, y1, x0, x1, points, triangles, maps, texture, background, atlas, hold, top, behind
):
    """Rows y0..y1 (columns x0..x1) of the head drawn into behind (y1 - y0, x1 - x0, 3), which holds what lies there.

    points: (V, 3); triangles over them; maps: of `head_maps`; texture: (H, W, 4) photo and matte;
    background: (H, W, 3); atlas: (S, S, 3); hold: (H, W) uint8 or empty; top: largest pixel value. The head's outline
    is softened over three pixels.
    """
    first, last = y0 - 1, y1 + 1
    columns = x1 - x0 + 2
    ids = np.full((last - first, columns), -1, np.int32)
    depth = np.empty((last - first, columns), np.float32)
    raster_band(points, triangles, True, first, last, x0 - 1, x1 + 1, ids, depth)
    drawn = np.zeros((last - first, columns, 4), np.float32)
    values = np.empty(COLUMNS, np.float32)
    for j in range(ids.shape[0]):
        for i in range(columns):
            t = ids[j, i]
            if t >= 0:
                u, v = np.float32(x0 - 1 + i) - maps[t, 0], np.float32(first + j) - maps[t, 1]
                for k in range(COLUMNS):
                    values[k] = maps[t, 2 + 3 * k] + maps[t, 3 + 3 * k] * u + maps[t, 4 + 3 * k] * v
                if values[THERE] > 0:
                    _colour(values, texture, background, atlas, top, drawn[j, i])
    _over(y0, y1, x0, x1, drawn, ids, texture, hold, top, behind)


@njit(cache=True, nogil=True, fastmath=True)
def _over(y0, y1, x0, x1, drawn, ids, texture, hold, top, behind):  # type: ignore[no-untyped-def]
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    held = hold.shape[0] > 0
    colour = np.empty(4, np.float32)
    for y in range(y0, y1):
        for x in range(x0, x1):
            j, i = y - y0 + 1, x - x0 + 1
            here = ids[j, i]
            edge = (
                (here < 0) != (ids[j - 1, i] < 0)
                or (here < 0) != (ids[j + 1, i] < 0)
                or (here < 0) != (ids[j, i - 1] < 0)
                or (here < 0) != (ids[j, i + 1] < 0)
            )
            if here < 0 and not edge:
                continue
            if edge:
                for k in range(4):
                    total = zero
                    for jj in range(j - 1, j + 2):
                        for ii in range(i - 1, i + 2):
                            total += np.float32((2 - abs(jj - j)) * (2 - abs(ii - i))) * drawn[jj, ii, k]
                    colour[k] = total / np.float32(16)
            else:
                for k in range(4):
                    colour[k] = drawn[j, i, k]
            if colour[3] <= zero:
                continue
            share = np.float32(hold[y, x]) / np.float32(255) if held else one
            left = one - min(colour[3], one)
            for k in range(3):
                value = colour[k] + left * behind[y - y0, x - x0, k]
                if share < one:
                    value = share * value + (one - share) * texture[y, x, k]
                behind[y - y0, x - x0, k] = int(min(max(value, zero), top) + half)
