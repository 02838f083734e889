"""Defines what a pressed pointer does on the canvas, in one small class for each kind of drag."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.engine.face.handles import Handle
from app.ui.canvas.handles import CanvasFace, cursor_of
from app.ui.canvas.overlays import WHITE
from app.ui.canvas.viewport import Viewport
from app.ui.widgets.track import FINE

Modifiers = Qt.KeyboardModifier
DEAD_PX = 3.0  # logical px: a press that moves less is a click, as on desktops
LEAST_BOX_PX = 24.0  # px of the photo; a smaller box drawn by hand is taken for an accident


class Canvas(Protocol):
    """What a drag needs of its canvas: what it changes there, and the signals that it emits."""

    view: Viewport
    split: float
    box_drawn: Any
    gesture_started: Any
    gesture_ended: Any
    gesture_cancelled: Any
    pulled: Any

    def width(self) -> int: ...

    def update(self) -> None: ...

    def pan(self, by: QPointF) -> None: ...

    def set_split(self, share: float) -> None: ...

    def set_drawing_box(self, drawing: bool) -> None: ...


class Drag:
    """One press of the pointer. Points are in the canvas's logical pixels; `release` ends it, `cancel` undoes
    what it did.
    """

    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self, canvas: Canvas, start: QPointF) -> None:
        self.canvas, self.start = canvas, start

    def move(self, point: QPointF, modifiers: Modifiers) -> None: ...

    def release(self, point: QPointF) -> None: ...

    def cancel(self) -> None: ...

    def paint(self, painter: QPainter) -> None: ...


class Pan(Drag):
    cursor = Qt.CursorShape.ClosedHandCursor

    def __init__(self, canvas: Canvas, start: QPointF) -> None:
        super().__init__(canvas, start)
        self._last = start

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        self.canvas.pan(point - self._last)
        self._last = point


class Divider(Drag):
    cursor = Qt.CursorShape.SplitHCursor

    def __init__(self, canvas: Canvas, start: QPointF) -> None:
        super().__init__(canvas, start)
        self._before = canvas.split

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        self.canvas.set_split(point.x() / max(1, self.canvas.width()))

    def cancel(self) -> None:
        self.canvas.set_split(self._before)


class DrawBox(Drag):
    """Draws a box around a face that the user frames by hand."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, canvas: Canvas, start: QPointF) -> None:
        super().__init__(canvas, start)
        self._rect = QRectF(start, start)

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        self._rect = QRectF(self.start, point).normalized()
        self.canvas.update()

    def release(self, point: QPointF) -> None:
        view = self.canvas.view
        corners = view.to_photo(self._rect.topLeft()), view.to_photo(self._rect.bottomRight())
        box = QRectF(*corners).intersected(QRectF(QPointF(), view.photo))
        if min(self._rect.width(), self._rect.height()) >= LEAST_BOX_PX and not box.isEmpty():
            self.canvas.set_drawing_box(False)
            self.canvas.box_drawn.emit((box.x(), box.y(), box.width(), box.height()))

    def paint(self, painter: QPainter) -> None:
        painter.setPen(QPen(WHITE, 1.2, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(self._rect)


class _Gesture(Drag):
    """A drag that edits: it starts once the pointer has moved far enough, and is one undo step."""

    def __init__(self, canvas: Canvas, start: QPointF) -> None:
        super().__init__(canvas, start)
        self.moved = False

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        if not self.moved:
            if (point - self.start).manhattanLength() < DEAD_PX:
                return
            self.moved = True
            self.canvas.gesture_started.emit()
        self.edit(point, modifiers)

    def edit(self, point: QPointF, modifiers: Modifiers) -> None:
        raise AssertionError("every gesture edits something")

    def release(self, point: QPointF) -> None:
        if self.moved:
            self.canvas.gesture_ended.emit()

    def cancel(self) -> None:
        if self.moved:
            self.canvas.gesture_cancelled.emit()


class Pull(_Gesture):
    """Makes the grabbed point follow the pointer, at the distance at which it was grabbed."""

    def __init__(self, canvas: Canvas, start: QPointF, face: CanvasFace, handle: Handle) -> None:
        super().__init__(canvas, start)
        self.handle = handle
        self.cursor = Qt.CursorShape.ClosedHandCursor if handle.turned else cursor_of(handle)
        self._grip = canvas.view.to_view(face.point(handle.landmark)) - start
        self._last = self._at = start

    def edit(self, point: QPointF, modifiers: Modifiers) -> None:
        shift = bool(modifiers & Modifiers.ShiftModifier)
        turning = shift and bool(self.handle.turned)
        self._at = self._at + (point - self._last) * (FINE if shift and not turning else 1.0)
        self._last = point
        to = self.canvas.view.to_photo(self._at + self._grip)
        snap = bool(modifiers & Modifiers.ControlModifier)
        self.canvas.pulled.emit(self.handle, to, turning, snap)


def hint(handle: Handle | None, on_face: bool, hidden: bool) -> str:
    """Return what dragging here does, in words; hidden: whether some handles have no room at this zoom."""
    translate = QCoreApplication.translate
    if handle is None and not on_face:
        return ""
    if handle is not None and not handle.turned:
        return translate("Canvas", "Drag: {}").format(translate("Handle", handle.title))
    words = translate("Canvas", "Drag to turn the head, Shift to roll")
    return translate("Canvas", "{}. Zoom in for more handles").format(words) if hidden else words
