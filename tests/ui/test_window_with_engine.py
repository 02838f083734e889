"""The window over the real engine does everything once, from the sample portrait to an exported picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.engine.driving.steps import LiveStep
from app.engine.sample import sample_path
from app.engine.sources.performance_files import write_performance
from app.main import make_engine
from app.session.session import Session
from app.ui.live import record_bar
from app.ui.main_window import MainWindow
from tests.engine.conftest import make_performance
from tests.ui.conftest import ready_to_close, settings_of_a_new_home


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """Yield the window with the sample portrait open."""
    settings = settings_of_a_new_home(tmp_path, monkeypatch)
    session = Session(make_engine)
    window = MainWindow(session, settings)
    monkeypatch.setattr(window, "show_crash", pytest.fail)
    session.crashed.connect(pytest.fail)
    qtbot.addWidget(window, before_close_func=ready_to_close)
    window.resize(1280, 720)
    window.show()
    window.start(sample_path())
    qtbot.waitSignal(session.portrait_opened, timeout=120_000).wait()
    yield window
    ready_to_close(window)
    window.close()


def test_open_turn_frontalise_undo_and_export(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    session = window.session
    measured: list[object] = []
    session.measured.connect(measured.append)
    session.set_value("yaw", 12)
    qtbot.waitUntil(lambda: bool(measured) and measured[-1] is not None, timeout=120_000)
    assert abs(measured[-1].measured["yaw"] - 12) < 3  # type: ignore[attr-defined]
    window.actions_["frontalise"].trigger()
    assert session.value("yaw") == pytest.approx(0, abs=0.5)
    window.actions_["undo"].trigger()
    window.actions_["undo"].trigger()
    session.set_value("smile", 0.5)
    out = tmp_path / "out.png"
    with qtbot.waitSignal(session.job_ended, timeout=120_000):
        session.export(out)
    with Image.open(out) as written, Image.open(sample_path()) as photo:
        now, before = np.asarray(written.convert("RGB")), np.asarray(photo.convert("RGB"))
    changed = np.any(now != before, axis=2).mean()
    assert now.shape == before.shape and 0.001 < changed < 0.3


def test_f9_on_a_clip_that_does_not_run_films_it_from_its_first_frame(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film, clip = tmp_path / "film.png", tmp_path / "talk.performance"
    # The film is a folder of pictures, which loses nothing.
    monkeypatch.setattr(record_bar, "new_path", lambda suffix: film)
    write_performance(make_performance(8), clip)
    space, steps = window.live_space, list[LiveStep]()
    monkeypatch.setattr(space.driver.cameras, "probe", space.driver.cameras.changed.emit)
    monkeypatch.setattr(space.driver.cameras, "all", list)
    window.actions_["live_space"].trigger()
    space.driver.choose_clip(clip)
    space.live.stepped.connect(lambda step: steps.append(step) if step.picture is not None else None)
    # The recording ends with its clip.
    with qtbot.waitSignal(space.live.recorded, timeout=120_000) as recorded:
        qtbot.keyClick(window, Qt.Key.Key_F9)
        assert space.live.recording
    assert steps[0].driven is not None and steps[0].driven.frame.index == 0
    first = sorted(film.with_suffix("").glob("*.png"))[0]
    with Image.open(first) as written:
        assert np.array_equal(np.asarray(written.convert("RGB")), steps[0].picture)
    assert recorded.args[0].pictures >= 1
