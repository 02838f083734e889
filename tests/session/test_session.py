"""The session keeps edits and their history, and asks the engine for the right things meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.engine.contract import Measurement, Rendered
from app.engine.engine_like import EngineLike
from app.engine.errors import EngineError
from app.engine.face.parameters import FaceEdit
from app.session import jobs, shown
from app.session.pictures import Motif, PictureWish
from app.session.session import Session
from app.session.shown import PREVIEW_SIDE
from tests.fakes import FakeEngine
from tests.session.conftest import settle


def test_the_fake_fits_what_the_session_asks_of_an_engine(fake: FakeEngine) -> None:
    engine: EngineLike = fake
    asked = {name for name in vars(EngineLike) if not name.startswith("_")}
    assert asked <= set(dir(engine))


def test_a_drag_of_200_steps_is_one_undo_step_and_shows_the_last_value(opened: Session, qtbot: QtBot) -> None:
    shown: list[Rendered] = []
    opened.rendered.connect(shown.append)
    gesture = opened.begin_gesture()
    for step in range(1, 201):
        opened.set_value("yaw", step / 10, gesture)
    opened.end_gesture()
    settle(opened, qtbot)
    assert opened.undo_stack.count() == 1
    assert opened.undo_stack.undoText() == "Yaw 0 → 20°, face 1"
    assert opened.portrait is not None
    assert np.array_equal(shown[-1].pixels, np.roll(opened.portrait.photo.pixels, 20, axis=1))
    opened.undo_stack.undo()
    assert opened.document.edits == {}


def test_what_is_superseded_while_a_render_runs_is_never_rendered(
    opened: Session, fake: FakeEngine, qtbot: QtBot
) -> None:
    fake.gate.clear()
    before = fake.count("render")
    gesture = opened.begin_gesture()
    for step in range(1, 101):
        opened.set_value("yaw", float(step) / 4, gesture)
    qtbot.waitUntil(lambda: fake.count("render") == before + 1)
    fake.gate.set()
    opened.end_gesture()
    settle(opened, qtbot)
    renders = [call for call in fake.calls if call[0] == "render"][before:]
    assert len(renders) <= 3
    assert renders[-1][1][0].get("yaw") == 25.0


def test_the_engine_lives_on_one_thread_which_is_not_the_gui_s(opened: Session, fake: FakeEngine) -> None:
    assert len(fake.threads) == 1
    assert threading.get_ident() not in fake.threads


def test_a_large_photo_is_previewed_while_dragged_and_full_on_release(qtbot: QtBot, photo: Path) -> None:
    fake = FakeEngine(size=(2 * PREVIEW_SIDE, 64))
    session = Session(fake)
    session.start()
    with qtbot.waitSignal(session.portrait_opened):
        session.open(photo)
    settle(session, qtbot)
    gesture = session.begin_gesture()
    session.set_value("yaw", 7, gesture)
    settle(session, qtbot)
    scales: list[float] = []
    session.rendered.connect(lambda rendered: scales.append(rendered.scale))
    measured = fake.count("measure")
    session.set_value("yaw", 8, gesture)
    settle(session, qtbot)
    assert scales == [0.5] and fake.count("measure") == measured
    session.end_gesture()
    settle(session, qtbot)
    assert scales == [0.5, 1.0] and fake.count("measure") == measured + 1
    session.stop()


def test_a_drag_comes_before_the_full_sizes_preparation(
    opened: Session, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    """Both sizes were prepared in one piece, and a photo of 64 megapixels followed no hand for minutes."""

    def prepare(portrait: object, face: int, max_side: int | None = None) -> None:
        fake._note("encode_ahead", face, max_side)
        if max_side is not None:  # the hand comes while the preview's size is prepared
            assert fake.gate.wait(10)

    monkeypatch.setattr(fake, "encode_ahead", prepare)
    fake.gate.clear()
    opened.select_face(1)
    qtbot.waitUntil(lambda: ("encode_ahead", 1, PREVIEW_SIDE) in fake.calls)
    opened.set_value("yaw", 7.0)
    fake.gate.set()
    settle(opened, qtbot)
    calls = [call for call in fake.calls if call[0] in ("encode_ahead", "render")]
    after = calls[calls.index(("encode_ahead", 1, PREVIEW_SIDE)) + 1 :]
    assert after[0][0] == "render" and ("encode_ahead", 1, None) in after


def test_a_very_large_photo_shows_a_draft_before_the_full_size(
    qtbot: QtBot, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no drag had shown it before, an edit of 64 megapixels was seen after minutes only."""
    monkeypatch.setattr(shown, "HUGE_PIXELS", 2 * PREVIEW_SIDE * 64 - 1)
    session = Session(FakeEngine(size=(2 * PREVIEW_SIDE, 64)))
    session.start()
    with qtbot.waitSignal(session.portrait_opened):
        session.open(photo)
    settle(session, qtbot)
    scales: list[tuple[float, bool]] = []
    session.rendered.connect(lambda rendered: scales.append((rendered.scale, rendered.draft)))
    session.set_value("yaw", 7)
    settle(session, qtbot)
    assert scales == [(0.5, True), (1.0, False)]
    session.set_value("yaw", None)
    settle(session, qtbot)
    assert scales[2:] == [(1.0, False)]
    session.stop()


