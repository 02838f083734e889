"""Answers dialogs that block until they are answered."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QApplication,
    QMessageBox,
    QWidget,
)


def when_modal(act: Callable[[QWidget], None]) -> None:
    """Call a function with the dialog that opens next."""
    timer = QTimer(QApplication.instance(), interval=10)

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is not None:
            timer.stop()
            timer.deleteLater()
            act(dialog)

    timer.timeout.connect(look)
    timer.start()


def answer_box(button: str) -> None:
    """Press a button of the message box that opens next."""

    def press(box: QWidget) -> None:
        assert isinstance(box, QMessageBox)
        next(b for b in box.buttons() if b.text().replace("&", "") == button).click()

    when_modal(press)


def accept_dialog(name: str) -> None:
    """Accept the dialog of this class name that opens next."""

    def accept(dialog: QWidget) -> None:
        assert type(dialog).__name__ == name
        dialog.accept()  # type: ignore[attr-defined]

    when_modal(accept)
