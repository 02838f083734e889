"""Draws the pixels of a turned head in compiled code: by depth, from the photo or the atlas, with a soft edge.

Positions are in index coordinates (the centre of the first pixel is 0).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from app.engine.head.raster import raster_band
from app.engine.warping.locks import loosened
from app.engine.warping.own_view_kernels import add_beyond, at_rest, own_place, unmoved
from app.engine.warping.sampling import bicubic, bilinear, plane

# Columns of the table of values at the atlas' vertices: place in the photo and in the atlas, share of the photo's
# colour, share in which the photo's edge is no edge any more, brightness gain - 1, share that is drawn at all, the
# factor by which a rim is brighter than in the photo, share that stands behind clothes, and IOD by which made-up hair
# lies inside the furthest that its locks reach.
PHOTO_X, PHOTO_Y, ATLAS_X, ATLAS_Y, PHOTO, SOLID, GAIN, THERE, RIM, THROAT, DEEP = range(11)
COLUMNS = 11  # number of these columns
NOWHERE = np.float32(-1e30)  # the depth of a pixel where there is no head
# Beside the person, the shares PHOTO and SOLID are taken to begin at EDGE and to rise SHARP times as fast; chosen by
# eye on cut-outs turned by 24 degrees.
EDGE, SHARP = np.float32(0.2), np.float32(4.0)
# Coverage from which a place is opaque: the weights of a bicubic read sum up to a rounding less than 1, and half of all
# opaque places would be mixed with what lies behind.
OPAQUE = np.float32(0.99999)
# px of depth: what is less is a bend of the surface. A nose of 30 px between the eyes was blurred, and was read to look
# up by 1.4 degrees more.
LEAST_CLIFF = np.float32(2.0)


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _value(maps, t, column, u, v):  # type: ignore[no-untyped-def]
    """Return the value of a column of maps (of `head_maps`) at (u, v) px from the anchor of triangle t."""
    k = 2 + 3 * column
    return maps[t, k] + maps[t, k + 1] * u + maps[t, k + 2] * v


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _colour(maps, t, u, v, there, texture, background, atlas, top, tint):  # type: ignore[no-untyped-def]
    """Return premultiplied (r, g, b) and the coverage at (u, v) px from the anchor of triangle t, of which so much is
    there.
    """
    zero, one = np.float32(0), np.float32(1)
    r = g = b = a = zero
    photo = min(_value(maps, t, PHOTO, u, v), one)
    if photo > zero:
        qx = min(max(_value(maps, t, PHOTO_X, u, v), zero), np.float32(texture.shape[1] - 1))
        qy = min(max(_value(maps, t, PHOTO_Y, u, v), zero), np.float32(texture.shape[0] - 1))
        pr, pg, pb, pa = bicubic(texture, qx, qy)
        a = one
        if pa < OPAQUE * top:
            a = max(pa / top, zero)
            br, bg, bb = bilinear(background, qx, qy)
            left = one - a
            pr, pg, pb = pr - left * br, pg - left * bg, pb - left * bb
            # Beside the person the photo shows that there is no head: an edge lies between that and the atlas.
            solid = _value(maps, t, SOLID, u, v)
            photo += left * (min(max((photo - EDGE) * SHARP, zero), one) - photo)
            solid += left * (min(max((solid - EDGE) * SHARP, zero), one) - solid)
            if solid > zero:
                # Where the photo's edge of the head has turned inwards it is no edge any more: it gets the full
                # colour of the photo or of the atlas.
                known = min(max((a - np.float32(0.7)) * np.float32(4.0), zero), one)
                photo *= one - solid * (one - known)
                full = one + solid * (one / max(a, np.float32(0.3)) - one)
                pr, pg, pb = pr * full, pg * full, pb * full
                a = min(a * full, one)
        bright = photo * _value(maps, t, RIM, u, v)
        r, g, b, a = bright * pr, bright * pg, bright * pb, photo * a
    if photo < one:
        ax = min(max(_value(maps, t, ATLAS_X, u, v), zero), np.float32(atlas.shape[1] - 1))
        ay = min(max(_value(maps, t, ATLAS_Y, u, v), zero), np.float32(atlas.shape[0] - 1))
        tr, tg, tb, _ = bicubic(atlas, ax, ay)
        rest = one - photo
        r, g, b, a = r + rest * tr, g + rest * tg, b + rest * tb, a + rest
    gain = _value(maps, t, GAIN, u, v)
    r, g, b = (one + gain * tint[0]) * r, (one + gain * tint[1]) * g, (one + gain * tint[2]) * b
    return there * r, there * g, there * b, there * a


@njit(cache=True, nogil=True)
def head_maps(points, triangles, corners, table, box, out):  # type: ignore[no-untyped-def]
    """Write each triangle's anchor, and (value there, d/dx, d/dy) of each column of a table (A, C), into out (T, 2 +
    3 C), and return the numbers (N,) of the triangles that may be seen: the others are left out.

    points: (V, 3) px in index coordinates; triangles: (T, 3) over them; corners: (T, 3) the same over the table; box:
    (4,) x0, y0, x1, y1 of the picture's part that is drawn: triangles beyond it or facing away are not seen.
    """
    chosen, count = np.empty(triangles.shape[0], np.int64), 0
    left, top, right, bottom = box[0] - 2, box[1] - 2, box[2] + 1, box[3] + 1
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = points[a, 0], points[a, 1]
        ux, uy = points[b, 0] - ax, points[b, 1] - ay
        vx, vy = points[c, 0] - ax, points[c, 1] - ay
        det = ux * vy - uy * vx
        if det > -1e-9 or ay + max(0.0, uy, vy) < top or ay + min(0.0, uy, vy) > bottom:
            continue
        if ax + max(0.0, ux, vx) < left or ax + min(0.0, ux, vx) > right:
            continue
        chosen[count] = t
        count += 1
        inv = 1.0 / det
        out[t, 0], out[t, 1] = ax, ay
        d, e, f = corners[t, 0], corners[t, 1], corners[t, 2]
        for k in range(table.shape[1]):
            first = table[d, k]
            fb, fc = table[e, k] - first, table[f, k] - first
            out[t, 2 + 3 * k] = first
            out[t, 3 + 3 * k] = (fb * vy - fc * uy) * inv
            out[t, 4 + 3 * k] = (fc * ux - fb * vx) * inv
    return chosen[:count]


@njit(cache=True, nogil=True, fastmath=True)
def head_band(  # type: ignore[no-untyped-def]
    y0, y1, x0, x1, points, triangles, chosen, maps, texture, background, atlas, hold, clothes, down, right,
    hair_points, hair_triangles, hair_chosen, hair_maps, hair, goes, hair_corner, own, mixed, top, tint, locks, view,
    behind,
):  # fmt: skip
    """Draw rows y0 to y1 - 1 and columns x0 to x1 - 1 of head and hair into behind (y1 - y0, x1 - x0, 3).

    points: (V, 3) in index coordinates; triangles: (T, 3) over them; chosen, maps: of `head_maps`; texture: (H, W, 4)
    photo and matte; background: (H, W, 3); atlas: (S, S, 4); hold: (H, W) uint8, by which the photo's pixels are
    kept, or empty; clothes: (H, W) uint8 or empty, 255 on clothes, moved by (right, down) px, behind which lies what
    is THROAT; hair: (h, w, 4) the sheet's texture, and goes: (h, w) of `Sheet`, whose first pixel is hair_corner (2,);
    hair_points, hair_triangles, hair_chosen: as for the head; hair_maps: of `head_maps`, places in the photo and how
    thin the hair is; own: share of the photo that is drawn instead of the sheet's texture; mixed: px of depth over
    which the nearer of head and hair takes over, and more than which lie between two parts of the head; top: largest
    pixel value; tint: (3,) factors of the gain for red, green and blue; locks: `Locks`; view: `OwnPixels`; behind:
    holds all else before. The outlines of the head and of its parts are softened over three pixels, and what has not
    moved keeps the photo's pixels.
    """
    first = y0 - 1
    ids, depth = _nearest(points, triangles, chosen, first, y1 + 1, x0 - 1, x1 + 1)
    hair_ids, hair_depth = _nearest(hair_points, hair_triangles, hair_chosen, y0, y1, x0, x1)
    rests = _rests(ids, hair_ids, x0, y0, view)
    drawn = np.zeros((*ids.shape, 4), np.float32)
    _coloured(
        ids, rests, (x0 - 1, first), maps, texture, background, atlas, clothes, (right, down), top, tint, locks, drawn
    )  # fmt: skip
    held = hold.shape[0] > 0
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    for y in range(y0, y1):
        for x in range(x0, x1):
            j, i, t = y - y0 + 1, x - x0 + 1, hair_ids[y - y0, x - x0]
            if rests[y - y0, x - x0]:
                for k in range(3):
                    behind[y - y0, x - x0, k] = texture[y, x, k]
                continue
            touched = _touched(ids, j, i)
            if t < 0 and touched == 0:
                continue
            if touched == 5 and _at_cliff(depth, j, i, mixed):
                touched = 4
            share = np.float32(hold[y, x]) / np.float32(255) if held else one
            behind_it = t < 0 or hair_depth[y - y0, x - x0] <= depth[j, i] - mixed
            if touched == 5 and behind_it and share == one and drawn[j, i, 3] >= OPAQUE:
                for k in range(3):
                    behind[y - y0, x - x0, k] = int(min(max(drawn[j, i, k], zero), top) + half)
                continue
            head, near = (zero, zero, zero, zero), NOWHERE
            if touched > 0:
                head, near = _softened(ids, depth, drawn, touched < 5, j, i)
            strand, thin, before = (zero, zero, zero, zero), zero, zero
            if t >= 0:
                before = _before(hair_depth[y - y0, x - x0], near, mixed)
                if near == NOWHERE or head[3] < OPAQUE or before > zero:
                    qx, qy, thin = _hair_at(hair_maps, t, x, y)
                    strand = _strand(qx, qy, hair, goes, hair_corner, texture, own, background, top)
            # What the matte leaves out may differ from the background, too: a helmet's ring moves with the hair.
            if head[3] <= 0 and strand[3] <= 0 and strand[0] == 0 and strand[1] == 0 and strand[2] == 0:
                continue
            _over(head, strand, before, thin, share, texture, y, x, top, behind, y - y0, x - x0)
    if view.lasts > zero:
        _add_all(ids, hair_ids, rests, points, triangles, hair_maps, hold, x0, y0, top, view, behind)


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _hair_at(maps, t, x, y):  # type: ignore[no-untyped-def]
    """Return the place (x, y) in the photo that the hair's triangle t shows at a pixel, and how thin the hair is."""
    u, v = np.float32(x) - maps[t, 0], np.float32(y) - maps[t, 1]
    return _value(maps, t, 0, u, v), _value(maps, t, 1, u, v), _value(maps, t, 2, u, v)


