"""Recording in Live: formats and sizes, the badge while it runs, and films that a crash cut short."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.engine.film.recorder import Recording
from app.ui.live import record_bar
from app.ui.live.driver_panel import shipped_performances
from app.ui.main_window import MainWindow
from tests.fakes import FakeEngine
from tests.ui.hands import start_driving


def test_a_recording_has_the_chosen_format_and_is_saved_visibly(
    live: MainWindow, fake: FakeEngine, qtbot: QtBot
) -> None:
    space = live.live_space
    space.record.format.setCurrentIndex(0)
    start_driving(live, qtbot)
    space.record.toggle_record()
    qtbot.waitUntil(lambda: "GB" in space.record.state.text())
    assert fake.animation is not None and fake.animation.recorder.suffix == ".mp4"
    shown: list[str] = []
    space.live.saving.connect(lambda share: shown.append(space.record.state.text()))
    with qtbot.waitSignal(space.live.recorded):
        space.record.toggle_record()
        assert space.record.state.text() == "Saving…"
    assert shown == ["Saving… 40 %"] and space.record.state.text() == ""
    assert [space.record.format.itemData(k) for k in range(3)] == [".mp4", ".webm", ".png"]


def test_f6_and_f9_say_why_nothing_happens_or_start_again(
    live: MainWindow, fake: FakeEngine, qtbot: QtBot
) -> None:
    for key in (Qt.Key.Key_F6, Qt.Key.Key_F9):
        live.bar.dismiss()
        qtbot.keyClick(live, key)
        assert "Nothing drives" in live.bar.words.text()
    start_driving(live, qtbot)
    with qtbot.waitSignal(live.live_space.live.stopped):
        live.live_space.live.stop()
    qtbot.keyClick(live, Qt.Key.Key_F9)
    badge = live.live_space.record.state.text()
    assert badge == "● REC 00:00:00", "once, a red box without a word until the first picture"
    qtbot.waitUntil(lambda: fake.animation is not None and fake.animation.recorder is not None)
    assert live.live_space.live.recording and fake.count("animate") == 2
    with qtbot.waitSignal(live.live_space.live.recorded):
        qtbot.keyClick(live, Qt.Key.Key_F9)


def test_the_recordings_size_is_shown_and_chosen_before_it_starts(
    live: MainWindow, fake: FakeEngine, qtbot: QtBot
) -> None:
    space = live.live_space
    portrait = live.session.portrait
    assert portrait is not None
    big = replace(portrait, photo=replace(portrait.photo, pixels=np.zeros((1647, 2400, 3), np.uint8)))
    live.session.history.portrait = big
    space.record.show_sizes()
    assert [space.record.side.itemText(k) for k in range(4)] == [
        "512 × 351",
        "768 × 527",
        "1024 × 703",
        "1536 × 1054",
    ]
    space.record.side.setCurrentIndex(3)
    space.record.side.activated.emit(3)
    assert "1536 × 1054" in space.record.size_.text() and space.live.side == 1536
    live.session.history.portrait = portrait


def test_the_badge_of_a_recording_is_never_cut_off(live: MainWindow, qtbot: QtBot) -> None:
    bar = live.live_space.record
    start_driving(live, qtbot)
    bar.toggle_record()
    qtbot.waitUntil(lambda: "GB" in bar.state.text())
    bar.numbers.setText("30 fps · latency 120 ms · 14 not recorded")
    bar.resize(bar.minimumSizeHint().width(), bar.height())
    bar.layout().activate()
    assert bar.state.width() >= bar.state.sizeHint().width()
    with qtbot.waitSignal(live.live_space.live.recorded):
        bar.toggle_record()


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_what_a_crash_cut_short_is_offered_at_the_next_start(
    live: MainWindow, tmp_path: Path, qtbot: QtBot, ending: str
) -> None:
    """Once, a WebM was not offered, and a film without any byte was said to play."""
    film = tmp_path / f"Mien 2026.recording{ending}"
    film.write_bytes(b"")
    live.live_space.offer_interrupted_films()
    assert not live.bar.isVisible()
    film.write_bytes(b"a film")
    (tmp_path / f"Mien 2026{ending}").write_bytes(b"another")
    live.live_space.offer_interrupted_films()
    assert film.name in live.bar.words.text()
    live.bar.remedy.click()
    assert not film.exists() and (tmp_path / f"Mien 2026-2{ending}").read_bytes() == b"a film"


def test_what_another_mien_still_records_is_not_offered_as_cut_short(
    live: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep it renamed the file under the other window's encoder."""
    (tmp_path / "Mien 2026.recording.mp4").write_bytes(b"half a film")
    monkeypatch.setattr(live.session, "start", lambda: None)
    for others in (True, False):
        monkeypatch.setattr(live.autosave, "another_runs", lambda others=others: others)
        live.start()
        assert live.bar.isVisible() != others


@pytest.mark.parametrize("width", [1700, 1100, 960])
def test_while_a_film_is_recorded_no_number_is_cut(recording: MainWindow, qtbot: QtBot, width: int) -> None:
    bar = recording.live_space.record
    recording.resize(width, 700)
    bar.state.setText("● REC 00:00:02   21,1 GB frei")
    bar.record.setText("Aufnahme beenden")
    qtbot.wait(20)
    bar.show_numbers(["11 B/s", "Verzug 112 ms", "3 nicht aufgenommen"])
    assert not bar.size_.isVisible()
    assert bar.numbers.width() >= bar.numbers.fontMetrics().horizontalAdvance(bar.numbers.text())
    assert width < 1700 or bar.numbers.text() == "11 B/s · Verzug 112 ms · 3 nicht aufgenommen"


def test_a_film_that_a_crash_cut_short_is_still_offered_when_the_photo_is_open_again(
    window: MainWindow, photo: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_bar, "new_path", lambda suffix: tmp_path / f"film{suffix}")
    film = tmp_path / "film.recording.mp4"
    film.write_bytes(b"a film")
    window.live_space.offer_interrupted_films()
    for _ in range(2):  # the recovery dialog does so too; the second photo is another case
        with qtbot.waitSignal(window.session.portrait_opened):
            window.documents.open(photo)
        qtbot.wait(20)
        if film.exists():
            assert window.bar.isVisible() and film.name in window.bar.words.text()
            window.bar.remedy.click()
            window.bar.dismiss()
    assert not window.bar.isVisible() and (tmp_path / "film.mp4").read_bytes() == b"a film"


def test_record_on_a_clip_that_does_not_run_starts_both(
    live_without_camera: MainWindow, fake: FakeEngine, qtbot: QtBot
) -> None:
    space = live_without_camera.live_space
    assert not space.record.record.isEnabled()
    space.driver.choose_clip(shipped_performances()[1])
    assert space.record.record.isEnabled()
    states: list[bool] = []
    space.live.stepped.connect(lambda step: states.append(step.recording is not None))
    qtbot.mouseClick(space.record.record, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(states) > 2)
    assert states[0] and space.live.recording and space.record.record.text() == "Stop recording"
    with qtbot.waitSignal(space.live.recorded):
        space.record.toggle_record()
    words = live_without_camera.bar.words.text()
    assert "25 frames · 1.0\u00a0s" in words and "00:00" not in words
    assert [live_without_camera.bar.remedy.text(), live_without_camera.bar.other.text()] == [
        "Show film",
        "Open folder",
    ]
    assert live_without_camera.bar.other.isVisible()


def test_a_number_and_its_unit_stay_on_one_line() -> None:
    film = Recording(Path("a.mp4"), pictures=26, dropped=0, duration=13.5)
    assert record_bar.described(film).endswith("13.5\u00a0s")
