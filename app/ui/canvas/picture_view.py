"""Shows a photo beside its render: zoomed, panned, compared, in the right colours."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QInputDevice,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QGestureEvent, QLabel, QPinchGesture, QWidget

from app.engine.imaging.photo import Photo
from app.ui import theme
from app.ui.canvas import overlays
from app.ui.canvas.display import DisplayMaker, DisplayPicture
from app.ui.canvas.viewport import Viewport

MODES = ("before", "split", "after")
ZOOM_PER_NOTCH = 1.2  # factor for a step of the wheel; four notches double


class PictureView(QWidget):
    """Shows the photo ("before"), its render ("after") or both, at any zoom; subclasses draw over it."""

    zoom_changed = Signal(float)  # device pixels per photo pixel
    mode_changed = Signal(str)
    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = Viewport()
        self.mode, self.split = "after", 0.5
        self.surround = "theme"
        self._photo: Photo | None = None
        self._before: DisplayPicture | None = None
        self._after: DisplayPicture | None = None
        self._checks = overlays.checkerboard()
        self._kept: dict[str, tuple[Any, QPixmap]] = {}
        self._before_maker, self._after_maker = DisplayMaker(self), DisplayMaker(self)
        self._before_maker.ready.connect(self._on_before)
        self._after_maker.ready.connect(self._on_after)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(320, 240)
        self.grabGesture(Qt.GestureType.PinchGesture)
        self.draft = QLabel(self.tr("Draft"), self)
        self.draft.setToolTip(self.tr("The mesh warp drew this quickly; the picture itself follows"))
        self.draft.setStyleSheet("background: #e0a458; color: black; padding: 2px 8px; border-radius: 3px;")
        self.draft.move(8, 8)
        self.draft.hide()

    # -- what is shown

    def set_photo(self, photo: Photo | None) -> None:
        """Show another photo, fitted; None empties the canvas."""
        self._photo, self._before, self._after = photo, None, None
        self._after_maker.forget()
        self._before_maker.forget()
        if photo is not None:
            self.view.photo = QSizeF(*photo.size)
            self.fit()
            self._before_maker.make(photo.pixels, photo.alpha, photo.icc)
        self.update()

    def set_render(self, pixels: NDArray[Any], alpha: NDArray[Any] | None) -> None:
        """Show a render of the photo at any scale, in the photo's own colours."""
        if self._photo is None:
            return
        if pixels is self._photo.pixels:  # nothing was changed
            self._after_maker.forget()
            self._after = None
            self.update()
        else:
            self._after_maker.make(pixels, alpha, self._photo.icc)

    def set_draft(self, draft: bool) -> None:
        """Mark what is shown as a draft, or as what was asked for."""
        self.draft.setVisible(draft)

    def set_mode(self, mode: str) -> None:
        """Show one of `MODES`."""
        if mode != self.mode:
            self.mode = mode
            self.mode_changed.emit(mode)
            self.update()

    def toggle_before(self) -> None:
        self.set_mode("after" if self.mode == "before" else "before")

    def toggle_split(self) -> None:
        self.set_mode("after" if self.mode == "split" else "split")

    def set_split(self, share: float) -> None:
        """Put the divider at a share of the canvas's width."""
        self.split = min(0.98, max(0.02, share))
        self.update()

    def set_surround(self, name: str) -> None:
        """Surround the picture with "theme", "black", "mid" or "white"."""
        self.surround = name
        self.update()

    @property
    def photo(self) -> Photo | None:
        return self._photo

    @Slot(object)
    def _on_before(self, picture: DisplayPicture) -> None:
        self._before = picture
        self.update()

    @Slot(object)
    def _on_after(self, picture: DisplayPicture) -> None:
        self._after = picture
        self.update()

    # -- zoom and pan

    @property
    def zoom(self) -> float:
        """Return the zoom in device pixels per photo pixel: 1 is 100 %."""
        return self.view.zoom * self.devicePixelRatioF()

    def fit(self) -> None:
        """Show the whole photo."""
        self.view.fit()
        self._moved()

    def actual_size(self) -> None:
        """Show one pixel of the photo on one pixel of the screen."""
        self.view.zoom_to(1 / self.devicePixelRatioF())
        self._moved()

    def zoom_by(self, factor: float, about: QPointF | None = None) -> None:
        """Zoom by a factor; the photo's point under `about` stays there."""
        if self._photo is not None:
            self.view.zoom_to(self.view.zoom * factor, about)
            self._moved()

    def pan(self, by: QPointF) -> None:
        self.view.pan(by)
        self._moved()

    def _moved(self) -> None:
        self.view.snap(self.devicePixelRatioF())
        self.zoom_changed.emit(self.zoom)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.view.resize(QSizeF(self.size()))
        self._moved()
        self.resized.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        pad = event.device().type() == QInputDevice.DeviceType.TouchPad
        if pad and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.pan(QPointF(event.pixelDelta()))
        else:
            self.zoom_by(ZOOM_PER_NOTCH ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            return self._on_touch_pad(event)
        if isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                self._on_pinch(pinch)
                event.accept(pinch)
                return True
        return super().event(event)

    def _on_touch_pad(self, event: QNativeGestureEvent) -> bool:
        """Zoom about the pointer on a pinch; a double tap goes to 100 % and back."""
        kind = event.gestureType()
        if kind == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_by(1 + event.value(), event.position())
        elif kind == Qt.NativeGestureType.SmartZoomNativeGesture:
            if self.view.fitted:
                self.zoom_by(1 / self.zoom, event.position())
            else:
                self.fit()
        else:
            return False
        return True

    def _on_pinch(self, pinch: QPinchGesture) -> None:
        """Move and zoom so that the photo stays under two fingers on the screen."""
        centre = QPointF(self.mapFromGlobal(pinch.centerPoint()))
        last = QPointF(self.mapFromGlobal(pinch.lastCenterPoint()))
        self.pan(centre - last)
        self.zoom_by(pinch.scaleFactor(), centre)

    # -- drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._paint_pictures(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._photo is not None:
            self.paint_over(painter)
        if self.hasFocus():
            painter.setPen(QColor(theme.current().quiet))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def paint_over(self, painter: QPainter) -> None:
        """Draw marks over the picture; the painter smooths edges."""

    def _paint_pictures(self, painter: QPainter) -> None:
        painter.drawPixmap(0, 0, self._drawn("before" if self.mode == "before" else "after"))
        if self.mode == "split":
            painter.save()
            painter.setClipRect(QRectF(0, 0, self.split * self.width(), self.height()))
            painter.drawPixmap(0, 0, self._drawn("before"))
            painter.restore()

    def _drawn(self, which: str) -> QPixmap:
        """Return the whole canvas with one of the pictures; it is kept until it, the zoom or the surround
        changes.
        """
        shown = self._before if which == "before" else self._after or self._before
        ratio, ground = self.devicePixelRatioF(), surround_colour(self.surround)
        key = (shown, self.view.rect, ground, self.size(), ratio)
        if which not in self._kept or self._kept[which][0] != key:
            picture = QPixmap(self.size() * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(QColor(ground))
            if shown is not None:
                painter = QPainter(picture)
                if self._photo is not None and self._photo.alpha is not None:
                    painter.fillRect(self.view.rect, self._checks)
                shown.draw(painter, self.view.rect, ratio)
                painter.end()
            self._kept[which] = key, picture
        return self._kept[which][1]


def surround_colour(name: str) -> str:
    """Return the colour around the picture."""
    return theme.SURROUNDS.get(name, theme.current().canvas)
