"""Every command does something, and the keys that are shown for it are those that work."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
)
from pytestqt.qtbot import QtBot

from app.engine.face.parameters import FaceEdit
from app.session.settings import Settings
from app.ui import palette
from app.ui.actions import TABLE, Spec
from app.ui.dialogs.settings import SettingsDialog
from app.ui.main_window import MainWindow
from app.ui.palette import Palette, commands
from tests.fakes import FakeEngine
from tests.ui.hands import CTRL, SHIFT


def test_every_command_does_something(window: MainWindow) -> None:
    idle = [spec.name for spec in TABLE if not window.actions_[spec.name].receivers("2triggered(bool)")]
    assert idle == []


def test_no_two_commands_share_keys() -> None:
    used = [keys for spec in TABLE for keys in spec.keys.split()]
    assert len(used) == len(set(used))


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
    qtbot.keyClick(opened, Qt.Key.Key_P, CTRL | SHIFT)
    assert opened.session.edit == FaceEdit()


@pytest.mark.qt_log_ignore("This plugin does not support")  # the off-screen platform cannot grab
def test_a_long_step_to_undo_is_shown_with_verb_and_keys(
    german: None, opened: MainWindow, qtbot: QtBot
) -> None:
    """Of a pulled mouth corner's German name the palette showed neither "rückgängig" nor the keys."""
    opened.session.apply(FaceEdit.of(smile=0.5), "Mundwinkel links: " + "Winkel links +0,47, " * 5)
    palette = Palette(commands(opened.actions_), opened)
    qtbot.addWidget(palette)
    palette.show()
    item = next(item for item in palette.list.findItems("Mundwinkel", Qt.MatchFlag.MatchStartsWith))
    room, mode = palette.list.visualItemRect(item).width(), palette.list.textElideMode()
    shown = palette.list.fontMetrics().elidedText(item.text(), mode, room)
    assert len(shown) < len(item.text())
    assert shown.startswith("Mundwinkel links") and "rückgängig" in shown and "Z" in shown.split()[-1]


def test_own_keys_are_kept_and_shown(window: MainWindow) -> None:
    window.actions_.set_keys("frontalise", "Ctrl+Alt+F")
    assert "Ctrl+Alt+F" in window.actions_["frontalise"].toolTip()
    assert Settings().shortcuts == {"frontalise": "Ctrl+Alt+F"}
    assert window.actions_.owner("Ctrl+Alt+F") == "frontalise"
    window.actions_.reset_keys()
    assert window.actions_.keys("frontalise") == "Ctrl+Shift+F"


def test_going_to_the_next_face_needs_another(opened: MainWindow, fake: FakeEngine, qtbot: QtBot) -> None:
    assert opened.actions_["next_face"].isEnabled() and opened.actions_["previous_face"].isEnabled()
    portrait = opened.session.portrait
    assert portrait is not None
    object.__setattr__(portrait, "faces", portrait.faces[:1])
    opened.session.faces_changed.emit(portrait)
    assert not (opened.actions_["next_face"].isEnabled() or opened.actions_["previous_face"].isEnabled())
    assert opened.actions_["frontalise"].isEnabled()


def test_commands_show_their_keys_as_the_menus_do(german: None, opened: MainWindow) -> None:
    shown = palette.Palette(palette.commands(opened.actions_), opened)
    native = [
        action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
        for _, action in palette.commands(opened.actions_)
    ]
    lines = [shown.list.item(row).text() for row in range(shown.list.count())]
    assert [line.endswith(f"    {keys}") for line, keys in zip(lines, native) if keys].count(False) == 0


def test_first_keys_exist_on_every_keyboard() -> None:
    """Brackets and the backslash need AltGr in half of Europe."""
    rare = {spec.name: spec.keys for spec in TABLE if set("[]{}@|~") & set(spec.keys.split(" ")[0])}
    assert rare == {}


@pytest.mark.parametrize("spec", [spec for spec in TABLE if spec.keys], ids=lambda spec: spec.name)
def test_every_key_that_is_shown_works(opened: MainWindow, spec: Spec) -> None:
    action, received = opened.actions_[spec.name], []
    action.triggered.disconnect()
    action.triggered.connect(lambda: received.append(spec.name))
    action.setEnabled(True)
    for keys in action.shortcuts():
        QTest.keySequence(opened.edit_space.canvas, keys)
    assert received == [spec.name] * len(spec.keys.split())


def test_keys_are_said_as_the_system_writes_them_and_as_they_are_set(
    german: None, opened: MainWindow
) -> None:
    def native(name: str) -> str:
        return opened.actions_[name].shortcut().toString(QKeySequence.SequenceFormat.NativeText)

    opened.actions_.set_keys("open", "Ctrl+Alt+O")
    assert native("open") in opened.actions_["open"].toolTip()
    assert native("open") in opened.welcome.tip.text() and native("paste") in opened.welcome.tip.text()
    opened.actions_.set_keys("export", "Ctrl+Alt+X")
    opened.helpers.show_tour()
    tour = opened.helpers.tour
    assert tour is not None
    said = " ".join(words for _, _, words in tour._stops)
    for name in ("before", "split", "undo", "export", "save", "commands"):
        assert native(name) in said, name
    tour.end()
    opened.actions_.reset_keys()


def test_looking_at_a_commands_keys_keeps_its_second_ones(opened: MainWindow, qtbot: QtBot) -> None:
    dialog = SettingsDialog(opened.settings, opened.actions_, 1, opened)
    qtbot.addWidget(dialog)
    dialog.show()
    page = dialog.shortcuts
    before = opened.actions_["redo"].shortcuts()
    row = next(item for item in page._items() if item.data(0, Qt.ItemDataRole.UserRole) == "redo")
    page.table.setCurrentItem(row)
    assert row.text(1) == ", ".join(keys.toString() for keys in before) and len(before) == 2
    page.keys.editingFinished.emit()  # as on leaving the field
    assert opened.actions_["redo"].shortcuts() == before
    page.keys.setKeySequence(QKeySequence("Ctrl+Alt+R"))
    page.keys.editingFinished.emit()
    assert opened.actions_["redo"].shortcuts() == [QKeySequence("Ctrl+Alt+R")]
    opened.actions_.reset_keys()
