"""The status bar's badge shows all that device and generator report, and disappears when there is nothing to
report.
"""

from __future__ import annotations

import numpy as np
from pytestqt.qtbot import QtBot

from app.engine.contract import GeneratorInfo, Rendered
from app.engine.device import FULL
from app.engine.driving.steps import LiveStep
from app.engine.sound.speech import UNHEARD
from app.ui.status import StatusBar

PIXELS = np.zeros((2, 2, 3), np.uint8)
INFO = GeneratorInfo("headgan", "HeadGAN", 256, (), ("mine",), "free", note=UNHEARD)


def test_reasons_stand_together_and_go_one_by_one(qtbot: QtBot) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.show_generator(INFO)
    bar.show_rendered(Rendered(PIXELS, None, 1.0, 0.5, {"total": 3.0}, "CPU float32", FULL[2]))
    assert bar.device.text() == "CPU float32"
    words = bar.warning.toolTip()
    assert str(UNHEARD) in words and str(FULL[2]) in words and not bar.warning.isHidden()
    bar.show_rendered(Rendered(PIXELS, None, 1.0, 0.5, {"total": 3.0}, "", None))
    assert bar.device.text() == "CPU float32" and bar.warning.toolTip() == str(UNHEARD)
    bar.show_generator(GeneratorInfo("mesh-warp", "Mesh warp", 0, (), (), "MIT"))
    assert bar.warning.isHidden()


def test_a_driven_portrait_s_steps_report_too(qtbot: QtBot) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.show_step(LiveStep(1, 0, notice=FULL[1]))
    assert bar.warning.toolTip() == str(FULL[1])
    bar.show_step(LiveStep(2, 0))
    assert bar.warning.isHidden()
