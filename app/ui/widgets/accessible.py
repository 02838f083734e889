"""Shows a slider row to screen readers as a slider with value, range and unit, whose value they can set."""

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


# Qt owns an interface once it has it, so Python's object must live as long.
_living: list[SliderInterface] = []


class _Value(QAccessibleValueInterface):
    """The row's number; setting it is an undo step, as typing it is."""

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
    """Describes a slider row; Qt's own interface is for sliders with whole numbers and without a unit."""

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
    """Give Qt this interface for every slider row, which is a widget of the given class."""

    def interface(_: str, target: QObject) -> SliderInterface | None:
        if not isinstance(target, row_class):
            return None
        _living[:] = [one for one in _living if shiboken6.isValid(one)]
        _living.append(SliderInterface(cast(SliderRow, target)))
        return _living[-1]

    QAccessible.installFactory(interface)


def announce_value(row: QWidget, value: float) -> None:
    """Tell screen readers that the value changed."""
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleValueChangeEvent(row, value))
