"""A run's progress: its state, time left, losses and samples, and buttons to pause, continue, stop and keep it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.engine.errors import EngineError
from app.session.training import ACTIVE, Order, RunStep, State, Training
from app.ui import i18n, icons, theme
from app.ui.training.curves import LossCurves


class ProgressView(QWidget):
    """Shows one `Training` and controls it."""

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = training
        self._picture = QPixmap()
        self.state = QLabel(self)
        self.state.setWordWrap(True)
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.detail = QLabel(self)
        self.detail.setWordWrap(True)
        theme.caption(self.detail)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.curves = LossCurves(self)
        self.sample = QLabel(self)
        self.sample.setAccessibleName(self.tr("Samples: real frames above, made ones below"))
        self.sample.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sample.setMinimumHeight(120)
        self.sample.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.pause = self._button(self.tr("Pause"), "pause", training.pause)
        self.resume = self._button(self.tr("Go on"), "play", training.resume)
        self.stop = self._button(self.tr("Stop"), "stop", training.stop)
        self.keep = self._button(self.tr("Make the model now"), "check", self._keep)
        self._lay_out()
        training.stepped.connect(self._on_step)
        training.state_changed.connect(self._on_state)
        training.failed.connect(self._on_failed)
        self._on_state(training.state)

    def _button(self, words: str, icon: str, act: object) -> QPushButton:
        button = QPushButton(words, self)
        icons.put(button, icon)
        button.clicked.connect(act)
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        for button in (self.pause, self.resume, self.stop, self.keep):
            row.addWidget(button)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.state, self.bar, self.detail):
            column.addWidget(widget)
        column.addWidget(self.curves, 1)
        column.addWidget(self.sample, 1)
        column.addLayout(row)

    def begin(self) -> None:
        """Clear everything that the last run left, because a new one begins."""
        self.curves.clear()
        self._picture = QPixmap()
        self.sample.clear()
        self.detail.clear()

    @Slot(object)
    def _on_step(self, step: RunStep) -> None:
        self.bar.setRange(0, step.total)
        self.bar.setValue(min(step.done, step.total))
        if step.step is None:
            scored = step.before is not None  # the page says the scores in the window's words
            self.detail.setText("" if scored else i18n.sentence(step.message))
            if step.total and not self.curves.names():
                self._say_running(self._parts().format(step.done, step.total))
        else:
            self.detail.setText(self.tr("Step {}").format(step.step))
            self.curves.add(step.step, step.losses)
            self._say_running(self.tr("Training: {} left").format(clock(step.total - step.done)))
        if step.picture is not None:
            self._picture = QPixmap(str(step.picture))
            self._show_picture()

    def _parts(self) -> str:
        """Return how many frames of a film are drawn, or how much of a training or a check is prepared, in words."""
        order = self._training.order
        films = order is not None and order.words[:1] == ("reenact",)
        return self.tr("Drawing: {} of {}") if films else self.tr("Preparing: {} of {}")

    def _say_running(self, words: str) -> None:
        """Say how far the run is, unless it is already asked to end."""
        if self._training.state == State.RUNNING:
            self.state.setText(words)

    @Slot(str)
    def _on_state(self, name: str) -> None:
        state, trained = State(name), bool(self.curves.names())
        words = {
            State.IDLE: self.tr("Nothing is being trained."),
            State.RUNNING: self.tr("Starting…"),
            State.PAUSING: self.tr("Pausing: the state is being written."),
            State.PAUSED: self.tr("Paused. “Go on” continues exactly here.")
            if trained
            else self.tr("Paused before the training began. “Go on” prepares again what was not finished."),
            State.STOPPING: self.tr("Stopping…"),
            State.STOPPED: self.tr("Stopped. A training of the same name goes on from here."),
            State.DONE: self.tr("Done."),
        }
        if state in words:
            self.state.setText(words[state])
        if state == State.RUNNING:
            self.bar.setRange(0, 0)
        elif state not in (*ACTIVE, State.PAUSED):  # a pause keeps the bar where it was
            self.bar.setRange(0, 1)
            self.bar.setValue(int(state == State.DONE))
            self.detail.clear()
        order = self._training.order
        resumes = order is None or order.minutes is not None
        self.pause.setVisible(resumes and state in (State.IDLE, State.RUNNING, State.PAUSING))
        self.pause.setEnabled(state == State.RUNNING)
        self.resume.setVisible(state == State.PAUSED)
        self.stop.setEnabled(state in (State.RUNNING, State.PAUSED))
        self.keep.setVisible(state in (State.PAUSED, State.STOPPED) and trained)

    @Slot(object)
    def _on_failed(self, error: EngineError) -> None:
        self.state.setText(str(i18n.in_own_language(error)))
        self.detail.clear()

    @Slot()
    def _keep(self) -> None:
        """Keep what was learnt: resumed without time left, the run only writes its model."""
        order = self._training.order
        assert order is not None
        self._training.start(Order(order.words, order.name, 0.0))

    def _show_picture(self) -> None:
        if not self._picture.isNull():
            aspect, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            self.sample.setPixmap(self._picture.scaled(self.sample.size(), aspect, smooth))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_picture()


def clock(seconds: int) -> str:
    """Return the seconds as h:mm:ss or m:ss."""
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
