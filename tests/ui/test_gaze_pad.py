"""The pad for the gaze, and the folding heading, obey mouse and keys."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from app.engine.face.controls import GAZE
from app.ui.widgets.folding_group import FoldingGroup
from app.ui.widgets.gaze_pad import GazePad
from tests.ui.hands import CTRL, LEFT, NONE, SHIFT, drag, move


@pytest.fixture
def pad(qtbot: Any) -> GazePad:
    made = GazePad(*GAZE)
    qtbot.addWidget(made)
    made.show()
    return made


def at(pad: GazePad, value: tuple[float, float]) -> QPoint:
    return pad.point_of(value).toPoint()


def test_dragging_right_and_up_looks_right_and_up(pad: GazePad) -> None:
    emitted: list[Any] = []
    pad.edited.connect(emitted.append)
    start = at(pad, (0, 0))
    drag(pad, start, [start + QPoint(2 * i, -i) for i in range(1, 11)])
    x, y = pad.value
    assert x == pytest.approx(20 * 80 / 92, abs=0.5) and y == pytest.approx(10 * 60 / 72, abs=0.5)
    assert emitted[-1] == pad.value and len(emitted) == 10


def test_shift_is_fine_and_ctrl_snaps(pad: GazePad) -> None:
    start = at(pad, (0, 0))
    drag(pad, start, [start + QPoint(20, 0)], SHIFT)
    assert 0 < pad.value[0] < 3
    pad.show_value((0, 0), (0, 0))
    drag(pad, start, [start + QPoint(21, -13)], CTRL)
    assert pad.value[0] % 5 == 0 and pad.value[1] % 5 == 0 and pad.value[1] > 0


def test_escape_cancels_and_double_click_resets(pad: GazePad) -> None:
    emitted: list[str] = []
    pad.gesture_cancelled.connect(lambda: emitted.append("cancel"))
    pad.gesture_ended.connect(lambda: emitted.append("end"))
    QTest.mousePress(pad, LEFT, NONE, at(pad, (0, 0)))
    move(pad, at(pad, (20, 0)))
    QTest.keyClick(pad, Qt.Key.Key_Escape)
    assert emitted == ["cancel"]
    pad.show_value((10, 5), (1, 2))
    QTest.mouseDClick(pad, LEFT, NONE, at(pad, (10, 5)))
    assert pad.value == (1, 2)


def test_arrow_keys_move_by_a_degree(pad: GazePad) -> None:
    QTest.keyClick(pad, Qt.Key.Key_Right)
    QTest.keyClick(pad, Qt.Key.Key_Down)
    assert pad.value == (1, -1)


def test_a_pad_that_cannot_be_moved_looks_so(pad: GazePad) -> None:
    def knob() -> QColor:
        return pad.grab().toImage().pixelColor(at(pad, (0, 0)))

    lively = knob().lightness()
    pad.setEnabled(False)
    assert knob().lightness() < lively - 30


def test_a_group_folds_and_keeps_its_dot(qtbot: Any) -> None:
    group = FoldingGroup("Pose")
    qtbot.addWidget(group)
    group.show()
    group.show_changed(True)
    QTest.keyClick(group.heading, Qt.Key.Key_Space)
    assert group.folded and not group.content.isVisible()
    assert group.heading.changed and group.reset_mark.isVisible()
    asked: list[bool] = []
    group.reset_wanted.connect(lambda: asked.append(True))
    QTest.mouseClick(group.reset_mark, LEFT)
    assert asked == [True]
