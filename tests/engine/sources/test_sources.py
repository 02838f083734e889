"""Clips, pictures and folders come as frames with their true times, none is lost, and memory stays constant."""

from __future__ import annotations

import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.engine.errors import EngineError
from app.engine.film.recorder import Recorder
from app.engine.sound import ffmpeg
from app.engine.sources.frames import Frame, FrameSource
from app.engine.sources.opening import open_source
from app.engine.sources.pacing import LoopingSource, PacedSource
from app.engine.sources.video import VideoSource
from tests.engine.conftest import MakeClip


def all_frames(source: FrameSource) -> list[Frame]:
    frames = []
    while not source.ended:
        frame = source.take(1.0)
        assert frame is not None
        frames.append(frame)
    source.close()
    return frames


def test_a_rational_rate_and_its_times_are_exact(clip: MakeClip) -> None:
    source = VideoSource(clip("a.mp4", rate="30000/1001"))
    assert source.rate == Fraction(30000, 1001) and not source.has_sound and not source.live
    total = source.total
    frames = all_frames(source)
    assert len(frames) == total == 12
    assert [f.index for f in frames] == list(range(12))
    assert [f.time for f in frames] == pytest.approx([k * 1001 / 30000 for k in range(12)], abs=1e-12)
    assert frames[0].pixels is not None and frames[0].pixels.shape == (48, 64, 3)


def test_millisecond_containers_keep_a_rational_rate(clip: MakeClip) -> None:
    source = VideoSource(clip("a.mkv", rate="30000/1001", seconds=1))
    assert [f.time for f in all_frames(source)] == pytest.approx(
        [k * 1001 / 30000 for k in range(30)], abs=1e-12
    )


def test_a_variable_rate_keeps_its_times(clip: MakeClip) -> None:
    path = clip(
        "v.mkv", "-vf", "setpts='if(lt(N,5),N/25,0.2+(N-5)/5)/TB'", "-fps_mode", "passthrough", seconds=0.4
    )
    times = [f.time for f in all_frames(VideoSource(path))]
    assert times == pytest.approx([0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.4, 0.6, 0.8, 1.0], abs=0.0011)


@pytest.mark.parametrize("name", ["a.webp", "a.avif", "a.png", "a.gif"])
def test_an_animated_picture_is_played_whole(clip: MakeClip, name: str) -> None:
    coder = {"a.webp": ["-c:v", "libwebp_anim", "-lossless", "1"], "a.png": ["-f", "apng"]}.get(name, [])
    source = open_source(clip(name, *coder, rate="25", seconds=1.52))
    frames = all_frames(source)
    assert len(frames) == source.total == 38 and source.rate == 25
    assert [f.time for f in frames] == pytest.approx([k / 25 for k in range(38)])
    assert frames[-1].duration == pytest.approx(0.04)
    shown = [f.pixels for f in frames if f.pixels is not None]
    assert len(shown) == 38 and shown[0].shape == (48, 64, 3)
    assert np.abs(shown[0].astype(int) - shown[-1]).mean() > 2


def test_a_heic_that_holds_a_sequence_is_played_as_the_film_it_is(clip: MakeClip, tmp_path: Path) -> None:
    film = clip("a.mp4", "-c:v", "libx265", seconds=0.4)
    film.rename(tmp_path / "a.heic")
    assert len(all_frames(open_source(tmp_path / "a.heic"))) == 10


def test_an_animation_keeps_its_own_times_and_shows_white_where_it_is_clear(tmp_path: Path) -> None:
    drawn = [Image.new("RGBA", (80, 64), (k * 60, 0, 0, 255)) for k in range(3)]
    drawn.append(Image.new("RGBA", (80, 64), (9, 9, 9, 0)))
    lasting = [50, 300, 0, 700]
    drawn[0].save(
        tmp_path / "a.webp", save_all=True, append_images=drawn[1:], duration=lasting, lossless=True
    )
    frames = all_frames(open_source(tmp_path / "a.webp"))
    assert [f.time for f in frames] == pytest.approx([0, 0.05, 0.35, 0.45])
    assert [f.duration for f in frames] == pytest.approx([0.05, 0.3, 0.1, 0.7])
    assert [f.pixels[0, 0].tolist() for f in frames if f.pixels is not None][2:] == [[120, 0, 0], [255] * 3]


@pytest.mark.parametrize("name", ["a.webp", "a.avif", "a.png"])
def test_an_animation_that_is_cut_short_is_reported(clip: MakeClip, name: str) -> None:
    path = clip(name, *{"a.webp": ["-c:v", "libwebp_anim"], "a.png": ["-f", "apng"]}.get(name, []), seconds=1)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(EngineError, match=rf"{name} is (damaged|not a picture)"):
        all_frames(open_source(path))


