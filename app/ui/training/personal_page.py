"""Trains a model of one person: choose footage, see what it covers, set quality and time, train, compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.engine.imaging.endings import CLIPS, patterns
from app.engine.personal.record import SIZES
from app.session.training import Order, RunStep, first_stages
from app.session.values import filled
from app.ui import icons, theme
from app.ui.training.coverage_plot import CoveragePlot
from app.ui.training.form import PathField, is_name, minutes_box

USUAL = 128  # px; a size that a CPU can learn (docs/personal_models.md)


class PersonalPage(QWidget):
    """The signal `ordered` asks for a run; `portrait_wanted` asks to open the person's photo with the
    finished model.
    """

    ordered = Signal(object)  # Order
    portrait_wanted = Signal(object, str)  # Path, engine's name

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: Mapping[str, Any] = {}
        self._busy = False
        self.footage = PathField(self.tr("Footage"), self._ask_clip, self)
        self.name = QLineEdit("me", self)
        self.name.setAccessibleName(self.tr("Name"))
        self.quality = QComboBox(self)
        self.quality.setAccessibleName(self.tr("Quality"))
        words = (self.tr("Draft"), self.tr("Usual"), self.tr("Fine, best on a graphics card"))
        for size, title in zip(SIZES, words):
            self.quality.addItem(self.tr("{} ({} px)").format(title, size), size)
        self.quality.setCurrentIndex(SIZES.index(USUAL))
        self.minutes = minutes_box(self.tr("Time"), 30.0, self)
        self.start = QComboBox(self)
        self.start.setAccessibleName(self.tr("Start from"))
        self.check = QPushButton(self.tr("Check the footage"), self)
        icons.put(self.check, "search")
        self.train = QPushButton(self.tr("Train"), self)
        theme.make_primary(self.train)
        self.coverage = CoveragePlot(self)
        self.gaps = self._caption(
            self.tr("Ten seconds to ten minutes of one person in one shot; the more poses, the better.")
        )
        self.score = self._caption("")
        self.use = QPushButton(self.tr("Open its portrait with this model"), self)
        icons.put(self.use, "photo")
        self.use.setVisible(False)
        self._lay_out()
        self._connect()
        self.refresh()

    def _caption(self, words: str) -> QLabel:
        label = QLabel(words, self)
        label.setWordWrap(True)
        theme.caption(label)
        return label

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow(self.tr("Footage"), self.footage)
        form.addRow(self.tr("Name"), self.name)
        form.addRow(self.tr("Quality"), self.quality)
        form.addRow(self.tr("Time"), self.minutes)
        form.addRow(self.tr("Start from"), self.start)
        row = QHBoxLayout()
        row.addWidget(self.check)
        row.addWidget(self.train)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addLayout(row)
        for widget in (self.coverage, self.gaps, self.score, self.use):
            column.addWidget(widget)
        column.addStretch()

    def _connect(self) -> None:
        self.footage.changed.connect(self._enable)
        self.name.textChanged.connect(self._enable)
        self.check.clicked.connect(lambda: self.ordered.emit(self._order(check=True)))
        self.train.clicked.connect(lambda: self.ordered.emit(self._order()))
        self.use.clicked.connect(self._on_use)

    def refresh(self) -> None:
        """Look again for first stages from which training can start."""
        chosen = self.start.currentData()
        self.start.clear()
        self.start.addItem(self.tr("nothing (Head2Head++)"), None)
        for folder in first_stages():
            self.start.addItem(self.tr("{} (few-shot, Head2HeadFS)").format(folder.name), folder)
        self.start.setCurrentIndex(max(0, self.start.findData(chosen)))
        self._enable()

    def set_busy(self, busy: bool) -> None:
        """Allow or forbid a new run, which cannot begin while another one runs."""
        self._busy = busy
        self._enable()

    def _order(self, check: bool = False) -> Order:
        clip = self.footage.paths()[0]
        words = ["train", "head2head", str(clip), "--size", str(self.quality.currentData())]
        if check:
            words += ["--check", "--output", self.name.text()]
        elif self.start.currentData() is not None:
            words += ["--start", str(self.start.currentData())]
        self.score.clear()
        self.use.setVisible(False)
        return Order(tuple(words), self.name.text(), None if check else self.minutes.value())

    def take(self, step: RunStep) -> None:
        """Show the scores of the held-out frames, before and after."""
        before, after = step.before, step.after
        if before is None:
            return
        words = self.tr("Last frames of the clip, never trained on: L1 {:.1f} of 255, PSNR {:.1f} dB before")
        text = filled(words, before["l1"], before["psnr"])
        if after is not None:
            text += filled(self.tr("; {:.1f} and {:.1f} dB after"), after["l1"], after["psnr"])
        self.score.setText(text + ".")

    def finish(self, result: Mapping[str, Any]) -> None:
        """Show what a check found, or that a training is done."""
        if "coverage" in result:
            self.coverage.show_rows(result["coverage"])
            self.gaps.setText(self.coverage.words())
        if "portrait" in result:
            self._result = result
            self.use.setVisible(True)

    @Slot()
    def _enable(self) -> None:
        ready = self.footage.are_there() and is_name(self.name.text()) and not self._busy
        self.check.setEnabled(ready)
        self.train.setEnabled(ready)

    @Slot()
    def _on_use(self) -> None:
        self.portrait_wanted.emit(Path(self._result["portrait"]), self._result["engine"])

    def _ask_clip(self) -> list[str]:
        kinds = self.tr("Clips ({})").format(patterns(CLIPS))
        return [p for p in QFileDialog.getOpenFileName(self, self.tr("Footage"), "", kinds)[:1] if p]
