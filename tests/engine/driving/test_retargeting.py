"""Smoothing and retargeting: what reaches the portrait, and what does not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app.engine.face.morphable_model import MorphableModel, default_model
from app.engine.face.parameters import Camera, Expression, FaceParams, FittedFace, Identity
from app.engine.face.retargeting import (
    REGIONS,
    WAY_MOST,
    Retargeter,
    RetargetSettings,
    mirror_matrix,
    mirrored,
    region_matrices,
)
from app.engine.face.semantic import NECK_PIVOT, directions
from app.engine.face.smoothing import FaceSmoother, Smoothing


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return default_model()


def face(
    seed: int, scale: float, yaw: float = 0.0, aperture: tuple[float, float] = (0.28, 0.26)
) -> FaceParams:
    random = np.random.default_rng(seed)
    expression = Expression(tuple(random.normal(0, 0.5, 28).tolist()), (3.0, -2.0), aperture)
    camera = Camera.from_angles(yaw, 4, -3, scale, (10 * scale, 5 * scale))
    return FaceParams(Identity(tuple(random.normal(0, 1, 40).tolist())), expression, camera)


@pytest.fixture(scope="module")
def portrait(model: MorphableModel) -> FittedFace:
    params = face(1, 80, yaw=6)
    points = model.vertices(params)
    return FittedFace(params, np.vstack([points, points[:10]]), (0, 0, 100, 100), np.zeros_like(points))


def close(a: FaceParams, b: FaceParams, tolerance: float = 1e-6) -> None:
    assert a.identity == b.identity
    assert np.allclose(a.expression.coefficients, b.expression.coefficients, atol=tolerance)
    assert np.allclose(
        [*a.expression.gaze, *a.expression.aperture], [*b.expression.gaze, *b.expression.aperture]
    )
    assert np.allclose(a.camera.rotation, b.camera.rotation, atol=tolerance)
    assert np.allclose(a.camera.as_array()[[0, 5, 6]], b.camera.as_array()[[0, 5, 6]], atol=1e-4)


def test_a_driver_at_rest_leaves_the_portrait_as_it_is(model, portrait) -> None:
    neutral = face(2, 50, yaw=-8)
    close(Retargeter(model, portrait, RetargetSettings()).retarget(neutral, neutral), portrait.params)


@pytest.mark.parametrize("relative", [True, False])
def test_self_reenactment_returns_the_frames_own_parameters(model, portrait, relative: bool) -> None:
    """Driven by its own clip, with its own frame as neutral, a portrait gets each frame's parameters back."""
    retargeter = Retargeter(model, portrait, RetargetSettings(relative=relative))
    own = portrait.params
    later = replace(
        own,
        expression=replace(own.expression, coefficients=tuple(0.5 + c for c in own.expression.coefficients)),
        camera=Camera.from_angles(-12, 9, 5, 92, (808, 402)),
    )
    close(retargeter.retarget(own, own), own)
    close(retargeter.retarget(later, own), later)


def test_identity_stays_the_portraits(model, portrait) -> None:
    driven = Retargeter(model, portrait, RetargetSettings()).retarget(face(5, 60, 20), face(2, 50))
    assert driven.identity == portrait.params.identity


def test_scale_and_place_are_adapted(model, portrait) -> None:
    """HeadGAN, section 3.1: a driver is a fifth nearer and half an eye distance aside, in any resolution."""
    own = portrait.params.camera
    for size in (1.0, 4.0):
        neutral = replace(face(2, 50), camera=Camera(50 * size, translation=(100 * size, 90 * size)))
        neck = neutral.camera.project(NECK_PIVOT[None])[0, :2]
        nearer = Camera(60 * size)
        aside = neck + (25 * size, 0) - nearer.project(NECK_PIVOT[None])[0, :2]
        moved = replace(neutral, camera=replace(nearer, translation=(aside[0], aside[1])))
        driven = Retargeter(model, portrait, RetargetSettings()).retarget(moved, neutral).camera
        assert driven.scale == pytest.approx(1.2 * own.scale)
        before, after = (c.project(NECK_PIVOT[None])[0, :2] for c in (own, driven))
        assert after - before == pytest.approx(np.array([0.5 * own.scale, 0]), abs=1e-6)


