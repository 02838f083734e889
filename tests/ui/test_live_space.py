"""The workspace Live as a person uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.ui.dialogs.film import FilmDialog
from app.ui.live import record_bar
from app.ui.live.cameras import Camera
from app.ui.main_window import MainWindow
from tests.fakes import FakeEngine


@pytest.fixture
def live(opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MainWindow:
    """The workspace open, with one camera that is the fake's."""
    space = opened.live_space
    monkeypatch.setattr(space.driver.cameras, "probe", space.driver.cameras.changed.emit)
    monkeypatch.setattr(space.driver.cameras, "all", lambda: [Camera("Desk camera", 0)])
    monkeypatch.setattr(space.live, "start_camera", lambda *asked: space.live._start(lambda: asked))
    monkeypatch.setattr(record_bar, "new_path", lambda suffix: tmp_path / f"film{suffix}")
    opened.actions_["live_space"].trigger()
    return opened


def test_the_workspace_names_its_cameras_and_has_its_own_panels(live: MainWindow) -> None:
    assert live.live_space.driver.source.itemText(0) == "Desk camera"
    assert live.stack.currentWidget() is live.live_space.stage
    assert live.spaces.docks["driver"].isVisible() and not live.spaces.docks["history"].isVisible()
    assert not live.live_space.record.record.isEnabled()
    live.actions_["edit_space"].trigger()
    assert live.spaces.docks["edit"].isVisible() and not live.spaces.docks["driver"].isVisible()


def test_start_record_stop_by_mouse_and_keys(live: MainWindow, fake: FakeEngine, qtbot: QtBot) -> None:
    space = live.live_space
    qtbot.mouseClick(space.driver.start, Qt.MouseButton.LeftButton)
    qtbot.waitSignal(space.live.stepped).wait()
    assert space.driver.start.text() == "Stop"
    qtbot.keyClick(live, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: "REC 00:00:01" in space.record.state.text())
    assert space.record.record.text() == "Stop recording"
    with qtbot.waitSignal(space.live.recorded):
        qtbot.keyClick(live, Qt.Key.Key_F9)
    assert "film.mp4" in live.bar.words.text()
    qtbot.keyClick(live, Qt.Key.Key_F6)
    qtbot.waitUntil(lambda: fake.animation is not None and fake.animation.neutrals == 1)
    qtbot.keyClick(live, Qt.Key.Key_F8)
    qtbot.waitUntil(lambda: fake.animation is not None and fake.animation.controls.settings.mirror)
    assert space.driver.picture.mirrored
    with qtbot.waitSignal(space.live.stopped):
        qtbot.mouseClick(space.driver.start, Qt.MouseButton.LeftButton)
    assert space.driver.start.text() == "Start"


def test_leaving_the_workspace_lets_the_camera_go(live: MainWindow, fake: FakeEngine, qtbot: QtBot) -> None:
    space = live.live_space
    qtbot.mouseClick(space.driver.start, Qt.MouseButton.LeftButton)
    qtbot.waitSignal(space.live.stepped).wait()
    with qtbot.waitSignal(space.live.stopped):
        live.actions_["edit_space"].trigger()
    assert fake.count("animation closed") == 1


def test_a_strength_goes_to_the_animation(live: MainWindow) -> None:
    live.live_space.controls.rows["mouth"].step_to(50)
    assert live.live_space.live.settings.mouth == 0.5
    live.live_space.controls.face.setChecked(True)
    assert live.live_space.live.settings.mode == "face" and live.live_space.live.settings.mouth == 0.5


def test_a_performance_is_trimmed_and_retimed_for_its_film(
    live: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    from app.engine.driving.performance import Performance
    from app.engine.driving.performance_files import read_performance, write_performance
    from app.engine.face.parameters import Camera as FaceCamera
    from app.engine.face.parameters import Expression, FaceParams, Identity

    params = [FaceParams(Identity((0.0,) * 40), Expression(), FaceCamera(50.0 + k)) for k in range(60)]
    path = tmp_path / "talk.performance"
    write_performance(Performance.of(params, [k / 30 for k in range(60)]), path)
    dialog = FilmDialog(path, tmp_path, live)
    qtbot.addWidget(dialog)
    assert dialog.clip() == path and not dialog.audio
    dialog.start.setValue(0.5)
    dialog.end.setValue(1.5)
    dialog.speed.setValue(200)
    cut = read_performance(dialog.clip())
    assert cut.duration == pytest.approx(0.5, abs=0.07)
    assert dialog.output == tmp_path / "talk-mien.mp4"
