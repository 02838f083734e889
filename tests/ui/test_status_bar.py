"""The status bar says which generator draws, what is being done, how long it took, and what is amiss with device or
generator.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from app.engine.contract import GeneratorInfo, Measurement, Rendered
from app.engine.device import FULL
from app.engine.driving.steps import LiveStep
from app.engine.face.parameters import FaceEdit
from app.engine.sound.speech import UNHEARD
from app.ui.main_window import MainWindow
from app.ui.status import StatusBar
from tests.fakes import FakeEngine
from tests.session.conftest import settle

PIXELS = np.zeros((2, 2, 3), np.uint8)
INFO = GeneratorInfo("headgan", "HeadGAN", 256, (), ("mine",), "free", note=UNHEARD)


def test_reasons_stand_together_and_go_one_by_one(qtbot: QtBot) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.show_generator(INFO)
    bar.show_rendered(Rendered(PIXELS, None, 1.0, 0.5, {"total": 3.0}, "CPU float32", FULL[2]))
    assert bar.device.text() == "CPU float32"
    words = bar.warning.toolTip()
    assert str(UNHEARD) in words and str(FULL[2]) in words and not bar.warning.isHidden()
    bar.show_rendered(Rendered(PIXELS, None, 1.0, 0.5, {"total": 3.0}, "", None))
    assert bar.device.text() == "CPU float32" and bar.warning.toolTip() == str(UNHEARD)
    bar.show_generator(GeneratorInfo("mesh-warp", "Mesh warp", 0, (), (), "MIT"))
    assert bar.warning.isHidden()


def test_a_driven_portrait_s_steps_report_too(qtbot: QtBot) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.show_step(LiveStep(1, 0, notice=FULL[1]))
    assert bar.warning.toolTip() == str(FULL[1])
    bar.show_step(LiveStep(2, 0))
    assert bar.warning.isHidden()


def test_what_a_render_took_is_short_to_read(opened: MainWindow) -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    for ms, words in ((0.1, ""), (12.4, "12 ms"), (138_721.0, "138.7 s")):
        opened.status.show_rendered(Rendered(pixels, None, 1.0, 0.0, {"total": ms}))
        assert opened.status.time.text() == words


def test_a_generators_title_is_in_the_windows_language(opened: MainWindow, german: None) -> None:
    personal = GeneratorInfo("head2head", "Personal model", 0, (), (), "")
    of_one = GeneratorInfo("head2head:me", "Personal model: me", 0, (), (), "")
    opened.status.show_generator(of_one)
    assert opened.status.generator.text() == "Personenmodell: me ▾"
    opened.status.show_generators((personal,))
    opened.status.show_generator(personal)
    assert opened.status.generator.text() == "Personenmodell ▾"
    assert [one.text() for one in opened.status._menu.actions()] == ["Personenmodell"]


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


def test_opening_reports_its_stage_and_can_be_cancelled(
    window: MainWindow, photo: Path, fake: FakeEngine, qtbot: QtBot
) -> None:
    """Once, a photo that was given at the start lost its name when the engine was ready."""
    fake.gate.clear()
    window.documents.open(photo)
    qtbot.waitUntil(lambda: "looking for faces" in window.status.activity.text())
    assert window.status.activity.text().startswith(f"Opening {photo.name}: looking for faces")
    assert window.status.progress.maximum() == 10 and window.status.progress.value() == 2
    window.status.cancel.click()
    fake.gate.set()
    settle(window.session, qtbot)
    assert window.session.portrait is None and not window.status.activity.isVisible()


def test_a_photo_given_at_the_start_does_not_hide_which_generator_draws(
    window: MainWindow, photo: Path, fake: FakeEngine, qtbot: QtBot
) -> None:
    """Once, the button was blank until the photo was open."""
    fake.gate.clear()
    window.documents.open(photo)
    qtbot.waitUntil(lambda: "looking for faces" in window.status.activity.text())
    assert window.status.generator.text() == "Mesh warp ▾"
    with qtbot.waitSignal(window.session.portrait_opened):
        fake.gate.set()


def test_a_save_that_waits_for_the_first_picture_says_so(
    opened: MainWindow, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    fake.gate.clear()
    opened.session.set_value("yaw", 9.0)
    opened.session.save_project(tmp_path / "face.mien")
    qtbot.waitUntil(lambda: opened.status.activity.text() == "Saving face.mien")
    with qtbot.waitSignal(opened.session.saved):
        fake.gate.set()
    assert not opened.status.activity.isVisible()


def test_an_edit_whose_picture_takes_long_says_that_it_is_drawn(
    opened: MainWindow, fake: FakeEngine, qtbot: QtBot
) -> None:
    """Once, the first edit waited for half a minute without a word, while kernels were compiled."""
    fake.gate.clear()
    opened.session.set_value("yaw", 9.0)
    qtbot.waitUntil(lambda: opened.status.activity.text() == "Drawing")
    fake.gate.set()
    settle(opened.session, qtbot)
    assert not opened.status.activity.isVisible()


def test_the_pose_beside_the_time_is_one_that_was_asked(opened: MainWindow) -> None:
    """Once, the photo's own yaw counted as asked when the pitch alone was edited."""
    values = {"yaw": -3.3, "pitch": -1.4, "smile": 0.5}
    measurement = Measurement(values, values, (), (), 0.9)
    opened.status.show_measured(measurement, (0, FaceEdit.of(pitch=-1.4)))
    assert opened.status.measured.text() == "asked pitch −1.4° measured −1.4°"
    opened.status.show_measured(measurement, (0, FaceEdit.of(smile=0.5)))
    assert not opened.status.measured.text()


def test_export_is_not_pushed_out_while_a_photo_opens(opened: MainWindow, qtbot: QtBot) -> None:
    """In German at 1280 px it stood half outside, beside the measured pose, the stage and Cancel."""
    opened.resize(1278, 695)
    opened.session.set_value("smile", 0.75)
    opened.export_button.setText("Exportieren…")
    opened.status.time.setText("1,4 s")
    opened.status.measured.setText("verlangt Drehung 0,0° gemessen 4,9°")
    words = "a_p30_painting.jpg wird geöffnet: Gesichter werden gesucht, noch 2 min 12 s"
    opened.status.show_activity(words, 2, 10, True)
    qtbot.waitUntil(opened.export_button.isVisible)
    qtbot.wait(20)
    bar = opened.status
    assert not bar.measured.isVisible() and opened.export_button.geometry().right() <= bar.width()
    opened.status.show_activity("")
    assert opened.status.measured.isVisible()
