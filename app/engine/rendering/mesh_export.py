"""Writes a head's mesh as OBJ, PLY or GLB, for other 3D programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.files import write_whole

ENDINGS = (".obj", ".ply", ".glb")


def export_mesh(
    vertices: NDArray[Any],
    triangles: NDArray[Any],
    path: Path,
    atlas: NDArray[Any] | None = None,
    texture: NDArray[np.uint8] | None = None,
) -> None:
    """Write vertices (N, 3) in model space and triangles (M, 3), in the format of the path's ending.

    atlas: (N, 2) places in the texture, in [0, 1] from its upper left corner, or None; texture: (S, S, 3) sRGB or None.
    A GLB holds the texture, an OBJ has a material and a PNG beside it, named after it, and a PLY has colours at its
    vertices. EngineError for another ending or a place that cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise EngineError(f"Meshes cannot be written as “{path.suffix}”.", f"Use {', '.join(ENDINGS)}.")
    try:
        for place, data in _files(vertices, triangles, path, atlas, texture).items():
            write_whole(place, data)
    except OSError as error:
        raise EngineError(
            f"{path} cannot be written: {error.strerror}.", "Choose a folder you may write to."
        ) from error


def _files(
    vertices: NDArray[Any],
    triangles: NDArray[Any],
    path: Path,
    atlas: NDArray[Any] | None,
    texture: NDArray[np.uint8] | None,
) -> dict[Path, bytes]:
    """Return the contents of all files by path; the mesh itself comes last."""
    import trimesh
    from PIL import Image
    from trimesh.exchange.obj import export_obj

    ending = path.suffix.lower()
    mesh = trimesh.Trimesh(vertices, triangles, process=False)
    if atlas is None or texture is None:
        data = mesh.export(file_type=ending[1:])
        return {path: data.encode() if isinstance(data, str) else data}
    if ending == ".ply":
        side = np.array(texture.shape[1::-1])
        column, row = np.clip((atlas * side).astype(int), 0, side - 1).T
        rgba = np.dstack([texture, np.full(texture.shape[:2], 255, np.uint8)])[row, column]
        return {
            path: trimesh.Trimesh(vertices, triangles, vertex_colors=rgba, process=False).export(
                file_type="ply"
            )
        }
    upwards = np.column_stack([atlas[:, 0], 1 - atlas[:, 1]])
    picture = Image.fromarray(texture)
    if ending == ".glb":
        material = trimesh.visual.material.PBRMaterial(
            baseColorTexture=picture, metallicFactor=0.0, roughnessFactor=0.9
        )
        mesh.visual = trimesh.visual.TextureVisuals(uv=upwards, material=material)
        return {path: mesh.export(file_type="glb")}
    simple = trimesh.visual.material.SimpleMaterial(image=picture)
    simple.name = path.stem
    mesh.visual = trimesh.visual.TextureVisuals(uv=upwards, material=simple)
    text, beside = export_obj(mesh, return_texture=True, mtl_name=f"{path.stem}.mtl")
    return {**{path.parent / name: data for name, data in beside.items()}, path: text.encode()}
