"""Faults found in a second hour of use: dialogs that squeeze, commands that say nothing, words that are cut
off.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QRadioButton, QToolButton
from pytestqt.qtbot import QtBot

from app.engine.face.parameters import FaceEdit
from app.engine.film.recorder import Recording
from app.engine.imaging.reading import open_photo
from app.session.autosave import Recovered
from app.session.document import Document
from app.session.project import Project
from app.session.session import Session
from app.session.settings import Settings
from app.ui import theme
from app.ui.dialogs.batch import BatchDialog
from app.ui.dialogs.export import ExportDialog
from app.ui.dialogs.recovery import RecoveryDialog
from app.ui.live import record_bar
from app.ui.live.driver_panel import shipped_performances
from app.ui.main_window import MainWindow
from app.ui.training.curves import LossCurves
from app.ui.welcome import Welcome
from tests.fakes import FakeEngine


def test_cards_of_files_opened_before_are_gone_at_once(qtbot: QtBot, tmp_path: Path) -> None:
    welcome = Welcome()
    qtbot.addWidget(welcome)
    welcome.show()
    welcome.show_recent([tmp_path / name for name in ("a.png", "b.png")])
    qtbot.wait(20)
    before = welcome.findChildren(QToolButton)
    assert len(before) == 2 and all(card.isVisible() for card in before)
    welcome.show_recent([tmp_path / "c.png"])
    assert not any(card.isVisible() for card in before)


def test_the_export_dialog_grows_with_what_it_says(qtbot: QtBot, tmp_path: Path) -> None:
    photo = tmp_path / "clear.png"
    Image.fromarray(np.zeros((80, 80, 4), np.uint8)).save(photo)
    dialog = ExportDialog(open_photo(photo), Settings())
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    kinds = dialog.format.format
    kinds.setCurrentIndex(kinds.findData(".jpg"))
    qtbot.wait(20)
    assert kinds.height() >= kinds.sizeHint().height()
    note = dialog.note
    assert note.height() >= note.heightForWidth(note.width()) and "transparen" in note.text()


def test_pasting_an_edit_that_nobody_copied_says_so(opened: MainWindow) -> None:
    QGuiApplication.clipboard().setText("a letter")
    opened.actions_["paste_edit"].trigger()
    assert opened.bar.isVisible() and "There is no edit on the clipboard." in opened.bar.words.text()
    assert opened.session.edit.is_identity


def test_pausing_what_nothing_drives_says_so(opened: MainWindow) -> None:
    QTest.keyClick(opened, Qt.Key.Key_F7)
    assert opened.bar.isVisible() and "Nothing drives the portrait." in opened.bar.words.text()


def test_going_to_the_next_face_needs_another(opened: MainWindow, fake: FakeEngine, qtbot: QtBot) -> None:
    assert opened.actions_["next_face"].isEnabled() and opened.actions_["previous_face"].isEnabled()
    portrait = opened.session.portrait
    assert portrait is not None
    object.__setattr__(portrait, "faces", portrait.faces[:1])
    opened.session.faces_changed.emit(portrait)
    assert not (opened.actions_["next_face"].isEnabled() or opened.actions_["previous_face"].isEnabled())
    assert opened.actions_["frontalise"].isEnabled()


def test_a_message_about_a_photo_leaves_with_it(opened: MainWindow) -> None:
    opened.bar.show_note("Exported portrait.png.")
    opened.actions_["close"].trigger()
    assert not opened.bar.isVisible()


def test_presets_share_the_whole_width(opened: MainWindow, qtbot: QtBot) -> None:
    opened.spaces.reveal("presets")
    listing = opened.edit_space.presets.list
    qtbot.waitUntil(lambda: listing.visualItemRect(listing.item(0)).width() > 0)
    rows = [listing.visualItemRect(listing.item(k)) for k in range(listing.count())]
    first = [rect for rect in rows if rect.top() == rows[0].top()]
    empty = listing.viewport().width() - first[-1].right()
    assert len(first) > 1 and empty < listing.gridSize().width() / 2


@pytest.fixture
def recording(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MainWindow:
    """Return the window while a film is recorded; ending the film asks no question."""
    monkeypatch.setattr(opened.documents, "settle_job", lambda: True)
    monkeypatch.setattr(record_bar, "new_path", lambda suffix: tmp_path / f"film{suffix}")
    space = opened.live_space
    monkeypatch.setattr(space.driver.cameras, "probe", space.driver.cameras.changed.emit)
    monkeypatch.setattr(space.driver.cameras, "all", list)
    opened.actions_["live_space"].trigger()
    space.driver.choose_clip(shipped_performances()[0])
    steps: list[object] = []
    space.live.stepped.connect(steps.append)
    space.record.toggle_record()
    qtbot.waitUntil(lambda: len(steps) > 2)
    return opened


@pytest.mark.parametrize("width", [1700, 1100, 960])
def test_while_a_film_is_recorded_no_number_is_cut(recording: MainWindow, qtbot: QtBot, width: int) -> None:
    bar = recording.live_space.record
    recording.resize(width, 700)
    bar.state.setText("● REC 00:00:02   21,1 GB frei")
    bar.record.setText("Aufnahme beenden")
    qtbot.wait(20)
    bar.show_numbers(["11 B/s", "Verzug 112 ms", "3 nicht aufgenommen"])
    assert not bar.size_.isVisible()
    assert bar.numbers.width() >= bar.numbers.fontMetrics().horizontalAdvance(bar.numbers.text())
    assert width < 1700 or bar.numbers.text() == "11 B/s · Verzug 112 ms · 3 nicht aufgenommen"


def test_no_room_is_kept_for_a_rest_that_is_not_known(recording: MainWindow) -> None:
    controls = recording.live_space.controls
    assert controls.rest.picture.isHidden() and controls.rest.words.isHidden()
    gap = controls.another.mapTo(controls, controls.another.rect().topLeft()).x()
    assert gap - controls.neutral.mapTo(controls, controls.neutral.rect().topRight()).x() >= 6


def test_a_message_that_nothing_drives_leaves_when_something_does(
    recording: MainWindow, qtbot: QtBot
) -> None:
    space = recording.live_space
    space.live.stop()
    qtbot.waitUntil(lambda: not (space.live.running or space.live.unsaved))
    QTest.keyClick(recording, Qt.Key.Key_F6)
    assert recording.bar.isVisible() and "Nothing drives" in recording.bar.words.text()
    with qtbot.waitSignal(space.live.stepped):
        qtbot.mouseClick(space.driver.start, Qt.MouseButton.LeftButton)
    assert not recording.bar.isVisible()


@pytest.mark.parametrize("name", ["dark", "light"])
def test_the_curves_of_a_training_are_seen_in_either_theme(qtbot: QtBot, name: str) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, "light" if name == "dark" else "dark")
    curves = LossCurves()
    qtbot.addWidget(curves)
    curves.show()
    for step in range(5):
        curves.add(step, {f"loss {k}": 1.0 for k in range(8)})
    theme.apply(app, name)
    qtbot.wait(20)
    shown = [line.opts["pen"].color().name() for line in curves._lines.values()]
    assert len(set(shown)) == 8
    assert all(theme.contrast(colour, theme.current().canvas) >= 3 for colour in shown)
    assert shown[2] in curves._legend.text()
    theme.apply(app, "dark")


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("kind", [QCheckBox, QRadioButton])
def test_what_is_chosen_stands_out_and_in_line(
    qtbot: QtBot, kind: type[QCheckBox] | type[QRadioButton], name: str
) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    used = theme.apply(app, name)
    pictures = []
    for chosen in (True, False):
        button = kind("words")
        qtbot.addWidget(button)
        button.setChecked(chosen)
        button.resize(120, 30)
        pictures.append(button.grab().toImage())
    accent, panel = QColor(used.accent), QColor(used.panel)
    places = [(x, y) for x in range(20) for y in range(30)]
    filled = [at for at in places if pictures[0].pixelColor(*at) == accent]
    assert len(filled) > 60 and not any(pictures[1].pixelColor(*at) == accent for at in places)
    words = [
        min(x for x in range(18, 60) if any(p.pixelColor(x, y) != panel for y in range(30))) for p in pictures
    ]
    assert words[0] == words[1]
    theme.apply(app, "dark")


def test_a_number_that_was_only_looked_at_is_not_taken(opened: MainWindow) -> None:
    row = opened.edit_space.edit.rows["mouth_open"].row
    opened.session.set_value("mouth_open", 1.2345)
    row.number.start_typing()
    opened.session.reset_face()
    assert row.number.text() == "0.00"
    opened.edit_space.canvas.setFocus()
    assert opened.session.edit.is_identity
    opened.session.set_value("mouth_open", 1.2345)
    row.number.start_typing()
    QTest.keyClick(row.number, Qt.Key.Key_Return)
    assert opened.session.value("mouth_open") == 1.2345
    row.number.start_typing()
    QTest.keyClicks(row.number, "0.5")
    opened.edit_space.canvas.setFocus()
    assert opened.session.value("mouth_open") == 0.5


def test_a_film_that_a_crash_cut_short_is_still_offered_when_the_photo_is_open_again(
    window: MainWindow, photo: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_bar, "new_path", lambda suffix: tmp_path / f"film{suffix}")
    film = tmp_path / "film.recording.mp4"
    film.write_bytes(b"a film")
    window.live_space.offer_interrupted_films()
    for _ in range(2):  # the recovery dialog does so too; the second photo is another case
        with qtbot.waitSignal(window.session.portrait_opened):
            window.documents.open(photo)
        qtbot.wait(20)
        if film.exists():
            assert window.bar.isVisible() and film.name in window.bar.words.text()
            window.bar.remedy.click()
            window.bar.dismiss()
    assert not window.bar.isVisible() and (tmp_path / "film.mp4").read_bytes() == b"a film"


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


def test_presets_that_are_no_longer_mixed_leave_at_once(opened: MainWindow) -> None:
    panel = opened.edit_space.presets
    opened.spaces.reveal("presets")
    panel.list.item(1).setSelected(True)
    rows = list(panel._rows.values())
    panel.list.item(4).setSelected(True)
    assert len(rows) == 1 and rows[0].isHidden() and len(panel._rows) == 2


def test_a_clip_opened_as_a_photo_leads_to_live(opened: MainWindow, tmp_path: Path) -> None:
    for name in ("talk.mp4", "talk.performance"):
        opened.documents.open(tmp_path / name)
        assert opened.bar.isVisible() and f"{name} drives a portrait" in opened.bar.words.text()
        assert opened.bar.remedy.text() == "Live" and opened.session.portrait is not None
        opened.bar.dismiss()