@njit(cache=True, nogil=True)
def _nearest(points, triangles, chosen, y0, y1, x0, x1):  # type: ignore[no-untyped-def]
    """Return the nearest triangle (h, w) at each pixel of rows y0 to y1 - 1 and columns x0 to x1 - 1, -1 where none is,
    and its depth (h, w) px.
    """
    ids = np.full((y1 - y0, x1 - x0), -1, np.int32)
    depth = np.empty((y1 - y0, x1 - x0), np.float32)
    raster_band(points, triangles, chosen, True, y0, y1, x0, x1, ids, depth)
    return ids, depth


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _before(hair, head, mixed):  # type: ignore[no-untyped-def]
    """Return how far hair of one depth px stands before a head of another, 0 to 1 over `mixed` either way."""
    if head == NOWHERE:
        return np.float32(0)
    share = (hair - head) / (np.float32(2) * mixed) + np.float32(0.5)
    return min(max(share, np.float32(0)), np.float32(1))


@njit(cache=True, nogil=True)
def _rests(ids, hair_ids, x0, y0, view):  # type: ignore[no-untyped-def]
    """Return (h, w), where nothing has moved; ids: (h + 2, w + 2)."""
    same = np.empty(ids.shape, np.bool_)
    hair_same, rests = np.empty(hair_ids.shape, np.bool_), np.empty(hair_ids.shape, np.bool_)
    unmoved(ids, x0 - 1, y0 - 1, view.went, view.ids, view.corner, same)
    unmoved(hair_ids, x0, y0, view.hair_went, view.hair_ids, view.corner, hair_same)
    at_rest(ids, hair_ids, same, hair_same, view.stands, rests)
    return rests


