"""Plots a run's losses over its steps while it runs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.widgets.axes import count, localise

COLOURS = {  # of the theme's name: at least 3:1 on its canvas
    "dark": ("#e0a458", "#6fa8dc", "#8fbf7f", "#d9695f", "#b48ead", "#5fb3b3", "#c9c06c", "#a0a0a0"),
    "light": ("#8a4f00", "#1f5c99", "#3a6b2c", "#a3271d", "#6b4a7a", "#1f6b6b", "#6b6410", "#555555"),
}
SMOOTH = 50  # each drawn point is the mean of the last 1/50 of the run's steps; chosen by eye
LEAST = 1e-4  # smallest loss that is drawn, because the axis is logarithmic


class LossCurves(QWidget):
    """Draws one smoothed line for each loss, on a logarithmic axis; pyqtgraph is loaded when the plot is
    first seen.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Losses"))
        self.setMinimumHeight(160)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        # It stands above the plot, because inside it would hide the newest values.
        self._legend = QLabel(self)
        self._legend.setWordWrap(True)
        self._legend.setToolTip(self.tr("What the training makes small: lower is better, but for the judge."))
        self._column.addWidget(self._legend)
        self._plot: Any = None
        self._lines: dict[str, Any] = {}
        self._steps: dict[str, list[float]] = {}
        self._values: dict[str, list[float]] = {}

    def showEvent(self, event: QShowEvent) -> None:
        self._build()
        super().showEvent(event)

    def _words(self) -> dict[str, str]:
        """Return what each loss of a recipe is called; one without words keeps the name that it has there."""
        made, judge = self.tr("takes in the judge"), self.tr("judge's error")
        pixels = self.tr("pixels")
        return {
            "adversarial": made,
            "generator": made,
            "discriminator": judge,
            "critic": judge,
            "D": judge,
            "G": self.tr("all together"),
            "matching": self.tr("what the judge sees"),
            "perceptual": self.tr("look"),
            "l1": pixels,
            "pixels": pixels,
            "l1_warped": self.tr("pixels, moved only"),
            "warm-up": self.tr("first likeness"),
            "warp": self.tr("motion"),
            "temporal": self.tr("motion"),
            "mask": self.tr("mask"),
            "match": self.tr("person"),
            "identity": self.tr("person"),
            "colour": self.tr("colour"),
            "confidence": self.tr("trust in itself"),
            "unlike": self.tr("likeness"),
            "overfitting": self.tr("learnt by heart"),
            "net3d": self.tr("reading of faces"),
            "shape": self.tr("shape"),
            "eyes": self.tr("eyes"),
            "mouth": self.tr("mouth"),
        }

    def clear(self) -> None:
        """Forget the last run."""
        for line in self._lines.values():
            self._plot.removeItem(line)
        self._lines.clear()
        self._legend.clear()
        if self._plot is not None:
            self._plot.hide()
        self._steps.clear()
        self._values.clear()

    def names(self) -> list[str]:
        """Return the names of the losses that are drawn."""
        return list(self._lines)

    def add(self, step: float, losses: Mapping[str, float]) -> None:
        """Add one step's losses; a loss that the step leaves out keeps its line."""
        for name, value in losses.items():
            self._steps.setdefault(name, []).append(step)
            self._values.setdefault(name, []).append(max(abs(value), LEAST))
        if self._plot is not None:
            for name in losses:
                self._draw(name)

    def _build(self) -> None:
        if self._plot is not None:
            return
        import pyqtgraph

        self._plot = pyqtgraph.PlotWidget(self)
        self._plot.setLogMode(y=True)
        self._plot.setLabel("bottom", self.tr("Step"))
        self._plot.setMouseEnabled(False, False)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        for side in ("left", "bottom"):
            self._plot.getAxis(side).enableAutoSIPrefix(False)
            localise(self._plot.getAxis(side))
        count(self._plot.getAxis("bottom"))
        self._column.addWidget(self._plot, 1)
        self._plot.setVisible(bool(self._values))  # axes without a curve would show numbers of nothing
        for name in self._values:
            self._draw(name)
        self._restyle()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._plot is not None:
            self._restyle()

    def _restyle(self) -> None:
        """Take the theme's colours."""
        import pyqtgraph

        t = theme.current()
        self._plot.setBackground(t.canvas)
        for side in ("left", "bottom"):
            self._plot.getAxis(side).setPen(t.line)
            self._plot.getAxis(side).setTextPen(t.quiet)
        entries, words = [], self._words()
        for (name, line), colour in zip(self._lines.items(), itertools.cycle(COLOURS[t.name])):
            line.setPen(pyqtgraph.mkPen(colour, width=2))
            entries.append(f'<span style="color: {colour}">━</span> {words.get(name, name)}')
        self._legend.setText("&nbsp;&nbsp; ".join(entries))

    def _draw(self, name: str) -> None:
        if name not in self._lines:
            self._lines[name] = self._plot.plot()
            self._plot.show()
            self._restyle()
        values = np.array(self._values[name])
        window = max(1, len(values) // SMOOTH)
        sums = np.cumsum(np.concatenate([[0.0], values]))
        ends = np.arange(1, len(values) + 1)
        starts = np.maximum(0, ends - window)
        self._lines[name].setData(np.array(self._steps[name]), (sums[ends] - sums[starts]) / (ends - starts))
