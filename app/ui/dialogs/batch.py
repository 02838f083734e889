"""Applies one edit to many photos: the dialog asks which photos and where to, and shows progress and
failures.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.engine.contract import Step
from app.session.batch import Batch, PhotoStep, photos_in, run_batch
from app.session.presets import Preset
from app.session.session import Session
from app.session.settings import Settings
from app.session.worker import Answer, Job
from app.ui import i18n, icons, theme
from app.ui.dialogs.export import FormatOptions
from app.ui.dialogs.parts import with_choose
from app.ui.panels.presets_panel import title
from app.ui.remaining import Remaining, duration


class BatchDialog(QDialog):
    """A dialog beside the window, which stays usable; cancelling keeps the files written so far."""

    def __init__(
        self, session: Session, settings: Settings, presets: tuple[Preset, ...], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Export a folder"))
        self.setMinimumSize(560, 620)
        self._session, self._settings = session, settings
        self._photos: tuple[Path, ...] = ()
        self._guessed = ""  # the target that the dialog proposed, to tell whether the user changed it
        self._job: Job | None = None
        self._remaining = Remaining()
        self.failures: list[str] = []
        self.written: list[Path] = []
        self.doubted = 0  # written photos in which something is made up, or that lack something of their file
        self._make_choices(presets)
        self._make_progress()
        self._lay_out()
        self._check()

    def _make_choices(self, presets: tuple[Preset, ...]) -> None:
        self.source = QLineEdit(self)
        self.source.setAccessibleName(self.tr("Photos"))
        self.source.setPlaceholderText(self.tr("A folder of photos"))
        self.source.textChanged.connect(self._on_source)
        self.target = QLineEdit(self)
        self.target.setAccessibleName(self.tr("Export to"))
        self.target.textChanged.connect(self._check)
        self.edit = QComboBox(self)
        self.edit.setAccessibleName(self.tr("Edit to apply"))
        if self._session.edit.values:
            self.edit.addItem(self.tr("As the face that is open"), Preset.of("", self._session.edit))
        self.edit.addItem(self.tr("No preset"), None)
        for preset in presets:
            self.edit.addItem(title(preset), preset)
        self.strength = self._slider(self.tr("Strength"), 100)
        self.frontalise = self._slider(self.tr("Frontalise"), 0)
        self.neutralise = self._slider(self.tr("Neutralise"), 0)
        self.all_faces = QCheckBox(self.tr("Every face, not only the largest"), self)
        self.all_faces.setChecked(True)
        self.format = FormatOptions(self._settings.export_options, "", self)
        self.format.changed.connect(self._check)
        self.edit.currentIndexChanged.connect(self._check)

    def _slider(self, name: str, value: int) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setRange(0, 100)
        slider.setValue(value)
        slider.setAccessibleName(name)
        slider.valueChanged.connect(self._check)
        return slider

    def _make_progress(self) -> None:
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.bar = QProgressBar(self)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.bar.setTextVisible(False)
        self.list = QListWidget(self)
        self.list.setAccessibleName(self.tr("Photos that failed, or should be looked at"))
        self.list.setWordWrap(True)
        self.list.hide()
        self.bar.hide()
        self.go = QPushButton(self.tr("Export"), self)
        theme.make_primary(self.go)
        self.go.clicked.connect(self.start)
        self.stop = QPushButton(self.tr("Close"), self)
        self.stop.clicked.connect(self._on_stop)

    def _lay_out(self) -> None:
        self.choices = QWidget(self)
        chosen = QVBoxLayout(self.choices)
        chosen.setContentsMargins(0, 0, 0, 0)
        chosen.setSpacing(10)
        form = QFormLayout()
        form.setSpacing(8)
        form.addRow(self.tr("Photos"), with_choose(self.source, self._browse_source))
        form.addRow(self.tr("Edit to apply"), self.edit)
        form.addRow(self.tr("Strength"), self._with_number(self.strength))
        form.addRow(self.tr("Frontalise"), self._with_number(self.frontalise))
        form.addRow(self.tr("Neutralise"), self._with_number(self.neutralise))
        form.addRow("", self.all_faces)
        form.addRow(self.tr("Export to"), with_choose(self.target, self._browse_target))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.stop)
        buttons.addWidget(self.go)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        chosen.addLayout(form)
        self.format.line_up_with(form)
        chosen.addWidget(self.format)
        column.addWidget(self.choices)
        column.addWidget(self.note)
        column.addWidget(self.bar)
        column.addWidget(self.list, 1)
        column.addStretch(0)
        column.addLayout(buttons)

    def _with_number(self, slider: QSlider) -> QHBoxLayout:
        row = QHBoxLayout()
        number = QLabel(f"{slider.value()} %", self)
        number.setFixedWidth(44)
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        slider.setProperty("number", number)
        row.addWidget(slider, 1)
        row.addWidget(number)
        return row

    def choose(self, photos: tuple[Path, ...]) -> None:
        """Take these photos and no others, until a folder is typed or chosen."""
        self.source.setText(", ".join(photo.name for photo in photos))
        self.source.setCursorPosition(0)  # the first names are read, not the last
        self.source.setToolTip("\n".join(str(photo) for photo in photos))
        self._take(photos)

    @property
    def running(self) -> bool:
        return self._job is not None and self._job is self._session.job

    @Slot()
    def _browse_source(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, self.tr("Photos"), self.source.text()):
            self.source.setText(chosen)

    @Slot()
    def _browse_target(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, self.tr("Export to"), self.target.text()):
            self.target.setText(chosen)

    @Slot()
    def _on_source(self) -> None:
        folder = Path(self.source.text()).expanduser()
        self.source.setToolTip("")
        self._take(photos_in(folder) if self.source.text() and folder.is_dir() else ())

    def _take(self, photos: tuple[Path, ...]) -> None:
        self._photos = photos
        # Each folder that a typed path passes through is taken at once.
        if self.target.text() == self._guessed:
            self._guessed = str(photos[0].parent / "mien") if photos else ""
            self.target.setText(self._guessed)
        self._check()

    @Slot()
    def _check(self) -> None:
        for slider in (self.strength, self.frontalise, self.neutralise):
            if number := slider.property("number"):
                number.setText(f"{slider.value()} %")
        if self.running:
            return
        self.strength.setEnabled(self.edit.currentData() is not None)
        asks = self.edit.currentData() is not None or self.frontalise.value() or self.neutralise.value()
        count = len(self._photos)
        self.go.setEnabled(bool(count and asks and self.target.text()))
        verbs = {0: self.tr("Export"), 1: self.tr("Export one photo")}
        self.go.setText(verbs.get(count, self.tr("Export {} photos").format(count)))
        if self.source.text() and not count:
            there = Path(self.source.text()).expanduser().is_dir()
            empty, gone = self.tr("There are no photos in this folder."), self.tr("There is no such folder.")
            self.note.setText(empty if there else gone)
        elif not asks:
            self.note.setText(self.tr("Choose a preset, or a strength to frontalise or neutralise by."))
        else:
            stay = self.tr("The photos themselves stay as they are.")
            self.note.setText(f"{self.format.losses()} {stay}".strip())

    def batch(self) -> Batch:
        """Return the batch that the dialog describes."""
        preset = self.edit.currentData()
        return Batch(
            photos=self._photos,
            folder=Path(self.target.text()).expanduser(),
            parts=((preset, self.strength.value() / 100),) if preset else (),
            frontalise=self.frontalise.value() / 100,
            neutralise=self.neutralise.value() / 100,
            all_faces=self.all_faces.isChecked(),
            suffix=self.format.suffix,
            options=self.format.options(),
        )

    @Slot()
    def start(self) -> None:
        """Begin the batch; the window stays usable."""
        batch = self.batch()
        job = Job(
            self.tr("Exporting a folder"),
            lambda engine: run_batch(engine, batch),
            self._on_step,
            self._on_ended,
            self._session.document.generator,
            in_status_bar=False,
        )
        if not self._session.begin_job(job):
            return
        self._job = job
        self.failures, self.written, self.doubted = [], [], 0
        self._remaining.start()
        self.list.clear()
        self.list.hide()
        self.bar.setRange(0, len(batch.photos))
        self.bar.setValue(0)
        self.bar.show()
        self.go.setEnabled(False)
        self.choices.setEnabled(False)  # what is changed now would not be what is written
        self.stop.setText(self.tr("Cancel"))

    def _on_step(self, step: Step) -> None:
        assert isinstance(step, PhotoStep)
        if step.written is not None:
            self.written.append(step.written)
        if step.failure is not None:
            words = str(i18n.in_own_language(step.failure))
            self.failures.append(words)
            self._name(f"{step.message}: {words}" if step.opened else words, "error")
        if step.doubts:
            self.doubted += 1
            words = " ".join(i18n.sentence(doubt) for doubt in step.doubts)
            self._name(f"{step.message}: {words}", "accent")
        self.bar.setValue(step.done)
        left = self._remaining.seconds(step.done, step.total)
        words = self.tr("{} of {} · {} left") if left else self.tr("{} of {}")
        self.note.setText(words.format(step.done, step.total, duration(left)))

    def _name(self, words: str, colour: str) -> None:
        """Name a photo that the user should look at."""
        QListWidgetItem(words, self.list).setIcon(icons.icon("warning", colour))
        self.list.show()

    def _on_ended(self, answer: Answer) -> None:
        self.stop.setText(self.tr("Close"))
        self.choices.setEnabled(True)
        self._check()
        words = self.tr("{} exported").format(len(self.written))
        if self.failures:
            words += ", " + self.tr("{} failed").format(len(self.failures))
        if self.doubted:
            words += ", " + self.tr("{} to be looked at").format(self.doubted)
        if answer.closed:
            words += ", " + self.tr("cancelled")
        self.note.setText(words + ".")

    @Slot()
    def _on_stop(self) -> None:
        if self.running:
            self._session.cancel_job()
        else:
            self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.running:
            self._session.cancel_job()
        super().closeEvent(event)
