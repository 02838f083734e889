"""The panel Presets applies, mixes, saves and shows presets, and uses the width it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from app.engine.contract import Portrait, Rendered
from app.engine.face.parameters import FaceEdit
from app.engine.imaging.photo import Photo
from app.session.pictures import Motif, PictureWish, picture_call
from app.session.presets import Preset, PresetLibrary
from app.session.session import Session
from app.ui import thumbnails
from app.ui.main_window import MainWindow
from app.ui.panels.faces_rail import thumbnail
from app.ui.panels.presets_panel import COLUMN_PX, THUMB_PX, PresetsPanel
from tests.fakes import FakeEngine, fake_face
from tests.ui.hands import CTRL, LEFT, NONE
from tests.ui.modal import answer_box


@pytest.fixture
def presets(qtbot: Any, session: Session, tmp_path: Path) -> PresetsPanel:
    library = PresetLibrary(tmp_path / "own", shipped=tmp_path / "none")
    library.save(Preset("Grin", (("smile", 1.0),)))
    library.save(Preset("Turn", (("yaw", 20.0), ("smile", 0.2))))
    made = PresetsPanel(session, library)
    qtbot.addWidget(made)
    made.resize(240, 400)
    made.show()
    return made


def click(panel: PresetsPanel, at: int, modifiers: Any = NONE) -> None:
    place = panel.list.visualItemRect(panel.list.item(at)).center()
    QTest.mouseClick(panel.list.viewport(), LEFT, modifiers, place)


def test_a_click_applies_a_preset_and_its_strength_fades_it(presets: PresetsPanel, session: Session) -> None:
    click(presets, 0)
    assert session.edit.get("smile") == 1.0
    strength = presets._rows["Grin"]
    strength.step_to(50.0)
    assert session.edit.get("smile") == pytest.approx(0.5)
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.edit.is_identity and not presets.chosen


def test_ctrl_click_mixes_several(presets: PresetsPanel, session: Session) -> None:
    click(presets, 0)
    click(presets, 1, CTRL)
    assert session.edit.get("smile") == pytest.approx(1.2)
    assert session.edit.get("yaw") == pytest.approx(20)
    click(presets, 0, CTRL)
    assert session.edit.get("smile") == pytest.approx(0.2)


def test_a_preset_is_laid_over_what_was_asked_before(presets: PresetsPanel, session: Session) -> None:
    session.set_value("pucker", 0.3)
    click(presets, 0)
    assert session.edit == FaceEdit.of(pucker=0.3, smile=1.0)
    click(presets, 1)
    assert session.edit.get("pucker") == 0.3 and session.edit.get("smile") == pytest.approx(0.2)


def test_thumbnails_are_the_current_face(qtbot: Any, presets: PresetsPanel, fake: FakeEngine) -> None:
    def colours() -> set[int]:
        image = presets.list.item(0).icon().pixmap(72, 72).toImage()
        return {image.pixelColor(x, 36).red() for x in range(5, 70, 5)}

    qtbot.waitUntil(lambda: len(colours()) > 3)
    assert any(call[0] == "render" and call[1] == {0: FaceEdit.of(smile=1.0)} for call in fake.calls)


def test_no_small_picture_shows_what_is_cut_out(
    qtbot: QtBot, session: Session, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Presets, the faces' rail and recent files showed a cut-out's old background."""
    clear = Photo(np.full((96, 160, 3), 77, np.uint8), np.zeros((96, 160), np.uint8))
    face = fake_face(40, 20, 60, 0.0)
    monkeypatch.setattr(fake, "render", lambda *_: Rendered(clear.pixels, clear.alpha, 1.0, 0.0, {}))
    wish = PictureWish(0, FaceEdit(), Motif.RENDER, 24)
    assert (picture_call(Portrait(clear, (face,)), wish)(fake) == 255).all()
    assert thumbnail(clear, face, 20, 1.0).toImage().pixelColor(9, 9).alpha() == 0
    thumbnails.keep(tmp_path / "cut.png", clear, [tmp_path / "cut.png"])
    kept = thumbnails.thumbnail_of(tmp_path / "cut.png")
    assert kept is not None and kept.toImage().pixelColor(9, 9).alpha() == 0


def test_the_face_before_is_not_shown_while_the_new_ones_presets_are_drawn(
    qtbot: Any, presets: PresetsPanel, session: Session, fake: FakeEngine
) -> None:
    """A group photo's presets showed the woman of the photo before, for as long as the engine was busy."""
    test_thumbnails_are_the_current_face(qtbot, presets, fake)
    fake.gate.clear()
    session.select_face(1)
    image = presets.list.item(0).icon().pixmap(72, 72).toImage()
    assert len({image.pixelColor(x, 36).red() for x in range(5, 70, 5)}) == 1
    fake.gate.set()


