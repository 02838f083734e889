"""A clip drives the sample portrait into a film, and a clip is tracked into a performance."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.cli import main
from app.engine.contract import DrivenFace, Portrait
from app.engine.driving.animation import scene_of
from app.engine.driving.clip_driving import drive_clip, track_clip
from app.engine.driving.compression import encode_clip
from app.engine.driving.resting import neutral_of, rest_in
from app.engine.driving.steps import FilmedStep, LiveStep, RestStep
from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import FaceEdit
from app.engine.face.retargeting import RetargetSettings
from app.engine.film.recorder import Recorder
from app.engine.imaging.photo import Photo
from app.engine.sample import sample_path
from app.engine.sound import ffmpeg
from app.engine.sources.mienclip import unpacked_clip
from app.engine.sources.opening import open_source
from app.engine.sources.performance_files import read_performance, write_performance
from app.engine.sources.video import VideoSource
from tests.engine.conftest import make_performance
from tests.steps import drained
from tools.compress_clip import decoded

COUNT = 18  # frames of the clip
RATE = Fraction(30000, 1001)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def portrait(engine: Engine, astronaut: NDArray[np.uint8]) -> Portrait:
    """Return the sample portrait's head at 240 px."""
    return engine.portrait(Photo(np.ascontiguousarray(astronaut[:240, 110:350]), key="head"))


