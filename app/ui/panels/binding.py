"""Connects a widget that emits gestures with the session: from press to release is one undo step."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Slot

from app.session.session import Session
from app.ui.widgets.parameter_slider import ParameterSlider


class Gestures(QObject):
    """Keeps the number of a widget's gesture.

    source: has the signals gesture_started(bool), gesture_ended and gesture_cancelled.
    """

    def __init__(self, session: Session, source: Any, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self.number: int | None = None
        self._last: int | None = None
        source.gesture_started.connect(self._start)
        source.gesture_ended.connect(self._end)
        source.gesture_cancelled.connect(self._cancel)

    @Slot(bool)
    def _start(self, goes_on: bool) -> None:
        number = self._session.begin_gesture()
        self.number = self._last if goes_on and self._last is not None else number
        self._last = self.number

    @Slot()
    def _end(self) -> None:
        self.number = None
        self._session.end_gesture()

    @Slot()
    def _cancel(self) -> None:
        number, self.number = self.number, None
        if number is not None:
            self._session.cancel_gesture(number)


class RowBinding(QObject):
    """Connects a control's slider row: its edits go to the session, and it shows the session's value."""

    def __init__(self, session: Session, row: ParameterSlider) -> None:
        super().__init__(row)
        self._session, self.row = session, row
        self.carried = 0.0  # sigmas of this component that the semantic controls ask for
        self._gestures = Gestures(session, row, self)
        row.edited.connect(self._on_edited)

    @Slot(object)
    def _on_edited(self, value: float | None) -> None:
        asked = None if value is None else value - self.carried
        self._session.set_value(self.row.control.name, asked, self._gestures.number)

    def show(self) -> None:
        """Show the document's value."""
        name, more = self.row.control.name, self.carried
        self.row.show_value(self._session.value(name) + more, self._session.own_value(name) + more)
