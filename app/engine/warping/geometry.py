"""Where the mesh goes: head motion, expression, neck and shoulders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.warping.shell import NECK_PIVOT, FloatArray, SourceMesh
from app.engine.warping.topology import topology

IntArray = NDArray[np.int32]

BODY_FOLLOW = 0.5
FLIP = np.array([1.0, -1.0, 1.0])  # model space (y up) to pixels (y down)
LEAST_AREA = 0.08  # of what the head's turn alone would leave of a triangle
SMOOTHINGS = 24
DEAD_ZONE = 0.1  # IOD the neck may move before the body follows


def body_shift(mesh: SourceMesh, camera: Camera) -> FloatArray:
    """(2,) px: how far the shoulders follow the neck's pivot."""
    pivot = mesh.centre + np.array([NECK_PIVOT])
    moved = (camera.project(pivot) - mesh.camera.project(pivot))[0, :2]
    length = float(np.hypot(*moved))
    dead = DEAD_ZONE * mesh.iod
    return np.asarray(moved * (BODY_FOLLOW * max(0.0, length - dead) / max(length, 1e-9)))


def target_points(mesh: SourceMesh, camera: Camera, offsets: FloatArray) -> FloatArray:
    """(900, 3) px of the mesh under another camera; offsets: (468, 3) model units added to the face.

    The source's own camera and zero offsets give the source points exactly.
    """
    still = camera == mesh.camera
    if still and not offsets.any():
        return mesh.points.copy()
    model = mesh.camera.unproject(mesh.points)
    moved = model + offsets[np.where(mesh.spoke < len(offsets), mesh.spoke, 0)] * mesh.follow[:, None]
    rigid = camera.project(moved)
    static = mesh.points.copy()
    if not still:
        static[:, :2] += mesh.body[:, None] * body_shift(mesh, camera)
    share = mesh.rigid[:, None]
    placed = share * rigid + (1 - share) * static
    return _unfolded(mesh, camera, camera.project(model), placed)


def turned_areas(mesh: SourceMesh, camera: Camera, points: FloatArray, corners: IntArray) -> FloatArray:
    """(T,) twice the area (px^2) that triangles of the source have after the head's turn alone; 0 if turned away."""
    a, b, c = (points[corners[:, k]] for k in range(3))
    before = np.cross(c - a, b - a)
    turn = FLIP[:, None] * (camera.rotation @ mesh.camera.rotation.T) * FLIP
    after = (before @ turn.T)[:, 2] * (camera.scale / mesh.camera.scale) ** 2
    seen = (before[:, 2] > 0) & (after > 0.05 * np.linalg.norm(before, axis=1))
    return np.asarray(np.where(seen, after, 0.0))


def areas(points: FloatArray, corners: IntArray) -> FloatArray:
    """(T,) twice the signed area in the picture, > 0 towards the viewer."""
    (ax, ay), (bx, by), (cx, cy) = (points[corners[:, k], :2].T for k in range(3))
    return np.asarray((cx - ax) * (by - ay) - (cy - ay) * (bx - ax))


def _unfolded(mesh: SourceMesh, camera: Camera, rigid: FloatArray, placed: FloatArray) -> FloatArray:
    """Points without fold-overs: where skin would be drawn inside out, its motion is evened out with its neighbours'."""
    layout = topology()
    skin = layout.coarse[layout.layer[::4] < 2]
    least = LEAST_AREA * turned_areas(mesh, camera, mesh.points, skin)
    extra = placed - rigid
    for attempt in range(SMOOTHINGS):
        folded = areas(placed, skin) < least
        if not folded.any():
            break
        touched = np.zeros(len(placed), bool)
        touched[skin[folded]] = True
        if attempt >= SMOOTHINGS // 4:  # stubborn: from further around
            touched = layout.averaging @ touched > 0
        extra[touched] = layout.averaging[touched] @ extra
        placed = rigid + extra
    return placed
