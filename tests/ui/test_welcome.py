"""The page of the empty window leads to a first photo, and shows the last ones."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import (
    QFontMetrics,
)
from PySide6.QtWidgets import (
    QLabel,
    QToolButton,
)
from pytestqt.qtbot import QtBot

from app.ui import thumbnails
from app.ui.main_window import MainWindow
from app.ui.welcome import Welcome


def test_the_empty_window_offers_one_primary_action_and_nothing_to_edit(window: MainWindow) -> None:
    assert window.stack.currentWidget() is window.welcome
    assert not window.actions_["export"].isEnabled() and not window.export_button.isVisible()
    assert all(not dock.isVisible() for dock in window.spaces.docks.values())


def test_the_welcome_page_shows_recent_files_as_pictures_that_open(
    opened: MainWindow, photo: Path, qtbot: QtBot
) -> None:
    assert thumbnails.thumbnail_of(photo) is not None
    opened.actions_["close"].trigger()
    card = next(b for b in opened.welcome.findChildren(QToolButton) if b.accessibleName() == photo.name)
    shown = card.icon().pixmap(88, 88).toImage()
    # The fake's picture is a ramp from dark to bright.
    assert shown.pixelColor(5, 40).red() < 100 < shown.pixelColor(80, 40).red()
    with qtbot.waitSignal(opened.session.portrait_opened):
        card.click()


def test_cards_of_files_opened_before_are_gone_at_once(qtbot: QtBot, tmp_path: Path) -> None:
    welcome = Welcome()
    qtbot.addWidget(welcome)
    welcome.show()
    welcome.show_recent([tmp_path / name for name in ("a.png", "b.png")])
    qtbot.wait(20)
    before = welcome.findChildren(QToolButton)
    assert len(before) == 2 and all(card.isVisible() for card in before)
    welcome.show_recent([tmp_path / "c.png"])
    assert not any(card.isVisible() for card in before)


def test_the_welcome_tip_is_not_cut(german: None, qtbot: QtBot) -> None:
    welcome = Welcome()
    welcome.show_keys("Strg+O", "Strg+V", "Strg+Umschalt+P")
    qtbot.addWidget(welcome)
    welcome.resize(1280, 640)
    welcome.show()
    for label in welcome.zone.findChildren(QLabel):
        needed = QFontMetrics(label.font()).horizontalAdvance(label.text())
        assert label.wordWrap() or needed <= label.width(), label.text()
        assert not label.wordWrap() or label.heightForWidth(label.width()) <= label.height()
