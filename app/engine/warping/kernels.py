"""Warps a photo pixel by pixel in compiled code: it rasterises the target mesh, fetches the photo through it and
composites exactly.

The foreground is defined as F = I - (1 - a) B, so that F + (1 - a) B is exactly the photo I, whatever the matte a and
the background B are. A moved picture is F(q) + (1 - a(q)) B(p), where q is the source of pixel p. Positions are in
index coordinates (the centre of the first pixel is 0).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from app.engine.warping.sampling import bicubic, bilinear

# Columns of the table of triangles: the anchor, then (value there, d/dx, d/dy) of each of these.
DISPLACEMENT_X, DISPLACEMENT_Y, GAIN, SHARE, MIRROR_X, MIRROR_Y, MIRROR_R, MIRROR_G, MIRROR_B = range(
    2, 29, 3
)
MAPS = 29  # number of these columns: two for the anchor, and three for each of the nine values


@njit(cache=True, nogil=True)
def triangle_maps(source, target, mirrored, light, triangles, out):  # type: ignore[no-untyped-def]
    """Write the affine maps of each triangle over target pixels into out.

    source, target, mirrored: (V, 2) index coordinates in the photo, in the target, and of the mirrored texture in the
    photo; light: (V, 5) brightness gain - 1, share of the mirrored texture, and that texture's gain - 1 for r, g, b;
    triangles: (T, 3); out: (T, MAPS). Displacements are source - target. Degenerate triangles keep the values of their
    first corner.
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
        for k in range(9):
            if k < 2:
                fa, fb, fc = (
                    source[a, k] - target[a, k],
                    source[b, k] - target[b, k],
                    source[c, k] - target[c, k],
                )
            elif k == 4 or k == 5:
                i = k - 4
                fa, fb, fc = (
                    mirrored[a, i] - target[a, i],
                    mirrored[b, i] - target[b, i],
                    mirrored[c, i] - target[c, i],
                )
            else:
                i = k - 2 if k < 4 else k - 4
                fa, fb, fc = light[a, i], light[b, i], light[c, i]
            out[t, 2 + 3 * k] = fa
            out[t, 3 + 3 * k] = ((fb - fa) * vy - (fc - fa) * uy) * inv
            out[t, 4 + 3 * k] = ((fc - fa) * ux - (fb - fa) * vx) * inv


@njit(cache=True, nogil=True)
def moved_extent(triangles, still, source, target):  # type: ignore[no-untyped-def]
    """Return (x0, y0, x1, y1, far): the extent of all triangles (T, 3) that move, and the longest motion.

    A triangle moves where one of its corners is not still (V,); where none moves, x0 exceeds x1. far: the longest way
    of a vertex from source to target (V, 2), along x or y.
    """
    far = np.float32(0)
    for v in range(still.shape[0]):
        far = max(far, abs(source[v, 0] - target[v, 0]), abs(source[v, 1] - target[v, 1]))
    x0 = y0 = np.float32(1e9)
    x1 = y1 = np.float32(-1e9)
    for t in range(triangles.shape[0]):
        if still[triangles[t, 0]] and still[triangles[t, 1]] and still[triangles[t, 2]]:
            continue
        for k in range(3):
            x, y = target[triangles[t, k], 0], target[triangles[t, k], 1]
            x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
    return x0, y0, x1, y1, far


@njit(cache=True, nogil=True)
def fill_ids(y0, y1, x0, x1, target, triangles, order, ids):  # type: ignore[no-untyped-def]
    """Paint the numbers of triangles, in `order`, into ids (y1 - y0, x1 - x0), without those that face away."""
    for k in range(order.shape[0]):
        t = order[k]
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ay, by, cy = target[a, 1], target[b, 1], target[c, 1]
        top = max(y0, math.ceil(min(ay, by, cy) - 1e-3))
        bottom = min(y1 - 1, math.floor(max(ay, by, cy) + 1e-3))
        if top > bottom:
            continue
        ax, bx, cx = target[a, 0], target[b, 0], target[c, 0]
        if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) >= 0:
            continue
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
            first = max(x0, math.ceil(low - 1e-3))
            last = min(x1 - 1, math.floor(high + 1e-3))
            for x in range(first, last + 1):
                ids[y - y0, x - x0] = t


@njit(cache=True, nogil=True, fastmath=True)
def inside(image, x, y, dx, dy):  # type: ignore[no-untyped-def]
    """Return the position (x + dx, y + dy), moved to the picture's edge where it lies outside."""
    zero = np.float32(0)
    qx = min(max(np.float32(x) + dx, zero), np.float32(image.shape[1] - 1))
    qy = min(max(np.float32(y) + dy, zero), np.float32(image.shape[0] - 1))
    return qx, qy


@njit(cache=True, nogil=True, fastmath=True)
def kind_at(zone, qx, qy):  # type: ignore[no-untyped-def]
    """Return the zone of a source position: 0 background, 1 mixed, 2 solid."""
    half = np.float32(0.5)
    return zone[np.uint64(qy + half), np.uint64(qx + half)]


