"""The curves and the coverage of a training are read in either theme and in the window's language."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui import theme
from app.ui.training.coverage_plot import CoveragePlot, span
from app.ui.training.curves import LossCurves


@pytest.mark.parametrize("name", ["dark", "light"])
def test_the_curves_of_a_training_are_seen_in_either_theme(qtbot: QtBot, name: str) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, "light" if name == "dark" else "dark")
    curves = LossCurves()
    qtbot.addWidget(curves)
    curves.show()
    for step in range(5):
        curves.add(step, {f"loss {k}": 1.0 for k in range(8)})
    theme.apply(app, name)
    qtbot.wait(20)
    shown = [line.opts["pen"].color().name() for line in curves._lines.values()]
    assert len(set(shown)) == 8
    assert all(theme.contrast(colour, theme.current().canvas) >= 3 for colour in shown)
    assert shown[2] in curves._legend.text()
    theme.apply(app, "dark")


def test_intervals_of_poses_are_written_as_the_language_does(qtbot: QtBot, german: None) -> None:
    assert span("yaw", -45, 15) == "−45 … 15°" and span("exp1", -0.5, 2) == "−0,5 … 2 σ"
    plot = CoveragePlot()
    qtbot.addWidget(plot)
    plot.show_rows([{"name": "yaw", "edges": [-45, 0], "counts": [0], "gaps": [[-45, 0]]}])
    assert "−45 … 0°" in plot.words()


def test_the_numbers_at_the_axes_are_written_as_the_language_does(qtbot: QtBot, german: None) -> None:
    curves = LossCurves()
    qtbot.addWidget(curves)
    curves.show()
    axis = curves._plot.getAxis("left")
    assert axis.tickStrings([-1.0, 0.0, 1.0], 1, 1) == ["0,1", "1", "10"]  # powers of ten; once, ten was 10¹
    assert curves._plot.getAxis("bottom").tickStrings([-2.5, 5.0], 1, 0.5) == ["−2,5", "5,0"]


def test_no_axes_are_shown_before_there_is_a_curve_and_losses_have_words(qtbot: QtBot, german: None) -> None:
    """Once, an empty plot counted from 2 to 9, and a loss was called “discriminator” in German."""
    curves = LossCurves()
    qtbot.addWidget(curves)
    curves.show()
    assert not curves._plot.isVisible()
    curves.add(1, {"discriminator": 2.0, "a recipe's own": 1.0})
    assert curves._plot.isVisible()
    assert "Irrtum des Richters" in curves._legend.text() and "a recipe's own" in curves._legend.text()
    curves.clear()
    assert not curves._plot.isVisible()