@pytest.mark.parametrize("name", ["v.mp4", "v.webm"])
def test_the_last_frame_of_a_variable_rate_lasts_as_long_as_the_file_says(tmp_path: Path, name: str) -> None:
    recorder = Recorder(tmp_path / name, live=False)
    for k, seconds in enumerate((0.0, 0.04, 0.1, 0.5)):
        recorder.write(np.full((48, 64, 3), 60 * k, np.uint8), seconds, 0.9)
    path = recorder.stop().path
    assert ffmpeg.media_info(path).duration == pytest.approx(1.4, abs=0.011)
    assert all_frames(VideoSource(path))[-1].duration == pytest.approx(0.9, abs=0.011)


@pytest.mark.parametrize("name", ["v.mp4", "v.webm"])
def test_a_film_keeps_its_length_where_a_long_picture_comes_before_a_short_last_one(
    tmp_path: Path, name: str
) -> None:
    """Once, 8.00 s became 7.20 s."""
    recorder = Recorder(tmp_path / name, Fraction(25), live=False)
    shown = np.random.default_rng(0).integers(0, 255, (21, 48, 64, 3)).astype(np.uint8)
    times = [*np.cumsum(0.04 * (1 + np.arange(20) % 4)), 5.0]
    for picture, seconds in zip(shown, times):
        recorder.write(picture, seconds, 0.04)
    path = recorder.stop().path
    assert ffmpeg.media_info(path).duration == pytest.approx(5.0, abs=0.011)
    assert [f.time for f in all_frames(VideoSource(path))] == pytest.approx(np.array(times) - 0.04, abs=0.011)


def test_rotation_is_applied(clip: MakeClip, tmp_path: Path) -> None:
    upright, turned = clip("a.mp4"), tmp_path / "turned.mp4"
    rotated = ["-display_rotation", "90", "-i", str(upright), "-c", "copy", str(turned)]
    assert ffmpeg.run(rotated).returncode == 0
    first, other = (all_frames(VideoSource(p))[0].pixels for p in (upright, turned))
    assert first is not None and other is not None
    assert other.shape == (64, 48, 3)
    assert np.abs(np.rot90(first).astype(int) - other).mean() < 12


def test_oblong_pixels_become_square(clip: MakeClip) -> None:
    frame = all_frames(VideoSource(clip("a.mp4", "-vf", "setsar=2")))[0]
    assert frame.pixels is not None and frame.pixels.shape == (48, 128, 3)


def test_odd_names_are_files(clip: MakeClip, tmp_path: Path) -> None:
    plain = clip("a.mp4")
    for name in ("-i ö:π %d.mp4", "concat:x|y.mp4"):
        odd = plain.rename(tmp_path / name)
        assert len(all_frames(VideoSource(odd))) == 10
        plain = odd


def test_a_broken_off_clip_gives_what_it_has(clip: MakeClip) -> None:
    path = clip("a.mkv", seconds=2)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 0 < len(all_frames(VideoSource(path))) < 50


@pytest.mark.parametrize("content", [b"", b"no clip at all", bytes(range(256)) * 40])
def test_what_is_no_clip_is_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=r"a\.mp4"):
        VideoSource(path)


def test_a_clip_whose_pictures_are_damaged_is_reported(clip: MakeClip) -> None:
    path = clip("a.mp4")
    data = bytearray(path.read_bytes())
    place = data.index(b"mdat") + 4
    end = data.index(b"moov")
    data[place:end] = bytes(end - place)
    path.write_bytes(data)
    with pytest.raises(EngineError, match="cannot be read"):
        VideoSource(path)