@njit(cache=True, nogil=True, fastmath=True)
def composite(red, green, blue, matte, background, kind, x, y, qx, qy, gain, top):  # type: ignore[no-untyped-def]
    """Return (r, g, b) of pixel (x, y) over the background (H, W, 3).

    qx, qy: the pixel's source; red, green, blue, matte: the source's values, 0 to top; kind: the source's zone; gain:
    brightness gain - 1; top: largest pixel value.
    """
    zero, one = np.float32(0), np.float32(1)
    if kind == 0:
        return (
            np.float32(background[y, x, 0]),
            np.float32(background[y, x, 1]),
            np.float32(background[y, x, 2]),
        )
    if kind == 2:
        lit = one + gain
        return red * lit, green * lit, blue * lit
    a = min(max(matte / top, zero), one)
    lit, left = one + a * gain, one - a
    br, bg, bb = bilinear(background, qx, qy)
    r = red * lit + left * (background[y, x, 0] - br)
    g = green * lit + left * (background[y, x, 1] - bg)
    b = blue * lit + left * (background[y, x, 2] - bb)
    return r, g, b


@njit(cache=True, nogil=True, fastmath=True)
def _at(maps, t, column, x, y):  # type: ignore[no-untyped-def]
    """Return the value that triangle t has in one column of the maps at pixel (x, y)."""
    u, v = np.float32(x) - maps[t, 0], np.float32(y) - maps[t, 1]
    return maps[t, column] + maps[t, column + 1] * u + maps[t, column + 2] * v


@njit(cache=True, nogil=True, fastmath=True)
def band_displacements(y0, y1, x0, x1, maps, hold, ids, flow):  # type: ignore[no-untyped-def]
    """Write the displacement of every pixel into flow (y1 - y0, x1 - x0, 2), scaled by hold / 255.

    hold: (H, W) uint8 or empty; ids: (y1 - y0, x1 - x0) the triangles.
    """
    held = hold.shape[0] > 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            t = ids[y - y0, x - x0]
            if t < 0:
                flow[y - y0, x - x0, 0] = 0
                flow[y - y0, x - x0, 1] = 0
                continue
            dx, dy = _at(maps, t, DISPLACEMENT_X, x, y), _at(maps, t, DISPLACEMENT_Y, x, y)
            if held:
                share = hold[y, x] * np.float32(1 / 255)
                dx *= share
                dy *= share
            flow[y - y0, x - x0, 0] = dx
            flow[y - y0, x - x0, 1] = dy


@njit(cache=True, nogil=True, fastmath=True)
def _edges(ids, flow, limit, edge):  # type: ignore[no-untyped-def]
    """Mark in edge (rows, columns) both sides of an occluding edge: neighbours that move apart by over limit px."""
    rows, columns = ids.shape
    for j in range(rows):
        for i in range(columns):
            t = ids[j, i]
            if i + 1 < columns and ids[j, i + 1] != t:
                apart = abs(flow[j, i + 1, 0] - flow[j, i, 0]) + abs(flow[j, i + 1, 1] - flow[j, i, 1])
                if apart > limit:
                    edge[j, i] = edge[j, i + 1] = True
            if j + 1 < rows and ids[j + 1, i] != t:
                apart = abs(flow[j + 1, i, 0] - flow[j, i, 0]) + abs(flow[j + 1, i, 1] - flow[j, i, 1])
                if apart > limit:
                    edge[j, i] = edge[j + 1, i] = True


@njit(cache=True, nogil=True, fastmath=True)
def _soft(texture, background, zone, x, y, j, i, flow, gain, top):  # type: ignore[no-untyped-def]
    """Return the softened (r, g, b) of a pixel at an occluding edge: the mean of what the displacements of the
    neighbours fetch there.

    x, y: the pixel in the photo; j, i: the same pixel in flow.
    """
    r = g = b = weight = np.float32(0)
    for jj in range(max(j - 1, 0), min(j + 2, flow.shape[0])):
        for ii in range(max(i - 1, 0), min(i + 2, flow.shape[1])):
            share = np.float32((2 - abs(jj - j)) * (2 - abs(ii - i)))
            qx, qy = inside(texture, x, y, flow[jj, ii, 0], flow[jj, ii, 1])
            kind = kind_at(zone, qx, qy)
            cr, cg, cb, matte = bicubic(texture, qx, qy)
            pr, pg, pb = composite(cr, cg, cb, matte, background, kind, x, y, qx, qy, gain, top)
            r += share * pr
            g += share * pg
            b += share * pb
            weight += share
    return r / weight, g / weight, b / weight


@njit(cache=True, nogil=True, fastmath=True)
def _fetch_row(texture, zone, y, x0, flow, line, kinds):  # type: ignore[no-untyped-def]
    """Write photo and matte, fetched through one row of flow, into line (columns, 4), and zones into kinds (columns,).

    Where only background shows, line keeps what it has.
    """
    for i in range(line.shape[0]):
        qx, qy = inside(texture, x0 + i, y, flow[i, 0], flow[i, 1])
        kinds[i] = kind_at(zone, qx, qy)
        if kinds[i] > 0:
            line[i, 0], line[i, 1], line[i, 2], line[i, 3] = bicubic(texture, qx, qy)


