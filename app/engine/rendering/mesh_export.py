"""A face's mesh as OBJ, PLY or GLB, for other 3D programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.files import unwritable, write_whole

ENDINGS = (".obj", ".ply", ".glb")


def export_mesh(vertices: NDArray, triangles: NDArray, path: Path, colours: NDArray | None = None) -> None:
    """Write (N, 3) vertices in model space and (M, 3) triangles; the ending chooses the format.

    colours: (N, 3) in [0, 1] per vertex or None. EngineError for another ending or a place that cannot
    be written.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise EngineError(f"Meshes cannot be written as “{path.suffix}”.", f"Use {', '.join(ENDINGS)}.")
    import trimesh

    rgba = None if colours is None else np.round(np.c_[colours, np.ones(len(colours))] * 255).astype(np.uint8)
    mesh = trimesh.Trimesh(vertices, triangles, vertex_colors=rgba, process=False)
    data = mesh.export(file_type=ending[1:])
    try:
        write_whole(path, data.encode() if isinstance(data, str) else data)
    except OSError as error:
        raise unwritable(path, error) from error
