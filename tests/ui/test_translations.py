"""The window speaks its language: every text is translated, numbers are written as there, and nothing is cut."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.engine import doctor
from app.engine.contract import GeneratorInfo, Step
from app.engine.doctor import Check
from app.engine.driving.animation import AWAY
from app.engine.errors import EngineError
from app.engine.face.handles import HANDLES
from app.engine.face.parameters import FaceEdit
from app.engine.film.recorder import Recording
from app.engine.generators.head2head import LICENCE
from app.engine.imaging.reading import READABLE
from app.session.autosave import Recovered
from app.session.document import Document
from app.session.live import Live
from app.session.project import Project
from app.session.session import Session
from app.session.settings import Settings
from app.session.values import filled, percent
from app.ui import i18n, stages, theme
from app.ui.canvas import drags
from app.ui.dialogs.batch import BatchDialog
from app.ui.dialogs.generator_card import GeneratorCard
from app.ui.dialogs.recovery import RecoveryDialog
from app.ui.dialogs.text import DiagnosticsDialog
from app.ui.error_bar import ErrorBar
from app.ui.live import record_bar
from app.ui.live.control_panel import ControlPanel
from app.ui.panels.edit_panel import EditPanel
from tools.texts import error_texts, errors, missing, texts

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


def test_the_window_speaks_it_once_installed(german: None) -> None:
    assert QCoreApplication.translate("Actions", "Neutralise") == "Neutralisieren"
    assert QCoreApplication.translate("Anything", "not a text of ours") == "not a text of ours"


def test_no_remedy_names_an_option_which_the_window_does_not_have() -> None:
    """“Choose another name with -o” stood in the training window. Whole commands in quotes are left out there."""
    options = re.compile(r"(?:^|\s)--?[a-z]")
    assert [text for text in errors() if options.search(re.sub("“mien [^”]*”", "", text))] == []


def test_errors_are_found_as_templates_whatever_they_are_made_of() -> None:
    code = """
ADVICE = "Do this."
def f(n, path):
    message = f"{path} is bad."
    raise EngineError(message, ADVICE if n else f"Use {n} of it.")