def test_a_name_that_is_taken_is_asked_about(
    presets: PresetsPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own preset was replaced without a word, and so was one that came with Mien."""
    session.set_value("smile", 0.3)
    monkeypatch.setattr(QInputDialog, "getText", lambda *a: (" Grin ", True))
    answer_box("Cancel")
    presets.ask_save()
    assert presets._presets["Grin"].values == (("smile", 1.0),)
    answer_box("Replace")
    presets.ask_save()
    assert presets._presets["Grin"].values == (("smile", 0.3),)
    presets._presets["Grin"] = Preset("Grin", (), shipped=True)
    errors: list[Any] = []
    presets.failed.connect(errors.append)
    presets.ask_save()
    assert "Grin" in errors[0].message and not presets._presets["Grin"].values


def test_a_preset_of_ones_own_is_asked_about_before_it_is_deleted(presets: PresetsPanel) -> None:
    """One click deleted all chosen ones, and nothing brought them back."""
    item = presets.list.item(list(presets._presets).index("Grin"))
    item.setSelected(True)
    answer_box("Cancel")
    presets.delete.click()
    assert "Grin" in presets._presets
    answer_box("Delete")
    presets.delete.click()
    assert "Grin" not in presets._presets


def test_presets_are_saved_exported_and_imported(
    presets: PresetsPanel, session: Session, tmp_path: Path
) -> None:
    session.set_values({"smile": 0.3, "tx": 4})
    presets.save_as("Mine")
    assert presets._presets["Mine"].values == (("smile", 0.3),)
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    errors: list[Any] = []
    presets.failed.connect(errors.append)
    presets._report_errors_of(lambda: presets._library.load(bad))
    assert errors and errors[0].remedy


def test_presets_share_the_whole_width(opened: MainWindow, qtbot: QtBot) -> None:
    opened.spaces.reveal("presets")
    listing = opened.edit_space.presets.list
    qtbot.waitUntil(lambda: listing.visualItemRect(listing.item(0)).width() > 0)
    rows = [listing.visualItemRect(listing.item(k)) for k in range(listing.count())]
    first = [rect for rect in rows if rect.top() == rows[0].top()]
    empty = listing.viewport().width() - first[-1].right()
    assert len(first) > 1 and empty < listing.gridSize().width() / 2


def test_presets_that_are_no_longer_mixed_leave_at_once(opened: MainWindow) -> None:
    panel = opened.edit_space.presets
    opened.spaces.reveal("presets")
    panel.list.item(1).setSelected(True)
    rows = list(panel._rows.values())
    panel.list.item(4).setSelected(True)
    assert len(rows) == 1 and rows[0].isHidden() and len(panel._rows) == 2


def test_names_of_presets_that_begin_alike_are_distinguished(
    session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    panel = PresetsPanel(session, PresetLibrary(tmp_path))
    qtbot.addWidget(panel)
    panel.resize(340, 1400)
    panel.show()
    items = [panel.list.item(k) for k in range(panel.list.count())]
    twins = [item for item in items if item.text().startswith("Three-quarter")]
    assert len(twins) == 2
    shown = panel.list.grab().toImage()
    words = []
    for item in twins:
        cell = panel.list.visualItemRect(item).translated(panel.list.viewport().pos())
        words.append(shown.copy(cell.adjusted(0, THUMB_PX + 8, 0, 0)))
    assert words[0] != words[1]
    line = panel.list.fontMetrics().height()
    assert panel.list.sizeHintForIndex(panel.list.indexFromItem(twins[0])).height() >= THUMB_PX + 2 * line - 4


@pytest.mark.parametrize("height", [300, 900])
def test_presets_fill_the_width_whatever_it_is(
    session: Session, tmp_path: Path, qtbot: QtBot, height: int
) -> None:
    panel = PresetsPanel(session, PresetLibrary(tmp_path))
    qtbot.addWidget(panel)
    panel.show()
    for width in range(320, 460, 9):
        panel.resize(width, height)
        qtbot.wait(20)
        rows = [panel.list.visualItemRect(panel.list.item(k)) for k in range(panel.list.count())]
        first = [rect for rect in rows if rect.top() == rows[0].top()]
        room = panel.list.width() - 2 * panel.list.frameWidth() - 16  # a scroll bar may need so much
        assert len(first) >= room // COLUMN_PX
