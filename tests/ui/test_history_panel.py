"""The panel History names every step, jumps to it, and keeps snapshots."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtWidgets import (
    QInputDialog,
)
from pytestqt.qtbot import QtBot

from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit
from app.session.session import Session
from app.ui.main_window import MainWindow
from app.ui.panels.history_panel import HistoryPanel
from tests.ui.modal import answer_box


def test_history_names_steps_jumps_and_keeps_snapshots(qtbot: Any, session: Session) -> None:
    history = HistoryPanel(session)
    qtbot.addWidget(history)
    history.show()
    session.set_value("yaw", 10)
    session.set_value("smile", 0.5)
    model = history.steps.model()
    names = [model.index(i, 0).data() for i in range(model.rowCount())]
    assert names[0] == "Opened" and "Yaw" in names[1] and "Smile" in names[2]
    history.steps.setCurrentIndex(model.index(0, 0))
    assert session.edit.is_identity
    history.steps.setCurrentIndex(model.index(2, 0))
    session.take_snapshot("both")
    session.reset()
    assert history.snapshots.item(0).text() == "both" and session.edit.is_identity
    history.snapshots.setCurrentRow(0)
    history.restore()
    assert session.edit.get("smile") == 0.5
    answer_box("Cancel")
    history.delete.click()
    assert history.snapshots.count() == 1
    answer_box("Delete")
    history.delete.click()
    assert history.snapshots.count() == 0


def test_the_history_never_says_that_a_value_became_itself(session: Session) -> None:
    session.set_value("smile", 0.781)
    session.set_value("smile", 0.784)
    assert "0.781 → 0.784" in session.undo_stack.text(1)


def test_the_history_says_which_face(opened: MainWindow) -> None:
    opened.session.select_face(1)
    opened.session.set_value("smile", 0.5)
    assert opened.session.undo_stack.text(0) == "Smile 0.00 → 0.50, face 2"


def test_presets_are_named_in_german_in_the_history(german: None, opened: MainWindow) -> None:
    presets = opened.edit_space.presets
    names = [preset for preset in presets._presets if preset == "Broad smile"]
    presets.list.item(list(presets._presets).index(names[0])).setSelected(True)
    assert "Breites Lächeln 100 %" in opened.session.undo_stack.undoText()


def test_what_was_reset_is_named_in_german_in_the_history(german: None, opened: MainWindow) -> None:
    opened.session.set_values({"corner_left": 0.5, "corner_right": 0.5})
    opened.session.reset(("corner_left", "corner_right"))
    titles = [opened.edit_space.edit.rows[name].row.title for name in ("corner_left", "corner_right")]
    assert titles[0] != BY_NAME["corner_left"].title
    assert opened.session.undo_stack.undoText() == f"{', '.join(titles)} zurücksetzen, Gesicht 1"


def test_a_long_step_of_the_history_is_read_whole(opened: MainWindow, qtbot: QtBot) -> None:
    opened.spaces.reveal("history")
    steps = opened.edit_space.history.steps
    opened.session.apply(FaceEdit.of(smile=0.5), "Mouth corner right: " + "Corner right +0.67, " * 6)
    qtbot.waitUntil(
        lambda: steps.visualRect(steps.model().index(1, 0)).height() > 1.8 * steps.fontMetrics().height()
    )
    assert not steps.horizontalScrollBar().isVisible()


def test_a_snapshot_is_asked_for_by_name(opened: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *a, **k: ("smiling", True))
    opened.session.set_value("smile", 0.5)
    opened.actions_["snapshot"].trigger()
    assert [s.name for s in opened.session.document.snapshots] == ["smiling"]
