"""The closed-form fit finds what was projected, keeps what it cannot explain, and names sides rightly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.face.fitting import as_filmed, fit_face, truly_turned
from app.engine.face.landmarks import DetectedFace
from app.engine.face.parameters import Camera, Expression, FaceParams, Identity, rotation_matrix
from app.engine.face.response import response


def some_params(
    seed: int, yaw: float = 0, pitch: float = 0, roll: float = 0, scale: float = 90
) -> FaceParams:
    rng = np.random.default_rng(seed)
    identity = Identity(tuple(0.7 * rng.normal(size=40)))
    expression = Expression(tuple(0.7 * rng.normal(size=28)))
    return FaceParams(identity, expression, Camera.from_angles(yaw, pitch, roll, scale, (310.0, 240.0)))


def rebuilt(face, model):
    shape = model.shape(face.params.identity, face.params.expression)
    return face.params.camera.project(shape + face.residual)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(-30, 30), st.floats(-20, 20), st.floats(-170, 170), st.floats(12, 900))
def test_what_was_projected_is_found(model, detected, seed, yaw, pitch, roll, scale) -> None:
    true = some_params(seed, yaw, pitch, roll, scale)
    flat = replace(model, pose_bias=np.zeros_like(model.pose_bias))
    found = fit_face(detected(true), flat).params
    # Wiener gains and a coefficient's pull on the pose leave a little; a wrong sign leaves tens of degrees.
    turn = found.camera.rotation @ response().true_rotation(true.camera).rotation.T
    assert np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))) < 2.5
    assert found.camera.scale == pytest.approx(true.camera.scale, rel=0.03)
    error = np.array(found.expression.coefficients) - true.expression.coefficients
    assert np.abs(error).mean() < 0.35


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(-50, 50))
def test_the_residual_makes_the_fit_exact(model, detected, seed, yaw) -> None:
    seen = detected(some_params(seed, yaw))
    noise = np.random.default_rng(seed).normal(scale=1.5, size=seen.landmarks.shape)
    shaken = DetectedFace(seen.landmarks + noise, seen.box)
    face = fit_face(shaken, model)
    assert np.abs(rebuilt(face, model) - face.landmarks[:468]).max() < 1e-9
    assert np.abs(face.landmarks[:, :2] - shaken.landmarks[:, :2]).max() == 0


def test_depth_has_no_origin(model, astronaut_faces) -> None:
    """Landmarks pushed back or forth give the same fit, because an orthographic camera has no depth."""
    one = astronaut_faces[0]
    other = DetectedFace(one.landmarks + (0, 0, 57.0), one.box)
    a, b = fit_face(one, model), fit_face(other, model)
    assert np.allclose(a.landmarks, b.landmarks, atol=1e-6)
    assert np.allclose(a.params.expression.coefficients, b.params.expression.coefficients, atol=1e-6)


def test_a_held_identity_is_kept_and_expression_still_found(model, detected) -> None:
    true = some_params(3, yaw=10)
    flat = replace(model, pose_bias=np.zeros_like(model.pose_bias))
    found = fit_face(detected(true), flat, identity=true.identity)
    assert found.params.identity is true.identity
    error = np.array(found.params.expression.coefficients) - true.expression.coefficients
    assert np.abs(error).mean() < 0.2


def test_the_astronaut_is_explained_to_half_a_percent(model, face) -> None:
    from app.engine.face.fitting import pose_features

    bias = np.tensordot(pose_features(face.params.camera), model.pose_bias, 1)
    assert np.linalg.norm(face.residual - bias, axis=1).mean() < 0.006
    assert abs(face.params.camera.yaw) < 8 and abs(face.params.camera.pitch) < 12
    assert max(np.abs(face.params.expression.coefficients)) < 5


def test_a_photo_on_its_head_fits_the_same(model, astronaut_faces) -> None:
    """The network sees every face upright, so that its bias does not depend on roll."""
    one = astronaut_faces[0]
    turned = DetectedFace(one.landmarks * (-1, -1, 1) + (512, 512, 0), one.box)
    a, b = fit_face(one, model).params, fit_face(turned, model).params
    assert abs(abs(b.camera.roll - a.camera.roll) - 180) < 0.01
    assert np.allclose(a.identity.coefficients, b.identity.coefficients, atol=1e-6)
    assert np.allclose(a.expression.coefficients, b.expression.coefficients, atol=1e-6)


def test_gaze_follows_the_irises_and_is_the_heads(model, detected) -> None:
    params = some_params(1)
    seen = detected(params)
    moved = seen.landmarks.copy()
    moved[468:] += (5.0, -4.0, 0.0)
    before, after = fit_face(seen, model), fit_face(DetectedFace(moved, seen.box), model)
    assert after.params.expression.gaze[0] > before.params.expression.gaze[0] + 5
    assert after.params.expression.gaze[1] > before.params.expression.gaze[1] + 4


def test_the_left_aperture_is_the_persons_own_left_eye(model, detected) -> None:
    seen = detected(some_params(2))
    shut = seen.landmarks.copy()
    # the person's left eye lies on the image's right
    assert shut[386, 0] > shut[159, 0]
    shut[[385, 386, 387]] = shut[[380, 374, 373]]
    open_face, winking = fit_face(seen, model), fit_face(DetectedFace(shut, seen.box), model)
    left, right = winking.params.expression.aperture
    assert left < 0.03
    assert right == pytest.approx(open_face.params.expression.aperture[1], abs=0.02)


def test_a_resized_photo_fits_the_same(model, astronaut_faces) -> None:
    one = astronaut_faces[0]
    twice = DetectedFace(one.landmarks * 2, tuple(2 * v for v in one.box))
    a, b = fit_face(one, model).scaled(2), fit_face(twice, model)
    assert np.allclose(a.params.camera.as_array(), b.params.camera.as_array(), rtol=1e-6)
    assert np.allclose(a.params.expression.coefficients, b.params.expression.coefficients, atol=1e-6)


def test_a_filmed_frame_is_drawn_where_its_landmarks_are(model) -> None:
    weights, points = model.stiffness, model.mean
    own = Camera(100.0, translation=(200.0, 200.0))
    read = Camera.from_matrix(rotation_matrix(20.0, 4.0, 0.0), 104.0, (210.0, 195.0))
    landmarks = read.project(points)
    true = truly_turned(read, landmarks.copy(), weights)
    seen = as_filmed(own, true, points, weights)
    assert true.yaw < 19.0 and seen.yaw == pytest.approx(20.0, abs=0.01)
    off = [np.abs(camera.project(points) - landmarks)[:, :2].mean() for camera in (seen, true)]
    assert off[0] < 0.2 * off[1]
