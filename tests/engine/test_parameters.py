"""The camera keeps its sign conventions and survives round trips."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.face.parameters import Camera, Expression, FaceEdit, rotation_angles, rotation_matrix

angle = st.floats(-80, 80)


def turned(
    point: tuple[float, float, float], yaw: float = 0, pitch: float = 0, roll: float = 0
) -> np.ndarray:
    """Return where a model point lands in the picture, in pixels."""
    camera = Camera.from_angles(yaw, pitch, roll, 100, (500, 400))
    return camera.project(np.array([point]))[0]


def test_yaw_moves_the_nose_to_the_images_right() -> None:
    assert turned((0, 0, 1), yaw=20)[0] > 500


def test_pitch_moves_the_nose_up() -> None:
    assert turned((0, 0, 1), pitch=20)[1] < 400


def test_roll_moves_the_top_of_the_head_to_the_images_right() -> None:
    assert turned((0, 1, 0), roll=20)[0] > 500


@given(angle, angle, st.floats(-170, 170))
def test_angles_survive_matrix_and_quaternion(yaw: float, pitch: float, roll: float) -> None:
    camera = Camera.from_angles(yaw, pitch, roll, 3.0, (1.0, 2.0))
    assert camera.angles == pytest.approx((yaw, pitch, roll), abs=1e-6)
    assert rotation_angles(rotation_matrix(yaw, pitch, roll)) == pytest.approx((yaw, pitch, roll), abs=1e-6)


@given(angle, angle, angle)
def test_unproject_inverts_project(yaw: float, pitch: float, roll: float) -> None:
    camera = Camera.from_angles(yaw, pitch, roll, 120, (300, 200))
    vertices = np.random.default_rng(0).normal(size=(10, 3))
    assert np.allclose(camera.unproject(camera.project(vertices)), vertices, atol=1e-9)
    assert np.allclose(Camera.from_array(camera.as_array()).as_array(), camera.as_array())


def test_edit_is_an_ordered_value() -> None:
    assert FaceEdit.of(yaw=1, smile=2) == FaceEdit.of(smile=2, yaw=1)
    assert FaceEdit.of(yaw=1).with_values({"yaw": None}).is_identity
    assert FaceEdit.of(strength=0, yaw=1).is_identity
    with pytest.raises(ValueError):
        Expression(coefficients=(0.0,))