def test_locking_keeps_size_and_neck(model, portrait) -> None:
    settings = RetargetSettings(lock_placement=True)
    driven = Retargeter(model, portrait, settings).retarget(face(3, 90, 20), face(2, 50)).camera
    own = portrait.params.camera
    assert driven.scale == own.scale and abs(driven.yaw - own.yaw) > 10
    assert np.allclose(driven.project(NECK_PIVOT[None])[0, :2], own.project(NECK_PIVOT[None])[0, :2])


def test_absolute_takes_the_drivers_own_pose_and_expression(model, portrait) -> None:
    driver, neutral = face(3, 60, 20), face(2, 50, -8)
    neutral = replace(neutral, expression=replace(neutral.expression, coefficients=(0.4,) * 28))
    driven = Retargeter(model, portrait, RetargetSettings(relative=False)).retarget(driver, neutral)
    assert driven.camera.angles == pytest.approx(driver.camera.angles, abs=1e-6)
    assert np.allclose(driven.expression.coefficients, driver.expression.coefficients)
    relative = Retargeter(model, portrait, RetargetSettings()).retarget(driver, neutral)
    assert relative.camera.yaw == pytest.approx(portrait.params.camera.yaw + 28, abs=4)


def test_a_persons_own_offset_is_no_expression(model, portrait) -> None:
    """A held identity leaves sigmas in p_exp that are always there; absolute driving must not show them."""
    rest = replace(face(2, 50), expression=Expression((6.0,) + (0.0,) * 27))
    smile = replace(rest, expression=Expression((7.0,) + (0.5,) * 27))
    driven = Retargeter(model, portrait, RetargetSettings(relative=False)).retarget(smile, rest)
    assert driven.expression.coefficients[0] == pytest.approx(2.5)
    assert driven.expression.coefficients[1] == pytest.approx(0.5)


def test_far_turns_are_approached_not_reached(model, portrait) -> None:
    neutral, yaws = face(2, 50, yaw=0), []
    for yaw in range(0, 80, 5):
        driver = replace(neutral, camera=Camera.from_angles(yaw, 4, -3, 50, (0, 0)))
        yaws.append(Retargeter(model, portrait, RetargetSettings()).retarget(driver, neutral).camera.yaw)
    steps = np.diff(yaws)
    assert (steps > 0).all() and steps[:4] == pytest.approx([5, 5, 5, 5], abs=0.3)
    assert yaws[-1] - yaws[0] < 35


def test_a_driver_who_walks_away_does_not_pull_the_portrait_out_of_its_picture(model, portrait) -> None:
    neutral, own = face(2, 50), portrait.params.camera
    retargeter = Retargeter(model, portrait, RetargetSettings())

    def moved(ways: float) -> float:
        x, y = neutral.camera.translation
        there = replace(neutral, camera=replace(neutral.camera, translation=(x + ways * 50, y)))
        result = retargeter.retarget(there, neutral).camera
        return (result.translation[0] - own.translation[0]) / own.scale

    assert moved(0.45) == pytest.approx(0.45, abs=1e-6)  # leaning aside is followed
    assert 0.8 < moved(2.0) < moved(6.0) <= WAY_MOST


def test_a_driver_at_the_lens_does_not_swell_the_head_beyond_its_shoulders(model, portrait) -> None:
    neutral, own = face(2, 50), portrait.params.camera
    retargeter = Retargeter(model, portrait, RetargetSettings())
    grown = [
        retargeter.retarget(
            replace(neutral, camera=replace(neutral.camera, scale=scale)), neutral
        ).camera.scale
        / own.scale
        for scale in (20, 42, 60, 100, 200)
    ]
    assert grown[1:3] == pytest.approx([0.84, 1.2])
    assert 1 / 1.5 <= grown[0] < 0.7 and 1.4 < grown[3] < grown[4] <= 1.5


def test_the_tilt_of_a_driver_who_looks_far_aside_is_followed(model, portrait) -> None:
    neutral = face(2, 50)
    retargeter = Retargeter(model, portrait, RetargetSettings(relative=False))
    for roll in (-18.0, -6.0, 0.0, 12.0):
        driver = replace(neutral, camera=Camera.from_angles(75, 0, roll, 50, (0, 0)))
        camera = retargeter.retarget(driver, neutral).camera
        assert camera.roll == pytest.approx(roll, abs=1e-6) and camera.yaw < portrait.params.camera.yaw + 35


