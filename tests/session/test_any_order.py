"""In whatever order things are done while the engine is slow, no work is lost and the session says nothing
untrue.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.session.document import Document
from app.session.live import Live
from app.session.project import load_project
from app.session.session import Session
from tests.fakes import FakeEngine
from tests.session.conftest import settle

STEPS = 40  # number of random actions in a row


class Hands:
    """Does at random what a user can do, and notes what must not get lost."""

    def __init__(self, session: Session, fake: FakeEngine, folder: Path, seed: int) -> None:
        self.session, self.fake, self.folder = session, fake, folder
        self.random = random.Random(seed)
        self.live = Live(session)
        self.photos = [folder / f"{name}.png" for name in "abc"]
        for photo in self.photos:
            photo.write_bytes(photo.name.encode())
        self.given_up = session.document  # the last document that the user agreed to leave
        self.lost: list[Document] = []
        self.seen, self.dirty = session.document, False
        self.films = 0
        session.document_changed.connect(self._on_document)
        session.dirty_changed.connect(self._on_dirty)
        session.history.replaced.connect(self._on_replaced)
        session.replacing_unsaved.connect(self._on_replacing)
        self.live.rendered.connect(self._on_film)

    def _on_document(self, document: Document) -> None:
        self.seen, self.dirty = document, self.session.is_dirty

    def _on_dirty(self, dirty: bool) -> None:
        self.dirty = dirty

    def _on_replaced(self) -> None:
        """Check that the document that is gone was clean, or given up when the new one was asked for."""
        if self.dirty and not self.seen.is_same_work(self.given_up):
            self.lost.append(self.seen)

    def _on_replacing(self, opened: object) -> None:
        if self.random.random() < 0.5:
            self.given_up = self.session.document
            self.session.take_opened(opened)  # type: ignore[arg-type]

    def _on_film(self) -> None:
        self.films += 1

    def deed(self) -> None:
        deeds: list[tuple[int, Callable[[], object]]] = [
            (8, self.edit), (3, self.drag), (3, self.session.undo_stack.undo), (2, self.session.undo_stack.redo),
            (3, self.save), (2, self.open), (1, self.open_project), (2, self.choose), (1, self.export),
            (1, self.film), (1, self.session.cancel_open), (1, self.select), (1, self.fake.gate.clear),
            (3, self.fake.gate.set), (1, self.snapshot), (1, self.session.reset_all),
            (1, self.add_face), (1, self.close), (1, self.restore),
        ]  # fmt: skip
        weights, calls = zip(*deeds)
        self.random.choices(calls, weights)[0]()

    def edit(self) -> None:
        self.session.set_value(self.random.choice(["smile", "yaw"]), round(self.random.random(), 2))

    def drag(self) -> None:
        gesture = self.session.begin_gesture()
        for _ in range(3):
            self.session.set_value("smile", round(self.random.random(), 2), gesture)
        if self.random.random() < 0.3:
            self.session.cancel_gesture(gesture)
        else:
            self.session.end_gesture()

    def save(self) -> None:
        if self.session.document.photo is not None:
            name = self.random.choice(["one", "two"])
            self.session.save_project(self.folder / f"{name}.mien", embed=self.random.random() < 0.3)

    def open(self) -> None:
        self.given_up = self.session.document
        self.session.open(self.random.choice(self.photos))

    def open_project(self) -> None:
        self.given_up = self.session.document
        self.session.open_project(self.folder / "one.mien")  # this file may not exist yet

    def choose(self) -> None:
        self.session.set_generator(self.random.choice(["mesh-warp", "stylegan", "headgan"]))

    def export(self) -> None:
        self.session.export(self.folder / "out.png")

    def film(self) -> None:
        self.live.film(self.folder / "clip.mp4", self.folder / "film.mp4", audio=False)

    def add_face(self) -> None:
        self.session.add_face((float(self.random.randrange(100)), 30.0, 20.0, 20.0))

    def close(self) -> None:
        self.given_up = self.session.document
        self.session.close()

    def restore(self) -> None:
        if self.session.document.snapshots:
            self.session.restore_snapshot(0)

    def select(self) -> None:
        self.session.select_face(self.random.randrange(2))

    def snapshot(self) -> None:
        self.session.take_snapshot("now")


@pytest.mark.parametrize("seed", [*range(20), 135])
def test_nothing_is_lost_whatever_the_order(
    session: Session, fake: FakeEngine, tmp_path: Path, qtbot: QtBot, seed: int
) -> None:
    hands = Hands(session, fake, tmp_path, seed)
    with qtbot.waitSignal(session.portrait_opened):
        session.open(hands.photos[0])
    for step in range(STEPS):
        hands.deed()
        if step % 3 == 0:
            qtbot.wait(hands.random.randrange(4))
    fake.gate.set()
    qtbot.waitUntil(lambda: session.job is None and session.files._opening is None, timeout=10_000)
    settle(session, qtbot)
    assert not hands.lost
    if session.project is not None and not session.is_dirty:
        assert load_project(session.project).document.is_same_work(session.document)
    assert fake.count("drive") == hands.films
    session.set_value("pitch", 1.0)
    settle(session, qtbot)
    assert session.document.generator != "headgan"
    if session.portrait is not None and session.document.generator == "mesh-warp":
        # The other generator draws nothing before it has encoded the face.
        assert fake._name == "mesh-warp"
