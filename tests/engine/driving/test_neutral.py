"""The driver's face at rest is found among frames, averaged or chosen; each frame says how well it is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.driving.driver import Driver
from app.engine.driving.neutral import (
    AVERAGING,
    COUNTDOWN,
    Calibration,
    best_neutral,
    quality,
    rest_of,
    unrest,
)
from app.engine.face import indices
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import (
    FaceParams,
    FloatArray,
)
from app.engine.face.semantic import directions
from app.engine.sources.video import VideoSource
from tests.engine.driving.conftest import params


def test_the_most_restful_frames_are_the_neutral() -> None:
    """They are also found where the person's relaxed face is far from zero, as a held identity makes it."""
    model = default_model()
    known = directions(model)
    offset = 3.0 * np.eye(28)[7]

    def frame(yaw: float = 0.0, p: FloatArray | None = None, aperture: float = 0.28) -> FaceParams:
        moved = offset if p is None else offset + p
        one = params(yaw, aperture=aperture)
        return replace(one, expression=replace(one.expression, coefficients=tuple(moved.tolist())))

    speaking = [frame(p=amount * known["mouth_open"]) for amount in (0.5, 0.8, 1.0, 0.6)]
    frames = [frame(25), *speaking, frame(aperture=0.05), frame(3), frame(p=known["smile"])]
    assert np.argmin(unrest(frames, model)) == 6
    found = best_neutral(frames, model)
    assert found.camera.yaw == pytest.approx(3, abs=1e-6)
    assert found.expression.coefficients == pytest.approx(offset)


def smiling(amount: float, gap: float = 0.0, seed: int = 0) -> FaceParams:
    """Return a face whose mouth rests where people's do, with a smile and a gap between the lips on top."""
    moves = directions(default_model())
    rest = -0.98 * moves["smile"] + np.random.default_rng(seed).normal(0, 0.05, 28)
    p = rest + amount * moves["smile"] + gap * moves["mouth_open"]
    one = params(3)
    return replace(one, expression=replace(one.expression, coefficients=tuple(p.tolist())))


def lift(one: FaceParams) -> float:
    """Return how far the mouth's corners are lifted, in eye distances."""
    read = indices.read(default_model().shape(one.identity, one.expression))
    return (read["lift_left"] + read["lift_right"]) / 2


def test_a_smile_is_no_rest_even_where_it_is_most_of_the_clip() -> None:
    frames = [smiling(1.1, seed=k) for k in range(16)] + [smiling(0, seed=20), smiling(0, 0.4, seed=21)]
    found = rest_of(frames, default_model())
    assert found.frame == 16 and found.sure > 0.6
    assert abs(lift(found.params) - lift(frames[16])) < 0.015


@pytest.mark.parametrize(("smile", "gap"), [(0.8, 0.0), (1.4, 0.0), (0.0, 0.4), (1.0, 0.3)])
def test_who_never_rests_gets_a_rest_that_is_less_sure(smile: float, gap: float) -> None:
    model, rest = default_model(), smiling(0)
    found = rest_of([smiling(smile, gap, k) for k in range(12)], model)
    assert found.sure < 0.6 < rest_of([smiling(0, seed=k) for k in range(12)], model).sure
    assert abs(lift(found.params) - lift(rest)) < 0.02
    shape = model.shape(found.params.identity, found.params.expression)
    assert indices.read(shape)["mouth_gap"] == pytest.approx(
        indices.read(model.shape(rest.identity, rest.expression))["mouth_gap"], abs=0.025
    )


def test_a_resting_mouth_stays_as_it_is() -> None:
    frames = [smiling(0.1 * (k % 3), seed=k) for k in range(12)]
    found = rest_of(frames, default_model())
    assert min(abs(lift(found.params) - lift(one)) for one in frames) < 0.01


def test_a_clip_of_a_laugh_alone_has_a_rest_that_is_less_sure(shared: Path, tracker: FaceTracker) -> None:
    """The man of b_lp_d0 laughs in the middle half of the clip."""
    source = VideoSource(shared / "media" / "videos" / "b_lp_d0.mp4")
    frames = [frame for k in range(78) if (frame := source.take(1)) is not None and k % 6 == 0]
    source.close()
    whole, laughing = Driver(default_model(), tracker), Driver(default_model(), tracker)
    for driver, shown in ((whole, frames), (laughing, frames[4:11])):
        for frame in shown:
            driver.look(frame)
        driver.settle()
    assert whole.neutral is not None and laughing.neutral is not None
    assert whole.calibration.sure is not None and laughing.calibration.sure is not None
    assert whole.calibration.sure > 0.8 > laughing.calibration.sure
    assert (
        abs(lift(whole.neutral) - lift(laughing.neutral)) < 0.07
    )  # a full smile lifts by 0.06, a laugh by more


def test_the_frame_taken_for_rest_is_shown_and_another_can_be_chosen() -> None:
    calibration = Calibration(default_model())
    pictures = [np.full((4, 4, 3), k, np.uint8) for k in range(21)]
    for k in range(21):
        calibration.add(smiling(0 if k == 13 else 1.2, seed=k), k / 30, picture=pictures[k])
    assert calibration.picture is pictures[13] and calibration.sure is not None
    before = calibration.neutral
    calibration.use(params(9), pictures[5])
    assert calibration.picture is pictures[5] and calibration.sure is None and not calibration.searching
    assert calibration.neutral == before  # nothing jumps
    for k in range(60):
        calibration.add(params(20), 1 + k / 30)
    assert calibration.neutral is not None
    assert calibration.neutral.camera.yaw == pytest.approx(9, abs=0.3)


def test_calibration_counts_down_and_averages() -> None:
    calibration = Calibration(default_model())
    calibration.set(params(9))
    assert calibration.seconds_left(0) is None
    calibration.start()
    left = []
    for k in range(150):
        time = 50 + k / 30
        left.append(calibration.seconds_left(time))
        # The face turns until the countdown is over and then trembles about 4 degrees.
        calibration.add(params(-30 if time < 50 + COUNTDOWN else 4 + (-1) ** k), time)
    assert left[0] == COUNTDOWN + AVERAGING == 3.0 and left[60] == pytest.approx(1.0)
    assert left[-1] is None
    assert calibration.neutral is not None
    assert calibration.neutral.camera.yaw == pytest.approx(4, abs=0.3)


def test_a_better_neutral_is_reached_without_a_jump() -> None:
    calibration, yaws = Calibration(default_model()), []
    for k in range(120):
        calibration.add(params(20 if k < 60 else 0), k / 30)
        assert calibration.neutral is not None
        yaws.append(calibration.neutral.camera.yaw)
    assert yaws[0] == pytest.approx(20) and yaws[-1] == pytest.approx(0, abs=0.5)
    assert np.abs(np.diff(yaws)).max() < 4


def test_quality_reads_light_size_blur_and_rest(head: NDArray[np.uint8]) -> None:
    import cv2

    box = (60.0, 60.0, 110.0, 130.0)
    good = quality(head, box, params())
    dark = quality((head * 0.15).astype(np.uint8), box, params())
    soft = quality(cv2.GaussianBlur(head, (0, 0), 6), box, params())
    assert dark.light < 0.5 * good.light and soft.sharpness < 0.5 * good.sharpness
    assert good.size == pytest.approx(130 / 200)
    assert quality(head, box, params(30)).neutral < 0.6 * good.neutral
