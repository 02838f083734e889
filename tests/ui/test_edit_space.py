"""Around the picture: zoom to the face, the menu of a right click, the face model's picture, the layers."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QContextMenuEvent,
)
from PySide6.QtWidgets import (
    QApplication,
)
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from tests.fakes import FakeEngine
from tests.session.conftest import settle


def test_zoom_to_face_fills_the_canvas_with_it(opened: MainWindow) -> None:
    canvas = opened.edit_space.canvas
    opened.actions_["zoom_face"].trigger()
    rect = canvas.active_face.rect
    corner = canvas.view.to_view(rect.topLeft())
    assert rect.height() * canvas.view.zoom == pytest.approx(0.7 * canvas.height(), rel=0.02)
    assert canvas.rect().contains(corner.toPoint())


def test_a_small_face_alone_is_gone_to_on_opening(
    qtbot: QtBot, photo: Path, window: MainWindow, fake
) -> None:
    fake._faces, fake._size = 1, (800, 600)
    window.documents.open(photo)
    qtbot.waitUntil(lambda: window.session.portrait is not None and bool(window.edit_space.canvas.faces))
    canvas = window.edit_space.canvas
    qtbot.waitUntil(lambda: canvas.active_face.rect.height() * canvas.view.zoom > 0.5 * canvas.height())
    settle(window.session, qtbot)


def test_a_right_click_offers_what_can_be_done_here(opened: MainWindow, qtbot: QtBot) -> None:
    space, asked = opened.edit_space, []
    space.canvas.menu_wanted.disconnect()
    space.canvas.menu_wanted.connect(lambda where, handle: asked.append(handle))
    at = space.canvas.view.to_view(space.canvas.active_face.point(152)).toPoint()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, space.canvas.mapToGlobal(at))
    QApplication.sendEvent(space.canvas, event)
    assert len(asked) == 1
    menu = space.menu(space.canvas.active_face.handles(50.0)[0])
    words = [action.text() for action in menu.actions()]
    assert words[0].startswith("Reset ") and "Frontalise" in words and "Zoom to face" in words


def test_the_face_models_picture_hides_no_face_unless_asked(opened: MainWindow, qtbot: QtBot) -> None:
    space = opened.edit_space
    space.canvas.fit()
    space.canvas.zoom_by(1.0)

    def overlaps() -> bool:
        return space.nmfc.isVisible() and space._hides_face(space.nmfc.geometry())

    assert not overlaps()
    for zoom in (2.0, 2.0, 2.0, 2.0):  # together these make the faces fill the canvas
        space.canvas.zoom_by(zoom)
        assert not overlaps()
    assert not space.nmfc.isVisible()
    opened.actions_["preview"].trigger()
    opened.actions_["preview"].trigger()
    assert space.nmfc.isVisible()


def test_a_new_photo_forgets_the_face_model_of_the_photo_before(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    """Once, another face's picture stayed while the first picture was drawn."""
    other = tmp_path / "other.png"
    other.write_bytes(b"another photo")
    assert opened.edit_space.nmfc._picture is not None
    with qtbot.waitSignal(opened.session.portrait_opened):
        opened.documents.open(other)
    assert opened.edit_space.nmfc._picture is None
    settle(opened.session, qtbot)
    assert opened.edit_space.nmfc._picture is not None


def test_a_new_photo_forgets_the_handle_under_the_pointer(opened: MainWindow) -> None:
    canvas = opened.edit_space.canvas
    handle = canvas.active_face.handles(canvas.view.zoom)[0]
    canvas._hover(canvas.view.to_view(canvas.active_face.point(handle.landmark)))
    assert canvas._hovered is not None and canvas.hint
    canvas.set_photo(canvas._photo)
    assert canvas._hovered is None and not canvas.hint


def test_before_and_split_by_keys(opened: MainWindow, qtbot: QtBot) -> None:
    canvas = opened.edit_space.canvas
    qtbot.keyClick(opened, Qt.Key.Key_Backslash)
    assert canvas.mode == "before" and opened.actions_["before"].isChecked()
    qtbot.keyClick(opened, Qt.Key.Key_Backslash)
    assert canvas.mode == "after" and opened.actions_["after"].isChecked()
    qtbot.keyClick(opened, Qt.Key.Key_Y)
    assert canvas.mode == "split"


def test_the_flow_layer_asks_for_the_render_s_flow_only_while_it_is_shown(
    opened: MainWindow, fake: FakeEngine, qtbot: QtBot
) -> None:
    session, canvas = opened.session, opened.edit_space.canvas
    session.set_value("yaw", 20)
    settle(session, qtbot)
    assert fake.count("flow") == 0
    bare = canvas.grab().toImage()
    with qtbot.waitSignal(session.flow_ready):
        opened.edit_space.compare.layers["flow"].click()
    assert fake.calls[-1][0] == "flow" and canvas.grab().toImage() != bare
    opened.edit_space.compare.layers["flow"].click()
    session.set_value("yaw", 25)
    settle(session, qtbot)
    assert fake.count("flow") == 1
