"""Project files are saved, moved and embedded; old and damaged ones are handled."""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from app.engine.errors import EngineError
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit
from app.session import files
from app.session.document import Document, Snapshot
from app.session.project import FORMAT, SCHEMA, load_project, save_project, to_json
from app.session.session import Session
from tests.fakes import FakeEngine
from tests.session.conftest import settle

EDITS = st.dictionaries(
    st.integers(0, 5),
    st.builds(
        FaceEdit,
        st.dictionaries(st.sampled_from(sorted(BY_NAME)), st.floats(-60, 60)).map(lambda d: tuple(d.items())),
        st.dictionaries(st.text(min_size=1, max_size=4), st.floats(-3, 3)).map(lambda d: tuple(d.items())),
        st.floats(0, 1),
    ),
)


@given(EDITS)
def test_what_is_saved_is_what_is_loaded(edits: dict[int, FaceEdit]) -> None:
    from app.session.project import _project

    document = Document(
        Path("/photos/北京.jpg"), "ab", edits, 0, "headgan", ((1, 2, 3, 4),), (Snapshot("a", edits),)
    )
    text = json.dumps(to_json(document, Path("/projects")))
    assert _project(json.loads(text), Path("/projects")).document == document


def test_saving_makes_clean_and_the_next_edit_dirty(opened: Session, tmp_path: Path, qtbot: QtBot) -> None:
    opened.set_value("smile", 0.5)
    assert opened.is_dirty
    with qtbot.waitSignal(opened.saved):
        opened.save_project(tmp_path / "one.mien")
    assert not opened.is_dirty
    opened.set_value("smile", 0.6)
    assert opened.is_dirty
    opened.undo_stack.undo()
    assert not opened.is_dirty


def test_an_edit_made_while_it_is_saved_stays_dirty(opened: Session, tmp_path: Path, qtbot: QtBot) -> None:
    opened.set_value("smile", 0.5)
    opened.save_project(tmp_path / "one.mien")
    opened.set_value("smile", 0.6)
    qtbot.waitUntil((tmp_path / "one.mien").exists)
    settle(opened, qtbot)
    assert opened.is_dirty


def test_a_project_opens_with_its_edits(opened: Session, tmp_path: Path, qtbot: QtBot) -> None:
    path = _saved(opened, tmp_path / "one.mien", qtbot)
    opened.close()
    with qtbot.waitSignal(opened.portrait_opened):
        opened.open_project(path)
    assert opened.document.edits == {1: FaceEdit.of(smile=0.5)} and opened.document.active == 1
    assert opened.project == path and not opened.is_dirty


