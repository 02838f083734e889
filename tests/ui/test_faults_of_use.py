"""Faults that people met in the window: sizes, cards over the face, dead ends, and an end by Ctrl+C."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMargins, QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDropEvent, QPixmap
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.engine.errors import Remark
from app.engine.film.recorder import Recorder
from app.session.presets import PresetLibrary
from app.session.session import Session
from app.ui import placing
from app.ui.interrupts import Interrupts
from app.ui.live import record_bar
from app.ui.live.cameras import Camera
from app.ui.live.driver_panel import shipped_performances
from app.ui.live.film_player import FilmPlayer
from app.ui.main_window import MainWindow
from app.ui.panels.hover_pictures import HoverPictures
from app.ui.panels.presets_panel import THUMB_PX, PresetsPanel
from app.ui.placing import fit
from tests.fakes import FakeEngine

TITLE_BAR = QMargins(1, 37, 1, 1)


@pytest.mark.parametrize(
    ("wanted", "screen"),
    [
        (QRect(0, 0, 1440, 900), QRect(0, 0, 1440, 900)),
        (QRect(0, 0, 1440, 900), QRect(0, 27, 1280, 693)),
        (QRect(2600, 300, 1200, 800), QRect(1707, 0, 1707, 960)),
        (QRect(-500, -400, 1000, 700), QRect(0, 0, 1440, 900)),
    ],
)
def test_a_window_fits_its_screen_with_its_frame(wanted: QRect, screen: QRect) -> None:
    inner = placing.within(wanted, TITLE_BAR, screen)
    assert screen.contains(inner.marginsAdded(TITLE_BAR)) and not inner.isEmpty()
    calm = QRect(screen.left() + 60, screen.top() + 60, 900, 560)
    assert placing.within(calm, TITLE_BAR, screen) == calm


def test_the_window_gives_way_to_its_title_bar(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = window.screen().availableGeometry()
    monkeypatch.setattr(placing, "frame_of", lambda _: TITLE_BAR)
    window.setMinimumSize(200, 200)
    window.setGeometry(screen)
    fit(window)
    assert screen.contains(window.geometry().marginsAdded(TITLE_BAR))


def test_ctrl_c_ends_as_quit_and_keeps_what_is_unsaved(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    before = signal.getsignal(signal.SIGINT)
    interrupts = Interrupts(opened.end, opened)
    try:
        opened.session.set_value("yaw", 12.0)
        os.kill(os.getpid(), signal.SIGINT)
        qtbot.waitUntil(lambda: not opened.isVisible())
    finally:
        interrupts.close()
    assert signal.getsignal(signal.SIGINT) is before
    assert list((tmp_path / "home" / "recovery").glob("*.mien"))


def test_the_pictures_of_a_row_open_in_the_panel_and_never_while_it_is_dragged(
    opened: MainWindow, qtbot: QtBot
) -> None:
    panel = opened.edit_space.edit
    row = panel.rows["yaw"].row
    pictures = panel.findChild(HoverPictures)
    assert pictures is not None
    card = pictures._card
    row.pictures_wanted.emit(True)
    qtbot.waitUntil(lambda: card.isVisible() or card.complete)
    for side in (0, 1):
        card.show_picture(side, QPixmap(8, 8))
    pictures._show_card()
    canvas = opened.edit_space.canvas
    over = QRect(canvas.mapToGlobal(QPoint(0, 0)), canvas.size())
    assert card.isVisible() and not over.intersects(card.geometry())
    row._start()
    assert not card.isVisible()
    row._hover.timeout.emit()
    assert not card.isVisible()
    row._end()


def test_an_empty_card_is_not_shown(session: Session, qtbot: QtBot) -> None:
    from app.engine.face.controls import BY_NAME
    from app.ui.widgets.parameter_slider import ParameterSlider

    session.stop()  # from here on, nobody draws the pictures
    row = ParameterSlider(BY_NAME["yaw"])
    qtbot.addWidget(row)
    pictures = HoverPictures(session, row)
    pictures.watch(row)
    row.pictures_wanted.emit(True)
    assert not pictures._card.isVisible()


def test_names_of_presets_that_begin_alike_are_distinguished(
    session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    panel = PresetsPanel(session, PresetLibrary(tmp_path))
    qtbot.addWidget(panel)
    panel.resize(340, 1400)
    panel.show()
    items = [panel.list.item(k) for k in range(panel.list.count())]
    twins = [item for item in items if item.text().startswith("Three-quarter")]
    assert len(twins) == 2
    shown = panel.list.grab().toImage()
    words = []
    for item in twins:
        cell = panel.list.visualItemRect(item).translated(panel.list.viewport().pos())
        words.append(shown.copy(cell.adjusted(0, THUMB_PX + 8, 0, 0)))
    assert words[0] != words[1]
    line = panel.list.fontMetrics().height()
    assert panel.list.sizeHintForIndex(panel.list.indexFromItem(twins[0])).height() >= THUMB_PX + 2 * line - 4


@pytest.fixture
def live(opened: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MainWindow:
    """Return the window with the workspace Live open, on a machine without a camera."""
    space = opened.live_space
    monkeypatch.setattr(space.driver.cameras, "probe", space.driver.cameras.changed.emit)
    monkeypatch.setattr(space.driver.cameras, "all", list)
    monkeypatch.setattr(record_bar, "new_path", lambda suffix: tmp_path / f"film{suffix}")
    opened.actions_["live_space"].trigger()
    return opened


def test_without_a_camera_the_shipped_performances_are_at_hand(
    live: MainWindow, fake: FakeEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = live.live_space.driver
    names = [driver.source.itemText(k) for k in range(driver.source.count())]
    assert names[0] == "No camera found" and "Performance: looks around" in names
    assert driver.trial.isVisible() and len(shipped_performances()) == len(names) - 1
    qtbot.mouseClick(driver.trial, Qt.MouseButton.LeftButton)
    qtbot.waitSignal(live.live_space.live.stepped).wait()
    assert live.live_space.live.running and driver.source.currentData() == shipped_performances()[0]
    assert not driver.trial.isVisible()
    monkeypatch.setattr(driver.cameras, "all", lambda: [Camera("Desk camera", 0)])
    live.live_space.live.stop()
    driver.cameras.changed.emit()
    assert not driver.trial.isVisible() and driver.source.itemText(0) == "Desk camera"


def test_a_dropped_clip_becomes_the_driver(live: MainWindow, tmp_path: Path) -> None:
    driver = live.live_space.driver
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "talk.mp4"))])
    place, left = QPointF(10, 10), Qt.MouseButton.LeftButton
    driver.dropEvent(
        QDropEvent(
            place, Qt.DropAction.CopyAction, data, left, Qt.KeyboardModifier.NoModifier, QEvent.Type.Drop
        )
    )
    assert driver.source.currentData() == tmp_path / "talk.mp4" and driver.start.isEnabled()


def test_record_on_a_clip_that_does_not_run_starts_both(
    live: MainWindow, fake: FakeEngine, qtbot: QtBot
) -> None:
    space = live.live_space
    assert not space.record.record.isEnabled()
    space.driver.choose_clip(shipped_performances()[1])
    assert space.record.record.isEnabled()
    states: list[bool] = []
    space.live.stepped.connect(lambda step: states.append(step.recording is not None))
    qtbot.mouseClick(space.record.record, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(states) > 2)
    assert states[0] and space.live.recording and space.record.record.text() == "Stop recording"
    with qtbot.waitSignal(space.live.recorded):
        space.record.toggle_record()
    words = live.bar.words.text()
    assert "25 frames · 1.0\u00a0s" in words and "00:00" not in words
    assert [live.bar.remedy.text(), live.bar.other.text()] == ["Show film", "Open folder"]
    assert live.bar.other.isVisible()


def test_an_export_says_what_of_the_photos_file_it_lacks(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    portrait = opened.session.portrait
    assert portrait is not None
    lost = Remark("CMYK colours were turned into sRGB; the result is RGB.")
    object.__setattr__(portrait.photo, "remarks", (lost,))
    with qtbot.waitSignal(opened.session.exported):
        opened.session.export(tmp_path / "a.png")
    assert "a.png. CMYK colours were turned into sRGB" in opened.bar.words.text()


def test_the_frame_taken_for_rest_is_shown_and_chosen(
    live: MainWindow, fake: FakeEngine, qtbot: QtBot
) -> None:
    space = live.live_space
    controls = space.controls
    assert not controls.use_frame.isEnabled()
    space.driver.choose_clip(shipped_performances()[0])
    qtbot.mouseClick(space.driver.start, Qt.MouseButton.LeftButton)
    qtbot.waitSignal(space.live.stepped).wait()
    picture = np.full((96, 96, 3), 90, np.uint8)
    controls._show_rest(SimpleNamespace(rest_picture=picture, rest_sure=0.72))  # type: ignore[arg-type]
    assert "72 % sure" in controls.rest.words.text() and not controls.rest.picture.isHidden()
    controls._show_rest(SimpleNamespace(rest_picture=picture, rest_sure=None))  # type: ignore[arg-type]
    assert controls.rest.words.text() == "At rest, as you chose"
    controls.use_frame.click()
    qtbot.waitUntil(lambda: fake.animation is not None and fake.animation.neutrals == 100)


def test_a_film_is_shown_frame_by_frame(qtbot: QtBot, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.mp4", live=False)
    for k in range(70):
        recorder.write(np.full((64, 48, 3), 3 * k, np.uint8), k / 25, 0.04)
    player = FilmPlayer(recorder.stop().path)
    qtbot.addWidget(player)
    player.show()
    assert player.playing
    qtbot.waitUntil(lambda: player.at >= 2)
    player.toggle()
    player.go_to(60)
    assert "frame 61 of 70 · 2.4 s" in player.words.text()

    def level() -> float:
        assert player.picture._pixels is not None
        return float(player.picture._pixels.mean())

    assert level() == pytest.approx(180, abs=4)
    qtbot.keyClick(player, Qt.Key.Key_Left)
    assert player.at == 59 and level() == pytest.approx(177, abs=4) and not player.playing
    player.slider.setValue(3)  # this is further back than what is kept
    assert player.at == 3 and level() == pytest.approx(9, abs=4)
    player.go_to(500)
    assert player.at == 69
    for button in player.findChildren(QPushButton):
        assert button.accessibleName()
    player.close()


def test_the_window_gives_way_to_a_frame_that_is_reported_of_late(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames_left, fitted = [QMargins()] * 3 + [TITLE_BAR], []
    monkeypatch.setattr(
        placing, "frame_of", lambda _: frames_left.pop(0) if len(frames_left) > 1 else frames_left[0]
    )
    monkeypatch.setattr(placing, "fit", lambda _: fitted.append(len(frames_left) == 1))
    placing.fit_when_framed(window)
    qtbot.waitUntil(lambda: bool(fitted) and fitted[-1])
    qtbot.wait(3 * placing.TRY_MS)
    assert fitted == [False, False, True, True]  # the last time, the frame is known for certain
