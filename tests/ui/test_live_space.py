"""The workspace Live works as a person uses it."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QPaintEvent
from pytestqt.qtbot import QtBot

from app.commands.bench_live import Display
from app.engine.contract import Step
from app.engine.driving.driver import Reading
from app.engine.driving.steps import LiveStep
from app.engine.face.parameters import Camera as FaceCamera
from app.engine.face.parameters import Expression, FaceParams, Identity
from app.engine.sources.frames import Frame
from app.session.resting import RestFinder
from app.ui.dialogs.film import FilmDialog
from app.ui.live.cameras import Camera
from app.ui.live.driver_panel import shipped_performances
from app.ui.live.views import LiveView
from app.ui.main_window import MainWindow
from tests.fakes import FakeEngine
from tests.session.conftest import settle
from tests.ui.hands import start_driving


def test_the_workspace_names_its_cameras_and_has_its_own_panels(live: MainWindow) -> None:
    assert live.live_space.driver.source.itemText(0) == "Desk camera"
    assert live.stack.currentWidget() is live.live_space.stage
    assert live.spaces.docks["driver"].isVisible() and not live.spaces.docks["history"].isVisible()
    assert not live.live_space.record.record.isEnabled()
    live.actions_["edit_space"].trigger()
    assert live.spaces.docks["edit"].isVisible() and not live.spaces.docks["driver"].isVisible()


def test_each_workspace_comes_back_with_its_own_panels_only(live: MainWindow) -> None:
    def shown() -> set[str]:
        return {name for name, dock in live.spaces.docks.items() if not dock.isHidden()}

    own = {"live": shown()}
    live.actions_["edit_space"].trigger()
    own["edit"] = shown()
    assert own == {
        "live": {"edit", "driver", "live", "curves"},
        "edit": {"faces", "edit", "presets", "history", "result"},
    }
    for space in ("live", "edit", "live", "edit"):
        live.actions_[f"{space}_space"].trigger()
        assert shown() == own[space]


def test_what_starts_is_not_asked_to_be_started(live: MainWindow, qtbot: QtBot) -> None:
    """Once, the driver's view said "then press Start" for as long as its first frame took."""
    driver = live.live_space.driver
    qtbot.mouseClick(driver.start, Qt.MouseButton.LeftButton)
    assert live.live_space.live.running and driver.picture._words == "Starting…"
    with qtbot.waitSignal(live.live_space.live.stopped):
        qtbot.mouseClick(driver.start, Qt.MouseButton.LeftButton)
    assert "press Start" in driver.picture._words


def test_a_face_that_is_not_followed_is_told_from_none(live: MainWindow) -> None:
    """Once, "No face in sight" stood over a face with a hand before its mouth."""
    driver, frame = live.live_space.driver, Frame(np.zeros((8, 8, 3), np.uint8), 0.0, 0)
    for doubted, words in ((True, "“Another person” follows it"), (False, "No face in sight")):
        seen = SimpleNamespace(reading=Reading(doubted=doubted), frame=frame, ms={})
        driver._on_step(LiveStep(1, 0, driven=seen))  # type: ignore[arg-type]
        assert words in driver.picture._words


def test_start_record_stop_by_mouse_and_keys(live: MainWindow, fake: FakeEngine, qtbot: QtBot) -> None:
    space = live.live_space
    start_driving(live, qtbot)
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
    start_driving(live, qtbot)
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
    from app.engine.face.parameters import Camera as FaceCamera
    from app.engine.face.parameters import Expression, FaceParams, Identity
    from app.engine.sources.performance import Performance
    from app.engine.sources.performance_files import read_performance, write_performance

    params = [FaceParams(Identity((0.0,) * 40), Expression(), FaceCamera(50.0 + k)) for k in range(60)]
    path = tmp_path / "talk.performance"
    write_performance(Performance.of(params, [k / 30 for k in range(60)]), path)
    dialog = FilmDialog(path, tmp_path, RestFinder(live.session.jobs, live), live)
    qtbot.addWidget(dialog)
    assert dialog.clip() == path and not dialog.audio
    dialog.start.setValue(0.5)
    dialog.end.setValue(1.5)
    dialog.speed.setValue(200)
    cut = read_performance(dialog.clip())
    assert cut.duration == pytest.approx(0.5, abs=0.07)
    assert dialog.output == tmp_path / "talk-mien.mp4"


