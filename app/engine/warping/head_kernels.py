"""Draws a turned head's pixels with compiled code: by depth, from the photo or the atlas, with a soft edge over what
lies behind.

Positions are in index coordinates (the centre of the first pixel is 0).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from app.engine.head.raster import raster_band
from app.engine.warping.kernels import bicubic, bilinear

# Columns of the per-vertex table.
PHOTO_X, PHOTO_Y, ATLAS_X, ATLAS_Y, PHOTO, SOLID, GAIN, THERE, RIM = range(9)
COLUMNS = 9  # of that table
NOWHERE = np.float32(-1e30)  # a depth
# The share of the photo, and of what turned inwards, at which an edge begins beside the person, and how much quicker
# than that share it rises (chosen on cut-outs turned by 24 degrees)
EDGE, SHARP = np.float32(0.2), np.float32(4.0)


@njit(cache=True, nogil=True, fastmath=True)
def _colour(values, texture, background, atlas, top):  # type: ignore[no-untyped-def]
    """Return premultiplied (r, g, b) and coverage of one place; values: (9,) of the table."""
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
            # Beside the person the photo shows that nothing is there: an edge lies between that and the atlas.
            photo += left * (min(max((photo - EDGE) * SHARP, zero), one) - photo)
            solid += left * (min(max((solid - EDGE) * SHARP, zero), one) - solid)
            if solid > zero:
                # Where the head's former edge has turned inwards it is no edge any more: it gets the full colour, or
                # the atlas'.
                known = min(max((a - np.float32(0.7)) * np.float32(4.0), zero), one)
                photo *= one - solid * (one - known)
                full = one + solid * (one / max(a, np.float32(0.3)) - one)
                pr, pg, pb = pr * full, pg * full, pb * full
                a = min(a * full, one)
        bright = photo * values[RIM]
        r, g, b, a = bright * pr, bright * pg, bright * pb, photo * a
    if photo < one:
        ax = min(max(values[ATLAS_X], zero), np.float32(atlas.shape[1] - 1))
        ay = min(max(values[ATLAS_Y], zero), np.float32(atlas.shape[0] - 1))
        tr, tg, tb = bilinear(atlas, ax, ay)
        rest = one - photo
        r, g, b, a = r + rest * tr, g + rest * tg, b + rest * tb, a + rest
    return there * lit * r, there * lit * g, there * lit * b, there * a


@njit(cache=True, nogil=True)
def head_maps(points, triangles, corners, table, out):  # type: ignore[no-untyped-def]
    """Write per triangle the anchor, and (value there, d/dx, d/dy) of each column of table (A, C), into out (T, 2 +
    3 C).
    """
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
        for k in range(table.shape[1]):
            first = table[d, k]
            fb, fc = table[e, k] - first, table[f, k] - first
            out[t, 2 + 3 * k] = first
            out[t, 3 + 3 * k] = (fb * vy - fc * uy) * inv
            out[t, 4 + 3 * k] = (fc * ux - fb * vx) * inv


@njit(cache=True, nogil=True, fastmath=True)
def head_band(  # type: ignore[no-untyped-def]
    y0, y1, x0, x1, points, triangles, maps, texture, background, atlas, hold, hair_points, hair_triangles,
    hair_maps, hair, hair_corner, own, mixed, top, behind,
):  # fmt: skip
    """Draw rows y0..y1 (columns x0..x1) of head and hair into behind (y1 - y0, x1 - x0, 3), which holds all else.

    points: (V, 3); triangles over them; maps: of `head_maps`; texture: (H, W, 4) photo and matte;
    background: (H, W, 3); atlas: (S, S, 3); hold: (H, W) uint8 or empty; hair: (h, w, 4) its sheet's texture, whose
    first pixel is hair_corner of the photo; own: how much of the photo is drawn instead of it; hair_maps: places in
    the photo and how thin the hair is; mixed: px of depth over which the nearer of both takes over; top: largest pixel
    value. The head's outline is softened over three pixels.
    """
    first, last = y0 - 1, y1 + 1
    columns = x1 - x0 + 2
    ids = np.full((last - first, columns), -1, np.int32)
    depth = np.empty((last - first, columns), np.float32)
    raster_band(points, triangles, True, first, last, x0 - 1, x1 + 1, ids, depth)
    drawn = np.zeros((last - first, columns, 4), np.float32)
    _coloured(ids, (x0 - 1, first), maps, texture, background, atlas, top, drawn)
    hair_ids = np.full((y1 - y0, x1 - x0), -1, np.int32)
    hair_depth = np.empty((y1 - y0, x1 - x0), np.float32)
    raster_band(hair_points, hair_triangles, True, y0, y1, x0, x1, hair_ids, hair_depth)
    head, strand = np.empty(4, np.float32), np.empty(4, np.float32)
    held = hold.shape[0] > 0
    one = np.float32(1)
    for y in range(y0, y1):
        for x in range(x0, x1):
            t = hair_ids[y - y0, x - x0]
            if t < 0 and not _any(ids, y - y0 + 1, x - x0 + 1):
                continue
            near = _softened(ids, depth, drawn, y - y0 + 1, x - x0 + 1, head)
            strand[0] = strand[1] = strand[2] = strand[3] = np.float32(0)
            thin = np.float32(0)
            if t >= 0 and (near == NOWHERE or head[3] < one or hair_depth[y - y0, x - x0] > near - mixed):
                u, v = np.float32(x) - hair_maps[t, 0], np.float32(y) - hair_maps[t, 1]
                qx = hair_maps[t, 2] + hair_maps[t, 3] * u + hair_maps[t, 4] * v
                qy = hair_maps[t, 5] + hair_maps[t, 6] * u + hair_maps[t, 7] * v
                thin = hair_maps[t, 8] + hair_maps[t, 9] * u + hair_maps[t, 10] * v
                _strand(qx, qy, hair, hair_corner, texture, own, background, top, strand)
            # What the matte leaves out may differ from the background, too: a helmet's ring goes along with the hair.
            if head[3] <= 0 and strand[3] <= 0 and strand[0] == 0 and strand[1] == 0 and strand[2] == 0:
                continue
            before = np.float32(0)  # px by which the hair stands before the head
            if near != NOWHERE and t >= 0:
                before = (hair_depth[y - y0, x - x0] - near) / (np.float32(2) * mixed) + np.float32(0.5)
                before = min(max(before, np.float32(0)), one)
            share = np.float32(hold[y, x]) / np.float32(255) if held else one
            _over(head, strand, before, thin, share, texture, y, x, top, behind, y - y0, x - x0)


@njit(cache=True, nogil=True)
def _coloured(ids, corner, maps, texture, background, atlas, top, drawn):  # type: ignore[no-untyped-def]
    """Write colours and alpha of the head into drawn (h, w, 4), whose first pixel is corner (x, y), wherever ids
    holds a triangle.
    """
    values = np.empty(COLUMNS, np.float32)
    for j in range(ids.shape[0]):
        for i in range(ids.shape[1]):
            t = ids[j, i]
            if t >= 0:
                u, v = np.float32(corner[0] + i) - maps[t, 0], np.float32(corner[1] + j) - maps[t, 1]
                for k in range(COLUMNS):
                    values[k] = maps[t, 2 + 3 * k] + maps[t, 3 + 3 * k] * u + maps[t, 4 + 3 * k] * v
                if values[THERE] > 0:
                    r, g, b, a = _colour(values, texture, background, atlas, top)
                    drawn[j, i, 0], drawn[j, i, 1], drawn[j, i, 2], drawn[j, i, 3] = r, g, b, a


@njit(cache=True, nogil=True)
def _any(ids, j, i):  # type: ignore[no-untyped-def]
    """Return whether the head is at a pixel or beside it."""
    return (
        ids[j, i] >= 0 or ids[j - 1, i] >= 0 or ids[j + 1, i] >= 0 or ids[j, i - 1] >= 0 or ids[j, i + 1] >= 0
    )


@njit(cache=True, nogil=True, fastmath=True)
def _softened(ids, depth, drawn, j, i, out):  # type: ignore[no-untyped-def]
    """Write the head's premultiplied colour, its outline softened, into out (4,), and return its depth, or NOWHERE
    where there is no head.
    """
    here = ids[j, i]
    near = depth[j, i] if here >= 0 else NOWHERE
    edge = False
    for jj, ii in ((j - 1, i), (j + 1, i), (j, i - 1), (j, i + 1)):
        if (here < 0) != (ids[jj, ii] < 0):
            edge = True
            if here < 0:
                near = max(near, depth[jj, ii])
    for k in range(4):
        out[k] = drawn[j, i, k]
    if edge:
        for k in range(4):
            total = np.float32(0)
            for jj in range(j - 1, j + 2):
                for ii in range(i - 1, i + 2):
                    total += np.float32((2 - abs(jj - j)) * (2 - abs(ii - i))) * drawn[jj, ii, k]
            out[k] = total / np.float32(16)
    return near


@njit(cache=True, nogil=True, fastmath=True)
def _strand(qx, qy, hair, corner, texture, own, background, top, out):  # type: ignore[no-untyped-def]
    """Write the premultiplied colour and coverage of the hair at a place of the photo into out (4,)."""
    zero, one = np.float32(0), np.float32(1)
    r = g = b = a = zero
    if own < one:
        x = min(max(qx - np.float32(corner[0]), zero), np.float32(hair.shape[1] - 1))
        y = min(max(qy - np.float32(corner[1]), zero), np.float32(hair.shape[0] - 1))
        r, g, b, a = bicubic(hair, x, y)
    if own > zero:
        x = min(max(qx, zero), np.float32(texture.shape[1] - 1))
        y = min(max(qy, zero), np.float32(texture.shape[0] - 1))
        pr, pg, pb, pa = bicubic(texture, x, y)
        r, g, b, a = r + own * (pr - r), g + own * (pg - g), b + own * (pb - b), a + own * (pa - a)
    a = min(max(a / top, zero), one)
    if a < one:
        left = one - a
        bx = min(max(qx, zero), np.float32(background.shape[1] - 1))
        by = min(max(qy, zero), np.float32(background.shape[0] - 1))
        br, bg, bb = bilinear(background, bx, by)
        r, g, b = r - left * br, g - left * bg, b - left * bb
    out[0], out[1], out[2], out[3] = r, g, b, a


@njit(cache=True, nogil=True, fastmath=True)
def _over(head, strand, before, thin, share, texture, y, x, top, out, j, i):  # type: ignore[no-untyped-def]
    """Blend one pixel of head and hair over out (h, w, 3) at (j, i), each as far as it stands before the other."""
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    a, s = min(head[3], one), min(strand[3], one)
    if before > zero and s > zero:
        # A transparent fringe shows little of its own colour, and a thin strip of hair is the head's own outline:
        # both are drawn over the background, but not over the head.
        kept = min(max((s - half) * np.float32(2.5), zero), one) * (one - min(max(thin, zero), one))
        over = before * a  # beside the head, what is darker than the background stays below 0
        s *= one + over * (kept - one)
        for k in range(3):
            strand[k] += over * (max(strand[k], zero) * kept - strand[k])
    of_head, of_hair = one - before * s, one - (one - before) * a
    left = (one - a) * (one - s)
    for k in range(3):
        value = of_head * head[k] + of_hair * strand[k] + left * out[j, i, k]
        if share < one:
            value = share * value + (one - share) * texture[y, x, k]
        out[j, i, k] = int(min(max(value, zero), top) + half)
