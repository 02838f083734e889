"""In the window, drafts are marked, replaced by the picture, cancelled in the status bar, and offered live."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui.live import record_bar
from app.ui.live.cameras import Camera
from app.ui.main_window import MainWindow
from tests.session.conftest import settle
from tests.session.test_drafts import PAINTER, PaintingEngine


@pytest.fixture
def fake() -> PaintingEngine:
    return PaintingEngine()


@pytest.fixture
def painted(opened: MainWindow, qtbot: QtBot) -> MainWindow:
    """Return the window with the generator that takes seconds chosen."""
    opened.session.set_generator(PAINTER.name)
    settle(opened.session, qtbot)
    return opened


def test_a_draft_is_marked_until_the_picture_is_there(painted: MainWindow, qtbot: QtBot) -> None:
    canvas, status = painted.edit_space.canvas, painted.status
    assert not canvas.draft.isVisible()
    painted.session.set_value("yaw", 12)
    qtbot.waitUntil(canvas.draft.isVisible)
    qtbot.waitUntil(lambda: "Painter" in status.activity.text(), timeout=10_000)
    assert status.cancel.isVisible() and status.progress.isVisible()
    qtbot.waitUntil(lambda: not canvas.draft.isVisible(), timeout=15_000)
    assert not status.activity.text()


def test_cancel_ends_the_drawing_and_leaves_the_draft(
    painted: MainWindow, fake: PaintingEngine, qtbot: QtBot
) -> None:
    painted.session.set_value("yaw", 12)
    qtbot.waitUntil(lambda: painted.status.cancel.isVisible(), timeout=10_000)
    painted.status.cancel.click()
    # This comes before the painter's own end.
    qtbot.waitUntil(lambda: not painted.status.cancel.isVisible(), timeout=2_500)
    settle(painted.session, qtbot)
    assert painted.edit_space.canvas.draft.isVisible() and not fake.finished


def test_live_drives_with_the_warp_and_offers_the_film_again(
    painted: MainWindow, fake: PaintingEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    space, words = painted.live_space, painted.bar.words
    monkeypatch.setattr(space.driver.cameras, "probe", space.driver.cameras.changed.emit)
    monkeypatch.setattr(space.driver.cameras, "all", lambda: [Camera("Desk camera", 0)])
    monkeypatch.setattr(record_bar, "new_path", lambda suffix: tmp_path / f"film{suffix}")
    painted.session.scheduler.pace.note(PAINTER.name, 2500.0)
    painted.actions_["live_space"].trigger()
    space.live._start(lambda: "a camera")
    qtbot.waitUntil(lambda: "0.4 frames a second" in words.text())
    qtbot.waitUntil(lambda: fake.animation is not None)
    assert fake.name == "mesh-warp"
    space.record.toggle_record()
    qtbot.waitUntil(lambda: space.live.recording and fake.animation.recorder is not None)
    space.record.toggle_record()
    qtbot.waitUntil(lambda: "driven by the mesh warp" in words.text())
    assert "Painter" in painted.bar.remedy.text()
    space.live.stop()
    qtbot.waitUntil(lambda: not space.live.running)
    painted.bar.remedy.click()
    qtbot.waitUntil(lambda: bool(fake.driven_by), timeout=10_000)
    assert set(fake.driven_by) == {PAINTER.name}
