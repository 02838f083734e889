"""Defines a pad that sets two angles at once: where the eyes look."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.engine.face.controls import Control
from app.ui import theme
from app.ui.widgets.parameter_slider import RUN_PAUSE_MS
from app.ui.widgets.track import FINE, KNOB, snap_step

# Key -> direction, y up.
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class GazePad(QWidget):
    """The knob is dragged to the right for the image's right and up for up.

    The signals are those of `ParameterSlider`; edited carries (x, y) in degrees, or None for the photo's own
    gaze.
    """

    gesture_started = Signal(bool)
    edited = Signal(object)
    gesture_ended = Signal()
    gesture_cancelled = Signal()

    def __init__(self, across: Control, up: Control, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controls = across, up
        self.value = self.own = (0.0, 0.0)
        self._raw: tuple[float, float] | None = None
        self._last = QPointF()
        # Key presses in quick succession are one step.
        self._run_pause = QTimer(self, singleShot=True, interval=RUN_PAUSE_MS)
        self._run_pause.timeout.connect(self._end_run)
        self._keys = False
        self.setFixedSize(104, 84)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName(self.tr("Gaze"))
        self.setToolTip(self.tr("Drag to look elsewhere. Shift: fine, Ctrl: 5° steps, double-click: reset"))

    def sizeHint(self) -> QSize:
        return QSize(104, 84)

    def show_value(self, value: tuple[float, float], own: tuple[float, float]) -> None:
        self.value, self.own = value, own
        text = self.tr("{:.0f}° across, {:.0f}° up").format(*value)
        self.setAccessibleDescription(text)
        self.update()

    # -- geometry

    def point_of(self, value: tuple[float, float]) -> QPointF:
        """Return where a gaze lies on the pad, px."""
        area = self._area()
        share = [
            (min(c.upper, max(c.lower, v)) - c.lower) / (c.upper - c.lower)
            for v, c in zip(value, self._controls)
        ]
        return QPointF(area.left() + share[0] * area.width(), area.bottom() - share[1] * area.height())

    def value_at(self, point: QPointF) -> tuple[float, float]:
        """Return the gaze at a point of the pad."""
        area = self._area()
        across, up = self._controls
        x = across.lower + (point.x() - area.left()) / area.width() * (across.upper - across.lower)
        y = up.lower + (area.bottom() - point.y()) / area.height() * (up.upper - up.lower)
        return self._clamped((x, y))

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(KNOB, KNOB, -KNOB, -KNOB)

    def _clamped(self, value: tuple[float, float]) -> tuple[float, float]:
        x, y = (min(c.upper, max(c.lower, v)) for v, c in zip(value, self._controls))
        return x, y

    # -- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._end_run()
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        point = event.position()
        away = point - self.point_of(self.value)
        on_knob = away.manhattanLength() <= KNOB * 2
        self._raw = self.value if on_knob else self.value_at(point)
        self._last = point
        self.gesture_started.emit(False)
        if not on_knob:
            self._move(event.modifiers())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._raw is None:
            return
        fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        now, before = self.value_at(event.position()), self.value_at(self._last)
        self._raw = self._clamped(
            (self._raw[0] + (now[0] - before[0]) * fine, self._raw[1] + (now[1] - before[1]) * fine)
        )
        self._last = event.position()
        self._move(event.modifiers())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._raw is not None and event.button() == Qt.MouseButton.LeftButton:
            self._raw = None
            self.gesture_ended.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._end_run()
        self.gesture_started.emit(True)
        self._edit(None)
        self.gesture_ended.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and (self._raw is not None or self._keys):
            self._run_pause.stop()
            self._raw, self._keys = None, False
            self.gesture_cancelled.emit()
        elif key in _ARROWS:
            dx, dy = _ARROWS[key]
            step = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            self._run_pause.stop()
            if not self._keys:
                self._keys = True
                self.gesture_started.emit(False)
            self._edit(self._clamped((self.value[0] + dx * step, self.value[1] + dy * step)))
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self._end_run()
            self.gesture_started.emit(False)
            self._edit(None)
            self.gesture_ended.emit()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if self._keys and not event.isAutoRepeat() and Qt.Key(event.key()) in _ARROWS:
            self._run_pause.start()
        super().keyReleaseEvent(event)

    def _end_run(self) -> None:
        self._run_pause.stop()
        if self._keys:
            self._keys = False
            self.gesture_ended.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._end_run()
        super().focusOutEvent(event)

    def event(self, event: QEvent) -> bool:
        """Accept the keys that move the gaze before a menu's shortcut can take them."""
        ours = (*_ARROWS, Qt.Key.Key_Backspace, Qt.Key.Key_Delete)
        is_key = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if is_key and Qt.Key(event.key()) in ours:  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def _move(self, modifiers: Qt.KeyboardModifier) -> None:
        assert self._raw is not None
        value = self._raw
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            steps = [snap_step(c) for c in self._controls]
            value = self._clamped(
                (round(value[0] / steps[0]) * steps[0], round(value[1] / steps[1]) * steps[1])
            )
        self._edit(value)

    def _edit(self, value: tuple[float, float] | None) -> None:
        self.show_value(self.own if value is None else value, self.own)
        self.edited.emit(value)

    # -- drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        t, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QColor(t.accent if self.hasFocus() else t.line))
        painter.setBrush(QColor(t.canvas))
        painter.drawRoundedRect(frame, 4, 4)
        (low_x, high_x), (low_y, high_y) = (c.safe for c in self._controls)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.panel).lighter(112) if t is theme.DARK else QColor(t.raised))
        painter.drawRect(QRectF(self.point_of((low_x, high_y)), self.point_of((high_x, low_y))))
        zero, own, at = self.point_of((0, 0)), self.point_of(self.own), self.point_of(self.value)
        painter.setPen(QPen(QColor(t.line), 1))
        painter.drawLine(QPointF(zero.x(), 6), QPointF(zero.x(), self.height() - 6))
        painter.drawLine(QPointF(6, zero.y()), QPointF(self.width() - 6, zero.y()))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(t.quiet), 1.5))
        painter.drawEllipse(own, 4, 4)
        if self.value != self.own:
            painter.setPen(QPen(QColor(t.accent), 1.5))
            painter.drawLine(own, at)
        painter.setPen(QPen(QColor(t.canvas), 1.5))
        own_colour = t.text if self.isEnabled() else t.quiet
        painter.setBrush(QColor(own_colour if self.value == self.own else t.accent))
        painter.drawEllipse(at, KNOB, KNOB)
        painter.end()
