"""Holds the parts that several dialogs share."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QWidget,
)

from app.ui import theme


def with_choose(field: QLineEdit, choose: Callable[[], object]) -> QHBoxLayout:
    """Return a field for a file or folder with the button beside it that asks for one."""
    button = QPushButton(QCoreApplication.translate("Dialogs", "Choose…"), field.parentWidget())
    button.clicked.connect(lambda: choose())
    row = QHBoxLayout()
    row.addWidget(field, 1)
    row.addWidget(button)
    return row


def make_room(dialog: QDialog) -> None:
    """Make a shown dialog as tall as its present content, because Qt squeezes the rows where words wrap."""
    layout = dialog.layout()
    if layout is None or not dialog.isVisible():
        return
    layout.activate()
    needed = max(layout.totalHeightForWidth(dialog.width()), layout.totalMinimumSize().height())
    if needed > dialog.height():
        dialog.resize(dialog.width(), needed)


def do_or_cancel(dialog: QDialog, verb: str) -> tuple[QDialogButtonBox, QPushButton]:
    """Return the buttons of a dialog that does one thing: its verb, which is the default, and Cancel."""
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, dialog)
    go = buttons.addButton(verb, QDialogButtonBox.ButtonRole.AcceptRole)
    theme.make_primary(go)
    go.setDefault(True)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    return buttons, go


def agrees(parent: QWidget, title: str, question: str, verb: str) -> bool:
    """Ask a question that the verb's button answers with yes; Cancel is the other answer."""
    box = QMessageBox(QMessageBox.Icon.Question, title, question, parent=parent)
    yes = box.addButton(verb, QMessageBox.ButtonRole.AcceptRole)
    cancel = box.addButton(QCoreApplication.translate("Dialogs", "Cancel"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(cancel)
    box.exec()
    return box.clickedButton() is yes
