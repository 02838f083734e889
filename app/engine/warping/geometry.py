"""Where the mesh goes: head motion, expression, neck and shoulders."""

from __future__ import annotations

import numpy as np

from app.engine.face.parameters import Camera
from app.engine.warping.shell import NECK_PIVOT, FloatArray, SourceMesh

BODY_FOLLOW = 0.5
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
    return np.asarray(share * rigid + (1 - share) * static)
