"""Driving as the session sees it: one animation, which changes while it runs and never piles up work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.engine.contract import Step
from app.session.live import Live
from app.session.session import Session
from app.session.worker import STEPS_AHEAD
from tests.fakes import FakeEngine
from tests.session.conftest import settle


@pytest.fixture
def live(opened: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> Iterator[Live]:
    live = Live(opened)
    monkeypatch.setattr(live, "start_clip", lambda: live._start(lambda: None))
    live.start_clip()  # type: ignore[call-arg]
    qtbot.waitSignal(live.stepped).wait()
    yield live
    if live.running:
        with qtbot.waitSignal(live.stopped):
            live.stop()


def wait_until_animated(live: Live, qtbot: QtBot, fake: FakeEngine, what: Any) -> None:
    qtbot.waitUntil(lambda: fake.animation is not None and what(fake.animation))


def test_settings_and_sliders_reach_the_running_animation(
    live: Live, fake: FakeEngine, opened: Session, qtbot: QtBot
) -> None:
    live.change(replace(live.settings, mode="face", mirror=True))
    wait_until_animated(
        live, qtbot, fake, lambda a: a.controls.settings.mode == "face" and a.controls.settings.mirror
    )
    opened.set_value("smile", 0.7)
    wait_until_animated(live, qtbot, fake, lambda a: a.controls.edit.get("smile") == 0.7)
    live.set_neutral()
    wait_until_animated(live, qtbot, fake, lambda a: a.neutrals == 1)
    live.pause(True)
    wait_until_animated(live, qtbot, fake, lambda a: a.paused)


def test_nothing_else_is_rendered_while_it_runs_and_the_still_comes_back(
    live: Live, fake: FakeEngine, opened: Session, qtbot: QtBot
) -> None:
    renders = fake.count("render")
    opened.set_value("yaw", 4)
    wait_until_animated(live, qtbot, fake, lambda a: a.controls.edit.get("yaw") == 4)
    assert fake.count("render") == renders
    with qtbot.waitSignal(live.stopped):
        live.stop()
    settle(opened, qtbot)
    assert fake.count("render") == renders + 1 and fake.count("animation closed") == 1


def test_a_recording_is_started_and_finished(
    live: Live, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    live.record(tmp_path / "film.mp4")
    wait_until_animated(live, qtbot, fake, lambda a: a.recorder is not None)
    with qtbot.waitSignal(live.recorded) as caught:
        live.stop_recording()
    assert caught.args[0].path == tmp_path / "film.mp4" and not live.recording


def test_what_cannot_be_switched_on_is_off_and_says_why(live: Live, tmp_path: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(live.failed):
        live.listen(True)
    assert not live.listening
    with qtbot.waitSignal(live.failed):
        live.record(tmp_path / "film.xyz")
    assert not live.recording and live.running


def test_pictures_the_gui_has_no_time_for_are_skipped(live: Live, opened: Session, qtbot: QtBot) -> None:
    seen: list[Step] = []
    live.stepped.connect(seen.append)
    before = opened.jobs.worker._sent
    time.sleep(0.3)  # the GUI hears nothing; the fake makes thousands of steps meanwhile
    assert opened.jobs.worker._sent - before <= STEPS_AHEAD
    qtbot.waitUntil(lambda: len(seen) > 3)
    assert seen[-1].done - seen[0].done > len(seen)


def test_ending_the_session_closes_the_animation(opened: Session, fake: FakeEngine, qtbot: QtBot) -> None:
    live = Live(opened)
    live._start(lambda: None)
    qtbot.waitSignal(live.stepped).wait()
    opened.stop()
    assert fake.count("animation closed") == 1 and fake.closed


def test_without_a_portrait_there_is_nothing_to_drive(session: Session, qtbot: QtBot) -> None:
    live = Live(session)
    with qtbot.waitSignal(live.failed) as caught:
        live.start_clip(Path("clip.mp4"))
    assert caught.args[0].remedy and not live.running


def test_a_recording_that_ends_with_its_driver_is_sent_too(
    live: Live, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    live.record(tmp_path / "film.mp4")
    wait_until_animated(live, qtbot, fake, lambda a: a.recorder is not None)
    shares: list[float] = []
    live.saving.connect(shares.append)
    with qtbot.waitSignals([live.recorded, live.stopped]):
        live.stop()
    assert shares == [0.4] and live.unsaved == 0 and not live.recording


def test_looping_is_sent_to_a_clip_that_runs(live: Live, fake: FakeEngine, qtbot: QtBot) -> None:
    live.set_loop(True)
    wait_until_animated(live, qtbot, fake, lambda a: a.loops == [True])


def test_a_performance_is_kept_in_a_folder_that_was_not_there(
    live: Live, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    wait_until_animated(live, qtbot, fake, lambda a: True)
    live.keep_performance()
    with qtbot.waitSignal(live.kept) as caught:
        live.save_performance(tmp_path / "new" / "mine.performance")
    assert caught.args[0].read_bytes() == b"a performance" and not live.keeping


def test_another_clip_takes_the_place_of_the_one_that_plays_unless_it_is_recorded(
    live: Live, opened: Session, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    stops: list[bool] = []
    live.stopped.connect(lambda: stops.append(live.running))
    live._start(lambda: None)
    qtbot.waitUntil(lambda: fake.count("animate") == 2)
    qtbot.waitSignal(live.stepped).wait()
    assert live.running and not stops and fake.count("animation closed") == 1
    live.record(tmp_path / "film.mp4")
    with qtbot.waitSignal(opened.failed):
        live._start(lambda: None)
    assert live.running and live.recording and fake.count("animate") == 2


def test_record_pressed_as_the_clip_ends_films_it_from_its_first_frame(
    live: Live, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    wait_until_animated(live, qtbot, fake, lambda a: True)
    errors: list[object] = []
    live.failed.connect(errors.append)
    with qtbot.waitSignal(live.stopped):
        live._ask(lambda _: setattr(fake, "ending", True))
        live.record(tmp_path / "film.mp4")
    wait_until_animated(live, qtbot, fake, lambda a: a.recorder == tmp_path / "film.mp4")
    qtbot.waitUntil(lambda: live._film is not None and live._film.has_pictures)
    assert live.running and live.recording and live.unsaved == 0 and not errors
    with qtbot.waitSignal(live.recorded):
        live.stop_recording()
    assert live.unsaved == 0


def test_a_clip_without_a_frame_is_not_begun_for_ever(
    live: Live, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    wait_until_animated(live, qtbot, fake, lambda a: True)
    live.stop()
    qtbot.waitSignal(live.stopped).wait()
    fake.ending = True
    begun = fake.count("animate")
    live.started.connect(lambda: setattr(fake, "ending", True))
    with qtbot.waitSignal(live.failed) as caught:
        live.start_recording(tmp_path / "film.mp4")
    assert caught.args[0].message == "Nothing was recorded."
    qtbot.waitUntil(lambda: not live.running)
    assert fake.count("animate") == begun + 2 and live.unsaved == 0