def test_face_mode_keeps_the_pose(model, portrait) -> None:
    driven = Retargeter(model, portrait, RetargetSettings(mode="face")).retarget(face(3, 60, 30), face(2, 50))
    assert driven.camera == portrait.params.camera
    assert driven.expression != portrait.params.expression
    with pytest.raises(ValueError):
        RetargetSettings(mode="hand")


def test_strengths_of_nothing_leave_everything(model, portrait) -> None:
    nothing = RetargetSettings(pose=0, mouth=0, brows=0, lid_left=0, lid_right=0, gaze=0)
    driven = Retargeter(model, portrait, nothing).retarget(face(3, 60, 30, (0.06, 0.06)), face(2, 50))
    close(driven, portrait.params)


def test_regions_add_up_to_the_whole(model) -> None:
    matrices = region_matrices(model)
    assert matrices.shape == (len(REGIONS), 28, 28)
    assert np.allclose(matrices.sum(axis=0), np.eye(28), atol=1e-5)


def test_each_strength_acts_on_its_own_part(model, portrait) -> None:
    """In a smile with raised brows, the brows still rise without the mouth's strength, and the mouth smiles
    without the brows'.
    """
    known, neutral = directions(model), face(2, 50)
    both = (
        np.array(neutral.expression.coefficients) + known["smile"] + known["brow_left"] + known["brow_right"]
    )
    driver = replace(neutral, expression=replace(neutral.expression, coefficients=tuple(both.tolist())))

    def moved(**strengths: float) -> tuple[float, float]:
        settings = RetargetSettings(**strengths)
        driven = Retargeter(model, portrait, settings).retarget(driver, neutral)
        change = model.expression_offset(driven.expression)
        change = np.linalg.norm(change - model.expression_offset(portrait.params.expression), axis=1)
        return change[[61, 291]].mean(), change[[105, 334]].mean()

    whole, without_mouth, without_brows = moved(), moved(mouth=0.0), moved(brows=0.0)
    assert without_mouth[0] < 0.35 * whole[0] and without_mouth[1] > 0.7 * whole[1]
    assert without_brows[1] < 0.45 * whole[1] and without_brows[0] > 0.7 * whole[0]


@pytest.mark.parametrize("relative", [True, False])
def test_a_blink_of_the_driver_shuts_the_portraits_eye(model, portrait, relative: bool) -> None:
    neutral, blink = face(2, 50, aperture=(0.34, 0.34)), face(2, 50, aperture=(0.06, 0.34))
    driven = Retargeter(model, portrait, RetargetSettings(relative=relative)).retarget(blink, neutral)
    left, right = driven.expression.aperture
    assert left == pytest.approx(0.05, abs=0.01) and right == pytest.approx(0.26, abs=0.01)


def test_the_lids_strength_is_per_eye(model, portrait) -> None:
    neutral, shut = face(2, 50), face(2, 50, aperture=(0.05, 0.05))
    driven = Retargeter(model, portrait, RetargetSettings(lid_left=0)).retarget(shut, neutral)
    assert driven.expression.aperture[0] == 0.28 and driven.expression.aperture[1] < 0.06


def test_mirroring_is_its_own_inverse_and_turns_the_other_way(model, portrait) -> None:
    one = face(4, 60, 15)
    close(mirrored(mirrored(one, model), model), one)
    assert np.allclose(mirror_matrix(model) @ mirror_matrix(model), np.eye(28), atol=1e-5)
    other = mirrored(one, model)
    assert other.camera.angles == pytest.approx((-15, 4, 3), abs=1e-6)
    points, flipped = (model.shape(Identity(), p.expression) for p in (one, other))
    assert np.allclose(flipped, points[model.mirror] * (-1, 1, 1), atol=1e-4)


def test_the_mirror_toggle_turns_the_portrait_the_other_way(model, portrait) -> None:
    neutral = face(2, 50)
    turned = replace(neutral, camera=Camera.from_angles(20, 4, -3, 50, neutral.camera.translation))
    yaws = [
        Retargeter(model, portrait, RetargetSettings(mirror=m)).retarget(turned, neutral).camera.yaw
        for m in (False, True)
    ]
    own = portrait.params.camera.yaw
    assert yaws[0] - own == pytest.approx(20, abs=1) and yaws[1] - own == pytest.approx(-20, abs=1)


