"""Every text of the window has its translation, with the same places for values."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui import i18n
from tools.texts import missing, texts

LANGUAGES = [code for code in i18n.LANGUAGES if code != "en"]
FIELD = re.compile(r"\{[^}]*\}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_in_english(language: str) -> None:
    assert missing(language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_same_fields_and_no_text_that_is_gone(language: str) -> None:
    known = i18n.read(language)
    assert [text for text, own in known.items() if FIELD.findall(text) != FIELD.findall(own)] == []
    assert sorted(set(known) - set(texts())) == []


def test_the_window_speaks_it_once_installed(qtbot: QtBot) -> None:
    app = QApplication.instance()
    assert app is not None
    translator = i18n.Translator(i18n.read("de"), app)
    app.installTranslator(translator)
    try:
        assert QCoreApplication.translate("Actions", "Neutralise") == "Neutralisieren"
        assert QCoreApplication.translate("Anything", "not a text of ours") == "not a text of ours"
    finally:
        app.removeTranslator(translator)
