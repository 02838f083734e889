"""Dragging the face itself, with the real engine on the sample portrait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from app.engine.engine import Engine
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
    """The render of what is asked now."""
    renders: list[Any] = []
    session.rendered.connect(renders.append)
    qtbot.waitUntil(lambda: session.scheduler.is_idle, timeout=PATIENCE_MS)
    assert renders
    return renders[-1]


@pytest.mark.parametrize(
    ("landmark", "way"), [(61, QPoint(-14, -12)), (17, QPoint(0, 18)), (334, QPoint(0, -14))]
)
def test_the_landmark_follows_the_pointer(
    qtbot: Any, session: Session, canvas: Canvas, landmark: int, way: QPoint
) -> None:
    end = drag(canvas, handle(canvas, landmark), way)
    asked = canvas.active_face.point(landmark)
    at = canvas.view.to_view(asked)
    assert (at - QPointF(end)).manhattanLength() < 3
    assert session.undo_stack.count() == 1
    rendered = settled(qtbot, session)
    # A fresh look at the render finds the landmark where the pointer let it go.
    from app.engine.face.landmarks import FaceTracker

    with FaceTracker() as tracker:
        found = tracker.detect(rendered.pixels)[0].landmarks[landmark, :2] / rendered.scale
    assert float(np.abs(found - [asked.x(), asked.y()]).max()) < 3


def test_escape_puts_the_face_back(session: Session, canvas: Canvas) -> None:
    before, start = canvas.active_face.points.copy(), handle(canvas, 61)
    QTest.mousePress(canvas, LEFT, NONE, start)
    move(canvas, start + QPoint(-20, -10))
    assert np.abs(canvas.active_face.points - before).max() > 1
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert np.array_equal(canvas.active_face.points, before) and not session.undo_stack.canUndo()


def test_dragging_the_head_turns_it_where_the_pointer_goes(session: Session, canvas: Canvas) -> None:
    cheek = handle(canvas, 50)
    assert canvas.handle_at(QPointF(cheek)) is None
    nose = canvas.active_face.point(1)
    drag(canvas, cheek, QPoint(30, 0))
    assert session.value("yaw") > session.own_value("yaw") + 3
    assert session.edit.get("roll") is None
    assert canvas.active_face.point(1).x() > nose.x() + 1
    assert session.undo_stack.count() == 1


def test_shift_rolls_the_head(session: Session, canvas: Canvas) -> None:
    drag(canvas, handle(canvas, 50), QPoint(0, -40), SHIFT)
    assert session.value("roll") > session.own_value("roll") + 3 and session.edit.get("yaw") is None


def test_dragging_an_iris_moves_both_eyes(session: Session, canvas: Canvas) -> None:
    before = canvas.active_face.points.copy()
    drag(canvas, handle(canvas, 468), QPoint(8, 0))
    moved = canvas.active_face.points - before
    assert session.value("gaze_x") > session.own_value("gaze_x") + 5
    assert moved[468, 0] == pytest.approx(moved[473, 0], abs=0.5) and moved[468, 0] > 0.5
