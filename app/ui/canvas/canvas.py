"""Shows the picture and says, by signals, what is done on it by hand; it knows no session."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QLineF, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPixmap,
)
from PySide6.QtWidgets import QWidget

from app.engine.contract import Flow
from app.engine.face.handles import Handle
from app.engine.imaging.photo import Photo
from app.ui.canvas import drags, overlays
from app.ui.canvas.drags import Drag
from app.ui.canvas.handles import GRAB_PX, CanvasFace, cursor_of
from app.ui.canvas.picture_view import PictureView
from app.ui.hover_keys import HoverKeys

DIVIDER_PX = 8.0  # logical px to either side at which the divider is grabbed
FACE_SHARE = 0.7  # share of the canvas that a face fills when the view goes to it; chosen by eye
SMALL_FACE = 0.3  # share of its height below which the view goes to a lone face at once; chosen by eye


class Canvas(PictureView):
    """Shows a photo and its render; pans, zooms, compares, and turns drags on faces into requests.

    A pull says where the dragged point shall lie, in the photo's pixels.
    """

    gesture_started = Signal()
    gesture_ended = Signal()
    gesture_cancelled = Signal()
    pulled = Signal(object, QPointF, bool, bool)  # Handle, where to, whether Shift turns, whether Ctrl snaps
    faces_shown = Signal()  # the faces lie elsewhere now
    menu_wanted = Signal(QPoint, object)  # where on the screen, and the Handle there or None
    reset_wanted = Signal(object)  # Handle that was double-clicked
    face_chosen = Signal(int)
    box_drawn = Signal(tuple)  # (x, y, w, h) photo's px
    drawing_changed = Signal(bool)
    hint_changed = Signal(str)  # what dragging here does

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.faces: tuple[CanvasFace, ...] = ()
        self.active = 0
        self.layers: frozenset[str] = frozenset()
        self.face_mesh: tuple[NDArray[np.int32], NDArray[np.float64]] | None = None  # triangles, NMFC colours
        self._edges: NDArray[np.int32] | None = None
        self._flow: tuple[QPixmap, QRectF, NDArray[np.float64]] | None = None
        self._drag: Drag | None = None
        self._hovered: Handle | None = None
        self._pointer: QPointF | None = None
        self._limit = ""
        self._space = self._drawing = False
        self._keys = HoverKeys(self, self._take_hovered)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Photo"))

    # -- what is shown

    def set_photo(self, photo: Photo | None) -> None:
        self._cancel_drag()
        self.faces, self.active, self._flow = (), 0, None
        super().set_photo(photo)
        self._hover(self._pointer)  # another handle or none is under the pointer now

    def set_faces(self, faces: tuple[CanvasFace, ...], active: int) -> None:
        """Show where the faces are asked to be, in the photo's pixels, and which face is edited."""
        self.faces, self.active = faces, active
        self.faces_shown.emit()
        self.update()

    def set_face_mesh(self, triangles: NDArray[np.int32], colours: NDArray[np.float64]) -> None:
        """Take the mesh that the layers draw: (T, 3) corners and (T, 3) NMFC colours."""
        self.face_mesh = triangles, colours
        self._edges = overlays.edges_of(triangles)
        self.update()

    def set_flow(self, flow: Flow | None) -> None:
        """Take what the flow layer draws: where the render's pixels came from."""
        self._flow = None
        if flow is not None:
            height, width = flow.picture.shape[:2]
            rgba = np.ascontiguousarray(flow.picture)
            image = QImage(rgba.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
            self._flow = QPixmap.fromImage(image), QRectF(*flow.box), flow.arrows
        self.update()

    def set_layer(self, name: str, shown: bool) -> None:
        """Lay the mesh, the NMFC or the flow over the picture, or take it away."""
        self.layers = self.layers | {name} if shown else self.layers - {name}
        self.update()

    def show_limit(self, words: str) -> None:
        """Say why the dragged point does not follow the pointer; "" while it follows."""
        if words != self._limit:
            self._limit = words
            self.hint_changed.emit(self.hint)
            self.update()

    def zoom_to_face(self) -> None:
        """Zoom to the active face, at a size at which it can be edited well."""
        if self.active_face is not None:
            self.view.show_rect(self.active_face.rect, FACE_SHARE)
            self._moved()

    def show_small_face(self) -> None:
        """Zoom to the photo's only face where that face would be small."""
        face = self.active_face
        if face is not None and len(self.faces) == 1:
            height = face.rect.height() * self.view.zoom
            if height < SMALL_FACE * self.height():
                self.zoom_to_face()

    # -- boxes by hand

    def set_drawing_box(self, drawing: bool) -> None:
        """Let the next drag frame a face."""
        if drawing != self._drawing:
            self._drawing = drawing
            self.drawing_changed.emit(drawing)
            self._hover(self._pointer)

    # -- drawing

    def paint_over(self, painter: QPainter) -> None:
        painter.save()
        painter.setClipRect(self._after_side)
        self._paint_layers(painter)
        painter.restore()
        self._paint_marks(painter)
        if self._drag is not None:
            self._drag.paint(painter)

    def _paint_layers(self, painter: QPainter) -> None:
        face = self.active_face
        if face is None or self.mode == "before":
            return
        if "nmfc" in self.layers and self.face_mesh is not None and face.depth is not None:
            overlays.draw_nmfc(painter, self.view, face.points[:468], face.depth, *self.face_mesh)
        if "mesh" in self.layers and self._edges is not None:
            overlays.draw_mesh(painter, self.view, face.points[:468], self._edges)
        if "flow" in self.layers:
            self._paint_flow(painter)

    def _paint_flow(self, painter: QPainter) -> None:
        if self._flow is not None:
            overlays.draw_flow(painter, self.view, *self._flow)

    def _paint_marks(self, painter: QPainter) -> None:
        if self._shows_boxes:
            for index, face in enumerate(self.faces):
                corner = self.view.to_view(face.rect.topLeft())
                overlays.draw_box(
                    painter,
                    QRectF(corner, face.rect.size() * self.view.zoom),
                    index + 1,
                    index == self.active,
                )
        chosen = self.active_face
        if self._shows_handles and chosen is not None:
            grabbed = getattr(self._drag, "handle", None) or self._hovered
            painter.save()
            painter.setClipRect(self._after_side)
            overlays.draw_handles(painter, self.view, chosen, grabbed, self.devicePixelRatioF())
            painter.restore()
        if self.mode == "split":
            overlays.draw_divider(painter, self.split * self.width(), QRectF(self.rect()))
        if self._pointer is not None and (self._limit or self._drag is None) and self.hint:
            overlays.draw_label(painter, self._pointer, self.hint, self)

    @property
    def _after_side(self) -> QRectF:
        """Return the part of the canvas that shows the edited photo."""
        left = self.split * self.width() if self.mode == "split" else 0.0
        return QRectF(left, 0, self.width() - left, self.height())

    @property
    def _shows_boxes(self) -> bool:
        """Return whether faces have boxes: several faces do while the pointer or the focus is here."""
        return len(self.faces) > 1 and (self.underMouse() or self.hasFocus()) and self._drag is None

    @property
    def _shows_handles(self) -> bool:
        if self._drawing or self._space or self._pointer is None:
            return False
        return self._on_face(self._pointer) or isinstance(self._drag, drags.Pull)

    # -- what is under the pointer

    @property
    def active_face(self) -> CanvasFace | None:
        return self.faces[self.active] if self.active < len(self.faces) else None

    @property
    def hint(self) -> str:
        """Return what dragging at the pointer does, or why the drag has stopped."""
        if self._limit:
            return self._limit
        if self._drawing:
            return self.tr("Drag a box around the face")
        if self._pointer is None or self._space:
            return ""
        face, on_face = self.active_face, self._on_face(self._pointer)
        hidden = face is not None and on_face and face.hides_handles(self.view.zoom)
        return drags.hint(self._hovered, on_face, hidden)

    def handle_at(self, point: QPointF) -> Handle | None:
        """Return the nearest handle within reach of a point; None where there is none."""
        face = self.active_face
        if face is None or self._shows_unedited(point):
            return None
        shown = face.handles(self.view.zoom)
        ways = [(QLineF(self.view.to_view(face.point(h.landmark)), point).length(), h) for h in shown]
        way, nearest = min(ways, key=lambda pair: pair[0])
        return nearest if way <= GRAB_PX else None

    def _on_face(self, point: QPointF) -> bool:
        face = self.active_face
        if face is None or self._shows_unedited(point):
            return False
        return face.near(self.view.to_photo(point))

    def _shows_unedited(self, point: QPointF) -> bool:
        """Return whether the unedited photo is shown at this point, so that no handle can be grabbed there."""
        return self.mode == "before" or (self.mode == "split" and point.x() < self.split * self.width())

    def _on_divider(self, point: QPointF) -> bool:
        return self.mode == "split" and abs(point.x() - self.split * self.width()) <= DIVIDER_PX

    def face_at(self, point: QPointF) -> int | None:
        """Return the face whose box holds a point, the active one first."""
        photo = self.view.to_photo(point)
        found = [i for i, face in enumerate(self.faces) if face.rect.contains(photo)]
        return self.active if self.active in found else next(iter(found), None)

    def _hover(self, point: QPointF | None) -> None:
        before, self._pointer = self.hint, point
        self._hovered = None if point is None or self._busy_elsewhere(point) else self.handle_at(point)
        if self.hint != before:
            self.hint_changed.emit(self.hint)
        self._set_cursor()
        self.update()

    def _busy_elsewhere(self, point: QPointF) -> bool:
        return self._space or self._drawing or self._on_divider(point)

    def _set_cursor(self) -> None:
        shape = Qt.CursorShape.ArrowCursor
        point = self._pointer
        if self._drag is not None:
            shape = self._drag.cursor
        elif self._space:
            shape = Qt.CursorShape.OpenHandCursor
        elif self._drawing:
            shape = Qt.CursorShape.CrossCursor
        elif point is not None and self._on_divider(point):
            shape = Qt.CursorShape.SplitHCursor
        elif self._hovered is not None:
            shape = cursor_of(self._hovered)
        elif point is not None and self._on_face(point):
            shape = Qt.CursorShape.OpenHandCursor
        elif point is not None and self.face_at(point) is not None:
            shape = Qt.CursorShape.PointingHandCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)

    # -- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._photo is None or self._drag is not None:
            return
        self._hover(event.position())  # a pen presses where no pointer has moved before
        if event.button() == Qt.MouseButton.MiddleButton:
            self._drag = drags.Pan(self, event.position())
        elif event.button() == Qt.MouseButton.LeftButton:
            self._drag = self._drag_for(event.position())
        self._set_cursor()
        self.update()

    def _drag_for(self, point: QPointF) -> Drag | None:
        if self._space:
            return drags.Pan(self, point)
        if self._drawing:
            return drags.DrawBox(self, point)
        if self._on_divider(point):
            return drags.Divider(self, point)
        face, handle = self.active_face, self.handle_at(point)
        if face is not None and handle is not None:
            return drags.Pull(self, point, face, handle)
        if face is not None and self._on_face(point):
            return drags.Pull(self, point, face, face.head_handle(self.view.to_photo(point)))
        chosen = self.face_at(point)
        if chosen is not None and chosen != self.active:
            self.face_chosen.emit(chosen)
        return None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None:
            self._pointer = event.position()
            self._drag.move(event.position(), event.modifiers())
        else:
            self._hover(event.position())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of this place, unless something is dragged."""
        if self._photo is not None and self._drag is None:
            handle = self.handle_at(QPointF(event.pos()))
            self.menu_wanted.emit(event.globalPos(), handle)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask to reset a handle's controls to the photo's own, as a double click on their sliders does."""
        handle = self.handle_at(event.position()) if self._photo is not None and self._drag is None else None
        if event.button() == Qt.MouseButton.LeftButton and handle is not None:
            self.reset_wanted.emit(handle)
        else:
            self.mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        self.show_limit("")
        if drag is not None:
            drag.release(event.position())
        self._hover(event.position())

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._took_tab(event):
            return True
        return super().event(event)

    def _took_tab(self, event: QKeyEvent) -> bool:
        """Choose the next face on Tab, or the previous one on Shift+Tab; return whether this was done."""
        steps = {Qt.Key.Key_Tab: 1, Qt.Key.Key_Backtab: -1}
        step = steps.get(Qt.Key(event.key()))
        if step is None or len(self.faces) < 2:
            return False
        self.face_chosen.emit((self.active + step) % len(self.faces))
        return True

    def enterEvent(self, event: QEnterEvent) -> None:
        self._keys.begin()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._keys.end()
        self._space = False
        if self._drag is None:
            self._hover(None)

    def hideEvent(self, event: QHideEvent) -> None:
        """End what keys have begun, because no leave event comes when another view takes the canvas's place."""
        self._keys.end()
        self._space = False

    # -- keys

    def _take_hovered(self, event: QKeyEvent) -> bool:
        """Let Space pan while the pointer is here, wherever the focus is, except in text."""
        if event.key() != Qt.Key.Key_Space:
            return False
        if not event.isAutoRepeat():
            self._space = event.type() != QEvent.Type.KeyRelease
            self._hover(self._pointer)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and (self._drag is not None or self._drawing):
            self._cancel_drag()
            self.set_drawing_box(False)
        elif event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = True
            self._hover(self._pointer)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._hover(self._pointer)
        else:
            super().keyReleaseEvent(event)

    def _cancel_drag(self) -> None:
        drag, self._drag = self._drag, None
        self.show_limit("")
        if drag is not None:
            drag.cancel()
            self._set_cursor()
            self.update()
