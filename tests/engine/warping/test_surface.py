"""Light and mirrored skin change nothing at the photo's own pose, and something where the head turns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams, FittedFace, Identity
from app.engine.warping.calibration import PROBES, TurnProbes, corrected_camera, true_expression
from app.engine.warping.geometry import target_points
from app.engine.warping.shell import SourceMesh, source_mesh
from app.engine.warping.surface import Surface, mirror_share, normals, relight, surface, twins

SIZE = 300  # px


def face_turned(yaw: float) -> FittedFace:
    camera = Camera.from_angles(yaw, 0, 0, 60.0, (150.0, 150.0))
    points = camera.project(default_model().mean)
    landmarks = np.concatenate([points, np.repeat(points[:1], 10, axis=0)])
    params = FaceParams(Identity(), Expression(), camera)
    return FittedFace(params, landmarks, (80.0, 70.0, 140.0, 160.0), np.zeros((468, 3)))


def lit_from_the_right(yaw: float) -> tuple[SourceMesh, Surface]:
    x = np.linspace(40, 220, SIZE)
    pixels = np.repeat(np.repeat(x[None, :, None], SIZE, axis=0), 3, axis=2).astype(np.uint8)
    mesh = source_mesh(face_turned(yaw), np.ones((SIZE, SIZE), np.float32))
    return mesh, surface(pixels, mesh, yaw)


def test_hair_near_an_edge_moves_with_the_head_unless_the_edge_cuts_it() -> None:
    high = face_turned(0)
    up = np.array([0, 90.0, 0])
    camera = replace(high.params.camera, translation=(150.0, 60.0))
    high = replace(high, landmarks=high.landmarks - up, params=replace(high.params, camera=camera))
    sky = np.ones((SIZE, SIZE), np.float32)
    sky[:6] = 0
    cut, free = (source_mesh(high, matte) for matte in (np.ones_like(sky), sky))
    x, y = cut.points[468:, 0], cut.points[468:, 1]
    crown = 468 + np.flatnonzero((np.abs(x - 150) < 40) & (y > 0) & (y < 20))
    assert len(crown) > 3
    assert cut.rigid[crown].max() < 0.7 and free.rigid[crown].min() > 0.95
    assert not cut.rigid[cut.points[:, 1] < 0].any()


def test_normals_face_the_viewer_and_to_the_sides() -> None:
    mesh, _ = lit_from_the_right(0)
    n = normals(mesh.points)
    assert n[4, 2] > 0.9, "the tip of the nose"
    assert n[454, 0] > 0.3 and n[234, 0] < -0.3, "the cheeks, left and right in the picture"


def test_mirrored_vertices_are_twins() -> None:
    twin = twins()
    assert np.array_equal(twin[twin], np.arange(len(twin)))
    assert twin[33] == 263


@pytest.mark.parametrize("yaw", [0.0, 28.0, -28.0])
def test_the_photos_own_pose_gets_neither_light_nor_mirror(yaw: float) -> None:
    mesh, skin = lit_from_the_right(yaw)
    after = normals(mesh.points)
    assert not relight(skin, after).any()
    assert not mirror_share(skin, after, 0.0).any()


def test_a_cheek_turned_to_the_light_brightens() -> None:
    mesh, skin = lit_from_the_right(0)
    camera = Camera.from_angles(20, 0, 0, 60.0, (150.0, 150.0))
    moved, _ = target_points(mesh, camera, np.zeros((468, 3)))
    gain = relight(skin, normals(moved))
    assert gain[4] > 0.01, "the nose now looks to the light"
    assert np.abs(gain).max() < 0.3


def test_a_turned_photo_borrows_its_hidden_cheek() -> None:
    mesh, skin = lit_from_the_right(30)
    moved, _ = target_points(mesh, Camera.from_angles(0, 0, 0, 60.0, (150.0, 150.0)), np.zeros((468, 3)))
    share = mirror_share(skin, normals(moved), -30.0)
    far, near = (323, 361, 288, 435), (93, 132, 58, 215)
    assert share[list(far)].mean() > 0.5 > 0.05 > share[list(near)].mean()
    assert not share[468:].any(), "an ear or the profile itself would stand beside the face like a ghost"


def test_how_a_networks_heads_are_read_is_taken_back() -> None:
    """The photo is read as 80 % of every yaw, with 2 degrees of pitch added for a full turn."""

    def measure(angles: tuple[float, float, float]) -> tuple[float, float, float]:
        return 0.8 * angles[0], angles[1] + angles[0] / 15 * 2, angles[2]

    probes = TurnProbes((0.0, 0.0, 0.0), measure)
    for turn in PROBES:
        probes.probe(np.array(turn))
    response = probes.fitted()
    own = face_turned(0).params.camera
    asked = replace(Camera.from_angles(15, -5, 3, own.scale, own.translation), translation=(140.0, 160.0))
    drawn = corrected_camera(own, asked, response)
    assert measure(drawn.angles) == pytest.approx((15, -5, 3), abs=0.6)
    assert corrected_camera(own, own, response) == own
    blind = TurnProbes((0.0, 0.0, 0.0), lambda angles: None)
    blind.probe(np.array(PROBES[0]))
    assert not blind.turns


def test_what_is_not_asked_stays() -> None:
    worn = Expression(tuple(np.linspace(-1, 1, 28)), (3.0, -2.0), (0.3, 0.25))
    assert true_expression(worn, worn) == worn
    asked = replace(worn, gaze=(13.0, -2.0), aperture=(0.3, 0.15))
    assert true_expression(worn, asked) == asked, "eyes and lids are drawn as they are asked"
