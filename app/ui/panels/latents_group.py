"""Shows a generator's own latent directions, or what the face or the generator needs before they can move it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.engine.contract import GeneratorInfo, LatentControl
from app.engine.face.controls import Control
from app.engine.face.parameters import FaceEdit, FittedFace
from app.session.pictures import Motif, PictureWish
from app.session.session import Session
from app.ui import i18n, icons, theme
from app.ui.panels.binding import Gestures
from app.ui.panels.hover_pictures import HoverPictures
from app.ui.panels.inversion_card import InversionCard
from app.ui.widgets.folding_group import FoldingGroup
from app.ui.widgets.number_field import shown
from app.ui.widgets.parameter_slider import ParameterSlider, chain

# Share of a direction's range, up to which faces stay whole; chosen by eye on the released directions.
SHOWN = 2 / 3


class LatentsGroup(FoldingGroup):
    """Holds a row for each direction; it is hidden for generators that have no latent directions."""

    weights_wanted = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("", folded=True, parent=parent)
        self.heading.setText(self.tr("Latent directions"))
        self.heading.setAccessibleName(self.heading.text())
        self._session = session
        self._info: GeneratorInfo | None = None
        self.rows: list[ParameterSlider] = []
        self._pictures = LatentPictures(session, self)
        self.card = InversionCard(session, self.content)
        self.card.shown.connect(self.heading.setChecked)
        self.missing = QLabel(self.content)
        self.missing.setWordWrap(True)
        self.missing.setContentsMargins(4, 4, 4, 4)
        theme.caption(self.missing)
        self.get = QPushButton(self.tr("Get the weights…"), self.content)
        icons.put(self.get, "download")
        self.get.clicked.connect(self._on_get)
        for widget in (self.card, self.missing, self.get):
            self.body.addWidget(widget)
        self.reset_wanted.connect(self._on_reset)
        self.hide()

    def show_generator(self, info: GeneratorInfo) -> None:
        """Make a row for each of the generator's directions, or say which weights are missing and where they
        come from.
        """
        self._info = info
        for row in self.rows:
            self.body.removeWidget(row)
            row.hide()  # `deleteLater` leaves it on screen for a moment
            row.deleteLater()
        self.rows = [self._row(latent) for latent in info.latents] if info.missing is None else []
        chain(self.rows)
        self._pictures.show_generator(info)
        self.missing.setText(i18n.sentence(info.missing or ""))
        self.missing.setVisible(info.missing is not None)
        self.get.setVisible(info.missing is not None)
        self.setVisible(bool(info.latents))
        self.refresh()

    def refresh(self) -> None:
        for row in self.rows:
            row.show_value(self._session.latent(row.control.name), 0.0)
        self.show_changed(bool(self._session.edit.latents))

    def _row(self, latent: LatentControl) -> ParameterSlider:
        ends = latent.lower, latent.upper
        row = ParameterSlider(
            Control(latent.name, latent.title, "latent", "", *ends, safe=ends), self.content
        )
        gestures = Gestures(self._session, row, row)
        row.edited.connect(lambda value: self._session.set_latent(latent.name, value or 0.0, gestures.number))
        self._pictures.watch(row)
        self.body.addWidget(row)
        return row

    @Slot()
    def _on_get(self) -> None:
        if self._info is not None:
            self.weights_wanted.emit(self._info.name)

    @Slot()
    def _on_reset(self) -> None:
        self._session.apply(replace(self._session.edit, latents=()), self.tr("Reset latent directions"))


class LatentPictures(HoverPictures):
    """Shows what a direction does: the generator's mean face towards either end of it."""

    kind = "latent"
    _models: tuple[str, ...] = ()

    def show_generator(self, info: GeneratorInfo) -> None:
        self._models = info.weights

    @staticmethod
    def _ends(control: Control, face: FittedFace) -> tuple[float, float]:
        return SHOWN * control.lower, SHOWN * control.upper

    @staticmethod
    def _caption(control: Control, face: FittedFace, value: float) -> str:
        return shown(control, value)

    def _wish(self, name: str, value: float, size: int) -> PictureWish:
        edit = FaceEdit(latents=((name, value),))
        return PictureWish(self._session.document.active, edit, Motif.MEAN_FACE, size)

    def _key(self, name: str, side: int) -> tuple[object, ...]:
        return self.kind, self._models, name, side