def test_cameras_come_and_go_while_the_workspace_is_open(live: MainWindow, monkeypatch) -> None:
    driver = live.live_space.driver
    desk, other = Camera("Desk camera", 0), Camera("Phone", "/dev/video7")
    monkeypatch.setattr(driver.cameras, "all", lambda: [other, desk])
    driver.cameras.changed.emit()
    assert [driver.source.itemText(k) for k in range(2)] == ["Phone", "Desk camera"]
    assert driver.source.currentData() == desk  # the chosen camera stays chosen
    monkeypatch.setattr(driver.cameras, "all", list)
    driver.cameras.changed.emit()
    assert driver.source.itemText(0) == "No camera found" and not driver.start.isEnabled()
    monkeypatch.setattr(driver.cameras, "all", lambda: [desk])
    driver.cameras.changed.emit()
    assert driver.source.currentData() == desk and driver.start.isEnabled()


def test_smoothing_is_set_by_group(live: MainWindow, fake: FakeEngine, qtbot: QtBot) -> None:
    space = live.live_space
    start_driving(live, qtbot)
    space.controls.rows["smooth_expression"].step_to(0)
    space.controls.rows["smooth_pose"].step_to(200)
    qtbot.waitUntil(
        lambda: fake.animation is not None and fake.animation.controls.settings.smoothing.expression == 0
    )
    smoothing = space.live.settings.smoothing
    assert (smoothing.pose, smoothing.eyes, smoothing.place) == (2.0, 1.0, 1.0)
    assert space.live.settings.pose == 1.0  # the strength of the same name is a different setting


def test_a_clip_can_be_looped_and_has_no_resolution_to_choose(live: MainWindow, tmp_path: Path) -> None:
    driver = live.live_space.driver
    assert driver.size_.isVisible() and not driver.loop.isVisible()
    driver.choose_clip(tmp_path / "talk.mp4")
    assert driver.loop.isVisible() and not driver.size_.isVisible()
    driver.loop.click()
    assert live.live_space.live.loop


def test_a_folder_of_frames_can_drive(live: MainWindow, tmp_path: Path, monkeypatch) -> None:
    driver = live.live_space.driver
    monkeypatch.setattr(
        "app.ui.live.driver_panel.QFileDialog.getExistingDirectory", lambda *asked: str(tmp_path)
    )
    folder = next(one for one in driver.browse.menu().actions() if "Folder" in one.text())
    folder.trigger()
    assert driver.source.currentData() == tmp_path and driver.loop.isVisible()


def test_the_curves_show_the_strongest_components_and_are_named_above(live: MainWindow) -> None:
    """The third component moves most in sigmas, the first most of the face."""
    curves = live.live_space.curves
    sigma = np.array([1.0, 0.2, 0.1, 0.5, *[0.01] * 24])
    for k in range(25):
        swing = np.sin(k) * np.array([1.0, 0.5, 2.0, 1.0, *[1.0] * 24])
        driver = FaceParams(
            Identity(()),
            Expression(tuple(swing.tolist())),
            FaceCamera.from_angles(k, -k, 0.5 * k, 60, (0, 0)),
        )
        driven = SimpleNamespace(driver=driver, frame=SimpleNamespace(time=k / 25))
        curves._on_step(LiveStep(k, 0, driven=driven, sigma=sigma))
    pose, expression = (plot.getPlotItem().titleLabel.text for plot in curves._plots)
    assert "yaw" in pose and "pitch" in pose and "roll" in pose
    assert re.findall(r"&nbsp;(\d+)", expression) == ["1", "3", "4"]
    times, yaw = curves._lines[0][0].getData()
    assert times[0] == pytest.approx(-0.96) and times[-1] == 0
    assert yaw[-1] == pytest.approx(24)
    live.session.portrait_opened.emit(live.session.portrait)
    times, _ = curves._lines[0][0].getData()
    assert times is None or not len(times), "they stayed when another portrait was opened"