@njit(cache=True, nogil=True, fastmath=True)
def _add_all(ids, hair_ids, rests, points, triangles, hair_maps, hold, x0, y0, top, view, out):  # type: ignore[no-untyped-def]
    """Add to all that moved, out (h, w, 3), what the photo has beyond it, as far as that lasts."""
    held = hold.shape[0] > 0
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            t, s = ids[j + 1, i + 1], hair_ids[j, i]
            if rests[j, i] or (t >= 0 and not view.more[t]):
                continue
            if t < 0 and s >= 0 and not view.hair_more[s]:
                continue
            x, y = np.float32(x0 + i), np.float32(y0 + j)
            share = view.lasts if t >= 0 or s >= 0 else view.behind
            if held:
                share *= np.float32(hold[y0 + j, x0 + i]) / np.float32(255)
            if t >= 0:
                x, y = own_place(x, y, triangles[t, 0], triangles[t, 1], triangles[t, 2], points, view.first)
            elif s >= 0:
                x, y, _ = _hair_at(hair_maps, s, x, y)
            add_beyond(x, y, t >= 0, s >= 0, share, view, top, out[j, i])


@njit(cache=True, nogil=True, forceinline=True)
def _needed(rests, j, i):  # type: ignore[no-untyped-def]
    """Return whether a pixel or one beside it, whose outline it may soften, does not rest; rests: (h, w), of which
    pixel (0, 0) is (1, 1) here.
    """
    for v in range(max(j - 2, 0), min(j + 1, rests.shape[0])):
        for u in range(max(i - 2, 0), min(i + 1, rests.shape[1])):
            if not rests[v, u]:
                return True
    return False


