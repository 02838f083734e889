"""The window works as a person uses it: menus, keys, drops, dialogs."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QInputDialog,
    QToolButton,
)
from pytestqt.qtbot import QtBot

from app.engine.errors import EngineError
from app.engine.face.parameters import FaceEdit
from app.session.session import Session
from app.session.settings import Settings
from app.ui import theme, thumbnails
from app.ui.actions import TABLE
from app.ui.main_window import MainWindow
from app.ui.palette import Palette
from tests.fakes import FakeEngine
from tests.session.conftest import settle
from tests.ui.conftest import ready_to_close
from tests.ui.modal import accept_dialog


def keys(qtbot: QtBot, window: MainWindow, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
    held = Qt.KeyboardModifier.NoModifier
    for modifier in modifiers:
        held |= modifier
    qtbot.keyClick(window, key, held)


CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def test_every_command_does_something(window: MainWindow) -> None:
    idle = [spec.name for spec in TABLE if not window.actions_[spec.name].receivers("2triggered(bool)")]
    assert idle == []


def test_no_two_commands_share_keys() -> None:
    used = [keys for spec in TABLE for keys in spec.keys.split()]
    assert len(used) == len(set(used))


def test_the_empty_window_offers_one_primary_action_and_nothing_to_edit(window: MainWindow) -> None:
    assert window.stack.currentWidget() is window.welcome
    assert not window.actions_["export"].isEnabled() and not window.export_button.isVisible()
    assert all(not dock.isVisible() for dock in window.spaces.docks.values())


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
        keys(qtbot, window, Qt.Key.Key_V, CTRL)
    assert window.session.document.photo is not None and window.session.document.photo.exists()


def test_an_edit_shows_export_marks_the_title_and_undoes_by_name(opened: MainWindow, qtbot: QtBot) -> None:
    opened.session.set_value("yaw", 12)
    settle(opened.session, qtbot)
    assert opened.isWindowModified() and opened.export_button.isVisible()
    assert opened.actions_["undo"].text() == "Undo Yaw 0 → 12°, face 1"
    assert "12.0°" in opened.status.measured.text() and "10.8°" in opened.status.measured.text()
    keys(qtbot, opened, Qt.Key.Key_Z, CTRL)
    assert opened.session.document.edits == {} and not opened.isWindowModified()
    keys(qtbot, opened, Qt.Key.Key_Y, CTRL)
    assert opened.session.value("yaw") == 12
    keys(qtbot, opened, Qt.Key.Key_Z, CTRL)
    keys(qtbot, opened, Qt.Key.Key_Z, CTRL, SHIFT)
    assert opened.session.value("yaw") == 12


def test_tab_on_the_picture_goes_to_the_next_face(opened: MainWindow, qtbot: QtBot) -> None:
    opened.edit_space.canvas.setFocus()
    qtbot.keyClick(opened.edit_space.canvas, Qt.Key.Key_Tab)
    assert opened.session.document.active == 1
    keys(qtbot, opened, Qt.Key.Key_BracketRight, CTRL)
    assert opened.session.document.active == 0


def test_before_and_split_by_keys(opened: MainWindow, qtbot: QtBot) -> None:
    canvas = opened.edit_space.canvas
    keys(qtbot, opened, Qt.Key.Key_Backslash)
    assert canvas.mode == "before" and opened.actions_["before"].isChecked()
    keys(qtbot, opened, Qt.Key.Key_Backslash)
    assert canvas.mode == "after" and opened.actions_["after"].isChecked()
    keys(qtbot, opened, Qt.Key.Key_Y)
    assert canvas.mode == "split"


def test_hiding_the_panels_brings_the_same_ones_back(opened: MainWindow, qtbot: QtBot) -> None:
    shown = {name for name, dock in opened.spaces.docks.items() if not dock.isHidden()}
    keys(qtbot, opened, Qt.Key.Key_B, CTRL)
    assert all(dock.isHidden() for dock in opened.spaces.docks.values())
    keys(qtbot, opened, Qt.Key.Key_B, CTRL)
    assert {name for name, dock in opened.spaces.docks.items() if not dock.isHidden()} == shown


def test_a_moved_panel_stays_and_reset_puts_it_back(opened: MainWindow) -> None:
    opened.spaces.docks["result"].hide()
    opened.spaces.keep()
    opened.spaces.restore()
    assert opened.spaces.docks["result"].isHidden()
    opened.actions_["reset_layout"].trigger()
    assert not opened.spaces.docks["result"].isHidden()


def test_a_file_that_is_no_picture_shows_the_bar_with_a_button(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"broken")
    with qtbot.waitSignal(window.session.failed):
        window.documents.open(broken)
    assert window.bar.isVisible() and "broken.png is not a picture" in window.bar.words.text()
    asked: list[bool] = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (asked.append(True), ("", ""))[1])
    qtbot.mouseClick(window.bar.remedy, Qt.MouseButton.LeftButton)
    assert asked and not window.bar.isVisible()


def test_escape_closes_the_bar(window: MainWindow, qtbot: QtBot) -> None:
    window.bar.show_error(EngineError("Something <b>odd</b>.", "Do this."))
    assert "&lt;b>" in window.bar.words.text()
    keys(qtbot, window, Qt.Key.Key_Escape)
    assert not window.bar.isVisible()


def test_a_photo_without_a_face_offers_to_draw_a_box(window: MainWindow, photo: Path, qtbot: QtBot) -> None:
    empty = FakeEngine(faces=0)
    window.session.stop()
    session = Session(empty)
    other = MainWindow(session, Settings())
    qtbot.addWidget(other, before_close_func=ready_to_close)
    other.show()
    other.start(photo)
    qtbot.waitSignal(session.portrait_opened).wait()
    assert other.bar.isVisible() and other.bar.remedy.text() == "Draw a box around a face"
    qtbot.mouseClick(other.bar.remedy, Qt.MouseButton.LeftButton)
    assert other.actions_["draw_box"].isChecked()
    with qtbot.waitSignal(session.faces_changed):
        other.edit_space.canvas.box_drawn.emit((20.0, 20.0, 50.0, 50.0))
    assert not other.bar.isVisible() and other.actions_["frontalise"].isEnabled()
    settle(session, qtbot)
    session.history.mark_saved(session.document)
    other.close()


def test_two_photos_dropped_of_six_are_a_batch_of_two(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    photos = [tmp_path / f"{name}.jpg" for name in "abcdef"]
    for path in photos:
        path.write_bytes(b"photo")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in photos[1:3]])
    window.documents.open_dropped(data)
    dialog = window.documents.batch
    assert dialog is not None and dialog.batch().photos == tuple(photos[1:3])
    assert dialog.go.text() == "Export 2 photos" and dialog.source.text() == "b.jpg, c.jpg"
    dialog.source.setText(str(tmp_path))
    assert len(dialog.batch().photos) == 6
    dialog.close()


def test_the_export_dialog_writes_what_it_says(
    opened: MainWindow, photo: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.session.set_value("yaw", 5)
    accept_dialog("ExportDialog")
    with qtbot.waitSignal(opened.session.job_ended):
        keys(qtbot, opened, Qt.Key.Key_E, CTRL)
    written = photo.with_name(f"{photo.stem}-mien.png")
    assert written.exists() and str(written) in opened.bar.words.text()


@pytest.mark.qt_log_ignore("This plugin does not support")  # the off-screen platform cannot grab
def test_the_palette_finds_a_command_by_letters_and_runs_it(opened: MainWindow, qtbot: QtBot) -> None:
    def choose() -> None:
        palette = QApplication.activePopupWidget()
        assert isinstance(palette, Palette)
        qtbot.keyClicks(palette.field, "rst fac")
        palette.field.clear()
        qtbot.keyClicks(palette.field, "reset face")
        qtbot.keyClick(palette.field, Qt.Key.Key_Return)

    opened.session.set_value("smile", 0.5)
    QTimer.singleShot(0, choose)
    keys(qtbot, opened, Qt.Key.Key_P, CTRL, SHIFT)
    assert opened.session.edit == FaceEdit()


def test_an_edit_is_copied_from_face_to_face(opened: MainWindow, qtbot: QtBot) -> None:
    opened.session.set_values({"smile": 0.5, "tx": 40.0})
    keys(qtbot, opened, Qt.Key.Key_C, CTRL, SHIFT)
    opened.session.select_face(1)
    keys(qtbot, opened, Qt.Key.Key_V, CTRL, SHIFT)
    assert opened.session.document.edits[1] == FaceEdit.of(smile=0.5)


def test_own_keys_are_kept_and_shown(window: MainWindow) -> None:
    window.actions_.set_keys("frontalise", "Ctrl+Alt+F")
    assert "Ctrl+Alt+F" in window.actions_["frontalise"].toolTip()
    assert Settings().shortcuts == {"frontalise": "Ctrl+Alt+F"}
    assert window.actions_.owner("Ctrl+Alt+F") == "frontalise"
    window.actions_.reset_keys()
    assert window.actions_.keys("frontalise") == "Ctrl+Shift+F"


def test_the_theme_changes_at_once_and_is_remembered(opened: MainWindow) -> None:
    opened.actions_["light"].trigger()
    assert QApplication.palette().window().color().lightness() > 200
    assert Settings().theme == "light"
    opened.actions_["dark"].trigger()
    assert QApplication.palette().window().color().lightness() < 60


def test_a_snapshot_is_asked_for_by_name(opened: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *a, **k: ("smiling", True))
    opened.session.set_value("smile", 0.5)
    opened.actions_["snapshot"].trigger()
    assert [s.name for s in opened.session.document.snapshots] == ["smiling"]


def test_recent_files_are_listed_and_those_gone_are_grey(opened: MainWindow, photo: Path) -> None:
    assert opened.settings.recent == [photo]
    photo.unlink()
    opened.menus.recent.aboutToShow.emit()
    first = opened.menus.recent.actions()[0]
    assert first.text() == photo.name and not first.isEnabled()


def test_the_welcome_page_shows_recent_files_as_pictures_that_open(
    opened: MainWindow, photo: Path, qtbot: QtBot
) -> None:
    assert thumbnails.thumbnail_of(photo) is not None
    opened.actions_["close"].trigger()
    card = next(b for b in opened.welcome.findChildren(QToolButton) if b.accessibleName() == photo.name)
    shown = card.icon().pixmap(88, 88).toImage()
    assert (
        shown.pixelColor(5, 40).red() < 100 < shown.pixelColor(80, 40).red()
    )  # the fake's picture is a ramp from dark to bright
    with qtbot.waitSignal(opened.session.portrait_opened):
        card.click()


def test_opening_reports_its_stage_and_can_be_cancelled(
    window: MainWindow, photo: Path, fake: FakeEngine, qtbot: QtBot
) -> None:
    fake.gate.clear()
    window.documents.open(photo)
    qtbot.waitUntil(lambda: "looking for faces" in window.status.activity.text())
    assert window.status.progress.maximum() == 10 and window.status.progress.value() == 2
    window.status.cancel.click()
    fake.gate.set()
    settle(window.session, qtbot)
    assert window.session.portrait is None and not window.status.activity.isVisible()


def test_every_control_in_the_window_has_a_name_for_screen_readers(opened: MainWindow) -> None:
    nameless = [
        f"{type(child).__name__} in {type(child.parent()).__name__}"
        for child in opened.findChildren(QAbstractButton)
        if child.isVisible() and not child.objectName().startswith("qt_")
        if not (child.accessibleName() or child.text())
    ]
    assert nameless == []


def test_the_picture_owns_the_window(opened: MainWindow, qtbot: QtBot) -> None:
    for size, share in (((1440, 900), 0.65), ((1280, 720), 0.55)):
        opened.resize(*size)
        opened.spaces.reset()
        qtbot.wait(50)
        assert opened.edit_space.canvas.width() >= share * opened.width(), size


def test_a_panel_among_tabs_shows_its_title_once(opened: MainWindow, qtbot: QtBot) -> None:
    face = opened.spaces.docks["edit"]
    qtbot.waitUntil(lambda: face.titleBarWidget() is not None and face.titleBarWidget().height() == 0)
    face.setFloating(True)
    qtbot.waitUntil(lambda: face.titleBarWidget() is None)
    face.setFloating(False)
    qtbot.waitUntil(lambda: face.titleBarWidget() is not None)


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


def test_the_system_s_theme_is_followed_while_running(
    opened: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.theme.choose("system")
    hints = QGuiApplication.styleHints()
    for scheme, name in ((Qt.ColorScheme.Light, "light"), (Qt.ColorScheme.Dark, "dark")):
        monkeypatch.setattr(theme, "system_scheme", lambda scheme=scheme: scheme)
        hints.colorSchemeChanged.emit(scheme)
        assert theme.current().name == name
    opened.theme.choose("dark")
    monkeypatch.setattr(theme, "system_scheme", lambda: Qt.ColorScheme.Light)
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.current().name == "dark"  # the user's own choice stays
