"""Defines one row of a panel: name, track, number with unit, and a reset mark where the value was changed."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from app.engine.face.controls import Control
from app.ui import icons
from app.ui.hover_keys import HoverKeys
from app.ui.widgets import accessible
from app.ui.widgets.number_field import NumberField, parse, shown
from app.ui.widgets.track import FINE, Track, key_step, snap_step

ROW_PX = 28  # logical px of a row's height
NAME_PX = 118  # logical px; width of the column of names
HOVER_MS = 350  # milliseconds a pointer rests before the picture of a control shows
RUN_PAUSE_MS = 500  # milliseconds without a key or wheel notch, after which the next one is a new undo step

_FORWARD = (Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_PageUp)
_BACK = (Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_PageDown)
_ENDS = (Qt.Key.Key_Home, Qt.Key.Key_End)
_PAGE = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class ParameterSlider(QWidget):
    """A control's row; everything between `gesture_started` and `gesture_ended` is one undo step.

    gesture_started carries True when the gesture continues the one before it (a double click's second press);
    edited carries the new value, None where it shall be the photo's own again; gesture_cancelled is emitted
    in place of gesture_ended when the user pressed Esc.
    """

    gesture_started = Signal(bool)
    edited = Signal(object)
    gesture_ended = Signal()
    gesture_cancelled = Signal()
    pictures_wanted = Signal(bool)  # the pointer rests on the row (True) or has left it
    next_wanted = Signal(bool)  # Tab (True) or Shift+Tab in the number
    linked = Signal(bool)  # the chain was closed (True) or opened

    def __init__(self, control: Control, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.control = control
        self.value = self.own = 0.0
        self._in_gesture = False
        self.setFixedHeight(ROW_PX)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.title = QCoreApplication.translate("Control", control.title)
        self.setAccessibleName(self.title)
        self.name_label = QLabel(self.title, self)
        self.name_label.setFixedWidth(NAME_PX)
        self.track = Track(control, self)
        self.number = NumberField(control, self)
        self.number.setAccessibleName(self.title)
        self.reset_mark = QToolButton(self)
        self._lay_out()
        self._connect()
        self._keys = HoverKeys(self, self._take_hovered)
        self._hover = QTimer(self, singleShot=True, interval=HOVER_MS)
        self._hover.timeout.connect(self._want_pictures)
        # Wheel notches and key presses in quick succession are one step.
        self._run_pause = QTimer(self, singleShot=True, interval=RUN_PAUSE_MS)
        self._run_pause.timeout.connect(self._end)
        self.show_value(0.0, 0.0)

    def _lay_out(self) -> None:
        icons.put(self.reset_mark, "reset", "quiet")
        self.reset_mark.setFixedSize(20, 20)
        self.reset_mark.setStyleSheet("padding: 0;")
        self.reset_mark.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.reset_mark.setToolTip(self.tr("Back to the photo's own value (double-click, Backspace)"))
        self.reset_mark.setAccessibleName(self.tr("Reset {}").format(self.title))
        policy = self.reset_mark.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset_mark.setSizePolicy(policy)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 2, 0)
        row.setSpacing(4)
        row.addWidget(self.name_label)
        row.addWidget(self.track, 1)
        row.addWidget(self.number)
        row.addWidget(self.reset_mark)

    def _connect(self) -> None:
        for part in (self.track, self.number):
            part.started.connect(self._start)
            part.moved.connect(self._edit)
            part.ended.connect(self._end)
            part.reset.connect(self._reset_by_double_click)
        self.number.typed.connect(self.step_to)
        self.number.next_wanted.connect(self.next_wanted)
        self.reset_mark.clicked.connect(self.reset)

    def with_chain(self) -> None:
        """Add a chain beside the name, which links or separates the row's pair."""
        self.link = QToolButton(self)
        self.link.setCheckable(True)
        self.link.setFixedSize(20, 20)
        self.link.setStyleSheet("padding: 0; border: none;")
        self.link.setAccessibleName(self.tr("Link left and right"))
        self.link.clicked.connect(self.linked)
        self.name_label.setFixedWidth(NAME_PX - 24)
        row = self.layout()
        assert isinstance(row, QHBoxLayout)
        row.insertWidget(1, self.link)

    def show_linked(self, linked: bool) -> None:
        """Show whether the row's pair moves together."""
        self.link.setChecked(linked)
        icons.put(self.link, "link" if linked else "unlink", "quiet")
        words = self.tr("Left and right move together") if linked else self.tr("Left and right move alone")
        self.link.setToolTip(words)
        self.link.setAccessibleDescription(words)

    def without_track(self) -> None:
        """Leave out the track, where the value is dragged elsewhere."""
        self.track.hide()
        self.name_label.setMinimumWidth(0)
        self.name_label.setMaximumWidth(NAME_PX)
        row = self.layout()
        assert isinstance(row, QHBoxLayout)
        row.insertStretch(row.indexOf(self.number), 1)  # its number stays below the others'

    # -- showing

    def show_value(self, value: float, own: float) -> None:
        """Show a value and the photo's own value; nothing is emitted."""
        if (value, own) == (self.value, self.own) and self.accessibleDescription():
            return
        self.value, self.own = value, own
        accessible.announce_value(self, self.value)
        self.track.show_value(value, own)
        self.number.show_value(value)
        self.number.mark(self.is_changed)
        self.reset_mark.setVisible(self.is_changed)
        low, high = self.control.safe
        what = shown(self.control, value)
        if not low <= value <= high:
            safe = shown(self.control, low), shown(self.control, high)
            text = self.tr("Beyond {} to {} the result may not hold.").format(*safe)
            self.setToolTip(text)
            what = f"{what}. {text}"
        else:
            self.setToolTip("")
        self.setAccessibleDescription(what)

    @property
    def is_changed(self) -> bool:
        return abs(self.value - self.own) > 1e-9

    # -- changing

    def step_to(self, value: float | None) -> None:
        """Make one change that is an undo step of its own."""
        self._start()
        self._edit(value)
        self._end()

    def reset(self) -> None:
        """Go back to the photo's own value; this can be undone like any change."""
        if self.is_changed:
            self.step_to(None)

    def _reset_by_double_click(self) -> None:
        self.track.cancel()
        self.gesture_started.emit(True)
        self._edit(None)
        self.gesture_ended.emit()

    def _want_pictures(self) -> None:
        if not self._in_gesture:
            self.pictures_wanted.emit(True)

    def _start(self) -> None:
        self._hover.stop()
        if not self._in_gesture:
            self._in_gesture = True
            self.pictures_wanted.emit(False)
            self.gesture_started.emit(False)

    def _edit(self, value: float | None) -> None:
        if value is None or abs(value - self.own) < 1e-9:
            self.show_value(self.own, self.own)
            self.edited.emit(None)
        else:
            self.show_value(value, self.own)
            self.edited.emit(value)

    def _end(self) -> None:
        self._run_pause.stop()
        if self._in_gesture:
            self._in_gesture = False
            self.gesture_ended.emit()

    def _cancel(self) -> None:
        self.track.cancel()
        self.number.cancel()
        self._run_pause.stop()
        self._in_gesture = False
        self.gesture_cancelled.emit()

    # -- keys

    def _take_hovered(self, event: QKeyEvent) -> bool:
        """Apply the keys for negate, reset, copy and paste to the row under the pointer."""
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        ours: tuple[int, ...] = ()
        if held == Qt.KeyboardModifier.ControlModifier:
            ours = (Qt.Key.Key_C, Qt.Key.Key_V)
        elif held == Qt.KeyboardModifier.NoModifier:
            ours = (Qt.Key.Key_Minus, Qt.Key.Key_Backspace)
        if event.key() in ours and event.type() == QEvent.Type.KeyPress:
            self.keyPressEvent(event)
        return event.key() in ours

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = event.key(), event.modifiers()
        control_held = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        if key == Qt.Key.Key_Escape and self._in_gesture:
            self._cancel()
        elif key in _FORWARD or key in _BACK:
            self._key_step(key, modifiers)
        elif key in _ENDS:
            self.step_to(self.control.lower if key == Qt.Key.Key_Home else self.control.upper)
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.reset()
        elif key == Qt.Key.Key_Minus:
            self.step_to(max(self.control.lower, min(self.control.upper, -self.value)))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.number.start_typing()
        elif control_held and key == Qt.Key.Key_C:
            QGuiApplication.clipboard().setText(shown(self.control, self.value))
        elif control_held and key == Qt.Key.Key_V:
            value = parse(self.control, QGuiApplication.clipboard().text())
            if value is not None:
                self.step_to(max(self.control.lower, min(self.control.upper, value)))
        elif event.text() and event.text() in "0123456789.,":
            self.number.start_typing(event.text())
        else:
            super().keyPressEvent(event)

    def _key_step(self, key: int, modifiers: Qt.KeyboardModifier) -> None:
        step = key_step(self.control) * (5 if key in _PAGE else 1) * (1 if key in _FORWARD else -1)
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            step *= FINE
        self._run_pause.stop()
        self._start()
        value = self.value + step
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            grid = snap_step(self.control)
            value = (round(self.value / grid) + (1 if step > 0 else -1)) * grid
        self._edit(max(self.control.lower, min(self.control.upper, value)))

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.isAutoRepeat() or event.key() not in (*_FORWARD, *_BACK):
            return super().keyReleaseEvent(event)
        self._run_pause.start()

    def event(self, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._uses_key(event):
            event.accept()
            return True
        return super().event(event)

    def _uses_key(self, event: QKeyEvent) -> bool:
        """Return whether this row uses a key, so that no menu's shortcut may take it."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return event.key() in (Qt.Key.Key_C, Qt.Key.Key_V, *_FORWARD, *_BACK)
        mine = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_Minus, Qt.Key.Key_Return, Qt.Key.Key_F2)
        return event.key() in (*mine, *_FORWARD, *_BACK, *_ENDS) or event.text() in tuple("0123456789.,")

    # -- mouse

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120
        if not self.hasFocus() or not notches:
            event.ignore()  # the panel scrolls
            return
        fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        self._start()
        value = self.value + notches * key_step(self.control) * fine
        self._edit(max(self.control.lower, min(self.control.upper, value)))
        self._run_pause.start()

    def mouseDoubleClickEvent(self, event: object) -> None:
        self._reset_by_double_click()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hover.start()
        self._keys.begin()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._leave()
        super().leaveEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Act as if the pointer had left, because no leave event comes when a slider is hidden under it."""
        self._leave()
        super().hideEvent(event)

    def _leave(self) -> None:
        self._hover.stop()
        self._keys.end()
        self.pictures_wanted.emit(False)

    def focusOutEvent(self, event: object) -> None:
        self._end()
        self.update()
        super().focusOutEvent(event)  # type: ignore[arg-type]

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.hasFocus():
            painter = QPainter(self)
            painter.setPen(QPen(self.palette().highlight().color(), 1))
            painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 4, 4)
            painter.end()


accessible.install(ParameterSlider)


def chain(rows: list[ParameterSlider]) -> None:
    """Let Tab in a number go on to typing in the next row's number, and Shift+Tab in the previous row's."""
    for at, row in enumerate(rows):
        row.next_wanted.connect(
            lambda forward, at=at: rows[(at + (1 if forward else -1)) % len(rows)].number.start_typing()
        )
