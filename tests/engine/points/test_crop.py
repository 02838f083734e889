"""LivePortrait's square has the released geometry, and pictures go to it and come back."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from app.engine.points.crop import face_rectangle, rectangle, turned_square
from app.engine.squares.blend import backward_flow, blended, window
from app.engine.squares.crop import Turn, shrunk, spread, spread_flow

# These are some of the released 203 landmarks: eyes (corners and lids) and mouth corners.
EYES, MOUTH = ((0, 6, 12, 18), (24, 30, 36, 42)), (48, 66)


def test_the_square_is_the_released_one(shared: Path) -> None:
    golden = np.load(shared / "parity" / "vectors" / "liveportrait.npz")
    points = golden["landmarks"]
    eyes = np.mean([points[list(eye)].mean(axis=0) for eye in EYES], axis=0)
    mouth = points[list(MOUTH)].mean(axis=0)
    found = rectangle(points, eyes, mouth)
    assert np.abs(found.matrix(512) - golden["crop_source_M"]).max() < 2e-4
    x, y, width, height, angle = golden["crop_rect"]
    assert np.allclose(
        [*found.centre, found.side, found.side, found.angle], [x, y, width, height, angle], atol=2e-4
    )
    landmark = rectangle(points, eyes, mouth, scale=1.5, lift=-0.1)
    assert np.abs(landmark.matrix(224) - golden["crop_landmark_M"]).max() < 2e-4


def test_the_square_leans_as_the_face_does(portrait) -> None:
    landmarks = portrait.faces[0].landmarks
    middle = landmarks[:, :2].mean(axis=0)
    c, s = math.cos(0.3), math.sin(0.3)
    leaning = landmarks.copy()
    leaning[:, :2] = (landmarks[:, :2] - middle) @ np.array([[c, s], [-s, c]]) + middle  # clockwise as seen
    upright, turned = face_rectangle(landmarks), face_rectangle(leaning)
    assert turned.angle - upright.angle == pytest.approx(0.3, abs=1e-6)
    assert turned.side == pytest.approx(upright.side)
    square = turned_square(leaning)
    assert square.turn is not None and square.side >= square.turn.side
    assert np.hypot(*(np.array([square.x, square.y]) + square.side / 2 - turned.centre)) <= 0.75


def soft(side: int) -> np.ndarray:
    y, x = np.mgrid[:side, :side] / side
    return np.dstack([0.5 + 0.3 * np.sin(9 * x) * np.cos(7 * y), x, y]).astype(np.float32)


@pytest.mark.parametrize("side", [90.0, 300.0])
def test_a_picture_comes_back_from_the_square_where_it_was(side: float) -> None:
    turn = Turn(0.4, side)
    box = soft(turn.box_side)
    seen = shrunk(box, 128, turn)
    assert seen.shape == (128, 128, 3)
    back = spread(seen, turn.box_side, turn)
    inside = window(turn.box_side, turn) > 0.9
    assert 0.4 < inside.mean() < 0.9
    assert np.abs(back - box)[inside].max() < 0.02
    assert window(turn.box_side, turn)[0, 0] == 0


def test_the_square_s_own_axes_turn_with_it() -> None:
    turn = Turn(math.pi / 2, 64.0)  # the square's x axis points down in the photo
    box = np.zeros((64, 64), np.float32)
    box[40:, :] = 1
    assert shrunk(box, 64, turn)[10, 60] > 0.9 > 0.1 > shrunk(box, 64, turn)[10, 4]
    flow = np.zeros((64, 64, 2), np.float32)
    flow[..., 0] = 3  # along the square's x
    assert np.allclose(spread_flow(flow, 64, turn)[32, 32], (0, 3), atol=1e-4)


def test_without_an_edit_a_turned_square_is_the_photo() -> None:
    turn = Turn(-0.2, 200.0)
    photo = soft(turn.box_side) + 0.05 * np.random.default_rng(0).random(
        (turn.box_side,) * 2 + (3,), np.float32
    )
    matte = np.ones(photo.shape[:2], np.float32)
    before = shrunk(photo, 96, turn) * 0.8
    flow = backward_flow(before.copy(), before)
    assert np.abs(blended(photo, matte, before, before.copy(), flow, turn=turn) - photo).max() < 2e-3
