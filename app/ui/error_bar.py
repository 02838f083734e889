"""Defines the bar that says what happened and offers the one thing to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from app.engine.errors import EngineError
from app.ui import i18n, icons, theme


class ErrorBar(QFrame):
    """A bar that is hidden until `show_error`; Esc or its cross closes it."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("error_bar")
        self.setAccessibleName(self.tr("Message"))
        self._act: Callable[[], object] | None = None
        self._second: Callable[[], object] | None = None
        self._keep_open = False
        self._place: QWidget | None = None
        self.setAutoFillBackground(True)
        self._mark = QLabel(self)
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.remedy = QPushButton(self)
        self.remedy.clicked.connect(self._on_remedy)
        self.other = QPushButton(self)
        self.other.clicked.connect(self._on_other)
        self.cross = QToolButton(self)
        icons.put(self.cross, "close")
        self.cross.setIconSize(QSize(16, 16))
        self.cross.setToolTip(self.tr("Close this message (Esc)"))
        self.cross.setAccessibleName(self.tr("Close this message"))
        self.cross.clicked.connect(self.dismiss)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        row.setSpacing(10)
        for widget in (self._mark, self.words, self.remedy, self.other, self.cross):
            row.addWidget(widget)
        self.hide()

    def lie_over(self, place: QWidget) -> None:
        """Cover the top of a widget, so that what the widget shows keeps its size and zoom."""
        self.setParent(place)
        self._place = place
        place.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._place and event.type() == QEvent.Type.Resize:
            self._lie()
        return False

    def _lie(self) -> None:
        if self._place is not None:
            width, row = self._place.width(), self.layout()
            assert row is not None
            row.invalidate()  # because other buttons are shown now
            self.setGeometry(0, 0, width, row.totalHeightForWidth(width))

    @Slot(object)
    def show_error(self, error: EngineError, verb: str = "", act: Callable[[], object] | None = None) -> None:
        """Show an error in the window's language; with a verb and an action, a button carries out the remedy."""
        error = i18n.in_own_language(error)
        self._show(f"<b>{_plain(error.message)}</b> {_plain(error.remedy)}", "error", verb, act)

    def show_note(self, words: str, verb: str = "", act: Callable[[], object] | None = None) -> None:
        """Show a message about something that went well or that the user may decide."""
        self._show(_plain(words), "info", verb, act)

    def show_choices(self, words: str, verbs: Mapping[str, Callable[[], object]]) -> None:
        """Show a message with one or two things to do about it.

        With two, the bar stays open after the first. Without a message, the last one is removed.
        """
        if not words:
            self.dismiss()
            return
        (verb, act), *more = verbs.items() or (("", lambda: None),)
        self._show(_plain(words), "info", verb, act)
        if more:
            self._second = more[0][1]
            self.other.setText(more[0][0])
            self.other.show()
            self._keep_open = True

    def _show(self, html: str, icon: str, verb: str, act: Callable[[], object] | None) -> None:
        colour = theme.current().error if icon == "error" else theme.current().text
        self._mark.setPixmap(icons.pixmap(icon, colour, 16, self.devicePixelRatioF()))
        self.setStyleSheet(_style(icon == "error"))
        self.words.setText(html)
        self._act, self._second, self._keep_open = act, None, False
        self.other.hide()
        self.remedy.setText(verb)
        self.remedy.setVisible(bool(verb))
        self.setAccessibleDescription(self.words.text())
        self._lie()
        self.show()
        self.raise_()

    @Slot()
    def dismiss(self) -> None:
        if self.isVisible():
            self.hide()
            self.closed.emit()

    @Slot()
    def _on_remedy(self) -> None:
        act = self._act
        if not self._keep_open:
            self.dismiss()
        if act is not None:
            act()

    @Slot()
    def _on_other(self) -> None:
        act = self._second
        self.dismiss()
        if act is not None:
            act()


def _plain(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;")


def _style(error: bool) -> str:
    t = theme.current()
    edge = t.error if error else t.accent
    return f"#error_bar {{ background: {t.raised}; border: none; border-left: 4px solid {edge}; }}"
