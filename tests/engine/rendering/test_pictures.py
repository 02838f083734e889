"""The eye sketch is drawn, and mesh files are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.engine.errors import EngineError
from app.engine.rendering.eye_sketch import RED, eye_sketch
from app.engine.rendering.mesh_export import export_mesh

OPEN = [[20, 30], [26, 24], [34, 24], [40, 30], [34, 36], [26, 36]]
NARROW = [[60, 30], [66, 27], [74, 27], [80, 30], [74, 33], [66, 33]]
EYES = np.array([*OPEN, *NARROW, [30, 30], [72, 30]], float)


def test_eye_sketch_draws_outlines_and_pupils() -> None:
    picture = eye_sketch(EYES, (100, 60))
    assert {tuple(colour) for colour in picture.reshape(-1, 3).tolist()} == {(0, 0, 0), (255,) * 3, RED}
    assert tuple(picture[30, 30]) == RED and tuple(picture[30, 72]) == RED
    assert (picture[[30, 30, 27, 33], [20, 40, 66, 66]] == 255).all()
    assert not picture[45:].any() and not picture[:, 45:58].any()


def test_pupil_radius_is_the_mean_half_diagonal() -> None:
    red = (eye_sketch(EYES, (100, 60)) == RED).all(axis=2)
    open_eye, narrow_eye = red[:, :50], red[:, 50:]
    radius = int((np.hypot(8, 12) + np.hypot(8, 12)) / 4)
    assert open_eye[30, 30 - radius + 1] and not open_eye[30, 30 - radius]
    assert narrow_eye.sum() < open_eye.sum()


def test_a_blink_moves_the_lids() -> None:
    shut = EYES.copy()
    shut[[1, 2, 4, 5, 7, 8, 10, 11], 1] = 30
    assert (eye_sketch(shut, (100, 60)) != eye_sketch(EYES, (100, 60))).any()
    assert not eye_sketch(shut, (100, 60))[:25].any()


def test_eyes_partly_out_of_the_picture_are_cut() -> None:
    picture = eye_sketch(EYES - 25, (100, 60))
    assert picture.any() and picture.shape == (60, 100, 3)


@pytest.mark.parametrize("ending", ["obj", "ply", "glb"])
def test_meshes_come_back_from_their_files(tmp_path: Path, dome, ending: str) -> None:
    import trimesh

    vertices, triangles = dome
    path = tmp_path / f"Gesicht ä.{ending}"
    path.write_bytes(b"old")
    export_mesh(vertices, triangles, path)
    mesh = trimesh.load(path, process=False, force="mesh")
    assert np.allclose(mesh.vertices, vertices, atol=1e-5) and len(mesh.faces) == len(triangles)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_meshes_refuse_what_cannot_be_written(tmp_path: Path, dome) -> None:
    with pytest.raises(EngineError, match="stl"):
        export_mesh(*dome, tmp_path / "a.stl")
    with pytest.raises(EngineError, match="written"):
        export_mesh(*dome, tmp_path / "absent" / "a.ply")
    assert not list(tmp_path.iterdir())
