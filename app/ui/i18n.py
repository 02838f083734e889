"""Translates the window's texts and the engine's errors, by two JSON files per language that map English to
translated text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator

from app.engine.errors import EngineError
from app.engine.files import ASSETS

FOLDER = ASSETS / "translations"
LANGUAGES = {"en": "English", "de": "Deutsch"}


class Translator(QTranslator):
    """Looks a text up whatever class it belongs to, because the same English words mean the same in all of
    Mien.
    """

    def __init__(self, texts: dict[str, str], parent: QObject) -> None:
        super().__init__(parent)
        self._texts = texts

    def isEmpty(self) -> bool:
        return not self._texts

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        # None, not "": an empty text would be taken for a translation.
        return self._texts.get(text)  # type: ignore[return-value]


class ErrorCatalogue:
    """Finds the template that an error's sentence was made from, such as "{} is empty.", and fills in its
    translation.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        # The template with the most words of its own is tried first, because the others might match too.
        ordered = sorted(texts.items(), key=lambda pair: -len(pair[0].replace("{}", "")))
        self._entries = [(_pattern(english), own) for english, own in ordered]
        self._whole = {english: own for english, own in texts.items() if "{}" not in english}

    def sentence(self, english: str) -> str:
        """Return a sentence of the engine, such as the one about what a generator lacks, in the window's
        language.
        """
        for pattern, own in self._entries:
            if found := pattern.fullmatch(english):
                return own.format(*(self._whole.get(value, value) for value in found.groups()))
        return english

    def error(self, error: EngineError) -> EngineError:
        """Return the same error in the catalogue's language."""
        return EngineError(self.sentence(error.message), self.sentence(error.remedy), error.action)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(re.escape(part) for part in template.split("{}")), re.DOTALL)


def _noop(text: str) -> str:
    """Mark a text for translation, and return it."""
    return text


_errors = ErrorCatalogue({})
# Remedies that name a command of the command line, alone or beside another way.
_OR_COMMAND = re.compile(
    r",? (?:or|oder) (?:with|mit) [“„]mien [^”“]*[”“]| \([“„]?mien [^)]*\)|^[“„]?mien [^.]*\.$"
)
PLACES = (
    _noop("in Help, Models"),
    _noop("in Help, Train models"),
)


def in_own_language(error: EngineError) -> EngineError:
    """Return an engine's error in the window's language, with the window's places instead of commands."""
    translated = _errors.error(error)
    message, remedy = without_commands(translated.message), without_commands(translated.remedy)
    return EngineError(message, remedy, translated.action)


# Those generators' titles that are no names of methods.
TITLES = (_noop("Mesh warp"), _noop("Personal model"))


def sentence(english: str) -> str:
    """Return the sentence in the catalogue's language, or unchanged where no template fits."""
    return without_commands(_errors.sentence(english))


def without_commands(words: str) -> str:
    """Return a sentence with the window's own place in place of the command line that it names."""
    words = _OR_COMMAND.sub("", words)
    for name, place in (("models", PLACES[0]), ("train", PLACES[1])):
        said = QCoreApplication.translate("Places", place)
        words = re.sub(rf"(?:with|mit) [“„]mien {name}[^”“]*[”“]", said, words)
    return words


def read(language: str, part: str = "") -> dict[str, str]:
    """Return the texts of a language; empty for English. part: "-errors" for the engine's errors."""
    path = FOLDER / f"{language}{part}.json"
    texts: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return texts


def install(app: QCoreApplication, language: str = "") -> str:
    """Use a language of `LANGUAGES` ("" = the system's) for windows that open from now on; return its code."""
    global _errors
    code = language or QLocale.system().name()[:2]
    code = code if code in LANGUAGES else "en"
    if QLocale.system().name()[:2] != code:  # numbers are written in the window's language too
        QLocale.setDefault(QLocale(code))
    _errors = ErrorCatalogue(read(code, "-errors"))
    if code != "en":
        app.installTranslator(Translator(read(code), app))
        qt = QTranslator(app)
        if qt.load(f"qtbase_{code}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
            app.installTranslator(qt)
    return code