@njit(cache=True, nogil=True)
def _coloured(  # type: ignore[no-untyped-def]
    ids, rests, corner, maps, texture, background, atlas, clothes, shift, top, tint, locks, drawn,
):  # fmt: skip
    """Write colours and coverage of the head into drawn (h, w, 4), wherever ids (h, w) holds a triangle.

    rests: (h - 2, w - 2) where nothing has moved, which is not drawn; corner: (x, y) of the first pixel.
    """
    one = np.float32(1)
    for j in range(ids.shape[0]):
        for i in range(ids.shape[1]):
            t = ids[j, i]
            if t >= 0 and _needed(rests, j, i):
                u, v = np.float32(corner[0] + i) - maps[t, 0], np.float32(corner[1] + j) - maps[t, 1]
                there = _value(maps, t, THERE, u, v)
                x, y = corner[0] + i - shift[0], corner[1] + j - shift[1]
                if 0 <= y < clothes.shape[0] and 0 <= x < clothes.shape[1] and clothes[y, x] > 0:
                    throat = min(max(_value(maps, t, THROAT, u, v), np.float32(0)), one)
                    there *= one - throat * np.float32(clothes[y, x]) / np.float32(255)
                deep = _value(maps, t, DEEP, u, v)
                if there > 0 and deep < np.float32(2) * (locks.reach + locks.least):
                    there *= loosened(deep, np.float32(corner[0] + i), np.float32(corner[1] + j), locks)
                if there > 0:
                    r, g, b, a = _colour(maps, t, u, v, there, texture, background, atlas, top, tint)
                    drawn[j, i, 0], drawn[j, i, 1], drawn[j, i, 2], drawn[j, i, 3] = r, g, b, a


