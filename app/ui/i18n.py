"""Translations: one JSON file per language, English text -> translated text."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "translations"
LANGUAGES = {"en": "English", "de": "Deutsch"}


class Translator(QTranslator):
    """Looks a text up whatever class it belongs to: the same English words mean the same everywhere here."""

    def __init__(self, texts: dict[str, str], parent: QObject) -> None:
        super().__init__(parent)
        self._texts = texts

    def isEmpty(self) -> bool:
        return not self._texts

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        # None, not "": an empty text would be taken for a translation.
        return self._texts.get(text)  # type: ignore[return-value]


def read(language: str) -> dict[str, str]:
    """The texts of a language; empty for English."""
    path = FOLDER / f"{language}.json"
    texts: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return texts


def install(app: QCoreApplication, language: str = "") -> str:
    """Speak a language of `LANGUAGES` ("" = the system's) from the next window on; the code in use."""
    code = language or QLocale.system().name()[:2]
    code = code if code in LANGUAGES else "en"
    if code != "en":
        app.installTranslator(Translator(read(code), app))
        qt = QTranslator(app)
        if qt.load(f"qtbase_{code}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
            app.installTranslator(qt)
    return code
