"""Shows moving pictures: the driver with its landmarks, the NMFC, the portrait; and a level meter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui import theme
from app.ui.canvas.overlays import draw_box

SILENCE_DB = -60.0  # dB of full scale; the left end of the meter
LOUD_DB = -6.0  # dB of full scale, from which the meter warns


class LiveView(QWidget):
    """Shows the newest whole (H, W, 3) uint8 sRGB picture, or words while there is none.

    With several faces each has a numbered box, and the driven one's has a whole line; a click or Tab chooses
    another face.
    """

    face_chosen = Signal(int)

    def __init__(self, name: str, words: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._faces: tuple[QRectF, ...] = ()
        self._active = 0
        self.marks_shown = True
        self.setAccessibleName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.mirrored = False
        self._words = words
        self._pixels: NDArray[Any] | None = None
        self._image: QImage | None = None
        self._points: NDArray[np.float64] | None = None
        self._hint = QSize(240, 180)

    def sizeHint(self) -> QSize:
        return self._hint

    def show_picture(self, pixels: NDArray[Any] | None, points: NDArray[np.float64] | None = None) -> None:
        """Show a picture; points: (N, 2 or 3) pixels of it to mark."""
        self._points = points
        self._pixels = None if pixels is None else np.ascontiguousarray(pixels)
        self._image = None
        if self._pixels is not None:  # the array is kept, because the image uses its memory
            height, width = self._pixels.shape[:2]
            kind = QImage.Format.Format_RGB888
            self._image = QImage(self._pixels.data, width, height, self._pixels.strides[0], kind)
        self.update()

    def show_image(self, image: QImage | None) -> None:
        """Show an image that is ready for the screen."""
        self._image, self._pixels, self._points = image, None, None
        self.update()

    def say(self, words: str) -> None:
        """Show words over the picture, or in its place where there is none."""
        if words != self._words:
            self._words = words
            self.update()

    def show_faces(self, boxes: Sequence[QRectF], active: int) -> None:
        """Mark the faces by boxes, given as shares of the picture; fewer than two are not marked."""
        self._faces = tuple(boxes) if len(boxes) > 1 else ()
        self._active = active
        several = bool(self._faces)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if several else Qt.FocusPolicy.NoFocus)
        self.update()

    def box(self, index: int) -> QRectF:
        """Return where a face's box is drawn."""
        rect, share = self.picture_rect(), self._faces[index]
        size = QSizeF(share.width() * rect.width(), share.height() * rect.height())
        return QRectF(
            QPointF(rect.x() + share.x() * rect.width(), rect.y() + share.y() * rect.height()), size
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for index in range(len(self._faces)):
            if self.box(index).contains(event.position()):
                self.face_chosen.emit(index)
                return
        super().mousePressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Choose the next or previous face on Tab or Shift+Tab."""
        if self._faces and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Tab: 1, Qt.Key.Key_Backtab: -1}.get(Qt.Key(event.key()))
            if step is not None:
                self.face_chosen.emit((self._active + step) % len(self._faces))
                return True
        return super().event(event)

    def show_marks(self, shown: bool) -> None:
        """Draw the points over the picture, or leave them out."""
        self.marks_shown = shown
        self.update()

    def picture_rect(self) -> QRectF:
        """Return where the picture lies: as large as it fits, in the middle."""
        if self._image is None:
            return QRectF()
        size = QSizeF(self._image.size()).scaled(QSizeF(self.size()), Qt.AspectRatioMode.KeepAspectRatio)
        rect = QRectF(0, 0, size.width(), size.height())
        rect.moveCenter(QRectF(self.rect()).center())
        return rect

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.current().canvas))
        if self._image is not None:
            painter.save()
            if self.mirrored:
                painter.translate(self.width(), 0)
                painter.scale(-1, 1)
            self._paint_picture(painter)
            painter.restore()
            for index in range(len(self._faces)):
                draw_box(painter, self.box(index), index + 1, index == self._active)
        if self._words:
            self._paint_words(painter)
        painter.end()

    def _paint_picture(self, painter: QPainter) -> None:
        assert self._image is not None
        rect = self.picture_rect()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(rect, self._image)
        if self._points is not None and self.marks_shown:
            painter.setPen(QColor(255, 255, 255, 200))
            zoom = rect.width() / self._image.width()
            shown = self._points[:, :2] * zoom + (rect.x(), rect.y())
            painter.drawPoints([QPointF(x, y) for x, y in shown.tolist()])

    def _paint_words(self, painter: QPainter) -> None:
        rect = QRectF(self.rect()).adjusted(16, 16, -16, -16)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        drawn = painter.boundingRect(rect, flags, self._words).adjusted(-8, -4, 8, 4)
        if self._image is not None:
            painter.fillRect(drawn, QColor(0, 0, 0, 150))
        painter.setPen(QColor("#ffffff" if self._image is not None else theme.current().quiet))
        painter.drawText(rect, flags, self._words)


class LevelBar(QWidget):
    """Shows a microphone's level in dBFS as a row of segments, and in words."""

    SEGMENTS = 24

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(12)
        self.setMinimumWidth(80)
        self._level: float | None = None
        self.show_level(None)

    def show_level(self, level: float | None) -> None:
        self._level = level
        words = self.tr("Microphone off") if level is None else self.tr("Microphone {:.0f} dB").format(level)
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        t, painter = theme.current(), QPainter(self)
        step = self.width() / self.SEGMENTS
        for segment in range(self.SEGMENTS):
            db = SILENCE_DB * (1 - (segment + 1) / self.SEGMENTS)
            lit = self._level is not None and self._level >= db
            colour = t.recording if db > LOUD_DB else t.accent
            painter.fillRect(QRectF(segment * step, 2, step - 2, 8), QColor(colour if lit else t.line))
        painter.end()
