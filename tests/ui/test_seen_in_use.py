"""Faults that were seen in an hour of use on real photos and clips; each test failed before its fault was
mended.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QFontMetrics, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.engine.contract import Measurement
from app.engine.errors import EngineError
from app.session.session import Session
from app.session.values import filled, percent
from app.ui import i18n, palette, stages
from app.ui.actions import TABLE, Spec
from app.ui.dialogs.tour import Tour
from app.ui.main_window import MainWindow
from app.ui.panels.edit_panel import EditPanel
from app.ui.welcome import Welcome
from tests.session.conftest import settle


@pytest.fixture
def german() -> Iterator[None]:
    """Yield the window in German from here on, with German numbers."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    translator, before = i18n.Translator(i18n.read("de"), app), QLocale()
    app.installTranslator(translator)
    QLocale.setDefault(QLocale("de"))
    yield
    QLocale.setDefault(before)
    app.removeTranslator(translator)


def test_a_run_of_arrow_keys_on_the_gaze_pad_is_one_step(
    panel: EditPanel, session: Session, qtbot: QtBot
) -> None:
    pad = panel.pad
    pad.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Left):
        QTest.keyClick(pad, key)
    assert session.undo_stack.count() == 1
    with qtbot.waitSignal(session.gesture_ended):
        pass
    QTest.keyClick(pad, Qt.Key.Key_Right)
    pad.clearFocus()
    assert session.undo_stack.count() == 2


def test_numbers_in_sentences_are_written_as_the_language_does(german: None) -> None:
    assert filled("{} of {:.1f} GB.", "v1.5", 62.14) == "v1.5 of 62,1 GB."
    assert stages.line({"track": 3.2, "track.a": 1.0, "total": 9.6}) == "Verfolgen 3 · insgesamt 10 ms"
    assert stages.lines({"generate.warp": 1.25}) == ["Zeichnen · warp: 1,2 ms"]
    assert percent(0.4) == "40 %"


