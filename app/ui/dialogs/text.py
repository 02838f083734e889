"""Defines the dialogs that show a text to read or copy: a crash, diagnostics, about."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QLibraryInfo, Qt, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

import app
from app.engine.doctor import Check
from app.engine.logs import log_path
from app.ui import i18n, icons, theme

BESIDE_TEXT_PX = 72  # logical px beside the lines of a text: margins, frame and scroll bar
MOST_WIDE_PX = 1100  # logical px that a dialog is wide at most, so that it fits a screen of 1280


class TextDialog(QDialog):
    """Shows a heading, a sentence and a text with a Copy button."""

    def __init__(self, title: str, words: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumSize(620, 420)
        self.heading = QLabel(words, self)
        self.heading.setWordWrap(True)
        self.text = QPlainTextEdit(text, self)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(title)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.copy = QPushButton(self.tr("Copy"), self)
        icons.put(self.copy, "copy")
        self.copy.clicked.connect(self._on_copy)
        self.buttons.addButton(self.copy, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        for widget in (self.heading, self.text, self.buttons):
            column.addWidget(widget)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())


class CrashDialog(TextDialog):
    """Shows an unforeseen error, with what to do and what to send."""

    def __init__(self, traceback: str, parent: QWidget | None = None) -> None:
        super().__init__("", "", f"{report_text()}\n\n{traceback}", parent)
        self.setWindowTitle(self.tr("Something went wrong"))
        self.heading.setText(
            self.tr(
                "Mien met an error it did not expect. Your work is kept; save the project, and send the text "
                "below to the people who make Mien so that they can mend it."
            )
        )


class DiagnosticsDialog(TextDialog):
    """Shows in the window's language what this machine has and what it lacks."""

    def __init__(self, checks: Sequence[Check], parent: QWidget | None = None) -> None:
        super().__init__("", "", "", parent)
        self.setWindowTitle(self.tr("Diagnostics"))
        self.text.setAccessibleName(self.windowTitle())
        self.heading.setText(self.tr("What this machine has, and one line for each thing that is missing."))
        status = {"ok": self.tr("ok"), "absent": self.tr("absent"), "problem": self.tr("PROBLEM")}
        names = [i18n.sentence(check.name) for check in checks]
        first, second = max(map(len, status.values())) + 1, max(map(len, names), default=0) + 2
        lines = []
        for check, name in zip(checks, names):
            lines.append(f"{status[check.status]:{first}}{name:{second}}{i18n.sentence(check.detail)}")
            if check.fix:
                lines.append(" " * (first + second) + i18n.sentence(check.fix))
        self.text.setPlainText("\n".join([report_text(), "", *lines]))
        self.text.setLineWrapMode(
            QPlainTextEdit.LineWrapMode.NoWrap
        )  # its columns stay columns, commands whole
        widest = max(self.text.fontMetrics().horizontalAdvance(line) for line in lines) if lines else 0
        self.resize(min(widest + BESIDE_TEXT_PX, MOST_WIDE_PX), self.minimumHeight())


class AboutDialog(QDialog):
    """Shows what Mien is, its version and its licences."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About Mien"))
        picture = QLabel(self)
        picture.setPixmap(icons.app_icon().pixmap(72, 72))
        words = QLabel(self)
        words.setTextFormat(Qt.TextFormat.RichText)
        words.setWordWrap(True)
        words.setFixedWidth(420)
        about = self.tr(
            "Edit a portrait's expression and head pose, frontalise it, drive it from a webcam or a clip."
        )
        licence = self.tr(
            "Free for any use under the MIT licence. The licences of what Mien is built on are in THIRD_PARTY.md."
        )
        words.setText(f"<h2>Mien {app.__version__}</h2><p>{about}</p><p>{licence}</p>")
        line = QLabel(system_text().replace("\n", " · "), self)
        line.setWordWrap(True)
        theme.caption(line)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)  # Qt would squeeze it on a small screen
        column.setContentsMargins(24, 20, 24, 16)
        for widget in (picture, words, line, buttons):
            column.addWidget(widget)


def system_text() -> str:
    """Return the lines about versions for a report."""
    qt = QLibraryInfo.version().toString()
    return f"Mien {app.__version__}\nPython {sys.version.split()[0]}\nQt {qt}\n{platform.platform()}"


def report_text() -> str:
    """Return `system_text` and the path of the log."""
    return f"{system_text()}\n{QCoreApplication.translate('Report', 'Log')} {log_path()}"