def test_escape_takes_a_drag_back_and_leaves_nothing_to_redo(opened: Session) -> None:
    opened.set_value("smile", 0.5)
    gesture = opened.begin_gesture()
    for value in (1.0, 2.0, 3.0):
        opened.set_value("yaw", value, gesture)
    opened.cancel_gesture(gesture)
    assert opened.edit == FaceEdit.of(smile=0.5)
    assert opened.undo_stack.count() == 1 and not opened.undo_stack.canRedo()


def test_a_drag_back_to_where_it_began_leaves_no_step(opened: Session) -> None:
    gesture = opened.begin_gesture()
    opened.set_value("smile", 0.5, gesture)
    opened.set_value("smile", None, gesture)
    opened.end_gesture()
    assert opened.undo_stack.count() == 0 and not opened.is_dirty


def test_two_drags_are_two_steps(opened: Session) -> None:
    for value in (0.3, 0.6):
        gesture = opened.begin_gesture()
        opened.set_value("smile", value, gesture)
        opened.end_gesture()
    assert [opened.undo_stack.text(i) for i in range(2)] == [
        "Smile 0.00 → 0.30, face 1",
        "Smile 0.30 → 0.60, face 1",
    ]


def test_the_history_keeps_200_steps(opened: Session) -> None:
    for step in range(250):
        opened.set_value("yaw", float(step % 60) + 0.5)
    assert opened.undo_stack.count() == 200


def test_left_and_right_move_together_until_unlinked(opened: Session) -> None:
    opened.set_value("brow_left", 0.4)
    assert opened.value("brow_right") == 0.4
    opened.link(["brow_left"], False)
    opened.set_value("brow_left", 0.8)
    assert (opened.value("brow_left"), opened.value("brow_right")) == (0.8, 0.4)


def test_an_untouched_absolute_control_shows_the_photo_s_own_value(opened: Session) -> None:
    opened.select_face(1)
    assert opened.value("yaw") == pytest.approx(5.0)
    opened.set_value("yaw", 12)
    assert opened.undo_stack.undoText() == "Yaw 5 → 12°, face 2"
    opened.reset(("yaw",))
    assert opened.value("yaw") == pytest.approx(5.0) and opened.undo_stack.undoText() == "Reset Yaw, face 2"


def test_every_face_has_its_own_edit_and_undo_goes_back_to_its_face(opened: Session) -> None:
    opened.set_value("smile", 0.2)
    opened.select_face(1)
    opened.set_value("smile", 0.9)
    opened.select_face(0)
    assert opened.value("smile") == 0.2
    opened.undo_stack.undo()
    assert opened.document.active == 1 or opened.document.edits.keys() == {0}
    assert opened.document.edits == {0: FaceEdit.of(smile=0.2)}


def test_a_drawn_box_adds_a_face_between_the_others_and_edits_stay_with_their_faces(
    opened: Session, qtbot: QtBot
) -> None:
    opened.select_face(1)
    opened.set_value("smile", 0.9)
    opened.take_snapshot("smiling")
    with qtbot.waitSignal(opened.faces_changed):
        opened.add_face((50.0, 30.0, 20.0, 20.0))
    assert opened.portrait is not None and len(opened.portrait.faces) == 3
    assert opened.document.active == 1
    assert opened.document.edits == {2: FaceEdit.of(smile=0.9)}
    assert opened.document.snapshots[0].edits == {2: FaceEdit.of(smile=0.9)}
    opened.undo_stack.undo()
    assert len(opened.portrait.faces) == 2 and opened.document.edits == {1: FaceEdit.of(smile=0.9)}
    opened.undo_stack.redo()
    assert opened.portrait is not None and len(opened.portrait.faces) == 3


def test_frontalise_faces_the_camera_and_neutralise_takes_the_expression_back(opened: Session) -> None:
    opened.select_face(1)
    opened.frontalise(1.0)
    assert opened.value("yaw") == pytest.approx(0, abs=1e-6)
    opened.frontalise(0.5)
    assert opened.value("yaw") == pytest.approx(2.5, abs=1e-6)
    assert opened.undo_stack.undoText() == "Frontalise 50 %, face 2"


def test_a_full_render_is_measured_and_an_unchanged_face_is_not(opened: Session, qtbot: QtBot) -> None:
    heard: list[Measurement | None] = []
    opened.measured.connect(heard.append)
    opened.set_value("yaw", 10)
    settle(opened, qtbot)
    assert heard[-1] is not None and heard[-1].measured == {"yaw": 9.0}
    opened.undo_stack.undo()
    settle(opened, qtbot)
    assert heard[-1] is None


