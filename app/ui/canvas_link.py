"""Connects canvas and session: what the session shows goes to the canvas, and drags on the canvas go to the
session.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, Slot

from app.engine.contract import Portrait, Rendered
from app.engine.face.controls import BY_NAME
from app.engine.face.handles import Handle, Pulled
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import N_VERTICES, FaceEdit, FittedFace
from app.session import naming
from app.session.session import Session
from app.ui.canvas.canvas import Canvas
from app.ui.canvas.handles import CanvasFace
from app.ui.widgets.number_field import shown
from app.ui.widgets.track import snap_step

# Pixels of the screen: a dragged point further from the pointer counts as not under it. Chosen by hand
# (tools/handle_pulls.py).
MISSED_PX = 2.0


class CanvasLink(QObject):
    """Connects one canvas with one session; each drag becomes a gesture, which is one undo step."""

    def __init__(self, session: Session, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._session, self._canvas = session, canvas
        self._gesture: int | None = None
        self._before, self._turning = FaceEdit(), False
        self._faces: dict[int, tuple[FittedFace, FaceEdit, CanvasFace]] = {}
        session.portrait_opened.connect(self._on_opened)
        session.faces_changed.connect(self._show_faces)
        session.document_changed.connect(self._show_faces)
        session.drawn_changed.connect(self._on_drawn)
        session.rendered.connect(self._on_rendered)
        session.flow_ready.connect(canvas.set_flow)
        session.closed.connect(self._on_closed)
        canvas.gesture_started.connect(self._on_start)
        canvas.gesture_ended.connect(self._on_end)
        canvas.gesture_cancelled.connect(self._on_cancel)
        canvas.pulled.connect(self._on_pulled)
        canvas.reset_wanted.connect(self._on_reset)
        canvas.face_chosen.connect(session.select_face)
        canvas.box_drawn.connect(session.add_face)

    # -- from the session

    @Slot(object)
    def _on_opened(self, portrait: Portrait) -> None:
        self._faces.clear()
        self._gesture = None
        self._canvas.set_photo(portrait.photo)
        self._show_mesh()

    def _show_mesh(self) -> None:
        model = default_model()
        self._canvas.set_face_mesh(model.triangles, model.nmfc_colours())

    @Slot(object)
    def _on_rendered(self, rendered: Rendered) -> None:
        self._canvas.set_render(rendered.pixels, rendered.alpha)
        self._canvas.set_draft(rendered.draft)

    @Slot()
    def _on_drawn(self) -> None:
        """Take over the landmarks of the drawn picture, which the engine has just said."""
        self._faces.clear()
        self._show_faces()

    @Slot()
    def _on_closed(self) -> None:
        self._canvas.set_photo(None)

    @Slot(object)
    def _show_faces(self) -> None:
        portrait, document = self._session.portrait, self._session.document
        if portrait is None:
            self._canvas.set_faces((), 0)
            return
        faces = tuple(
            self._face(i, face, document.edits.get(i, FaceEdit())) for i, face in enumerate(portrait.faces)
        )
        self._canvas.set_faces(faces, document.active)

    def _face(self, index: int, face: FittedFace, edit: FaceEdit) -> CanvasFace:
        """Return the canvas's face, which is made anew only where the edit changed."""
        kept = self._faces.get(index)
        if kept is not None and kept[0] is face and kept[1] == edit:
            found = kept[2]
        else:
            points = self._session.points(index, edit)
            found = CanvasFace(face.box, face.landmarks[:, :2], points[:, :2], points[:N_VERTICES, 2])
            self._faces[index] = (face, edit, found)
        return found

    # -- from the canvas

    @Slot()
    def _on_start(self) -> None:
        self._gesture = self._session.begin_gesture()
        self._before, self._turning = self._session.edit, False

    @Slot()
    def _on_end(self) -> None:
        if self._gesture is not None:
            self._session.end_gesture()
        self._gesture = None

    @Slot()
    def _on_cancel(self) -> None:
        if self._gesture is not None:
            self._session.cancel_gesture(self._gesture)
        self._gesture = None

    @Slot(object, QPointF, bool, bool)
    def _on_pulled(self, handle: Handle, to: QPointF, turning: bool, snap: bool) -> None:
        if turning != self._turning:  # what was pulled before Shift was pressed stays
            self._turning, self._before = turning, self._session.edit
        grid = snap_step if snap else None
        found = self._session.pull(handle, (to.x(), to.y()), self._before, turning, grid, self._gesture)
        if found is not None:
            missed = found.off * self._canvas.view.zoom > MISSED_PX
            # A roll follows the pointer along an arc, so that a point beside the arc is no end.
            stops = bool(found.ends) or not turning
            self._canvas.show_limit(self._limit(found) if missed and stops else "")

    def _limit(self, pulled: Pulled) -> str:
        """Return why the dragged point is not under the pointer; "" where it is."""
        if not pulled.ends:
            return self.tr("This handle goes no further that way")
        ends = []
        for name in pulled.ends:
            control, value = BY_NAME[name], pulled.edit.get(name)
            at = shown(control, self._session.own_value(name) if value is None else value)
            ends.append(self.tr("{} ends at {}").format(naming.title(control), at))
        return ", ".join(ends)

    @Slot(object)
    def _on_reset(self, handle: Handle) -> None:
        names = [*handle.controls, *handle.turned]
        mirrors = [BY_NAME[name].mirror for name in names if self._session.is_linked(name)]
        self._session.reset((*names, *(mirror for mirror in mirrors if mirror)))
