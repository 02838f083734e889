"""Places the mesh in the picture: by the head's motion, the expression, the neck and the shoulders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FLIP, Camera
from app.engine.face.semantic import NECK_PIVOT
from app.engine.warping.shell import FloatArray, SourceMesh
from app.engine.warping.topology import N_FACE, N_OVAL
from app.engine.warping.unfolding import unfold

# Chosen by eye on sheets and films (tools/sheets.py, tools/flicker.py).
BODY_FOLLOW = 0.5  # share by which the body follows the neck's motion beyond DEAD_ZONE
# share of the area that the head's turn alone would leave of a triangle: no triangle gets smaller
LEAST_AREA = 0.02
ROUNDS = 24  # rounds at most in which folded triangles are opened
OUTLINE = slice(N_FACE + 3 * N_OVAL, N_FACE + 6 * N_OVAL)  # the rings at which heads end
# IOD of outline motion below which the fit's error is the likelier cause: to hold it gave the full crop of filmed heads
# 0.4 dB (docs/measured.md).
STEADY = 0.16
DEAD_ZONE = 0.1  # IOD the neck may move before the body follows


def body_shift(mesh: SourceMesh, camera: Camera) -> FloatArray:
    """Return (2,) px by which the shoulders follow the neck's pivot."""
    pivot = mesh.centre + NECK_PIVOT[None]
    moved = (camera.project(pivot) - mesh.camera.project(pivot))[0, :2]
    length = float(np.hypot(*moved))
    dead = DEAD_ZONE * mesh.iod
    return np.asarray(moved * (BODY_FOLLOW * max(0.0, length - dead) / max(length, 1e-9)))


@dataclass(frozen=True, eq=False)
class Skin:
    """Triangles of the source that shall never be drawn inside out.

    corners: (T, 3); normals: (T, 3) px^2, twice the area long.
    """

    corners: NDArray[np.int32]
    normals: FloatArray

    @classmethod
    def of(cls, points: FloatArray, corners: NDArray[np.int32]) -> Skin:
        a, b, c = (points[corners[:, k]] for k in range(3))
        return cls(corners, np.cross(c - a, b - a))

    def turned(self, before: Camera, after: Camera) -> FloatArray:
        """Return (T,) twice the area (px^2) after the head's turn alone; 0 for triangles that face away before or
        after it.
        """
        turn = (after.rotation @ before.rotation.T)[2] * FLIP
        area = self.normals @ turn
        seen = (self.normals[:, 2] > 0) & (area > 0.1 * np.linalg.norm(self.normals, axis=1))
        return np.asarray(np.where(seen, area, 0.0) * (after.scale / before.scale) ** 2)

    def areas(self, points: FloatArray) -> FloatArray:
        """Return (T,) twice the signed area in the picture, > 0 towards the viewer."""
        x, y = points[:, 0][self.corners], points[:, 1][self.corners]
        ux, uy, vx, vy = x[:, 1] - x[:, 0], y[:, 1] - y[:, 0], x[:, 2] - x[:, 0], y[:, 2] - y[:, 0]
        return np.asarray(vx * uy - vy * ux)

    def folded(self, points: FloatArray, turned: FloatArray) -> int:
        """Return the number of fold-overs: triangles that are inside out though they are not on the far side of the
        head.

        All triangles of the subdivided face and shell are counted (but not the eye and mouth fills, which are drawn
        over) that face the viewer in the photo and, turned with the head alone, still do by more than 6 degrees from
        edge-on (`turned`); inside out means a signed area below -0.025 px^2. Triangles that turn away as a head's
        far side does are hidden, not folded: they are not drawn.
        """
        return int(np.count_nonzero((turned > 0) & (self.areas(points) < -0.05)))

    def unfolded(self, placed: FloatArray, turned: FloatArray) -> FloatArray:
        """Return points without fold-overs; they are the given ones where nothing is folded."""
        opened = np.ascontiguousarray(placed)
        unfold(self.corners, np.where(turned > 0, LEAST_AREA * turned, -np.inf), opened, ROUNDS)
        return opened


def target_points(mesh: SourceMesh, camera: Camera, offsets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (900, 3) px of the mesh under another camera, and (900, 3) px where the head's motion alone would bring
    it.

    offsets: (468, 3) model units added to the face. The source's own camera and zero offsets give the source points
    exactly.
    """
    still = camera == mesh.camera
    if still and not offsets.any():
        return mesh.points.copy(), mesh.points
    model = mesh.camera.unproject(mesh.points)
    own = offsets[np.where(mesh.spoke < len(offsets), mesh.spoke, 0)] * mesh.follow[:, None]
    rigid = camera.project(model + own)
    static = mesh.points.copy()
    if not still:
        static[:, :2] += mesh.body[:, None] * body_shift(mesh, camera)
    share = mesh.rigid[:, None]
    return share * rigid + (1 - share) * static, camera.project(model)


def steadiness(mesh: SourceMesh, rigid: FloatArray) -> float:
    """Return how much of the outline's motion is rather a fit's error: 1 for a small motion, 0 for a large one.

    A filmed face's landmarks fix the face to a pixel, but turn and scale only to some degrees and per cent (an open
    mouth reads as 4 degrees of pitch), which the outline, far behind the face, shows as motion. Over 16 clips keeping
    it where it was gains 0.4 dB in the full crop; one of them, with wide curly hair, loses as much. rigid: (900, 3) px
    where the head's motion alone would bring the mesh.
    """
    motion = rigid[OUTLINE, :2] - mesh.points[OUTLINE, :2]
    weight = mesh.rigid[OUTLINE] + 1e-9
    square = float(np.average(np.square(motion).sum(axis=1), weights=weight)) / mesh.iod**2
    return STEADY**4 / (square**2 + STEADY**4)


def steadied(mesh: SourceMesh, placed: FloatArray, rigid: FloatArray, steady: float) -> FloatArray:
    """Return placed points with `steady` of their outline's motion taken back."""
    placed = placed.copy()
    motion = rigid[:, :2] - mesh.points[:, :2]
    placed[:, :2] -= (steady * mesh.depth * mesh.rigid)[:, None] * motion
    return placed
