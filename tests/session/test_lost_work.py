"""Work that once got lost between the document and the engine's thread is kept; races run against the real
thread.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from pytestqt.qtbot import QtBot

from app.engine.contract import Step
from app.engine.face.parameters import FaceEdit
from app.session.autosave import Autosave
from app.session.document import Document
from app.session.live import Live
from app.session.project import load_project, save_project
from app.session.session import Session
from tests.fakes import FakeEngine
from tests.session.conftest import settle

LAYERS = 5000  # layers of a picture that takes seconds


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.png"
    path.write_bytes(b"another photo")
    return path


def hold_the_engine(session: Session, fake: FakeEngine, qtbot: QtBot) -> None:
    """Keep the engine's thread busy with a render, so that whatever is asked from here on waits."""
    before = fake.count("render")
    fake.gate.clear()
    session.set_value("pitch", 3.0)
    qtbot.waitUntil(lambda: fake.count("render") == before + 1)


# -- a save whose answer comes late


def test_undone_and_edited_before_the_save_is_answered_is_dirty(
    opened: Session, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    autosave = Autosave(opened.history, tmp_path / "recovery")
    hold_the_engine(opened, fake, qtbot)
    opened.save_project(tmp_path / "one.mien")
    opened.undo_stack.undo()
    opened.set_value("smile", 0.9)  # this is the same place in the history, but another document
    with qtbot.waitSignal(opened.saved):
        fake.gate.set()
    assert opened.is_dirty
    assert load_project(tmp_path / "one.mien").document.edits == {0: FaceEdit.of(pitch=3.0)}
    (recovery,) = (tmp_path / "recovery").glob("*.mien")
    assert load_project(recovery).document.edits == {0: FaceEdit.of(smile=0.9)}
    autosave.close()


def test_a_drag_that_goes_on_while_it_is_saved_is_dirty(
    opened: Session, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    hold_the_engine(opened, fake, qtbot)
    gesture = opened.begin_gesture()
    opened.set_value("smile", 0.2, gesture)
    opened.save_project(tmp_path / "one.mien")
    opened.set_value("smile", 0.7, gesture)  # this is merged into the same step
    opened.end_gesture()
    with qtbot.waitSignal(opened.saved):
        fake.gate.set()
    assert opened.is_dirty


def test_an_edit_that_comes_back_to_what_was_written_is_clean(
    opened: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    opened.set_value("smile", 0.5)
    with qtbot.waitSignal(opened.saved):
        opened.save_project(tmp_path / "one.mien")
    changes: list[bool] = []
    opened.dirty_changed.connect(changes.append)
    opened.set_value("smile", 0.6)
    opened.set_value("smile", 0.5)
    assert not opened.is_dirty and changes == [True, False]
    opened.select_face(1)
    assert not opened.is_dirty  # the choice of the face that the panels act on is no work


# -- opening another photo meanwhile


def test_saving_while_another_photo_opens_never_names_the_new_document(
    opened: Session, fake: FakeEngine, photo: Path, other: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    one = tmp_path / "one.mien"
    with qtbot.waitSignal(opened.saved):
        opened.save_project(one)
    hold_the_engine(opened, fake, qtbot)
    opened.open(other)
    opened.save()
    with qtbot.waitSignal(opened.portrait_opened):
        fake.gate.set()
    settle(opened, qtbot)
    assert opened.document.photo == other and opened.project is None
    assert load_project(one).document.photo == photo
    assert load_project(one).document.edits == {0: FaceEdit.of(pitch=3.0)}


def test_a_project_that_was_overwritten_while_it_was_opened_is_not_clean(
    opened: Session, fake: FakeEngine, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    one = tmp_path / "one.mien"
    with qtbot.waitSignal(opened.saved):
        opened.save_project(one)
    fake.gate.clear()
    opened.open_project(one)
    opened.set_value("smile", 0.5)
    opened.save()  # this save is done after the project was read
    opened.undo_stack.undo()
    with qtbot.waitSignal(opened.portrait_opened):
        fake.gate.set()
    qtbot.waitUntil(lambda: opened.is_dirty)
    assert load_project(one).document.edits == {0: FaceEdit.of(smile=0.5)} and opened.edit == FaceEdit()
    settle(opened, qtbot)


def test_edits_made_while_another_photo_opens_stay_until_the_user_lets_them_go(
    opened: Session, fake: FakeEngine, photo: Path, other: Path, qtbot: QtBot
) -> None:
    fake.gate.clear()
    opened.open(other)
    opened.set_value("smile", 0.5)
    with qtbot.waitSignal(opened.replacing_unsaved) as caught:
        fake.gate.set()
    settle(opened, qtbot)
    assert opened.document.photo == photo and opened.value("smile") == 0.5
    opened.take_opened(caught.args[0])
    assert opened.document.photo == other and not opened.is_dirty


def test_edits_made_while_a_project_looked_for_its_photo_stay_too(
    opened: Session, fake: FakeEngine, photo: Path, other: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    project = tmp_path / "lost.mien"
    save_project(project, Document(tmp_path / "nowhere.png", "0" * 64))
    hold_the_engine(opened, fake, qtbot)
    opened.open_project(project)
    opened.set_value("smile", 0.5)
    with qtbot.waitSignal(opened.photo_missing) as caught:
        fake.gate.set()
    with qtbot.waitSignal(opened.replacing_unsaved):
        opened.relink(caught.args[0], other)
    settle(opened, qtbot)
    assert opened.document.photo == photo and opened.value("smile") == 0.5


def test_what_was_to_be_let_go_when_another_photo_was_asked_for_is_let_go(
    opened: Session, fake: FakeEngine, other: Path, qtbot: QtBot
) -> None:
    """The user answered “Don't save” before the photo was opened, so there is nothing new to ask."""
    opened.set_value("smile", 0.5)
    with qtbot.waitSignal(opened.portrait_opened):
        opened.open(other)
    assert opened.document.photo == other


def test_a_photo_that_arrives_in_the_middle_of_a_drag_waits_for_its_end(
    opened: Session, fake: FakeEngine, photo: Path, other: Path, qtbot: QtBot
) -> None:
    fake.gate.clear()
    opened.open(other)
    gesture = opened.begin_gesture()
    opened.set_value("smile", 0.5, gesture)
    fake.gate.set()
    qtbot.wait(100)
    assert opened.document.photo == photo
    with qtbot.waitSignal(opened.replacing_unsaved):
        opened.end_gesture()
    assert opened.document.photo == photo


def test_what_was_opened_waits_while_a_dialog_asks_about_the_open_photo(
    opened: Session, photo: Path, other: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    """The other photo took its place underneath, and was saved and exported under the first one's name."""
    one = tmp_path / "one.mien"
    opened.open(other)
    with opened.held():  # until the user has found a name
        settle(opened, qtbot)
        qtbot.waitUntil(lambda: not opened.files.is_opening)
        opened.save_project(one)
    with qtbot.waitSignal(opened.portrait_opened):
        pass
    assert load_project(one).document.photo == photo
    assert opened.document.photo == other and opened.project is None


def test_edits_that_are_being_saved_are_not_asked_about(
    opened: Session, fake: FakeEngine, other: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    asked: list[object] = []
    opened.replacing_unsaved.connect(asked.append)
    fake.gate.clear()
    opened.open(other)
    opened.set_value("smile", 0.5)
    opened.save_project(tmp_path / "one.mien")
    with qtbot.waitSignal(opened.portrait_opened):
        fake.gate.set()
    assert not asked
    assert load_project(tmp_path / "one.mien").document.edits == {0: FaceEdit.of(smile=0.5)}


# -- one job at a time


def test_an_export_does_not_end_the_film_that_runs(
    opened: Session, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    live = Live(opened)
    fake.gate.clear()
    live.film(tmp_path / "clip.mp4", tmp_path / "film.mp4", audio=False)
    qtbot.waitUntil(lambda: fake.count("drive") == 1)
    with qtbot.waitSignal(opened.failed) as caught:
        opened.export(tmp_path / "out.png")
    assert caught.args[0].remedy and not (tmp_path / "out.png").exists()
    with qtbot.waitSignal(live.rendered) as film:
        fake.gate.set()
    assert film.args == [tmp_path / "film.mp4"] and (tmp_path / "film.mp4").exists()
    with qtbot.waitSignal(opened.exported):
        opened.export(tmp_path / "out.png")


def test_a_film_is_asked_for_by_the_document_of_that_moment(
    opened: Session, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    opened.set_value("smile", 0.5)
    live = Live(opened)
    with qtbot.waitSignal(live.rendered):
        live.film(tmp_path / "clip.mp4", tmp_path / "film.mp4", audio=True)
    asked = next(call for call in fake.calls if call[0] == "drive")
    assert asked == (
        "drive", 0, {0: FaceEdit.of(smile=0.5)}, tmp_path / "clip.mp4", tmp_path / "film.mp4", True,
    )  # fmt: skip


def test_cancelling_a_job_that_has_just_ended_does_not_end_the_next(
    opened: Session, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    live = Live(opened)
    with qtbot.waitSignal(live.rendered):
        live.film(tmp_path / "clip.mp4", tmp_path / "film.mp4", audio=False)
    opened.cancel_job()
    with qtbot.waitSignal(opened.exported):
        opened.export(tmp_path / "out.png")


def test_cancel_ends_learning_between_two_layers_of_a_picture(
    opened: Session, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    passed: list[int] = []

    class Layer(torch.nn.Module):
        def forward(self, x: int) -> int:
            passed.append(x)
            time.sleep(0.001)
            return x

    def learning(generator: str) -> Iterator[Step]:
        layer = Layer()
        for k in range(LAYERS):
            layer(k)
        yield Step(1, 1, "a picture of seconds")

    monkeypatch.setattr(fake, "learning", learning)
    opened.learn("live-portrait")
    qtbot.waitUntil(lambda: bool(passed))
    opened.cancel_job()
    qtbot.waitUntil(lambda: opened.job is None, timeout=60_000)
    assert len(passed) < LAYERS and not opened.improving


# -- a generator that cannot run


def test_a_failing_generator_is_never_the_document_s_whatever_was_done_meanwhile(
    opened: Session, fake: FakeEngine, qtbot: QtBot
) -> None:
    hold_the_engine(opened, fake, qtbot)
    opened.set_generator("headgan")
    opened.set_value("smile", 0.5)
    with qtbot.waitSignal(opened.failed):
        fake.gate.set()
    settle(opened, qtbot)
    assert opened.document.generator == "mesh-warp"
    assert opened.edit == FaceEdit.of(pitch=3.0, smile=0.5)
    assert [opened.undo_stack.text(k).split(",")[0] for k in range(opened.undo_stack.count())] == [
        "Pitch 0 → 3°",
        "Smile 0.00 → 0.50",
    ]


def test_a_generator_that_runs_no_longer_is_not_come_back_to_by_undo(
    opened: Session, fake: FakeEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.set_generator("stylegan")
    settle(opened, qtbot)
    opened.set_generator("mesh-warp")
    settle(opened, qtbot)
    opened.set_value("smile", 0.5)
    fake.removed.add("stylegan")
    with qtbot.waitSignal(opened.failed):
        for _ in range(2):
            opened.undo_stack.undo()
    settle(opened, qtbot)
    assert opened.document.generator == "mesh-warp"
    while opened.undo_stack.canUndo():
        opened.undo_stack.undo()
    while opened.undo_stack.canRedo():
        opened.undo_stack.redo()
    settle(opened, qtbot)
    assert opened.document.generator == "mesh-warp" and opened.edit == FaceEdit.of(smile=0.5)


def test_a_job_is_drawn_by_the_generator_it_was_asked_of(
    opened: Session, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    live = Live(opened)
    fake.gate.clear()
    live.film(tmp_path / "clip.mp4", tmp_path / "film.mp4", audio=False)
    qtbot.waitUntil(lambda: fake.count("drive") == 1)
    opened.set_generator("stylegan")
    with qtbot.waitSignals([live.rendered, opened.generator_changed]):
        fake.gate.set()
    assert fake.driven_by == ["mesh-warp"] * 3


# -- answers that belong to another photo


def test_a_small_picture_of_the_photo_before_is_never_shown_for_the_new_one(
    opened: Session, fake: FakeEngine, other: Path, qtbot: QtBot
) -> None:
    from app.session.pictures import Motif, PictureWish

    wish = PictureWish(0, FaceEdit.of(smile=1), Motif.NMFC, 24)
    pictured: list[object] = []
    opened.picture_ready.connect(lambda key, picture: pictured.append(opened.portrait))
    fake.gate.clear()
    opened.open(other)
    opened.request_picture("face 0", wish)  # it is asked of the old photo and made after the new one is open
    opened.portrait_opened.connect(lambda _: opened.request_picture("face 0", wish))
    with qtbot.waitSignal(opened.portrait_opened):
        fake.gate.set()
    settle(opened, qtbot)
    assert pictured == [opened.portrait] and fake.count("nmfc") == 2


def test_two_boxes_drawn_quickly_are_two_faces(opened: Session, fake: FakeEngine, qtbot: QtBot) -> None:
    opened.add_face((50.0, 30.0, 20.0, 20.0))
    opened.add_face((130.0, 30.0, 20.0, 20.0))
    qtbot.waitUntil(lambda: opened.portrait is not None and len(opened.portrait.faces) == 4)
    assert len(opened.document.boxes) == 2


# -- the driven face


def test_the_driven_face_has_its_own_edit_whichever_face_is_active(
    opened: Session, fake: FakeEngine, qtbot: QtBot
) -> None:
    opened.set_value("smile", 0.3)
    live = Live(opened)
    live._start(lambda: None)
    qtbot.waitSignal(live.stepped).wait()
    opened.select_face(1)
    opened.set_value("yaw", 20.0)
    opened.select_face(0)
    opened.set_value("smile", 0.4)
    opened.select_face(1)
    settle(opened, qtbot)
    qtbot.waitUntil(lambda: fake.animation is not None and fake.animation.controls.edit.get("smile") == 0.4)
    assert fake.animation is not None and fake.animation.controls.edit == FaceEdit.of(smile=0.4)
    opened.add_face((-30.0, 30.0, 20.0, 20.0))  # it lies left of the driven face, which is face 1 from now on
    qtbot.waitUntil(lambda: opened.portrait is not None and len(opened.portrait.faces) == 3)
    opened.set_value("smile", 0.9)
    qtbot.wait(100)
    assert fake.animation.controls.edit == FaceEdit.of(smile=0.4)
    with qtbot.waitSignal(live.stopped):
        live.stop()
