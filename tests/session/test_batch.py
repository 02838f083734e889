"""A batch applies one edit to a folder of photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.engine.errors import EngineError
from app.session.batch import Batch, photos_among, photos_in, run_batch
from app.session.presets import Preset
from app.session.session import Session
from app.session.worker import Answer, Job
from tests.fakes import FakeEngine

SMILE = Preset("Smile", (("smile", 0.8),))


def folder_of(tmp_path: Path, good: int, broken: int) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(good):
        (folder / f"{number:02d}.jpg").write_bytes(b"photo")
    for number in range(broken):
        (folder / f"broken {number}.png").write_bytes(b"broken")
    (folder / "notes.txt").write_text("no photo")
    return folder


def test_thirty_photos_with_three_broken_export_27_and_name_the_three(
    tmp_path: Path, fake: FakeEngine
) -> None:
    photos = photos_in(folder_of(tmp_path, 27, 3))
    assert len(photos) == 30
    target = tmp_path / "out"
    target.mkdir()
    steps = list(run_batch(fake, Batch(photos, target, ((SMILE, 1.0),), suffix=".png")))
    assert len(list(target.iterdir())) == 27
    failed = [step for step in steps if step.error]
    assert [step.message for step in failed] == [f"broken {n}.png" for n in range(3)]
    assert all(step.message in (step.error or "") for step in failed)
    assert (steps[-1].done, steps[-1].total) == (30, 30)


def test_exports_never_take_a_photo_s_place_nor_each_other_s(tmp_path: Path, fake: FakeEngine) -> None:
    folder = folder_of(tmp_path, 2, 0)
    (folder / "00.png").write_bytes(b"photo")
    steps = list(run_batch(fake, Batch(photos_in(folder), folder, ((SMILE, 1.0),), suffix=".jpg")))
    written = [step.written.name for step in steps if step.written is not None]
    assert written == ["00-2.jpg", "00-3.jpg", "01-2.jpg"]
    assert (folder / "00.jpg").read_bytes() == b"photo"


@pytest.mark.parametrize(
    ("name", "deep", "clear", "written"),
    [
        ("a.jpeg", False, False, "a.jpeg"),
        ("a.TIF", True, True, "a.TIF"),
        ("a.heic", True, False, "a.png"),
        ("a.webp", False, True, "a.webp"),
        ("a.avif", True, False, "a.png"),
    ],
)
def test_each_photo_keeps_its_own_format_unless_that_loses_something(
    tmp_path: Path, fake: FakeEngine, name: str, deep: bool, clear: bool, written: str
) -> None:
    photo = tmp_path / name
    photo.write_bytes(b"photo")
    opened = fake.open(photo)
    pixels = opened.photo.pixels.astype(np.uint16 if deep else np.uint8)
    alpha = np.full(pixels.shape[:2], 9, pixels.dtype) if clear else None
    fake.open = lambda path: replace(
        opened, photo=replace(opened.photo, pixels=pixels, alpha=alpha, path=path)
    )
    steps = list(run_batch(fake, Batch((photo,), tmp_path / "out", ((SMILE, 1.0),))))
    assert [step.written.name for step in steps if step.written is not None] == [written]


def test_only_the_largest_face_when_so_asked(tmp_path: Path, fake: FakeEngine) -> None:
    target = tmp_path / "out"
    target.mkdir()
    photos = photos_in(folder_of(tmp_path, 1, 0))
    list(run_batch(fake, Batch(photos, target, ((SMILE, 0.5),), all_faces=False)))
    render = next(call for call in fake.calls if call[0] == "render")
    assert len(render[1]) == 1 and next(iter(render[1].values())).get("smile") == 0.4


def test_frontalising_counts_from_each_photo_s_own_pose(tmp_path: Path, fake: FakeEngine) -> None:
    target = tmp_path / "out"
    target.mkdir()
    list(run_batch(fake, Batch(photos_in(folder_of(tmp_path, 1, 0)), target, frontalise=0.5)))
    render = next(call for call in fake.calls if call[0] == "render")
    assert abs((render[1][1].get("yaw") or 0) - 2.5) < 1e-6


def test_a_photo_without_a_face_is_named(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    photos = photos_in(folder_of(tmp_path, 1, 0))
    steps = list(run_batch(FakeEngine(faces=0), Batch(photos, target, ((SMILE, 1.0),))))
    assert "No face" in (steps[-1].error or "") and not list(target.iterdir())


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path, fake: FakeEngine) -> None:
    photos = photos_in(folder_of(tmp_path, 1, 0))
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(EngineError, match="could not be made"):
        list(run_batch(fake, Batch(photos, tmp_path / "file" / "out", ((SMILE, 1.0),))))


def test_pictures_are_picked_from_files_and_folders(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 2, 0)
    other = tmp_path / "one.png"
    picked = photos_among([other, folder / "notes.txt", folder, folder / "00.jpg"])
    assert picked == (other, folder / "00.jpg", folder / "01.jpg")


def test_a_batch_can_be_cancelled_and_edits_render_between_its_photos(
    opened: Session, fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    target = tmp_path / "out"
    target.mkdir()
    photos = photos_in(folder_of(tmp_path, 400, 0))
    batch = Batch(photos, target, ((SMILE, 1.0),))
    ended: list[Answer] = []
    job = Job("batch", lambda engine: run_batch(engine, batch), lambda _: None, ended.append)
    opened.begin_job(job)
    qtbot.waitUntil(lambda: len(list(target.iterdir())) > 3)
    with qtbot.waitSignal(opened.rendered):
        opened.set_value("yaw", 3)
    with qtbot.waitSignal(opened.job_ended):
        opened.cancel_job()
    assert [answer.closed for answer in ended] == [True]
    assert 3 < len(list(target.iterdir())) < 400
