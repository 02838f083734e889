"""Pulling a handle brings the point under the pointer by the handle's own controls, or says where its way
ends.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from app.engine.face import semantic
from app.engine.face.controls import BY_NAME
from app.engine.face.handles import HANDLES, Handle, Points, head_handle, lever, pull, snapped
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import FaceEdit, FittedFace, FloatArray

BY_HANDLE = {handle.name: handle for handle in HANDLES}


@pytest.fixture
def points(face: FittedFace, model: MorphableModel) -> Points:
    """Return the face as the model has it, with eyeballs that turn and lids that shut."""

    def place(edit: FaceEdit) -> FloatArray:
        target, own = semantic.resolve(edit, face, model), face.params
        shape = model.shape(target.identity, target.expression) + face.residual
        for lid, now, was in zip((386, 159), target.expression.aperture, own.expression.aperture):
            shape[lid, 1] += 0.4 * (now - was)
        eyes = own.camera.unproject(face.landmarks[468:])
        turn = np.radians(np.subtract(target.expression.gaze, own.expression.gaze))
        return target.camera.project(np.concatenate([shape, eyes + (*0.19 * np.sin(turn), 0)]))

    return place


@pytest.fixture
def own(face: FittedFace) -> dict[str, float]:
    values = dict(zip(("yaw", "pitch", "roll"), face.params.camera.angles))
    return values | dict(zip(("gaze_x", "gaze_y"), face.params.expression.gaze))


TWO_WAYS = [handle for handle in HANDLES if len(handle.controls) > 1]


@pytest.mark.parametrize("handle", TWO_WAYS, ids=lambda h: h.name)
def test_a_point_that_goes_two_ways_lands_under_the_pointer(
    face: FittedFace, points: Points, own: dict[str, float], handle: Handle
) -> None:
    before = FaceEdit.of(smile=0.3)
    goal = points(before)[handle.landmark, :2] + np.array([0.008, 0.012]) * face.params.camera.scale
    found = pull(points, before, handle.controls, handle.landmark, tuple(goal), own)
    assert found.off < 0.1 and found.reached and not found.ends
    assert np.allclose(points(found.edit)[handle.landmark, :2], goal, atol=0.1)
    changed = {n for n, v in found.edit.values if v != before.get(n)}
    assert changed <= {*handle.controls} and found.edit.get("smile") == 0.3


@pytest.mark.parametrize("name", ["brow_left", "lid_right", "lower_lip"])
def test_a_point_that_goes_one_way_comes_as_near_as_it_can(
    points: Points, own: dict[str, float], face: FittedFace, name: str
) -> None:
    handle = BY_HANDLE[name]
    goal = points(FaceEdit())[handle.landmark, :2] + np.array([0.02, 0.03]) * face.params.camera.scale
    found = pull(points, FaceEdit(), handle.controls, handle.landmark, tuple(goal), own)
    (control,) = handle.controls
    value = found.edit.get(control)
    assert value is not None and found.off > 0.05
    for other in (value - 0.05, value + 0.05):
        away = goal - points(FaceEdit.of(**{control: other}))[handle.landmark, :2]
        assert np.hypot(*away) > found.off


def test_a_control_stops_at_its_range_and_is_named(points: Points, own: dict[str, float], face) -> None:
    handle = BY_HANDLE["nose"]
    x, y = face.landmarks[1, :2]
    goal = (x + 3 * face.params.camera.scale, y)
    found = pull(points, FaceEdit(), handle.controls, handle.landmark, goal, own)
    assert found.edit.get("yaw") == pytest.approx(60) and "yaw" in found.ends and not found.reached


def test_linked_sides_move_together_and_others_alone(points: Points, own: dict[str, float], face) -> None:
    handle = BY_HANDLE["corner_left"]
    goal = tuple(face.landmarks[291, :2] + np.array([0.03, -0.03]) * face.params.camera.scale)
    together = pull(points, FaceEdit(), handle.controls, 291, goal, own, lambda name: True).edit
    alone = pull(points, FaceEdit(), handle.controls, 291, goal, own).edit
    for name in handle.controls:
        assert together.get(BY_NAME[name].mirror) == together.get(name) is not None
        assert alone.get(BY_NAME[name].mirror) is None


def test_shift_rolls_the_head_alone(points: Points, own: dict[str, float], face: FittedFace) -> None:
    handle = head_handle(10)
    goal = tuple(face.landmarks[10, :2] + np.array([0.3, 0.0]) * face.params.camera.scale)
    found = pull(points, FaceEdit(), handle.turned, handle.landmark, goal, own)
    assert {name for name, _ in found.edit.values} == {"roll"}
    assert found.edit.get("roll") > own["roll"] + 3


def test_a_roll_is_pulled_by_the_forehead_where_the_held_point_is_no_lever(
    points: Points, own: dict[str, float]
) -> None:
    """The nose's tip lies in the middle of a roll, which turned heads upside down."""
    assert lever(points, FaceEdit(), 1, own["roll"]) == 10
    assert lever(points, FaceEdit(), 152, own["roll"]) == 152


def test_a_pull_ends_where_it_ends_whichever_way_it_went(points: Points, own: dict[str, float], face) -> None:
    scale, start = face.params.camera.scale, face.landmarks[61, :2]
    names = BY_HANDLE["corner_right"].controls
    goal = tuple(start + np.array([-0.03, -0.04]) * scale)
    at_once = pull(points, FaceEdit(), names, 61, goal, own).edit
    by_the_way = FaceEdit()
    for way in ((0.05, 0.0), (0.02, -0.06), (-0.03, -0.04)):
        aim = tuple(start + np.array(way) * scale)
        by_the_way = pull(points, FaceEdit(), names, 61, aim, own, guess=by_the_way).edit
    for name in names:
        assert by_the_way.get(name) == pytest.approx(at_once.get(name), abs=0.02)


def test_snapping_puts_what_changed_on_a_grid() -> None:
    step: Callable[..., float] = lambda control: 5.0 if control.unit == "°" else 0.1  # noqa: E731
    edit = snapped(FaceEdit.of(yaw=12.4, smile=0.33), FaceEdit.of(smile=0.33), step)
    assert edit.get("yaw") == 10 and edit.get("smile") == 0.33
