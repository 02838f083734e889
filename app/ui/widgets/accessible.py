"""Makes a slider row a slider for screen readers, with its value, range and unit, that can be set."""

from __future__ import annotations

from typing import Any, Protocol, cast

import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleValueChangeEvent, QAccessibleValueInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget

from app.engine.face.controls import Control
from app.ui.widgets.number_field import shown
from app.ui.widgets.track import key_step


class SliderRow(Protocol):
    """What a row must offer to be accessible; the widget itself is such a row."""

    title: str
    control: Control

    @property
    def value(self) -> float: ...

    def step_to(self, value: float | None) -> None: ...


# Qt owns an interface from the moment it has it, so Python's half must outlive it.
_living: list[SliderInterface] = []


class _Value(QAccessibleValueInterface):
    """The number itself; setting it is an undo step, as if it were typed."""

    def __init__(self, row: SliderRow) -> None:
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

    def __init__(self, row: SliderRow) -> None:
        super().__init__(cast(QWidget, row), QAccessible.Role.Slider, row.title)
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


def install(row_class: type[QWidget]) -> None:
    """Answer Qt's questions about slider rows, which are widgets of this class, from now on."""

    def interface(_: str, target: QObject) -> SliderInterface | None:
        if not isinstance(target, row_class):
            return None
        _living[:] = [one for one in _living if shiboken6.isValid(one)]
        _living.append(SliderInterface(cast(SliderRow, target)))
        return _living[-1]

    QAccessible.installFactory(interface)


def announce_value(row: QWidget, value: float) -> None:
    """Let those who listen know that the value changed."""
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleValueChangeEvent(row, value))
