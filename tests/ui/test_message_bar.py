"""Messages say what happened and what to do, and leave with what they are about."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import (
    QGuiApplication,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
)
from pytestqt.qtbot import QtBot

from app.engine.errors import EngineError, Remark
from app.session.session import Session
from app.session.settings import Settings
from app.ui.main_window import MainWindow
from tests.fakes import FakeEngine
from tests.session.conftest import settle
from tests.ui.conftest import ready_to_close


def test_a_file_that_is_no_picture_shows_the_bar_with_a_button(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"broken")
    with qtbot.waitSignal(window.session.failed):
        window.documents.open(broken)
    assert window.bar.isVisible() and "broken.png is not a picture" in window.bar.words.text()
    asked: list[bool] = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (asked.append(True), ("", ""))[1])
    qtbot.mouseClick(window.bar.remedy, Qt.MouseButton.LeftButton)
    assert asked and not window.bar.isVisible()


def test_escape_closes_the_bar(window: MainWindow, qtbot: QtBot) -> None:
    window.bar.show_error(EngineError("Something <b>odd</b>.", "Do this."))
    assert "&lt;b>" in window.bar.words.text()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.bar.isVisible()


def test_a_photo_without_a_face_offers_to_draw_a_box(window: MainWindow, photo: Path, qtbot: QtBot) -> None:
    empty = FakeEngine(faces=0)
    window.session.stop()
    session = Session(empty)
    other = MainWindow(session, Settings())
    qtbot.addWidget(other, before_close_func=ready_to_close)
    other.show()
    other.start(photo)
    qtbot.waitSignal(session.portrait_opened).wait()
    assert other.bar.isVisible() and other.bar.remedy.text() == "Draw a box around a face"
    qtbot.mouseClick(other.bar.remedy, Qt.MouseButton.LeftButton)
    assert other.actions_["draw_box"].isChecked()
    with qtbot.waitSignal(session.faces_changed):
        other.edit_space.canvas.box_drawn.emit((20.0, 20.0, 50.0, 50.0))
    assert not other.bar.isVisible() and other.actions_["frontalise"].isEnabled()
    settle(session, qtbot)
    session.history.mark_saved(session.document)
    other.close()


def test_pasting_an_edit_that_nobody_copied_says_so(opened: MainWindow) -> None:
    QGuiApplication.clipboard().setText("a letter")
    opened.actions_["paste_edit"].trigger()
    assert opened.bar.isVisible() and "There is no edit on the clipboard." in opened.bar.words.text()
    assert opened.session.edit.is_identity


def test_pausing_what_nothing_drives_says_so(opened: MainWindow) -> None:
    QTest.keyClick(opened, Qt.Key.Key_F7)
    assert opened.bar.isVisible() and "Nothing drives the portrait." in opened.bar.words.text()


def test_a_message_about_a_photo_leaves_with_it(opened: MainWindow) -> None:
    opened.bar.show_note("Exported portrait.png.")
    opened.actions_["close"].trigger()
    assert not opened.bar.isVisible()


def test_a_message_that_nothing_drives_leaves_when_something_does(
    recording: MainWindow, qtbot: QtBot
) -> None:
    space = recording.live_space
    space.live.stop()
    qtbot.waitUntil(lambda: not (space.live.running or space.live.unsaved))
    QTest.keyClick(recording, Qt.Key.Key_F6)
    assert recording.bar.isVisible() and "Nothing drives" in recording.bar.words.text()
    with qtbot.waitSignal(space.live.stepped):
        qtbot.mouseClick(space.driver.start, Qt.MouseButton.LeftButton)
    assert not recording.bar.isVisible()


def test_a_clip_opened_without_a_portrait_leads_to_one(window: MainWindow, tmp_path: Path) -> None:
    for name in ("talk.mp4", "talk.performance"):
        window.documents.open(tmp_path / name)
        assert window.bar.isVisible() and f"{name} drives a portrait" in window.bar.words.text()
        assert window.bar.remedy.text() == window.actions_["open"].text()
        window.bar.dismiss()


def test_a_clip_dropped_beside_a_portrait_is_its_next_driver(
    opened: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Live, too, the user was told to go to Live and to drop it there again."""
    monkeypatch.setattr(opened.live_space.driver.cameras, "probe", lambda: None)
    for name in ("talk.mp4", "talk.performance"):
        opened.documents.open(tmp_path / name)
        assert opened.spaces.current == "live" and not opened.bar.isVisible()
        assert opened.live_space.driver.source.currentData() == tmp_path / name


def test_a_clip_dropped_while_a_film_is_recorded_does_not_end_it(
    recording: MainWindow, tmp_path: Path
) -> None:
    recording.documents.open(tmp_path / "talk.mp4")
    assert recording.live_space.live.recording and "Stop recording" in recording.bar.words.text()


def test_of_several_dropped_files_the_one_that_can_be_opened_is_opened(
    opened: MainWindow, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    """The first one was tried, whatever it was, and one photo beside a clip was a batch of one."""
    (tmp_path / "notes.txt").write_text("no photo")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in (tmp_path / "notes.txt", photo)])
    with qtbot.waitSignal(opened.session.portrait_opened):
        opened.documents.open_dropped(data)
    assert opened.documents.batch is None and not opened.bar.isVisible()


def test_an_export_says_what_of_the_photos_file_it_lacks(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    portrait = opened.session.portrait
    assert portrait is not None
    lost = Remark("CMYK colours were turned into sRGB; the result is RGB.")
    object.__setattr__(portrait.photo, "remarks", (lost,))
    with qtbot.waitSignal(opened.session.exported):
        opened.session.export(tmp_path / "a.png")
    assert "a.png. CMYK colours were turned into sRGB" in opened.bar.words.text()


def test_a_message_does_not_change_the_zoom(opened: MainWindow, qtbot: QtBot) -> None:
    canvas = opened.edit_space.canvas
    zoom, size = canvas.view.zoom, canvas.size()
    opened.session.failed.emit(EngineError("Something went wrong.", "Do something else."))
    qtbot.waitUntil(opened.bar.isVisible)
    QApplication.processEvents()
    assert canvas.view.zoom == zoom and canvas.size() == size
    assert opened.bar.y() == 0 and opened.bar.width() == opened.centralWidget().width()


def test_a_message_is_no_taller_than_its_words(opened: MainWindow) -> None:
    for words in ("Wrote a.mp4 · 26 frames · 2.4 s", "x" * 10 + " many words" * 40):
        opened.bar.show_choices(words, {"Show film": lambda: None, "Open folder": lambda: None})
        QApplication.processEvents()
        line, label = opened.bar.fontMetrics().height(), opened.bar.words
        lines = -(-label.heightForWidth(label.width()) // line)
        assert opened.bar.height() <= max(44, (lines + 1) * line), words
    opened.bar.dismiss()
