"""A snapshot brings every face's edit back, whatever was undone or added since."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from app.engine.face.parameters import FaceEdit
from app.session.project import load_project
from app.session.session import Session


def test_snapshots_bring_every_face_back_in_one_step(opened: Session) -> None:
    opened.set_value("smile", 0.2)
    opened.take_snapshot("first")
    opened.set_value("yaw", 10)
    opened.reset_all()
    opened.restore_snapshot(0)
    assert opened.document.edits == {0: FaceEdit.of(smile=0.2)}
    assert opened.undo_stack.undoText() == "Restore first"


def test_a_snapshot_stays_when_the_steps_before_it_are_undone_and_others_follow(
    opened: Session, tmp_path: Path
) -> None:
    """It was a step itself, and went with the steps that a new one replaces, or that are more than can be undone."""
    opened.set_value("smile", 0.2)
    opened.take_snapshot("kept")
    assert opened.undo_stack.count() == 1 and opened.is_dirty
    opened.undo_stack.undo()
    opened.set_value("yaw", 10)
    assert [s.edits for s in opened.document.snapshots] == [{0: FaceEdit.of(smile=0.2)}]
    while opened.undo_stack.canUndo():
        opened.undo_stack.undo()
    opened.restore_snapshot(0)
    assert opened.edit == FaceEdit.of(smile=0.2)


def test_a_snapshot_stays_with_its_faces_while_an_added_face_comes_and_goes(
    opened: Session, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(opened.faces_changed):
        opened.add_face((50.0, 30.0, 20.0, 20.0))
    for face, smile in enumerate((0.1, 0.2, 0.3)):
        opened.select_face(face)
        opened.set_value("smile", smile)
    opened.take_snapshot("three")
    three = opened.document.snapshots[0].edits
    while opened.undo_stack.canUndo():
        opened.undo_stack.undo()
    opened.restore_snapshot(0)
    assert opened.document.edits == {0: FaceEdit.of(smile=0.1), 1: FaceEdit.of(smile=0.3)}
    opened.undo_stack.undo()
    opened.undo_stack.redo()
    opened.undo_stack.undo()
    assert opened.undo_stack.canRedo()
    with qtbot.waitSignal(opened.faces_changed):
        opened.add_face((-30.0, 30.0, 20.0, 20.0))  # another face, which is the first one now
    opened.restore_snapshot(0)
    assert opened.document.edits == {1: FaceEdit.of(smile=0.1), 2: FaceEdit.of(smile=0.3)}
    assert three == {face: FaceEdit.of(smile=s) for face, s in enumerate((0.1, 0.2, 0.3))}


def test_an_added_face_that_is_undone_and_redone_is_still_in_the_snapshot(
    opened: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(opened.faces_changed):
        opened.add_face((50.0, 30.0, 20.0, 20.0))
    opened.set_value("smile", 0.2)
    opened.take_snapshot("with it")
    for _ in range(2):
        opened.undo_stack.undo()
    with qtbot.waitSignal(opened.saved):
        opened.save_project(tmp_path / "one.mien")
    assert load_project(tmp_path / "one.mien").document.snapshots[0].edits == {}
    opened.undo_stack.redo()
    assert opened.document.snapshots[0].edits == {1: FaceEdit.of(smile=0.2)}
