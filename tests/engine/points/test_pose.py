"""Our camera in LivePortrait's axes: signs, leaning squares, place and size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from app.engine.face.parameters import Camera
from app.engine.networks.live_portrait_points import rotation
from app.engine.points.pose import pose_change, to_photo, to_square
from app.engine.squares.crop import Square, Turn

UPRIGHT = Square(0, 0, 200, Turn(0.0, 200.0))
MIDDLE = np.array([0.1, -0.2])
POINTS = np.tile([0.0, 0.0, -0.2], (21, 1))


def camera(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Camera:
    return Camera.from_angles(yaw, pitch, roll, 40.0, (100.0, 90.0))


def columns(pitch: float, yaw: float, roll: float) -> np.ndarray:
    """LivePortrait's rotation of columns."""
    return rotation(torch.tensor([[pitch, yaw, roll]], dtype=torch.float64))[0].T.numpy()


@pytest.mark.parametrize(
    ("angles", "theirs"),
    [({"yaw": 20}, (0, -20, 0)), ({"pitch": 15}, (-15, 0, 0)), ({"roll": 12}, (0, 0, 12))],
)
def test_each_angle_is_theirs_in_their_sign(angles: dict[str, float], theirs: tuple[float, ...]) -> None:
    change = pose_change(camera(), camera(**angles), UPRIGHT, POINTS, MIDDLE)
    assert np.allclose(change.turn, columns(*theirs), atol=1e-6)


def test_the_photos_own_pose_changes_nothing() -> None:
    own = camera(10, -5, 3)
    change = pose_change(own, own, Square(5, 7, 90, Turn(0.3, 70.0)), POINTS, MIDDLE)
    assert np.allclose(change.turn, np.eye(3)) and change.zoom == 1
    assert np.allclose(change.middle, MIDDLE)


def test_a_turn_from_a_turned_pose_ends_where_it_is_asked() -> None:
    """Points that stood as the own camera says stand as the asked one."""
    own, asked = camera(25, 5, -4), camera(-10, -12, 8)
    change = pose_change(own, asked, UPRIGHT, POINTS, MIDDLE)
    flip = np.diag([1.0, -1.0, -1.0])
    assert np.allclose(change.turn @ flip @ own.rotation @ flip, flip @ asked.rotation @ flip)


def test_in_a_leaning_square_the_axes_lean_too() -> None:
    leaning = Square(0, 0, 200, Turn(0.5, 150.0))
    nod = pose_change(camera(), camera(pitch=15), leaning, POINTS, MIDDLE).turn
    axis = np.linalg.eig(nod)
    own = np.real(axis.eigenvectors[:, np.argmin(np.abs(axis.eigenvalues - 1))])
    expected = np.array([np.cos(0.5), -np.sin(0.5), 0])  # the photo's x axis, in the square's axes
    assert abs(own @ expected) == pytest.approx(1)


def test_places_and_sizes_are_in_half_sides_of_the_square() -> None:
    own = camera()
    moved = replace(own, translation=(110.0, 90.0), scale=44.0)
    change = pose_change(own, moved, UPRIGHT, POINTS, to_square(np.array([100.0, 90.0]), UPRIGHT))
    assert change.zoom == pytest.approx(1.1)
    assert np.allclose(change.middle, to_square(np.array([110.0, 90.0]), UPRIGHT))
    assert np.allclose(to_photo(to_square(np.array([3.0, 4.0]), UPRIGHT), UPRIGHT), (3.0, 4.0))


def test_what_lies_behind_the_eyes_moves_less_to_the_side_than_the_nose() -> None:
    """A turn about the neck shifts the points' origin by its depth."""
    own, asked = camera(), camera(yaw=20)
    deep = np.tile([0.0, 0.0, -0.5], (21, 1))
    near = pose_change(own, asked, UPRIGHT, 0 * POINTS, MIDDLE).middle[0]
    far = pose_change(own, asked, UPRIGHT, deep, MIDDLE).middle[0]
    assert far < near  # the further behind, the more to the left under a turn to the right
