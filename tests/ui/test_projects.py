"""Projects are opened in the window: after a crash, with a photo that moved, and of an old schema."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.engine.face.parameters import FaceEdit
from app.session.autosave import Recovered
from app.session.document import Document
from app.session.project import Project, load_project
from app.session.session import Session
from app.session.settings import Settings
from app.ui.dialogs.export import ExportDialog
from app.ui.dialogs.recovery import RecoveryDialog
from app.ui.main_window import MainWindow
from tests.fakes import FakeEngine
from tests.session.conftest import settle
from tests.ui.conftest import ready_to_close
from tests.ui.modal import accept_dialog, answer_box

ROOT = Path(__file__).parents[2]
VICTIM = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from PySide6.QtCore import QPoint, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from app.session.session import Session
from app.session.settings import Settings
from app.ui.main_window import MainWindow
from tests.fakes import FakeEngine
from tests.ui.hands import LEFT, NONE, knob, move
app = QApplication([])
settings = Settings()
settings.tour_seen = True
window = MainWindow(Session(FakeEngine()), settings)
window.resize(1280, 720)
window.show()
def edit():
    row = window.edit_space.edit.rows["yaw"].row
    for way in (20, 12):
        start = knob(row)
        QTest.mousePress(row.track, LEFT, NONE, start)
        for step in range(1, 11):
            move(row.track, start + QPoint(way * step // 10, 0))
        QTest.mouseRelease(row.track, LEFT, NONE, start + QPoint(way, 0))
    print(row.value, flush=True)
    start = knob(row)  # a drag that is never let go: not saved yet
    QTest.mousePress(row.track, LEFT, NONE, start)
    move(row.track, start + QPoint(-40, 0))
    print("dragging", flush=True)
window.session.portrait_opened.connect(lambda _: QTimer.singleShot(0, edit))
window.start(Path({photo!r}))
app.exec()
"""


def test_killed_while_dragging_everything_up_to_the_last_step_is_offered_and_taken_up(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("MIEN_HOME", str(home))
    code = VICTIM.format(root=str(ROOT), photo=str(photo))
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    victim = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert victim.stdout is not None
    kept = float(victim.stdout.readline())
    assert victim.stdout.readline() == "dragging\n"
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    settings = Settings()
    settings.tour_seen = False  # as where the program was started with a photo before
    window = MainWindow(Session(FakeEngine()), settings)
    qtbot.addWidget(window, before_close_func=ready_to_close)
    window.show()
    accept_dialog("RecoveryDialog")
    with qtbot.waitSignal(window.session.portrait_opened):
        window.start()
    assert window.session.value("yaw") == pytest.approx(kept)
    assert window.isWindowModified() and window.session.document.photo == photo
    qtbot.wait(20)
    assert window.helpers.tour is None, "once, the tour covered the work that was taken up"
    ready_to_close(window)
    window.close()


def test_recovered_work_is_discarded_only_after_a_question(
    photo: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = RecoveryDialog([Recovered(tmp_path / "one.mien", Project(Document(photo=photo), ()), 0.0)])
    qtbot.addWidget(dialog)
    dialog.show()
    answer_box("Cancel")
    dialog.drop.click()
    assert dialog.isVisible() and not dialog.discarded
    answer_box("Discard all")
    dialog.drop.click()
    assert not dialog.isVisible() and dialog.discarded


@pytest.mark.parametrize("command", ["save_as", "export"])
def test_a_dialog_is_about_the_photo_for_which_it_was_opened(
    opened: MainWindow,
    photo: Path,
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    """Another photo that opened underneath was saved, or exported, under the name that was meant for the first."""
    session, other = opened.session, tmp_path / "other.png"
    other.write_bytes(b"another photo")
    asked: list[Path | None] = []

    def answer(*_: object, **__: object) -> tuple[str, str]:
        qtbot.waitUntil(lambda: not session.files.is_opening)
        asked.append(session.document.photo)
        return str(tmp_path / "kept.mien"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    monkeypatch.setattr(ExportDialog, "exec", answer)
    exported: list[Path | None] = []
    monkeypatch.setattr(session, "export", lambda *_: exported.append(session.document.photo))
    session.set_value("smile", 0.5)
    opened.documents._session.open(other)
    with qtbot.waitSignal(session.portrait_opened):
        opened.actions_[command].trigger()
    settle(session, qtbot)
    assert asked == [photo] and session.document.photo == other
    if command == "save_as":
        assert load_project(tmp_path / "kept.mien").document.photo == photo
    else:
        assert exported == [photo]


def test_a_project_whose_photo_moved_asks_where_it_is_and_opens_with_its_edits(
    opened: MainWindow, photo: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "kept.mien"
    opened.session.set_value("smile", 0.5)
    with qtbot.waitSignal(opened.session.saved):
        opened.session.save_project(project)
    opened.actions_["close"].trigger()
    (tmp_path / "elsewhere").mkdir()
    moved = photo.rename(tmp_path / "elsewhere" / "renamed.png")
    answer_box("Find the photo…")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(moved), ""))
    with qtbot.waitSignal(opened.session.portrait_opened):
        opened.documents.open(project)
    assert opened.session.document.photo == moved and opened.session.value("smile") == 0.5


def test_a_project_of_the_first_schema_opens(
    opened: MainWindow, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    project = tmp_path / "old.mien"
    opened.session.set_value("smile", 0.5)
    with qtbot.waitSignal(opened.session.saved):
        opened.session.save_project(project)
    raw = json.loads(project.read_text(encoding="utf-8"))
    old = {key: raw[key] for key in ("format", "app", "photo", "generator")}
    project.write_text(json.dumps({**old, "schema": 1, "edits": {"0": {"smile": 0.25}}}), encoding="utf-8")
    with qtbot.waitSignal(opened.session.portrait_opened):
        opened.documents.open(project)
    assert opened.session.edit == FaceEdit.of(smile=0.25) and not opened.isWindowModified()
