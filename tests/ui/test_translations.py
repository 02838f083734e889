"""Every text of the window has its translation, with the same places for values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.engine import doctor
from app.engine.contract import GeneratorInfo, Step
from app.engine.doctor import Check
from app.engine.driving.animation import AWAY
from app.engine.errors import EngineError
from app.engine.generators.head2head import LICENCE
from app.ui import i18n
from app.ui.dialogs.generator_card import GeneratorCard
from app.ui.dialogs.text import DiagnosticsDialog
from app.ui.error_bar import ErrorBar
from tests.ui.test_seen_in_use import german as german_words
from tools.texts import error_texts, errors, missing, texts

__all__ = ["german_words"]  # this is a fixture
LANGUAGES = [code for code in i18n.LANGUAGES if code != "en"]
FIELD = re.compile(r"\{[^}]*\}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_in_english(language: str) -> None:
    assert missing(language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_same_fields_and_no_text_that_is_gone(language: str) -> None:
    for part, wanted in (("", texts()), ("-errors", errors())):
        known = i18n.read(language, part)
        assert [text for text, own in known.items() if FIELD.findall(text) != FIELD.findall(own)] == []
        assert sorted(set(known) - set(wanted)) == []


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


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(i18n, "_errors", i18n.ErrorCatalogue(i18n.read("de", "-errors")))
    yield


def test_errors_are_found_as_templates_whatever_they_are_made_of() -> None:
    code = """
ADVICE = "Do this."
def f(n, path):
    message = f"{path} is bad."
    raise EngineError(message, ADVICE if n else f"Use {n} of it.")
"""
    assert set(error_texts(ast.parse(code))) == {"{} is bad.", "Do this.", "Use {} of it."}


def test_the_longest_template_that_fits_is_taken_and_its_values_filled_in(german: None) -> None:
    error = EngineError(
        "Urlaub.png is empty.", "Copy it again from where it came, or open another file.", "open"
    )
    translated = i18n.in_own_language(error)
    assert translated.message == "Urlaub.png ist leer." and translated.action == "open"
    assert translated.remedy.startswith("Kopieren Sie sie")
    small = EngineError(
        "a.png has only 3 x 4 pixels.",
        "Open a larger copy: at least 16 pixels a side, better 500 across the face.",
    )
    assert i18n.in_own_language(small).message == "a.png hat nur 3 x 4 Pixel."
    assert (
        i18n.in_own_language(EngineError("Nobody knows this.", "Never mind.")).message == "Nobody knows this."
    )
    lacking = "HeadGAN cannot run yet: it needs a HeadGAN checkpoint, such as the authors' latest_net_G.pth."
    assert "HeadGAN-Gewichte" in i18n.sentence(lacking)


def test_the_error_bar_speaks_the_window_s_language(german: None, qtbot: QtBot) -> None:
    bar = ErrorBar()
    qtbot.addWidget(bar)
    bar.show_error(EngineError("No face was found in x.jpg.", "Choose another file."))
    assert "In x.jpg wurde kein Gesicht gefunden." in bar.words.text()
    assert "Wählen Sie eine andere Datei." in bar.words.text()


def test_the_diagnostics_speak_the_windows_language(
    german: None, german_words: None, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, a German window listed an English machine."""
    monkeypatch.setattr(doctor, "installed", tuple)
    checks = (
        Check("Graphics card", "ok", "none that networks can use; the processor does their work"),
        Check("Disk", "problem", "1 GB free for /home/x", "Free some space: recordings and models need it."),
        doctor.models(),
    )
    dialog = DiagnosticsDialog(checks)
    qtbot.addWidget(dialog)
    lines = dialog.text.toPlainText().splitlines()[-5:]
    assert dialog.windowTitle() == "Diagnose"
    assert lines[0].split(None, 2)[:2] == ["gut", "Grafikkarte"] and "Prozessor" in lines[0]
    assert lines[1].split() == ["PROBLEM", "Speicherplatz", "1", "GB", "frei", "für", "/home/x"]
    assert lines[2].strip() == "Schaffen Sie Platz: Aufnahmen und Modelle brauchen ihn."
    assert "keine Gewichte" in lines[3] and "mien" not in lines[4] and "Hilfe" in lines[4]
    found = ("keine,", "1 GB", "Schaffen", "keine Gewichte", "Die Netz")
    starts = {line.index(words) for line, words in zip(lines, found)}
    assert len(starts) == 1  # the column of what was found


def test_what_steps_and_licences_say_is_in_the_windows_language_too(german: None, qtbot: QtBot) -> None:
    """Once, the models dialog showed an English licence on a German card, and a download spoke English."""
    info = GeneratorInfo("head2head", "Personal model", 0, (), (), LICENCE)
    card = GeneratorCard(info, None, None)
    qtbot.addWidget(card)
    assert "Lizenz des Personenmodells" in card.words
    card.show_step(Step(3, 9, "warping.pth: 3 of 9 MB, 12 s left"))
    assert card.progress.text() == "warping.pth: 3 von 9 MB, noch 12 s"
    assert i18n.sentence(AWAY.format("Desk camera")) == "Desk camera ist weg; Mien wartet darauf"
