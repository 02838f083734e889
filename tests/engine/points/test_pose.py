"""Our camera in LivePortrait's axes: signs, leaning squares, place and size are right."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from app.engine.contract import Target
from app.engine.face.parameters import Camera, Expression, FaceParams, Identity
from app.engine.generators.live_portrait import asked_points
from app.engine.networks.live_portrait_points import Motion, rotation
from app.engine.points.pose import pose_change, to_photo, to_square
from app.engine.squares.crop import Square, Turn

UPRIGHT = Square(0, 0, 200, Turn(0.0, 200.0))
MIDDLE = np.array([0.1, -0.2])
POINTS = np.tile([0.0, 0.0, -0.2], (21, 1))


def camera(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Camera:
    return Camera.from_angles(yaw, pitch, roll, 40.0, (100.0, 90.0))


def columns(pitch: float, yaw: float, roll: float) -> np.ndarray:
    """Return LivePortrait's rotation, for column vectors."""
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
    """Points that stood as the own camera says stand, after the turn, as the asked camera says."""
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
    """A turn about the neck shifts the origin of the points by its depth."""
    own, asked = camera(), camera(yaw=20)
    deep = np.tile([0.0, 0.0, -0.5], (21, 1))
    near = pose_change(own, asked, UPRIGHT, 0 * POINTS, MIDDLE).middle[0]
    far = pose_change(own, asked, UPRIGHT, deep, MIDDLE).middle[0]
    assert far < near  # the further behind, the more to the left under a turn to the right


def test_points_of_a_head_land_where_our_camera_puts_them() -> None:
    """A network whose points are places on our own model: after any edit they are where the asked camera projects them,
    in a leaning square, turned about an origin that lies deep in the head."""
    rng = np.random.default_rng(0)
    vertices = rng.uniform(-1, 1, (21, 3))
    vertices[[11, 15]] = (0.5, 0.0, 0.0), (-0.5, 0.0, 0.0)  # the eyes
    origin = np.array([0.1, -0.2, -0.7])
    own = Camera.from_angles(0, 0, 0, 40.0, (100.0, 90.0))
    square = Square(10, 0, 200, Turn(0.3, 150.0))
    motion = Motion(
        degrees=torch.tensor([[0.0, 0.0, -np.degrees(0.3)]], dtype=torch.float32),
        shift=torch.tensor(
            [[*to_square(own.project(origin[None])[0, :2], square), 9.0]], dtype=torch.float32
        ),
        expression=torch.zeros(1, 21, 3),
        scale=torch.tensor([[40.0 / 75.0]]),
        canonical=torch.from_numpy((vertices - origin) * (1, -1, -1))[None].float(),
    )

    def shown(camera: Camera) -> np.ndarray:
        return np.array([to_square(place, square) for place in camera.project(vertices)[:, :2]])

    assert np.allclose(motion.points()[0, :, :2], shown(own), atol=1e-5)
    face = SimpleNamespace(params=FaceParams(Identity(), Expression(), own))
    cut = SimpleNamespace(source=SimpleNamespace(face=face), square=square)
    code = SimpleNamespace(cut=cut, motion=motion)
    for angles in ((20, 0, 0), (0, 15, 0), (0, 0, 12), (-18, 9, -7)):
        asked = Camera.from_angles(*angles, 44.0, (108.0, 85.0))
        points = asked_points(code, Target(replace(face.params, camera=asked)), None)
        assert np.allclose(points[0, :, :2], shown(asked), atol=1e-5), angles
