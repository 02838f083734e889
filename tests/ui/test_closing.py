"""Closing, saving and opening another photo ask first where work could be lost."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from PySide6.QtWidgets import (
    QFileDialog,
)
from pytestqt.qtbot import QtBot

from app.session.training import State, Training
from app.ui import helpers
from app.ui.interrupts import Interrupts
from app.ui.main_window import MainWindow
from tests.fakes import FakeEngine
from tests.session.conftest import settle
from tests.ui.modal import answer_box


def test_closing_with_unsaved_work_asks_and_can_save(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.session.set_value("smile", 0.5)
    answer_box("Cancel")
    opened.close()
    assert opened.isVisible()
    path = tmp_path / "kept.mien"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path), ""))
    answer_box("Save project")
    opened.close()
    qtbot.waitUntil(lambda: not opened.isVisible())
    assert path.exists()


def test_a_save_that_failed_leaves_nothing_to_be_done_by_the_next(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.session.set_value("smile", 0.5)
    (tmp_path / "file").write_text("no folder")
    paths = [tmp_path / "file" / "kept.mien", tmp_path / "kept.mien"]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(paths.pop(0)), ""))
    answer_box("Save project")
    with qtbot.waitSignal(opened.session.failed):
        opened.close()
    assert opened.isVisible() and opened.bar.isVisible()
    with qtbot.waitSignal(opened.session.saved):
        opened.actions_["save"].trigger()
    qtbot.wait(50)
    assert opened.isVisible() and not opened.session.is_dirty


def test_closing_while_a_film_is_rendered_asks_first(
    opened: MainWindow, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    fake.gate.clear()
    live = opened.live_space.live
    live.film(tmp_path / "clip.mp4", tmp_path / "film.mp4", audio=False)
    qtbot.waitUntil(lambda: fake.count("drive") == 1)
    answer_box("Cancel")
    opened.close()
    assert opened.isVisible()
    with qtbot.waitSignal(live.rendered):
        fake.gate.set()


def test_cancelling_the_question_about_unsaved_work_does_not_end_what_runs(
    opened: MainWindow, fake: FakeEngine, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The film, or the rest of a batch, was ended by the first question although the second kept the window."""
    opened.session.set_value("smile", 0.5)
    settle(opened.session, qtbot)
    fake.gate.clear()
    live = opened.live_space.live
    live.film(tmp_path / "clip.mp4", tmp_path / "film.mp4", audio=False)
    qtbot.waitUntil(lambda: fake.count("drive") == 1)
    monkeypatch.setattr(
        opened.documents, "_confirm", lambda words, verb: True
    )  # "End it", wherever it is asked
    answer_box("Cancel")
    opened.close()
    assert opened.isVisible()
    with qtbot.waitSignal(live.rendered):
        fake.gate.set()


def test_closing_while_a_training_runs_asks_first(opened: MainWindow) -> None:
    """It ended without a word, and so did the film of a person, which cannot go on later."""
    run = opened.helpers.training_run = Training()
    run.state = State.RUNNING
    answer_box("Cancel")
    opened.close()
    assert opened.isVisible()
    answer_box("End it")
    opened.close()
    assert not opened.isVisible()


def test_a_diagnosis_that_ends_after_the_window_opens_no_dialog(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dialog stood there alone, and kept the program running for as long as it did."""
    ended, shown = threading.Event(), []
    monkeypatch.setattr(helpers, "examine", lambda *_: ended.wait(20) and ())
    monkeypatch.setattr(helpers, "camera_names", lambda: ())  # which load Qt's multimedia
    monkeypatch.setattr(helpers.DiagnosticsDialog, "exec", lambda self: shown.append(self))
    opened.actions_["diagnostics"].trigger()
    threading.Timer(0.2, ended.set).start()
    opened.close()
    qtbot.waitUntil(ended.is_set)
    qtbot.wait(100)
    assert not opened.isVisible() and not shown


@pytest.mark.parametrize("answer", ["Cancel", "Don't save", "Save project"])
def test_edits_made_while_another_photo_opens_are_asked_about(
    opened: MainWindow,
    fake: FakeEngine,
    photo: Path,
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    other, kept = tmp_path / "other.png", tmp_path / "kept.mien"
    other.write_bytes(b"another photo")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(kept), ""))
    fake.gate.clear()
    opened.documents.open(other)
    opened.session.set_value("smile", 0.5)
    answer_box(answer)
    with qtbot.waitSignal(opened.session.replacing_unsaved):
        fake.gate.set()
    settle(opened.session, qtbot)
    if answer == "Cancel":
        assert opened.session.document.photo == photo and opened.session.value("smile") == 0.5
    else:
        qtbot.waitUntil(lambda: opened.session.document.photo == other)
    assert kept.exists() == (answer == "Save project")


def test_ctrl_c_ends_as_quit_and_keeps_what_is_unsaved(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[bool] = []
    monkeypatch.setattr("app.session.session.stop_compiling", lambda: stopped.append(True))
    before = signal.getsignal(signal.SIGINT)
    interrupts = Interrupts(opened.end, opened)
    try:
        opened.session.set_value("yaw", 12.0)
        os.kill(os.getpid(), signal.SIGINT)
        qtbot.waitUntil(lambda: not opened.isVisible())
    finally:
        interrupts.close()
    assert signal.getsignal(signal.SIGINT) is before and stopped
    assert list((tmp_path / "home" / "recovery").glob("*.mien"))


def test_closing_while_recording_asks_about_the_recording(
    recording: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the fixture answers every question with yes
    asked: list[str] = []
    monkeypatch.setattr(recording.documents, "_confirm", lambda words, verb: asked.append(words) or False)
    recording.close()
    assert recording.isVisible() and recording.live_space.live.recording
    assert len(asked) == 1 and "not finished" in asked[0]
    monkeypatch.setattr(recording.documents, "_confirm", lambda words, verb: True)
