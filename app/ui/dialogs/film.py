"""Asks for a clip or performance to render to a film at the photo's own size; a performance can be trimmed
and retimed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.engine.errors import EngineError
from app.engine.files import free_path
from app.engine.imaging.endings import FILMS
from app.engine.sources.performance import Performance
from app.engine.sources.performance_files import read_performance, write_performance
from app.session.resting import RestFinder
from app.ui import i18n, theme
from app.ui.dialogs.parts import do_or_cancel, make_room, with_choose
from app.ui.dialogs.rest_row import RestRow

PERFORMANCES = (".performance", ".csv")


class FilmDialog(QDialog):
    """Asks for the film; `clip`, `output`, `audio` and `rest_at` are the answers once the dialog is accepted."""

    def __init__(
        self, clip: Path | None, folder: Path, finder: RestFinder, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Render a film"))
        self.setMinimumWidth(520)
        self._folder = folder
        self._performance: Performance | None = None
        self._there = False  # whether the driving file exists
        self._words = ""  # what there is to say about it
        self.source = QLineEdit(str(clip) if clip else "", self)
        self.source.setAccessibleName(self.tr("Driven by"))
        self.format = QComboBox(self)
        self.format.setAccessibleName(self.tr("Format"))
        for ending, name in FILMS.items():
            self.format.addItem(name if ending != ".png" else self.tr("PNG pictures in a folder"), ending)
        self.target = QLineEdit(self)
        self.target.setAccessibleName(self.tr("Film"))
        self.sound = QCheckBox(self.tr("With the clip's sound"), self)
        self.sound.setChecked(True)
        self.start, self.end = self._seconds(self.tr("From")), self._seconds(self.tr("To"))
        self.speed = self._seconds(self.tr("Speed"))
        self.speed.setRange(10, 400)
        self.speed.setSuffix(" %")
        self.speed.setDecimals(0)
        self.speed.setValue(100)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        theme.caption(self.note)
        self.buttons, self.go = do_or_cancel(self, self.tr("Render"))
        self.rest = RestRow(finder, self)
        self._lay_out()
        self.rest.changed.connect(self._check)
        self.finished.connect(finder.stop)
        self.source.textChanged.connect(self._on_source)
        self.format.currentIndexChanged.connect(self._on_format)
        self.target.textChanged.connect(self._check)
        self._on_source()
        self.source.selectAll()  # what is typed takes its place

    def _seconds(self, name: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox(self)
        box.setAccessibleName(name)
        box.setSuffix(" s")
        box.setRange(0, 0)
        return box

    def _lay_out(self) -> None:
        trim = QHBoxLayout()
        for box in (self.start, self.end, self.speed):
            trim.addWidget(box)
        form = QFormLayout()
        form.addRow(self.tr("Driven by"), with_choose(self.source, self._browse))
        form.addRow(self.tr("From, to, speed"), trim)
        self._form, self._trim = form, trim
        form.addRow(self.tr("Face at rest"), self.rest)
        form.addRow(self.tr("Format"), self.format)
        form.addRow(self.tr("Film"), self.target)
        form.addRow("", self.sound)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addLayout(form)
        column.addWidget(self.note)
        column.addWidget(self.buttons)

    @property
    def output(self) -> Path:
        return Path(self.target.text()).expanduser()

    @property
    def audio(self) -> bool:
        return self._can_sound and self.sound.isChecked()

    @property
    def rest_at(self) -> float | None:
        """Return the second of the clip that the user chose for the face at rest; a performance contains its
        own.
        """
        return self.rest.at if self._performance is None else None

    def clip(self) -> Path:
        """Return the clip, or the performance as trimmed and retimed, in a file that is kept for the session."""
        path = Path(self.source.text()).expanduser()
        whole = (
            self.start.value() == 0 and self.end.value() >= self.end.maximum() and self.speed.value() == 100
        )
        if self._performance is None or (whole and self.rest.at is None):
            return path
        rested = self._performance if self.rest.at is None else self._performance.resting_at(self.rest.at)
        cut = rested.trimmed(self.start.value(), self.end.value()).retimed(self.speed.value() / 100)
        target = Path(tempfile.mkdtemp(prefix="mien-")) / f"{path.stem}.performance"
        write_performance(cut, target)
        return target

    @Slot()
    def _browse(self) -> None:
        kinds = self.tr("Clips and performances ({})").format(
            "*.mp4 *.mov *.mkv *.webm *.avi *.performance *.csv"
        )
        chosen, _ = QFileDialog.getOpenFileName(self, self.tr("Driven by"), self.source.text(), kinds)
        if chosen:
            self.source.setText(chosen)

    @Slot()
    def _on_source(self) -> None:
        path = Path(self.source.text()).expanduser()
        there = bool(self.source.text()) and path.exists()
        self._performance = None
        words = self.tr("The film has the photo's own size and the clip's own rate.")
        self._words = words if there or not self.source.text() else self.tr("There is no such file.")
        if there and path.suffix.lower() in PERFORMANCES:
            try:
                self._performance = read_performance(path)
            except EngineError as error:
                self._words = str(i18n.in_own_language(error))
                there = False
        length = self._performance.duration if self._performance else 0.0
        for box in (self.start, self.end):
            box.setRange(0, length)
        self.end.setValue(length)
        for part in (self.start, self.end, self.speed):
            part.setEnabled(self._performance is not None)
        self._form.setRowVisible(self._trim, self._performance is not None)
        self.sound.setEnabled(there)
        self._form.setRowVisible(self.rest, there)
        self._there = there
        if self._performance is not None:
            self.rest.show_performance(length, brings=self._performance.neutral is not None)
        elif there:
            self.rest.show_clip(path)
        else:
            self.rest.clear()
        self._check()
        if there:
            self._on_format()

    @property
    def _can_sound(self) -> bool:
        """Return whether the film can have the clip's sound: performances have none, and pictures hold none."""
        return self._performance is None and self.output.suffix.lower() not in ("", ".png")

    @Slot()
    def _check(self) -> None:
        self._form.setRowVisible(self.sound, self._can_sound)
        self.go.setEnabled(self._there and self.rest.usable)
        replaces = self._there and _written(self.output).exists()
        replaced = self.tr("This file exists and will be replaced.") if replaces else ""
        self.note.setText(f"{self._words} {replaced}".rstrip())
        make_room(self)

    @Slot()
    def _on_format(self) -> None:
        stem = Path(self.source.text()).stem or "mien"
        own = self._folder / f"{stem}-mien{self.format.currentData()}"
        self.target.setText(str(free_path(own, lambda path: _written(path).exists())))


def _written(path: Path) -> Path:
    """Return where a film of this name is written: a name for pictures is that of their folder."""
    return path.with_suffix("") if path.suffix == ".png" else path
