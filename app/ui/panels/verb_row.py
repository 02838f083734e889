"""A verb with a strength: Frontalise, Neutralise."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.engine.face.controls import Control
from app.session.session import Session
from app.ui import icons
from app.ui.panels.binding import Gestures
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.track import Track

Verb = Callable[[float, int | None], None]


class VerbRow(QWidget):
    """A button that does it, and a track on which its strength is dragged live."""

    gesture_started = Signal(bool)
    gesture_ended = Signal()
    gesture_cancelled = Signal()

    def __init__(
        self, session: Session, title: str, icon: str, tip: str, verb: Verb, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._verb = verb
        control = Control("strength", title, "verb", "%", 0, 100, (0, 100), absolute=True)
        self.button = QPushButton(title, self)
        icons.put(self.button, icon)
        self.button.setToolTip(tip)
        self.track, self.number = Track(control, self), NumberField(control, self)
        self.track.setAccessibleName(self.tr("{} strength").format(title))
        self.number.setAccessibleName(self.track.accessibleName())
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 4, 26, 4)
        row.setSpacing(6)
        for part, share in ((self.button, 0), (self.track, 1), (self.number, 0)):
            row.addWidget(part, share)
        self._gestures = Gestures(session, self, self)
        for part in (self.track, self.number):
            part.started.connect(lambda: self.gesture_started.emit(False))
            part.moved.connect(self._on_moved)
            part.ended.connect(self.gesture_ended)
        self.number.typed.connect(self._on_moved)
        self.button.clicked.connect(self._on_clicked)
        self._show(100.0)

    def _show(self, percent: float) -> None:
        self.track.show_value(percent, 100.0)
        self.number.show_value(percent)

    @Slot(float)
    def _on_moved(self, percent: float) -> None:
        self._show(percent)
        self._verb(percent / 100, self._gestures.number)

    @Slot()
    def _on_clicked(self) -> None:
        self._verb(self.track.value / 100, None)
