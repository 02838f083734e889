"""Uses mouse and buttons as a hand does."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.widgets.parameter_slider import ParameterSlider

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def drag(widget: Any, start: QPoint, steps: list[QPoint], modifiers: Any = NONE) -> None:
    """Press at the start, move through every step, and let go at the last one."""
    QTest.mousePress(widget, LEFT, modifiers, start)
    for point in steps:
        move(widget, point, modifiers)
    QTest.mouseRelease(widget, LEFT, modifiers, steps[-1] if steps else start)


def move(widget: Any, point: QPoint, modifiers: Any = NONE) -> None:
    """Move the mouse to a point of the widget with the left button held."""
    place, on_screen = QPointF(point), QPointF(widget.mapToGlobal(point))
    QApplication.sendEvent(
        widget,
        QMouseEvent(QEvent.Type.MouseMove, place, on_screen, Qt.MouseButton.NoButton, LEFT, modifiers),
    )


def knob(row: ParameterSlider) -> QPoint:
    """Return where the row's knob lies on its track."""
    return QPoint(round(row.track.x_of(row.value)), 10)


def start_driving(window: MainWindow, qtbot: QtBot) -> None:
    """Press Start in Live, and wait for the first frame."""
    with qtbot.waitSignal(window.live_space.live.stepped):
        qtbot.mouseClick(window.live_space.driver.start, LEFT)
