"""The per-pixel work of `evidence`, compiled."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _slopes(source, target, a, b, c):  # type: ignore[no-untyped-def]
    """(d source x / dx, / dy, d source y / dx, / dy) over the target, and the source triangle's signed area x 2."""
    ux, uy = target[b, 0] - target[a, 0], target[b, 1] - target[a, 1]
    vx, vy = target[c, 0] - target[a, 0], target[c, 1] - target[a, 1]
    px, py = source[b, 0] - source[a, 0], source[b, 1] - source[a, 1]
    qx, qy = source[c, 0] - source[a, 0], source[c, 1] - source[a, 1]
    det = ux * vy - uy * vx
    inverse = 1.0 / (det if abs(det) > 1e-4 else 1e-4)
    xx, xy = (px * vy - qx * uy) * inverse, (qx * ux - px * vx) * inverse
    yx, yy = (py * vy - qy * uy) * inverse, (qy * ux - py * vx) * inverse
    limit = 8.0
    xx, xy = min(max(xx, -limit), limit), min(max(xy, -limit), limit)
    yx, yy = min(max(yx, -limit), limit), min(max(yy, -limit), limit)
    return xx, xy, yx, yy, px * qy - py * qx


@njit(cache=True, nogil=True)
def texture_layers(ids, source, target, triangles, unseen, valid, flow, stretch, seen):  # type: ignore[no-untyped-def]
    """Fill flow (H, W, 2) px, stretch (H, W) and seen (H, W) from the triangle at each pixel of ids (H, W), -1 none.

    source, target: (V, 2) index coordinates; unseen: (V,); valid: the least singular values of the map from target to
    source between which texture goes from not seen to seen.
    """
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            t = ids[y, x]
            if t < 0:
                flow[y, x, 0] = flow[y, x, 1] = stretch[y, x] = 0
                seen[y, x] = 1
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            xx, xy, yx, yy, area = _slopes(source, target, a, b, c)
            u, v = x - target[a, 0], y - target[a, 1]
            flow[y, x, 0] = source[a, 0] + xx * u + xy * v - x
            flow[y, x, 1] = source[a, 1] + yx * u + yy * v - y
            total, det = xx * xx + xy * xy + yx * yx + yy * yy, xx * yy - xy * yx
            least = math.sqrt(max((total - math.sqrt(max(total * total - 4 * det * det, 0.0))) / 2, 0.0))
            if area >= 0:  # the photo shows its back
                least = -least
            stretch[y, x] = min(max(np.log2(max(least, 0.125)) / 3, -1.0), 1.0)
            s = min(max((least - valid[0]) / (valid[1] - valid[0]), 0.0), 1.0)
            seen[y, x] = s * s * (3 - 2 * s) * (1 - (unseen[a] + unseen[b] + unseen[c]) / 3)
