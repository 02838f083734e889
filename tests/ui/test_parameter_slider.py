"""The row of a panel obeys mouse and keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QEnterEvent, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton

from app.engine.face.controls import BY_NAME
from app.ui import theme
from app.ui.widgets import accessible
from app.ui.widgets.number_field import parse, shown
from app.ui.widgets.parameter_slider import ParameterSlider, chain
from tests.ui.hands import CTRL, LEFT, NONE, SHIFT, drag, knob, move


class Heard:
    """Notes what a row emitted, in order."""

    def __init__(self, row: ParameterSlider) -> None:
        self.said: list[Any] = []
        row.gesture_started.connect(lambda again: self.said.append("again" if again else "start"))
        row.edited.connect(self.said.append)
        row.gesture_ended.connect(lambda: self.said.append("end"))
        row.gesture_cancelled.connect(lambda: self.said.append("cancel"))

    @property
    def values(self) -> list[Any]:
        return [s for s in self.said if not isinstance(s, str)]


@pytest.fixture
def row(qtbot: Any) -> ParameterSlider:
    return made(qtbot, "yaw", 4.0)


def made(qtbot: Any, name: str, own: float) -> ParameterSlider:
    slider = ParameterSlider(BY_NAME[name])
    qtbot.addWidget(slider)
    slider.resize(360, 28)
    slider.show_value(own, own)
    slider.show()
    slider.setFocus()
    return slider


def test_two_hundred_moves_are_one_gesture_and_the_last_value_shows(row: ParameterSlider) -> None:
    heard, start = Heard(row), knob(row)
    drag(row.track, start, [start + QPoint(1 + i // 5, 0) for i in range(200)])
    assert heard.said[0] == "start" and heard.said[-1] == "end"
    assert [s for s in heard.said if isinstance(s, str)] == ["start", "end"]
    assert len(heard.values) == 200
    assert row.value == heard.values[-1] > 4
    assert row.number.text() == shown(row.control, row.value)


def test_every_move_is_reported_at_once(row: ParameterSlider) -> None:
    heard, start = Heard(row), knob(row)
    QTest.mousePress(row.track, LEFT, NONE, start)
    move(row.track, start + QPoint(20, 0))
    assert len(heard.values) == 1  # no timer ran: nothing processed events since
    QTest.mouseRelease(row.track, LEFT, NONE, start + QPoint(20, 0))


def test_shift_is_a_tenth_as_fast(row: ParameterSlider) -> None:
    start = knob(row)
    drag(row.track, start, [start + QPoint(40, 0)])
    coarse = row.value - 4
    row.show_value(4, 4)
    drag(row.track, start, [start + QPoint(40, 0)], SHIFT)
    assert row.value - 4 == pytest.approx(coarse / 10, rel=0.01)


def test_ctrl_snaps_to_five_degrees(row: ParameterSlider) -> None:
    start = knob(row)
    drag(row.track, start, [start + QPoint(33, 0)], CTRL)
    assert row.value % 5 == 0 and row.value > 4


def test_the_photos_own_value_holds_on(row: ParameterSlider) -> None:
    heard, start = Heard(row), knob(row)
    drag(row.track, start, [start + QPoint(30, 0), start + QPoint(1, 0)])
    assert heard.values[-1] is None and not row.is_changed


def test_a_press_on_the_track_brings_the_knob_there(row: ParameterSlider) -> None:
    QTest.mouseClick(row.track, LEFT, NONE, QPoint(round(row.track.x_of(40)), 10))
    assert row.value == pytest.approx(40, abs=1.5)


def test_a_double_click_resets_within_the_same_step(row: ParameterSlider) -> None:
    heard, at = Heard(row), QPoint(round(row.track.x_of(40)), 10)
    QTest.mouseClick(row.track, LEFT, NONE, at)
    QTest.mouseDClick(row.track, LEFT, NONE, at)
    assert not row.is_changed and heard.values[-1] is None
    assert "again" in heard.said


def test_escape_takes_a_drag_back(row: ParameterSlider) -> None:
    heard, start = Heard(row), knob(row)
    QTest.mousePress(row.track, LEFT, NONE, start)
    move(row.track, start + QPoint(30, 0))
    QTest.keyClick(row, Qt.Key.Key_Escape)
    interface = len(heard.said)
    move(row.track, start + QPoint(50, 0))
    QTest.mouseRelease(row.track, LEFT, NONE, start + QPoint(50, 0))
    assert heard.said[-1] == "cancel" and len(heard.said) == interface


def test_scrubbing_the_number(row: ParameterSlider) -> None:
    heard = Heard(row)
    drag(row.number, QPoint(30, 10), [QPoint(31 + i, 10) for i in range(24)])
    assert heard.said[0] == "start" and heard.said[-1] == "end"
    assert row.value == pytest.approx(4 + 24 * 120 / 240, abs=1.6)


def test_a_click_types_and_enter_takes_it(row: ParameterSlider) -> None:
    heard = Heard(row)
    QTest.mouseClick(row.number, LEFT, NONE, QPoint(30, 10))
    QTest.keyClicks(row.number, "-12.5")
    QTest.keyClick(row.number, Qt.Key.Key_Return)
    assert heard.said == ["start", -12.5, "end"]
    assert row.number.text() == "−12.5°" and row.reset_mark.isVisible()


def test_escape_leaves_what_was_typed(row: ParameterSlider) -> None:
    heard = Heard(row)
    QTest.mouseClick(row.number, LEFT, NONE, QPoint(30, 10))
    QTest.keyClicks(row.number, "33")
    QTest.keyClick(row.number, Qt.Key.Key_Escape)
    assert heard.said == [] and row.number.text() == "4.0°"


def test_nonsense_changes_nothing(row: ParameterSlider) -> None:
    heard = Heard(row)
    QTest.mouseClick(row.number, LEFT, NONE, QPoint(30, 10))
    QTest.keyClicks(row.number, "left a bit")
    QTest.keyClick(row.number, Qt.Key.Key_Return)
    assert heard.said == [] and row.value == 4


def test_a_value_beyond_the_range_stops_at_its_end(row: ParameterSlider) -> None:
    QTest.mouseClick(row.number, LEFT, NONE, QPoint(30, 10))
    QTest.keyClicks(row.number, "200")
    QTest.keyClick(row.number, Qt.Key.Key_Return)
    assert row.value == row.control.upper


def test_tab_takes_it_and_goes_on_in_the_next_number(qtbot: Any) -> None:
    first, second = made(qtbot, "yaw", 0), made(qtbot, "pitch", 0)
    chain([first, second])
    first.number.start_typing()
    QTest.keyClicks(first.number, "7")
    QTest.keyClick(first.number, Qt.Key.Key_Tab)
    assert first.value == 7 and second.number.typing and not first.number.typing


def test_typing_a_digit_on_the_row_starts_a_number(row: ParameterSlider) -> None:
    QTest.keyClicks(row, "9")
    QTest.keyClick(row.number, Qt.Key.Key_Return)
    assert row.value == 9


def test_arrows_step_and_a_held_key_is_one_gesture(row: ParameterSlider) -> None:
    heard = Heard(row)
    for _ in range(3):
        QTest.keyPress(row, Qt.Key.Key_Right)
    QTest.keyRelease(row, Qt.Key.Key_Right)
    assert heard.said == ["start", 5.0, 6.0, 7.0]  # more presses may follow
    QTest.keyClick(row, Qt.Key.Key_Left, SHIFT)
    assert row.value == pytest.approx(6.9)


def test_minus_negates_and_backspace_resets(row: ParameterSlider) -> None:
    QTest.keyClick(row, Qt.Key.Key_Minus)
    assert row.value == -4
    QTest.keyClick(row, Qt.Key.Key_Backspace)
    assert row.value == 4 and not row.is_changed


def test_copy_and_paste_carry_the_value(qtbot: Any, row: ParameterSlider) -> None:
    row.show_value(17.5, 4)
    QTest.keyClick(row, Qt.Key.Key_C, CTRL)
    assert QGuiApplication.clipboard().text() == "17.5°"
    other = made(qtbot, "pitch", 0)
    QTest.keyClick(other, Qt.Key.Key_V, CTRL)
    assert other.value == 17.5


def test_the_wheel_works_only_with_the_focus(qtbot: Any, row: ParameterSlider) -> None:
    def turn() -> QWheelEvent:
        where = QPointF(20, 10)
        event = QWheelEvent(
            where,
            where,
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            NONE,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(row, event)
        return event

    other = made(qtbot, "pitch", 0)
    other.activateWindow()
    other.setFocus()
    QTest.qWait(1)
    row.clearFocus()
    assert not turn().isAccepted() and row.value == 4
    row.activateWindow()
    row.setFocus()
    qtbot.waitUntil(row.hasFocus)
    turn()
    assert row.value == 5


def test_beyond_the_safe_range_it_says_why(row: ParameterSlider) -> None:
    row.show_value(20, 4)
    assert row.toolTip() == ""
    row.show_value(45, 4)
    assert "−40.0°" in row.toolTip() and "may not hold" in row.accessibleDescription()


def test_names_for_those_who_cannot_see_it(row: ParameterSlider) -> None:
    assert row.accessibleName() == "Yaw" and row.accessibleDescription().startswith("4.0°")
    assert row.number.accessibleName() and row.reset_mark.accessibleName() == "Reset Yaw"


@pytest.mark.parametrize(
    ("text", "value"), [("−3,5°", -3.5), (" 12 ° ", 12), ("-0.04", -0.04), ("nan", None), ("", None)]
)
def test_numbers_are_read_as_people_write_them(text: str, value: float | None) -> None:
    assert parse(BY_NAME["yaw"], text) == value


def test_there_is_no_minus_zero() -> None:
    assert shown(BY_NAME["yaw"], -0.04) == "0.0°"
    assert shown(BY_NAME["exp1"], -1.5) == "−1.50 σ"


def test_the_number_follows_a_new_theme(row: ParameterSlider, qapp: QApplication) -> None:
    row.show_value(12, 4)
    for name in ("light", "dark"):
        theme.apply(qapp, name)
        assert row.number.palette().text().color().name() == theme.current().text
        row.show_value(4, 4)
        assert row.number.palette().text().color().name() == theme.current().quiet
        row.show_value(12, 4)


def hover(row: ParameterSlider) -> None:
    at = QPointF(5, 5)
    QApplication.sendEvent(row, QEnterEvent(at, at, QPointF(row.mapToGlobal(at.toPoint()))))


def test_keys_mean_the_row_under_the_pointer_wherever_the_focus_is(qtbot: Any, row: ParameterSlider) -> None:
    elsewhere = QPushButton("elsewhere")
    qtbot.addWidget(elsewhere)
    elsewhere.show()
    elsewhere.setFocus()
    qtbot.waitUntil(elsewhere.hasFocus)
    QApplication.sendEvent(row, QEvent(QEvent.Type.Leave))
    row.step_to(10)
    row.show_value(10, 0)
    QTest.keyClick(elsewhere, Qt.Key.Key_Minus)
    assert row.value == 10  # the pointer is not over the row
    hover(row)
    QTest.keyClick(elsewhere, Qt.Key.Key_Minus)
    assert row.value == -10
    QTest.keyClick(elsewhere, Qt.Key.Key_C, CTRL)
    assert QGuiApplication.clipboard().text() == "−10.0°"
    QGuiApplication.clipboard().setText("7")
    QTest.keyClick(elsewhere, Qt.Key.Key_V, CTRL)
    assert row.value == 7
    QTest.keyClick(elsewhere, Qt.Key.Key_Backspace)
    assert row.value == row.own
    QApplication.sendEvent(row, QEvent(QEvent.Type.Leave))
    row.show_value(4, 0)
    QTest.keyClick(elsewhere, Qt.Key.Key_Minus)
    assert row.value == 4


def test_a_field_that_is_typed_in_keeps_its_keys(qtbot: Any, row: ParameterSlider) -> None:
    field = QLineEdit()
    qtbot.addWidget(field)
    field.show()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    row.show_value(10, 0)
    hover(row)
    QTest.keyClick(field, Qt.Key.Key_Minus)
    assert field.text() == "-" and row.value == 10
    QApplication.sendEvent(row, QEvent(QEvent.Type.Leave))


def test_a_screen_reader_reads_and_sets_the_value(row: ParameterSlider) -> None:
    row.show_value(12.5, 0)
    interface = QAccessible.queryAccessibleInterface(row)
    assert interface.role() == QAccessible.Role.Slider and interface.text(QAccessible.Text.Name) == row.title
    assert interface.text(QAccessible.Text.Value) == "12.5°"
    number = interface.valueInterface()
    assert (number.minimumValue(), number.currentValue(), number.maximumValue()) == (-60, 12.5, 60)
    steps: list[float | None] = []
    row.edited.connect(steps.append)
    number.setCurrentValue(-99)
    assert steps == [-60] and number.currentValue() == -60


def test_what_a_screen_reader_holds_of_a_row_goes_with_the_row(qtbot: Any) -> None:
    for _ in range(20):
        gone = ParameterSlider(BY_NAME["yaw"])
        assert QAccessible.queryAccessibleInterface(gone).valueInterface().currentValue() == 0
        gone.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    last = ParameterSlider(BY_NAME["yaw"])
    qtbot.addWidget(last)
    QAccessible.queryAccessibleInterface(last)
    assert len(accessible._living) <= 3