def test_a_message_is_no_taller_than_its_words(opened: MainWindow) -> None:
    for words in ("Wrote a.mp4 · 26 frames · 2.4 s", "x" * 10 + " many words" * 40):
        opened.bar.show_choices(words, {"Show film": lambda: None, "Open folder": lambda: None})
        QApplication.processEvents()
        line, label = opened.bar.fontMetrics().height(), opened.bar.words
        lines = -(-label.heightForWidth(label.width()) // line)
        assert opened.bar.height() <= max(44, (lines + 1) * line), words
    opened.bar.dismiss()


def test_the_tour_shows_what_it_speaks_of_behind_another_tab(opened: MainWindow) -> None:
    opened.spaces.reveal("edit")
    opened.helpers.show_tour()
    tour = opened.helpers.tour
    assert isinstance(tour, Tour)
    tour._on_next()
    tour._on_next()
    QApplication.processEvents()
    presets = opened.spaces.docks["presets"]
    assert presets.isVisible() and not presets.visibleRegion().isEmpty()
    assert not tour._hole().intersects(tour.card.geometry())
    tour.end()


def test_the_welcome_tip_is_not_cut(german: None, qtbot: QtBot) -> None:
    welcome = Welcome()
    welcome.show_keys("Strg+O", "Strg+V", "Strg+Umschalt+P")
    qtbot.addWidget(welcome)
    welcome.resize(1280, 640)
    welcome.show()
    for label in welcome.zone.findChildren(QLabel):
        needed = QFontMetrics(label.font()).horizontalAdvance(label.text())
        assert label.wordWrap() or needed <= label.width(), label.text()
        assert not label.wordWrap() or label.heightForWidth(label.width()) <= label.height()


def test_commands_show_their_keys_as_the_menus_do(german: None, opened: MainWindow) -> None:
    shown = palette.Palette(palette.commands(opened.actions_), opened)
    native = [
        action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
        for _, action in palette.commands(opened.actions_)
    ]
    lines = [shown.list.item(row).text() for row in range(shown.list.count())]
    assert [line.endswith(f"    {keys}") for line, keys in zip(lines, native) if keys].count(False) == 0


def test_first_keys_exist_on_every_keyboard() -> None:
    """Brackets and the backslash need AltGr in half of Europe."""
    rare = {spec.name: spec.keys for spec in TABLE if set("[]{}@|~") & set(spec.keys.split(" ")[0])}
    assert rare == {}


def test_presets_are_named_in_german_in_the_history(german: None, opened: MainWindow) -> None:
    presets = opened.edit_space.presets
    names = [preset for preset in presets._presets if preset == "Broad smile"]
    presets.list.item(list(presets._presets).index(names[0])).setSelected(True)
    assert "Breites Lächeln 100 %" in opened.session.undo_stack.undoText()


def test_the_kinds_of_files_are_listed_without_a_word_of_english() -> None:
    catalogue = i18n.ErrorCatalogue(i18n.read("de", "-errors"))
    from app.engine.imaging.reading import READABLE

    received = catalogue.error(EngineError("x", f"Open a file of one of these kinds: {READABLE}."))
    assert (
        received.remedy == "Öffnen Sie eine Datei einer dieser Arten: JPEG, PNG, WebP, TIFF, BMP, HEIC, AVIF."
    )


def test_strengths_have_tracks_to_set_them_by(
    opened: MainWindow, german: None, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened.live_space.driver, "probe", lambda: None)
    opened.resize(1280, 720)
    opened.actions_["live_space"].trigger()
    rows = opened.live_space.controls.rows
    qtbot.waitUntil(lambda: rows["mouth"].track.isVisible() and rows["mouth"].track.width() >= 110)
    assert opened.live_space.portrait.width() >= 0.5 * opened.width()


@pytest.mark.parametrize("spec", [spec for spec in TABLE if spec.keys], ids=lambda spec: spec.name)
def test_every_key_that_is_shown_works(opened: MainWindow, spec: Spec) -> None:
    action, received = opened.actions_[spec.name], []
    action.triggered.disconnect()
    action.triggered.connect(lambda: received.append(spec.name))
    action.setEnabled(True)
    for keys in action.shortcuts():
        QTest.keySequence(opened.edit_space.canvas, keys)
    assert received == [spec.name] * len(spec.keys.split())


def test_keys_are_said_as_the_system_writes_them_and_as_they_are_set(
    german: None, opened: MainWindow
) -> None:
    def native(name: str) -> str:
        return opened.actions_[name].shortcut().toString(QKeySequence.SequenceFormat.NativeText)

    opened.actions_.set_keys("open", "Ctrl+Alt+O")
    assert native("open") in opened.actions_["open"].toolTip()
    assert native("open") in opened.welcome.tip.text() and native("paste") in opened.welcome.tip.text()
    opened.actions_.set_keys("export", "Ctrl+Alt+X")
    opened.helpers.show_tour()
    tour = opened.helpers.tour
    assert tour is not None
    said = " ".join(words for _, _, words in tour._stops)
    for name in ("before", "split", "undo", "export", "save", "commands"):
        assert native(name) in said, name
    tour.end()
    opened.actions_.reset_keys()


def test_a_new_photo_forgets_the_handle_under_the_pointer(opened: MainWindow) -> None:
    canvas = opened.edit_space.canvas
    handle = canvas.active_face.handles(canvas.view.zoom)[0]
    canvas._hover(canvas.view.to_view(canvas.active_face.point(handle.landmark)))
    assert canvas._hovered is not None and canvas.hint
    canvas.set_photo(canvas._photo)
    assert canvas._hovered is None and not canvas.hint


def test_a_long_result_leaves_the_sliders_their_room(opened: MainWindow, qtbot: QtBot) -> None:
    result = opened.edit_space.result
    names = ("yaw", "pitch", "roll", "smile", "mouth_open", "corner_left", "corner_right", "pucker")
    opened.session.set_values(dict.fromkeys(names, 0.5))
    settle(opened.session, qtbot)
    values = dict.fromkeys(names, 0.4)
    measurement = Measurement(values, values, (0.0,) * 28, (0.0,) * 28, 0.9)
    for height, rows in ((720, 4), (900, 8)):
        opened.resize(1280, height)
        result.show_measurement(measurement)
        grid = result._grid
        shown = [
            label.text() for k in range(grid.count()) if isinstance(label := grid.itemAt(k).widget(), QLabel)
        ]
        assert sum(text.startswith("0.4") for text in shown) == 2 * rows, shown
        assert ("and 4 more" in shown) == (height == 720)
