"""The panels work over a session with the fake engine, by mouse and keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app.engine.contract import Measurement, Rendered
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit
from app.session.presets import Preset, PresetLibrary
from app.session.session import Session
from app.session.values import PAIRS
from app.ui.panels.edit_panel import EditPanel
from app.ui.panels.faces_rail import FacesRail
from app.ui.panels.history_panel import HistoryPanel
from app.ui.panels.hover_pictures import ends
from app.ui.panels.presets_panel import PresetsPanel
from app.ui.panels.result_panel import ResultPanel, misses
from app.ui.widgets.parameter_slider import ParameterSlider
from tests.fakes import LATENT, MISSING, WARP, FakeEngine
from tests.ui.test_parameter_slider import CTRL, LEFT, NONE, drag, knob, move


def row(panel: EditPanel, name: str) -> ParameterSlider:
    return panel.rows[name].row


def idle(qtbot: Any, session: Session) -> None:
    qtbot.waitUntil(lambda: session.scheduler.is_idle)


def test_a_drag_is_one_undo_step_and_undo_brings_it_back(panel: EditPanel, session: Session) -> None:
    smile, start = row(panel, "smile"), knob(row(panel, "smile"))
    drag(smile.track, start, [start + QPoint(1 + i // 8, 0) for i in range(200)])
    assert session.undo_stack.count() == 1
    assert session.edit.get("smile") == pytest.approx(smile.value) and smile.value > 0.2
    session.undo_stack.undo()
    assert smile.value == 0 and not smile.is_changed


def test_escape_leaves_no_step(panel: EditPanel, session: Session) -> None:
    smile, start = row(panel, "smile"), knob(row(panel, "smile"))
    QTest.mousePress(smile.track, LEFT, NONE, start)
    move(smile.track, start + QPoint(25, 0))
    assert session.edit.get("smile")
    QTest.keyClick(smile, Qt.Key.Key_Escape)
    assert session.edit.is_identity and smile.value == 0 and not session.undo_stack.canUndo()


def test_click_then_double_click_leaves_nothing_behind(panel: EditPanel, session: Session) -> None:
    smile = row(panel, "smile")
    at = QPoint(round(smile.track.x_of(1.0)), 10)
    QTest.mouseClick(smile.track, LEFT, NONE, at)
    assert session.edit.get("smile")
    QTest.mouseDClick(smile.track, LEFT, NONE, at)
    assert session.edit.is_identity


def test_linked_sides_move_together_and_alone_when_unlinked(panel: EditPanel, session: Session) -> None:
    row(panel, "brow_left").step_to(0.5)
    assert session.edit.get("brow_right") == 0.5 and row(panel, "brow_right").value == 0.5
    QTest.mouseClick(row(panel, "brow_left").link, LEFT)
    row(panel, "brow_left").step_to(0.8)
    assert (session.edit.get("brow_left"), session.edit.get("brow_right")) == (0.8, 0.5)
    row(panel, "blink_right").step_to(0.4)  # this row's own chain is still closed
    assert session.edit.get("blink_left") == 0.4
    QTest.mouseClick(row(panel, "brow_left").link, LEFT)
    row(panel, "brow_right").step_to(0.3)
    assert session.edit.get("brow_left") == 0.3


def test_pose_rows_show_the_photos_own_values(panel: EditPanel, session: Session) -> None:
    session.select_face(1)
    yaw = row(panel, "yaw")
    assert yaw.value == pytest.approx(5.0) and not yaw.is_changed
    yaw.step_to(20)
    assert yaw.is_changed
    yaw.reset()
    assert session.edit.get("yaw") is None


def test_only_what_the_generator_obeys_is_offered(panel: EditPanel) -> None:
    panel.show_generator(WARP)
    assert row(panel, "yaw").isVisibleTo(panel) and not row(panel, "pitch").isVisibleTo(panel)
    assert not panel.groups["components"][0].isVisibleTo(panel) and not panel.latents.isVisibleTo(panel)


def test_latent_directions_come_with_their_generator(panel: EditPanel, session: Session) -> None:
    panel.show_generator(LATENT)
    assert panel.latents.isVisibleTo(panel) and len(panel.latents.rows) == 1
    panel.latents.rows[0].step_to(1.5)
    assert dict(session.edit.latents) == {"w1": 1.5} and panel.latents.heading.changed
    session.undo_stack.undo()
    assert panel.latents.rows[0].value == 0


def test_missing_weights_are_reported_with_one_button(panel: EditPanel) -> None:
    from dataclasses import replace

    wanted: list[str] = []
    panel.weights_wanted.connect(wanted.append)
    panel.show_generator(replace(LATENT, missing="Its weights are not here."))
    assert not panel.latents.rows and "not here" in panel.latents.missing.text()
    panel.latents.get.click()
    assert wanted == ["stylegan"]
    panel.show_generator(MISSING)
    assert not panel.latents.isVisibleTo(panel)


def test_a_folded_group_keeps_its_dot(panel: EditPanel) -> None:
    group, _ = panel.groups["expression"]
    row(panel, "smile").step_to(0.4)
    group.heading.setChecked(False)
    assert group.heading.changed and not row(panel, "smile").isVisibleTo(panel)
    panel.reveal("smile")
    assert row(panel, "smile").isVisibleTo(panel)


def test_resetting_a_group_is_one_step(panel: EditPanel, session: Session) -> None:
    for name in ("smile", "pucker", "cheeks"):
        row(panel, name).step_to(0.3)
    panel.groups["expression"][0].reset_mark.click()
    assert session.edit.is_identity and session.undo_stack.count() == 4


def test_components_follow_the_semantic_controls(panel: EditPanel, session: Session) -> None:
    pytest.importorskip("app.engine.face.semantic")
    session.link(PAIRS, False)
    row(panel, "smile").step_to(1.0)
    moved = [panel.rows[f"exp{k}"].row for k in range(1, 29)]
    largest = max(moved, key=lambda r: abs(r.value))
    assert abs(largest.value) > 0.1 and not largest.is_changed
    wanted = largest.value + 0.5
    largest.step_to(wanted)
    assert largest.value == pytest.approx(wanted)
    assert session.edit.get(largest.control.name) == pytest.approx(0.5)
    largest.reset()
    assert session.edit.get(largest.control.name) is None


def test_the_gaze_pad_and_its_rows_are_one(panel: EditPanel, session: Session) -> None:
    start = panel.pad.point_of(panel.pad.value).toPoint()
    drag(panel.pad, start, [start + QPoint(i, 0) for i in range(1, 21)])
    assert session.undo_stack.count() == 1
    assert row(panel, "gaze_x").value == pytest.approx(panel.pad.value[0]) and panel.pad.value[0] > 10


def test_frontalise_with_a_strength(panel: EditPanel, session: Session) -> None:
    session.select_face(1)
    track = panel.frontalise.strength.track
    start = QPoint(round(track.x_of(100)), 10)
    drag(track, start, [QPoint(round(track.x_of(50)), 10)])
    assert session.undo_stack.count() == 1
    assert session.edit.get("yaw") == pytest.approx(5 * (1 - track.value / 100), abs=1e-6)
    assert 30 < track.value < 70
    panel.frontalise.button.click()
    assert session.undo_stack.count() <= 2


def test_hovering_shows_what_a_control_does(qtbot: Any, panel: EditPanel, fake: FakeEngine) -> None:
    smile = row(panel, "smile")
    smile.pictures_wanted.emit(True)
    card = panel._pictures._card
    qtbot.waitUntil(card.isVisible)
    assert all(not p.pixmap().isNull() for p in card._pictures)
    asked = [call[2].get("smile") for call in fake.calls if call[0] == "nmfc"]
    # Two sigmas of the model's statistics either way, which is more than a full smile.
    from app.engine.face.morphable_model import default_model
    from app.engine.face.semantic import directions

    reach = 2 / float(np.linalg.norm(directions(default_model())["smile"]))
    assert asked[-2:] == [pytest.approx(-reach), pytest.approx(reach)] and 1 < reach < 1.5
    assert [label.text() for label in card._captions] == [f"−{reach:.2f} · −2.0 σ", f"{reach:.2f} · 2.0 σ"]
    smile.pictures_wanted.emit(False)
    assert not card.isVisible()


def test_components_show_two_sigmas_either_way(qtbot: Any, panel: EditPanel, fake: FakeEngine) -> None:
    row(panel, "exp3").pictures_wanted.emit(True)
    qtbot.waitUntil(lambda: {c[2].get("exp3") for c in fake.calls if c[0] == "nmfc"} >= {-2.0, 2.0})


def test_pose_is_shown_at_its_safe_ends_and_a_shut_eye_no_further_than_it_goes(session: Session) -> None:
    face = session.face
    assert face is not None
    assert ends(BY_NAME["yaw"], face) == BY_NAME["yaw"].safe
    low, high = ends(BY_NAME["blink_left"], face)
    assert low >= BY_NAME["blink_left"].lower and 0 < high <= 1


# -- faces


def test_the_rail_lists_faces_and_chooses_them(qtbot: Any, session: Session, fake: FakeEngine) -> None:
    rail = FacesRail(session)
    qtbot.addWidget(rail)
    rail.show()
    rail._show_portrait(session.portrait)
    assert [rail.list.item(i).text() for i in range(rail.list.count())] == ["1", "2"]
    QTest.mouseClick(rail.list.viewport(), LEFT, NONE, rail.list.visualItemRect(rail.list.item(1)).center())
    assert session.document.active == 1
    session.set_value("yaw", 20)
    assert rail.list.item(1).text() == "2 •"
    session.undo_stack.undo()
    assert rail.list.item(1).text() == "2"


# -- history


def test_history_names_steps_jumps_and_keeps_snapshots(qtbot: Any, session: Session) -> None:
    history = HistoryPanel(session)
    qtbot.addWidget(history)
    history.show()
    session.set_value("yaw", 10)
    session.set_value("smile", 0.5)
    model = history.steps.model()
    names = [model.index(i, 0).data() for i in range(model.rowCount())]
    assert names[0] == "Opened" and "Yaw" in names[1] and "Smile" in names[2]
    history.steps.setCurrentIndex(model.index(0, 0))
    assert session.edit.is_identity
    history.steps.setCurrentIndex(model.index(2, 0))
    session.take_snapshot("both")
    session.reset()
    assert history.snapshots.item(0).text() == "both" and session.edit.is_identity
    history.snapshots.setCurrentRow(0)
    history.restore()
    assert session.edit.get("smile") == 0.5
    history.delete.click()
    assert history.snapshots.count() == 0


# -- presets


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


# -- result


def test_misses_are_marked(qtbot: Any, session: Session) -> None:
    result = ResultPanel(session)
    qtbot.addWidget(result)
    session.set_values({"yaw": 12.0, "smile": 0.5})
    measured = {"yaw": 11.4, "smile": 0.2}
    result.show_measurement(Measurement(dict(session.edit.values), measured, (0.0,) * 28, (0.0,) * 28, 0.97))
    texts = [label.text() for label in result.findChildren(QLabel)]
    assert "12.0°" in texts and "11.4°" in texts and "97 %" in result.summary.text()
    marks = [label for label in result.findChildren(QLabel) if label.accessibleName()]
    assert len(marks) == 1
    still = (0.0,) * 28
    result.show_measurement(
        Measurement(dict(session.edit.values), measured, still, still, 0.97, {"yaw": 1.72})
    )
    assert "11.4° ± 1.7°" in [label.text() for label in result.findChildren(QLabel)]


def test_the_read_out_says_what_is_made_up(qtbot: Any, session: Session) -> None:
    result = ResultPanel(session)
    qtbot.addWidget(result)
    assert result.doubts.isHidden()
    session.set_value("yaw", 30.0)
    pixels = np.zeros((4, 4, 3), np.uint8)
    told = "The ear and hair of the side that turns into view are made up."
    session.rendered.emit(Rendered(pixels, None, 1.0, 0.1, {}, doubts=(told,)))
    result.show_measurement(None)
    assert told in result.doubts.text() and not result.doubts.isHidden(), "also where nothing can be measured"
    session.rendered.emit(Rendered(pixels, None, 1.0, 0.1, {}))
    result.show_measurement(None)
    assert result.doubts.isHidden()


def test_what_counts_as_a_miss() -> None:
    assert not misses("yaw", 12, 10.5) and misses("yaw", 12, 9)
    assert not misses("yaw", 12, 9, 1.7) and misses("yaw", 12, 8, 1.7), "less than the reading is sure of"
    assert not misses("smile", 1.0, 0.85) and misses("smile", 1.0, 0.7)
    assert not misses("smile", 0.05, 0.12)
    assert not np.any([misses("gaze_x", 10, 13), misses("brow_left", 0.0, 0.0)])


def test_a_full_render_is_measured_and_shown(qtbot: Any, session: Session) -> None:
    result = ResultPanel(session)
    qtbot.addWidget(result)
    session.set_value("yaw", 15)
    qtbot.waitUntil(lambda: "identity" in result.summary.text())
    assert "changed" in result.summary.text()
    session.reset()
    qtbot.waitUntil(lambda: "Nothing" in result.summary.text())
