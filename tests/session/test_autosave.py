"""Unsaved work survives a kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.engine.face.parameters import FaceEdit
from app.session.autosave import Autosave
from app.session.session import Session
from tests.session.conftest import settle

ROOT = Path(__file__).parents[2]
VICTIM = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer
from app.session.autosave import Autosave
from app.session.session import Session
from tests.fakes import FakeEngine
app = QCoreApplication([])
session = Session(FakeEngine())
autosave = Autosave(session.history, Path({folder!r}))
def edit():
    for step in range(5):
        gesture = session.begin_gesture()
        for part in range(10):
            session.set_value("yaw", step + part / 10, gesture)
        session.end_gesture()
    session.set_value("smile", 0.7)
    print("edited", flush=True)
session.portrait_opened.connect(lambda _: QTimer.singleShot(0, edit))
session.start()
session.open(Path({photo!r}))
app.exec()
"""


def test_after_kill_9_the_next_start_offers_the_last_step(
    session: Session, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = tmp_path / "recovery"
    code = VICTIM.format(root=str(ROOT), folder=str(folder), photo=str(photo))
    victim = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None and victim.stdout.readline() == "edited\n"
    autosave = Autosave(session.history, folder)
    assert autosave.left_behind() == []  # the other program still runs, so its work is its own
    assert autosave.another_runs()
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    assert not autosave.another_runs()
    left = autosave.left_behind()
    assert [r.project.document.edits for r in left] == [{0: FaceEdit.of(yaw=4.9, smile=0.7)}]
    with qtbot.waitSignal(session.portrait_opened):
        session.restore(left[0])
    autosave.mark_reopened(left[0])
    assert session.value("smile") == 0.7 and session.is_dirty
    session.set_value("smile", 0.8)
    autosave.close()


def test_a_saved_or_closed_document_leaves_nothing_behind(
    opened: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = tmp_path / "recovery"
    autosave = Autosave(opened.history, folder)
    opened.set_value("smile", 0.5)
    assert len(list(folder.glob("*.mien"))) == 1
    with qtbot.waitSignal(opened.saved):
        opened.save_project(tmp_path / "one.mien")
    assert list(folder.glob("*.mien")) == []
    opened.set_value("smile", 0.6)
    autosave.close()
    assert list(folder.glob("*.mien")) == []


def test_a_drag_is_written_once_it_ends(opened: Session, tmp_path: Path, qtbot: QtBot) -> None:
    folder = tmp_path / "recovery"
    autosave = Autosave(opened.history, folder)
    gesture = opened.begin_gesture()
    opened.set_value("smile", 0.5, gesture)
    assert list(folder.glob("*.mien")) == []
    opened.end_gesture()
    assert len(list(folder.glob("*.mien"))) == 1
    settle(opened, qtbot)
    autosave.close()


def test_a_damaged_recovery_file_does_not_stop_the_others(session: Session, tmp_path: Path) -> None:
    (tmp_path / "broken.mien").write_text("{")
    autosave = Autosave(session.history, tmp_path)
    assert autosave.left_behind() == []
    autosave.close()
