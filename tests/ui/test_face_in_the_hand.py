"""The face in the hand, line by line of what was asked for it, with the real engine on the sample portrait.

What other tests already hold is not repeated here:

1 nose, forehead and outline turn the head: here, test_direct_manipulation, test_canvas
2 a pull is local, by the controls that own the handle: here, test_direct_manipulation, tools/handle_pulls.py
3 the sliders follow: here; the history names the handle and the face: test_direct_manipulation, test_window_hour
4 handles stay on their features, verbs write to the named controls: here; room for handles: test_canvas
4b irises, Esc, Shift, Ctrl, double click: test_direct_manipulation, test_canvas; hints in German: here
4c, 4d export and batch: test_dialogs, test_every_screen
5 several faces live, read-outs, advice: test_live_space
6 F6, F9, size, badge, landmarks, after a crash: test_live_space; closing while recording: here; size and rate
  of the film, countdown: test_recordings_in_window
7 tour: test_window_hour
8 Result belongs to a face and a state: test_window_hour; after reopening: here
9 history: test_window_hour, test_seen_in_use
10 tracks, width, height of Result, Home and End: test_window_hour
11 zoom to face: test_window_hour
12 boxes, options, commands, keys, explanations, face model's picture: test_window_hour, test_dialogs,
   test_seen_in_use
12b menu, message bar, Record, German: test_window_hour, test_seen_in_use, test_cut_labels
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.engine.face.controls import COMPONENTS
from app.engine.face.handles import HANDLES
from app.engine.face.landmarks import FaceTracker
from app.engine.face.parameters import FaceEdit
from app.session.session import Session
from app.ui import i18n
from app.ui.canvas import drags
from app.ui.canvas.canvas import Canvas
from app.ui.main_window import MainWindow
from app.ui.panels.edit_panel import EditPanel
from tests.session.conftest import settle
from tests.ui.test_direct_manipulation import canvas, session
from tests.ui.test_parameter_slider import LEFT, NONE, move
from tests.ui.test_second_hour import recording
from tools.handle_pulls import Puller

__all__ = ["canvas", "recording", "session"]  # these are fixtures
ZOOMS = (1.0, 2.0, 4.0)  # of the zoom at which the face fills the canvas
FEATURES = (159, 386, 61, 291, 152, 105, 334)  # landmarks at lids, mouth corners, chin and brows
NEAR = 0.08  # eye distances; a fresh look at a picture finds landmarks so far away


@pytest.fixture
def puller(session: Session, canvas: Canvas) -> Puller:
    """Return a hand for the handles of the sample, without the rest of the window, which takes long to build."""
    window = SimpleNamespace(session=session, edit_space=SimpleNamespace(canvas=canvas))
    return Puller(cast(MainWindow, window))


@pytest.fixture
def panel(session: Session, canvas: Canvas, qtbot: QtBot) -> EditPanel:
    """Return the sliders beside the canvas."""
    made = EditPanel(session)
    qtbot.addWidget(made)
    made.show()
    return made


def drag(canvas: Canvas, landmark: int, way: QPoint) -> QPoint:
    start = canvas.view.to_view(canvas.active_face.point(landmark)).toPoint()
    QTest.mousePress(canvas, LEFT, NONE, start)
    for step in range(1, 11):
        move(canvas, start + way * step / 10)
    QTest.mouseRelease(canvas, LEFT, NONE, start + way)
    return start + way


@pytest.mark.parametrize("zoom", ZOOMS)
def test_the_nose_turns_the_head_and_nothing_else_at_every_zoom(puller: Puller, zoom: float) -> None:
    puller.zoom_to(zoom, 1)
    end = drag(puller.canvas, 1, QPoint(40, 0))
    off = puller.canvas.view.to_view(puller.canvas.active_face.point(1)) - QPointF(end)
    session = puller.session
    assert off.manhattanLength() < 4 and {name for name, _ in session.edit.values} <= {"yaw", "pitch"}
    assert session.value("yaw") > session.own_value("yaw") + 3 / zoom


@pytest.mark.parametrize("handle", HANDLES, ids=lambda handle: handle.name)
def test_a_pull_moves_its_region_alone_by_its_own_controls(puller: Puller, handle: Any) -> None:
    zoom = ZOOMS[0]
    for way in ((0, 1), (1, 0)):
        row = puller.pull(handle, 15, way, zoom, "sample")
        assert row is not None and row.good, row


def test_the_sliders_show_what_was_pulled_and_take_it_back_one_by_one(
    puller: Puller, panel: EditPanel
) -> None:
    puller.zoom_to(1.0, 17)
    drag(puller.canvas, 152, QPoint(12, 16))
    rows = panel.rows
    shown = {name for name in ("mouth_open", "jaw_side") if rows[name].row.is_changed}
    assert shown == {"mouth_open", "jaw_side"}
    assert rows["jaw_side"].row.value == puller.session.value("jaw_side") != 0
    assert all(puller.session.edit.get(control.name) is None for control in COMPONENTS)
    rows["jaw_side"].row.reset_mark.click()
    assert puller.session.edit.get("jaw_side") is None and rows["mouth_open"].row.is_changed


def test_an_unlinked_corner_leaves_the_other_side_alone(puller: Puller) -> None:
    session = puller.session
    session.link(("corner_left", "smile_left", "width_left"), False)
    before = puller.canvas.active_face.points.copy()
    puller.zoom_to(1.0, 291)
    drag(puller.canvas, 291, QPoint(14, -12))
    session.link(("corner_left", "smile_left", "width_left"), True)
    assert session.edit.values and all(name.endswith("_left") for name, _ in session.edit.values)
    moved = np.hypot(*(puller.canvas.active_face.points - before).T)
    assert moved[61] < 0.15 * moved[291]


@pytest.mark.parametrize("landmark, way", [(1, QPoint(45, -15)), (468, QPoint(8, 0))])
def test_handles_stay_on_their_features(puller: Puller, qtbot: QtBot, landmark: int, way: QPoint) -> None:
    renders: list[Any] = []
    puller.session.rendered.connect(renders.append)
    puller.zoom_to(1.0, landmark)
    drag(puller.canvas, landmark, way)
    puller.wait()
    face, drawn = puller.session.face, puller.canvas.active_face.points
    assert face is not None and renders
    with FaceTracker() as tracker:
        found = tracker.detect(renders[-1].pixels)[0].landmarks[:, :2] / renders[-1].scale
    eyes = float(np.hypot(*(face.landmarks[33, :2] - face.landmarks[263, :2])))
    features = [*FEATURES, landmark]
    assert float(np.hypot(*(found[features] - drawn[features]).T).max()) < NEAR * eyes


def test_neutralise_is_seen_in_the_named_sliders(session: Session, panel: EditPanel) -> None:
    rows = panel.rows
    session.set_value("smile", 1.0)
    panel.neutralise.button.click()
    assert rows["smile"].row.value == session.value("smile") < 0.5
    assert "smile" in {name for name, _ in session.edit.values}


def test_hints_on_the_canvas_are_in_the_windows_language(qtbot: QtBot) -> None:
    app = QApplication.instance()
    assert app is not None
    translator = i18n.Translator(i18n.read("de"), app)
    app.installTranslator(translator)
    try:
        hints = [drags.hint(handle, True, False) for handle in HANDLES] + [drags.hint(None, True, True)]
    finally:
        app.removeTranslator(translator)
    assert all("Zieh" in hint and "Drag" not in hint for hint in hints)


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