@njit(cache=True, nogil=True)
def _moves(y0, y1, x0, x1, hold, target, triangles, order, maps, limit):  # type: ignore[no-untyped-def]
    """Return of every pixel of rows y0 to y1 - 1 and columns x0 to x1 - 1 the triangle, the displacement, and whether
    it lies at an occluding edge.
    """
    ids = np.full((y1 - y0, x1 - x0), -1, np.int16)
    fill_ids(y0, y1, x0, x1, target, triangles, order, ids)
    flow = np.empty((y1 - y0, x1 - x0, 2), np.float32)
    band_displacements(y0, y1, x0, x1, maps, hold, ids, flow)
    edge = np.zeros((y1 - y0, x1 - x0), np.bool_)
    _edges(ids, flow, limit, edge)
    return ids, flow, edge


@njit(cache=True, nogil=True, fastmath=True)
def _mirrored(texture, background, zone, maps, t, x, y, top):  # type: ignore[no-untyped-def]
    """Return (r, g, b) that triangle t takes at pixel (x, y) from the face's other side, in this side's light."""
    qx, qy = inside(texture, x, y, _at(maps, t, MIRROR_X, x, y), _at(maps, t, MIRROR_Y, x, y))
    r, g, b, matte = bicubic(texture, qx, qy)
    r, g, b = composite(r, g, b, matte, background, kind_at(zone, qx, qy), x, y, qx, qy, np.float32(0), top)
    one = np.float32(1)
    return (
        r * (_at(maps, t, MIRROR_R, x, y) + one),
        g * (_at(maps, t, MIRROR_G, x, y) + one),
        b * (_at(maps, t, MIRROR_B, x, y) + one),
    )


@njit(cache=True, nogil=True, fastmath=True)
def warp_band(  # type: ignore[no-untyped-def]
    y0, y1, x0, x1, texture, background, zone, hold, target, triangles, order, maps, mirrors, limit, top, out
):
    """Draw rows y0 to y1 - 1 and columns x0 to x1 - 1 into out (y1 - y0, x1 - x0, 3).

    texture: (H, W, 4) photo and matte; background: (H, W, 3); zone: (H, W) 0 background, 1 mixed, 2 solid; hold:
    (H, W) uint8, by which motion is scaled down, or empty; target: (V, 2) index coordinates; triangles: (T, 3); order:
    (T,) in which they are painted; maps: of `triangle_maps`; mirrors: whether any share of the mirrored texture is
    above 0; limit: px by which neighbours must move apart to make an occluding edge; top: largest pixel value.
    """
    first, last = max(y0 - 1, 0), min(y1 + 1, texture.shape[0])
    columns = x1 - x0
    ids, flow, edge = _moves(first, last, x0, x1, hold, target, triangles, order, maps, limit)
    line, kinds = np.empty((columns, 4), np.float32), np.empty(columns, np.uint8)
    zero, half = np.float32(0), np.float32(0.5)
    held = hold.shape[0] > 0
    for y in range(y0, y1):
        j = y - first
        _fetch_row(texture, zone, y, x0, flow[j], line, kinds)
        for i in range(columns):
            x, t = x0 + i, ids[j, i]
            if kinds[i] == 0 and not edge[j, i] and not mirrors and not held:
                for c in range(3):
                    out[y - y0, i, c] = background[y, x, c]
                continue
            dx, dy = flow[j, i, 0], flow[j, i, 1]
            gain = _at(maps, t, GAIN, x, y) if t >= 0 else zero
            share = _at(maps, t, SHARE, x, y) if mirrors and t >= 0 else zero
            if held and hold[y, x] == 0:
                gain = share = dx = dy = zero
                edge[j, i] = False
            if edge[j, i]:
                r, g, b = _soft(texture, background, zone, x, y, j, i, flow, gain, top)
            elif dx == zero and dy == zero and gain == zero and share == zero:
                for c in range(3):
                    out[y - y0, i, c] = texture[y, x, c]
                continue
            else:
                qx, qy = inside(texture, x, y, dx, dy)
                r, g, b = composite(
                    line[i, 0], line[i, 1], line[i, 2], line[i, 3],
                    background, kinds[i], x, y, qx, qy, gain, top,
                )  # fmt: skip
            if share > zero:
                mr, mg, mb = _mirrored(texture, background, zone, maps, t, x, y, top)
                r, g, b = r + share * (mr - r), g + share * (mg - g), b + share * (mb - b)
            out[y - y0, i, 0] = int(min(max(r, zero), top) + half)
            out[y - y0, i, 1] = int(min(max(g, zero), top) + half)
            out[y - y0, i, 2] = int(min(max(b, zero), top) + half)
