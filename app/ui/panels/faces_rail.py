"""Shows the thin rail: a button to open, the photo's faces to choose from, and a button to draw a missed
one's box.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QToolButton, QVBoxLayout, QWidget

from app.engine.contract import Portrait
from app.engine.face.parameters import FittedFace
from app.engine.imaging.photo import Photo
from app.session.session import Session
from app.ui import icons, theme
from app.ui.canvas.display import to_display
from app.ui.panels.hover_pictures import untinted

RAIL_PX = 84  # logical px across
FACE_PX = 56  # logical px of a face's picture


class FacesRail(QWidget):
    """Shows numbered pictures of the faces, left to right as in the photo; a dot after the name marks a
    changed face.
    """

    open_wanted = Signal()
    box_wanted = Signal(bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setFixedWidth(RAIL_PX)
        self.open = self._button("open", self.tr("Open a photo"))
        self.open.clicked.connect(self.open_wanted)
        caption = QLabel(self.tr("Faces"), self)
        theme.caption(caption)
        self.list = QListWidget(self)
        self.list.setAccessibleName(self.tr("Faces"))
        self.list.setIconSize(QSize(FACE_PX, FACE_PX))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setViewMode(QListWidget.ViewMode.IconMode)
        self.list.setMovement(QListWidget.Movement.Static)
        self.list.setFlow(QListWidget.Flow.TopToBottom)
        self.list.setWrapping(False)
        self.list.setGridSize(QSize(RAIL_PX - 18, FACE_PX + 24))
        self.draw_box = self._button("draw-box", self.tr("Draw a box around a face that was not found"))
        self.draw_box.setCheckable(True)
        self.draw_box.toggled.connect(self.box_wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.open, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(caption)
        column.addWidget(self.list, 1)
        column.addWidget(self.draw_box, 0, Qt.AlignmentFlag.AlignHCenter)
        self.list.currentRowChanged.connect(self._on_row)
        self.list.itemSelectionChanged.connect(self._keep_chosen)
        session.portrait_opened.connect(self._show_portrait)
        session.faces_changed.connect(self._show_portrait)
        session.document_changed.connect(self._show_changes)
        session.active_changed.connect(self._show_changes)
        session.closed.connect(self._on_closed)
        self._on_closed()

    def _button(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        icons.put(button, icon)
        button.setIconSize(QSize(24, 24))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        return button

    @Slot(object)
    def _show_portrait(self, portrait: Portrait) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        ratio = self.devicePixelRatioF()
        for face in portrait.faces:
            item = QListWidgetItem(self.list)
            item.setIcon(untinted(thumbnail(portrait.photo, face, FACE_PX, ratio)))
        self.list.blockSignals(False)
        self.draw_box.setEnabled(True)
        self._show_changes()

    @Slot()
    def _show_changes(self) -> None:
        document = self._session.document
        for index in range(self.list.count()):
            edit = document.edits.get(index)
            changed = edit is not None and not edit.is_identity
            item = self.list.item(index)
            item.setText(f"{index + 1} •" if changed else f"{index + 1}")
            words = self.tr("Face {}, changed") if changed else self.tr("Face {}")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, words.format(index + 1))
        self.list.blockSignals(True)
        self.list.setCurrentRow(document.active if self.list.count() else -1)
        self.list.blockSignals(False)

    @Slot()
    def _on_closed(self) -> None:
        self.list.clear()
        self.draw_box.setEnabled(False)

    @Slot()
    def _keep_chosen(self) -> None:
        """Choose the active face again where a click beside all faces has left none chosen."""
        if self.list.count() and not self.list.selectedItems():
            self.list.setCurrentRow(self._session.document.active)

    @Slot(int)
    def _on_row(self, row: int) -> None:
        if row >= 0:
            self._session.select_face(row)


def thumbnail(photo: Photo, face: FittedFace, side: int, ratio: float) -> QPixmap:
    """Return the face's square of the photo, `side` logical pixels, in the screen's colours."""
    x, y, w, h = face.box
    reach = 0.65 * max(w, h)
    width, height = photo.size
    size = round(side * ratio)
    grid = (np.arange(size) + 0.5) / size * 2 * reach - reach
    columns = np.clip(x + w / 2 + grid, 0, width - 1).astype(int)
    rows = np.clip(y + h / 2 + grid, 0, height - 1).astype(int)
    at = rows[:, None], columns
    alpha = None if photo.alpha is None else photo.alpha[at]
    shown = QPixmap.fromImage(to_display(photo.pixels[at], alpha, photo.icc).levels[0])
    shown.setDevicePixelRatio(ratio)
    return shown
