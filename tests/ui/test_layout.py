"""The picture has most of the window; panels come, go and keep their place and size."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.session.settings import Settings
from app.ui.main_window import MainWindow
from tests.fakes import FakeEngine
from tests.session.conftest import settle
from tests.ui.hands import CTRL


def test_hiding_the_panels_brings_the_same_ones_back(opened: MainWindow, qtbot: QtBot) -> None:
    shown = {name for name, dock in opened.spaces.docks.items() if not dock.isHidden()}
    qtbot.keyClick(opened, Qt.Key.Key_B, CTRL)
    assert all(dock.isHidden() for dock in opened.spaces.docks.values())
    qtbot.keyClick(opened, Qt.Key.Key_B, CTRL)
    assert {name for name, dock in opened.spaces.docks.items() if not dock.isHidden()} == shown


def test_a_moved_panel_stays_and_reset_puts_it_back(opened: MainWindow) -> None:
    opened.spaces.docks["result"].hide()
    opened.spaces.keep()
    opened.spaces.restore()
    assert opened.spaces.docks["result"].isHidden()
    opened.actions_["reset_layout"].trigger()
    assert not opened.spaces.docks["result"].isHidden()


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


def test_tracks_are_long_enough_at_the_default_width(opened: MainWindow, qtbot: QtBot) -> None:
    opened.resize(1440, 900)
    qtbot.waitUntil(lambda: opened.edit_space.edit.rows["yaw"].row.track.width() >= 140)
    share = opened.edit_space.canvas.width() / opened.width()
    assert share >= 0.65


def test_the_panels_width_is_remembered(
    opened: MainWindow, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    opened.resizeDocks([opened.spaces.docks["edit"]], [470], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: abs(opened.spaces.docks["edit"].width() - 470) < 4)
    opened.session.undo_stack.setClean()
    opened.close()
    again = MainWindow(Session(FakeEngine()), Settings())
    qtbot.addWidget(again)
    again.resize(1280, 720)  # the off-screen platform has no room for the size that was kept
    again.show()
    again.start(photo)
    qtbot.waitUntil(lambda: again.session.portrait is not None)
    qtbot.waitUntil(lambda: abs(again.spaces.docks["edit"].width() - 470) < 4)
    settle(again.session, qtbot)
    again.close()
