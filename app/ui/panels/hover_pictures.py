"""Shows, under the row on which the pointer rests, what its control does at minus and plus two sigmas."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, Slot
from PySide6.QtGui import QIcon, QImage, QPixmap

from app.engine.face.controls import Control
from app.engine.face.parameters import FaceEdit, FittedFace
from app.session import verbs
from app.session.pictures import Motif, PictureWish
from app.session.session import Session
from app.session.values import filled
from app.ui.widgets.number_field import shown
from app.ui.widgets.parameter_slider import ParameterSlider
from app.ui.widgets.picture_pair import PICTURE_PX, PicturePair

SIGMAS = 2.0  # standard deviations by which a component's picture shows it
KEPT = 256  # number of pictures kept, which is more than all controls of one face need


def ends(control: Control, face: FittedFace) -> tuple[float, float]:
    """Return the two values that are shown: where the control has moved the expression by two sigmas, or its
    range's ends.

    Pose and gaze do not count in sigmas; they are shown at the ends of their safe range.
    """
    unit = verbs.sigmas(face, control.name)
    if unit < 1e-6:
        return control.safe
    return max(control.lower, -SIGMAS / unit), min(control.upper, SIGMAS / unit)


def caption(control: Control, face: FittedFace, value: float) -> str:
    """Return the value, and its sigmas where these are another number."""
    words, unit = shown(control, value), verbs.sigmas(face, control.name)
    if control.unit == "σ" or unit < 1e-6:
        return words
    return filled("{} · {:.1f} σ", words, value * unit).replace("-", "−")


class HoverPictures(QObject):
    """One card for all rows; it requests pictures from the session and keeps them while the face stays the
    same.
    """

    kind = "control"

    def __init__(self, session: Session, parent: Any) -> None:
        super().__init__(parent)
        self._session = session
        self._card = PicturePair(parent)
        self._row: ParameterSlider | None = None
        self._kept: dict[Any, QPixmap] = {}
        session.picture_ready.connect(self._on_picture)
        for other in (
            session.portrait_opened,
            session.faces_changed,
            session.active_changed,
            session.closed,
        ):
            other.connect(self._forget)

    def watch(self, row: ParameterSlider) -> None:
        """Show the card for this row whenever the pointer rests on it."""
        row.pictures_wanted.connect(lambda wanted: self._show(row) if wanted else self._hide())

    def _show(self, row: ParameterSlider) -> None:
        face = self._session.face
        if face is None:
            return
        self._row = row
        row.window().installEventFilter(self)
        low, high = self._ends(row.control, face)
        self._card.show_captions(
            self._caption(row.control, face, low), self._caption(row.control, face, high)
        )
        for side, value in enumerate((low, high)):
            self._ask(row.control.name, side, value)
        self._show_card()

    _ends = staticmethod(ends)
    _caption = staticmethod(caption)

    def _show_card(self) -> None:
        """Show the card once both pictures are there, because an empty card says nothing."""
        if self._row is not None and self._card.complete:
            self._card.show_beside(self._row)

    def _hide(self) -> None:
        self._row = None
        self._card.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hide the card when another window comes, over which it would stay."""
        if event.type() == QEvent.Type.WindowDeactivate:
            self._hide()
        return False

    @Slot()
    def _forget(self) -> None:
        """Hide the card and forget all pictures, because they are another face's."""
        self._hide()
        self._kept.clear()

    def _ask(self, name: str, side: int, value: float) -> None:
        key = self._key(name, side)
        if key in self._kept:
            self._card.show_picture(side, self._kept[key])
            return
        size = round(PICTURE_PX * self._card.devicePixelRatioF())
        self._session.request_picture(key, self._wish(name, value, size))

    def _wish(self, name: str, value: float, size: int) -> PictureWish:
        return PictureWish(self._session.document.active, FaceEdit.of(**{name: value}), Motif.NMFC, size)

    def _key(self, name: str, side: int) -> tuple[Any, ...]:
        return self.kind, id(self._session.face), name, side

    @Slot(object, object)
    def _on_picture(self, key: Any, picture: np.ndarray | None) -> None:
        if not isinstance(key, tuple) or key[0] != self.kind or picture is None:
            return
        if len(self._kept) > KEPT:
            self._kept.clear()
        self._kept[key] = to_pixmap(picture)
        if self._row is not None and key == self._key(self._row.control.name, key[3]):
            self._card.show_picture(key[3], self._kept[key])
            self._show_card()


def to_pixmap(picture: np.ndarray) -> QPixmap:
    """Return a picture, (h, w, 3) uint8 sRGB, as a pixmap."""
    height, width = picture.shape[:2]
    data = np.ascontiguousarray(picture)
    return QPixmap.fromImage(QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888))


def untinted(picture: QPixmap) -> QIcon:
    """Return an icon that keeps its colours while it is selected."""
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)
    return icon