def test_the_bench_paints_the_three_views_with_every_picture(qtbot: QtBot, monkeypatch) -> None:
    painted: list[str] = []
    real = LiveView.paintEvent

    def paint(view: LiveView, event: QPaintEvent) -> None:
        painted.append(view.accessibleName())
        real(view, event)

    monkeypatch.setattr(LiveView, "paintEvent", paint)
    display = Display()
    painted.clear()
    frame = SimpleNamespace(pixels=np.zeros((48, 64, 3), np.uint8))
    driven = SimpleNamespace(frame=frame, reading=SimpleNamespace(landmarks=np.zeros((478, 3))))
    picture = np.full((40, 40, 3), 200, np.uint8)
    assert display.show(LiveStep(1, 0, "", picture, driven=driven, nmfc=picture)) > 0
    assert painted == ["portrait", "driver", "nmfc"]
    display.show(Step(2, 0, "Paused"))
    assert len(painted) == 3


def test_a_click_or_tab_chooses_the_driven_face_and_it_is_marked(
    live: MainWindow, fake: FakeEngine, qtbot: QtBot
) -> None:
    space = live.live_space
    assert [space.faces.itemText(k) for k in range(space.faces.count())] == ["Face 1", "Face 2"]
    assert space.faces.isVisible()
    start_driving(live, qtbot)
    assert space.live.driven == 0
    view = space.portrait
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.box(1).center().toPoint())
    qtbot.waitUntil(lambda: fake.count("animate") == 2 and space.live.running)
    assert (
        space.live.driven == 1 == space.faces.currentIndex()
        and view._active == 1
        and live.session.document.active == 1
    )
    qtbot.keyClick(view, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: fake.count("animate") == 3 and space.live.running)
    assert space.live.driven == 0 and [c[1] for c in fake.calls if c[0] == "animate"] == [0, 1, 0]


def test_the_read_out_of_edit_does_not_stay_while_live(live: MainWindow, qtbot: QtBot) -> None:
    live.actions_["edit_space"].trigger()
    live.session.set_value("yaw", 9)
    settle(live.session, qtbot)
    assert live.status.measured.text()
    live.actions_["live_space"].trigger()
    assert not live.status.measured.text()


def test_only_a_camera_is_advised(live: MainWindow) -> None:
    controls = live.live_space.controls
    reading = SimpleNamespace(
        calibrating=None,
        rest_picture=None,
        rest_sure=None,
        quality=SimpleNamespace(light=0.1, size=0.1, sharpness=0.1, neutral=0.9),
    )
    step = SimpleNamespace(driven=SimpleNamespace(reading=reading))
    live.live_space.live.from_camera = True
    controls._on_step(step)
    assert controls.quality["size"][1].text() == "come closer"
    live.live_space.live.from_camera = False
    controls._on_step(step)
    assert controls.quality["size"][1].text() == "low" and controls.quality["neutral"][1].text() == "ok"


def test_the_drivers_landmarks_can_be_hidden(live: MainWindow, qtbot: QtBot) -> None:
    view = LiveView("Driver")
    qtbot.addWidget(view)
    view.resize(100, 100)
    view.show_picture(np.zeros((20, 20, 3), np.uint8), np.array([[10.0, 10.0]]))

    def brightest() -> int:
        shown = view.grab().toImage()
        return max(shown.pixelColor(x, y).lightness() for x in range(40, 60) for y in range(40, 60))

    assert brightest() > 60
    view.show_marks(False)
    assert brightest() < 20
    live.live_space.driver.marks.click()
    assert not live.live_space.driver.picture.marks_shown


