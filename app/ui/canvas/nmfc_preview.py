"""Shows in the canvas's corner the face that the face model is asked for, as NMFC or as a shaded mesh."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QToolButton, QWidget

from app.ui import icons, theme

SIDE_PX = 148  # logical px


class NmfcPreview(QWidget):
    """A click changes between NMFC and mesh; the cross hides the preview."""

    mesh_chosen = Signal(bool)
    hidden = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mesh = False
        self._picture: QPixmap | None = None
        self.setFixedSize(QSize(SIDE_PX, SIDE_PX + 22))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(self.tr("Face model"))
        self.setToolTip(self.tr("What the face model is asked for. Click: coordinates or mesh"))
        self.close_mark = QToolButton(self)
        icons.put(self.close_mark, "close", "quiet")
        self.close_mark.setFixedSize(20, 20)
        self.close_mark.setStyleSheet("padding: 0;")
        self.close_mark.setCursor(Qt.CursorShape.ArrowCursor)
        self.close_mark.setAccessibleName(self.tr("Hide the face model"))
        self.close_mark.clicked.connect(self.hidden)
        self.close_mark.move(SIDE_PX - 21, 1)

    @Slot(object)
    def show_picture(self, picture: np.ndarray) -> None:
        """Show a picture, (size, size, 3) uint8."""
        height, width = picture.shape[:2]
        data = np.ascontiguousarray(picture)
        image = QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self._picture = QPixmap.fromImage(image)
        self.update()

    @Slot()
    def clear(self) -> None:
        """Show no picture, because the last one belongs to another photo."""
        self._picture = None
        self.update()

    def toggle(self) -> None:
        self.mesh = not self.mesh
        self.mesh_chosen.emit(self.mesh)
        self.update()

    def mouseReleaseEvent(self, event: object) -> None:
        self.toggle()

    def keyPressEvent(self, event) -> None:  # type: ignore[no-untyped-def]
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Space):
            self.toggle()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        t, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(QColor(t.accent if self.hasFocus() else t.line))
        painter.setBrush(QColor(t.panel))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        painter.setPen(QColor(t.quiet))
        painter.setFont(theme.body_font(theme.CAPTION_PX))
        words = self.tr("Mesh") if self.mesh else self.tr("NMFC")
        painter.drawText(QRectF(8, 0, 100, 22), Qt.AlignmentFlag.AlignVCenter, words)
        if self._picture is not None:
            painter.drawPixmap(QRectF(1, 21, SIDE_PX - 2, SIDE_PX - 2).toRect(), self._picture)
        painter.end()