def test_expressions_never_run_away(model, portrait) -> None:
    own = np.array(portrait.params.expression.coefficients)
    wild = replace(face(2, 50), expression=Expression((9.0,) * 28, (80.0, 80.0), (0.9, 0.9)))
    driven = Retargeter(model, portrait, RetargetSettings()).retarget(wild, face(2, 50)).expression
    assert np.abs(driven.coefficients - own).max() <= 4.0 and max(driven.gaze) <= 35
    assert max(driven.aperture) < 0.45


def test_smoothing_calms_a_still_face_and_follows_a_quick_one() -> None:
    random, steady = np.random.default_rng(0), face(1, 80)
    angles, smoothed = [], []
    smoother = FaceSmoother()
    for k in range(90):
        yaw = random.normal(0, 0.2) if k < 60 else 30.0 * min(1, (k - 59) / 6)
        camera = Camera.from_angles(yaw, 0, 0, 80, (800, 400))
        smoothed.append(smoother.smooth(replace(steady, camera=camera), k / 30).camera.yaw)
        angles.append(yaw)
    assert np.std(smoothed[20:60]) < 0.55 * np.std(angles[20:60])
    assert smoothed[69] > 27  # four frames after the turn of six frames ended
    assert smoothed[-1] == pytest.approx(30, abs=0.3)


def test_a_head_that_sways_and_stops_does_not_glide_on() -> None:
    smoother, steady, places = FaceSmoother(), face(1, 80), []
    for k in range(40):
        x = 800 + 0.4 * min(max(k - 19, 0), 10)  # px, a twentieth of an eye distance in ten frames
        camera = Camera.from_angles(0, 0, 0, 80, (x, 400))
        places.append(smoother.smooth(replace(steady, camera=camera), k / 30).camera.translation[0])
    assert 804 - places[29] < 0.3, "when the driver stops"
    assert places[31] - places[30] < 0.06


def test_each_group_has_its_own_amount_of_smoothing() -> None:
    random, steady = np.random.default_rng(0), face(1, 80)
    noisy = [
        replace(
            steady,
            expression=replace(steady.expression, coefficients=(float(random.normal()),) * 28),
            camera=Camera.from_angles(random.normal(0, 0.3), 0, 0, 80, (800, 400)),
        )
        for _ in range(60)
    ]

    def left(amounts: Smoothing) -> tuple[float, float]:
        smoother = FaceSmoother()
        smoother.set(amounts)
        shown = [smoother.smooth(one, k / 30) for k, one in enumerate(noisy)]
        yaws, first = [s.camera.yaw for s in shown], [s.expression.coefficients[0] for s in shown]
        return float(np.std(yaws[20:])), float(np.std(first[20:]))

    usual, still, free = left(Smoothing()), left(Smoothing(pose=3)), left(Smoothing(expression=0))
    assert still[0] < 0.7 * usual[0] and still[1] == usual[1]
    assert free[0] == usual[0]
    assert free[1] == pytest.approx(np.std([one.expression.coefficients[0] for one in noisy[20:]]))


def test_smoothing_keeps_a_blink() -> None:
    smoother, shown = FaceSmoother(), []
    for k in range(30):
        aperture = 0.06 if 15 <= k < 18 else 0.3
        one = replace(face(1, 80), expression=Expression((0.0,) * 28, aperture=(aperture, aperture)))
        shown.append(smoother.smooth(one, k / 30).expression.aperture[0])
    assert min(shown) < 0.11 and shown[-1] > 0.28


def test_smoothing_starts_anew_after_a_gap_and_passes_identity() -> None:
    smoother = FaceSmoother()
    smoother.smooth(face(1, 80), 0.0)
    other = face(2, 40, 30)
    close(smoother.smooth(other, 5.0), other)
    smoother.reset()
    close(smoother.smooth(face(3, 60), 5.01), face(3, 60))


def test_a_size_that_trembles_does_not_shake_the_place() -> None:
    """The place is ten eye distances from the picture's corner, so 0.01 of trembling in size is 0.1 in place."""
    smoother, steady, random, places = FaceSmoother(), face(1, 80), np.random.default_rng(1), []
    for k in range(40):
        camera = Camera.from_angles(0, 0, 0, 80 * math.exp(random.normal(0, 0.01)), (800, 400))
        places.append(smoother.smooth(replace(steady, camera=camera), k / 30).camera.translation)
    assert np.abs(np.array(places) - (800, 400)).max() < 0.1  # px
