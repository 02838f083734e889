"""Two small pictures beside a row: what its control does at either end."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QPixmap
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from app.ui import theme

PICTURE_PX = 104


class PicturePair(QFrame):
    """A card that stands left of a row and never takes the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.ToolTip)
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
        """What the two pictures stand for; their places are empty until `show_picture`."""
        for label, text in zip(self._captions, (low, high)):
            label.setText(text)
        for picture in self._pictures:
            picture.setPixmap(QPixmap())

    def show_picture(self, side: int, picture: QPixmap) -> None:
        """The picture of the low (0) or high (1) end."""
        self._pictures[side].setPixmap(picture)

    def show_beside(self, row: QWidget) -> None:
        """Left of a row, or right of it where there is no room."""
        self.adjustSize()
        at = row.mapToGlobal(QPoint(-self.width() - 8, (row.height() - self.height()) // 2))
        screen = (QGuiApplication.screenAt(row.mapToGlobal(QPoint(0, 0))) or row.screen()).availableGeometry()
        if at.x() < screen.left():
            at.setX(row.mapToGlobal(QPoint(row.width() + 8, 0)).x())
        at.setY(max(screen.top(), min(at.y(), screen.bottom() - self.height())))
        self.move(at)
        self.show()
