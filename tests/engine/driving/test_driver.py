"""The driver holds the identity, and holds and eases a lost face; a live step works by itself."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.contract import GeneratorInfo, Patch, SourceImage, Target
from app.engine.driving import easing
from app.engine.driving.animation import Animation
from app.engine.driving.driver import BOTH_LIDS, IDENTITY_FRAMES, OWN_LIDS, Driver, with_sure_lids
from app.engine.driving.easing import Presence, mean, mix
from app.engine.driving.live import Controls, Performer, Scene, on_top
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import (
    FaceEdit,
    FaceParams,
    FittedFace,
)
from app.engine.face.retargeting import RetargetSettings
from app.engine.face.semantic import resolve
from app.engine.sources.frames import Frame
from tests.engine.driving.conftest import params
from tools.virtual_camera import VirtualCamera


def shifted(head: NDArray[np.uint8], dx: int) -> NDArray[np.uint8]:
    return np.roll(head, dx, axis=1)


# -- easing


def test_mixing_is_even_and_takes_the_shorter_turn() -> None:
    a, b = params(-10), params(30, p=1.0)
    b = replace(b, camera=replace(b.camera, quaternion=tuple(-q for q in b.camera.quaternion)))
    middle = mix(a, b, 0.5)
    assert middle.camera.yaw == pytest.approx(10, abs=0.1)
    assert middle.expression.coefficients[0] == pytest.approx(0.5)
    assert mix(a, b, 0).camera == a.camera and mix(a, b, 1) is b
    assert mean([params(0), params(10), params(20)]).camera.yaw == pytest.approx(10, abs=0.1)


def test_a_lost_face_holds_then_eases_and_never_jumps() -> None:
    presence, rest, turned, found_again = Presence(), params(0), params(30), params(-20)
    shown, time = [], 0.0
    script = [("found", turned)] * 10 + [("lost", None)] * 80 + [("found", found_again)] * 60
    for _, value in script:
        time += 1 / 30
        result = presence.found(value, time) if value else presence.lost(rest, time)
        assert result is not None
        shown.append(result.camera.yaw)
    assert np.abs(np.diff(shown)).max() < 2.5  # 30 degrees in a second, never at once
    held = shown[10 : 10 + int(easing.HOLD * 30) - 1]
    assert np.allclose(held, 30, atol=0.05)
    assert shown[85] == pytest.approx(0, abs=0.1)
    assert shown[-1] == pytest.approx(-20, abs=1e-6)


def test_a_face_lost_in_the_middle_of_easing_does_not_jump_either() -> None:
    presence, shown, time = Presence(), [], 0.0
    random = np.random.default_rng(2)
    for k in range(300):
        time += 1 / 30
        there = (k // int(random.integers(15, 25))) % 2 == 0
        result = presence.found(params(25), time) if there or k == 0 else presence.lost(params(0), time)
        assert result is not None
        shown.append(result.camera.yaw)
    assert np.abs(np.diff(shown)).max() < 2.5


def test_a_face_lost_for_two_frames_is_followed_again_at_once() -> None:
    presence, shown = Presence(), []
    for k in range(30):
        result = presence.lost(params(0), k / 30) if k in (10, 11) else presence.found(params(k), k / 30)
        assert result is not None
        shown.append(result.camera.yaw)
        assert presence.settled == (k < 10 or k > 16)
    assert shown[11] == pytest.approx(9, abs=0.01) and shown[18:] == pytest.approx(list(range(18, 30)))
    assert np.abs(np.diff(shown)).max() < 5


def test_nothing_is_shown_before_a_face_was_seen() -> None:
    assert Presence().lost(None, 1.0) is None
    assert Presence().lost(params(), 1.0) is None


# -- driver


def test_the_driver_follows_a_face_and_holds_its_identity(
    tracker: FaceTracker, head: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(default_model(), tracker)
    driver.reset()
    blank = np.zeros_like(head)
    assert driver.drive(Frame(blank, 0.0, 0)) is None and not driver.reading.found
    identities, places = [], []
    for k in range(1, IDENTITY_FRAMES + 6):
        found = driver.drive(Frame(shifted(head, k), k / 30, k))
        assert found is not None and driver.reading.found
        identities.append(found.identity)
        places.append(found.camera.translation[0])
    assert len(set(identities[IDENTITY_FRAMES:])) == 1
    assert places[-1] - places[0] == pytest.approx(len(places) - 1, abs=3)
    assert driver.reading.landmarks is not None and driver.reading.landmarks.shape == (478, 3)
    assert driver.reading.quality is not None and driver.neutral is not None
    assert driver.reading.rest_picture is not None and driver.reading.rest_picture.shape == (96, 96, 3)
    assert driver.reading.rest_picture.std() > 20 and driver.reading.rest_sure is not None
    held = driver.drive(Frame(blank, 1.1, 99))
    assert held is not None and held.camera.translation[0] == pytest.approx(places[-1], abs=0.1)
    assert not (driver.reading.found or driver.reading.doubted)
    assert {name for name, _ in driver.reading.ms} >= {"track", "fit", "total"}
    monkeypatch.setattr(driver._belief, "judge", lambda *_: False)
    driver.drive(Frame(head, 1.2, 100))
    assert driver.reading.doubted and not driver.reading.found


def test_a_clip_is_known_from_its_first_third(tracker: FaceTracker, head: NDArray[np.uint8]) -> None:
    driver = Driver(default_model(), tracker)
    for k in range(0, 9, 3):
        driver.look(Frame(shifted(head, k), k / 30, k))
    driver.settle()
    assert driver.neutral is not None
    identity = driver.neutral.identity
    found = driver.drive(Frame(head, 0.0, 0))
    assert found is not None and found.identity == identity


# -- one live step


class Painter:
    """A generator that paints the yaw it is asked for into a small patch."""

    info = GeneratorInfo("painter", "Painter", 0, (), (), "MIT")

    def __init__(self) -> None:
        self.targets: list[Target] = []

    def encode(self, source: SourceImage) -> object:
        return None

    def generate(self, code: object, target: Target) -> Patch:
        self.targets.append(target)
        level = int(np.clip(128 + 2 * target.params.camera.yaw, 0, 255))
        return Patch(np.full((10, 20, 3), level, np.uint8), 5, 3, ms=(("paint", 1.0),))


def scene() -> Scene:
    model = default_model()
    own = params(5)
    points = model.vertices(own)
    face = FittedFace(own, np.vstack([points, points[:10]]), (0, 0, 1, 1), np.zeros_like(points))
    return Scene(model, Painter(), None, face, np.full((48, 64, 3), 50, np.uint8))


class Given:
    """A live source that gives parameters instead of pictures."""

    name, rate, total, live = "Given", Fraction(30), 0, True

    def __init__(self, all_params: list[FaceParams]) -> None:
        self._frames = [Frame(None, 7 + k / 30, k, params=p) for k, p in enumerate(all_params)]
        self.closed = False

    def take(self, timeout: float) -> Frame | None:
        return self._frames.pop(0) if self._frames else None

    @property
    def ended(self) -> bool:
        return not self._frames

    def close(self) -> None:
        self.closed = True
        self._frames = []


def test_a_step_paints_the_retargeted_face_and_leaves_the_rest(tracker: FaceTracker) -> None:
    stage = scene()
    performer = Performer(stage, Driver(stage.model, tracker))
    performer.driver.calibration.set(params(0))
    driven = performer.step(Frame(None, 1.0, 0, params=params(20)), Controls())
    assert driven.params.camera.yaw == pytest.approx(25, abs=0.5)
    assert driven.picture.shape == (48, 64, 3)
    assert np.abs(driven.picture[3:13, 5:25].astype(int) - 178).max() <= 1
    rest = driven.picture.copy()
    rest[3:13, 5:25] = 50
    assert (rest == 50).all() and (stage.pixels == 50).all()
    assert {"retarget", "generate", "generate.paint", "paste", "total"} <= set(driven.ms)
    performer.step(Frame(None, 1.1, 1, params=params(10)), Controls())
    assert stage.generator.targets[1].history == (driven.params,)  # type: ignore[attr-defined]


def test_sliders_come_on_top_while_driving(tracker: FaceTracker) -> None:
    stage = scene()
    performer = Performer(stage, Driver(stage.model, tracker))
    performer.driver.calibration.set(params(0))
    frame = Frame(None, 1.0, 0, params=params(20, p=0.3))
    plain = performer.step(frame, Controls()).params
    edited = performer.step(frame, Controls(edit=FaceEdit.of(yaw=12, exp3=0.5, gaze_x=10))).params
    assert edited.camera.yaw - plain.camera.yaw == pytest.approx(7, abs=0.3)  # 12 is asked; the photo has 5
    assert edited.expression.coefficients[2] - plain.expression.coefficients[2] == pytest.approx(0.5)
    assert edited.expression.gaze[0] - plain.expression.gaze[0] == pytest.approx(10)
    faint = performer.step(frame, Controls(edit=FaceEdit.of(strength=0, yaw=12))).params
    assert faint == plain


def test_an_edit_alone_on_top_of_the_own_face_is_the_edit() -> None:
    stage = scene()
    own = stage.face.params
    asked = resolve(FaceEdit.of(yaw=-9, smile=0.5, blink_left=1), stage.face, stage.model)
    result = on_top(own, own, asked)
    assert np.allclose(result.camera.as_array(), asked.camera.as_array(), atol=1e-6)
    assert np.allclose(result.expression.coefficients, asked.expression.coefficients)
    assert np.allclose(result.expression.aperture, asked.expression.aperture)


def test_a_small_driver_does_not_wink_by_mistake_and_a_large_one_may() -> None:
    def lids(scale: float) -> tuple[float, float]:
        face = params()
        winking = replace(face.expression, aperture=(0.3, 0.1))
        seen = with_sure_lids(
            replace(face, expression=winking, camera=face.camera.scaled(scale / face.camera.scale))
        )
        return seen.expression.aperture

    assert lids(OWN_LIDS) == lids(3 * OWN_LIDS) == pytest.approx((0.3, 0.1))
    assert lids(BOTH_LIDS) == lids(BOTH_LIDS / 2) == pytest.approx((0.2, 0.2))
    left, right = lids((OWN_LIDS + BOTH_LIDS) / 2)
    assert (left, right) == pytest.approx((0.25, 0.15))


def test_changed_settings_take_effect_at_the_next_step(tracker: FaceTracker) -> None:
    stage = scene()
    performer, controls = Performer(stage, Driver(stage.model, tracker)), Controls()
    performer.driver.calibration.set(params(0))
    frame = Frame(None, 1.0, 0, params=params(20))
    assert performer.step(frame, controls).params.camera.yaw > 20
    controls.settings = RetargetSettings(mode="face")
    assert performer.step(frame, controls).params.camera == stage.face.params.camera


def test_an_animation_steps_records_and_keeps_the_performance(tracker: FaceTracker, tmp_path: Path) -> None:
    stage = scene()
    source = Given([params(k) for k in range(12)])
    animation = Animation(stage, source, Driver(stage.model, tracker), Controls(nmfc_size=32))
    animation.driver.calibration.set(params(0))
    animation.record(tmp_path / "live.mp4")
    animation.keep_performance()
    steps, recording = [], None
    for step in animation.steps():
        steps.append(step)
        if len(steps) == 10:
            saving = animation.stop_recording()
            recording = saving.result() if saving else None
    assert source.closed and len(steps) == 12 and steps[-1].done == 12
    assert recording is not None and recording.pictures == 10
    assert recording.duration == pytest.approx(9 / 30)
    step = steps[4]
    assert step.driven is not None and step.driven.params.camera.yaw == pytest.approx(9, abs=0.5)
    assert step.recording is not None and step.recording.seconds > 0 and step.recording.disk_left > 0
    assert step.fps > 0 and step.nmfc is not None and step.nmfc.shape == (32, 32, 3) and step.nmfc.any()
    performance = animation.kept_performance()
    assert len(performance) == 12 and performance.params(7).camera.yaw == pytest.approx(7, abs=1e-3)
    assert performance.neutral is not None and performance.times[-1] == pytest.approx(11 / 30)


def test_closing_the_steps_finishes_the_recording(tracker: FaceTracker, tmp_path: Path) -> None:
    stage = scene()
    source = Given([params(k) for k in range(50)])
    animation = Animation(stage, source, Driver(stage.model, tracker))
    animation.driver.calibration.set(params(0))
    animation.record(tmp_path / "live.mp4")
    steps = animation.steps()
    for _ in range(5):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert source.closed and (tmp_path / "live.mp4").is_file()


def test_a_paused_animation_takes_frames_but_shows_none(tracker: FaceTracker) -> None:
    stage = scene()
    camera = VirtualCamera(lambda time: np.zeros((48, 64, 3), np.uint8), duration=0.2)
    animation = Animation(stage, camera, Driver(stage.model, tracker))
    animation.paused = True
    steps = list(animation.steps())
    assert len(steps) == 6 and all(s.picture is None and s.message == "Paused" for s in steps)
