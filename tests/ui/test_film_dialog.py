"""The film dialog works over the fake engine, whose clips of 4 s rest at 1.5 s and show nobody from 3 s on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.engine.face.parameters import Camera, Expression, FaceParams, Identity
from app.engine.sources.performance import Performance
from app.engine.sources.performance_files import read_performance, write_performance
from app.session.resting import RestFinder
from app.ui.dialogs.film import FilmDialog
from app.ui.live.driver_panel import shipped_performances
from app.ui.main_window import MainWindow
from tests.fakes import FakeEngine


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"a clip")
    return path


def shown(window: MainWindow, clip: Path, qtbot: QtBot) -> FilmDialog:
    dialog = FilmDialog(clip, clip.parent, RestFinder(window.session.jobs, window), window)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def wait_for(qtbot: QtBot, there: Callable[[], bool]) -> None:
    qtbot.waitUntil(there, timeout=10_000)


def test_the_frame_taken_for_rest_is_shown_with_how_sure_it_is(
    opened: MainWindow, clip: Path, qtbot: QtBot
) -> None:
    dialog = shown(opened, clip, qtbot)
    assert dialog.go.isEnabled()  # the user need not wait
    wait_for(qtbot, dialog.rest.face.picture.isVisible)
    assert dialog.rest.moment.value() == 1.5 and dialog.rest.words.text() == "Taken for rest, 87 % sure"
    picture = dialog.rest.face.picture.pixmap().toImage()
    assert picture.pixelColor(40, 40).red() == 200
    assert dialog.rest_at is None  # Mien's own choice is a mean of frames, not this one alone


@pytest.mark.parametrize("ending", [".mp4", ".png"])
def test_a_film_takes_a_free_name_and_says_what_it_would_replace(
    opened: MainWindow, clip: Path, qtbot: QtBot, ending: str
) -> None:
    """The second film of a clip replaced the first without a word."""
    first = clip.parent / "talk-mien.mp4" if ending == ".mp4" else clip.parent / "talk-mien"
    first.mkdir() if ending == ".png" else first.write_bytes(b"the first film")
    dialog = shown(opened, clip, qtbot)
    dialog.format.setCurrentIndex(dialog.format.findData(ending))
    assert dialog.target.text() == str(clip.parent / f"talk-mien-2{ending}")
    assert "replaced" not in dialog.note.text()
    dialog.target.setText(str(clip.parent / f"talk-mien{ending}"))
    assert "replaced" in dialog.note.text() and "own rate" in dialog.note.text()


def test_another_moment_is_shown_and_filmed_with(
    opened: MainWindow, fake: FakeEngine, clip: Path, qtbot: QtBot
) -> None:
    space = opened.live_space
    space.driver.clip = clip

    def choose() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, FilmDialog)
        wait_for(qtbot, dialog.rest.face.picture.isVisible)
        dialog.rest.moment.setValue(2.25)
        wait_for(qtbot, lambda: dialog.rest.face.picture.pixmap().toImage().pixelColor(40, 40).red() == 60)
        assert dialog.rest.words.text() == "At rest, as you chose"
        dialog.target.setText(str(clip.parent / "film.mp4"))
        dialog.go.click()

    QTimer.singleShot(0, choose)
    with qtbot.waitSignal(space.live.rendered, timeout=10_000):
        space.ask_film()
    assert next(call for call in fake.calls if call[0] == "drive")[-1] == 2.25


def test_a_moment_without_a_face_cannot_be_filmed_with(opened: MainWindow, clip: Path, qtbot: QtBot) -> None:
    dialog = shown(opened, clip, qtbot)
    wait_for(qtbot, dialog.rest.face.picture.isVisible)
    dialog.rest.moment.setValue(3.5)
    wait_for(qtbot, lambda: not dialog.go.isEnabled())
    assert "3.5 s" in dialog.rest.words.text() and not dialog.rest.face.picture.isVisible()
    dialog.rest.again.click()
    wait_for(qtbot, dialog.rest.face.picture.isVisible)
    assert dialog.go.isEnabled() and dialog.rest_at is None and dialog.rest.moment.value() == 1.5


def test_a_film_being_made_is_not_ended_by_a_look(
    opened: MainWindow, fake: FakeEngine, clip: Path, qtbot: QtBot
) -> None:
    fake.gate.clear()
    try:
        opened.live_space.live.film(clip, clip.parent / "film.mp4", False)
        dialog = shown(opened, clip, qtbot)
        wait_for(qtbot, lambda: "when the film is made" in dialog.rest.words.text())
        assert opened.session.job is not None
    finally:
        fake.gate.set()
    with qtbot.waitSignal(opened.live_space.live.rendered, timeout=10_000):
        pass


def test_a_performances_own_rest_gives_way_to_a_chosen_moment(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    params = [FaceParams(Identity(), Expression(), Camera(50.0 + k)) for k in range(60)]
    path = tmp_path / "talk.performance"
    write_performance(Performance.of(params, [k / 30 for k in range(60)], params[0]), path)
    dialog = shown(opened, path, qtbot)
    assert "its own" in dialog.rest.words.text() and not dialog.rest.face.picture.isVisible()
    dialog.rest.moment.setValue(1.0)
    dialog.end.setValue(1.5)
    cut = read_performance(dialog.clip())
    assert dialog.rest_at is None and cut.neutral is not None
    assert np.isclose(cut.neutral.camera.scale, 80.0) and cut.duration == pytest.approx(1.5, abs=0.04)


def test_a_clip_that_is_typed_takes_the_others_place_and_is_missed_in_words(
    opened: MainWindow, clip: Path, qtbot: QtBot
) -> None:
    dialog = shown(opened, clip, qtbot)
    QTest.keyClicks(dialog.source, "nowhere.mp4")
    assert dialog.source.text() == "nowhere.mp4"
    assert dialog.note.text() == "There is no such file." and not dialog.go.isEnabled()


def test_a_clip_that_cannot_be_cut_shows_no_from_and_to(opened: MainWindow, clip: Path, qtbot: QtBot) -> None:
    dialog = shown(opened, clip, qtbot)
    assert not dialog.start.isVisible() and dialog.format.isVisible()


def test_a_sound_that_cannot_be_had_is_not_offered(opened: MainWindow, clip: Path, qtbot: QtBot) -> None:
    """A film driven by a performance, and pictures in a folder, were offered "With the clip's sound"."""
    dialog = shown(opened, clip, qtbot)
    assert dialog.sound.isVisible() and dialog.audio
    dialog.format.setCurrentIndex(dialog.format.findData(".png"))
    assert not dialog.sound.isVisible() and not dialog.audio
    dialog.format.setCurrentIndex(0)
    assert dialog.sound.isVisible() and dialog.audio
    dialog.source.setText(str(shipped_performances()[0]))
    assert not dialog.sound.isVisible() and not dialog.audio


def test_a_film_without_a_face_says_what_is_missing(window: MainWindow) -> None:
    """Nothing happened where no photo was open."""
    window.actions_["film"].trigger()
    assert window.bar.isVisible() and "no face to drive" in window.bar.words.text()
