"""Shows how a face is found in a slow generator: progress, picture and Cancel; or the button that begins it."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.engine.contract import Step
from app.session.encoding import Encoding
from app.session.session import Session
from app.ui import theme
from app.ui.panels.hover_pictures import to_pixmap

PREVIEW_PX = 96  # logical px


class InversionCard(QWidget):
    """Is visible while the active face is not ready for its generator."""

    shown = Signal(bool)  # whether the card is visible

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._encoding = Encoding(session, self)
        self.preview = QLabel(self)
        self.preview.setFixedSize(PREVIEW_PX, PREVIEW_PX)
        self.preview.setScaledContents(True)
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        theme.caption(self.words)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.button = QPushButton(self)
        self.button.clicked.connect(self._on_button)
        column = QVBoxLayout()
        for widget in (self.words, self.bar, self.button):
            column.addWidget(widget)
        column.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 4, 4, 4)
        row.addWidget(self.preview)
        row.addLayout(column, 1)
        self._encoding.changed.connect(self.refresh)
        self._encoding.stepped.connect(self._on_step)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show whether the search runs, waits to be begun, or is not needed."""
        running = self._encoding.is_running
        self.setVisible(self._encoding.is_needed)
        self.bar.setVisible(running)
        self.preview.setVisible(running)
        self.preview.clear()
        if running:
            self.bar.setRange(0, 0)
            self.words.setText(self.tr("Finding the face in the generator"))
            self.button.setText(self.tr("Cancel"))
        else:
            self.words.setText(
                self.tr(
                    "The face must be found in the generator before it can be edited; this takes minutes."
                )
            )
            self.button.setText(self.tr("Find the face"))
        if self._encoding.is_needed:
            self.shown.emit(True)

    @Slot(object)
    def _on_step(self, step: Step) -> None:
        self.bar.setRange(0, step.total)
        self.bar.setValue(step.done)
        if step.picture is not None:
            self.preview.setPixmap(to_pixmap(step.picture))

    @Slot()
    def _on_button(self) -> None:
        if self._encoding.is_running:
            self._encoding.cancel()
        else:
            self._encoding.begin()
