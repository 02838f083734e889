"""Compares a frame with the photo's own view in compiled code: what has not moved, and what the photo has beyond its
drawn layers.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


class OwnPixels(NamedTuple):
    """What a frame's compiled code takes of the photo's own view.

    ids, hair_ids, beyond, corner: of `OwnView`; went, hair_went: (T,) and (S,), which triangles of head and hair move;
    more, hair_more: (T,) and (S,), which of them the photo has anything beyond; first: (V, 3) the head's vertices in
    that view, in index coordinates; lasts, behind: how much of what the photo has beyond is added on head and hair, and
    on what stands behind them; stands: whether the body stands still, too.
    """

    ids: NDArray[np.int32]
    hair_ids: NDArray[np.int32]
    beyond: NDArray[Any]
    corner: NDArray[np.int32]
    went: NDArray[np.bool_]
    hair_went: NDArray[np.bool_]
    more: NDArray[np.bool_]
    hair_more: NDArray[np.bool_]
    first: NDArray[np.float64]
    lasts: np.float32
    behind: np.float32
    stands: np.bool_


@njit(cache=True, nogil=True)
def unmoved(ids, x0, y0, moved, first, corner, out):  # type: ignore[no-untyped-def]
    """Write into out (h, w) where a triangle that has not moved is drawn as in the photo's own view, or none as there.

    ids: (h, w) triangles, -1 where none is, whose first pixel is (x0, y0) of the photo; moved: (T,) whether a triangle
    moves; first: (H, W) triangles in the photo's own view, whose first pixel is corner (x, y); beyond it there are
    none.
    """
    for j in range(ids.shape[0]):
        for i in range(ids.shape[1]):
            t = ids[j, i]
            v, u = y0 + j - corner[1], x0 + i - corner[0]
            within = v >= 0 and u >= 0 and v < first.shape[0] and u < first.shape[1]
            out[j, i] = t == (first[v, u] if within else -1) and (t < 0 or not moved[t])


@njit(cache=True, nogil=True)
def at_rest(ids, hair_ids, same, hair_same, stands, out):  # type: ignore[no-untyped-def]
    """Write into out (h, w) where the hair is `same` (h, w), and the head at a pixel and all around it (h + 2, w + 2),
    whose neighbours soften its outline.

    ids, hair_ids: triangles of both at the same pixels, -1 where none is; there, only a body that stands is at rest.
    """
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            drawn = stands or ids[j + 1, i + 1] >= 0 or hair_ids[j, i] >= 0
            out[j, i] = drawn and hair_same[j, i] and _around(same, j, i)


@njit(cache=True, nogil=True, forceinline=True)
def _around(same, j, i):  # type: ignore[no-untyped-def]
    if not same[j + 1, i + 1]:
        return False
    for v in range(j, j + 3):
        for u in range(i, i + 3):
            if not same[v, u]:
                return False
    return True


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def own_place(x, y, a, b, c, points, first):  # type: ignore[no-untyped-def]
    """Return where the place (x, y) of a triangle (a, b, c) lies in the photo's own view; points, first: (V, 3) in the
    frame and in that view.
    """
    ux, uy = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
    vx, vy = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1]
    px, py = x - points[a, 0], y - points[a, 1]
    det = ux * vy - uy * vx
    s, r = (px * vy - py * vx) / det, (ux * py - uy * px) / det
    q = 1 - s - r
    qx = q * first[a, 0] + s * first[b, 0] + r * first[c, 0]
    return np.float32(qx), np.float32(q * first[a, 1] + s * first[b, 1] + r * first[c, 1])


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def add_beyond(qx, qy, head, hair, share, own, top, out):  # type: ignore[no-untyped-def]
    """Add to a pixel out (3,) what the photo has beyond the same layer at a place (qx, qy) of it.

    head, hair: whether the pixel is the head's, else whether it is the hair's; share: how much of it is added; own:
    `OwnPixels`.
    """
    first, first_hair, beyond, corner = own.ids, own.hair_ids, own.beyond, own.corner
    qx, qy = qx - np.float32(corner[0]), qy - np.float32(corner[1])
    x, y = math.floor(qx), math.floor(qy)
    if x < 0 or y < 0 or x + 1 >= first.shape[1] or y + 1 >= first.shape[0]:
        return
    fx, fy = qx - np.float32(x), qy - np.float32(y)
    r = g = b = np.float32(0)
    for v in range(y, y + 2):
        for u in range(x, x + 2):
            of_head = first[v, u] >= 0
            if of_head != head or (not head and hair != (first_hair[v, u] >= 0)):
                continue
            weight = (fx if u > x else np.float32(1) - fx) * (fy if v > y else np.float32(1) - fy)
            r += weight * beyond[v, u, 0]
            g += weight * beyond[v, u, 1]
            b += weight * beyond[v, u, 2]
    half = np.float32(0.5)
    zero = np.float32(0)
    out[0] = int(min(max(out[0] + share * r, zero), top) + half)
    out[1] = int(min(max(out[1] + share * g, zero), top) + half)
    out[2] = int(min(max(out[2] + share * b, zero), top) + half)