"""
    assert set(error_texts(ast.parse(code))) == {"{} is bad.", "Do this.", "Use {} of it."}


def test_the_longest_template_that_fits_is_taken_and_its_values_filled_in(german_errors: None) -> None:
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


def test_the_error_bar_speaks_the_window_s_language(german_errors: None, qtbot: QtBot) -> None:
    bar = ErrorBar()
    qtbot.addWidget(bar)
    bar.show_error(EngineError("No face was found in x.jpg.", "Choose another file."))
    assert "In x.jpg wurde kein Gesicht gefunden." in bar.words.text()
    assert "Wählen Sie eine andere Datei." in bar.words.text()


def test_the_diagnostics_speak_the_windows_language(
    german_errors: None, german: None, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
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
    dialog.show()
    assert dialog.text.lineWrapMode() == QPlainTextEdit.LineWrapMode.NoWrap
    assert dialog.text.horizontalScrollBar().maximum() == 0, "a line is cut"


def test_what_steps_and_licences_say_is_in_the_windows_language_too(
    german_errors: None, qtbot: QtBot
) -> None:
    """Once, the models dialog showed an English licence on a German card, and a download spoke English."""
    info = GeneratorInfo("head2head", "Personal model", 0, (), (), LICENCE)
    card = GeneratorCard(info, None, None)
    qtbot.addWidget(card)
    assert "Lizenz des Personenmodells" in card.words
    card.show_step(Step(3, 9, "warping.pth: 3 of 9 MB, 12 s left"))
    assert card.progress.text() == "warping.pth: 3 von 9 MB, noch 12 s"
    assert i18n.sentence(AWAY.format("Desk camera")) == "Desk camera ist weg; Mien wartet darauf"


def test_the_window_never_reports_to_type_a_command() -> None:
    from tools.texts import errors

    own = i18n.read("de", "-errors")
    commands = {"list", "models", "train", "drive"}
    for text in (*errors(), *own.values()):
        shown_text = i18n.without_commands(text)
        assert not any(f"mien {command}" in shown_text for command in commands), shown_text


def test_numbers_have_the_languages_decimal_point(german: None, panel: EditPanel, session: Session) -> None:
    session.set_value("smile", 0.4)
    row = panel.rows["smile"].row
    assert row.number.text() == "0,40" and session.undo_stack.text(0).startswith("Lächeln 0,00 → 0,40")
    row.setFocus()
    row.number.start_typing("0")
    QTest.keyClicks(row.number, ",25")
    QTest.keyClick(row.number, Qt.Key.Key_Return)
    assert session.edit.get("smile") == pytest.approx(0.25)


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_no_name_of_a_slider_is_cut_in_german(
    german: None, session: Session, qapp: QApplication, qtbot: QtBot, scale: float
) -> None:
    theme.apply(qapp, "dark")  # which sets the fonts, too
    panel, controls = EditPanel(session), ControlPanel(Live(session))
    for widget in (panel, controls):
        qtbot.addWidget(widget)
    rows = [binding.row for binding in panel.rows.values()] + list(controls.rows.values())
    for row in rows:
        font = QFont(row.name_label.font())
        font.setPixelSize(round(font.pixelSize() * scale))
        words = QFontMetrics(font).horizontalAdvance(row.name_label.text())
        assert words <= row.name_label.width() * scale, row.name_label.text()


def test_numbers_in_sentences_are_written_as_the_language_does(german: None) -> None:
    assert filled("{} of {:.1f} GB.", "v1.5", 62.14) == "v1.5 of 62,1 GB."
    assert stages.line({"track": 3.2, "track.a": 1.0, "total": 9.6}) == "Verfolgen 3 · insgesamt 10 ms"
    assert stages.lines({"generate.warp": 1.25}) == ["Zeichnen · warp: 1,2 ms"]
    assert percent(0.4) == "40 %"


def test_the_kinds_of_files_are_listed_without_a_word_of_english() -> None:
    catalogue = i18n.ErrorCatalogue(i18n.read("de", "-errors"))
    received = catalogue.error(EngineError("x", f"Open a file of one of these kinds: {READABLE}."))
    assert (
        received.remedy == "Öffnen Sie eine Datei einer dieser Arten: JPEG, PNG, WebP, TIFF, BMP, HEIC, AVIF."
    )


def test_hints_on_the_canvas_are_in_the_windows_language(german: None) -> None:
    hints = [drags.hint(handle, True, False) for handle in HANDLES] + [drags.hint(None, True, True)]
    assert all("Zieh" in hint and "Drag" not in hint for hint in hints)


def test_one_is_not_written_as_many(qtbot: QtBot, tmp_path: Path, session: Session) -> None:
    left = []
    for values in ({"smile": 0.5}, {"smile": 0.5, "yaw": 3.0}):
        document = Document(tmp_path / "a.png", edits={0: FaceEdit(tuple(values.items()))})
        left.append(Recovered(tmp_path / "a.mien", Project(document, ()), 0.0))
    dialog = RecoveryDialog(left)
    qtbot.addWidget(dialog)
    said = [dialog.list.item(k).text().rpartition(", ")[2] for k in (0, 1)]
    assert said == ["one value changed", "2 values changed"]
    photos = [tmp_path / name for name in ("a.png", "b.png")]
    for photo in photos:
        photo.write_bytes(b"a photo")
    batch = BatchDialog(session, Settings(), [])
    qtbot.addWidget(batch)
    batch.frontalise.setValue(50)
    for count, words in ((1, "Export one photo"), (2, "Export 2 photos")):
        batch.choose(photos[:count])
        assert batch.go.text() == words
    film = Recording(tmp_path / "a.mp4", pictures=1, dropped=0, duration=0.04)
    assert record_bar.described(film) == "a.mp4 · one frame · 0.0\u00a0s"


def test_what_moves_a_portrait_has_one_name_in_german() -> None:
    """Once, the status bar said Mesh warp where sentences said Netzverformung, and Live had two words for a
    performance.
    """
    words = i18n.read("de")
    assert words["Mesh warp"] == "Netzverformung" and "Mesh warp" in i18n.TITLES
    assert [own for own in words.values() if "Mesh warp" in own or "Aufzeichnung" in own] == []
    assert all("Darbietung" in own for english, own in words.items() if "erformance" in english)
