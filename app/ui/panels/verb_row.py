"""Shows a one-click edit that has a strength: Frontalise, Neutralise."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.engine.face.controls import Control
from app.session.session import Session
from app.ui import icons
from app.ui.panels.binding import Gestures
from app.ui.widgets.parameter_slider import ParameterSlider

Verb = Callable[[float, int | None], None]


class VerbRow(QWidget):
    """A button that applies the edit, and beside it a row for its strength, which takes effect while it is
    dragged.
    """

    def __init__(
        self, session: Session, title: str, icon: str, tip: str, verb: Verb, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._verb = verb
        name = self.tr("{} strength").format(title)
        self.strength = ParameterSlider(
            Control("strength", name, "verb", "%", 0, 100, (0, 100), absolute=True), self
        )
        self.strength.name_label.hide()
        self.strength.show_value(100.0, 100.0)
        self.button = QPushButton(title, self)
        icons.put(self.button, icon)
        self.button.setToolTip(tip)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 4, 0, 4)
        row.setSpacing(6)
        row.addWidget(self.button)
        row.addWidget(self.strength, 1)
        self._gestures = Gestures(session, self.strength, self)
        self.strength.edited.connect(self._on_edited)
        self.button.clicked.connect(self._on_clicked)

    @Slot(object)
    def _on_edited(self, percent: float | None) -> None:
        self._verb((100.0 if percent is None else percent) / 100, self._gestures.number)

    @Slot()
    def _on_clicked(self) -> None:
        self._verb(self.strength.value / 100, None)
