"""Closing, saving and opening another photo ask first where work could be lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import (
    QFileDialog,
)
from pytestqt.qtbot import QtBot

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
