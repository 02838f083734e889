"""Makes a face's whole head for other uses than the warp: as a mesh with its colours, and as a posed preview."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import SourceImage
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import Camera, FaceParams
from app.engine.generators.mesh_warp import MeshWarp, resized
from app.engine.head import Head, HeadModel
from app.engine.head.preview import shaded
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.photo import Photo
from app.engine.rendering.mesh_export import export_mesh
from app.engine.warping.posing import pose

SMALL = 200  # px of a face's longer side from which its head is found; in smaller ones ears are a few pixels


def small_head(source: SourceImage) -> Head:
    """Return the head of a face in a small copy of its photo; its camera is that copy's."""
    factor = min(1.0, SMALL / max(source.face.box[2:]))
    return MeshWarp().encode(resized(source, factor)).head.head


def picture_of(
    head: Head, own: FaceParams, asked: FaceParams, model: MorphableModel, size: int
) -> NDArray[np.uint8]:
    """Return a picture (size, size, 3) of a head, shaded and posed as asked; own: the parameters of its photo."""
    offsets = model.shape(asked.identity, asked.expression) - model.shape(own.identity, own.expression)
    points = head.points + HeadModel.load().binding @ offsets
    return shaded(asked.camera.project(points), size)


def export_head(source: SourceImage, photo: Photo, path: Path) -> None:
    """Write a face's head with its colours (.glb, .obj, .ply), in the model space of its photo."""
    model, code = HeadModel.load(), MeshWarp().encode(source)
    look, params = code.head, source.face.params
    front = replace(params, camera=Camera.from_angles(0.0, 0.0, 0.0, 1.0, (0.0, 0.0)))
    points = look.head.points + model.binding @ pose(code.face, front).along
    texture = to_srgb8(replace(photo, pixels=look.atlas[..., :3], alpha=None))
    export_mesh(points[model.base], model.corners, path, model.atlas, texture)
