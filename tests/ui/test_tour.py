"""The tour follows the window, and shows what its cards speak of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.ui.dialogs.tour import Tour
from app.ui.main_window import MainWindow


@pytest.fixture
def tour(opened: MainWindow) -> Iterator[Tour]:
    made = Tour(
        [(opened.edit_space.edit, "One", "a"), (opened.status, "Two", "b"), (None, "Three", "c")], opened
    )
    yield made
    made.end()


def test_the_tour_follows_the_windows_size(opened: MainWindow, tour: Tour, qtbot: QtBot) -> None:
    opened.resize(1400, 860)
    qtbot.waitUntil(lambda: tour.size() == opened.size())
    tour._on_next()
    opened.resize(1240, 700)
    qtbot.waitUntil(lambda: tour.size() == opened.size() and tour.rect().contains(tour.card.geometry()))
    assert tour.rect().adjusted(-4, -4, 4, 4).contains(tour._hole())


def test_every_card_of_the_tour_is_seen(opened: MainWindow, qtbot: QtBot) -> None:
    opened.helpers.show_tour()
    tour = opened.helpers.tour
    assert tour is not None
    for _ in tour._stops:
        qtbot.wait(50)  # a panel that comes forward is laid out in the next turn
        for part in (tour.heading, tour.next):
            at = part.mapTo(opened, part.rect().center())
            assert opened.childAt(at) is part, tour.heading.text()  # no panel lies over it
        assert opened.rect().contains(tour.card.geometry())
        assert tour.words.height() >= tour.words.heightForWidth(tour.words.width())
        tour.next.click()


def test_enter_goes_on_in_the_tour(tour: Tour, qtbot: QtBot) -> None:
    assert tour.count.text() == "1 / 3"
    QTest.keyClick(tour.next, Qt.Key.Key_Return)
    QTest.keyClick(tour, Qt.Key.Key_Enter)
    assert tour.count.text() == "3 / 3"


def test_the_tour_shows_what_it_speaks_of_behind_another_tab(opened: MainWindow) -> None:
    opened.spaces.reveal("edit")
    opened.helpers.show_tour()
    tour = opened.helpers.tour
    assert isinstance(tour, Tour)
    tour._on_next()
    tour._on_next()
    QApplication.processEvents()
    presets = opened.spaces.docks["presets"]
    assert presets.isVisible() and not presets.visibleRegion().isEmpty()
    assert not tour._hole().intersects(tour.card.geometry())
    tour.end()


def test_the_tour_ends_with_the_sliders_in_front(opened: MainWindow, qtbot: QtBot) -> None:
    dock = opened.spaces.docks["edit"]
    at = dock.mapTo(opened, dock.rect().center())

    def in_front() -> bool:
        return dock.isAncestorOf(opened.childAt(at))

    qtbot.waitUntil(in_front)
    opened.helpers.show_tour()
    tour = opened.helpers.tour
    assert tour is not None
    for _ in range(4):
        qtbot.wait(20)
        tour.next.click()
    assert opened.spaces.docks["presets"].isAncestorOf(_below(tour, opened, at))
    tour.next.click()
    qtbot.waitUntil(in_front)


def _below(cover: QWidget, window: QWidget, at: QPoint) -> QWidget | None:
    """Return what lies at a place of the window under a cover."""
    cover.hide()
    found = window.childAt(at)
    cover.show()
    return found
