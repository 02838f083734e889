"""Defines a number that is changed by dragging, as in Blender, or by typing."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QLineEdit, QToolTip, QWidget

from app.engine.face.controls import Control
from app.session.values import localised
from app.ui.widgets.track import FINE, snap_step

CLICK_PX = 3  # logical px of movement up to which a press is a click
SCRUB_PX = 240  # pixels from one end of the range to the other


def decimals(control: Control) -> int:
    """Return how many digits after the decimal point a control's values have."""
    return {"°": 1, "px": 0, "%": 0}.get(control.unit, 2)


def shown(control: Control, value: float) -> str:
    """Return the value with its unit, a real minus sign and no minus zero."""
    text = f"{value:.{decimals(control)}f}"
    text = text[1:] if text.startswith("-") and not text.strip("-0.") else text
    unit = {"°": "°", "": ""}.get(control.unit, f" {control.unit}")
    return localised(text.replace("-", "−")) + unit


def parse(control: Control, text: str) -> float | None:
    """Return the number that was typed; None where it is none.

    Its unit may be left out, and it may have either minus sign and a decimal comma.
    """
    text = text.strip().replace("−", "-").replace(",", ".")
    text = text.removesuffix(control.unit).strip() if control.unit else text
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value - value == 0 else None  # neither nan nor infinite


class NumberField(QLineEdit):
    """Dragging sideways changes the number, and a click lets it be typed: Enter and Tab accept it, Esc does
    not.
    """

    started = Signal()
    moved = Signal(float)
    ended = Signal()
    typed = Signal(float)
    next_wanted = Signal(bool)  # Tab (True) or Shift+Tab after typing
    reset = Signal()

    def __init__(self, control: Control, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.control = control
        self.value = 0.0
        self._press: QPointF | None = None
        self._raw: float | None = None
        self._last_x = 0.0
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFixedWidth(66)
        self.setFixedHeight(22)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setStyleSheet(
            "QLineEdit { border: 1px solid transparent; border-radius: 3px; padding: 0 3px; }"
            "QLineEdit[readOnly=true] { background: transparent; }"
            "QLineEdit[readOnly=true]:hover { border-color: palette(mid); }"
            "QLineEdit:focus { border-color: palette(highlight); }"
        )
        self._rest()

    @property
    def typing(self) -> bool:
        return not self.isReadOnly()

    def show_value(self, value: float) -> None:
        self.value = value
        if not (self.typing and self.isModified()):
            self.setText(shown(self.control, value))

    def cancel(self) -> None:
        """End the drag; the owner puts the old value back."""
        self._press = self._raw = None

    def start_typing(self, first: str = "") -> None:
        """Let the user type over the present number; `first` is a key that was already pressed."""
        self.setReadOnly(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setText(first or shown(self.control, self.value))
        self.setModified(bool(first))
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        if not first:
            self.selectAll()

    def _rest(self) -> None:
        self.setReadOnly(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setText(shown(self.control, self.value))
        self.deselect()

    def _accept_typed(self) -> None:
        """Take the number that was typed, and say so when it lies beyond the control's range."""
        # What nobody has typed is the old value, rounded.
        value = parse(self.control, self.text()) if self.isModified() else None
        self._rest()
        if value is None:
            return
        low, high = self.control.lower, self.control.upper
        if not low <= value <= high:
            ends = shown(self.control, low), shown(self.control, high)
            text = self.tr("{} goes from {} to {}.").format(
                QCoreApplication.translate("Control", self.control.title), *ends
            )
            QToolTip.showText(self.mapToGlobal(self.rect().bottomLeft()), text, self)
        self.typed.emit(min(high, max(low, value)))

    # -- keys

    def event(self, event: QEvent) -> bool:
        if self.typing and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
                self._accept_typed()
                self.next_wanted.emit(key == Qt.Key.Key_Tab)
                return True
        if self.typing and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # while the user types, every key belongs to the text
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.typing:
            event.ignore()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._accept_typed()
            self._hand_focus_back()
        elif event.key() == Qt.Key.Key_Escape:
            self._rest()
            self._hand_focus_back()
        else:
            super().keyPressEvent(event)

    def _hand_focus_back(self) -> None:
        owner = self.parentWidget()
        if owner is not None:
            owner.setFocus(Qt.FocusReason.OtherFocusReason)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.typing and event.reason() != Qt.FocusReason.PopupFocusReason:
            self._accept_typed()

    # -- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.typing:
            return super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = event.position()
            self._last_x = event.position().x()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.typing:
            return super().mouseMoveEvent(event)
        x = event.position().x()
        if self._press is None:
            return
        if self._raw is None:
            if abs(x - self._press.x()) < CLICK_PX:
                return
            self._raw = self.value
            self.started.emit()
        self._scrub(x, event.modifiers())

    def _scrub(self, x: float, modifiers: Qt.KeyboardModifier) -> None:
        assert self._raw is not None
        low, high = self.control.lower, self.control.upper
        fine = FINE if modifiers & Qt.KeyboardModifier.ShiftModifier else 1.0
        self._raw = min(high, max(low, self._raw + (x - self._last_x) * (high - low) / SCRUB_PX * fine))
        self._last_x = x
        value = self._raw
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            step = snap_step(self.control)
            value = min(high, max(low, round(value / step) * step))
        self.moved.emit(value)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.typing:
            return super().mouseReleaseEvent(event)
        if event.button() != Qt.MouseButton.LeftButton or self._press is None:
            return
        scrubbed = self._raw is not None
        self.cancel()
        if scrubbed:
            self.ended.emit()
        else:
            self.start_typing()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._rest()
            self._hand_focus_back()
            self.reset.emit()

    def mark(self, changed: bool) -> None:
        """Show whether the value is changed; unchanged values have the quiet colour."""
        if self.property("changed") != changed:
            self.setProperty("changed", changed)
            self.style().unpolish(self)
            self.style().polish(self)
