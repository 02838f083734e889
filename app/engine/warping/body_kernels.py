"""Shifts a body's pixels in compiled code, over the background that stays.

Exact layering: the foreground is *defined* as F = I - (1 - a) B, so that F + (1 - a) B is the photo I whatever the
matte a and the background fill B; a moved picture is F(q) + (1 - a(q)) B(p) with q the source of pixel p. Positions are
in index coordinates (the centre of the first pixel is 0).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from app.engine.warping.sampling import bicubic, bilinear, inside

ROUNDS = 3  # rounds in which the place is found from which a pixel comes
LEAST = np.float32(0.01)  # px: shorter ways count as none


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _share(share, x, y, factor):  # type: ignore[no-untyped-def]
    """Return the value of the small field share (h, w) at a place of the photo."""
    half = np.float32(0.5)
    qx = min(max((x + half) * factor - half, np.float32(0)), np.float32(share.shape[1] - 1))
    qy = min(max((y + half) * factor - half, np.float32(0)), np.float32(share.shape[0] - 1))
    i, j = int(qx), int(qy)
    right, below = min(i + 1, share.shape[1] - 1), min(j + 1, share.shape[0] - 1)
    fx, fy = qx - np.float32(i), qy - np.float32(j)
    upper = share[j, i] + fx * (share[j, right] - share[j, i])
    lower = share[below, i] + fx * (share[below, right] - share[below, i])
    return upper + fy * (lower - upper)


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _way(x, y, hold, share, factor, dx, dy):  # type: ignore[no-untyped-def]
    """Return the way from pixel (x, y) to the place that the shift (dx, dy), times that place's share, brings there."""
    px, py = np.float32(x), np.float32(y)
    part = _share(share, px, py, factor)
    for _ in range(ROUNDS):
        part = _share(share, px - part * dx, py - part * dy, factor)
    if hold.shape[0] > 0:
        part *= np.float32(hold[y, x]) / np.float32(255)
    return -part * dx, -part * dy


@njit(cache=True, nogil=True, fastmath=True)
def shifted_band(y0, y1, x0, texture, background, zone, hold, share, factor, dx, dy, top, out):  # type: ignore[no-untyped-def]
    """Draw rows y0..y1 from column x0 on into out (y1 - y0, w, 3), which holds the photo.

    texture: (H, W, 4) photo and matte; background: (H, W, 3); zone: (H, W) 0 background, 1 mixed, 2 solid; hold: (H, W)
    uint8 or empty; share: (h, w) of the shift (dx, dy), over a copy of the photo that is `factor` times as large; top:
    largest pixel value.
    """
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    for y in range(y0, y1):
        for x in range(x0, x0 + out.shape[1]):
            wx, wy = _way(x, y, hold, share, factor, dx, dy)
            if abs(wx) < LEAST and abs(wy) < LEAST:
                continue
            qx, qy = inside(texture, x, y, wx, wy)
            kind = zone[int(qy + half), int(qx + half)]
            if kind == 0:
                for c in range(3):
                    out[y - y0, x - x0, c] = background[y, x, c]
                continue
            r, g, b, matte = bicubic(texture, qx, qy)
            if kind == 1:
                left = one - min(max(matte / top, zero), one)
                br, bg, bb = bilinear(background, qx, qy)
                r += left * (background[y, x, 0] - br)
                g += left * (background[y, x, 1] - bg)
                b += left * (background[y, x, 2] - bb)
            out[y - y0, x - x0, 0] = int(min(max(r, zero), top) + half)
            out[y - y0, x - x0, 1] = int(min(max(g, zero), top) + half)
            out[y - y0, x - x0, 2] = int(min(max(b, zero), top) + half)


@njit(cache=True, nogil=True, fastmath=True)
def shifts(x0, y0, hold, share, factor, dx, dy, flow):  # type: ignore[no-untyped-def]
    """Write into flow (h, w, 2), whose first pixel is (x0, y0), the way to where `shifted_band` takes each colour."""
    for j in range(flow.shape[0]):
        for i in range(flow.shape[1]):
            flow[j, i, 0], flow[j, i, 1] = _way(x0 + i, y0 + j, hold, share, factor, dx, dy)
