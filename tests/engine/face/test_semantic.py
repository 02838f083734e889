"""Controls move what their names say, by as much as was asked, and are read back in the same units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.face import indices, semantic
from app.engine.face.controls import CONTROLS, SEMANTIC
from app.engine.face.fitting import fit_face
from app.engine.face.parameters import Camera, Expression, FaceEdit, FaceParams, FittedFace, Identity

EXPRESSIVE = tuple(semantic.MOVEMENTS)


@pytest.fixture(scope="module")
def synthetic(model, detected) -> FittedFace:
    camera = Camera.from_angles(12, -6, 4, 110, (300.0, 260.0))
    return fit_face(detected(FaceParams(Identity((0.0,) * 40), Expression(), camera)), model)


def edited(face: FittedFace, edit: FaceEdit, model) -> FittedFace:
    """Return the face as a generator that draws exactly what is asked would show it."""
    params = semantic.resolve(edit, face, model)
    moved = model.expression_offset(params.expression) - model.expression_offset(face.params.expression)
    shape = face.params.camera.unproject(face.landmarks[:468]) + moved
    points = np.concatenate([params.camera.project(shape), face.landmarks[468:]])
    return replace(face, params=params, landmarks=points)


def change(face: FittedFace, edit: FaceEdit, model) -> dict[str, float]:
    before = semantic.observed(face, model)
    after = semantic.observed(edited(face, edit, model), model)
    return dict(zip(indices.NAMES, indices.measure(after) - indices.measure(before)))


def test_no_edit_is_the_faces_own_parameters(face, model) -> None:
    assert semantic.resolve(FaceEdit(), face, model) is face.params
    assert semantic.resolve(FaceEdit.of(strength=0, smile=1, yaw=30), face, model) is face.params


def test_every_control_of_the_table_changes_something(face, model) -> None:
    for control in CONTROLS:
        value = 0.7 if not control.absolute else control.lower / 2 + 1.3
        changed = semantic.resolve(FaceEdit.of(**{control.name: value}), face, model)
        assert changed != face.params, control.name


@pytest.mark.parametrize("name", EXPRESSIVE)
@pytest.mark.parametrize("amount", [-0.5, 1.0])
def test_what_is_asked_is_what_is_measured(synthetic, model, name, amount) -> None:
    after = edited(synthetic, FaceEdit.of(**{name: amount}), model)
    assert semantic.measure_controls(synthetic, after, model)[name] == pytest.approx(amount, abs=0.02)


@pytest.mark.parametrize("name", EXPRESSIVE)
def test_a_full_movement_is_a_natural_one(model, name) -> None:
    assert np.abs(semantic.directions(model)[name]).max() < 2.5


def test_signs_and_sides(synthetic, model) -> None:
    smile = change(synthetic, FaceEdit.of(smile=1), model)
    assert smile["mouth_width"] > 0.1 and smile["lift_left"] > 0.05 and smile["lift_right"] > 0.05
    assert change(synthetic, FaceEdit.of(mouth_open=1), model)["mouth_gap"] > 0.2
    left = change(synthetic, FaceEdit.of(corner_left=1), model)
    assert left["lift_left"] > 0.05 > 0.01 > abs(left["lift_right"])
    brow = change(synthetic, FaceEdit.of(brow_right=1), model)
    assert brow["brow_right"] > 0.07 and abs(brow["brow_left"]) < 0.012
    assert change(synthetic, FaceEdit.of(jaw_side=1), model)["jaw_side"] > 0.035  # to the image's right
    assert change(synthetic, FaceEdit.of(pucker=1), model)["mouth_width"] < -0.1
    assert change(synthetic, FaceEdit.of(brows_together=1), model)["brow_gap"] < -0.018


def test_mirrored_controls_do_the_mirrored_thing(model) -> None:
    from app.engine.face.retargeting import mirror_matrix

    matrix, known = mirror_matrix(model), semantic.directions(model)
    for control in SEMANTIC:
        if control.mirror and control.name in known:
            assert np.abs(matrix @ known[control.name] - known[control.mirror]).max() < 0.35, control.name


def test_left_is_the_persons_own_left(model) -> None:
    left = np.tensordot(
        semantic.directions(model)["corner_left"] * model.expression_sigma, model.expression_basis, 1
    )
    assert model.mean[291, 0] > 0  # the person's left corner, on the image's right
    assert left[291, 1] > 3 * abs(left[61, 1])


def test_lids_are_apertures(face, model) -> None:
    own = face.params.expression.aperture
    left, right = semantic.resolve(FaceEdit.of(blink_left=1), face, model).expression.aperture
    assert left == pytest.approx(semantic.SHUT) and right == own[1]
    half = semantic.resolve(FaceEdit.of(blink_right=0.5), face, model).expression.aperture[1]
    assert half == pytest.approx((own[1] + semantic.SHUT) / 2)
    wide = semantic.resolve(FaceEdit.of(eyes_wide=1), face, model).expression.aperture
    assert wide == pytest.approx((own[0] + semantic.WIDE, own[1] + semantic.WIDE))
    shut = replace(face, params=semantic.resolve(FaceEdit.of(blink_left=1, blink_right=1), face, model))
    read = semantic.measure_controls(face, shut, model)
    assert read["blink_left"] == pytest.approx(1) and read["blink_right"] == pytest.approx(1)


@pytest.mark.parametrize("aperture", [0.02, 0.05, 0.1])
def test_eyes_that_the_photo_shows_shut_open_at_the_end_of_the_blinks_range(face, model, aperture) -> None:
    """A share of nothing was asked of them, so no slider opened a person who had been photographed blinking."""
    worn = replace(face.params.expression, aperture=(aperture, aperture))
    blinking = replace(face, params=replace(face.params, expression=worn))
    edit = FaceEdit.of(blink_left=-0.5, blink_right=-0.25)
    opened = replace(face, params=semantic.resolve(edit, blinking, model))
    left, right = opened.params.expression.aperture
    assert left == pytest.approx(semantic.OPEN) and right == pytest.approx((semantic.OPEN + aperture) / 2)
    read = semantic.measure_controls(blinking, opened, model)
    assert (read["blink_left"], read["blink_right"]) == pytest.approx((-0.5, -0.25))


def test_pose_and_gaze_are_absolute_and_strength_fades_from_the_photo(face, model) -> None:
    edit = FaceEdit.of(yaw=20, pitch=-10, roll=5, gaze_x=12, gaze_y=-6)
    full = semantic.resolve(edit, face, model)
    assert full.camera.angles == pytest.approx((20, -10, 5))
    assert full.expression.gaze == pytest.approx((12, -6))
    half = semantic.resolve(replace(edit, strength=0.5), face, model)
    own = face.params.camera.angles
    assert half.camera.angles == pytest.approx(tuple((a + b) / 2 for a, b in zip(own, (20, -10, 5))))


@settings(max_examples=20, deadline=None)
@given(st.floats(-40, 40), st.floats(-30, 30), st.floats(-60, 60))
def test_the_neck_stays_where_it_is(face, model, yaw, pitch, roll) -> None:
    target = semantic.resolve(FaceEdit.of(yaw=yaw, pitch=pitch, roll=roll), face, model).camera
    neck = semantic.NECK_PIVOT[None]
    assert target.project(neck)[0, :2] == pytest.approx(face.params.camera.project(neck)[0, :2], abs=1e-6)


def test_placement_is_what_was_asked(face, model) -> None:
    target = semantic.resolve(FaceEdit.of(tx=300, ty=150, scale=55, yaw=10), face, model).camera
    assert target.translation == pytest.approx((300, 150)) and target.scale == pytest.approx(55)


def test_frontalise_turns_as_far_as_it_is_reported(synthetic) -> None:
    values = semantic.frontalise(synthetic, 1.0)
    assert (values["yaw"], values["pitch"], values["roll"]) == (0, 0, 0)
    assert semantic.frontalise(synthetic, 0.5)["yaw"] == pytest.approx(synthetic.params.camera.yaw / 2)


def test_neutralise_takes_the_expression_back_and_closes_the_lips(synthetic, model) -> None:
    laughing = edited(synthetic, FaceEdit.of(mouth_open=1, smile=1, exp9=1), model)
    rested = edited(laughing, FaceEdit.of(**semantic.neutralise(laughing, 1.0)), model)
    half = edited(laughing, FaceEdit.of(**semantic.neutralise(laughing, 0.5)), model)
    apart, halved, shut = (
        indices.measure(semantic.observed(face, model))[0] for face in (laughing, half, rested)
    )
    assert apart > 0.2 and halved == pytest.approx(apart / 2) and shut == pytest.approx(0, abs=1e-6)
    # Not quite 0: that closes the lips of the model's mean, which are parted a little.
    assert np.abs(rested.params.expression.coefficients).max() < 0.15


def test_neutralise_leaves_lips_that_end_shut_to_the_components(synthetic, model) -> None:
    scale = synthetic.params.camera.scale
    pressed = replace(synthetic, landmarks=synthetic.landmarks.copy())
    pressed.landmarks[[14, 87, 317], 1] -= 0.1 * scale
    wearing = edited(pressed, FaceEdit.of(smile=1, exp9=1), model)
    rested = semantic.resolve(FaceEdit.of(**semantic.neutralise(wearing)), wearing, model)
    assert np.abs(rested.expression.coefficients).max() < 1e-9


@pytest.mark.parametrize("side", ["left", "right"])
def test_one_sides_smile_leaves_the_other_corner(model, side) -> None:
    other = {"left": "right", "right": "left"}[side]
    known, rows = semantic.directions(model), indices.rows(model)
    for name in (f"smile_{side}", f"width_{side}"):
        moved = {index: float(row @ known[name]) for index, row in rows.items()}
        assert moved[f"out_{side}"] == pytest.approx(0.06, rel=0.05)
        assert abs(moved[f"out_{other}"]) < 0.015 and abs(moved[f"lift_{other}"]) < 0.015


def test_neutralise_says_what_it_does_in_the_named_controls(synthetic, model) -> None:
    laughing = edited(synthetic, FaceEdit.of(mouth_open=0.5, smile=1), model)
    values = semantic.neutralise(laughing)
    assert values["smile"] < -0.5 and values["mouth_open"] < -0.2


def test_likeness_falls_with_identity_and_not_with_expression_or_pose(face, synthetic, model) -> None:
    assert semantic.identity_similarity(face, face, model) == pytest.approx(1)
    turned = edited(face, FaceEdit.of(smile=1, mouth_open=0.5), model)
    assert semantic.identity_similarity(face, turned, model) > 0.99
    assert semantic.identity_similarity(face, synthetic, model) < 0.75


def test_indices_ignore_where_the_face_is(model) -> None:
    moved = indices.measure(model.mean + (0.3, -0.2, 0.5))
    assert moved == pytest.approx(indices.measure(model.mean), abs=1e-9)