@pytest.fixture(scope="module")
def nodding(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    """Return a clip with sound in which the astronaut's head rolls to and fro; two frames in the middle are
    black.
    """
    folder = tmp_path_factory.mktemp("clip")
    head = np.ascontiguousarray(astronaut[:240, 110:350])
    recorder = Recorder(folder / "silent.mp4", rate=RATE, live=False)
    for k in range(COUNT):
        turn = cv2.getRotationMatrix2D((115, 110), 12 * np.sin(2 * np.pi * k / COUNT), 1.0)
        frame = cv2.warpAffine(head, turn, (240, 240), borderMode=cv2.BORDER_REPLICATE)
        recorder.write(np.zeros_like(frame) if k in (9, 10) else frame, float(k / RATE))
    silent = recorder.stop().path
    path = folder / "nodding.mp4"
    sound = ["-f", "lavfi", "-i", "sine=d=0.6"]
    assert ffmpeg.run(["-i", str(silent), *sound, "-c:v", "copy", str(path)]).returncode == 0
    return path


def frames_of(path: Path) -> list[NDArray[np.uint8]]:
    source, frames = VideoSource(path), []
    while (frame := source.take(1)) is not None:
        assert frame.pixels is not None
        frames.append(frame.pixels)
    source.close()
    return frames


def test_a_clip_drives_the_portrait_frame_by_frame(
    engine: Engine, portrait: Portrait, nodding: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    steps = list(
        drive_clip(engine, DrivenFace(portrait, 0, {}, RetargetSettings()), nodding, out, audio=True)
    )
    shown = [step for step in steps if step.picture is not None]
    assert len(shown) == COUNT and [s.done for s in shown] == list(range(1, COUNT + 1))
    assert shown[3].total == COUNT
    recording = steps[-1].recording
    assert recording.path == out and recording.pictures == COUNT and recording.dropped == 0
    source = VideoSource(out)
    source.close()
    assert source.rate == RATE and source.has_sound and len(frames_of(out)) == COUNT
    driver = [s.driven.driver.camera.roll for s in shown]
    result = [s.driven.params.camera.roll for s in shown]
    assert np.ptp(driver) > 10 and np.corrcoef(driver, result)[0, 1] > 0.99
    assert np.abs(np.diff(result)).max() < 8  # the face is lost for two frames and nothing jumps
    moved = [np.abs(s.picture.astype(int) - shown[0].picture).mean() for s in shown]
    assert max(moved) > 1.0


def test_the_film_shows_what_the_driver_did(engine: Engine, portrait: Portrait, nodding: Path) -> None:
    """A fresh fit of the animated pictures follows the driver's roll."""
    steps = drive_clip(engine, DrivenFace(portrait, 0, {}, RetargetSettings()), nodding, None)
    asked, measured = [], []
    for step in steps:
        if step.picture is not None and step.done % 3 == 0:
            asked.append(step.driven.driver.camera.roll)
            measured.append(engine.fit(step.picture)[0].params.camera.roll)
    assert np.corrcoef(asked, measured)[0, 1] > 0.97


def test_cancelling_leaves_no_film(engine: Engine, portrait: Portrait, nodding: Path, tmp_path: Path) -> None:
    steps = drive_clip(engine, DrivenFace(portrait, 0, {}, RetargetSettings()), nodding, tmp_path / "a.mp4")
    for _ in range(5):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())


def test_what_drives_is_never_overwritten(engine: Engine, portrait: Portrait, nodding: Path) -> None:
    before = nodding.read_bytes()
    with pytest.raises(EngineError, match="never overwrites"):
        list(drive_clip(engine, DrivenFace(portrait, 0, {}, RetargetSettings()), nodding, nodding))
    assert nodding.read_bytes() == before


def test_a_driver_without_a_face_leaves_no_film(engine: Engine, portrait: Portrait, tmp_path: Path) -> None:
    grey = tmp_path / "grey.png"
    Image.new("RGB", (96, 96), "grey").save(grey)
    with pytest.raises(EngineError, match="No face"):
        list(drive_clip(engine, DrivenFace(portrait, 0, {}, RetargetSettings()), grey, tmp_path / "a.mp4"))
    assert list(tmp_path.iterdir()) == [grey]


@pytest.mark.parametrize("name", ["a.txt", "nowhere/a.performance"])
def test_a_wrong_place_is_reported_before_tracking(nodding: Path, tmp_path: Path, name: str) -> None:
    steps = track_clip(default_model(), nodding, tmp_path / name)
    with pytest.raises(EngineError):
        next(steps)


def test_sliders_are_added_and_other_modes_keep_the_pose(
    engine: Engine, portrait: Portrait, nodding: Path
) -> None:
    own = portrait.faces[0].params.camera
    edits = {0: FaceEdit.of(yaw=own.yaw + 10)}
    steps = drive_clip(engine, DrivenFace(portrait, 0, edits, RetargetSettings(mode="face")), nodding, None)
    cameras = [s.driven.params.camera for s in steps if s.picture is not None]
    assert [camera.yaw for camera in cameras] == pytest.approx([own.yaw + 10] * COUNT, abs=0.1)


def test_tracking_and_driving_again_gives_the_same_motion(
    engine: Engine, portrait: Portrait, nodding: Path, tmp_path: Path
) -> None:
    path = tmp_path / "nodding.performance"
    *_, last = track_clip(engine.model, nodding, path)
    performance = read_performance(path)
    assert len(performance) == COUNT and performance.rate == RATE and performance.size == (240, 240)
    assert performance.neutral is not None and len(performance.identity.coefficients) == 40
    assert last.performance.frames.shape == (COUNT, 35)
    direct, again = (
        [
            s.driven.params.camera.roll
            for s in drive_clip(engine, DrivenFace(portrait, 0, {}, RetargetSettings()), driver, None)
            if s.picture is not None
        ]
        for driver in (nodding, path)
    )
    assert again == pytest.approx(direct, abs=0.05)


@pytest.mark.parametrize("listens", [True, False])
def test_generators_that_listen_get_the_clips_sound_frame_by_frame(
    engine: Engine, portrait: Portrait, nodding: Path, monkeypatch, listens: bool
) -> None:
    given: list[tuple[float, ...] | None] = []
    real = engine.generator.generate

    def listening(code, target):
        given.append(target.audio)
        return real(code, target)

    monkeypatch.setattr(engine.generator, "generate", listening)
    names = (engine.generator.info.name,) if listens else ()
    monkeypatch.setattr("app.engine.driving.clip_driving.LISTENING", names)
    for _ in drive_clip(engine, DrivenFace(portrait, 0, {}, RetargetSettings()), nodding, None):
        pass
    driven = given[-COUNT:]
    assert [len(one or ()) for one in driven] == [300 if listens else 0] * COUNT
    assert len(set(driven)) > 5 or not listens


def test_a_film_lasts_as_long_as_its_variable_driver(
    engine: Engine, portrait: Portrait, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    head = np.ascontiguousarray(astronaut[:240, 110:350])
    recorder = Recorder(tmp_path / "held.mp4", live=False)
    for seconds, lasts in ((0.0, 0.04), (0.04, 0.06), (0.1, 0.4), (0.5, 0.9)):
        recorder.write(np.roll(head, round(20 * seconds), axis=1), seconds, lasts)
    held = recorder.stop().path
    steps = list(
        drive_clip(engine, DrivenFace(portrait, 0, {}, RetargetSettings()), held, tmp_path / "a.mp4")
    )
    recording = steps[-1].recording
    assert recording.pictures == 4 and recording.duration == pytest.approx(1.4, abs=0.011)
    assert ffmpeg.media_info(recording.path).duration == pytest.approx(1.4, abs=0.011)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_an_hdr_clip_drives_as_its_plain_twin_and_leaves_the_portraits_colours(
    engine: Engine, portrait: Portrait, nodding: Path, tmp_path: Path, transfer: str
) -> None:
    hdr = tmp_path / "hdr.mp4"
    plain = "transferin=bt709:primariesin=bt709:matrixin=bt709"
    light = f"zscale={plain}:transfer={transfer}:primaries=bt2020:matrix=bt2020nc"
    coder = ["-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le"]
    done = ffmpeg.run(["-i", str(nodding), "-vf", f"{light}:npl=100", *coder, str(hdr)])
    assert done.returncode == 0, done.stderr.decode()[-300:]
    driven = []
    for clip in (nodding, hdr):
        steps = drive_clip(engine, DrivenFace(portrait, 0, {}, RetargetSettings()), clip, None)
        driven.append([step for step in steps if step.picture is not None])
    rolls = [np.array([step.driven.params.camera.roll for step in steps]) for steps in driven]
    rolls = [of - of.mean() for of in rolls]  # any frame of this clip may be taken for its rest
    assert np.ptp(rolls[0]) > 5 and np.abs(rolls[0] - rolls[1]).max() < 3
    colours = [np.mean([step.picture.mean(axis=(0, 1)) for step in steps], axis=0) for steps in driven]
    assert np.abs(colours[0] - colours[1]).max() < 2


def test_a_csv_drives_too(engine: Engine, portrait: Portrait, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_performance(make_performance(6), path)
    steps = list(
        drive_clip(engine, DrivenFace(portrait, 0, {}, RetargetSettings()), path, tmp_path / "a.webm")
    )
    assert steps[-1].recording.pictures == 6


def test_clips_without_a_face_are_reported_when_tracked(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "black.mp4", live=False)
    for k in range(3):
        recorder.write(np.zeros((96, 96, 3), np.uint8), k / 25)
    path = recorder.stop().path
    with pytest.raises(EngineError, match="No face"):
        list(track_clip(default_model(), path, tmp_path / "a.performance"))
    assert not (tmp_path / "a.performance").exists()


def test_a_performance_without_neutral_uses_its_most_restful_frames() -> None:
    performance = make_performance(30)
    assert neutral_of(performance, default_model()) == performance.neutral
    found = neutral_of(replace(performance, neutral=None), default_model())
    assert np.abs(found.camera.yaw) < 5


def test_shared_clips_drive_without_a_jump_or_a_lost_frame(
    engine: Engine, portrait: Portrait, shared: Path
) -> None:
    clip = shared / "media" / "videos" / "a_headpose_female.mp4"
    steps = drive_clip(engine, DrivenFace(portrait, 0, {}, RetargetSettings()), clip, None)
    shown = [s for s in steps if s.picture is not None]
    assert len(shown) == 23
    yaws = np.array([s.driven.params.camera.yaw for s in shown])
    assert np.ptp(yaws) > 20 and np.abs(np.diff(yaws)).max() < 25


def middle(picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the face alone, because in this clip the background rolls along, which a driven portrait's does
    not.
    """
    return picture[75:150, 80:150].astype(int)


@pytest.fixture(scope="module")
def compressed(engine: Engine, nodding: Path) -> bytes:
    steps, data = drained(encode_clip(engine, nodding))
    assert len(steps) > COUNT
    return data


def test_a_clip_survives_compression_to_one_picture_and_numbers(
    engine: Engine, nodding: Path, compressed: bytes
) -> None:
    """This is HeadGAN's use: the decoded frames are nearer to the clip than its reference frame alone."""
    pictures, frames = list(decoded(engine, compressed)), frames_of(nodding)
    assert len(pictures) == len(frames) == COUNT
    with Image.open(io.BytesIO(compressed[12:])) as image:
        reference = np.array(image)
    rows = range(9)  # the frames until the face is lost
    made = np.mean([np.abs(middle(pictures[k]) - middle(frames[k])).mean() for k in rows])
    still = np.mean([np.abs(middle(reference) - middle(frames[k])).mean() for k in rows])
    assert made < 0.8 * still


@pytest.mark.parametrize("damage", [lambda d: b"", lambda d: d[:9], lambda d: d[:3000], lambda d: d[:-9]])
def test_damaged_compressed_clips_are_reported(compressed: bytes, damage) -> None:
    with pytest.raises(EngineError, match="not a whole"):
        unpacked_clip(damage(compressed))


def test_a_compressed_clip_drives_and_is_seen_again(
    nodding: Path, compressed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """`mien compress` makes a file, then `mien drive` shows the file alone and drives another photo with it."""
    path = tmp_path / "nod.mienclip"
    path.write_bytes(compressed)
    with closing(open_source(path)) as source:
        assert source.total == COUNT
    for name, words in (("again.mp4", [str(path)]), ("driven.mp4", [str(sample_path()), str(path)])):
        assert main(["drive", *words, "-o", str(tmp_path / name), "--size", "160", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["frames"] == COUNT
    assert main(["compress", str(nodding), "-o", str(tmp_path / "b.mienclip"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == (tmp_path / "b.mienclip").stat().st_size
    assert main(["compress", str(nodding), "-o", str(tmp_path / "b.zip")]) == 1
    assert main(["drive", str(sample_path()), "-o", str(tmp_path / "c.mp4")]) == 1
    assert "Name a clip" in capsys.readouterr().err and not (tmp_path / "c.mp4").exists()


def test_the_frame_taken_for_rest_is_told_and_another_can_be_named(
    engine: Engine, portrait: Portrait, nodding: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    *_, sought = rest_in(engine.model, nodding)
    assert isinstance(sought, RestStep) and sought.sure is not None and 0 <= sought.sure <= 1
    assert sought.seconds is not None and sought.face is not None and sought.face.shape == (96, 96, 3)
    at = 5 / float(RATE)  # the head is rolled most there
    driven = DrivenFace(portrait, 0, {}, RetargetSettings(relative=True))
    *_, last = drive_clip(engine, driven, nodding, tmp_path / "a.mp4", rest_at=at)
    assert isinstance(last, FilmedStep) and last.rest is not None
    assert last.rest.sure is None and last.rest.seconds == pytest.approx(at, abs=0.5 / float(RATE))
    assert last.rest.face is not None and not np.array_equal(last.rest.face, sought.face)
    with pytest.raises(EngineError, match=r"No face was found at 0\.3 s"):
        list(rest_in(engine.model, nodding, 9.5 / float(RATE)))  # this frame is black
    photo = tmp_path / "head.png"
    Image.fromarray(portrait.photo.pixels).save(photo)
    words = ["drive", str(photo), str(nodding), "-o", str(tmp_path / "b.mp4"), "--relative", "--json"]
    assert main([*words, "--neutral-at", f"{at:.2f}"]) == 0
    told = capsys.readouterr()
    neutral = json.loads(told.out)["neutral"]
    assert neutral["sure"] is None and neutral["seconds"] == pytest.approx(at, abs=0.5 / float(RATE))
    assert "Face at rest: 0.17 s into nodding.mp4, as chosen" in told.err


def test_a_driver_whose_chosen_rest_is_turned_turns_less(
    engine: Engine, portrait: Portrait, nodding: Path
) -> None:
    def rolls(rest_at: float | None) -> float:
        settings = RetargetSettings(relative=True)
        steps = drive_clip(engine, DrivenFace(portrait, 0, {}, settings), nodding, None, rest_at=rest_at)
        driven = [step.driven for step in steps if isinstance(step, LiveStep) and step.driven is not None]
        return driven[5].params.camera.angles[2] - portrait.faces[0].params.camera.angles[2]

    assert abs(rolls(5 / float(RATE))) < 1 < 5 < abs(rolls(0.0))


def test_a_film_shows_white_where_the_photo_is_clear(engine: Engine, portrait: Portrait) -> None:
    """A driven cut-out showed the background that was cut out, which a file keeps under its clear pixels."""
    alpha = np.full(portrait.photo.pixels.shape[:2], 255, np.uint8)
    alpha[:40, :40] = 0
    photo = replace(portrait.photo, alpha=alpha, key="cut out")
    scene = scene_of(engine, replace(portrait, photo=photo), 0, {})
    assert (scene.pixels[:40, :40] == 255).all() and (scene.pixels[60:, 60:] != 255).any()
