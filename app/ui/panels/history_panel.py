"""Shows every step with its name, to go back to, and snapshots to restore."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QListWidget,
    QPushButton,
    QToolButton,
    QUndoView,
    QVBoxLayout,
    QWidget,
)

from app.session.document import Document
from app.session.session import Session
from app.ui import icons, theme
from app.ui.dialogs.parts import agrees

# Logical px; the list's height, which is four rows.
SNAPSHOT_ROWS_PX = 112


class HistoryPanel(QWidget):
    """A click on a step goes back to it; a double click on a snapshot restores it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.steps = QUndoView(session.undo_stack, self)
        self.steps.setSpacing(2)
        self.steps.setWordWrap(True)  # a pull of a mouth corner names six controls
        self.steps.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.steps.setEmptyLabel(self.tr("Opened"))
        self.steps.setAccessibleName(self.tr("History"))
        heading = QLabel(self.tr("Snapshots"), self)
        theme.caption(heading)
        self.snapshots = QListWidget(self)
        self.snapshots.setAccessibleName(self.tr("Snapshots"))
        self.snapshots.setSpacing(2)
        self.snapshots.setMaximumHeight(SNAPSHOT_ROWS_PX)
        self.snapshots.itemActivated.connect(lambda _: self.restore())
        self.take = QPushButton(self.tr("Take snapshot"), self)
        icons.put(self.take, "snapshot")
        self.take.clicked.connect(self.ask_name)
        self.delete = QToolButton(self)
        icons.put(self.delete, "trash")
        self.delete.setToolTip(self.tr("Delete the snapshot"))
        self.delete.setAccessibleName(self.delete.toolTip())
        self.delete.clicked.connect(self._on_delete)
        buttons = QHBoxLayout()
        buttons.addWidget(self.take, 1)
        buttons.addWidget(self.delete)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.steps, 1)
        for part in (heading, self.snapshots):
            column.addWidget(part)
        column.addLayout(buttons)
        self.snapshots.itemSelectionChanged.connect(self._show_buttons)
        session.document_changed.connect(self._show_snapshots)
        self._names: list[str] | None = None
        self._show_snapshots(session.document)

    @Slot(object)
    def _show_snapshots(self, document: Document) -> None:
        names = [snapshot.name for snapshot in document.snapshots]
        if names != self._names:
            self._names = names
            self.snapshots.clear()
            self.snapshots.addItems(names)
        self._show_buttons()

    @Slot()
    def _show_buttons(self) -> None:
        self.take.setEnabled(self._session.portrait is not None)
        self.delete.setEnabled(bool(self.snapshots.selectedItems()))

    @Slot()
    def ask_name(self) -> None:
        """Ask for the snapshot's name, and take the snapshot."""
        suggested = self.tr("Snapshot {}").format(self.snapshots.count() + 1)
        title, words = self.tr("Take snapshot"), self.tr("Name")
        with self._session.held():
            name, taken = QInputDialog.getText(self, title, words, text=suggested)
            if taken and name.strip():
                self._session.take_snapshot(name.strip())

    def restore(self) -> None:
        """Restore the chosen snapshot."""
        if self.snapshots.currentRow() >= 0:
            self._session.restore_snapshot(self.snapshots.currentRow())

    @Slot()
    def _on_delete(self) -> None:
        """Delete the chosen snapshot once the user has agreed, because no undo brings it back."""
        row = self.snapshots.currentRow()
        if row < 0:
            return
        question = self.tr("Delete “{}”? It cannot be brought back.")
        with self._session.held():
            title, words = self.tr("Delete the snapshot"), question.format(self.snapshots.item(row).text())
            if agrees(self, title, words, self.tr("Delete")):
                self._session.delete_snapshot(row)

    def keyPressEvent(self, event) -> None:  # type: ignore[no-untyped-def]
        if event.key() == Qt.Key.Key_Delete and self.snapshots.hasFocus():
            self._on_delete()
        else:
            super().keyPressEvent(event)