@njit(cache=True, nogil=True, forceinline=True)
def _touched(ids, j, i):  # type: ignore[no-untyped-def]
    """Return at how many of five pixels, (j, i) and its four neighbours, the head is."""
    return (
        (ids[j, i] >= 0)
        + (ids[j - 1, i] >= 0)
        + (ids[j + 1, i] >= 0)
        + (ids[j, i - 1] >= 0)
        + (ids[j, i + 1] >= 0)
    )


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _at_cliff(depth, j, i, step):  # type: ignore[no-untyped-def]
    """Return whether one part of the head ends before another between (j, i) and one of its four neighbours, as a nose
    does before a cheek: there the depth goes up or down by more than `step` px more than it does beside it, so that
    a steep slope is no end.
    """
    twice = np.float32(2) * depth[j, i]
    across = abs(depth[j, i - 1] + depth[j, i + 1] - twice)
    return max(across, abs(depth[j - 1, i] + depth[j + 1, i] - twice)) > max(step, LEAST_CLIFF)


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _softened(ids, depth, drawn, edge, j, i):  # type: ignore[no-untyped-def]
    """Return the head's premultiplied (r, g, b) and coverage at a pixel, and its depth, NOWHERE where there is no head.

    edge: whether the pixel lies at the outline of the head or of a part of it, where the values are softened.
    """
    near = NOWHERE
    if ids[j, i] >= 0:
        near = depth[j, i]
    else:
        for jj, ii in ((j - 1, i), (j + 1, i), (j, i - 1), (j, i + 1)):
            if ids[jj, ii] >= 0:
                near = max(near, depth[jj, ii])
    if not edge:
        return (drawn[j, i, 0], drawn[j, i, 1], drawn[j, i, 2], drawn[j, i, 3]), near
    r = g = b = a = np.float32(0)
    for jj in range(j - 1, j + 2):
        for ii in range(i - 1, i + 2):
            share = np.float32((2 - abs(jj - j)) * (2 - abs(ii - i))) / np.float32(16)
            r += share * drawn[jj, ii, 0]
            g += share * drawn[jj, ii, 1]
            b += share * drawn[jj, ii, 2]
            a += share * drawn[jj, ii, 3]
    return (r, g, b, a), near


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _strand(qx, qy, hair, goes, corner, texture, own, background, top):  # type: ignore[no-untyped-def]
    """Return the premultiplied (r, g, b) and coverage of the hair at a place of the photo."""
    zero, one = np.float32(0), np.float32(1)
    bx = min(max(qx, zero), np.float32(texture.shape[1] - 1))
    by = min(max(qy, zero), np.float32(texture.shape[0] - 1))
    x = min(max(qx - np.float32(corner[0]), zero), np.float32(hair.shape[1] - 1))
    y = min(max(qy - np.float32(corner[1]), zero), np.float32(hair.shape[0] - 1))
    share = own * plane(goes, x, y) / np.float32(255)
    r = g = b = a = zero
    if share < one:
        r, g, b, a = _over_background(hair, x, y, background, bx, by, top)
    if share > zero:
        pr, pg, pb, pa = _over_background(texture, bx, by, background, bx, by, top)
        r, g, b, a = r + share * (pr - r), g + share * (pg - g), b + share * (pb - b), a + share * (pa - a)
    return r, g, b, a


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _over_background(picture, x, y, background, bx, by, top):  # type: ignore[no-untyped-def]
    """Return the premultiplied (r, g, b) and coverage of a picture (h, w, 4) at (x, y), of which the background
    (H, W, 3) at (bx, by) is taken out.
    """
    r, g, b, a = bicubic(picture, x, y)
    a = min(max(a / top, np.float32(0)), np.float32(1))
    if a < OPAQUE:
        left = np.float32(1) - a
        br, bg, bb = bilinear(background, bx, by)
        r, g, b = r - left * br, g - left * bg, b - left * bb
    return r, g, b, a


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _over(head, strand, before, thin, share, photo, y, x, top, out, j, i):  # type: ignore[no-untyped-def]
    """Blend one pixel of head and hair over out (h, w, 3) at (j, i), each as far as it stands before the other.

    before: 0 where the head stands before the hair to 1 where the hair stands before the head; thin: 1 where the hair
    is only the head's outline; share: how much of the result is drawn instead of the photo's own pixel (x, y).
    """
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    r, g, b = strand[0], strand[1], strand[2]
    a, s = min(head[3], one), min(strand[3], one)
    if before > zero and s > zero:
        # A transparent fringe shows little of its own colour, and a thin strip of hair is the head's own outline:
        # both are drawn over the background, but not over the head.
        before *= min(max((s - half) * np.float32(2.5), zero), one) * (one - min(max(thin, zero), one))
    of_head, of_hair = one - before * s, one - (one - before) * a
    left = (one - a) * (one - s)
    r = of_head * head[0] + of_hair * r + left * out[j, i, 0]
    g = of_head * head[1] + of_hair * g + left * out[j, i, 1]
    b = of_head * head[2] + of_hair * b + left * out[j, i, 2]
    if share < one:
        r, g, b = (
            share * r + (one - share) * photo[y, x, 0],
            share * g + (one - share) * photo[y, x, 1],
            share * b + (one - share) * photo[y, x, 2],
        )
    out[j, i, 0] = int(min(max(r, zero), top) + half)
    out[j, i, 1] = int(min(max(g, zero), top) + half)
    out[j, i, 2] = int(min(max(b, zero), top) + half)
