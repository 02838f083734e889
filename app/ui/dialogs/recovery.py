"""Offers the documents that sessions which ended badly left behind."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.session.autosave import Recovered
from app.ui import theme
from app.ui.dialogs.parts import agrees


class RecoveryDialog(QDialog):
    """Lets the user choose one document to open again; `discarded` is set when all shall be deleted."""

    def __init__(self, left: list[Recovered], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Recovered work"))
        self.setMinimumSize(480, 280)
        self.discarded = False
        self._left = left
        words = QLabel(self.tr("Mien did not end well the last time. This is what was being edited:"), self)
        words.setWordWrap(True)
        self.list = QListWidget(self)
        self.list.setAccessibleName(self.tr("Recovered work"))
        for recovered in left:
            QListWidgetItem(self._describe(recovered), self.list)
        self.list.setCurrentRow(0)
        self.list.itemDoubleClicked.connect(self.accept)
        buttons = QDialogButtonBox(self)
        self.take = buttons.addButton(self.tr("Recover"), QDialogButtonBox.ButtonRole.AcceptRole)
        theme.make_primary(self.take)
        self.take.setDefault(True)
        buttons.addButton(self.tr("Not now"), QDialogButtonBox.ButtonRole.RejectRole)
        self.drop = buttons.addButton(self.tr("Discard all"), QDialogButtonBox.ButtonRole.DestructiveRole)
        self.drop.clicked.connect(self._on_drop)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for widget in (words, self.list, buttons):
            column.addWidget(widget)

    def chosen(self) -> Recovered:
        return self._left[max(0, self.list.currentRow())]

    def _describe(self, recovered: Recovered) -> str:
        document, name = recovered.project.document, _name(recovered)
        when = QDateTime.fromSecsSinceEpoch(int(recovered.saved_at))
        at = QLocale().toString(when, QLocale.FormatType.ShortFormat)
        edits = sum(len(edit.values) + len(edit.latents) for edit in document.edits.values())
        one, more = self.tr("{} — {}, one value changed"), self.tr("{} — {}, {} values changed")
        return (one if edits == 1 else more).format(name, at, edits)

    def _on_drop(self) -> None:
        """Discard everything once the user has agreed, because nothing brings it back."""
        question = self.tr("Discard the unsaved work on {}? It cannot be brought back.")
        names = ", ".join(dict.fromkeys(_name(recovered) for recovered in self._left))
        if agrees(self, self.windowTitle(), question.format(names), self.tr("Discard all")):
            self.discarded = True
            self.done(QDialog.DialogCode.Rejected)


def _name(recovered: Recovered) -> str:
    photo = recovered.project.document.photo
    return photo.name if photo else "?"
