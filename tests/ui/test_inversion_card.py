"""A generator that must find the face first: the search is shown, cancelled, begun again; nothing is drawn
meanwhile.
"""

from __future__ import annotations

import time
from typing import Any

from app.session.session import Session
from app.ui.panels.edit_panel import EditPanel
from tests.fakes import FakeEngine
from tests.session.conftest import settle


def renders(fake: FakeEngine) -> list[Any]:
    return [call[1] for call in fake.calls if call[0] == "render" and call[1]]


def search(session: Session, fake: FakeEngine, qtbot: Any) -> None:
    """Begin a search that goes on until the gate is set."""
    fake.gate.clear()
    session.set_generator("stylegan")
    qtbot.waitUntil(lambda: session.job is not None)


def test_the_face_is_found_by_itself_and_then_edited(
    panel: EditPanel, session: Session, fake: FakeEngine, qtbot: Any
) -> None:
    card = panel.latents.card
    search(session, fake, qtbot)
    assert card.isVisibleTo(panel) and panel.latents.heading.isChecked() and card.button.text() == "Cancel"
    session.set_latent("w1", 2.0)
    fake.gate.set()
    qtbot.waitUntil(lambda: not card.isVisibleTo(panel))
    settle(session, qtbot)
    names = [call[0] for call in fake.calls]
    assert fake.count("encoded") == 1 and dict(renders(fake)[-1][0].latents) == {"w1": 2.0}
    assert names.index("encoded") < len(names) - 1 - names[::-1].index("render")


def test_cancelled_it_renders_nothing_until_it_is_asked_for_again(
    panel: EditPanel, session: Session, fake: FakeEngine, qtbot: Any
) -> None:
    card = panel.latents.card
    search(session, fake, qtbot)
    card.button.click()
    fake.gate.set()
    qtbot.waitUntil(lambda: session.job is None)
    assert card.isVisibleTo(panel) and card.button.text() == "Find the face"
    session.set_latent("w1", 2.0)
    settle(session, qtbot)
    assert not fake.count("encoded") and not renders(fake)
    card.button.click()
    qtbot.waitUntil(lambda: not card.isVisibleTo(panel))
    settle(session, qtbot)
    assert dict(renders(fake)[-1][0].latents) == {"w1": 2.0}


def test_each_face_is_found_once(panel: EditPanel, session: Session, fake: FakeEngine, qtbot: Any) -> None:
    search(session, fake, qtbot)
    fake.gate.set()
    end = time.monotonic() + 10
    while not fake.count("encoded"):  # without events, the session learns of it only at the next face
        assert time.monotonic() < end
        time.sleep(0.001)
    for face in (1, 0):
        session.select_face(face)
        qtbot.waitUntil(lambda: not panel.latents.card.isVisibleTo(panel))
        settle(session, qtbot)
    assert [call[1] for call in fake.calls if call[0] == "encoding_steps"] == [0, 1]


def test_who_leaves_a_face_and_comes_back_has_not_refused_it(
    panel: EditPanel, session: Session, fake: FakeEngine, qtbot: Any
) -> None:
    search(session, fake, qtbot)
    session.select_face(1)
    session.select_face(0)
    fake.gate.set()
    qtbot.waitUntil(lambda: not panel.latents.card.isVisibleTo(panel))
    settle(session, qtbot)
    assert [call[1] for call in fake.calls if call[0] == "encoding_steps"] == [0, 0]


def test_another_generator_ends_the_search(
    panel: EditPanel, session: Session, fake: FakeEngine, qtbot: Any
) -> None:
    search(session, fake, qtbot)
    session.undo_stack.undo()
    fake.gate.set()
    qtbot.waitUntil(lambda: session.job is None)
    settle(session, qtbot)
    assert not fake.count("encoded") and not panel.latents.card.isVisibleTo(panel)


def test_a_row_shows_what_its_direction_means(
    panel: EditPanel, session: Session, fake: FakeEngine, qtbot: Any
) -> None:
    session.set_generator("stylegan")
    qtbot.waitUntil(lambda: bool(panel.latents.rows) and fake.count("encoded") == 1)
    panel.latents.rows[0].pictures_wanted.emit(True)
    qtbot.waitUntil(lambda: fake.count("latent_picture") == 2)
    asked = [call[1] for call in fake.calls if call[0] == "latent_picture"]
    assert asked == [{"w1": -2.0}, {"w1": 2.0}]
    shown = panel.latents._pictures._card._pictures
    qtbot.waitUntil(lambda: all(not label.pixmap().isNull() for label in shown))
    colours = [label.pixmap().toImage().pixelColor(3, 3).red() for label in shown]
    assert colours == [80, 120]
