"""The mesh warp draws drafts for a generator that takes seconds, and no outdated picture is ever shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.engine.contract import Edits, GeneratorInfo, Portrait, Rendered
from app.engine.interruption import check
from app.engine.measuring.speed import remember
from app.session.session import Session
from tests.fakes import WARP, FakeEngine
from tests.session.conftest import settle

PAINTER = GeneratorInfo("painter", "Painter", 512, ("yaw", "smile"), ("paint",), "MIT")
SECONDS = 3.0  # seconds that the painter takes for a picture


class PaintingEngine(FakeEngine):
    """Has a generator that takes seconds and can be stopped, as networks are between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.name = WARP.name
        self.begun: list[dict] = []
        self.finished: list[dict] = []

    def generators(self) -> tuple[GeneratorInfo, ...]:
        return WARP, PAINTER

    def select(self, generator: str) -> None:
        super().select(generator)
        self.name = generator

    def render(
        self,
        portrait: Portrait,
        edits: Edits,
        max_side: int | None = None,
        stop: threading.Event | None = None,
    ) -> Rendered:
        asked = any(not edit.is_identity for edit in edits.values())
        if self.name == PAINTER.name and asked:
            self.begun.append(dict(edits))
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                check(stop)
                time.sleep(0.01)
            self.finished.append(dict(edits))
        rendered = super().render(portrait, edits, max_side)
        ms = (
            {"total": 1000 * SECONDS, "generate": 1000 * SECONDS}
            if self.name == PAINTER.name
            else rendered.ms
        )
        return Rendered(rendered.pixels, None, rendered.scale, rendered.changed, ms, self.name)


@pytest.fixture
def engine() -> PaintingEngine:
    return PaintingEngine()


@pytest.fixture
def painted(engine: PaintingEngine, qtbot: QtBot, photo: Path) -> Iterator[Session]:
    """Yield a session with the painter chosen and a photo open."""
    session = Session(engine)
    session.start()
    with qtbot.waitSignal(session.portrait_opened):
        session.open(photo)
    session.set_generator(PAINTER.name)
    settle(session, qtbot)
    yield session
    session.scheduler.cancel_drawing()
    session.stop()


def pictures(session: Session) -> list[Rendered]:
    seen: list[Rendered] = []
    session.rendered.connect(seen.append)
    return seen


def test_a_draft_comes_at_once_and_the_picture_when_the_hand_rests(
    painted: Session, engine: PaintingEngine, qtbot: QtBot
) -> None:
    seen = pictures(painted)
    painted.set_value("yaw", 12)
    qtbot.waitUntil(lambda: bool(seen))
    assert seen[0].draft and seen[0].device == WARP.name and not engine.finished
    qtbot.waitUntil(lambda: len(seen) == 2, timeout=15_000)
    assert not seen[1].draft and seen[1].device == PAINTER.name
    assert len(engine.finished) == 1


def test_a_draft_waits_for_nothing_that_is_shown_beside_it(
    painted: Session, engine: PaintingEngine, qtbot: QtBot
) -> None:
    """Once, a value that came while the last picture was drawn had its NMFC picture made before its draft."""
    seen = pictures(painted)
    painted.scheduler.show(nmfc=(64, False))
    painted.set_value("yaw", 12)
    qtbot.waitUntil(lambda: len(engine.begun) == 1)  # the value's own picture is being drawn
    before = len(engine.calls)
    painted.set_value("yaw", 6)
    qtbot.waitUntil(lambda: len(seen) == 2)
    asked = [call[0] for call in engine.calls[before:] if call[0] in ("render", "nmfc")]
    assert asked[0] == "render" and seen[1].draft and not engine.finished


def test_while_the_hand_moves_only_drafts_are_drawn(
    painted: Session, engine: PaintingEngine, qtbot: QtBot
) -> None:
    seen = pictures(painted)
    gesture = painted.begin_gesture()
    for yaw in (3, 6, 9):
        painted.set_value("yaw", yaw, gesture)
        count = len(seen)
        qtbot.waitUntil(lambda count=count: len(seen) > count)
    assert all(picture.draft for picture in seen) and not engine.begun
    painted.end_gesture()
    qtbot.waitUntil(lambda: bool(engine.begun), timeout=10_000)


def test_a_newer_value_stops_the_picture_and_nothing_outdated_is_shown(
    painted: Session, engine: PaintingEngine, qtbot: QtBot
) -> None:
    seen = pictures(painted)
    painted.set_value("yaw", 12)
    qtbot.waitUntil(lambda: bool(engine.begun))
    count = len(seen)
    painted.set_value("yaw", 20)
    qtbot.waitUntil(lambda: len(seen) > count, timeout=2_500)  # less than the painter's own time
    assert seen[count].draft and not engine.finished
    qtbot.waitUntil(lambda: not seen[-1].draft, timeout=15_000)
    assert [edits[0].get("yaw") for edits in engine.finished] == [20]
    assert sum(not picture.draft for picture in seen) == 1


def test_going_back_to_a_value_that_was_stopped_draws_it(
    painted: Session, engine: PaintingEngine, qtbot: QtBot
) -> None:
    seen = pictures(painted)
    painted.set_value("yaw", 12)
    qtbot.waitUntil(lambda: bool(engine.begun))
    painted.set_value("yaw", 20)
    painted.undo_stack.undo()
    qtbot.waitUntil(lambda: bool(seen) and not seen[-1].draft, timeout=15_000)
    assert [edits[0].get("yaw") for edits in engine.finished] == [12]


def test_cancel_leaves_the_draft_until_something_changes(
    painted: Session, engine: PaintingEngine, qtbot: QtBot
) -> None:
    seen, drawing = pictures(painted), []
    painted.scheduler.drawing.connect(drawing.append)
    painted.set_value("yaw", 12)
    qtbot.waitUntil(lambda: bool(engine.begun))
    assert drawing[-1] >= 0
    painted.scheduler.cancel_drawing()
    qtbot.waitUntil(lambda: drawing[-1] == -1)
    settle(painted, qtbot)
    assert len(engine.begun) == 1 and not engine.finished and seen[-1].draft
    painted.set_value("yaw", 14)
    qtbot.waitUntil(lambda: len(engine.begun) == 2)


def test_a_generator_that_is_quick_here_needs_no_draft(qtbot: QtBot, photo: Path) -> None:
    remember(PAINTER.name, 20.0, "CUDA bfloat16")
    session = Session(PaintingEngine())
    session.start()
    assert not session.scheduler.pace.is_drafted(PAINTER.name)
    assert session.scheduler.pace.is_drafted("never seen") and not session.scheduler.pace.is_drafted(
        WARP.name
    )
    session.stop()