def test_photo_and_project_may_move_together(
    opened: Session, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    path = _saved(opened, tmp_path / "one.mien", qtbot)
    other = tmp_path / "elsewhere"
    other.mkdir()
    photo.rename(other / photo.name)
    moved = path.rename(other / path.name)
    with qtbot.waitSignal(opened.portrait_opened):
        opened.open_project(moved)
    assert opened.document.photo == other / photo.name


def test_a_photo_that_moved_alone_is_asked_for_and_relinked(
    opened: Session, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    path = _saved(opened, tmp_path / "one.mien", qtbot)
    moved = photo.rename(tmp_path / "moved.png")
    with qtbot.waitSignal(opened.photo_missing) as caught:
        opened.open_project(path)
    with qtbot.waitSignal(opened.portrait_opened):
        opened.relink(caught.args[0], moved)
    assert opened.document.photo == moved and opened.document.edits == {1: FaceEdit.of(smile=0.5)}
    assert opened.is_dirty


def test_a_photo_that_changed_is_asked_for(
    opened: Session, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    photo_key = hashlib.sha256(photo.read_bytes()).hexdigest()
    save_project(tmp_path / "one.mien", Document(photo, photo_key))
    photo.write_bytes(b"another photo")
    with qtbot.waitSignal(opened.photo_missing):
        opened.open_project(tmp_path / "one.mien")


def test_a_project_with_its_photo_inside_needs_no_photo(
    opened: Session, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    opened.set_value("smile", 0.5)
    with qtbot.waitSignal(opened.saved):
        opened.save_project(tmp_path / "one.mien", embed=True)
    photo.unlink()
    with qtbot.waitSignal(opened.portrait_opened):
        opened.open_project(tmp_path / "one.mien")
    assert opened.document.photo is not None and opened.document.photo.read_bytes() == b"a photo"


def test_a_photo_inside_stays_inside_and_in_no_other_project(
    opened: Session, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    one, two = tmp_path / "one.mien", tmp_path / "two.mien"
    with qtbot.waitSignal(opened.saved):
        opened.save_project(one, embed=True)
    with qtbot.waitSignal(opened.saved):
        opened.save_project(two)
    photo.unlink()
    with qtbot.waitSignal(opened.portrait_opened):
        opened.open_project(one)
    opened.set_value("smile", 0.5)
    with qtbot.waitSignal(opened.saved):
        opened.save()
    assert load_project(one).embedded == b"a photo"
    photo.write_bytes(b"a photo")
    with qtbot.waitSignal(opened.portrait_opened):
        opened.open_project(two)
    opened.set_value("smile", 0.5)
    with qtbot.waitSignal(opened.saved):
        opened.save()
    assert load_project(two).embedded is None


@pytest.mark.parametrize("data", [None, b"another photo"])
def test_a_photo_that_is_gone_or_another_by_now_is_not_put_inside(
    opened: Session, photo: Path, tmp_path: Path, qtbot: QtBot, data: bytes | None
) -> None:
    photo.unlink()
    if data is not None:
        photo.write_bytes(data)
    with qtbot.waitSignal(opened.failed) as caught:
        opened.save_project(tmp_path / "one.mien", embed=True)
    assert photo.name in caught.args[0].message and caught.args[0].remedy
    assert not (tmp_path / "one.mien").exists() and opened.project is None


def test_relinking_to_a_photo_with_fewer_faces_forgets_the_others_in_snapshots_too(
    opened: Session, fake: FakeEngine, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    opened.set_value("smile", 0.2)
    opened.select_face(1)
    opened.set_value("smile", 0.9)
    opened.take_snapshot("both")
    with qtbot.waitSignal(opened.saved):
        opened.save_project(tmp_path / "one.mien")
    photo.rename(tmp_path / "gone.png")
    other = tmp_path / "other.png"
    other.write_bytes(b"one face only")
    fake._faces = 1
    with qtbot.waitSignal(opened.photo_missing) as caught:
        opened.open_project(tmp_path / "one.mien")
    with qtbot.waitSignal(opened.portrait_opened):
        opened.relink(caught.args[0], other)
    opened.set_value("smile", 0.5)
    opened.restore_snapshot(0)
    assert opened.document.edits == {0: FaceEdit.of(smile=0.2)}
    settle(opened, qtbot)


def test_a_folder_that_cannot_be_written_to_is_reported_with_a_remedy(
    opened: Session, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    with qtbot.waitSignal(opened.failed) as caught:
        opened.save_project(tmp_path / "file" / "one.mien")
    assert caught.args[0].remedy == "Choose another folder."

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "write_whole", refuse)
    with qtbot.waitSignal(opened.failed) as caught:
        opened.save_project(tmp_path / "one.mien")
    assert "Permission denied" in caught.args[0].message
    assert list(tmp_path.glob("*.mien")) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions of this kind are POSIX's")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o600])
def test_saving_keeps_the_file_s_permissions(
    opened: Session, tmp_path: Path, qtbot: QtBot, mode: int
) -> None:
    path = tmp_path / "one.mien"
    path.write_text("{}")
    path.chmod(mode)
    with qtbot.waitSignal(opened.saved):
        opened.save_project(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(os.name != "posix", reason="permissions of this kind are POSIX's")
def test_a_new_project_has_the_permissions_of_any_new_file(
    opened: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "any").write_text("")
    with qtbot.waitSignal(opened.saved):
        opened.save_project(tmp_path / "one.mien")
    assert (tmp_path / "one.mien").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_revert_goes_back_to_the_file(opened: Session, tmp_path: Path, qtbot: QtBot) -> None:
    _saved(opened, tmp_path / "one.mien", qtbot)
    opened.set_value("smile", 0.9)
    with qtbot.waitSignal(opened.portrait_opened):
        opened.revert()
    assert opened.value("smile") == 0.5 and not opened.is_dirty


def test_a_project_of_the_first_schema_is_brought_up_to_date(
    session: Session, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    key = hashlib.sha256(photo.read_bytes()).hexdigest()
    old = {
        "format": FORMAT,
        "schema": 1,
        "photo": {"path": str(photo), "sha256": key},
        "generator": "mesh-warp",
        "edits": {"1": {"yaw": 12, "smile": 0.4}},
    }
    (tmp_path / "old.mien").write_text(json.dumps(old))
    with qtbot.waitSignal(session.portrait_opened):
        session.open_project(tmp_path / "old.mien")
    assert session.document.edits == {1: FaceEdit.of(yaw=12, smile=0.4)}


def changed(**fields: object) -> str:
    """Return a project that is right but for these fields."""
    return json.dumps({**to_json(Document(), Path("/projects")), **fields})


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "damaged"),
        ("[1, 2]", "no mien project"),
        ('{"format": "something"}', "no mien project"),
        (json.dumps({"format": FORMAT, "schema": SCHEMA + 1}), "newer"),
        (json.dumps({"format": FORMAT, "schema": SCHEMA}), "damaged"),
        (json.dumps({"format": FORMAT, "schema": "x"}), "damaged"),
        (json.dumps({"format": FORMAT, "schema": 1, "edits": [1]}), "damaged"),
        (changed(edits=[{"values": {"smile": 1}}]), "damaged"),
        (changed(edits={"-1": {"values": {}, "latents": {}, "strength": 1}}), "damaged"),
        (changed(edits={"0": {"values": {"smile": math.nan}, "latents": {}, "strength": 1}}), "damaged"),
        (changed(edits={"0": {"values": {}, "latents": {"w1": math.inf}, "strength": 1}}), "damaged"),
        (changed(edits={"0": {"values": {}, "latents": {}, "strength": 7}}), "damaged"),
        (changed(active=-1), "damaged"),
        (changed(active=math.inf), "damaged"),
        (changed(boxes=[[0, 0, math.nan, 5]]), "damaged"),
        (changed(boxes=[[0, 0, -5, 5]]), "damaged"),
        (changed(snapshots=[{"name": "a", "edits": [2]}]), "damaged"),
        (changed(photo={"path": "a.png", "sha256": "", "data": "AAAA"}), "damaged"),
    ],
)
def test_what_is_no_project_is_reported_with_a_remedy(tmp_path: Path, content: str, word: str) -> None:
    path = tmp_path / "bad.mien"
    path.write_text(content)
    with pytest.raises(EngineError) as caught:
        load_project(path)
    assert word in caught.value.message and caught.value.remedy


def _saved(session: Session, path: Path, qtbot: QtBot) -> Path:
    session.select_face(1)
    session.set_value("smile", 0.5)
    with qtbot.waitSignal(session.saved):
        session.save_project(path)
    return path
