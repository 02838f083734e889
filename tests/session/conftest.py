"""Gives tests a session over the fake engine, which starts and ends with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.session.session import Session
from tests.fakes import FakeEngine


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a home of the test's own, so that nothing of the user's is read or written."""
    home = tmp_path / "home"
    monkeypatch.setenv("MIEN_HOME", str(home))
    return home


@pytest.fixture
def fake() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def session(fake: FakeEngine, qtbot: QtBot) -> Iterator[Session]:
    session = Session(fake)
    crashes: list[str] = []
    session.crashed.connect(crashes.append)
    session.start()
    yield session
    fake.gate.set()
    session.stop()
    assert not crashes, crashes[0]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "Ünïcode 😀.png"
    path.write_bytes(b"a photo")
    return path


@pytest.fixture
def opened(session: Session, photo: Path, qtbot: QtBot) -> Session:
    """Return a session with a photo of two faces open and everything rendered."""
    with qtbot.waitSignal(session.portrait_opened):
        session.open(photo)
    settle(session, qtbot)
    return session


def settle(session: Session, qtbot: QtBot) -> None:
    """Wait until the engine has nothing left to do."""
    qtbot.waitUntil(lambda: bool(session.generators) and session.scheduler.is_idle, timeout=10_000)
