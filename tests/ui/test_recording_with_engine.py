"""What the workspace Live promises of a recording and of the driver's rest, over the real engine.

Clips are played by a clock that only waiting moves, so that no test depends on the machine's speed.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.engine.driving.steps import LiveStep
from app.engine.sample import sample_path
from app.engine.sources.opening import open_source
from app.engine.sources.pacing import PacedSource
from app.engine.sources.performance_files import write_performance
from app.session import live as session_live
from app.ui.live import record_bar
from app.ui.live.live_space import LiveSpace
from app.ui.main_window import MainWindow
from tests.engine.conftest import make_performance
from tests.ui.test_window_with_engine import window

__all__ = ["window"]  # this is a fixture
RATE = Fraction(25, 2)  # frames per second of the clip; neither a camera's nor a film's usual rate
LONG = 120_000  # ms


class Clock:
    """A clock that stands still but where somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def space(window: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> LiveSpace:
    """Return the workspace Live with a portrait of 640 px and a clip chosen that drives it."""
    clock = Clock()
    monkeypatch.setattr(
        session_live, "PacedSource", lambda source: PacedSource(source, lambda: clock.now, clock.sleep)
    )
    monkeypatch.setattr(record_bar, "new_path", lambda suffix: tmp_path / f"film{suffix}")
    space, clip, photo = window.live_space, tmp_path / "talk.performance", tmp_path / "large.png"
    monkeypatch.setattr(space.driver.cameras, "probe", space.driver.cameras.changed.emit)
    monkeypatch.setattr(space.driver.cameras, "all", list)
    with Image.open(sample_path()) as sample:
        sample.convert("RGB").resize((640, 640)).save(photo)
    with qtbot.waitSignal(window.session.portrait_opened, timeout=LONG):
        window.documents.open(photo)
    write_performance(make_performance(60, RATE), clip)
    window.actions_["live_space"].trigger()
    space.driver.choose_clip(clip)
    return space


def test_a_film_has_the_chosen_size_and_the_rate_of_its_clip(
    window: MainWindow, space: LiveSpace, tmp_path: Path, qtbot: QtBot
) -> None:
    bar = space.record
    assert [bar.side.itemText(k) for k in range(bar.side.count())] == ["512 × 512", "640 × 640"]
    for at, size in enumerate((512, 640)):
        bar.side.setCurrentIndex(at)
        bar.side.activated.emit(at)
        assert f"{size} × {size}" in bar.size_.text()
        with qtbot.waitSignal(space.live.recorded, timeout=LONG) as recorded:
            qtbot.keyClick(window, Qt.Key.Key_F9)  # the film ends with its clip
        film = open_source(recorded.args[0].path)
        times = []
        while not film.ended:
            if (frame := film.take(1.0)) is not None:
                assert frame.pixels.shape[:2] == (size, size)
                times.append(frame.time)
        film.close()
        assert len(times) > 1
        steps = [(time - times[0]) * float(RATE) for time in times]  # frames of the clip
        assert steps == pytest.approx([round(step) for step in steps], abs=0.05)
        recorded.args[0].path.unlink()


def test_set_in_three_seconds_takes_three_seconds_of_the_driver(
    window: MainWindow, space: LiveSpace, qtbot: QtBot
) -> None:
    said, left = list[str](), list[tuple[float, float | None]]()
    button = space.controls.neutral

    def note(step: LiveStep) -> None:
        if step.driven is not None:
            left.append((step.driven.frame.time, step.driven.reading.calibrating))
            said.append(button.text())

    space.live.stepped.connect(note)
    space.driver.loop.setChecked(True)
    space.driver.start.click()
    qtbot.waitUntil(lambda: bool(left), timeout=LONG)
    assert button.text() == "Set in 3 s"
    button.click()
    qtbot.waitUntil(lambda: any(counted is not None for _, counted in left), timeout=LONG)
    qtbot.waitUntil(lambda: left[-1][1] is None, timeout=LONG)
    space.live.stop()
    counting = [time for time, counted in left if counted is not None]
    after = next(time for time, counted in left if counted is None and time > counting[-1])
    assert after - counting[0] == pytest.approx(3, abs=float(2 / RATE))
    assert list(dict.fromkeys(said)) == ["Set in 3 s", "3 s", "2 s", "1 s"]
    qtbot.waitUntil(lambda: not space.live.running, timeout=LONG)
