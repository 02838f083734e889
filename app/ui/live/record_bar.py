"""Builds the bar with record, pause, performance and virtual camera, and with the film's length, the disk's room and
the delay.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QStandardPaths, Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.engine.driving.steps import LiveStep
from app.engine.errors import EngineError
from app.engine.film.recorder import Recording
from app.engine.imaging.endings import FILMS, PERFORMANCES
from app.session.live import SIDES, Live
from app.session.values import filled
from app.ui import icons, stages, theme
from app.ui.widgets.folding_group import FoldingGroup


class RecordBar(QWidget):
    """Holds Record, the one primary action of the workspace Live, and what belongs to it."""

    film_wanted = Signal()

    def __init__(self, live: Live, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._live = live
        self.clip: Path | None = None  # the clip whose sound goes into the film
        self.driver: Path | None = None  # the chosen clip or performance, which Record starts too
        self._shown_error: EngineError | None = None
        self.setAutoFillBackground(True)
        self.record = QPushButton(self.tr("Record"), self)
        theme.make_primary(self.record)
        self.record.clicked.connect(self.toggle_record)
        self.pause = QPushButton(self.tr("Pause"), self)
        icons.put(self.pause, "pause")
        self.pause.setCheckable(True)
        self.pause.toggled.connect(live.pause)
        self.keep = QPushButton(self.tr("Keep performance"), self)
        icons.put(self.keep, "performance")
        self.keep.setToolTip(self.tr("Record the driver's 35 numbers a frame, to render later at full size"))
        self.keep.clicked.connect(self._on_keep)
        self.film = QPushButton(self.tr("Render a film…"), self)
        self.film.setToolTip(self.tr("Drive the portrait by a clip or performance at full size, into a film"))
        self.film.clicked.connect(self.film_wanted)
        self.format = QComboBox(self)
        self.format.setAccessibleName(self.tr("Recordings as"))
        self.format.setToolTip(self.tr("What the next recording is written as"))
        for ending, name in FILMS.items():
            self.format.addItem(name if ending != ".png" else self.tr("PNG pictures in a folder"), ending)
        self.side = QComboBox(self)
        self.side.setAccessibleName(self.tr("Size while live"))
        self.side.setToolTip(self.tr("The size of the moving portrait and of its recordings"))
        self.side.activated.connect(self._on_side)
        self.camera = QCheckBox(self.tr("Virtual camera"), self)
        self.camera.clicked.connect(live.send)
        self.state = QLabel(self)
        self.state.setAccessibleName(self.tr("Recording"))
        self.numbers, self.size_ = QLabel(self), QLabel(self)
        for label in (self.numbers, self.size_):
            theme.caption(label)
        # In a narrow window these become narrower, and the badge does not.
        self.numbers.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.numbers.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.state.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
        self._lay_out()
        live.stepped.connect(self._on_step)
        for signal in (live.started, live.stopped, live.failed, live.recorded):
            signal.connect(self._show_state)
        live.saving.connect(self._on_saving)
        self._show_state()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 8, 6)
        row.setSpacing(8)
        row.addWidget(self.record)
        row.addWidget(self.state)
        row.addWidget(self.size_)
        row.addWidget(self.numbers, 1)
        row.addWidget(self.pause)

    def add_choice(self, choice: QWidget) -> None:
        """Add, at the bar's end, something that is chosen before recording starts."""
        row = self.layout()
        assert row is not None
        row.addWidget(choice)

    def output_group(self, parent: QWidget) -> FoldingGroup:
        """Make the group of what else can be done with the moving portrait, for a panel."""
        group = FoldingGroup(self.tr("Output"), parent=parent)
        for widget in (self.side, self.format, self.keep, self.film, self.camera):
            group.body.addWidget(widget)
            group.body.addSpacing(6)
        return group

    def choose(self, driver: Path | None) -> None:
        """Set what Record starts where nothing runs yet: a clip or a performance, None for a camera."""
        performance = driver is not None and driver.suffix.lower() in PERFORMANCES
        self.driver, self.clip = driver, None if performance else driver
        self._show_state()

    @Slot()
    def toggle_record(self) -> None:
        """Start a film named by the time, or finish it."""
        if self._live.recording:
            self._live.stop_recording(self.clip)
        elif self._live.running:
            self._live.record(new_path(self.format.currentData()))
        elif self.driver is not None:  # record the driver from its first frame on
            self._live.start_clip(self.driver, new_path(self.format.currentData()))
        else:  # the clip has ended, or nothing has driven yet
            self._live.start_recording(new_path(self.format.currentData()))
        self._show_state()

    @Slot()
    def _on_side(self) -> None:
        self._live.side = self.side.currentData()
        self._show_state()

    @Slot()
    def show_sizes(self) -> None:
        """List the sizes at which the open portrait can be driven and recorded."""
        chosen = self._live.side
        self.side.clear()
        for side in SIDES:
            self._live.side = side
            width, height = self._live.size
            if width and self.side.findText(f"{width} × {height}") < 0:
                self.side.addItem(f"{width} × {height}", side)
        self._live.side = chosen
        self.side.setCurrentIndex(max(0, self.side.findData(chosen)))
        self._show_state()

    @Slot()
    def _on_keep(self) -> None:
        if self._live.keeping:
            self._live.save_performance(new_path(".performance"))
        else:
            self._live.keep_performance()
        self._show_state()

    @Slot()
    def _show_state(self) -> None:
        live, t = self._live, theme.current()
        for button in (self.pause, self.keep, self.camera):
            button.setEnabled(live.running)
        self.record.setEnabled(live.running or live.can_begin or self.driver is not None)
        self.side.setEnabled(not live.running)
        width, height = live.size
        self.size_.setText(self.tr("Records {} × {}").format(width, height) if width else "")
        self.size_.setVisible(
            not live.recording
        )  # the size is chosen by then, and badge and numbers need the room
        self.record.setText(self.tr("Stop recording") if live.recording else self.tr("Record"))
        icons.put(self.record, "stop" if live.recording else "record", "on_accent")
        self.keep.setText(self.tr("Save performance") if live.keeping else self.tr("Keep performance"))
        self.camera.setChecked(live.sending)
        if not live.running:
            self.pause.setChecked(False)
            self.numbers.clear()
        red = f"background: {t.recording}; color: white; font-weight: 700; padding: 5px 10px; border-radius: 4px;"
        self.state.setStyleSheet(red if live.recording else "")
        if not live.recording:
            self.state.setText(self.tr("Saving…") if live.unsaved else "")
        elif "REC" not in self.state.text():  # the first picture may take seconds
            self.state.setText(f"● REC {clock(0.0)}")

    def show_numbers(self, parts: list[str]) -> None:
        """Show as many numbers as fit; the first ones are left out first."""
        texts = [" · ".join(parts[first:]) for first in range(len(parts))]
        fits = [t for t in texts if self.numbers.fontMetrics().horizontalAdvance(t) <= self.numbers.width()]
        self.numbers.setText(fits[0] if fits else "")

    @Slot(float)
    def _on_saving(self, share: float) -> None:
        if not self._live.recording:
            self.state.setText(self.tr("Saving… {:.0f} %").format(100 * share))

    @Slot(object)
    def _on_step(self, step: LiveStep) -> None:
        recording = step.recording
        if recording is not None and self._live.recording:
            left = filled(self.tr("{:.1f} GB left"), recording.disk_left / 1e9)
            self.state.setText(f"● REC {clock(recording.seconds)}   {left}")
            error = recording.error
            if error is not None and error is not self._shown_error:
                self._shown_error = (
                    error  # for example, the disk is full: keep the film so far, and report it once
                )
                self._live.stop_recording()
                self._live.failed.emit(error)
        driven = step.driven
        if driven is not None:
            parts = [self.tr("{:.0f} fps").format(step.fps)]
            if step.latency_ms is not None:
                parts.append(self.tr("latency {:.0f} ms").format(step.latency_ms))
            if recording is not None and recording.dropped:
                parts.append(self.tr("{} not recorded").format(recording.dropped))
            self.show_numbers(parts)
            self.numbers.setToolTip("\n".join(stages.lines(driven.ms)))


def new_path(suffix: str) -> Path:
    """Return a path in the folder of films, named by the time; the folder may not exist yet."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
    folder = Path(place or Path.home()) / "Mien"
    return folder / f"Mien {datetime.now():%Y-%m-%d %H-%M-%S}{suffix}"


def interrupted_films() -> list[Path]:
    """Return the films in the folder of films whose recording a crash interrupted, and which play."""
    folder = new_path(".mp4").parent
    found = [film for film in folder.glob("*.recording*") if film.suffix in FILMS and film.is_file()]
    return sorted(film for film in found if film.stat().st_size)


def clock(seconds: float) -> str:
    """Return seconds as hh:mm:ss."""
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def described(recording: Recording) -> str:
    """Return a finished film's name and length in a few words."""
    one = QCoreApplication.translate("RecordBar", "one frame")
    more = QCoreApplication.translate("RecordBar", "{} frames").format(recording.pictures)
    frames = one if recording.pictures == 1 else more
    return filled("{} · {} · {:.1f}\u00a0s", recording.path.name, frames, recording.duration)
