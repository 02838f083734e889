"""Draws an eyeball and its lashes in compiled code. All arrays are float32 where no other type is given."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from app.engine.warping.sampling import bilinear, inside

# These values were chosen by eye on sheets of eyes (tools/feature_sheets.py).
SHADOW_REACH = 0.085  # eye widths over which the upper lid's shadow fades
# Eye widths from the upper and from the lower lid into the eye, between which the lid's shade is measured.
STRIPS = ((-0.04, 0.11), (-0.04, 0.07))
IRIS_EDGE = (1.0, 1.16)  # radii of the iris over which the iris fades into the sclera
OFF_CORNEA = 0.15  # share of a reflection that is left where it falls beside the iris
LASH_FALL = 2.2  # times as far as above the lid's line that lashes reach below it
# Least square of a direction's part towards the viewer: the surface goes on smoothly beyond the sphere's outline.
FLATTEST = 0.06


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _fetched(picture, x, y):  # type: ignore[no-untyped-def]
    """Return (r, g, b) of a picture (h, w, 3) at pixel coordinates; edges repeat."""
    half, zero = np.float32(0.5), np.float32(0)
    qx, qy = inside(picture, x - half, y - half, zero, zero)
    return bilinear(picture, qx, qy)


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _turned(matrix, x, y, z):  # type: ignore[no-untyped-def]
    """Return the product of a matrix (3, 3) with a vector."""
    return (
        matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z,
        matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z,
        matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z,
    )


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _between(frame, lids, x, y):  # type: ignore[no-untyped-def]
    """Return the coordinates of a pixel between the lids, as `LidFrame.coordinates` gives them."""
    u, v = x - frame[0], y - frame[1]
    along, height = (u * frame[2] + v * frame[3]) / frame[6], u * frame[4] + v * frame[5]
    place = min(max(along, np.float32(0)), np.float32(1)) * np.float32(lids.shape[1] - 1)
    k = min(int(place), lids.shape[1] - 2)
    f = place - np.float32(k)
    upper = lids[0, k] + f * (lids[0, k + 1] - lids[0, k])
    lower = lids[1, k] + f * (lids[1, k + 1] - lids[1, k])
    return along, upper - height, height - lower


@njit(cache=True, nogil=True, fastmath=True, forceinline=True)
def _of_strip(strip, along, distance, low, high):  # type: ignore[no-untyped-def]
    """Return (r, g, b) of a lid's strip (ROWS, COLUMNS, 3), whose rows go from distance `low` to `high` off the lid.

    along: 0 to 1 from corner to corner; distance: from the lid, in the unit of low and high.
    """
    column = along * np.float32(strip.shape[1]) - np.float32(0.5)
    row = (distance - low) * np.float32(strip.shape[0] - 1) / (high - low)
    qx, qy = inside(strip, column, row, np.float32(0), np.float32(0))
    return bilinear(strip, qx, qy)


@njit(cache=True, nogil=True, fastmath=True)
def draw_eyeball(  # type: ignore[no-untyped-def]
    colours, cover, corner, ball, scale, head, look, axis, sphere, rim, at, slip, sclera, iris, glint,
    frame, lids, width, shadow, upper, lower,
):  # fmt: skip
    """Draw an eyeball into colours (h, w, 3), 0 to 255, in place, with the coverage (h, w), 0 to 1.

    corner: (2,) px of the first pixel; ball, head, look, slip: of `EyePose`, and scale: px of the photo per px of the
    target; axis, sphere: of `Eye`; rim: distance between the directions to the iris' centre and to its rim; at: (2,)
    px of the eyeball's centre in the pictures sclera, iris and glint (h, w, 3); frame: (7,) corner, along, up and
    width of the target's `LidFrame`, and lids: (2, N) its upper and lower heights; width: px of the photo's eye;
    shadow, upper, lower: the shadow and the two strips of `EyeParts`.
    """
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    for j in range(cover.shape[0]):
        for i in range(cover.shape[1]):
            c = cover[j, i]
            if c <= zero:
                continue
            x, y = corner[0] + np.float32(i) + half, corner[1] + np.float32(j) + half
            u, v = (x - ball[0]) * scale / sphere, (y - ball[1]) * scale / sphere
            z = math.sqrt(max(one - u * u - v * v, np.float32(FLATTEST)))
            hx, hy, hz = _turned(head, u, v, z)
            bx, by, bz = _turned(look, hx, hy, hz)
            gap = math.sqrt((bx - axis[0]) ** 2 + (by - axis[1]) ** 2 + (bz - axis[2]) ** 2) / rim
            t = (np.float32(IRIS_EDGE[1]) - gap) / np.float32(IRIS_EDGE[1] - IRIS_EDGE[0])
            t = min(max(t, zero), one)
            share = t * t * (np.float32(3) - np.float32(2) * t)
            r, g, b = _fetched(sclera, hx * sphere + at[0], hy * sphere + at[1])
            if share > zero:
                ir, ig, ib = _fetched(iris, bx * sphere + at[0], by * sphere + at[1])
                r, g, b = r + share * (ir - r), g + share * (ig - g), b + share * (ib - b)
            shine = np.float32(OFF_CORNEA) + np.float32(1 - OFF_CORNEA) * share
            gr, gg, gb = _fetched(glint, hx * sphere + at[0] - slip[0], hy * sphere + at[1] - slip[1])
            r, g, b = r + shine * gr, g + shine * gg, b + shine * gb
            along, below, above = _between(frame, lids, x, y)
            below, above = below * scale / width, above * scale / width
            dark = one - shadow * math.exp(-max(below, zero) / np.float32(SHADOW_REACH))
            ur, ug, ub = _of_strip(upper, along, below, np.float32(STRIPS[0][0]), np.float32(STRIPS[0][1]))
            lr, lg, lb = _of_strip(lower, along, above, np.float32(STRIPS[1][0]), np.float32(STRIPS[1][1]))
            colours[j, i, 0] += c * (r * dark * ur * lr - colours[j, i, 0])
            colours[j, i, 1] += c * (g * dark * ug * lg - colours[j, i, 1])
            colours[j, i, 2] += c * (b * dark * ub * lb - colours[j, i, 2])


@njit(cache=True, nogil=True, fastmath=True)
def draw_lashes(colours, lid, down, thick, strength, lash):  # type: ignore[no-untyped-def]
    """Draw a soft stroke along a lid into colours (h, w, 3), in place.

    lid: (N, 2) px from corner to corner; down: (2,) towards the lid's lower side; thick: px; strength: share of the
    lashes' colour, lash (3,), where the stroke is thickest.
    """
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    segments = lid.shape[0] - 1
    for j in range(colours.shape[0]):
        for i in range(colours.shape[1]):
            x, y = np.float32(i) + half, np.float32(j) + half
            near, along, u, v = np.float32(1e18), zero, zero, zero
            for k in range(segments):
                ax, ay = lid[k, 0], lid[k, 1]
                dx, dy = lid[k + 1, 0] - ax, lid[k + 1, 1] - ay
                t = ((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, np.float32(1e-9))
                t = min(max(t, zero), one)
                px, py = x - ax - t * dx, y - ay - t * dy
                square = px * px + py * py
                if square < near:
                    near, along, u, v = square, (np.float32(k) + t) / np.float32(segments), px, py
            arc = math.sin(np.float32(math.pi) * (along * np.float32(0.96) + np.float32(0.02)))
            taper = math.sqrt(max(arc, 0.0))
            reach = thick * (np.float32(0.35) + np.float32(0.65) * taper)
            if u * down[0] + v * down[1] > zero:
                reach *= np.float32(LASH_FALL)
            reach = max(reach, half)
            share = strength * taper * math.exp(-near / (reach * reach))
            for k in range(3):
                colours[j, i, k] += share * (lash[k] - colours[j, i, k])
