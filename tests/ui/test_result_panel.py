"""The panel Result says what was asked and what is measured in the picture shown, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.engine.contract import Measurement, Rendered
from app.engine.face.parameters import FaceEdit
from app.session.session import Session
from app.ui.main_window import MainWindow
from app.ui.panels.result_panel import ResultPanel, misses
from tests.fakes import FakeEngine
from tests.session.conftest import settle


def test_misses_are_marked(qtbot: Any, session: Session) -> None:
    result = ResultPanel(session)
    qtbot.addWidget(result)
    session.set_values({"yaw": 12.0, "smile": 0.5})
    measured = {"yaw": 11.4, "smile": 0.2}
    result.show_measurement(Measurement(dict(session.edit.values), measured, (0.0,) * 28, (0.0,) * 28, 0.97))
    texts = [label.text() for label in result.findChildren(QLabel)]
    assert "12.0°" in texts and "11.4°" in texts and "97 %" in result.summary.text()
    marks = [label for label in result.findChildren(QLabel) if label.accessibleName()]
    assert len(marks) == 1
    still = (0.0,) * 28
    result.show_measurement(
        Measurement(dict(session.edit.values), measured, still, still, 0.97, {"yaw": 1.72})
    )
    assert "11.4° ± 1.7°" in [label.text() for label in result.findChildren(QLabel)]


def test_the_read_out_says_what_is_made_up(qtbot: Any, session: Session) -> None:
    result = ResultPanel(session)
    qtbot.addWidget(result)
    assert result.doubts.isHidden()
    session.set_value("yaw", 30.0)
    pixels = np.zeros((4, 4, 3), np.uint8)
    told = "The ear and hair of the side that turns into view are made up."
    session.rendered.emit(Rendered(pixels, None, 1.0, 0.1, {}, doubts=(told,)))
    result.show_measurement(None)
    assert told in result.doubts.text() and not result.doubts.isHidden(), "also where nothing can be measured"
    session.rendered.emit(Rendered(pixels, None, 1.0, 0.1, {}))
    result.show_measurement(None)
    assert result.doubts.isHidden()


def test_what_counts_as_a_miss() -> None:
    assert not misses("yaw", 12, 10.5) and misses("yaw", 12, 9)
    assert not misses("yaw", 12, 9, 1.7) and misses("yaw", 12, 8, 1.7), "less than the reading is sure of"
    assert not misses("smile", 1.0, 0.85) and misses("smile", 1.0, 0.7)
    assert not misses("smile", 0.05, 0.12)
    assert not np.any([misses("gaze_x", 10, 13), misses("brow_left", 0.0, 0.0)])


def test_a_full_render_is_measured_and_shown(qtbot: Any, session: Session) -> None:
    result = ResultPanel(session)
    qtbot.addWidget(result)
    session.set_value("yaw", 15)
    qtbot.waitUntil(lambda: "identity" in result.summary.text())
    assert "changed" in result.summary.text()
    session.reset()
    qtbot.waitUntil(lambda: "Nothing" in result.summary.text())


def test_the_result_belongs_to_a_face_and_a_state(opened: MainWindow, fake: FakeEngine, qtbot: QtBot) -> None:
    summary, session = opened.edit_space.result.summary, opened.session
    assert summary.text() == "Nothing is changed yet."
    fake.gate.clear()
    session.set_value("yaw", 12)
    assert summary.text() == "Measuring…" and not opened.status.measured.text()
    fake.gate.set()
    settle(session, qtbot)
    assert "identity" in summary.text() and opened.status.measured.text()
    fake.gate.clear()
    session.undo_stack.undo()
    assert summary.text() == "Nothing is changed yet." and not opened.status.measured.text()
    session.undo_stack.redo()
    assert summary.text() == "Measuring…"
    session.select_face(1)
    assert summary.text() == "Nothing is changed yet."
    fake.gate.set()
    settle(session, qtbot)


def test_a_measurement_that_crashes_is_not_awaited_for_ever(
    session: Session, fake: FakeEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, Result said “Measuring…” until the next edit, under a crash dialog that was long closed."""

    def crash(*_: object) -> Measurement:
        raise ValueError("a fault")

    result = ResultPanel(session)
    qtbot.addWidget(result)
    monkeypatch.setattr(fake, "measure", crash)
    session.crashed.disconnect()  # the fixture's, which allows no crash
    with qtbot.waitSignal(session.crashed):
        session.set_value("yaw", 12.0)
    settle(session, qtbot)
    assert "could not be measured" in result.summary.text()


