"""The window works as a person uses it: menus, keys, drops, dialogs."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRectF, QSizeF, Qt, QUrl
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
)
from pytestqt.qtbot import QtBot

from app.engine.face.parameters import FaceEdit
from app.ui.canvas import overlays
from app.ui.main_window import MainWindow
from tests.session.conftest import settle
from tests.ui.hands import CTRL, SHIFT


def test_a_dropped_photo_opens(window: MainWindow, photo: Path, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(photo))])
    enter = QDragEnterEvent(
        QPoint(9, 9),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dragEnterEvent(enter)
    assert enter.isAccepted()
    drop = QDropEvent(
        QPointF(9, 9),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    with qtbot.waitSignal(window.session.portrait_opened):
        window.dropEvent(drop)
    assert window.stack.currentWidget() is window.edit_space.stage
    assert window.windowTitle().startswith(photo.name)
    assert window.spaces.docks["edit"].isVisible()


def test_a_pasted_picture_opens(window: MainWindow, qtbot: QtBot) -> None:
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    QGuiApplication.clipboard().setImage(image)
    with qtbot.waitSignal(window.session.portrait_opened):
        qtbot.keyClick(window, Qt.Key.Key_V, CTRL)
    assert window.session.document.photo is not None and window.session.document.photo.exists()


def test_an_edit_shows_export_marks_the_title_and_undoes_by_name(opened: MainWindow, qtbot: QtBot) -> None:
    opened.session.set_value("yaw", 12)
    settle(opened.session, qtbot)
    assert opened.isWindowModified() and opened.export_button.isVisible()
    assert opened.actions_["undo"].text() == "Undo Yaw 0 → 12°, face 1"
    assert "12.0°" in opened.status.measured.text() and "10.8°" in opened.status.measured.text()
    qtbot.keyClick(opened, Qt.Key.Key_Z, CTRL)
    assert opened.session.document.edits == {} and not opened.isWindowModified()
    qtbot.keyClick(opened, Qt.Key.Key_Y, CTRL)
    assert opened.session.value("yaw") == 12
    qtbot.keyClick(opened, Qt.Key.Key_Z, CTRL)
    qtbot.keyClick(opened, Qt.Key.Key_Z, CTRL | SHIFT)
    assert opened.session.value("yaw") == 12


def test_tab_on_the_picture_goes_to_the_next_face(opened: MainWindow, qtbot: QtBot) -> None:
    opened.edit_space.canvas.setFocus()
    qtbot.keyClick(opened.edit_space.canvas, Qt.Key.Key_Tab)
    assert opened.session.document.active == 1
    qtbot.keyClick(opened, Qt.Key.Key_BracketRight, CTRL)
    assert opened.session.document.active == 0


def test_an_edit_is_copied_from_face_to_face(opened: MainWindow, qtbot: QtBot) -> None:
    opened.session.set_values({"smile": 0.5, "tx": 40.0})
    qtbot.keyClick(opened, Qt.Key.Key_C, CTRL | SHIFT)
    opened.session.select_face(1)
    qtbot.keyClick(opened, Qt.Key.Key_V, CTRL | SHIFT)
    assert opened.session.document.edits[1] == FaceEdit.of(smile=0.5)


def test_recent_files_are_listed_and_those_gone_are_grey(opened: MainWindow, photo: Path) -> None:
    assert opened.settings.recent == [photo]
    photo.unlink()
    opened.menus.recent.aboutToShow.emit()
    first = opened.menus.recent.actions()[0]
    assert first.text() == photo.name and not first.isEnabled()


def test_every_control_in_the_window_has_a_name_for_screen_readers(opened: MainWindow) -> None:
    nameless = [
        f"{type(child).__name__} in {type(child.parent()).__name__}"
        for child in opened.findChildren(QAbstractButton)
        if child.isVisible() and not child.objectName().startswith("qt_")
        if not (child.accessibleName() or child.text())
    ]
    assert nameless == []


def test_words_of_the_trade_are_explained_on_hover(opened: MainWindow, qtbot: QtBot) -> None:
    space = opened.edit_space
    assert "colour" in space.compare.layers["nmfc"].toolTip()
    assert "float32" in opened.status.device.toolTip()
    assert "How alike" in space.result.summary.toolTip()
    assert "standard deviation" in space.edit.groups["components"][0].heading.toolTip()


def test_a_link_that_is_dropped_is_not_said_to_be_on_the_clipboard(window: MainWindow) -> None:
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/portrait.jpg")])
    window.documents.open_dropped(data)
    assert (
        window.bar.isVisible()
        and "dropped" in window.bar.words.text()
        and "clipboard" not in window.bar.words.text()
    )


def test_leaving_the_full_screen_leaves_a_maximised_window_maximised(window: MainWindow) -> None:
    window.showMaximized()
    for full in (True, False):
        window.actions_["full_screen"].trigger()
        assert window.isFullScreen() == full
    assert window.isMaximized()


def test_the_pointers_hint_goes_out_of_the_way_of_what_lies_over_the_canvas(
    opened: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The face model's picture hid the end of what it said."""
    words, bounds, card = QSizeF(300, 14), QRectF(0, 0, 800, 600), QRectF(640, 430, 150, 160)
    for at in (QPointF(400, 450), QPointF(660, 425), QPointF(100, 100)):
        place = overlays.label_place(words, at, bounds, [card])
        assert not place.intersects(card) and bounds.contains(place)
    assert overlays.label_place(words, QPointF(100, 100), bounds, [card]).topLeft() == QPointF(116, 114)
    places: list[list[QRectF]] = []
    monkeypatch.setattr(overlays, "label_place", lambda *a: (places.append(a[-1]), card)[1])
    canvas = opened.edit_space.canvas
    QTest.mouseMove(canvas, canvas.view.to_view(canvas.faces[0].rect.center()).toPoint())
    canvas.grab()
    assert opened.edit_space.nmfc.isVisible() and places[-1] == [QRectF(opened.edit_space.nmfc.geometry())]
