"""Faults that were seen when every screen was looked at in three sizes, two themes and two languages; each test
failed before its fault was mended.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.engine.contract import GeneratorInfo, Rendered
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit
from app.engine.film.recorder import Recording
from app.session.presets import PresetLibrary
from app.session.session import Session
from app.session.settings import Settings
from app.ui.dialogs.batch import BatchDialog
from app.ui.dialogs.export import ExportDialog
from app.ui.dialogs.settings import SettingsDialog
from app.ui.live import record_bar
from app.ui.main_window import MainWindow
from app.ui.panels.edit_panel import EditPanel
from app.ui.panels.presets_panel import COLUMN_PX, PresetsPanel
from app.ui.training.coverage_plot import CoveragePlot, span
from app.ui.training.curves import LossCurves
from app.ui.training.window import TrainingWindow
from tests.fakes import FakeEngine
from tests.ui.test_seen_in_use import german
from tests.ui.test_training_window import training_window

__all__ = ["german", "training_window"]  # these are fixtures


def test_the_numbers_of_the_gaze_stand_below_the_others(
    panel: EditPanel, session: Session, qtbot: QtBot
) -> None:
    assert session.generator is not None
    panel.show_generator(replace(session.generator, controls=tuple(BY_NAME)))

    def right(name: str) -> int:
        number = panel.rows[name].row.number
        return number.mapTo(panel, number.rect().topRight()).x()

    qtbot.waitUntil(lambda: right("gaze_x") == right("yaw"))
    assert right("gaze_y") == right("yaw")


def test_the_formats_of_a_batch_line_up_with_its_other_choices(session: Session, qtbot: QtBot) -> None:
    dialog = BatchDialog(session, Settings(), ())
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    lefts = {part.mapTo(dialog, QPoint()).x() for part in (dialog.edit, dialog.format.format)}
    assert len(lefts) == 1


def test_a_batch_offers_presets_in_the_windows_language(
    session: Session, tmp_path: Path, qtbot: QtBot, german: None
) -> None:
    dialog = BatchDialog(session, Settings(), PresetLibrary(tmp_path).all())
    qtbot.addWidget(dialog)
    offered = [dialog.edit.itemText(at) for at in range(dialog.edit.count())]
    assert "Sanftes Lächeln" in offered and "Gentle smile" not in offered


def test_the_tour_ends_with_the_sliders_in_front(opened: MainWindow, qtbot: QtBot) -> None:
    dock = opened.spaces.docks["edit"]
    at = dock.mapTo(opened, dock.rect().center())

    def in_front() -> bool:
        return dock.isAncestorOf(opened.childAt(at))

    qtbot.waitUntil(in_front)
    opened.helpers.show_tour()
    tour = opened.helpers.tour
    assert tour is not None
    for _ in range(4):
        qtbot.wait(20)
        tour.next.click()
    assert opened.spaces.docks["presets"].isAncestorOf(_below(tour, opened, at))
    tour.next.click()
    qtbot.waitUntil(in_front)


def _below(cover: QWidget, window: QWidget, at: QPoint) -> QWidget | None:
    """Return what lies at a place of the window under a cover."""
    cover.hide()
    found = window.childAt(at)
    cover.show()
    return found


def test_what_was_not_drawn_took_no_time(opened: MainWindow) -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    for ms, words in ((0.1, ""), (12.4, "12 ms")):
        opened.status.show_rendered(Rendered(pixels, None, 1.0, 0.0, {"total": ms}))
        assert opened.status.time.text() == words


def test_a_number_and_its_unit_stay_on_one_line() -> None:
    film = Recording(Path("a.mp4"), pictures=26, dropped=0, duration=13.5)
    assert record_bar.described(film).endswith("13.5\u00a0s")


def test_intervals_of_poses_are_written_as_the_language_does(qtbot: QtBot, german: None) -> None:
    assert span("yaw", -45, 15) == "−45 … 15°" and span("exp1", -0.5, 2) == "−0,5 … 2 σ"
    plot = CoveragePlot()
    qtbot.addWidget(plot)
    plot.show_rows([{"name": "yaw", "edges": [-45, 0], "counts": [0], "gaps": [[-45, 0]]}])
    assert "−45 … 0°" in plot.words()


def test_looking_at_a_commands_keys_keeps_its_second_ones(opened: MainWindow, qtbot: QtBot) -> None:
    dialog = SettingsDialog(opened.settings, opened.actions_, 1, opened)
    qtbot.addWidget(dialog)
    dialog.show()
    page = dialog.shortcuts
    before = opened.actions_["redo"].shortcuts()
    row = next(item for item in page._items() if item.data(0, Qt.ItemDataRole.UserRole) == "redo")
    page.table.setCurrentItem(row)
    assert row.text(1) == ", ".join(keys.toString() for keys in before) and len(before) == 2
    page.keys.editingFinished.emit()  # as on leaving the field
    assert opened.actions_["redo"].shortcuts() == before
    page.keys.setKeySequence(QKeySequence("Ctrl+Alt+R"))
    page.keys.editingFinished.emit()
    assert opened.actions_["redo"].shortcuts() == [QKeySequence("Ctrl+Alt+R")]
    opened.actions_.reset_keys()


def test_the_numbers_at_the_axes_are_written_as_the_language_does(qtbot: QtBot, german: None) -> None:
    curves = LossCurves()
    qtbot.addWidget(curves)
    curves.show()
    axis = curves._plot.getAxis("left")
    assert axis.tickStrings([-1.0, 0.0], 1, 1) == ["0,1", "1"]  # powers of ten
    assert curves._plot.getAxis("bottom").tickStrings([-2.5, 5.0], 1, 0.5) == ["−2,5", "5,0"]


def test_a_generators_title_is_in_the_windows_language(opened: MainWindow, german: None) -> None:
    personal = GeneratorInfo("head2head", "Personal model", 0, (), (), "")
    opened.status.show_generators((personal,))
    opened.status.show_generator(personal)
    assert opened.status.generator.text() == "Personenmodell ▾"
    assert [one.text() for one in opened.status._menu.actions()] == ["Personenmodell"]


def test_no_field_of_other_models_is_pressed_together(training_window: TrainingWindow, qtbot: QtBot) -> None:
    training_window.pages.setCurrentIndex(2)
    page = training_window.recipes
    qtbot.waitUntil(page.isVisible)
    for at in range(page.recipe.count()):
        page.recipe.setCurrentIndex(at)
        qtbot.wait(20)
        assert page.minutes.height() >= page.minutes.sizeHint().height()


@pytest.mark.parametrize("height", [300, 900])
def test_presets_fill_the_width_whatever_it_is(
    session: Session, tmp_path: Path, qtbot: QtBot, height: int
) -> None:
    panel = PresetsPanel(session, PresetLibrary(tmp_path))
    qtbot.addWidget(panel)
    panel.show()
    for width in range(320, 460, 9):
        panel.resize(width, height)
        qtbot.wait(20)
        rows = [panel.list.visualItemRect(panel.list.item(k)) for k in range(panel.list.count())]
        first = [rect for rect in rows if rect.top() == rows[0].top()]
        room = panel.list.width() - 2 * panel.list.frameWidth() - 16  # a scroll bar may need so much
        assert len(first) >= room // COLUMN_PX


def test_a_long_step_of_the_history_is_read_whole(opened: MainWindow, qtbot: QtBot) -> None:
    opened.spaces.reveal("history")
    steps = opened.edit_space.history.steps
    opened.session.apply(FaceEdit.of(smile=0.5), "Mouth corner right: " + "Corner right +0.67, " * 6)
    qtbot.waitUntil(
        lambda: steps.visualRect(steps.model().index(1, 0)).height() > 1.8 * steps.fontMetrics().height()
    )
    assert not steps.horizontalScrollBar().isVisible()


def test_a_batch_keeps_each_photos_format_and_says_what_another_cannot_hold(
    session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    settings = Settings()
    settings.export_options = {"suffix": ".avif"}  # the last export's is not meant for a folder
    dialog = BatchDialog(session, settings, ())
    qtbot.addWidget(dialog)
    (tmp_path / "a.png").write_bytes(b"a photo")
    dialog.source.setText(str(tmp_path))
    dialog.frontalise.setValue(100)
    assert dialog.batch().suffix == "" and "holds" not in dialog.note.text()
    for suffix, lost in (
        (".jpg", "8 bits per channel and no transparency"),
        (".avif", "8 bits"),
        (".png", ""),
    ):
        dialog.format.choose(suffix)
        assert lost in dialog.note.text() and ("holds" in dialog.note.text()) == bool(lost)


def test_a_film_says_from_the_first_moment_that_it_is_made(
    opened: MainWindow, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    fake.gate.clear()
    live = opened.live_space.live
    live.film(tmp_path / "clip.mp4", tmp_path / "film.mp4", audio=False)
    assert opened.status.activity.text() == "Rendering the film" and opened.status.cancel.isVisible()
    with qtbot.waitSignal(live.rendered):
        fake.gate.set()
    assert not opened.status.activity.isVisible()


def test_a_performance_that_is_tried_goes_on(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = opened.live_space.driver
    monkeypatch.setattr(driver.cameras, "probe", driver.cameras.changed.emit)
    monkeypatch.setattr(driver.cameras, "all", list)
    opened.actions_["live_space"].trigger()
    with qtbot.waitSignal(opened.live_space.live.stepped):
        driver.trial.click()
    assert opened.live_space.live.loop
    with qtbot.waitSignal(opened.live_space.live.stopped):
        opened.live_space.live.stop()


def test_a_name_that_is_typed_keeps_folder_and_ending(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    portrait = opened.session.portrait
    assert portrait is not None
    photo = replace(portrait.photo, path=tmp_path / "a.png")
    dialog = ExportDialog(photo, opened.settings, opened)
    qtbot.addWidget(dialog)
    QTest.keyClicks(dialog.name, "b")
    assert dialog.path == tmp_path / "b.png"


def test_every_line_of_a_generators_card_begins_as_a_sentence(opened: MainWindow, qtbot: QtBot) -> None:
    from app.ui.dialogs.models import ModelsDialog

    dialog = ModelsDialog(opened.session, opened)
    qtbot.addWidget(dialog)
    cards = list(dialog.cards.values())
    assert cards and all(not line.text()[:1].islower() for card in cards for line in card.lines)
