"""Shows named expressions and poses as pictures of the present face; several can be chosen and mixed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.engine.errors import EngineError
from app.engine.face.controls import Control
from app.engine.face.parameters import FaceEdit
from app.session.pictures import Motif, PictureWish
from app.session.presets import Preset, PresetLibrary, blend, write_presets
from app.session.session import Session
from app.session.values import percent
from app.ui import icons, theme
from app.ui.dialogs.parts import agrees
from app.ui.panels.binding import Gestures
from app.ui.panels.hover_pictures import to_pixmap, untinted
from app.ui.widgets.parameter_slider import ParameterSlider

THUMB_PX = 72  # logical px of a preset's picture
COLUMN_PX = THUMB_PX + 26  # logical px; a column's least width, in which the name below has room
MIXED = 4  # presets that can be mixed at most, as many as their strengths have room for


def title(preset: Preset) -> str:
    """Return a preset's name, in the window's language if it came with Mien."""
    return QCoreApplication.translate("PresetsPanel", preset.name) if preset.shipped else preset.name


class PresetList(QListWidget):
    """A list whose columns share its whole width."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        # Qt keeps a scroll bar's width free whether the bar is there or not.
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent, None, self)
        width = self.width() - 2 * self.frameWidth() - bar - 1
        self.setGridSize(QSize(width // max(1, width // COLUMN_PX), THUMB_PX + 36))
        super().resizeEvent(event)


class PresetsPanel(QWidget):
    """A click applies one preset, and Ctrl+click mixes several; each chosen one has its strength below."""

    failed = Signal(object)  # EngineError of an import or export

    def __init__(self, session: Session, library: PresetLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._library = session, library
        self._presets: dict[str, Preset] = {}
        self._base, self._applied = FaceEdit(), FaceEdit()
        self._strengths: dict[str, float] = {}
        self._rows: dict[str, ParameterSlider] = {}
        self._pictured: object = None
        self.list = self._make_list()
        self.mix = QVBoxLayout()
        self.mix.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.list, 1)
        column.addLayout(self.mix)
        column.addLayout(self._make_buttons())
        session.portrait_opened.connect(self._on_new_face)
        session.active_changed.connect(self._on_new_face)
        session.document_changed.connect(self._on_document)
        session.picture_ready.connect(self._on_picture)
        self.reload()

    def _make_list(self) -> QListWidget:
        listing = PresetList(self)
        listing.setViewMode(QListWidget.ViewMode.IconMode)
        listing.setMovement(QListWidget.Movement.Static)
        listing.setResizeMode(QListWidget.ResizeMode.Adjust)
        listing.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        listing.setIconSize(QSize(THUMB_PX, THUMB_PX))
        listing.setFont(theme.body_font(theme.CAPTION_PX))
        listing.setWordWrap(True)
        listing.setTextElideMode(Qt.TextElideMode.ElideNone)
        listing.setAccessibleName(self.tr("Presets"))
        listing.setToolTip(self.tr("Click to apply, Ctrl+click to mix several"))
        listing.itemSelectionChanged.connect(self._on_selection)
        return listing

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        self.save = self._button("plus", self.tr("Save the present edit as a preset…"), self.ask_save)
        self.load = self._button("import", self.tr("Import presets…"), self.ask_import)
        self.export = self._button("export", self.tr("Export the chosen presets…"), self.ask_export)
        self.delete = self._button(
            "trash", self.tr("Delete the chosen presets of your own"), self.delete_chosen
        )
        for button in (self.save, self.load, self.export):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.delete)
        return row

    def _button(self, icon: str, tip: str, what: Callable[[], object]) -> QToolButton:
        button = QToolButton(self)
        icons.put(button, icon)
        button.setToolTip(tip)
        button.setAccessibleName(tip.rstrip("…"))
        button.clicked.connect(lambda: what())
        return button

    # -- the list

    @Slot()
    def reload(self) -> None:
        """Read the library again."""
        chosen = set(self.chosen)
        self._presets = {preset.name: preset for preset in self._library.all()}
        self._pictured = None
        self.list.blockSignals(True)
        self.list.clear()
        for preset in self._presets.values():
            item = QListWidgetItem(self._title(preset.name), self.list)
            item.setData(Qt.ItemDataRole.UserRole, preset.name)
            item.setIcon(untinted(self._blank()))
            item.setSelected(preset.name in chosen)
        self.list.blockSignals(False)
        self._show_buttons()
        self._ask_pictures()

    def _blank(self) -> QPixmap:
        blank = QPixmap(THUMB_PX, THUMB_PX)
        blank.fill(self.palette().mid().color())
        return blank

    @property
    def chosen(self) -> list[str]:
        """Return the names of the selected presets, in the list's order."""
        items = (self.list.item(at) for at in range(self.list.count()))
        return [item.data(Qt.ItemDataRole.UserRole) for item in items if item.isSelected()]

    @Slot()
    def _on_new_face(self) -> None:
        self._forget_mix()
        self._ask_pictures()

    def showEvent(self, event: QShowEvent) -> None:
        self._ask_pictures()

    def _ask_pictures(self) -> None:
        """Ask for the presets' pictures, once for each face and only while the panel is visible."""
        wanted = self._session.face, tuple(self._presets)
        if self._session.face is None or not self.isVisible() or self._pictured == wanted:
            return
        self._pictured = wanted
        for at in range(self.list.count()):  # those of the face before would be taken for this one's
            self.list.item(at).setIcon(untinted(self._blank()))
        size = round(THUMB_PX * self.devicePixelRatioF())
        for preset in self._presets.values():
            values = blend([(preset, 1.0)], self._session.face)
            wish = PictureWish(self._session.document.active, FaceEdit.of(**values), Motif.RENDER, size)
            self._session.request_picture(("preset", id(self._session.face), preset.name), wish)

    @Slot(object, object)
    def _on_picture(self, key: object, picture: np.ndarray | None) -> None:
        if not isinstance(key, tuple) or key[0] != "preset" or picture is None:
            return
        if key[1] != id(self._session.face):
            return
        for at in range(self.list.count()):
            if self.list.item(at).data(Qt.ItemDataRole.UserRole) == key[2]:
                self.list.item(at).setIcon(untinted(to_pixmap(picture)))

    # -- mixing

    @Slot()
    def _on_selection(self) -> None:
        names = self.chosen[:MIXED]
        self._show_buttons()
        if self._session.face is None:
            return
        self._rebase()
        self._strengths = {name: self._strengths.get(name, 1.0) for name in names}
        self._show_mix()
        self._apply(None)

    def _rebase(self) -> None:
        """Mix presets over the present edit from now on, where it is not what this panel's last mix made."""
        if self._session.edit != self._applied or not self._strengths:
            self._base = self._session.edit
            self._strengths = {}

    def _apply(self, gesture: int | None) -> None:
        parts = [(self._presets[name], share) for name, share in self._strengths.items()]
        self._applied = self._base.with_values(blend(parts, self._session.face))
        self._session.apply(self._applied, self._text(), gesture)

    def _text(self) -> str:
        shares = [f"{self._title(name)} {percent(share)}" for name, share in self._strengths.items()]
        return self.tr("Preset {}").format(" + ".join(shares)) if shares else self.tr("No preset")

    def _title(self, name: str) -> str:
        return title(self._presets[name])

    def _show_mix(self) -> None:
        for row in self._rows.values():
            self.mix.removeWidget(row)
            row.hide()  # it is deleted later, and must not be seen under the new row until then
            row.deleteLater()
        self._rows = {name: self._strength_row(name) for name in self._strengths}

    def _strength_row(self, name: str) -> ParameterSlider:
        row = ParameterSlider(Control("strength", name, "preset", "%", 0, 150, (0, 120), absolute=True), self)
        row.setMinimumWidth(0)
        row.name_label.setMinimumWidth(40)
        row.show_value(100 * self._strengths[name], 100.0)
        gestures = Gestures(self._session, row, row)
        row.edited.connect(lambda value: self._set_strength(name, value, gestures.number))
        self.mix.addWidget(row)
        return row

    def _set_strength(self, name: str, percent: float | None, gesture: int | None) -> None:
        self._strengths[name] = (100.0 if percent is None else percent) / 100
        self._apply(gesture)

    @Slot()
    def _on_document(self) -> None:
        """Forget the mix where undo or another panel has changed what the presets made."""
        if self._strengths and not self._session.in_gesture and self._session.edit != self._applied:
            self._forget_mix()
        self._show_buttons()

    def _forget_mix(self) -> None:
        self._strengths = {}
        self._show_mix()
        self.list.blockSignals(True)
        self.list.clearSelection()
        self.list.blockSignals(False)
        self._show_buttons()

    # -- keeping

    @Slot()
    def _show_buttons(self) -> None:
        own = [name for name in self.chosen if not self._presets[name].shipped]
        self.save.setEnabled(not self._session.edit.is_identity)
        self.export.setEnabled(bool(self.chosen))
        self.delete.setEnabled(bool(own))

    def ask_save(self) -> None:
        """Ask for a name and keep the face's edit under it; a name that is taken is asked about."""
        with self._session.held():
            text, agreed = QInputDialog.getText(self, self.tr("Save preset"), self.tr("Name"))
            name = text.strip()
            if agreed and name and (name not in self._titles() or self._may_replace(name)):
                self.save_as(name)

    def _titles(self) -> set[str]:
        return {*self._presets, *map(self._title, self._presets)}

    def _may_replace(self, name: str) -> bool:
        preset = self._presets.get(name)
        if preset is None or preset.shipped:
            what = self.tr("A preset that came with Mien is named “{}”.").format(name)
            self.failed.emit(EngineError(what, self.tr("Choose another name.")))
            return False
        question = self.tr("There is a preset “{}” already. Replace it?").format(name)
        return agrees(self, self.tr("Save preset"), question, self.tr("Replace"))

    def save_as(self, name: str) -> None:
        """Keep the face's edit under this name, and show where it stands."""
        self._report_errors_of(lambda: self._library.save(Preset.of(name, self._session.edit)))
        if name in self._presets:
            self.list.scrollToItem(self.list.item(list(self._presets).index(name)))

    def ask_import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, self.tr("Import presets"), "", self._filter)
        if path:
            self._report_errors_of(lambda: self._library.load(Path(path)))

    def ask_export(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, self.tr("Export presets"), "presets.json", self._filter)
        if path:
            presets = [self._presets[name] for name in self.chosen]
            self._report_errors_of(lambda: write_presets(Path(path), presets))

    def delete_chosen(self) -> None:
        """Delete the chosen presets of the user's own once the user has agreed."""
        own = [name for name in self.chosen if not self._presets[name].shipped]
        question = self.tr("Delete “{}”? It cannot be brought back.").format(", ".join(own))
        if own and agrees(self, self.delete.accessibleName(), question, self.tr("Delete")):
            for name in own:
                self._report_errors_of(partial(self._library.delete, name))

    @property
    def _filter(self) -> str:
        return self.tr("Presets (*.json)")

    def _report_errors_of(self, what: Callable[[], object]) -> None:
        try:
            what()
        except EngineError as error:
            self.failed.emit(error)
        self.reload()
