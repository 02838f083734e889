"""Opens the fold-overs of a posed mesh in compiled code; only the mesh around a fold is moved."""

from __future__ import annotations

import numpy as np
from numba import njit

# These values were chosen on driven clips by the number of folds left and by the milliseconds of a frame
# (docs/measured.md, “Speed”).
RINGS = 4  # rings of triangles around a fold that may move so that it opens
LOCAL_ROUNDS = 60  # rounds after which folds are sought again
# A folded triangle gets this many times the area it lacks, so that it stays open when its neighbours move.
BEYOND = 1.1
# Share of its least area that a triangle may lack: without it, rounding alone kept every round going.
SLACK = 1e-3


@njit(cache=True, nogil=True)
def unfold(corners, least, placed, rounds):  # type: ignore[no-untyped-def]
    """Move points, placed (V, 3), in place until no triangle, corners (T, 3), has less than its least double area (T,)
    px^2 towards the viewer, and return whether any fold is left after `rounds` rounds.

    Every such triangle is opened by the shortest way, and then its neighbours if that folds them. To even out the
    motion around a fold instead would pull closing lips apart.
    """
    for _ in range(rounds):
        near = _near_folds(corners, least, placed)
        if len(near) == 0:
            return False
        for _ in range(LOCAL_ROUNDS):
            if not _open(near, corners, least, placed):
                break
    return True


@njit(cache=True, nogil=True)
def _area(points, a, b, c):  # type: ignore[no-untyped-def]
    """Return twice the area of a triangle in the picture, above 0 where it faces the viewer."""
    ux, uy = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
    vx, vy = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1]
    return vx * uy - vy * ux


@njit(cache=True, nogil=True)
def _near_folds(corners, least, placed):  # type: ignore[no-untyped-def]
    """Return the triangles with less than their least double area, and those within RINGS rings around them."""
    marked = np.zeros(len(placed), np.bool_)
    chosen = np.zeros(len(corners), np.bool_)
    count = 0
    for t in range(len(corners)):
        if _area(placed, corners[t, 0], corners[t, 1], corners[t, 2]) < (1 - SLACK) * least[t]:
            chosen[t] = True
            count += 1
    for _ in range(RINGS if count > 0 else 0):
        for t in range(len(corners)):
            if chosen[t]:
                marked[corners[t, 0]] = marked[corners[t, 1]] = marked[corners[t, 2]] = True
        count = 0
        for t in range(len(corners)):
            chosen[t] = marked[corners[t, 0]] or marked[corners[t, 1]] or marked[corners[t, 2]]
            count += chosen[t]
    return np.flatnonzero(chosen)


@njit(cache=True, nogil=True)
def _open(near, corners, least, placed):  # type: ignore[no-untyped-def]
    """Open every triangle of near (N,) that has less than its least double area, and return whether there was one.

    Each triangle gets the correction of least length, which lies along the gradient of its area. Source: Mueller et
    al., Position Based Dynamics, 2007, section 3.3.
    """
    folded = False
    for t in near:
        a, b, c = corners[t, 0], corners[t, 1], corners[t, 2]
        lacking = least[t] - _area(placed, a, b, c)
        if lacking <= SLACK * least[t]:
            continue
        folded = True
        ux, uy = placed[b, 0] - placed[a, 0], placed[b, 1] - placed[a, 1]
        vx, vy = placed[c, 0] - placed[a, 0], placed[c, 1] - placed[a, 1]
        square = ux * ux + uy * uy + vx * vx + vy * vy + (ux - vx) ** 2 + (uy - vy) ** 2
        step = BEYOND * lacking / max(square, 1e-9)
        placed[b, 0] -= step * vy
        placed[b, 1] += step * vx
        placed[c, 0] += step * uy
        placed[c, 1] -= step * ux
        placed[a, 0] += step * (vy - uy)
        placed[a, 1] += step * (ux - vx)
    return folded
