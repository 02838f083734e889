"""Gives keys to the widget under the pointer, wherever the focus is, except while text is typed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QKeySequenceEdit,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)


class HoverKeys(QObject):
    """Offers keys to its owner first, between `begin` and `end`.

    `take` returns whether the owner used a key event. Only the widget with the focus is watched, because
    watching the application would call Python at every event.
    """

    def __init__(self, owner: QWidget, take: Callable[[QKeyEvent], bool]) -> None:
        super().__init__(owner)
        self._owner, self._take = owner, take
        self._watched: QWidget | None = None

    def begin(self) -> None:
        if self._watched is None:
            _application().focusChanged.connect(self._on_focus)
            self._watch(QApplication.focusWidget())

    def end(self) -> None:
        if self._watched is not None:
            _application().focusChanged.disconnect(self._on_focus)
            self._watched.removeEventFilter(self)
            self._watched = None

    def _watch(self, focus: QWidget | None) -> None:
        self._watched = focus or self._owner.window()
        self._watched.installEventFilter(self)

    @Slot(QWidget, QWidget)
    def _on_focus(self, _: QWidget | None, now: QWidget | None) -> None:
        if self._watched is not None:
            self._watched.removeEventFilter(self)
        self._watch(now)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and not typing() and self._take(event):
            event.accept()
            return True
        return False


def typing() -> bool:
    """Return whether the widget with the focus takes typed text."""
    focus = QApplication.focusWidget()
    if isinstance(focus, QLineEdit):
        return not focus.isReadOnly()
    return isinstance(focus, QAbstractSpinBox | QKeySequenceEdit | QPlainTextEdit)


def _application() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return app