def test_sound_alone_is_no_driver(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    ffmpeg.run(["-f", "lavfi", "-i", "sine=d=0.1", str(path)])
    with pytest.raises(EngineError, match="no pictures"):
        open_source(path)


def test_closing_early_leaves_no_process(clip: MakeClip) -> None:
    threads = threading.active_count()
    source = VideoSource(clip("a.mp4", seconds=20, size="320x240"))
    assert source.take(1) is not None
    source.close()
    source.close()
    assert source.ended and source.take(0) is None
    assert source._process.poll() is not None and threading.active_count() == threads


def test_folders_and_stills(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for k in (2, 0, 1):
        Image.new("RGB", (80, 64), (k * 50, 0, 0)).save(folder / f"{k}.png")
    (folder / "notes.txt").write_text("not a picture")
    frames = all_frames(open_source(folder))
    assert [f.pixels[0, 0, 0] for f in frames if f.pixels is not None] == [0, 50, 100]
    assert [f.time for f in frames] == [0, 0.04, 0.08]
    assert len(all_frames(open_source(folder / "1.png"))) == 1


def test_empty_folders_and_absent_files_are_reported(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no pictures"):
        open_source(tmp_path)
    with pytest.raises(EngineError, match="no file"):
        open_source(tmp_path / "absent.mp4")


class Clock:
    """A clock that moves only by sleeping and by `work`."""

    def __init__(self) -> None:
        self.now = 100.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_paced_clip_plays_at_its_speed_and_drops_what_is_overdue(clip: MakeClip) -> None:
    clock = Clock()
    source = PacedSource(VideoSource(clip("a.mp4", rate="10", seconds=1)), clock.read, clock.sleep)
    assert source.live
    first = source.take(1)
    assert first is not None and first.time == 100.0 and source.begun == [100.0]
    second = source.take(1)
    assert second is not None and clock.now == pytest.approx(100.1) and second.index == 1
    clock.now += 0.35  # slow work; the frames at .2 and .3 are overdue, and .4 is due
    third = source.take(1)
    assert third is not None and third.index == 4 and third.dropped == 2
    assert third.time == pytest.approx(100.4)
    assert source.take(0.01) is None and not source.ended
    source.close()


def test_a_loop_begins_again_with_times_that_go_on_and_ends_when_it_is_switched_off(clip: MakeClip) -> None:
    path = clip("a.mp4", rate="10", seconds=0.5)
    source = LoopingSource(lambda: open_source(path), loop=True)
    paced = PacedSource(source, sleep=lambda seconds: None)
    frames = [source.take(1) for _ in range(12)]
    assert [f.time for f in frames if f] == pytest.approx([k / 10 for k in range(12)])
    assert [f.index for f in frames if f] == list(range(12)) and not source.ended
    first, again = frames[0], frames[5]
    assert first is not None and again is not None
    np.testing.assert_array_equal(first.pixels, again.pixels)
    paced.set_loop(False)
    assert len(all_frames(source)) == 3 and source.ended


def test_a_paced_loop_reports_when_the_clip_began_again(clip: MakeClip) -> None:
    path, clock = clip("a.mp4", rate="10", seconds=0.5), Clock()
    source = PacedSource(LoopingSource(lambda: open_source(path), loop=True), clock.read, clock.sleep)
    times = [frame.time for _ in range(13) if (frame := source.take(1))]
    source.close()
    assert source.begun[:3] == pytest.approx([100, 100.5, 101]) and times[5] == pytest.approx(source.begun[1])


def test_a_loop_that_opens_slower_than_it_plays_still_moves(clip: MakeClip) -> None:
    path, clock = clip("a.mp4", rate="10", seconds=0.5), Clock()

    def slowly() -> FrameSource:
        clock.sleep(2.0)
        return open_source(path)

    source = PacedSource(LoopingSource(slowly, loop=True), clock.read, clock.sleep)
    frames = [source.take(0.2) for _ in range(12)]
    assert len(source.begun) >= 2 and min(np.diff(source.begun)) > 1  # a pass lasts as long as its opening
    source.close()
    times = [f.time for f in frames if f]
    assert len(times) >= 6 and times == sorted(times)
    assert clock.now - times[-1] < 2.5  # no further behind than one opening


def test_a_clip_that_is_decoded_slower_than_it_plays_is_still_shown(clip: MakeClip) -> None:
    video, clock = VideoSource(clip("a.mp4", rate="10", seconds=3)), Clock()
    decode = video.take

    def slowly(timeout: float) -> Frame | None:
        clock.sleep(0.15)
        return decode(timeout)

    video.take = slowly  # type: ignore[method-assign]
    source, waits = PacedSource(video, clock.read, clock.sleep), []
    while not source.ended:
        before = clock.now
        source.take(0.2)
        waits.append(clock.now - before)
    source.close()
    assert len(waits) >= 6 and max(waits) < 0.7
    assert len(source.begun) == 1  # the sound stays where it was


def test_a_still_is_opened_once_however_long_it_loops(tmp_path: Path) -> None:
    Image.new("RGB", (80, 64), (90, 0, 0)).save(tmp_path / "a.png")
    opened: list[Path] = []

    def open_again() -> FrameSource:
        opened.append(tmp_path)
        return open_source(tmp_path / "a.png")

    source = LoopingSource(open_again, loop=True)
    frames = [source.take(1) for _ in range(5)]
    assert [f.time for f in frames if f] == pytest.approx([k / 25 for k in range(5)]) and len(opened) == 1
    source.loop = False
    assert source.ended


def test_memory_does_not_grow_with_the_clip(clip: MakeClip) -> None:
    import tracemalloc

    path = clip("long.mp4", seconds=6, size="160x120")
    source = VideoSource(path)
    for _ in range(20):
        source.take(1)
    tracemalloc.start()
    base = tracemalloc.get_traced_memory()[0]
    while not source.ended:
        source.take(1)
    grown = tracemalloc.get_traced_memory()[1] - base
    tracemalloc.stop()
    source.close()
    assert grown < 6 * 160 * 120 * 3


def test_shared_clips_are_read_whole(shared: Path) -> None:
    expected = {"a_grid_bbaf2n.mp4": (75, 25), "a_headpose_female.mp4": (23, 12), "a_asl_learn.mkv": (61, 30)}
    for name, (count, rate) in expected.items():
        source = VideoSource(shared / "media" / "videos" / name)
        assert source.rate == rate
        assert len(all_frames(source)) == count


def test_time_is_the_real_clocks_by_default(clip: MakeClip) -> None:
    source = PacedSource(VideoSource(clip("a.mp4", rate="50", seconds=0.1)))
    before = time.monotonic()
    frames = []
    while not source.ended:
        frame = source.take(1)
        if frame:
            frames.append(frame)
    source.close()
    assert frames and before <= frames[0].time <= time.monotonic()
