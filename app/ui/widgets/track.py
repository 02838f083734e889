"""Defines the track of a slider, which shows the value, the photo's own value and the safe range."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.engine.face.controls import Control
from app.ui import theme

KNOB = 6.0  # radius, logical px
FINE = 0.1  # share of the pointer's movement that the knob makes while Shift is held
DETENT_PX = 3.0  # logical px around the photo's own value, within which that value is taken


def snap_step(control: Control) -> float:
    """Return the step to which Ctrl snaps: 5 degrees, half a sigma, a tenth of a full movement."""
    return {"°": 5.0, "σ": 0.5, "%": 10.0}.get(control.unit, 0.1)


def key_step(control: Control) -> float:
    """Return the step of an arrow key: a degree, a tenth of a sigma, a twentieth of a full movement."""
    return {"°": 1.0, "σ": 0.1, "%": 5.0}.get(control.unit, 0.05)


class Track(QWidget):
    """Draws a control's range and turns drags on it into values.

    A drag moves the knob from where it was; a press beside the knob first brings it there. With Shift the
    knob moves a tenth as far, with Ctrl it snaps, and near the photo's own value it takes that value.
    """

    started = Signal()
    moved = Signal(float)
    ended = Signal()
    reset = Signal()

    def __init__(self, control: Control, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.control = control
        self.value = 0.0
        self.own = 0.0
        self._raw: float | None = None
        self._last_x = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        return QSize(110, 20)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 20)

    def show_value(self, value: float, own: float) -> None:
        self.value, self.own = value, own
        self.update()

    def cancel(self) -> None:
        """End the drag; the owner puts the old value back."""
        self._raw = None

    # -- geometry

    def x_of(self, value: float) -> float:
        """Return where a value lies, px; values out of range lie at the ends."""
        share = (value - self.control.lower) / (self.control.upper - self.control.lower)
        return KNOB + min(1.0, max(0.0, share)) * self._span

    @property
    def _span(self) -> float:
        return max(1.0, self.width() - 2 * KNOB)

    @property
    def _per_px(self) -> float:
        return (self.control.upper - self.control.lower) / self._span

    # -- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return super().mousePressEvent(event)
        x = event.position().x()
        on_knob = abs(x - self.x_of(self.value)) <= KNOB + 2
        self._raw = self.value if on_knob else self.control.lower + (x - KNOB) * self._per_px
        self._last_x = x
        self.started.emit()
        if not on_knob:
            self._move(event.modifiers())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._raw is None:
            return
        x = event.position().x()
        fine = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        raw = self._raw + (x - self._last_x) * self._per_px * (FINE if fine else 1.0)
        self._raw = min(self.control.upper, max(self.control.lower, raw))
        self._last_x = x
        self._move(event.modifiers())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._raw is not None and event.button() == Qt.MouseButton.LeftButton:
            self._raw = None
            self.ended.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.reset.emit()

    def _move(self, modifiers: Qt.KeyboardModifier) -> None:
        assert self._raw is not None
        value = min(self.control.upper, max(self.control.lower, self._raw))
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            step = snap_step(self.control)
            value = min(self.control.upper, max(self.control.lower, round(value / step) * step))
        elif not modifiers & Qt.KeyboardModifier.ShiftModifier:
            value = self.own if abs(value - self.own) < DETENT_PX * self._per_px else value
        self.moved.emit(value)

    # -- drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t, middle = theme.current(), self.height() / 2
        low, high = self.control.safe
        self._bar(painter, KNOB, self.width() - KNOB, 1.0, QColor(t.line))
        shade = QColor(t.quiet)
        shade.setAlphaF(0.4)
        self._bar(painter, self.x_of(low), self.x_of(high), 2.5, shade)
        beyond = not low <= self.value <= high
        if self.value != self.own:
            left, right = sorted((self.x_of(self.own), self.x_of(self.value)))
            self._bar(painter, left, right, 2.5, QColor(t.accent))
        painter.setPen(QPen(QColor(t.quiet), 1))
        own = round(self.x_of(self.own)) + 0.5
        painter.drawLine(QPointF(own, middle - 7), QPointF(own, middle + 7))
        if beyond:
            painter.setPen(QPen(QColor(t.accent), 2))
            limit = self.x_of(high if self.value > high else low)
            painter.drawLine(QPointF(limit, middle - 5), QPointF(limit, middle + 5))
        painter.setPen(QPen(QColor(t.panel), 1.5))
        painter.setBrush(QColor(t.accent if beyond else t.text if self.isEnabled() else t.quiet))
        self._knob(painter, QPointF(self.x_of(self.value), middle), beyond)
        painter.end()

    @staticmethod
    def _knob(painter: QPainter, at: QPointF, beyond: bool) -> None:
        """Draw the knob as a disc, or beyond the safe range as a diamond, so that colour is not the only
        sign.
        """
        if not beyond:
            painter.drawEllipse(at, KNOB, KNOB)
            return
        reach = KNOB + 1
        corners = [QPointF(0, -reach), QPointF(reach, 0), QPointF(0, reach), QPointF(-reach, 0)]
        painter.drawPolygon([at + corner for corner in corners])

    def _bar(self, painter: QPainter, left: float, right: float, half: float, colour: QColor) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        rect = QRectF(left, self.height() / 2 - half, max(0.0, right - left), 2 * half)
        painter.drawRoundedRect(rect, half, half)
