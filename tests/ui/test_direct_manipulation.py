"""The face itself is dragged, with the real engine on the sample portrait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from app.engine.engine import Engine
from app.engine.face.parameters import FaceEdit
from app.engine.sample import sample_path
from app.session.session import Session
from app.ui.canvas.canvas import Canvas
from app.ui.canvas_link import CanvasLink
from tests.ui.test_parameter_slider import LEFT, NONE, SHIFT, move

PATIENCE_MS = 120_000  # the first render compiles its kernels


@pytest.fixture(scope="module")
def session(qapp: Any) -> Iterator[Session]:
    made = Session(Engine)
    made.start()
    made.open(sample_path())
    yield made
    made.stop()


@pytest.fixture
def canvas(qtbot: Any, session: Session) -> Canvas:
    made = Canvas()
    qtbot.addWidget(made)
    made.resize(1000, 800)
    link = CanvasLink(session, made)
    qtbot.waitUntil(lambda: session.portrait is not None, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: session.scheduler.is_idle, timeout=PATIENCE_MS)
    session.reset()
    session.undo_stack.clear()
    link._on_opened(session.portrait)
    link._show_faces()
    made.show()
    made.zoom_by(3, made.view.to_view(made.active_face.centre))
    return made


def drag(canvas: Canvas, start: QPoint, way: QPoint, modifiers: Any = NONE) -> QPoint:
    QTest.mousePress(canvas, LEFT, modifiers, start)
    for step in range(1, 11):
        move(canvas, start + way * step / 10, modifiers)
    QTest.mouseRelease(canvas, LEFT, modifiers, start + way)
    return start + way


def handle(canvas: Canvas, landmark: int) -> QPoint:
    return canvas.view.to_view(canvas.active_face.point(landmark)).toPoint()


def settled(qtbot: Any, session: Session) -> Any:
    """Wait for the render of what is asked now, and return it."""
    renders: list[Any] = []
    session.rendered.connect(renders.append)
    qtbot.waitUntil(lambda: session.scheduler.is_idle, timeout=PATIENCE_MS)
    assert renders
    return renders[-1]


PULLS = {
    "nose": (1, QPoint(30, -12), {"yaw", "pitch"}),
    "forehead": (151, QPoint(-25, 10), {"yaw", "pitch"}),
    "corner": (
        61,
        QPoint(-14, -12),
        {f"{c}_{s}" for c in ("corner", "width", "smile") for s in ("left", "right")},
    ),
    "lip": (17, QPoint(0, 18), {"mouth_open"}),
    "brow": (334, QPoint(0, -14), {"brow_left", "brow_right"}),
    "jaw": (152, QPoint(9, 12), {"mouth_open", "jaw_side"}),
    "lid": (159, QPoint(0, 8), {"blink_left", "blink_right"}),
    "iris": (468, QPoint(8, 2), {"gaze_x", "gaze_y"}),
}


@pytest.mark.parametrize("case", PULLS)
def test_the_held_point_follows_by_its_own_controls_in_one_step(
    qtbot: Any, session: Session, canvas: Canvas, case: str
) -> None:
    landmark, way, owned = PULLS[case]
    before = canvas.active_face.points.copy()
    end = drag(canvas, handle(canvas, landmark), way)
    at = canvas.view.to_view(canvas.active_face.point(landmark))
    off = at - QPointF(end)
    one_way = owned <= {"brow_left", "brow_right", "mouth_open", "blink_left", "blink_right"}
    assert abs(off.y()) < 3 and (abs(off.x()) < 3 or one_way)
    asked = {name for name, _ in session.edit.values}
    assert asked and asked <= owned
    assert session.undo_stack.count() == 1
    session.undo_stack.undo()
    assert session.edit == FaceEdit() and np.array_equal(canvas.active_face.points, before)


def test_what_is_drawn_is_where_the_handle_lies(qtbot: Any, session: Session, canvas: Canvas) -> None:
    drag(canvas, handle(canvas, 61), QPoint(-14, -12))
    asked = canvas.active_face.point(61)
    rendered = settled(qtbot, session)
    # A fresh look at the render finds the landmark where the pointer let it go.
    from app.engine.face.landmarks import FaceTracker

    with FaceTracker() as tracker:
        found = tracker.detect(rendered.pixels)[0].landmarks[61, :2] / rendered.scale
    assert float(np.abs(found - [asked.x(), asked.y()]).max()) < 3


def test_escape_puts_the_face_back(session: Session, canvas: Canvas) -> None:
    before, start = canvas.active_face.points.copy(), handle(canvas, 61)
    QTest.mousePress(canvas, LEFT, NONE, start)
    move(canvas, start + QPoint(-20, -10))
    assert np.abs(canvas.active_face.points - before).max() > 1
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert np.array_equal(canvas.active_face.points, before) and not session.undo_stack.canUndo()


def test_the_head_held_at_a_cheek_follows_and_shift_rolls_it(session: Session, canvas: Canvas) -> None:
    cheek = handle(canvas, 50)
    assert canvas.handle_at(QPointF(cheek)) is None
    end = drag(canvas, cheek, QPoint(30, 0))
    assert session.value("yaw") > session.own_value("yaw") + 3 and session.edit.get("roll") is None
    assert (canvas.view.to_view(canvas.active_face.point(50)) - QPointF(end)).manhattanLength() < 4
    drag(canvas, handle(canvas, 50), QPoint(0, -40), SHIFT)
    assert session.value("roll") > session.own_value("roll") + 3


def test_the_irises_stay_under_their_handles(session: Session, canvas: Canvas) -> None:
    before = canvas.active_face.points.copy()
    drag(canvas, handle(canvas, 468), QPoint(8, 0))
    moved = canvas.active_face.points - before
    assert abs(session.value("gaze_x") - session.own_value("gaze_x")) < 40
    assert moved[468, 0] == pytest.approx(moved[473, 0], abs=0.5) and moved[468, 0] > 0.5


def test_a_pull_says_where_it_ends_and_stops_there(session: Session, canvas: Canvas) -> None:
    start = handle(canvas, 152)
    QTest.mousePress(canvas, LEFT, NONE, start)
    move(canvas, start + QPoint(0, 600))
    assert "ends at" in canvas.hint and session.value("mouth_open") == pytest.approx(2)
    QTest.mouseRelease(canvas, LEFT, NONE, start + QPoint(0, 600))
    assert "ends at" not in canvas.hint


def test_a_double_click_resets_the_handles_controls_alone(session: Session, canvas: Canvas) -> None:
    drag(canvas, handle(canvas, 334), QPoint(0, -14))
    drag(canvas, handle(canvas, 17), QPoint(0, 14))
    QTest.mouseDClick(canvas, LEFT, NONE, handle(canvas, 334))
    assert {name for name, _ in session.edit.values} == {"mouth_open"}


def test_the_history_names_the_handle_and_what_it_did(session: Session, canvas: Canvas) -> None:
    drag(canvas, handle(canvas, 334), QPoint(0, -14))
    assert session.undo_stack.text(0).startswith("Brow left +0.")
    drag(canvas, handle(canvas, 1), QPoint(20, 0))
    assert session.undo_stack.text(1).startswith("Nose tip: Yaw +")


def test_a_pulled_brow_moves_nothing_else(qtbot: Any, session: Session, canvas: Canvas) -> None:
    session.link(("brow_left",), False)
    before = canvas.active_face.points.copy()
    drag(canvas, handle(canvas, 334), QPoint(0, -14))
    session.link(("brow_left",), True)
    moved = np.hypot(*(canvas.active_face.points - before).T)
    assert moved[334] > 1
    assert moved[[61, 291, 152, 1, 159, 105, 13, 14, 33, 263]].max() < 0.02 * moved[334]
