"""What a screen reader is told of a slider row: a slider with a value, its range and its unit, that can be set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleValueChangeEvent, QAccessibleValueInterface
from PySide6.QtWidgets import QAccessibleWidget

from app.ui.widgets.number_field import shown
from app.ui.widgets.track import key_step

if TYPE_CHECKING:
    from app.ui.widgets.parameter_slider import ParameterSlider

# Qt owns an interface from the moment it has it, so Python's half must outlive it.
_living: list[SliderInterface] = []


class _Value(QAccessibleValueInterface):
    """The number itself; setting it is an undo step, as if it were typed."""

    def __init__(self, row: ParameterSlider) -> None:
        super().__init__()
        self._row = row

    def currentValue(self) -> float:
        return self._row.value

    def setCurrentValue(self, value: Any) -> None:
        low, high = self._row.control.lower, self._row.control.upper
        self._row.step_to(min(high, max(low, float(value))))

    def minimumValue(self) -> float:
        return self._row.control.lower

    def maximumValue(self) -> float:
        return self._row.control.upper

    def minimumStepSize(self) -> float:
        return key_step(self._row.control)


class SliderInterface(QAccessibleWidget):
    """Qt has one for its own sliders only, whose values are whole numbers without a unit."""

    def __init__(self, row: ParameterSlider) -> None:
        super().__init__(row, QAccessible.Role.Slider, row.title)
        self._row = row
        self._value = _Value(row)

    def interface_cast(self, kind: QAccessible.InterfaceType) -> Any:
        if kind == QAccessible.InterfaceType.ValueInterface:
            return shiboken6.VoidPtr(shiboken6.getCppPointer(self._value)[0])
        return super().interface_cast(kind)

    def text(self, kind: QAccessible.Text) -> str:
        if kind == QAccessible.Text.Value:
            return shown(self._row.control, self._row.value)
        return super().text(kind)


def _interface(_: str, target: QObject) -> SliderInterface | None:
    from app.ui.widgets.parameter_slider import ParameterSlider

    if not isinstance(target, ParameterSlider):
        return None
    _living[:] = [one for one in _living if shiboken6.isValid(one)]
    _living.append(SliderInterface(target))
    return _living[-1]


def install() -> None:
    """Answer Qt's questions about slider rows from now on."""
    QAccessible.installFactory(_interface)


def tell_value(row: ParameterSlider) -> None:
    """Let those who listen know that the value changed."""
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleValueChangeEvent(row, row.value))
