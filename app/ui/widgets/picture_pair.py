"""Shows two small pictures beside a row: what its control does at either end."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from app.ui import theme

PICTURE_PX = 104  # logical px of either side


class PicturePair(QFrame):
    """A card that stands under or over a row, within its panel, and never takes the focus or the pointer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.ToolTip | Qt.WindowType.WindowTransparentForInput)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setObjectName("card")
        self.setStyleSheet("#card { border: 1px solid palette(mid); }")
        self._pictures = (QLabel(self), QLabel(self))
        self._captions = (QLabel(self), QLabel(self))
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 8, 8, 6)
        grid.setSpacing(4)
        grid.setHorizontalSpacing(8)
        for column, (picture, text) in enumerate(zip(self._pictures, self._captions)):
            picture.setFixedSize(PICTURE_PX, PICTURE_PX)
            picture.setScaledContents(True)
            theme.caption(text)
            text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            grid.addWidget(picture, 0, column)
            grid.addWidget(text, 1, column)

    def show_captions(self, low: str, high: str) -> None:
        """Show what the two pictures stand for; their places are empty until `show_picture`."""
        for label, text in zip(self._captions, (low, high)):
            label.setText(text)
        for picture in self._pictures:
            picture.setPixmap(QPixmap())

    @property
    def complete(self) -> bool:
        """Return whether both pictures have come."""
        return not any(picture.pixmap().isNull() for picture in self._pictures)

    def show_picture(self, side: int, picture: QPixmap) -> None:
        """Show the picture of the low (0) or high (1) end."""
        self._pictures[side].setPixmap(picture)

    def show_beside(self, row: QWidget) -> None:
        """Stand under a row, or over it where its window ends, but never over the picture beside the panel."""
        self.adjustSize()
        at = row.mapToGlobal(QPoint((row.width() - self.width()) // 2, row.height() + 2))
        window = row.window().frameGeometry()
        if at.y() + self.height() > window.bottom():
            at.setY(row.mapToGlobal(QPoint(0, -2)).y() - self.height())
        at.setX(max(window.left(), min(at.x(), window.right() - self.width())))
        self.move(at)
        self.show()
