"""Draws the inside of a mouth in compiled code: by a depth buffer, with the photo's own mouth over it."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

# These values were chosen by eye on sheets of mouths (tools/feature_sheets.py). Model units are those of the face
# model, an eye distance each.
SUPERSAMPLING = 2  # samples along either side of a pixel
ARCH = 1.7  # per model unit: a row of teeth bends backwards by z = -ARCH x^2
ARCH_END = 0.36  # model units from the middle at which a row of teeth ends
FORM = 0.35  # share of the light that reaches only surfaces that face the viewer
LIT_RANGE = (0.55, 1.5)  # least and greatest light on a surface over that on one that faces the viewer
REDDER = (
    0.8,
    1.15,
    1.2,
)  # powers of the fading with depth for red, green and blue: flesh lights what is dark
GLOSS = 0.16  # share of full light that wet surfaces reflect where they mirror the light


@njit(cache=True, nogil=True, fastmath=True)
def carried(points, jaw, drop, axes, start, out):  # type: ignore[no-untyped-def]
    """Write points (V, 3), with the jaw dropped, as index coordinates of the supersampled picture into out (V, 3).

    jaw: (V, 3) by which points move as the jaw drops by 1; drop: the jaw's drop; axes: (3, 3) from model units to px;
    start: (2,) px of the points' origin. All are float32.
    """
    for v in range(points.shape[0]):
        x, y, z = (
            points[v, 0] + drop * jaw[v, 0],
            points[v, 1] + drop * jaw[v, 1],
            points[v, 2] + drop * jaw[v, 2],
        )
        for k in range(3):
            out[v, k] = axes[k, 0] * x + axes[k, 1] * y + axes[k, 2] * z
        for k in range(2):
            out[v, k] = (out[v, k] + start[k]) * np.float32(SUPERSAMPLING) - np.float32(0.5)


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _clipped(low, high, start, slope):  # type: ignore[no-untyped-def]
    """Return the part (low, high) of a range of x in which start + slope * x is not below 0."""
    if slope > 0:
        low = max(low, -start / slope)
    elif slope < 0:
        high = min(high, -start / slope)
    elif start < 0:
        high = low - np.float32(1)
    return low, high


@njit(cache=True, nogil=True, fastmath=True)
def nearest(points, triangles, depth, ids):  # type: ignore[no-untyped-def]
    """Write the nearest triangle into ids (h, w), -1 where there is none, and its depth (z) into depth (h, w).

    points: (V, 3) float32, x and y in index coordinates of the picture (y down), z towards the viewer; triangles:
    (T, 3), counter-clockwise as seen from outside with y up. Triangles that face away are left out.
    """
    height, width = ids.shape
    slack = np.float32(1e-5)
    depth[:], ids[:] = np.float32(-1e9), -1
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = points[a, 0], points[a, 1], points[a, 2]
        bx, by, cx, cy = points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        ux, uy, vx, vy = bx - ax, by - ay, cx - ax, cy - ay
        area = ux * vy - uy * vx
        if area >= np.float32(-1e-9):
            continue
        x0, y0 = max(0, math.ceil(min(ax, bx, cx))), max(0, math.ceil(min(ay, by, cy)))
        x1, y1 = min(width - 1, math.floor(max(ax, bx, cx))), min(height - 1, math.floor(max(ay, by, cy)))
        if x0 > x1 or y0 > y1:
            continue
        inverse = np.float32(1) / area
        # Shares of the corners b and c, and the depth, along a row: their values at x = ax, and their slopes.
        sx, rx = vy * inverse, -uy * inverse
        zs, zr = points[b, 2] - az, points[c, 2] - az
        zx = sx * zs + rx * zr
        first, last = np.float32(x0) - ax, np.float32(x1) - ax
        for y in range(y0, y1 + 1):
            py = np.float32(y) - ay
            s, r = -py * vx * inverse, ux * py * inverse
            low, high = _clipped(first, last, s + slack, sx)
            low, high = _clipped(low, high, r + slack, rx)
            low, high = _clipped(low, high, np.float32(1) - s - r + slack, -sx - rx)
            row = az + s * zs + r * zr
            for x in range(math.ceil(low + ax), math.floor(high + ax) + 1):
                z = row + zx * (np.float32(x) - ax)
                if z > depth[y, x]:
                    depth[y, x] = z
                    ids[y, x] = t


@njit(cache=True, nogil=True, fastmath=True)
def in_sight(ids, triangles, share, used):  # type: ignore[no-untyped-def]
    """Mark in used (V,) the corners of the triangles in ids (2 h, 2 w) at pixels whose share (h, w) is above 0."""
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            t = ids[y, x]
            if t >= 0 and share[y // SUPERSAMPLING, x // SUPERSAMPLING] > 0:
                for k in range(3):
                    used[triangles[t, k]] = True


@njit(cache=True, nogil=True, fastmath=True)
def lit(used, normals, points, colours, tooth, open_, light, out):  # type: ignore[no-untyped-def]
    """Write the colours of the vertices in used (V,), in the photo's light, into out (V, 3).

    normals, points, colours: (V, 3) and tooth, open_: (V,) of `teeth.Inside`. light: (9, 3), in this order: the
    rotation to pixels' axes (3 rows), the direction to the light, the direction of normals that mirror the light to
    the viewer, factors on the colours of teeth, factors on those of flesh, the colour that no light reaches, and (depth
    over which light fades on flesh, the same on teeth, brightness of a surface that faces the viewer). All are float32.
    """
    zero, one = np.float32(0), np.float32(1)
    for v in range(used.shape[0]):
        if not used[v]:
            continue
        toward, mirrored, front = zero, zero, zero
        for k in range(3):
            n = light[k, 0] * normals[v, 0] + light[k, 1] * normals[v, 1] + light[k, 2] * normals[v, 2]
            toward, mirrored, front = toward + n * light[3, k], mirrored + n * light[4, k], n
        direction = min(max((one + toward) / light[8, 2], np.float32(LIT_RANGE[0])), np.float32(LIT_RANGE[1]))
        form = one - np.float32(FORM) * (one - min(max(front, zero), one))
        reach = light[8, 0] + tooth[v] * (light[8, 1] - light[8, 0])
        deep = min(points[v, 2], zero) / reach
        gloss = min(max(mirrored, zero), one) ** 24 * math.exp(deep) * np.float32(GLOSS * 255)
        for k in range(3):
            factor = light[6, k] + tooth[v] * (light[5, k] - light[6, k])
            shaded = (
                colours[v, k] * factor * direction * form * open_[v] * math.exp(deep * np.float32(REDDER[k]))
            )
            out[v, k] = max(shaded + gloss * min(max(factor, zero), one), light[7, k])


@njit(cache=True, nogil=True, fastmath=True)
def lay_over(points, colours, triangles, ids, share, out):  # type: ignore[no-untyped-def]
    """Draw the triangles in ids (2 h, 2 w) over out (h, w, 3), in place, with opacity share (h, w).

    points: (V, 3) in index coordinates of the supersampled picture; colours: (V, 3).
    """
    part = np.float32(1 / SUPERSAMPLING**2)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            if share[y, x] <= 0:
                continue
            red = green = blue = covered = np.float32(0)
            for j in range(SUPERSAMPLING * y, SUPERSAMPLING * (y + 1)):
                for i in range(SUPERSAMPLING * x, SUPERSAMPLING * (x + 1)):
                    t = ids[j, i]
                    if t < 0:
                        continue
                    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    px, py = np.float32(i) - points[a, 0], np.float32(j) - points[a, 1]
                    ux, uy = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
                    vx, vy = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1]
                    inverse = np.float32(1) / (ux * vy - uy * vx)
                    s, r = (px * vy - py * vx) * inverse, (ux * py - uy * px) * inverse
                    q = np.float32(1) - s - r
                    red += q * colours[a, 0] + s * colours[b, 0] + r * colours[c, 0]
                    green += q * colours[a, 1] + s * colours[b, 1] + r * colours[c, 1]
                    blue += q * colours[a, 2] + s * colours[b, 2] + r * colours[c, 2]
                    covered += part
            out[y, x, 0] += share[y, x] * (red * part - out[y, x, 0] * covered)
            out[y, x, 1] += share[y, x] * (green * part - out[y, x, 1] * covered)
            out[y, x, 2] += share[y, x] * (blue * part - out[y, x, 2] * covered)


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def in_photo(x, y, axes, at, to, lip):  # type: ignore[no-untyped-def]
    """Return the px in the photo of the place of a row of teeth that lies at px (x, y) of the target.

    A row of teeth is an arch (ARCH). axes, to: (2, 3) from model units to px of the target and of the photo; at, lip:
    (2,) px of the row's middle in the target and in the photo. All are float32.
    """
    u, v = x - at[0], y - at[1]
    inverse = np.float32(1) / (axes[0, 0] * axes[1, 1] - axes[0, 1] * axes[1, 0])
    across = up = z = np.float32(0)
    for _ in range(3):
        p, q = u - axes[0, 2] * z, v - axes[1, 2] * z
        across = (axes[1, 1] * p - axes[0, 1] * q) * inverse
        up = (axes[0, 0] * q - axes[1, 0] * p) * inverse
        z = -np.float32(ARCH) * min(abs(across), np.float32(ARCH_END)) ** 2
    return (
        to[0, 0] * across + to[0, 1] * up + to[0, 2] * z + lip[0],
        to[1, 0] * across + to[1, 1] * up + to[1, 2] * z + lip[1],
    )


@njit(cache=True, nogil=True, fastmath=True)
def fetch_own(corner, cover, axes, at, to, lip, stretch, picture, cut, out):  # type: ignore[no-untyped-def]
    """Write the photo's own mouth, picture (h, w, 6) of `OwnMouth`, into out (h, w, 6) where cover (h, w) is above 0.

    corner: (2,) px of the first pixel; axes, at, to, lip: of `in_photo`; stretch: (6,) the unit vector from the upper
    to the lower lip (2), the mouth's height (px), the share of the height that keeps its size, the factor by which the
    rest is squeezed, and the weight of this squeezing, 0 to 1; cut: (2,) px of the picture's corner. All are float32.
    """
    half = np.float32(0.5)
    last_x, last_y = np.float32(picture.shape[1] - 1), np.float32(picture.shape[0] - 1)
    for j in range(cover.shape[0]):
        for i in range(cover.shape[1]):
            if cover[j, i] <= 0:
                continue
            x, y = corner[0] + np.float32(i) + half, corner[1] + np.float32(j) + half
            x, y = in_photo(x, y, axes, at, to, lip)
            if stretch[5] > 0:
                t = ((x - lip[0]) * stretch[0] + (y - lip[1]) * stretch[1]) / stretch[2]
                if t > stretch[3]:
                    move = (stretch[3] + (t - stretch[3]) * stretch[4] - t) * stretch[5] * stretch[2]
                    x, y = x + move * stretch[0], y + move * stretch[1]
            x = min(max(x - cut[0] - half, np.float32(0)), last_x)
            y = min(max(y - cut[1] - half, np.float32(0)), last_y)
            left, top = int(x), int(y)
            right, under = min(left + 1, picture.shape[1] - 1), min(top + 1, picture.shape[0] - 1)
            fx, fy = x - np.float32(left), y - np.float32(top)
            for k in range(6):
                above = picture[top, left, k] + fx * (picture[top, right, k] - picture[top, left, k])
                below = picture[under, left, k] + fx * (picture[under, right, k] - picture[under, left, k])
                out[j, i, k] = above + fy * (below - above)


@njit(cache=True, nogil=True, fastmath=True)
def blend_mouth(view, cover, made, deep, colourful, steps, warped, own, teeth, same):  # type: ignore[no-untyped-def]
    """Draw the mouth into view (h, w, 3), in place, with opacity cover (h, w).

    made: (h, w, 3) the made inside, 0 to 255; deep: (h, w) that shades its edges; colourful: share of their colour
    that things keep; steps: levels of the view in one level of made; warped: share of the view that stays; own: of
    `fetch_own`; teeth: weight of own between the lips, 0 to 1; same: its least weight where the photo shows what is
    between its lips, 0 to 1.
    """
    half, zero = np.float32(0.5), np.float32(0)
    third, top = np.float32(1 / 3), np.float32(255) * steps
    for j in range(view.shape[0]):
        for i in range(view.shape[1]):
            c = cover[j, i]
            if c <= zero:
                continue
            shade = deep[j, i] * steps
            grey = (made[j, i, 0] + made[j, i, 1] + made[j, i, 2]) * third
            weight = max(teeth * own[j, i, 3], same * own[j, i, 5])
            for k in range(3):
                there = np.float32(view[j, i, k])
                value = (grey + colourful * (made[j, i, k] - grey)) * shade
                value += warped * (there - value)
                value += weight * (own[j, i, k] - value)
                view[j, i, k] = int(min(max(there + c * (value - there) + half, zero), top))
