"""Light and edges are found in the photo, and what is read of a network's heads is corrected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams, FittedFace, Identity
from app.engine.warping.calibration import PROBES, TurnProbes, corrected_camera, true_expression
from app.engine.warping.edges import border_share, edge_softness
from app.engine.warping.light_direction import light_direction

SIZE = 300  # px of the pictures


def face_turned(yaw: float) -> FittedFace:
    camera = Camera.from_angles(yaw, 0, 0, 60.0, (150.0, 150.0))
    points = camera.project(default_model().mean)
    landmarks = np.concatenate([points, np.repeat(points[:1], 10, axis=0)])
    params = FaceParams(Identity(), Expression(), camera)
    return FittedFace(params, landmarks, (80.0, 70.0, 140.0, 160.0), np.zeros((468, 3)))


@pytest.mark.parametrize("side", [1, -1])
def test_light_comes_from_the_brighter_side(side: int) -> None:
    x = np.linspace(40, 220, SIZE)[::side]
    pixels = np.repeat(np.repeat(x[None, :, None], SIZE, axis=0), 3, axis=2).astype(np.uint8)
    face = face_turned(0)
    toward = light_direction(pixels, face.landmarks[:468], 60.0)
    assert 0.1 < side * toward[0] < 2
    assert abs(toward[1]) < 0.5 * abs(toward[0])


@pytest.mark.parametrize(("width", "soft"), [(1.5, 0), (12, 1)])
def test_an_edge_is_as_soft_as_it_is_wide(width: float, soft: float) -> None:
    """Made-up hair faded over 3 to 6 px beside a cut-out's sharp edge."""
    y, x = np.indices((SIZE, SIZE), np.float32) - SIZE / 2
    matte = np.clip((100 - np.hypot(x, y)) / width + 0.5, 0, 1)
    assert edge_softness(matte, 150.0) == pytest.approx(soft, abs=0.1)


def test_hair_near_an_edge_moves_with_the_head_unless_the_edge_cuts_it() -> None:
    crown = np.column_stack([np.linspace(110, 190, 9), np.linspace(2, 18, 9)])
    sky = np.ones((SIZE, SIZE), np.float32)
    sky[:6] = 0
    cut, free = (border_share(crown, matte, 36.0) for matte in (np.ones_like(sky), sky))
    assert cut.max() < 0.7 and free.min() > 0.95
    assert cut[0] < 0.05, "at the edge nothing moves"


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
