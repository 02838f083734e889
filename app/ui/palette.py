"""Shows the command palette, which finds any command by a few letters of its name."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.ui.actions import TABLE, Actions

MISS = (2, 0)  # the rank of a command that does not fit


class Palette(QDialog):
    """A list of commands: the user types, chooses with the arrow keys and runs a command with Enter.

    commands: pairs of words and action, in the order in which they are shown first.
    """

    def __init__(self, commands: list[tuple[str, QAction]], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAccessibleName(self.tr("Commands"))
        self.setFixedWidth(460)
        self._commands = commands
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(self.tr("Type a command"))
        self.field.setAccessibleName(self.tr("Command"))
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.list = QListWidget(self)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setTextElideMode(
            Qt.TextElideMode.ElideMiddle
        )  # verb and keys stay beside a long step to undo
        self.list.setFixedHeight(320)
        self.list.setAccessibleName(self.tr("Matching commands"))
        self.list.itemClicked.connect(self._run)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.field)
        column.addWidget(self.list)
        self.setFocusProxy(self.field)  # a popup receives the keys, whichever widget has the focus
        self.field.setFocus()
        self._filter("")

    @Slot(str)
    def _filter(self, text: str) -> None:
        self.list.clear()
        ranked = [(_rank(text.lower(), words.lower()), words, action) for words, action in self._commands]
        for _, words, action in sorted((r for r in ranked if r[0] < MISS), key=lambda r: r[0]):
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            item = QListWidgetItem(f"{words}    {keys}" if keys else words, self.list)
            item.setData(Qt.ItemDataRole.UserRole, action)
            if not action.isEnabled():
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
        self.list.setCurrentRow(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step:
                rows = max(1, self.list.count())
                self.list.setCurrentRow((self.list.currentRow() + step) % rows)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if item := self.list.currentItem():
                    self._run(item)
                return True
        return super().eventFilter(watched, event)

    @Slot(QListWidgetItem)
    def _run(self, item: QListWidgetItem) -> None:
        action: QAction = item.data(Qt.ItemDataRole.UserRole)
        self.accept()
        if action.isEnabled():
            action.trigger()


def commands(actions: Actions) -> list[tuple[str, QAction]]:
    """Return every command of the table."""
    return [
        (actions[spec.name].text().rstrip("…"), actions[spec.name])
        for spec in TABLE
        if spec.name != "commands"
    ]


def _rank(text: str, words: str) -> tuple[int, int]:
    """Return how well the typed letters fit, smaller is better: in one run (the earlier the better), then in
    order, else `MISS`.
    """
    at = words.find(text)
    if at >= 0:
        return 0, at
    position = -1
    for letter in text:
        position = words.find(letter, position + 1)
        if position < 0:
            return MISS
    return 1, position
