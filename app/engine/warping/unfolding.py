"""Opens the fold-overs of a head's face in compiled code. It works locally and costs little where nothing is folded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from app.engine.face.parameters import FLIP, Camera
from app.engine.head import HeadModel
from app.engine.head.lips import lips_and_fronts
from app.engine.warping.curves import FloatArray

# These values were chosen on driven clips by the number of folds left and by the milliseconds of a frame
# (docs/measured.md, “Speed”).
RINGS = 4  # rings of triangles around a fold that may move so that it opens
LOCAL_ROUNDS = 60  # rounds after which folds are sought again
# A folded triangle gets this many times the area it lacks, so that it stays open when its neighbours move.
BEYOND = 1.1
# Share of its least area that a triangle may lack: without it, rounding alone kept every round going.
SLACK = 1e-3
# share of the area that the head's turn alone would leave of a triangle: no triangle gets smaller
LEAST_AREA = 0.02
ROUNDS = 24  # rounds at most in which folded triangles are opened
FACE = 0.7  # cm from the face's landmarks within which a triangle is skin that an expression moves
LIDS = 4  # rings of vertices around an eye's opening that close and open with it, and over which the eye is drawn


@dataclass(frozen=True, eq=False)
class Skin:
    """A face's triangles that shall never be drawn inside out.

    corners: (T, 3); normals: (T, 3) px^2, twice the area long, in the photo.
    """

    corners: NDArray[np.int32]
    normals: FloatArray

    @classmethod
    def of(cls, points: FloatArray, corners: NDArray[np.int32]) -> Skin:
        a, b, c = (points[corners[:, k]] for k in range(3))
        return cls(corners, np.cross(c - a, b - a))

    @cached_property
    def _edge_on(self) -> FloatArray:
        """(T,) the double area (px^2) up to which a turned triangle counts as seen edge-on; inf where it faces away."""
        return np.where(self.normals[:, 2] > 0, 0.1 * np.linalg.norm(self.normals, axis=1), np.inf)

    def turned(self, before: Camera, after: Camera) -> FloatArray:
        """Return (T,) twice the area (px^2) after the head's turn alone; 0 for triangles that face away before or
        after it.
        """
        turn = (after.rotation @ before.rotation.T)[2] * FLIP
        area = self.normals @ turn
        seen = area > self._edge_on
        return np.asarray(np.where(seen, area, 0.0) * (after.scale / before.scale) ** 2)

    def areas(self, points: FloatArray) -> FloatArray:
        """Return (T,) twice the signed area in the picture, > 0 towards the viewer."""
        x, y = points[:, 0][self.corners], points[:, 1][self.corners]
        ux, uy, vx, vy = x[:, 1] - x[:, 0], y[:, 1] - y[:, 0], x[:, 2] - x[:, 0], y[:, 2] - y[:, 0]
        return np.asarray(vx * uy - vy * ux)

    def folded(self, points: FloatArray, turned: FloatArray) -> int:
        """Return the number of fold-overs: triangles that are inside out though they are not on the far side of the
        head.

        Those are counted that face the viewer in the photo and, turned with the head alone (`turned`), still do by more
        than 6 degrees from edge-on; inside out means a signed area below -0.025 px^2. Triangles that turn away as a
        head's far side does are hidden, not folded: they are not drawn.
        """
        return int(np.count_nonzero((turned > 0) & (self.areas(points) < -0.05)))

    def unfolded(self, placed: FloatArray, turned: FloatArray) -> FloatArray:
        """Return points without fold-overs; they are the given ones where nothing is folded."""
        opened = np.array(placed)
        unfold(self.corners, np.where(turned > 0, LEAST_AREA * turned, -np.inf), opened, ROUNDS)
        return opened


@cache
def face_triangles() -> NDArray[np.int32]:
    """Return the head's triangles that lie on the face, (T, 3), without the inner lips, which no photo shows, and
    without the lids' rims."""
    model = HeadModel.load()
    skin = model.distance < FACE
    skin[lips_and_fronts()[0]] = False
    return np.ascontiguousarray(model.triangles[(skin & ~lids())[model.triangles].all(axis=1)])


@cache
def lids() -> NDArray[np.bool_]:
    """Return (V,) which of the head's vertices close and open with an eye."""
    model = HeadModel.load()
    found, joined = np.zeros(len(model.points), bool), model.laplacian != 0
    found[np.concatenate(model.loops[1:])] = True
    for _ in range(LIDS):
        found = joined @ found > 0
    return found


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


@njit(cache=True, nogil=True, forceinline=True)
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