def test_a_performance_has_no_landmarks_to_show(live: MainWindow, tmp_path: Path) -> None:
    driver = live.live_space.driver
    assert driver.marks.isVisible()
    driver.choose_clip(shipped_performances()[0])
    assert not driver.marks.isVisible()
    driver.choose_clip(tmp_path / "talk.mp4")
    assert driver.marks.isVisible()


def test_no_room_is_kept_for_a_rest_that_is_not_known(recording: MainWindow) -> None:
    controls = recording.live_space.controls
    assert controls.rest.picture.isHidden() and controls.rest.words.isHidden()
    gap = controls.another.mapTo(controls, controls.another.rect().topLeft()).x()
    assert gap - controls.neutral.mapTo(controls, controls.neutral.rect().topRight()).x() >= 6


def test_without_a_camera_the_shipped_performances_are_at_hand(
    live_without_camera: MainWindow, fake: FakeEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = live_without_camera.live_space.driver
    names = [driver.source.itemText(k) for k in range(driver.source.count())]
    assert names[0] == "No camera found" and "Performance: looks around" in names
    assert driver.trial.isVisible() and len(shipped_performances()) == len(names) - 1
    qtbot.mouseClick(driver.trial, Qt.MouseButton.LeftButton)
    qtbot.waitSignal(live_without_camera.live_space.live.stepped).wait()
    assert (
        live_without_camera.live_space.live.running
        and driver.source.currentData() == shipped_performances()[0]
    )
    assert not driver.trial.isVisible()
    monkeypatch.setattr(driver.cameras, "all", lambda: [Camera("Desk camera", 0)])
    live_without_camera.live_space.live.stop()
    driver.cameras.changed.emit()
    assert not driver.trial.isVisible() and driver.source.itemText(0) == "Desk camera"


def test_a_dropped_clip_becomes_the_driver(live_without_camera: MainWindow, tmp_path: Path) -> None:
    driver = live_without_camera.live_space.driver
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "talk.mp4"))])
    place, left = QPointF(10, 10), Qt.MouseButton.LeftButton
    driver.dropEvent(
        QDropEvent(
            place, Qt.DropAction.CopyAction, data, left, Qt.KeyboardModifier.NoModifier, QEvent.Type.Drop
        )
    )
    assert driver.source.currentData() == tmp_path / "talk.mp4" and driver.start.isEnabled()


def test_the_frame_taken_for_rest_is_shown_and_chosen(
    live_without_camera: MainWindow, fake: FakeEngine, qtbot: QtBot
) -> None:
    space = live_without_camera.live_space
    controls = space.controls
    assert not controls.use_frame.isEnabled()
    space.driver.choose_clip(shipped_performances()[0])
    start_driving(live_without_camera, qtbot)
    picture = np.full((96, 96, 3), 90, np.uint8)
    controls._show_rest(SimpleNamespace(rest_picture=picture, rest_sure=0.72))  # type: ignore[arg-type]
    assert "72 % sure" in controls.rest.words.text() and not controls.rest.picture.isHidden()
    controls._show_rest(SimpleNamespace(rest_picture=picture, rest_sure=None))  # type: ignore[arg-type]
    assert controls.rest.words.text() == "At rest, as you chose"
    controls.use_frame.click()
    qtbot.waitUntil(lambda: fake.animation is not None and fake.animation.neutrals == 100)


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


def test_strengths_have_tracks_to_set_them_by(
    opened: MainWindow, german: None, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened.live_space.driver, "probe", lambda: None)
    opened.resize(1280, 720)
    opened.actions_["live_space"].trigger()
    rows = opened.live_space.controls.rows
    qtbot.waitUntil(lambda: rows["mouth"].track.isVisible() and rows["mouth"].track.width() >= 110)
    assert opened.live_space.portrait.width() >= 0.5 * opened.width()
