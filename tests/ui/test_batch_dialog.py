"""The dialog for a folder of photos says what it will write, writes it, and names what failed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QUrl
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.session.presets import PresetLibrary
from app.session.session import Session
from app.session.settings import Settings
from app.ui.dialogs.batch import BatchDialog
from app.ui.main_window import MainWindow
from tests.fakes import FakeEngine
from tests.session.test_batch import folder_of
from tests.ui.hands import LEFT


def test_the_batchs_target_follows_the_folder_that_is_typed_until_it_is_changed(
    opened: MainWindow, tmp_path: Path
) -> None:
    inner = tmp_path / "photos"
    inner.mkdir()
    for folder in (tmp_path, inner):
        (folder / "a.jpg").write_bytes(b"a photo")
    opened.documents.show_batch(())
    dialog = opened.documents.batch
    assert dialog is not None
    for typed in (str(tmp_path), str(tmp_path / "pho"), str(inner)):
        dialog.source.setText(typed)
    assert dialog.target.text() == str(inner / "mien")
    dialog.target.setText(str(tmp_path / "mine"))
    dialog.source.setText(str(tmp_path))
    assert dialog.target.text() == str(tmp_path / "mine")
    dialog.close()


def test_a_folder_that_is_not_there_is_told_from_an_empty_one(opened: MainWindow, tmp_path: Path) -> None:
    """Of a path that was typed half way, the dialog said that there are no photos in this folder."""
    opened.documents.show_batch(())
    dialog = opened.documents.batch
    assert dialog is not None
    dialog.source.setText(str(tmp_path / "pho"))
    assert dialog.note.text() == "There is no such folder."
    (tmp_path / "photos").mkdir()
    dialog.source.setText(str(tmp_path / "photos"))
    assert dialog.note.text() == "There are no photos in this folder."
    dialog.close()


def test_two_photos_dropped_of_six_are_a_batch_of_two(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    photos = [tmp_path / f"{name}.jpg" for name in "abcdef"]
    for path in photos:
        path.write_bytes(b"photo")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in photos[1:3]])
    window.documents.open_dropped(data)
    dialog = window.documents.batch
    assert dialog is not None and dialog.batch().photos == tuple(photos[1:3])
    assert dialog.go.text() == "Export 2 photos" and dialog.source.text() == "b.jpg, c.jpg"
    dialog.source.setText(str(tmp_path))
    assert len(dialog.batch().photos) == 6
    dialog.close()


def test_a_folder_of_thirty_with_three_broken_exports_27_and_names_the_three(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    window.documents.open(folder_of(tmp_path, 27, 3))
    dialog = window.documents.batch
    assert dialog is not None and dialog.go.text() == "Export 30 photos" and not dialog.go.isEnabled()
    dialog.frontalise.setValue(100)
    QTest.mouseClick(dialog.go, LEFT)
    qtbot.waitUntil(lambda: dialog.stop.text() == "Close" and "failed" in dialog.note.text(), timeout=20_000)
    assert dialog.note.text() == "27 exported, 3 failed."
    named = [dialog.list.item(row).text() for row in range(dialog.list.count())]
    # Once, each name stood twice.
    assert [name.split(" is not")[0] for name in named] == [f"broken {n}.png" for n in range(3)]
    assert len(list(Path(dialog.target.text()).iterdir())) == 27
    dialog.close()


@pytest.fixture
def fake(request: pytest.FixtureRequest) -> FakeEngine:
    return FakeEngine(**getattr(request, "param", {}))


@pytest.mark.parametrize("fake", [{"faces": 0}], indirect=True)
def test_a_failed_photo_is_named_once_whatever_the_language_says_first(
    session: Session, fake: FakeEngine, tmp_path: Path, qtbot: QtBot, german_errors: None
) -> None:
    """Where the sentence did not begin with the name, as in German, it stood twice."""
    dialog = BatchDialog(session, Settings(), PresetLibrary(tmp_path).all())
    qtbot.addWidget(dialog)
    dialog.source.setText(str(folder_of(tmp_path, 1, 1)))
    dialog.frontalise.setValue(100)
    dialog.start()
    qtbot.waitUntil(lambda: dialog.list.count() == 2, timeout=20_000)
    named = [dialog.list.item(row).text() for row in range(2)]
    assert [named[0].count("00.jpg"), named[1].count("broken 0.png")] == [1, 1]
    assert named[0].startswith("00.jpg: In diesem Bild wurde kein Gesicht gefunden.")


def test_nothing_of_a_batch_can_be_chosen_while_it_runs(
    session: Session, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    """Format and strength could be changed, as if that still counted."""
    dialog = BatchDialog(session, Settings(), ())
    qtbot.addWidget(dialog)
    dialog.source.setText(str(folder_of(tmp_path, 2, 0)))
    dialog.frontalise.setValue(100)
    dialog.start()
    choices = (dialog.source, dialog.frontalise, dialog.format.format, dialog.all_faces, dialog.target)
    assert not any(choice.isEnabled() for choice in choices) and dialog.stop.isEnabled()
    qtbot.waitUntil(lambda: "exported" in dialog.note.text(), timeout=20_000)
    assert all(choice.isEnabled() for choice in choices)


def test_the_formats_of_a_batch_line_up_with_its_other_choices(session: Session, qtbot: QtBot) -> None:
    dialog = BatchDialog(session, Settings(), ())
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    lefts = {part.mapTo(dialog, QPoint()).x() for part in (dialog.edit, dialog.format.format)}
    assert len(lefts) == 1


def test_a_batch_offers_presets_in_the_windows_language(
    session: Session, tmp_path: Path, qtbot: QtBot, german: None
) -> None:
    dialog = BatchDialog(session, Settings(), PresetLibrary(tmp_path).all())
    qtbot.addWidget(dialog)
    offered = [dialog.edit.itemText(at) for at in range(dialog.edit.count())]
    assert "Sanftes Lächeln" in offered and "Gentle smile" not in offered


def test_a_batch_keeps_each_photos_format_and_says_what_another_cannot_hold(
    session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = BatchDialog(session, Settings(), ())
    qtbot.addWidget(dialog)
    (tmp_path / "a.png").write_bytes(b"a photo")
    dialog.source.setText(str(tmp_path))
    dialog.frontalise.setValue(100)
    assert dialog.batch().suffix == "" and "holds" not in dialog.note.text()
    for suffix, lost in (
        (".jpg", "8 bits per channel and no transparency"),
        (".avif", "8 bits"),
        (".png", ""),
    ):
        dialog.format.choose(suffix)
        assert lost in dialog.note.text() and ("holds" in dialog.note.text()) == bool(lost)


def test_a_photo_of_which_something_is_made_up_is_named(
    window: MainWindow, fake: FakeEngine, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile turned to the front was only counted as exported, although half of its face is a guess."""
    render = fake.render

    def doubtful(*asked: object, **options: object) -> object:
        return replace(render(*asked, **options), doubts=("The cheeks stretch.",))

    monkeypatch.setattr(fake, "render", doubtful)
    (tmp_path / "a.jpg").write_bytes(b"photo")
    window.documents.show_batch((tmp_path,))
    dialog = window.documents.batch
    assert dialog is not None
    dialog.frontalise.setValue(100)
    dialog.start()
    qtbot.waitUntil(lambda: not dialog.running)
    assert dialog.list.item(0).text() == "a.jpg: The cheeks stretch."
    assert dialog.note.text() == "1 exported, 1 to be looked at."
    dialog.close()
