"""Places the mesh of a face in the picture, by the motions of head, expression, neck and shoulders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FLIP, Camera
from app.engine.face.semantic import NECK_PIVOT
from app.engine.warping.shell import FloatArray, SourceMesh
from app.engine.warping.topology import N_FACE, N_OVAL
from app.engine.warping.unfolding import unfold

# These values were chosen by eye on sheets and films (tools/sheets.py, tools/flicker.py), except where a comment names
# another origin. IOD is the distance between the eyes.
BODY_FOLLOW = 0.5  # share of the neck's motion beyond DEAD_ZONE by which the body follows
# Least area of a triangle, as a share of the area that the head's turn alone would leave.
LEAST_AREA = 0.02
ROUNDS = 24  # greatest number of rounds that open folded triangles
OUTLINE = slice(N_FACE + 3 * N_OVAL, N_FACE + 6 * N_OVAL)  # vertices of the rings at which heads end
# IOD of the outline's motion below which the fit's error is the likelier cause: to hold the outline then brought
# filmed heads 0.4 dB nearer to their frames in the full crop (docs/measured.md).
STEADY = 0.16
DEAD_ZONE = 0.1  # IOD by which the neck may move before the body follows


def body_shift(mesh: SourceMesh, camera: Camera) -> FloatArray:
    """Return (2,) px by which the shoulders follow the neck's pivot under another camera."""
    pivot = mesh.centre + NECK_PIVOT[None]
    moved = (camera.project(pivot) - mesh.camera.project(pivot))[0, :2]
    length = float(np.hypot(*moved))
    dead = DEAD_ZONE * mesh.iod
    return np.asarray(moved * (BODY_FOLLOW * max(0.0, length - dead) / max(length, 1e-9)))


@dataclass(frozen=True, eq=False)
class Skin:
    """Triangles of the source that must never be drawn inside out.

    corners: (T, 3) vertices; normals: (T, 3) px^2, as long as twice the triangle's area.
    """

    corners: NDArray[np.int32]
    normals: FloatArray

    @classmethod
    def of(cls, points: FloatArray, corners: NDArray[np.int32]) -> Skin:
        """Return the triangles with these corners (T, 3) over the source's points (V, 3) px."""
        a, b, c = (points[corners[:, k]] for k in range(3))
        return cls(corners, np.cross(c - a, b - a))

    def turned(self, before: Camera, after: Camera) -> FloatArray:
        """Return twice the areas (T,) px^2 that triangles have after the head's turn alone.

        Triangles that face away from the viewer before or after the turn have 0.
        """
        turn = (after.rotation @ before.rotation.T)[2] * FLIP
        area = self.normals @ turn
        seen = (self.normals[:, 2] > 0) & (area > 0.1 * np.linalg.norm(self.normals, axis=1))
        return np.asarray(np.where(seen, area, 0.0) * (after.scale / before.scale) ** 2)

    def areas(self, points: FloatArray) -> FloatArray:
        """Return twice the signed areas (T,) px^2 in the picture, above 0 where a triangle faces the viewer."""
        x, y = points[:, 0][self.corners], points[:, 1][self.corners]
        ux, uy, vx, vy = x[:, 1] - x[:, 0], y[:, 1] - y[:, 0], x[:, 2] - x[:, 0], y[:, 2] - y[:, 0]
        return np.asarray(vx * uy - vy * ux)

    def folded(self, points: FloatArray, turned: FloatArray) -> int:
        """Return the number of fold-overs: triangles that are inside out though they are not on the head's far side.

        Those triangles of the subdivided face and shell are counted that face the viewer in the photo and, turned
        with the head alone, still do by more than 6 degrees from edge-on (turned: of `turned`, above 0). Inside out
        means a signed area below -0.025 px^2. The triangles of eyes and mouth are not part of this, because they are
        drawn over. Triangles that turn away as a head's far side does are hidden, not folded: they are not drawn.
        """
        return int(np.count_nonzero((turned > 0) & (self.areas(points) < -0.05)))

    def unfolded(self, placed: FloatArray, turned: FloatArray) -> FloatArray:
        """Return the placed points (V, 3) px with fold-overs opened; where nothing is folded they stay as they are."""
        opened = np.ascontiguousarray(placed)
        unfold(self.corners, np.where(turned > 0, LEAST_AREA * turned, -np.inf), opened, ROUNDS)
        return opened


def target_points(mesh: SourceMesh, camera: Camera, offsets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (900, 3) px of the mesh under another camera, and (900, 3) px where the head's motion alone would bring
    the mesh.

    offsets: (468, 3) of the expression, in model space. The source's own camera and offsets of zero give the source's
    points exactly.
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
    """Return the share of the outline's motion that is likely a fit's error: 1 for a small motion, 0 for a large one.

    The landmarks of a filmed face place the face to a pixel, but determine its turn and scale only to some degrees and
    per cent (an open mouth reads as 4 degrees of pitch). The outline lies far behind the face and shows such errors as
    motion. Over 16 clips, an outline that stays where it was gains 0.4 dB in the full crop; one clip, with wide curly
    hair, loses as much. rigid: (900, 3) px where the head's motion alone would bring the mesh.
    """
    motion = rigid[OUTLINE, :2] - mesh.points[OUTLINE, :2]
    weight = mesh.rigid[OUTLINE] + 1e-9
    square = float(np.average(np.square(motion).sum(axis=1), weights=weight)) / mesh.iod**2
    return STEADY**4 / (square**2 + STEADY**4)


def steadied(mesh: SourceMesh, placed: FloatArray, rigid: FloatArray, steady: float) -> FloatArray:
    """Return the placed points (900, 3) px with a share (steady, 0 to 1) of their outline's motion taken back.

    rigid: (900, 3) px where the head's motion alone would bring the mesh.
    """
    placed = placed.copy()
    motion = rigid[:, :2] - mesh.points[:, :2]
    placed[:, :2] -= (steady * mesh.depth * mesh.rigid)[:, None] * motion
    return placed
