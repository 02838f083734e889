"""Lets the user drag the face itself: it knows where landmarks are drawn, and what pulling a handle asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from app.engine.contract import DrawnFace
from app.engine.face.controls import Control
from app.engine.face.handles import Handle, Points, Pulled, lever, pull, snapped
from app.engine.face.parameters import FaceEdit, FloatArray
from app.session import naming, values, verbs
from app.session.editing import Editing
from app.session.history import History
from app.session.scheduler import Scheduler


class Hand(QObject):
    """Solves the pulls of handles; each pull is part of a gesture.

    Pulls are solved on the landmarks as the generator draws them, once the engine has said where these are.
    """

    drawn_changed = Signal()  # emitted when the engine has said where a face's landmarks are drawn

    def __init__(
        self, history: History, editing: Editing, scheduler: Scheduler, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._history, self._editing = history, editing
        self._drawn: dict[int, DrawnFace] = {}
        scheduler.drawn_ready.connect(self._on_drawn)
        scheduler.selected.connect(self._on_selected)

    def points(self, index: int, edit: FaceEdit) -> FloatArray:
        """Return (478, 3) px: where the landmarks of a face are drawn for an edit, as far as the generator
        has said.
        """
        portrait = self._history.portrait
        assert portrait is not None
        face, drawn = portrait.faces[index], self._drawn.get(index)
        if drawn is not None and drawn.face is face:
            return drawn.points(edit)
        return verbs.points(face, edit)

    def pull(
        self,
        handle: Handle,
        to: tuple[float, float],
        before: FaceEdit,
        turning: bool = False,
        snap: Callable[[Control], float] | None = None,
        gesture: int | None = None,
    ) -> Pulled | None:
        """Bring a handle of the active face to a point of the photo (px) by the controls that own it.

        before: the edit when the handle was taken; turning: Shift is held; snap: the grid of a control's values.
        """
        face, index = self._history.face, self._history.document.active
        if face is None:
            return None
        turning = turning and bool(handle.turned)
        names = handle.turned if turning else handle.controls
        own = {name: values.own_value(face, name) for name in names}
        place, now = partial(self.points, index), self._history.document.edit
        landmark = handle.landmark
        if turning:
            landmark, to = self._levered(place, before, landmark, to)
        pulled = pull(place, before, names, landmark, to, own, self._editing.is_linked, now)
        edit = pulled.edit if snap is None else snapped(pulled.edit, before, snap)
        self._editing.apply(edit, lambda old, new: naming.pulled(handle, old, new, face), gesture)
        return pulled

    def _levered(
        self, place: Points, before: FaceEdit, landmark: int, to: tuple[float, float]
    ) -> tuple[int, tuple[float, float]]:
        """Return which landmark a roll brings where: the held one to the pointer, or the forehead as far as the
        pointer has gone.
        """
        asked = before.get("roll")
        roll = values.own_value(self._history.face, "roll") if asked is None else asked
        by = lever(place, before, landmark, roll)
        here = place(before)
        x, y = np.asarray(to) + here[by, :2] - here[landmark, :2]
        return by, (float(x), float(y))

    @Slot(int, object)
    def _on_drawn(self, index: int, drawn: DrawnFace) -> None:
        self._drawn[index] = drawn
        self.drawn_changed.emit()

    @Slot()
    def _on_selected(self) -> None:
        """Forget where landmarks were drawn, because another generator draws them elsewhere."""
        self._drawn.clear()
        self.drawn_changed.emit()
