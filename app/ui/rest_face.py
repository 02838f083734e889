"""Shows the frame that was taken for a driver's face at rest, and says how sure that is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.session.values import filled
from app.ui import theme
from app.ui.panels.hover_pictures import to_pixmap


class RestFace(QWidget):
    """Shows the picture with words beside it; `beside` is the layout for what is offered below the words."""

    def __init__(self, side: int, parent: QWidget | None = None) -> None:
        """Make the widget; side: the picture's side in logical px."""
        super().__init__(parent)
        self.picture = QLabel(self)
        self.picture.setFixedSize(side, side)
        self.picture.setScaledContents(True)
        self.picture.setAccessibleName(self.tr("The driver's face at rest"))
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        theme.caption(self.words)
        self.beside = QVBoxLayout()
        self.beside.addWidget(self.words)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.picture)
        row.addLayout(self.beside, 1)
        self.clear()

    def show_rest(self, picture: NDArray[np.uint8] | None, sure: float | None) -> None:
        """Show a frame, if there is a picture of it; sure: 0 to 1, None where the user chose the frame."""
        self.picture.setVisible(picture is not None)
        if picture is not None:
            self.picture.setPixmap(to_pixmap(picture))
        if sure is None:
            self.words.setText(self.tr("At rest, as you chose"))
        else:
            self.words.setText(filled(self.tr("Taken for rest, {:.0f} % sure"), 100 * sure))

    def clear(self) -> None:
        """Show neither picture nor words."""
        self.picture.hide()
        self.words.setText("")