def test_result_is_no_taller_than_its_text(opened: MainWindow, qtbot: QtBot) -> None:
    result = opened.edit_space.result
    qtbot.waitUntil(lambda: opened.spaces.docks["result"].height() <= result.sizeHint().height() + 24)


def test_a_long_doubt_leaves_the_rows_of_the_result_their_height(opened: MainWindow, qtbot: QtBot) -> None:
    """Once, in a low window, the sentences about a turn's doubts pressed the rows above them together."""
    result, session = opened.edit_space.result, opened.session
    session.set_values({"yaw": 18.0, "smile": 0.6})
    settle(session, qtbot)
    pixels = np.zeros((4, 4, 3), np.uint8)
    doubts = ("The ear and hair of the side that turns into view are made up.", "The cheeks stretch.")
    session.rendered.emit(Rendered(pixels, None, 1.0, 0.1, {}, doubts=doubts))
    asked = dict(session.edit.values)
    result.show_measurement(Measurement(asked, {"yaw": 15.2, "smile": 0.76}, (0.0,) * 28, (0.0,) * 28, 0.1))
    qtbot.wait(100)
    rows = [result._grid.itemAt(k).widget() for k in range(result._grid.count())]
    assert len(rows) > 6 and all(row.height() >= row.sizeHint().height() for row in rows)
    assert result.doubts.height() >= result.doubts.heightForWidth(result.doubts.width())


def test_a_long_result_leaves_the_sliders_their_room(opened: MainWindow, qtbot: QtBot) -> None:
    result = opened.edit_space.result
    names = ("yaw", "pitch", "roll", "smile", "mouth_open", "corner_left", "corner_right", "pucker")
    opened.session.set_values(dict.fromkeys(names, 0.5))
    settle(opened.session, qtbot)
    values = dict.fromkeys(names, 0.4)
    measurement = Measurement(values, values, (0.0,) * 28, (0.0,) * 28, 0.9)
    for height, rows in ((720, 4), (900, 8)):
        opened.resize(1280, height)
        result.show_measurement(measurement)
        grid = result._grid
        shown = [
            label.text() for k in range(grid.count()) if isinstance(label := grid.itemAt(k).widget(), QLabel)
        ]
        assert sum(text.startswith("0.4") for text in shown) == 2 * rows, shown
        assert ("and 4 more" in shown) == (height == 720)


def test_a_project_opened_again_shows_its_own_result(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    session, summary = opened.session, opened.edit_space.result.summary
    session.set_value("yaw", 12.0)
    settle(session, qtbot)
    with qtbot.waitSignal(session.saved):
        session.save_project(tmp_path / "kept.mien")
    opened.actions_["close"].trigger()
    said: list[str] = []
    session.measured.connect(lambda _: said.append(summary.text()))
    with qtbot.waitSignal(session.portrait_opened):
        opened.documents.open(tmp_path / "kept.mien")
    assert summary.text() == "Measuring…"
    settle(session, qtbot)
    assert "identity" in summary.text() and session.edit == FaceEdit.of(yaw=12.0)
    session.undo_stack.setClean()


def test_the_panel_has_its_height_before_it_is_painted_again(opened: MainWindow, qtbot: QtBot) -> None:
    """While it was measured the words stood apart, and the separator of the panels went through them."""
    result = opened.edit_space.result
    dock = opened.spaces.docks["result"]
    opened.session.set_values({"yaw": 3.0, "smile": 0.5, "pucker": 0.3})
    settle(opened.session, qtbot)
    qtbot.waitUntil(lambda: result._grid.count() > 8 and dock.height() > 100)
    tall = dock.height()
    opened.session.set_value("yaw", 5.0)
    assert result.summary.text() == "Measuring…" and dock.height() < tall - 20
