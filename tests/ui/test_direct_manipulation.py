"""The face itself is dragged, with the real engine on the sample portrait."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.engine.engine import Engine
from app.engine.face.controls import COMPONENTS
from app.engine.face.handles import HANDLES
from app.engine.face.landmarks import FaceTracker
from app.engine.face.parameters import FaceEdit
from app.engine.sample import sample_path
from app.session.session import Session
from app.ui.canvas.canvas import Canvas
from app.ui.canvas_link import CanvasLink
from app.ui.main_window import MainWindow
from app.ui.panels.edit_panel import EditPanel
from tests.ui.hands import LEFT, NONE, SHIFT, move
from tools.handle_pulls import Puller

PATIENCE_MS = 120_000  # the first render compiles its kernels
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
ZOOMS = (1.0, 2.0, 4.0)  # of the zoom at which the face fills the canvas
FEATURES = (159, 386, 61, 291, 152, 105, 334)  # landmarks at lids, mouth corners, chin and brows
EYES = ((159, 468), (386, 473))  # landmarks of a lid and of the iris beneath
NEAR = 0.08  # eye distances; a fresh look at a picture finds landmarks so far away


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


@pytest.mark.parametrize("landmark", [1, 151])
def test_shift_rolls_the_head_as_gently_by_the_nose_as_by_the_forehead(
    session: Session, canvas: Canvas, landmark: int
) -> None:
    """Once, 20 px to the right at the tip of the nose rolled a head by 87 degrees."""
    drag(canvas, handle(canvas, landmark), QPoint(20, 0), SHIFT)
    assert {name for name, _ in session.edit.values} == {"roll"}
    assert 1 < session.value("roll") - session.own_value("roll") < 12


def test_the_lid_of_a_shut_eye_can_be_taken_up_again(session: Session, canvas: Canvas) -> None:
    """Once, the iris that it hid took its handle's place."""
    session.set_values({"blink_left": 0.7, "blink_right": 0.7})
    face = canvas.active_face
    zoom = 6 / max(float(np.hypot(*(face.points[lid] - face.points[iris]))) for lid, iris in EYES)
    names = {one.name for one in face.handles(zoom)}
    assert {"lid_left", "lid_right"} <= names
    session.undo_stack.undo()
    assert "iris_left" in {one.name for one in canvas.active_face.handles(zoom)}


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


def test_a_roll_that_goes_on_is_not_said_to_end(session: Session, canvas: Canvas) -> None:
    """Beside the arc on which the nose rolls, the canvas said that it goes no further, and it went on."""
    start = handle(canvas, 1)
    QTest.mousePress(canvas, LEFT, SHIFT, start)
    rolls = []
    for way in (QPoint(20, 0), QPoint(40, 0)):
        move(canvas, start + way, SHIFT)
        rolls.append(session.value("roll"))
        assert "no further" not in canvas.hint and "ends at" not in canvas.hint
    assert rolls[1] > rolls[0] + 1
    move(canvas, start + QPoint(3000, 4000), SHIFT)
    assert "Roll ends at" in canvas.hint
    QTest.mouseRelease(canvas, LEFT, SHIFT, start + QPoint(3000, 4000))


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


@pytest.mark.parametrize("zoom", ZOOMS)
def test_the_nose_turns_the_head_and_nothing_else_at_every_zoom(puller: Puller, zoom: float) -> None:
    puller.zoom_to(zoom, 1)
    end = drag(puller.canvas, handle(puller.canvas, 1), QPoint(40, 0))
    off = puller.canvas.view.to_view(puller.canvas.active_face.point(1)) - QPointF(end)
    session = puller.session
    assert off.manhattanLength() < 4 and {name for name, _ in session.edit.values} <= {"yaw", "pitch"}
    assert session.value("yaw") > session.own_value("yaw") + 3 / zoom


@pytest.mark.parametrize("pulled", HANDLES, ids=lambda pulled: pulled.name)
def test_a_pull_moves_its_region_alone_by_its_own_controls(puller: Puller, pulled: Any) -> None:
    zoom = ZOOMS[0]
    for way in ((0, 1), (1, 0)):
        row = puller.pull(pulled, 15, way, zoom, "sample")
        assert row is not None and row.good, row


def test_the_sliders_show_what_was_pulled_and_take_it_back_one_by_one(
    puller: Puller, panel: EditPanel
) -> None:
    puller.zoom_to(1.0, 17)
    drag(puller.canvas, handle(puller.canvas, 152), QPoint(12, 16))
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
    drag(puller.canvas, handle(puller.canvas, 291), QPoint(14, -12))
    session.link(("corner_left", "smile_left", "width_left"), True)
    assert session.edit.values and all(name.endswith("_left") for name, _ in session.edit.values)
    moved = np.hypot(*(puller.canvas.active_face.points - before).T)
    assert moved[61] < 0.15 * moved[291]


@pytest.mark.parametrize("landmark, way", [(1, QPoint(45, -15)), (468, QPoint(8, 0))])
def test_handles_stay_on_their_features(puller: Puller, qtbot: QtBot, landmark: int, way: QPoint) -> None:
    renders: list[Any] = []
    puller.session.rendered.connect(renders.append)
    puller.zoom_to(1.0, landmark)
    drag(puller.canvas, handle(puller.canvas, landmark), way)
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
