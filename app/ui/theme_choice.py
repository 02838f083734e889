"""Applies the theme the user chose (dark, light or the desktop's own), and follows the desktop."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.session.settings import Settings
from app.ui import theme


class ThemeChoice(QObject):
    """Applies and remembers what is chosen: "dark", "light" or "system"."""

    chosen = Signal(str)

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_scheme)

    @Slot(str)
    def choose(self, name: str) -> None:
        self._settings.theme = name
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, name)
        self.chosen.emit(name)

    def toggle(self) -> None:
        self.choose("light" if theme.current().name == "dark" else "dark")

    @Slot(object)
    def _on_scheme(self) -> None:
        """Follow the desktop, which changed between light and dark."""
        if self._settings.theme == "system":
            self.choose("system")
