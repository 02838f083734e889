"""Films keep times, rates and sound in sync, survive crashes and full disks, and are never in the way."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.engine.errors import EngineError
from app.engine.film import sinks
from app.engine.film.recorder import PICTURES_WAITING, SOUND_WAITING, Recorder, disk_left
from app.engine.imaging.metadata import COMPOSITE_TRAINED
from app.engine.sound import ffmpeg
from app.engine.sound.audio import SoundTrack, clip_sound
from app.engine.sources.video import VideoSource
from tests.engine.conftest import MakeClip
from tools.av_sync import av_offsets
from tools.virtual_camera import VirtualCamera, flash_picture, virtual_sound

SIZE = (64, 48)  # px


def picture(level: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    return np.full((size[1], size[0], 3), (level, 90, 200), np.uint8)


def record(path: Path, times: list[float], **options) -> Recorder:
    recorder = Recorder(path, live=False, **options)
    for k, t in enumerate(times):
        assert recorder.write(picture(20 + 10 * (k % 20)), t)
    return recorder


def times_of(path: Path) -> list[float]:
    source = VideoSource(path)
    times = []
    while not source.ended:
        frame = source.take(1)
        assert frame is not None
        times.append(frame.time)
    source.close()
    assert source.problem is None
    return times


@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_capture_times_are_presentation_times(tmp_path: Path, ending: str) -> None:
    captured = 7 + np.cumsum(np.random.default_rng(0).uniform(0.01, 0.2, 30))
    recording = record(tmp_path / f"a.{ending}", captured.tolist()).stop()
    assert (recording.pictures, recording.dropped, recording.error) == (30, 0, None)
    assert recording.duration == pytest.approx(captured[-1] - captured[0])
    assert times_of(recording.path) == pytest.approx((captured - captured[0]).tolist(), abs=0.001)
    assert [p.name for p in tmp_path.iterdir()] == [f"a.{ending}"]


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(25), Fraction(60)])
def test_rational_rates_are_kept(tmp_path: Path, rate: Fraction) -> None:
    recording = record(tmp_path / "a.mp4", [float(k / rate) for k in range(20)], rate=rate).stop()
    source = VideoSource(recording.path)
    source.close()
    assert source.rate == rate and source.total == 20
    assert times_of(recording.path) == pytest.approx([float(k / rate) for k in range(20)], abs=1e-9)


@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_the_last_picture_lasts_as_long_as_it_shall(tmp_path: Path, ending: str) -> None:
    recorder = Recorder(tmp_path / f"a.{ending}", rate=Fraction(10), live=False)
    for seconds, lasts in ((0.0, 0.1), (0.1, 0.4), (0.5, 1.5)):
        assert recorder.write(picture(round(seconds * 200)), seconds, lasts)
    recording = recorder.stop()
    assert recording.duration == pytest.approx(2.0) and recording.pictures == 3
    assert ffmpeg.media_info(recording.path).duration == pytest.approx(2.0, abs=0.02)
    assert times_of(recording.path) == pytest.approx([0, 0.1, 0.5], abs=0.0011)


def test_odd_sizes_are_padded_and_colours_kept(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.mp4", live=False)
    for k in range(5):
        recorder.write(picture(200, (65, 49)), k / 25)
    source = VideoSource(recorder.stop().path)
    frame = source.take(1)
    source.close()
    assert frame is not None and frame.pixels is not None and frame.pixels.shape == (50, 66, 3)
    assert np.abs(frame.pixels.astype(int) - (200, 90, 200)).max() <= 4


def test_the_film_starts_with_its_index_and_is_yuv420p(tmp_path: Path) -> None:
    path = record(tmp_path / "a.mp4", [0, 0.04, 0.08], trained=True).stop().path
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat") and b"moof" not in data
    described = ffmpeg.run(["-i", str(path)]).stderr.decode()
    assert "h264" in described and "yuv420p" in described and "Made" not in described
    assert COMPOSITE_TRAINED in described  # the comment for people
    assert COMPOSITE_TRAINED.encode() in data[data.rindex(b"uuid") :]  # the XMP packet says it too


def test_a_microphone_with_its_own_clock_stays_in_sync(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    recorder = Recorder(path, sound=(48000, 1), live=False)
    camera = VirtualCamera(flash_picture(SIZE), duration=20, frames_per_second=100, jitter=0.001)
    sound = virtual_sound(20, block=4800, drift=0.002, jitter=0.004)
    heard = next(sound, None)
    while (frame := camera.take(0)) is not None:
        assert frame.pixels is not None
        recorder.write(frame.pixels, frame.time)
        while heard and heard[1] < frame.time:
            recorder.write_sound(*heard)
            heard = next(sound, None)
    assert recorder.stop().error is None
    offsets = av_offsets(path)
    assert len(offsets) >= 18
    assert max(abs(offset) for offset in offsets) <= 0.020


def test_a_clips_sound_is_laid_under(tmp_path: Path, clip: MakeClip) -> None:
    spoken = clip("a.mp4", seconds=2, sound=True)
    recorder = record(tmp_path / "b.mp4", [k / 25 for k in range(25)], rate=Fraction(25))
    path = recorder.stop(SoundTrack(spoken, offset=0.5, duration=1.0)).path
    described = ffmpeg.media_info(path)
    sound = np.concatenate(list(clip_sound(path)))
    assert described.has_sound and described.duration == pytest.approx(1.0, abs=0.05)
    assert len(sound) == pytest.approx(48000, abs=2400) and np.abs(sound).max() > 0.05


def test_a_looped_clips_sound_begins_again_with_its_pictures(tmp_path: Path, clip: MakeClip) -> None:
    beep = ("-af", "asetnsamples=n=480,volume='if(lt(t,0.1),1,0)':eval=frame")
    spoken = clip("a.mp4", *beep, seconds=1, sound=True)
    recorder = record(tmp_path / "b.mp4", [k / 25 for k in range(100)], rate=Fraction(25))
    # The film begins 0.4 s into the first pass; a pass is played for 1.2 s, longer than its sound.
    track = SoundTrack.of(spoken, [100.0, 101.2, 102.4, 103.6, 104.8], start=100.4, duration=4.0)
    assert track.offset == pytest.approx(0.4) and track.again == pytest.approx((0.8, 2.0, 3.2))
    sound = np.abs(np.concatenate(list(clip_sound(recorder.stop(track).path))))
    assert len(sound) == pytest.approx(4 * 48000, abs=2400)
    loud = np.flatnonzero(sound > 0.02) / 48000
    begins = loud[np.r_[True, np.diff(loud) > 0.5]]
    assert begins == pytest.approx([0.8, 2.0, 3.2], abs=0.005)


def test_silent_clips_leave_a_silent_film(tmp_path: Path, clip: MakeClip) -> None:
    silent = clip("a.mp4")
    path = record(tmp_path / "b.mp4", [0, 0.04]).stop(SoundTrack(silent, 0, 0.08)).path
    assert not ffmpeg.media_info(path).has_sound
    with pytest.raises(EngineError, match="no sound"):
        next(clip_sound(path))


def test_png_sequences(tmp_path: Path) -> None:
    recording = record(tmp_path / "a.png", [3.0, 3.5, 3.6]).stop()
    names = sorted(p.name for p in recording.path.iterdir())
    assert names == ["000001.png", "000002.png", "000003.png", "times.csv"]
    with Image.open(recording.path / "000002.png") as image:
        assert image.mode == "RGB" and image.getpixel((5, 5)) == (30, 90, 200)
        assert "DigitalSourceType" in image.info["XML:com.adobe.xmp"]
    assert (recording.path / "times.csv").read_text().splitlines()[2] == "000002.png,0.500000"


def test_a_slow_encoder_never_holds_up_the_view(tmp_path: Path, monkeypatch) -> None:
    import threading

    gate = threading.Event()
    real = sinks.FilmSink.picture

    def slow(self, pixels, seconds, lasts=None):
        gate.wait(10)
        real(self, pixels, seconds, lasts)

    monkeypatch.setattr(sinks.FilmSink, "picture", slow)
    recorder = Recorder(tmp_path / "a.mp4")
    taken = [recorder.write(picture(k), k / 30) for k in range(60)]  # waiting would never end
    gate.set()
    recording = recorder.stop()
    assert sum(taken) <= PICTURES_WAITING + 1 and recording.dropped == 60 - sum(taken)
    assert recording.pictures == sum(taken) and len(times_of(recording.path)) == sum(taken)


def test_sound_that_an_encoder_cannot_take_does_not_fill_the_memory(tmp_path: Path, monkeypatch) -> None:
    import threading

    gate = threading.Event()
    real = sinks.FilmSink.sound

    def slow(self, samples, seconds):
        gate.wait(20)
        real(self, samples, seconds)

    monkeypatch.setattr(sinks.FilmSink, "sound", slow)
    recorder = Recorder(tmp_path / "a.mp4", sound=(8000, 1))
    recorder.write(picture(10), 0.0)
    for k in range(100):
        recorder.write_sound(np.zeros((8000, 1), np.float32), float(k))
    assert recorder.waiting <= SOUND_WAITING + 4
    gate.set()
    deadline = time.monotonic() + 60
    while recorder.waiting and time.monotonic() < deadline:
        time.sleep(0.01)
    recorder.write(picture(20), 100.0)
    for k in range(100, 103):
        recorder.write_sound(np.full((8000, 1), 0.5, np.float32), float(k))
    path = recorder.stop().path
    sound = np.concatenate(list(clip_sound(path, 8000)))
    assert len(sound) == pytest.approx(103 * 8000, rel=0.02)  # silence stands where sound was left out
    assert np.abs(sound[100 * 8000 + 4000 : 101 * 8000]).max() > 0.2


def test_drops_do_not_change_the_speed(tmp_path: Path) -> None:
    recorder = record(tmp_path / "a.mp4", [k / 30 for k in range(90) if k % 3])
    assert times_of(recorder.stop().path)[-1] == pytest.approx(89 / 30 - 1 / 30, abs=1e-3)


CHILD = """
import sys, time
import numpy as np
from pathlib import Path
from app.engine.film.recorder import Recorder
recorder = Recorder(Path(sys.argv[1]))
for k in range(100000):
    recorder.write(np.random.default_rng(k).integers(0, 255, (48, 64, 3), np.uint8), k / 30)
    if recorder.pictures > 100:
        print("going", flush=True)
    time.sleep(0.002)
