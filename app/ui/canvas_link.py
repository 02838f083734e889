"""Keeps the canvas and the session in step: what is shown, and what is dragged."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from app.engine.contract import Portrait, Rendered
from app.engine.face.parameters import FaceEdit, FittedFace
from app.session import verbs
from app.session.session import Session
from app.ui.canvas.canvas import Canvas
from app.ui.canvas.handles import CanvasFace


class CanvasLink(QObject):
    """One canvas over one session; drags become gestures, one undo step each."""

    def __init__(self, session: Session, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._session, self._canvas = session, canvas
        self._gesture: int | None = None
        self._start: dict[str, float] = {}
        self._faces: dict[int, tuple[FittedFace, FaceEdit, CanvasFace]] = {}
        session.portrait_opened.connect(self._on_opened)
        session.faces_changed.connect(self._show_faces)
        session.document_changed.connect(self._show_faces)
        session.rendered.connect(self._on_rendered)
        session.flow_ready.connect(canvas.set_flow)
        session.closed.connect(self._on_closed)
        canvas.gesture_started.connect(self._on_start)
        canvas.gesture_ended.connect(self._on_end)
        canvas.gesture_cancelled.connect(self._on_cancel)
        canvas.landmark_dragged.connect(self._on_landmark)
        canvas.head_turned.connect(self._on_head)
        canvas.gaze_dragged.connect(self._on_gaze)
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
        from app.engine.face.morphable_model import default_model

        model = default_model()
        self._canvas.set_face_mesh(model.triangles, model.nmfc_colours())

    @Slot(object)
    def _on_rendered(self, rendered: Rendered) -> None:
        self._canvas.set_render(rendered.pixels, rendered.alpha)

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
        """Made anew only where the edit changed."""
        kept = self._faces.get(index)
        if kept is not None and kept[0] is face and kept[1] == edit:
            shown = kept[2]
        else:
            points = verbs.points(face, edit)
            camera = face.params.camera
            own, now = face.landmarks[:, :2], points[:, :2]
            shown = CanvasFace(face.box, own, now, camera.scale, camera.roll, points[:468, 2])
            self._faces[index] = (face, edit, shown)
        return shown

    # -- from the canvas

    @Slot()
    def _on_start(self) -> None:
        self._gesture = self._session.begin_gesture()
        names = ("yaw", "pitch", "roll", "gaze_x", "gaze_y")
        self._start = {name: self._session.value(name) for name in names}

    @Slot()
    def _on_end(self) -> None:
        if self._gesture is not None:
            self._session.end_gesture(self._gesture)
        self._gesture = None

    @Slot()
    def _on_cancel(self) -> None:
        if self._gesture is not None:
            self._session.cancel_gesture(self._gesture)
        self._gesture = None

    @Slot(int, float, float)
    def _on_landmark(self, landmark: int, x: float, y: float) -> None:
        self._session.drag(landmark, (x, y), self._gesture)

    @Slot(float, float, float)
    def _on_head(self, yaw: float, pitch: float, roll: float) -> None:
        self._turn({"yaw": yaw, "pitch": pitch, "roll": roll})

    @Slot(float, float)
    def _on_gaze(self, across: float, up: float) -> None:
        self._turn({"gaze_x": across, "gaze_y": up})

    def _turn(self, by: dict[str, float]) -> None:
        """Only what moved: an angle that stays at its start is left alone."""
        changes: dict[str, float | None] = {}
        for name, degrees in by.items():
            if degrees or self._session.edit.get(name) is not None:
                changes[name] = self._session.held(name, self._start[name] + degrees)
        self._session.set_values(changes, gesture=self._gesture)
