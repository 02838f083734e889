"""Makes a film of a trained person's whole frames, driven by a clip, before any background."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.engine.checkpoints import store as weights
from app.engine.imaging.endings import CLIPS, PERFORMANCES, PICTURES, patterns
from app.session.training import Order
from app.ui import theme
from app.ui.training.form import PathField

KINDS = ("head2head", "head2headfs")
PARTING = "head2headfs"  # the kind whose models separate the person from the background


class ReenactPage(QWidget):
    """Asks for the film; the signal `ordered` starts it."""

    ordered = Signal(object)  # Order

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._busy = False
        self.model = self._combo(self.tr("Personal model"))
        self.driver = PathField(self.tr("Driven by"), self._ask_driver, self)
        self.mode = self._combo(self.tr("Takes"))
        self.mode.addItem(self.tr("head, expression and eyes"), "head")
        self.mode.addItem(self.tr("the expression alone"), "face")
        self.background = self._combo(self.tr("Background"))
        for words, kind in (
            (self.tr("the footage's own"), "keep"),
            (self.tr("a picture"), "picture"),
            (self.tr("a colour"), "colour"),
            (self.tr("transparent"), "transparent"),
        ):
            self.background.addItem(words, kind)
        self.picture = PathField(self.tr("Picture behind"), self._ask_picture, self)
        self.colour = QLineEdit("#00b140", self)
        self.colour.setInputMask("\\#HHHHHH;_")
        self.colour.setAccessibleName(self.tr("Colour behind"))
        self.target = PathField(self.tr("Film"), self._ask_target, self)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        theme.caption(self.note)
        self.go = QPushButton(self.tr("Render"), self)
        theme.make_primary(self.go)
        self._lay_out()
        for combo in (self.model, self.mode, self.background):
            combo.currentIndexChanged.connect(self._on_choice)
        for field in (self.driver, self.picture, self.target):
            field.changed.connect(self._enable)
        self.colour.textChanged.connect(self._enable)
        self.go.clicked.connect(lambda: self.ordered.emit(self._order()))
        self.refresh()

    def _combo(self, name: str) -> QComboBox:
        combo = QComboBox(self)
        combo.setAccessibleName(name)
        return combo

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        self._form.addRow(self.tr("Personal model"), self.model)
        self._form.addRow(self.tr("Driven by"), self.driver)
        self._form.addRow(self.tr("Takes"), self.mode)
        self._form.addRow(self.tr("Background"), self.background)
        self._form.addRow(self.tr("Picture behind"), self.picture)
        self._form.addRow(self.tr("Colour behind"), self.colour)
        self._form.addRow(self.tr("Film"), self.target)
        column = QVBoxLayout(self)
        column.addLayout(self._form)
        column.addWidget(self.note)
        column.addWidget(self.go)
        column.addStretch()

    def refresh(self) -> None:
        """Look again for personal models."""
        chosen = self.model.currentText()
        self.model.clear()
        for model in weights.models():
            if model.kind in KINDS:
                self.model.addItem(model.name, model.kind)
        self.model.setCurrentIndex(max(0, self.model.findText(chosen)))
        self._on_choice()

    def set_busy(self, busy: bool) -> None:
        """Allow or forbid a new film, which cannot begin while something else runs."""
        self._busy = busy
        self._enable()

    def _behind(self) -> str:
        kind: str = self.background.currentData()
        if kind == "picture":
            return str(self.picture.paths()[0])
        return self.colour.text() if kind == "colour" else kind

    def _order(self) -> Order:
        words = ["reenact", self.model.currentText(), str(self.driver.paths()[0])]
        words += ["--mode", self.mode.currentData(), "--background", self._behind()]
        words += ["--output", str(self.target.paths()[0])]
        return Order(tuple(words), f"reenact-{self.model.currentText()}")

    @Slot()
    def _on_choice(self) -> None:
        parting = self.model.currentData() == PARTING
        if not parting:
            self.background.setCurrentIndex(0)
        self.background.setEnabled(parting)
        kind = self.background.currentData()
        self._form.setRowVisible(self.picture, kind == "picture")
        self._form.setRowVisible(self.colour, kind == "colour")
        if self.model.count() == 0:
            self.note.setText(self.tr("Train a personal model first."))
        elif not parting:
            few_shot = self.tr("Only few-shot models (Head2HeadFS) can be parted from their background.")
            self.note.setText(few_shot)
        else:
            self.note.setText(
                self.tr("A film, or for transparency a folder of pictures: a name ending in .png.")
            )
        self._enable()

    @Slot()
    def _enable(self) -> None:
        kind = self.background.currentData()
        behind = kind != "picture" or self.picture.are_there()
        behind = behind and (kind != "colour" or self.colour.hasAcceptableInput())
        target = self.target.paths()[:1]
        place = bool(target) and target[0].parent.is_dir() and not target[0].is_dir()
        ready = self.model.count() > 0 and self.driver.are_there() and behind and place
        self.go.setEnabled(ready and not self._busy)

    def _ask_driver(self) -> list[str]:
        kinds = self.tr("Clips and performances ({})").format(patterns((*CLIPS, *PERFORMANCES)))
        return [p for p in QFileDialog.getOpenFileName(self, self.tr("Driven by"), "", kinds)[:1] if p]

    def _ask_picture(self) -> list[str]:
        kinds = self.tr("Pictures ({})").format(patterns(PICTURES))
        return [p for p in QFileDialog.getOpenFileName(self, self.tr("Picture behind"), "", kinds)[:1] if p]

    def _ask_target(self) -> list[str]:
        ending = ".png" if self.background.currentData() == "transparent" else ".mp4"
        name = str(Path.home() / f"{self.model.currentText()}{ending}")
        kinds = self.tr("Films ({})").format("*.mp4 *.webm *.png")
        return [p for p in QFileDialog.getSaveFileName(self, self.tr("Film"), name, kinds)[:1] if p]