"""


def test_kill_9_leaves_a_playable_film(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path / "a.mp4")], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"going\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    left = tmp_path / "a.recording.mp4"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and len(_playable(left)) < 90:
        time.sleep(0.2)
    assert len(_playable(left)) >= 90 and not (tmp_path / "a.mp4").exists()


def _playable(path: Path) -> list[float]:
    try:
        return times_of(path)
    except (EngineError, AssertionError):
        return []


def test_killing_the_encoder_keeps_what_was_written(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.mp4", live=False)
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    for k in range(400):
        recorder.write(np.roll(noise, k, axis=1), k / 30)
    assert isinstance(recorder._sink, sinks.FilmSink)
    recorder._sink._process.kill()
    recorder._sink._process.wait()
    for k in range(400, 440):
        recorder.write(noise, k / 30)
    recording = recorder.stop()
    assert recording.error is not None and "a.mp4" in recording.error.message
    assert len(times_of(recording.path)) > 100


def test_a_full_disk_ends_the_recording_and_keeps_it(tmp_path: Path, monkeypatch) -> None:
    recorder = Recorder(tmp_path / "a.mp4", live=False)
    for k in range(20):
        recorder.write(picture(k), k / 30)
    monkeypatch.setattr("app.engine.film.recorder.disk_left", lambda path: 1000)
    written = [recorder.write(picture(k % 200), k / 30) for k in range(20, 200)]
    recording = recorder.stop()
    assert (
        not written[-1]
        and recording.error is not None
        and "is full. What was recorded" in str(recording.error)
    )
    assert str(recording.path) in str(recording.error)
    assert 20 <= len(times_of(recording.path)) == recording.pictures < 200


def test_a_write_that_fails_in_the_encoder_keeps_what_was_written(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    random = np.random.default_rng(0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    try:
        recorder = Recorder(tmp_path / "a.mp4", live=False)
        noise = (random.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(600))
        written = [recorder.write(pixels, k / 30) for k, pixels in enumerate(noise)]
        recording = recorder.stop()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not written[-1] and recording.error is not None
    assert len(times_of(recording.path)) > 20


def test_discarding_and_empty_recordings_leave_nothing(tmp_path: Path) -> None:
    record(tmp_path / "a.mp4", [0, 1]).discard()
    record(tmp_path / "b.png", [0, 1]).discard()
    with pytest.raises(EngineError, match="Nothing was recorded"):
        Recorder(tmp_path / "c.mp4").stop()
    assert not list(tmp_path.iterdir())


def test_an_older_film_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    recorder = record(path, [0, 0.04])
    assert path.read_bytes() == b"old"
    recorder.stop()
    assert len(times_of(path)) == 2


def test_what_a_crash_left_is_not_overwritten(tmp_path: Path) -> None:
    left = tmp_path / "a.recording.mp4"
    left.write_bytes(b"to be rescued")
    record(tmp_path / "a.mp4", [0, 0.04]).stop()
    assert left.read_bytes() == b"to be rescued" and len(times_of(tmp_path / "a.mp4")) == 2


def test_what_cannot_be_recorded_is_reported(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="avi"):
        Recorder(tmp_path / "a.avi")
    with pytest.raises(EngineError, match="no folder"):
        Recorder(tmp_path / "absent" / "a.mp4")
    recorder = record(tmp_path / "a.mp4", [0])
    with pytest.raises(ValueError):
        recorder.write(picture(0, (32, 32)), 1)
    assert not recorder.write(picture(0), -1.0)  # a time that does not rise is left out
    recorder.stop()
    assert disk_left(tmp_path / "a.mp4") > 0


def test_a_folder_in_the_films_place_is_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").touch()
    for name, words in (("a.mp4", "is a folder"), ("b.png", "not empty"), ("b", "not empty")):
        with pytest.raises(EngineError, match=words):
            Recorder(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"a.mp4", "b"}


def test_sound_before_the_first_picture_does_not_give_the_film_its_size(tmp_path: Path) -> None:
    """The microphone's thread may reach the queue between a first picture's arrival and its being queued."""
    recorder = Recorder(tmp_path / "a.mp4", sound=(48000, 1), live=False)
    change, once = recorder._change, [True]

    class Overtaken:
        """The recorder's lock, which the microphone gets first."""

        def __enter__(self) -> None:
            if once and once.pop():
                recorder.write_sound(np.zeros((480, 1), np.float32), 5.0)
            change.__enter__()

        def __exit__(self, *reason: object) -> None:
            change.__exit__(*reason)

        def __getattr__(self, name: str) -> object:
            return getattr(change, name)

    recorder._change = Overtaken()
    assert recorder.write(picture(40), 5.0)
    recording = recorder.stop()
    assert recording.error is None
    source = VideoSource(tmp_path / "a.mp4")
    frame = source.take(5)
    source.close()
    assert frame is not None and frame.pixels is not None and frame.pixels.shape == (48, 64, 3)


def test_a_film_whose_sound_cannot_be_read_says_so_and_keeps_its_mark(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF is not sound" * 20)
    recorder = record(tmp_path / "a.mp4", [0.0, 0.1, 0.2], trained=True)
    recording = recorder.stop(SoundTrack(tmp_path / "broken.wav", 0.0, 0.3))
    assert recording.error is not None and "silent" in recording.error.message
    assert "broken.wav" in recording.error.message
    assert len(times_of(tmp_path / "a.mp4")) == 3
    assert COMPOSITE_TRAINED.encode() in (tmp_path / "a.mp4").read_bytes().split(b"uuid")[-1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "broken.wav"]
