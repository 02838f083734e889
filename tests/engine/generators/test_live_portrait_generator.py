"""The LivePortrait backend works on the sample portrait, with a small network of random weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.engine.checkpoints.live_portrait_files import LIVE_PORTRAIT
from app.engine.checkpoints.store import Model, chosen, remove_model, save_model
from app.engine.contract import Origin, Portrait, SourceImage, Target
from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.face.parameters import Camera, FaceEdit, FaceParams
from app.engine.generators import backends
from app.engine.generators import live_portrait_learning as learning
from app.engine.generators.live_portrait import LivePortrait, LivePortraitCode, entries_path, variants
from app.engine.points.expression import LEAST, ExpressionEntries
from tests.engine.live_portrait import small_weights
from tests.steps import drained


def small_model(seed: int, name: str) -> Model:
    return save_model(small_weights(seed), LIVE_PORTRAIT, name, "test")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("live_portrait")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def generator(home: Path) -> LivePortrait:
    small_model(0, "tiny")
    return LivePortrait()


@pytest.fixture(scope="module")
def source(portrait: Portrait) -> SourceImage:
    pixels = portrait.photo.pixels
    return SourceImage(pixels, None, portrait.faces[0], np.ones(pixels.shape[:2], np.float32))


@pytest.fixture(scope="module")
def code(generator: LivePortrait, source: SourceImage) -> LivePortraitCode:
    return generator.encode(source)


def turned(source: SourceImage, yaw: float = 0.0, across: float = 0.0) -> FaceParams:
    camera = source.face.params.camera
    own = camera.angles
    x, y = camera.translation
    return replace(
        source.face.params,
        camera=Camera.from_angles(own[0] + yaw, own[1], own[2], camera.scale, (x + across, y)),
    )


def own_pixels(source: SourceImage, patch) -> np.ndarray:
    h, w = patch.pixels.shape[:2]
    return source.pixels[patch.y : patch.y + h, patch.x : patch.x + w]


def test_unchanged_parameters_give_the_photo_bit_equal(generator, source, code) -> None:
    patch = generator.generate(code, Target(source.face.params))
    assert np.array_equal(patch.pixels, own_pixels(source, patch))


def test_a_tiny_change_changes_little(generator, source, code) -> None:
    patch = generator.generate(code, Target(turned(source, yaw=0.01)))
    assert np.abs(patch.pixels.astype(int) - own_pixels(source, patch)).mean() < 1.5


def test_an_edit_changes_the_face_and_leaves_the_border(generator, source, code) -> None:
    patch = generator.generate(code, Target(turned(source, yaw=15)))
    own = own_pixels(source, patch)
    assert (patch.pixels != own).any(axis=-1).mean() > 0.1
    assert np.array_equal(patch.pixels[0, 0], own[0, 0])
    assert {name for name, _ in patch.ms} == {"network", "paste"}


def test_every_way_to_move_the_head_moves_the_points(generator, source, code) -> None:
    still = generator.generate(code, Target(turned(source, yaw=0.01))).pixels
    for params in (turned(source, yaw=12), turned(source, across=20)):
        assert not np.array_equal(generator.generate(code, Target(params)).pixels, still)


def test_depth_and_alpha_stay(generator, source) -> None:
    deep = replace(
        source,
        pixels=source.pixels.astype(np.uint16) * 257,
        alpha=np.full(source.pixels.shape[:2], 65535, np.uint16),
    )
    patch = generator.generate(generator.encode(deep), Target(turned(deep, yaw=10)))
    assert patch.pixels.dtype == patch.alpha.dtype == np.uint16
    assert (patch.alpha == 65535).all()


def test_before_it_has_learnt_it_moves_heads_and_says_what_is_missing(generator) -> None:
    info = generator.info
    assert info.missing is None and info.weights == ("tiny",) and info.image_size == 256
    assert "yaw" in info.controls and "smile" not in info.controls
    assert info.learns and not info.learnt
    assert info.note is not None and "models learn" in info.note.remedy


def test_random_weights_are_learnt_without_fail_and_expressions_move_then(
    generator, source, code, monkeypatch
) -> None:
    monkeypatch.setattr(learning, "PICTURES", LEAST + 6)
    few = ("smile", "gaze_x", "gaze_y", "blink_left")
    monkeypatch.setattr(learning, "CHECKS", {name: learning.CHECKS[name] for name in few})
    steps, entries = drained(generator.learn())
    assert steps[-1].done == steps[-1].total and any(step.picture is not None for step in steps)
    assert entries.count == LEAST + 6 and np.isfinite(entries.matrix).all() and entries.error > 0
    assert set(entries.readings) == set(learning.CHECKS)
    info = generator.info
    assert {"smile", "gaze_x", "blink_left", "exp3"} <= set(info.controls)
    # The check is repeated with the gains that it found, and the error that is left is reported.
    after = [reading.corrected for reading in entries.readings.values()]
    assert any(value is not None for value in after)
    assert info.learnt.error == pytest.approx(
        np.mean(
            [
                abs(r.corrected - r.asked) / r.asked
                for r in entries.readings.values()
                if r.corrected is not None
            ]
        )
    )
    assert info.note is None and info.learnt.pictures == LEAST + 6 and len(info.learnt.readings) == 4
    asked = replace(
        source.face.params,
        expression=replace(source.face.params.expression, coefficients=(2.0,) * 28),
    )
    patch = generator.generate(code, Target(asked))
    assert not np.array_equal(patch.pixels, own_pixels(source, patch))
    filmed = generator.generate(code, Target(asked, origin=Origin.DRIVEN))
    assert filmed.pixels.shape == patch.pixels.shape


def test_learning_that_is_cancelled_keeps_nothing(home, monkeypatch) -> None:
    monkeypatch.setattr(learning, "PICTURES", LEAST)
    newer = small_model(1, "newer")
    backend = LivePortrait()
    try:
        steps = backend.learn()
        next(steps)
        steps.close()
        assert chosen("live-portrait") == newer and not entries_path(newer).exists()
        assert backend.info.note is not None
    finally:
        remove_model("newer")


def test_of_several_models_each_can_be_chosen_and_one_alone_is_no_choice(generator, source) -> None:
    assert not variants()
    small_model(2, "second")
    try:
        made = variants()
        assert set(made) == set(backends()) & set(made) == {"live-portrait-second", "live-portrait-tiny"}
        first, second = (made[f"live-portrait-{name}"]() for name in ("tiny", "second"))
        assert (first.info.name, first.info.weights) == ("live-portrait-tiny", ("tiny",))
        target = Target(turned(source, yaw=10))
        pictures = [backend.generate(backend.encode(source), target).pixels for backend in (first, second)]
        assert not np.array_equal(*pictures)
    finally:
        remove_model("second")


def test_the_engine_edits_with_it_and_learns_by_name(generator, portrait) -> None:
    engine = Engine("live-portrait")
    try:
        rendered = engine.render(portrait, {0: FaceEdit.of(yaw=portrait.faces[0].params.camera.yaw + 12)})
        assert 0.01 < rendered.changed < 1 and rendered.device
        step = next(iter(engine.learning("live-portrait")))
        assert step.total > learning.PICTURES
        with pytest.raises(EngineError, match="nothing to learn"):
            next(iter(engine.learning("mesh-warp")))
    finally:
        engine.close()


def test_the_check_is_repeated_with_the_gains_that_it_gave(source, monkeypatch) -> None:
    """A network that shows half of what it is asked shows all when asked twice as much; the reported error is
    small.
    """
    entries = ExpressionEntries(np.eye(63, 32), 0.1, 100)
    monkeypatch.setattr(learning, "CHECKS", {"gaze_x": learning.CHECKS["gaze_x"]})
    monkeypatch.setattr(learning, "PROBES", ((10.0, 0.0),))
    monkeypatch.setattr(learning, "EYES", ("gaze_x", "gaze_x", "gaze_x"))
    monkeypatch.setattr(learning, "with_patch", lambda source, patch: patch)
    own = source.face

    def paint(target: Target, used: ExpressionEntries) -> Any:
        across = own.params.expression.gaze[0]
        shown = across + 0.5 * used.eyes[0] * (target.params.expression.gaze[0] - across)
        expression = replace(own.params.expression, gaze=(shown, target.params.expression.gaze[1]))
        return replace(own, params=replace(target.params, expression=expression))

    monkeypatch.setattr(learning, "fitted", lambda tracker, picture: picture)
    steps, checked = drained(learning.checked(lambda _: paint, source, entries, 4))
    reading = checked.readings["gaze_x"]
    assert reading.asked == 12 and reading.read == pytest.approx(6, abs=0.5)
    assert reading.corrected == pytest.approx(12, abs=1) and steps[-1].done == steps[-1].total
