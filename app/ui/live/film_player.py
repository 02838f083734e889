"""Plays what was recorded in a small window: frame by frame, as it is in the file."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from app.engine.errors import EngineError
from app.engine.sources.frames import Frame, FrameSource
from app.engine.sources.opening import open_source
from app.session.values import filled
from app.ui import i18n, icons, theme
from app.ui.live.views import LiveView

# Number of frames kept, so that steps back are quick; further back, the film is decoded again. They take about
# 150 MB at 1024 px.
KEPT = 48


class Reel:
    """Gives any frame of a film or a folder of pictures by its number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source: FrameSource = open_source(path)
        self._kept: OrderedDict[int, Frame] = OrderedDict()
        self._next = 0
        self.total = max(1, self._source.total)

    def frame(self, number: int) -> Frame | None:
        """Return a frame, or the last one where the film ends before it; None of an empty film.

        EngineError where the file cannot be read.
        """
        if number < self._next and number not in self._kept:
            self._source.close()
            self._source, self._next = open_source(self._path), 0
            self._kept.clear()
        while self._next <= number and (frame := self._source.take(1.0)) is not None:
            self._kept[self._next] = frame
            self._next += 1
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        if self._source.ended:
            self.total = max(1, self._next)
        return self._kept.get(min(number, self._next - 1))

    def close(self) -> None:
        self._source.close()


class FilmPlayer(QDialog):
    """Plays the film once when it opens; the slider, the arrow keys and the space bar work as in other
    players.
    """

    def __init__(self, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(path.name)
        self.resize(560, 640)
        self.reel = Reel(path)
        self.at = 0
        self.picture = LiveView(self.tr("Film"), "", self)
        self.play = self._button("play", self.tr("Play or pause (space bar)"), self.toggle)
        self.back = self._button("step-back", self.tr("One frame back"), lambda: self.step(-1))
        self.forth = self._button("step-on", self.tr("One frame on"), lambda: self.step(1))
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName(self.tr("Frame"))
        self.slider.valueChanged.connect(self._on_slider)
        self.words = QLabel(self)
        theme.caption(self.words)
        row = QHBoxLayout()
        for widget in (self.back, self.play, self.forth):
            row.addWidget(widget)
        row.addWidget(self.slider, 1)
        row.addWidget(self.words)
        column = QVBoxLayout(self)
        column.addWidget(self.picture, 1)
        column.addLayout(row)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._on_time)
        self.go_to(0)
        self.toggle()

    def _button(self, icon: str, tip: str, what: object) -> QPushButton:
        button = QPushButton(self)
        icons.put(button, icon)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setAutoDefault(False)
        button.clicked.connect(lambda: what())  # type: ignore[operator]
        return button

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    def go_to(self, number: int) -> None:
        """Show one frame."""
        try:
            frame = self.reel.frame(max(0, number))
        except EngineError as error:
            self.picture.say(str(i18n.in_own_language(error)))
            return
        if frame is None:
            return
        self.at = frame.index
        self._lasts = frame.duration or 0.04
        self.picture.show_picture(frame.pixels)
        self.slider.blockSignals(True)
        self.slider.setRange(0, self.reel.total - 1)
        self.slider.setValue(self.at)
        self.slider.blockSignals(False)
        self.words.setText(
            filled(self.tr("frame {} of {} · {:.1f} s"), self.at + 1, self.reel.total, frame.time)
        )

    def step(self, by: int) -> None:
        """Pause, and show the frame `by` frames further."""
        self._pause()
        self.go_to(self.at + by)

    def toggle(self) -> None:
        """Pause, or play on; at the film's end, play from its start."""
        if self.playing:
            self._pause()
            return
        if self.at >= self.reel.total - 1:
            self.go_to(0)
        self._timer.start(round(1000 * self._lasts))
        icons.put(self.play, "pause")

    def _pause(self) -> None:
        self._timer.stop()
        icons.put(self.play, "play")

    @Slot()
    def _on_time(self) -> None:
        before = self.at
        self.go_to(self.at + 1)
        if self.at == before:
            self._pause()
        else:
            self._timer.start(round(1000 * self._lasts))

    @Slot(int)
    def _on_slider(self, number: int) -> None:
        self._pause()
        self.go_to(number)

    def keyPressEvent(self, event) -> None:  # type: ignore[no-untyped-def]
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in steps:
            self.step(steps[event.key()])
        elif event.key() == Qt.Key.Key_Space:
            self.toggle()
        else:
            super().keyPressEvent(event)

    def done(self, result: int) -> None:
        self._pause()
        self.reel.close()
        super().done(result)
