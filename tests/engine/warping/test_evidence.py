"""What the warp knows of its own picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine.contract import Origin, Portrait, SourceImage, Target
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import FaceEdit, FittedFace
from app.engine.face.semantic import resolve
from app.engine.generators.mesh_warp import MeshWarp, WarpCode, resized
from app.engine.imaging.matte import person_matte
from app.engine.squares.crop import Square
from app.engine.warping.curves import Float32
from app.engine.warping.evidence import LAYERS, SIZE, Evidence, cut_square, evidence, portrait_layers


@pytest.fixture(scope="module")
def code(portrait: Portrait) -> WarpCode:
    face = portrait.faces[0]
    matte = person_matte(portrait.photo.pixels, face)
    source = SourceImage(portrait.photo.pixels, None, face, matte)
    return MeshWarp().encode_layers(resized(source, 0.5))


def known(code: WarpCode, **values: float) -> Evidence:
    warp = MeshWarp()
    face = FittedFace(code.face.params, code.face.mesh.points, (0.0, 0.0, 1.0, 1.0), code.face.points)
    target = Target(resolve(FaceEdit.of(**values), face, default_model()), origin=Origin.FILMED)
    posed = warp.posed(code, target)
    return evidence(code.face, posed, code.surface.hidden, code.layers.texture, code.layers.hold)


def plane(found: Evidence, name: str) -> Float32:
    return np.asarray(found.planes[LAYERS.index(name)])


def test_an_unchanged_face_moves_nothing(code: WarpCode) -> None:
    found = known(code)
    for name in ("flow_x", "flow_y", "gate"):
        assert np.abs(plane(found, name)).max() < 1e-5, name
    assert np.median(np.abs(plane(found, "stretch"))) < 1e-5
    assert plane(found, "valid").min() > 0.99 or code.surface.hidden.any()
    assert found.facts[:3] == pytest.approx(0, abs=1e-9)


def test_a_turned_face_has_a_side_without_texture(code: WarpCode) -> None:
    yaw = code.face.params.camera.yaw
    right, left = known(code, yaw=yaw + 25), known(code, yaw=yaw - 25)
    half = SIZE // 2
    # Turning to the image's right pulls the left cheek out of a few pixels, and the other way round.
    for found, thin, whole in (
        (right, np.s_[:, :half], np.s_[:, half:]),
        (left, np.s_[:, half:], np.s_[:, :half]),
    ):
        face = plane(found, "z") > 0
        valid = np.where(face, plane(found, "valid"), 1)
        assert (valid[thin] < 0.5).sum() > 3 * (valid[whole] < 0.5).sum() + 20
    assert right.facts[0] == pytest.approx(25 / 30, abs=1e-6) and left.facts[0] == pytest.approx(
        -25 / 30, abs=1e-6
    )


def test_the_flow_says_where_the_picture_comes_from(code: WarpCode) -> None:
    warp = MeshWarp()
    params = code.face.params
    camera = replace(
        params.camera, translation=(params.camera.translation[0] + 9, params.camera.translation[1])
    )
    posed = warp.posed(code, Target(replace(params, camera=camera), origin=Origin.FILMED))
    found = evidence(code.face, posed, code.surface.hidden, code.layers.texture, code.layers.hold)
    face = plane(found, "z") > 0
    shift = plane(found, "flow_x")[face] * 24 * found.square.side / SIZE
    assert np.median(shift) == pytest.approx(-9, abs=0.2)


def test_the_openings_and_the_person_are_told(code: WarpCode) -> None:
    found = known(code, mouth_open=1.0)
    assert plane(found, "opening").sum() > plane(known(code), "opening").sum() + 20
    assert plane(found, "matte").max() > 0.95 and plane(found, "matte").min() < 0.05


def test_a_mouth_wider_than_any_learnt_from_is_left_to_the_warp(code: WarpCode) -> None:
    turned = code.face.params.camera.yaw + 12
    own, wide = known(code, yaw=turned), known(code, yaw=turned, mouth_open=1.0)
    lower_half = np.s_[SIZE // 2 :]
    mouth = plane(wide, "opening")[lower_half] > 0
    assert mouth.sum() > 40
    assert plane(wide, "gate")[lower_half][mouth].max() < 0.01
    assert plane(own, "gate")[lower_half][plane(own, "opening")[lower_half] > 0].min() > 0.99
    eyes = np.s_[: SIZE // 2]
    assert plane(wide, "gate")[eyes][plane(wide, "opening")[eyes] > 0].min() > 0.9, "only the mouth is"


def test_the_portrait_is_seen_in_its_own_square(code: WarpCode) -> None:
    layers = portrait_layers(code.face, code.layers.texture)
    assert layers.shape == (6, SIZE, SIZE) and layers.dtype == np.float32
    assert layers[:3].min() >= -1 and layers[:3].max() <= 1
    inside = layers[3:].sum(axis=0) > 0
    assert 0.1 < inside.mean() < 0.6, "the face fills a good part of its square"


@pytest.mark.parametrize("square", [Square(-5, -7, 30), Square(15, 18, 20), Square(50, 50, 10)])
def test_squares_beyond_the_edge_go_on_with_its_border(square: Square) -> None:
    picture = np.full((24, 28, 3), 90, np.uint8)
    found = cut_square(picture, square, 16)
    assert found.shape == (16, 16, 3)
    assert (found == (90 if square.x < 28 else 0)).all()
