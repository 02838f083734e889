"""The panel of sliders, and the rail of faces beside it, work over a session by mouse and keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.engine.face.controls import BY_NAME
from app.session.session import Session
from app.session.values import PAIRS
from app.ui.main_window import MainWindow
from app.ui.panels.edit_panel import EditPanel
from app.ui.panels.faces_rail import FacesRail
from app.ui.widgets.parameter_slider import ParameterSlider
from tests.fakes import LATENT, MISSING, WARP, FakeEngine
from tests.session.conftest import settle
from tests.ui.hands import LEFT, NONE, drag, knob, move


def row(panel: EditPanel, name: str) -> ParameterSlider:
    return panel.rows[name].row


def test_a_drag_is_one_undo_step_and_undo_brings_it_back(panel: EditPanel, session: Session) -> None:
    smile, start = row(panel, "smile"), knob(row(panel, "smile"))
    drag(smile.track, start, [start + QPoint(1 + i // 8, 0) for i in range(200)])
    assert session.undo_stack.count() == 1
    assert session.edit.get("smile") == pytest.approx(smile.value) and smile.value > 0.2
    session.undo_stack.undo()
    assert smile.value == 0 and not smile.is_changed


def test_escape_leaves_no_step(panel: EditPanel, session: Session) -> None:
    smile, start = row(panel, "smile"), knob(row(panel, "smile"))
    QTest.mousePress(smile.track, LEFT, NONE, start)
    move(smile.track, start + QPoint(25, 0))
    assert session.edit.get("smile")
    QTest.keyClick(smile, Qt.Key.Key_Escape)
    assert session.edit.is_identity and smile.value == 0 and not session.undo_stack.canUndo()


def test_click_then_double_click_leaves_nothing_behind(panel: EditPanel, session: Session) -> None:
    smile = row(panel, "smile")
    at = QPoint(round(smile.track.x_of(1.0)), 10)
    QTest.mouseClick(smile.track, LEFT, NONE, at)
    assert session.edit.get("smile")
    QTest.mouseDClick(smile.track, LEFT, NONE, at)
    assert session.edit.is_identity


def test_linked_sides_move_together_and_alone_when_unlinked(panel: EditPanel, session: Session) -> None:
    row(panel, "brow_left").step_to(0.5)
    assert session.edit.get("brow_right") == 0.5 and row(panel, "brow_right").value == 0.5
    QTest.mouseClick(row(panel, "brow_left").link, LEFT)
    row(panel, "brow_left").step_to(0.8)
    assert (session.edit.get("brow_left"), session.edit.get("brow_right")) == (0.8, 0.5)
    row(panel, "blink_right").step_to(0.4)  # this row's own chain is still closed
    assert session.edit.get("blink_left") == 0.4
    QTest.mouseClick(row(panel, "brow_left").link, LEFT)
    row(panel, "brow_right").step_to(0.3)
    assert session.edit.get("brow_left") == 0.3


def test_pose_rows_show_the_photos_own_values(panel: EditPanel, session: Session) -> None:
    session.select_face(1)
    yaw = row(panel, "yaw")
    assert yaw.value == pytest.approx(5.0) and not yaw.is_changed
    yaw.step_to(20)
    assert yaw.is_changed
    yaw.reset()
    assert session.edit.get("yaw") is None


def test_only_what_the_generator_obeys_is_offered(panel: EditPanel) -> None:
    panel.show_generator(WARP)
    assert row(panel, "yaw").isVisibleTo(panel) and not row(panel, "pitch").isVisibleTo(panel)
    assert not panel.groups["components"][0].isVisibleTo(panel) and not panel.latents.isVisibleTo(panel)


def test_latent_directions_come_with_their_generator(panel: EditPanel, session: Session) -> None:
    panel.show_generator(LATENT)
    assert panel.latents.isVisibleTo(panel) and len(panel.latents.rows) == 1
    panel.latents.rows[0].step_to(1.5)
    assert dict(session.edit.latents) == {"w1": 1.5} and panel.latents.heading.changed
    session.undo_stack.undo()
    assert panel.latents.rows[0].value == 0


def test_missing_weights_are_reported_with_one_button(panel: EditPanel) -> None:
    from dataclasses import replace

    wanted: list[str] = []
    panel.weights_wanted.connect(wanted.append)
    panel.show_generator(replace(LATENT, missing="Its weights are not here."))
    assert not panel.latents.rows and "not here" in panel.latents.missing.text()
    panel.latents.get.click()
    assert wanted == ["stylegan"]
    panel.show_generator(MISSING)
    assert not panel.latents.isVisibleTo(panel)


def test_a_folded_group_keeps_its_dot(panel: EditPanel) -> None:
    group, _ = panel.groups["expression"]
    row(panel, "smile").step_to(0.4)
    group.heading.setChecked(False)
    assert group.heading.changed and not row(panel, "smile").isVisibleTo(panel)
    panel.reveal("smile")
    assert row(panel, "smile").isVisibleTo(panel)


def test_resetting_a_group_is_one_step(panel: EditPanel, session: Session) -> None:
    for name in ("smile", "pucker", "cheeks"):
        row(panel, name).step_to(0.3)
    panel.groups["expression"][0].reset_mark.click()
    assert session.edit.is_identity and session.undo_stack.count() == 4


def test_components_follow_the_semantic_controls(panel: EditPanel, session: Session) -> None:
    pytest.importorskip("app.engine.face.semantic")
    session.link(PAIRS, False)
    row(panel, "smile").step_to(1.0)
    moved = [panel.rows[f"exp{k}"].row for k in range(1, 29)]
    largest = max(moved, key=lambda r: abs(r.value))
    assert abs(largest.value) > 0.1 and not largest.is_changed
    wanted = largest.value + 0.5
    largest.step_to(wanted)
    assert largest.value == pytest.approx(wanted)
    assert session.edit.get(largest.control.name) == pytest.approx(0.5)
    largest.reset()
    assert session.edit.get(largest.control.name) is None


def test_the_gaze_pad_and_its_rows_are_one(panel: EditPanel, session: Session) -> None:
    start = panel.pad.point_of(panel.pad.value).toPoint()
    drag(panel.pad, start, [start + QPoint(i, 0) for i in range(1, 21)])
    assert session.undo_stack.count() == 1
    assert row(panel, "gaze_x").value == pytest.approx(panel.pad.value[0]) and panel.pad.value[0] > 10


def test_frontalise_with_a_strength(panel: EditPanel, session: Session) -> None:
    session.select_face(1)
    track = panel.frontalise.strength.track
    start = QPoint(round(track.x_of(100)), 10)
    drag(track, start, [QPoint(round(track.x_of(50)), 10)])
    assert session.undo_stack.count() == 1
    assert session.edit.get("yaw") == pytest.approx(5 * (1 - track.value / 100), abs=1e-6)
    assert 30 < track.value < 70
    panel.frontalise.button.click()
    assert session.undo_stack.count() <= 2


def test_the_rail_lists_faces_and_chooses_them(qtbot: Any, session: Session, fake: FakeEngine) -> None:
    rail = FacesRail(session)
    qtbot.addWidget(rail)
    rail.show()
    rail._show_portrait(session.portrait)
    assert [rail.list.item(i).text() for i in range(rail.list.count())] == ["1", "2"]
    QTest.mouseClick(rail.list.viewport(), LEFT, NONE, rail.list.visualItemRect(rail.list.item(1)).center())
    assert session.document.active == 1
    session.set_value("yaw", 20)
    assert rail.list.item(1).text() == "2 •"
    session.undo_stack.undo()
    assert rail.list.item(1).text() == "2"


def test_a_click_beside_the_faces_leaves_the_active_one_chosen(
    qtbot: Any, session: Session, fake: FakeEngine
) -> None:
    """None was marked then, although every slider was still about one of them."""
    rail = FacesRail(session)
    qtbot.addWidget(rail)
    rail.resize(90, 600)
    rail.show()
    rail._show_portrait(session.portrait)
    session.select_face(1)
    QTest.mouseClick(rail.list.viewport(), LEFT, NONE, QPoint(30, rail.list.viewport().height() - 10))
    assert [rail.list.row(item) for item in rail.list.selectedItems()] == [1] == [session.document.active]


def test_a_run_of_arrow_keys_is_one_step(panel: EditPanel, session: Session, qtbot: QtBot) -> None:
    smile = panel.rows["smile"].row
    smile.setFocus()
    for _ in range(5):
        QTest.keyClick(smile, Qt.Key.Key_Right)
    assert session.undo_stack.count() == 1 and session.edit.get("smile") == pytest.approx(0.25)
    with qtbot.waitSignal(session.gesture_ended):
        pass
    QTest.keyClick(smile, Qt.Key.Key_Right)
    assert session.undo_stack.count() == 2
    smile.clearFocus()


def test_home_and_end_go_to_the_ends(panel: EditPanel, session: Session) -> None:
    row = panel.rows["yaw"].row
    row.setFocus()
    QTest.keyClick(row, Qt.Key.Key_End)
    assert session.edit.get("yaw") == BY_NAME["yaw"].upper
    QTest.keyClick(row, Qt.Key.Key_Home)
    assert session.edit.get("yaw") == BY_NAME["yaw"].lower and session.undo_stack.count() == 2


def test_a_run_of_arrow_keys_on_the_gaze_pad_is_one_step(
    panel: EditPanel, session: Session, qtbot: QtBot
) -> None:
    pad = panel.pad
    pad.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Left):
        QTest.keyClick(pad, key)
    assert session.undo_stack.count() == 1
    with qtbot.waitSignal(session.gesture_ended):
        pass
    QTest.keyClick(pad, Qt.Key.Key_Right)
    pad.clearFocus()
    assert session.undo_stack.count() == 2


def test_the_numbers_of_the_gaze_stand_below_the_others(
    panel: EditPanel, session: Session, qtbot: QtBot
) -> None:
    assert session.generator is not None
    panel.show_generator(replace(session.generator, controls=tuple(BY_NAME)))

    def right(name: str) -> int:
        number = panel.rows[name].row.number
        return number.mapTo(panel, number.rect().topRight()).x()

    qtbot.waitUntil(lambda: right("gaze_x") == right("yaw"))
    assert right("gaze_y") == right("yaw")


def test_a_number_that_was_only_looked_at_is_not_taken(opened: MainWindow) -> None:
    row = opened.edit_space.edit.rows["mouth_open"].row
    opened.session.set_value("mouth_open", 1.2345)
    row.number.start_typing()
    opened.session.reset_face()
    assert row.number.text() == "0.00"
    opened.edit_space.canvas.setFocus()
    assert opened.session.edit.is_identity
    opened.session.set_value("mouth_open", 1.2345)
    row.number.start_typing()
    QTest.keyClick(row.number, Qt.Key.Key_Return)
    assert opened.session.value("mouth_open") == 1.2345
    row.number.start_typing()
    QTest.keyClicks(row.number, "0.5")
    opened.edit_space.canvas.setFocus()
    assert opened.session.value("mouth_open") == 0.5


def test_a_slider_dragged_through_200_steps_is_one_undo_step_and_its_last_value_is_rendered(
    opened: MainWindow, fake: FakeEngine, qtbot: QtBot
) -> None:
    row = opened.edit_space.edit.rows["yaw"].row
    start = QPoint(round(row.track.x_of(row.value)), 10)
    QTest.mousePress(row.track, LEFT, NONE, start)
    for step in range(200):
        move(row.track, start + QPoint(1 + step // 6, 0))
    QTest.mouseRelease(row.track, LEFT, NONE, start + QPoint(34, 0))
    settle(opened.session, qtbot)
    assert opened.session.undo_stack.count() == 1 and row.value > 10
    last = [call[1] for call in fake.calls if call[0] == "render"][-1]
    assert last[0].get("yaw") == pytest.approx(row.value)
    assert row.number.text() == f"{row.value:.1f}°"
    QTest.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert opened.session.edit.is_identity
