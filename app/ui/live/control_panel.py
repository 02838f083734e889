"""Lets the user set how the driver's face becomes the portrait's: neutral, mode, strengths, smoothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.engine.driving.steps import LiveStep
from app.engine.face.controls import Control
from app.session.live import Live
from app.ui import icons, theme
from app.ui.rest_face import RestFace
from app.ui.widgets.folding_group import FoldingGroup
from app.ui.widgets.parameter_slider import ParameterSlider

if TYPE_CHECKING:
    from app.engine.driving.driver import Reading

REST_PX = 56  # logical px of the picture of the driver's rest
NAME_AIR_PX = 4  # logical px between a row's name and its track
PERCENT_PX = 52  # logical px; "150 %" has room while it is typed
GOOD = (
    0.6  # quality of the rest, 0 to 1, from which no advice is given; chosen on the clips of ../shared/media
)


class ControlPanel(QScrollArea):
    """Shows the settings of driving; changes take effect from the next frame on."""

    def __init__(self, live: Live, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._live = live
        self.rows: dict[str, ParameterSlider] = {}
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(310)
        content = QWidget(self)
        column = QVBoxLayout(content)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(8)
        column.addWidget(self._neutral_group())
        column.addWidget(self._mode_group())
        column.addWidget(self._strength_group())
        column.addWidget(self._smoothing_group())
        column.addStretch(1)
        self._column = column
        self._give_tracks_room()
        self.setWidget(content)
        live.stepped.connect(self._on_step)
        live.started.connect(self._show_running)
        live.stopped.connect(self._show_running)
        self._show_running()

    def _give_tracks_room(self) -> None:
        """Make names and percents as wide as their words, so that the tracks have the rest."""
        rows = self.rows.values()
        widest = max(row.fontMetrics().horizontalAdvance(row.title) for row in rows)
        for row in rows:
            row.name_label.setFixedWidth(widest + NAME_AIR_PX)
            row.number.setFixedWidth(PERCENT_PX)

    def add_group(self, group: FoldingGroup) -> None:
        """Add a group at the bottom."""
        self._column.insertWidget(self._column.count() - 1, group)

    def _neutral_group(self) -> FoldingGroup:
        group = FoldingGroup(self.tr("Neutral"), parent=self)
        self.neutral = QPushButton(self.tr("Set in 3 s"), group)
        icons.put(self.neutral, "neutralise")
        self.neutral.setToolTip(self.tr("Look into the camera with a relaxed face until the time is up"))
        self.neutral.clicked.connect(self._live.set_neutral)
        self.another = QPushButton(self.tr("Another person"), group)
        self.another.setToolTip(self.tr("Forget this driver's face and begin anew"))
        self.another.clicked.connect(self._live.forget_driver)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.neutral)
        row.addWidget(self.another)
        row.addStretch(1)
        group.body.addLayout(row)
        group.body.addSpacing(8)
        group.body.addWidget(self._rest_row(group))
        grid = QGridLayout()
        grid.setContentsMargins(4, 6, 4, 0)
        titles = {
            "light": self.tr("Light"),
            "size": self.tr("Size"),
            "sharpness": self.tr("Sharpness"),
            "neutral": self.tr("Relaxed"),
        }
        self.quality: dict[str, tuple[QProgressBar, QLabel]] = {}
        for line, (name, title) in enumerate(titles.items()):
            bar, words = QProgressBar(group), QLabel("–", group)
            bar.setRange(0, 100)
            bar.setTextVisible(False)
            bar.setFixedHeight(8)
            bar.setAccessibleName(title)
            theme.caption(words)
            grid.addWidget(QLabel(title, group), line, 0)
            grid.addWidget(bar, line, 1)
            grid.addWidget(words, line, 2)
            self.quality[name] = bar, words
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        grid.setColumnMinimumWidth(2, 84)
        group.body.addLayout(grid)
        return group

    def _rest_row(self, group: QWidget) -> RestFace:
        """Make the row with the frame that was taken for the driver's rest, its certainty, and the buttons
        for another.
        """
        self.rest = RestFace(REST_PX, group)
        self.use_frame = QPushButton(self.tr("Use this moment"), group)
        self.use_frame.setToolTip(self.tr("Take the driver's face as it is now for its rest"))
        self.use_frame.clicked.connect(self._live.use_frame)
        self.rest.beside.addWidget(self.use_frame)
        self.rest.words.hide()
        return self.rest

    def _show_rest(self, reading: Reading | None) -> None:
        if reading is None or reading.rest_picture is None:
            self.rest.clear()
        else:
            self.rest.show_rest(reading.rest_picture, reading.rest_sure)
        self.rest.words.setVisible(bool(self.rest.words.text()))

    def _mode_group(self) -> FoldingGroup:
        group = FoldingGroup(self.tr("Mode"), parent=self)
        self.head = QRadioButton(self.tr("Head: pose and expression"), group)
        self.face = QRadioButton(self.tr("Face: expression only"), group)
        self.head.setChecked(True)
        modes = QButtonGroup(self)
        for button in (self.head, self.face):
            modes.addButton(button)
            group.body.addWidget(button)
        modes.buttonToggled.connect(self._change)
        self.relative = self._check(group, self.tr("Relative to the neutral face"), True)
        self.mirror = self._check(group, self.tr("Mirror"), False)
        self.lock = self._check(group, self.tr("Hold place and size"), False)
        return group

    def _check(self, group: FoldingGroup, words: str, on: bool) -> QCheckBox:
        box = QCheckBox(words, group)
        box.setChecked(on)
        box.toggled.connect(self._change)
        group.body.addWidget(box)
        return box

    def _strength_group(self) -> FoldingGroup:
        group = FoldingGroup(self.tr("Strength"), parent=self)
        titles = {
            "pose": self.tr("Pose"),
            "mouth": self.tr("Jaw and lips"),
            "brows": self.tr("Brows"),
            "lid_left": self.tr("Lid left"),
            "lid_right": self.tr("Lid right"),
            "gaze": self.tr("Gaze"),
        }
        for name, title in titles.items():
            group.body.addWidget(self._percent_row(name, title, 150, self._set_strength))
        return group

    def _smoothing_group(self) -> FoldingGroup:
        """Make the sliders of smoothing: less follows the driver sooner, more trembles less."""
        group = FoldingGroup(self.tr("Smoothing"), folded=True, parent=self)
        titles = {
            "pose": self.tr("Pose"),
            "expression": self.tr("Expression"),
            "eyes": self.tr("Eyes"),
            "place": self.tr("Place and size"),
        }
        for name, title in titles.items():
            group.body.addWidget(self._percent_row(f"smooth_{name}", title, 300, self._set_smoothing))
        return group

    def _percent_row(
        self, name: str, title: str, most: float, change: Callable[[str, float | None], None]
    ) -> ParameterSlider:
        control = Control(name, title, "live", "%", 0, most, (0, 0.8 * most), absolute=True)
        row = ParameterSlider(control, self)
        row.show_value(100.0, 100.0)
        row.edited.connect(lambda value: change(name, value))
        self.rows[name] = row
        return row

    def _set_strength(self, name: str, percent: float | None) -> None:
        changes: dict[str, Any] = {name: self._show_percent(name, percent)}
        self._live.change(replace(self._live.settings, **changes))

    def _set_smoothing(self, name: str, percent: float | None) -> None:
        settings = self._live.settings
        amount = {name.removeprefix("smooth_"): self._show_percent(name, percent)}
        self._live.change(replace(settings, smoothing=replace(settings.smoothing, **amount)))

    def _show_percent(self, name: str, percent: float | None) -> float:
        """Show a row's percentage (None: 100, its reset) and return it as a share."""
        value = 100.0 if percent is None else percent
        self.rows[name].show_value(value, 100.0)
        return value / 100

    @Slot()
    def _change(self) -> None:
        self._live.change(
            replace(
                self._live.settings,
                mode="head" if self.head.isChecked() else "face",
                relative=self.relative.isChecked(),
                mirror=self.mirror.isChecked(),
                lock_placement=self.lock.isChecked(),
            )
        )

    @Slot()
    def _show_running(self) -> None:
        running = self._live.running
        self.neutral.setEnabled(running)
        self.use_frame.setEnabled(running)
        self.another.setEnabled(running)
        self.neutral.setText(self.tr("Set in 3 s"))
        if not running:
            for bar, words in self.quality.values():
                bar.setValue(0)
                words.setText("–")

    @Slot(object)
    def _on_step(self, step: LiveStep) -> None:
        driven = step.driven
        if driven is None:
            return
        self._show_rest(driven.reading)
        left = driven.reading.calibrating
        self.neutral.setText(
            self.tr("Set in 3 s") if left is None else self.tr("{:.0f} s").format(max(1, math.ceil(left)))
        )
        if driven.reading.quality is None:
            return
        advice = {
            "light": self.tr("more light"),
            "size": self.tr("come closer"),
            "sharpness": self.tr("hold still"),
            "neutral": self.tr("relax"),
        }
        for name, (bar, words) in self.quality.items():
            value = getattr(driven.reading.quality, name)
            bar.setValue(round(100 * value))
            advised = (
                advice[name] if self._live.from_camera else self.tr("low")
            )  # a clip's driver cannot follow advice
            words.setText(self.tr("ok") if value >= GOOD else advised)
