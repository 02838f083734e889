"""Plots the last ten seconds of yaw, pitch, roll and of the expression components that move most."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.engine.driving.steps import LiveStep
from app.session.live import Live
from app.ui import theme
from app.ui.widgets.axes import localise

SECONDS = 10.0  # seconds of the past that are drawn
STRONGEST = 3  # components drawn, those that move most
COLOURS = {"dark": ("#e0a458", "#6fa8dc", "#8fbf7f"), "light": ("#8a4f00", "#1f5c99", "#3a6b2c")}
STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
STROKES = ("━━", "╍╍", "┉┉")  # the line styles as text
NAMES_HEIGHT = 18  # logical px; pyqtgraph's own titles take 30, which is much of such a small plot


class Curves(QWidget):
    """Shows two plots; pyqtgraph is loaded when the workspace opens, not with the window."""

    def __init__(self, live: Live, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Pose and expression over time"))
        self.setMinimumHeight(110)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(1)
        self._times: deque[float] = deque()
        self._values: deque[tuple[float, ...]] = deque()
        self._plots: list[Any] = []
        self._lines: list[list[Any]] = []
        self._names: list[tuple[str, ...]] = []
        live.stepped.connect(self._on_step)
        live.started.connect(self.clear)

    def build(self) -> None:
        """Make the plots, once."""
        if self._plots:
            return
        import pyqtgraph

        for title, unit in ((self.tr("Pose"), "°"), (self.tr("Expression"), "σ")):
            plot = pyqtgraph.PlotWidget(self)
            plot.setLabel("left", title, unit)
            plot.setXRange(-SECONDS, 0, padding=0)
            plot.setMouseEnabled(False, False)
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.getPlotItem().layout.setContentsMargins(
                0, 0, 8, 0
            )  # the right half of the last tick's number
            plot.getAxis("left").setWidth(52)
            plot.getAxis("left").enableAutoSIPrefix(False)
            for side in ("left", "bottom"):
                localise(plot.getAxis(side))
            self._plots.append(plot)
            self._lines.append([plot.plot() for _ in STYLES])
            self._row.addWidget(plot)
        self._names = [(self.tr("yaw"), self.tr("pitch"), self.tr("roll")), ()]
        self.restyle()

    def _name(self, index: int, names: tuple[str, ...]) -> None:
        """Name a plot's lines above it, because a legend inside would hide the lines behind it."""
        self._names[index] = names
        t = theme.current()
        parts = (
            f'<span style="color:{colour}">{stroke}</span>&nbsp;{name}'
            for colour, stroke, name in zip(COLOURS[t.name], STROKES, names)
        )
        # A blank keeps the line's height while nothing is named.
        self._plots[index].setTitle("&nbsp;&nbsp;&nbsp;".join(parts) or "&nbsp;", color=t.text, size="8pt")
        self._plots[index].getPlotItem().layout.setRowFixedHeight(0, NAMES_HEIGHT)

    def restyle(self) -> None:
        """Take the theme's colours."""
        t = theme.current()
        for plot, lines in zip(self._plots, self._lines):
            plot.setBackground(t.canvas)
            for line, colour, style in zip(lines, COLOURS[t.name], STYLES):
                pen = QPen(QColor(colour), 1.5, style)
                pen.setCosmetic(True)
                line.setPen(pen)
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(t.line)
                plot.getAxis(side).setTextPen(t.quiet)
        for index, names in enumerate(self._names):
            self._name(index, names)

    @Slot()
    def clear(self) -> None:
        """Show nothing of the past, because it belongs to another drive or to another portrait."""
        self._times.clear()
        self._values.clear()
        for line in (line for lines in self._lines for line in lines):
            line.setData([], [])

    @Slot(object)
    def _on_step(self, step: LiveStep) -> None:
        driven = step.driven
        if driven is None or driven.driver is None:
            return
        now = driven.frame.time
        self._times.append(now)
        self._values.append((*driven.driver.camera.angles, *driven.driver.expression.coefficients))
        while self._times and now - self._times[0] > SECONDS:
            self._times.popleft()
            self._values.popleft()
        if self._plots and self.isVisible():
            self._draw(now, 1.0 if step.sigma is None else step.sigma)

    def _draw(self, now: float, sigma: Any) -> None:
        """Draw both plots; sigma: (28,) how strongly each component moves the face, which decides what is
        drawn.
        """
        times = np.array(self._times) - now
        values = np.array(self._values)
        for line, column in zip(self._lines[0], range(3)):
            line.setData(times, values[:, column])
        expression = values[:, 3:]
        strongest = sorted(np.argsort(-expression.std(axis=0) * sigma)[:STRONGEST].tolist())
        names = tuple(f"{component + 1}" for component in strongest)
        if names != self._names[1]:
            self._name(1, names)
        for line, component in zip(self._lines[1], strongest):
            line.setData(times, expression[:, component])