def test_a_generator_without_weights_says_so_and_the_old_one_stays(opened: Session, qtbot: QtBot) -> None:
    with qtbot.waitSignal(opened.failed) as caught:
        opened.set_generator("headgan")
    assert isinstance(caught.args[0], EngineError)
    settle(opened, qtbot)
    assert opened.document.generator == "mesh-warp" and opened.undo_stack.count() == 0


def test_a_change_of_generator_can_be_undone(opened: Session, fake: FakeEngine, qtbot: QtBot) -> None:
    opened.set_generator("stylegan")
    settle(opened, qtbot)
    opened.undo_stack.undo()
    settle(opened, qtbot)
    assert [call[1] for call in fake.calls if call[0] == "select"] == ["mesh-warp", "stylegan", "mesh-warp"]


def test_what_is_shown_is_drawn_again_when_models_came_or_went(
    opened: Session, fake: FakeEngine, qtbot: QtBot
) -> None:
    opened.set_value("yaw", 5)
    settle(opened, qtbot)
    renders = fake.count("render")
    opened.take_generators(fake.generators())
    settle(opened, qtbot)
    assert fake.count("render") == renders + 1


def test_the_nmfc_preview_follows_the_edit_only_while_it_is_shown(
    opened: Session, fake: FakeEngine, qtbot: QtBot
) -> None:
    opened.set_value("smile", 0.1)
    settle(opened, qtbot)
    assert fake.count("nmfc") == 0
    with qtbot.waitSignal(opened.nmfc_ready):
        opened.show_nmfc(32)
    with qtbot.waitSignal(opened.nmfc_ready):
        opened.set_value("smile", 0.2)
    opened.show_nmfc(None)
    settle(opened, qtbot)
    count = fake.count("nmfc")
    opened.set_value("smile", 0.3)
    settle(opened, qtbot)
    assert fake.count("nmfc") == count


def test_small_pictures_come_by_key_cropped_to_the_face(opened: Session, qtbot: QtBot) -> None:
    pictures: dict[object, np.ndarray] = {}
    opened.picture_ready.connect(lambda key, picture: pictures.update({key: picture}))
    opened.request_picture("nmfc", PictureWish(0, FaceEdit.of(smile=1), Motif.NMFC, 24))
    opened.request_picture("photo", PictureWish(1, FaceEdit(), Motif.RENDER, 48))
    qtbot.waitUntil(lambda: len(pictures) == 2)
    assert pictures["nmfc"].shape == (24, 24, 3) and pictures["photo"].shape == (48, 48, 3)
    assert pictures["photo"][:, 0].mean() < pictures["photo"][:, -1].mean()


def test_a_file_that_is_no_picture_fails_with_a_remedy_and_keeps_what_is_open(
    opened: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"broken")
    with qtbot.waitSignal(opened.failed) as caught:
        opened.open(broken)
    assert caught.args[0].remedy and opened.portrait is not None


def test_an_error_nobody_foresaw_is_reported_with_its_traceback(qtbot: QtBot, photo: Path) -> None:
    class Odd(FakeEngine):
        def open(self, path: Path, on_progress: object = None):  # type: ignore[no-untyped-def]
            raise ZeroDivisionError("odd")

    session = Session(Odd())
    session.start()
    with qtbot.waitSignal(session.crashed) as caught:
        session.open(photo)
    assert "ZeroDivisionError: odd" in caught.args[0]
    session.stop()


def test_an_export_writes_beside_the_photo_never_over_it(opened: Session, photo: Path, qtbot: QtBot) -> None:
    opened.set_value("yaw", 3)
    with qtbot.waitSignal(opened.failed):
        opened.export(photo)
    assert photo.read_bytes() == b"a photo"
    with qtbot.waitSignal(opened.exported):
        opened.export(photo.with_name("out.png"))
    assert photo.with_name("out.png").exists()


def test_the_engine_is_closed_on_its_own_thread(fake: FakeEngine, qtbot: QtBot) -> None:
    session = Session(fake)
    session.start()
    qtbot.waitSignal(session.engine_ready).wait()
    session.stop()
    assert fake.closed and len(fake.threads) == 1


def test_answers_always_arrive_on_the_gui_s_thread(
    photo: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Automatic connections called slots on the engine's thread about once in eight sessions."""
    threads: list[int] = []
    call_back = jobs._call_back
    note = lambda *arguments: (threads.append(threading.get_ident()), call_back(*arguments))  # noqa: E731
    monkeypatch.setattr(jobs, "_call_back", note)
    for _ in range(40):
        session = Session(FakeEngine())
        session.start()
        with qtbot.waitSignal(session.portrait_opened):
            session.open(photo)
        session.stop()
    assert len(threads) >= 40 and set(threads) == {threading.get_ident()}
