"""Writes a recording by an ffmpeg that encodes pictures as they come, or to a folder of PNG files.

A film is written beside its final name (`name.recording.mp4`) in fragments, so that a file that plays is left however
the program ends. A complete film is rewritten with its index first, and renamed.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.engine.errors import EngineError
from app.engine.files import fitting, free_path, written
from app.engine.film import matroska
from app.engine.film.provenance import Mark
from app.engine.sound import ffmpeg
from app.engine.sound.audio import SoundTrack

NOMINAL_RATE = Fraction(30)  # frames per second for which encoders plan where pictures come at no fixed rate
# Arguments of ffmpeg. Its guide to H.264 calls a CRF of 17 to 18 visually lossless; live films are a little coarser,
# because they must be encoded as they come, and others a little finer. No picture is coded from a later one (-bf 0),
# because an MP4 would then give the length of another picture to the last one. VP9's CRF goes up to 63 instead of 51.
LIVE_X264 = ("-c:v", "libx264", "-preset", "superfast", "-crf", "19", "-bf", "0")
BEST_X264 = ("-c:v", "libx264", "-preset", "medium", "-crf", "16", "-bf", "0")
VP9_QUALITY = ("-crf", "28", "-b:v", "0")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "7", "-row-mt", "1", *VP9_QUALITY)
COLOURS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
TO_YUV = "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p"
FRAGMENTS = ("-movflags", "+frag_keyframe+delay_moov+default_base_moof", "-frag_duration", "1000000")


OnShare = Callable[[float], None]  # takes the share, in [0, 1], of a finished film that is written
PROGRESS_EVERY = 0.25  # seconds between two reports of that share
TIMES_DIFFER = (
    0.001  # seconds by which a picture ends later or earlier than the rate says where the rate is not kept
)


class Sink(Protocol):
    """Takes pictures and sound in the order of time; one thread makes all calls."""

    def picture(self, pixels: NDArray[np.uint8], seconds: float, lasts: float | None = None) -> None: ...
    def sound(self, samples: NDArray[np.float32], seconds: float) -> None: ...
    def close(self, keep: bool, on_share: OnShare | None = None) -> Path: ...


class FilmSink:
    """Writes a film: H.264 in MP4 or VP9 in WebM, by the file's ending."""

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        rate: Fraction | None,
        sound: tuple[int, int] | None,
        live: bool,
        mark: Mark,
    ) -> None:
        self._path, self._mark = path, mark
        # The path at which the film grows, which is never that of a film left by an earlier crash.
        self._unfinished = free_path(path.with_name(fitting(path.stem, f".recording{path.suffix}")))
        self.track: SoundTrack | None = None
        self._nominal = float(1 / (rate or NOMINAL_RATE))  # seconds for which a picture is shown
        self._count, self._end, self._even = 0, 0.0, True
        self._process = subprocess.Popen(
            [ffmpeg.executable(), "-hide_banner", "-y", *self._arguments(rate, sound, live)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._words: deque[str] = deque(maxlen=20)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        self._send(matroska.header(even, self._nominal, sound))

    def _arguments(self, rate: Fraction | None, sound: tuple[int, int] | None, live: bool) -> list[str]:
        ticks = timescale(rate)
        webm = self._container == "webm"
        video = VP9 if webm else LIVE_X264 if live else BEST_X264
        # The filter follows the sound's own times, because a microphone's clock is not the computer's.
        audio = f"-c:a {self._sound_codec} -b:a 160k -af aresample=async=1000:first_pts=0".split()
        container = [] if webm else [*FRAGMENTS, "-video_track_timescale", str(ticks)]
        times = f"-fps_mode passthrough -enc_time_base 1:{ticks} -g 60 -flush_packets 1".split()
        start = ["-loglevel", "error", "-f", "matroska", "-i", "pipe:0", "-vf", TO_YUV]
        ending = [*self._mark.as_metadata(), ffmpeg.local(self._unfinished)]
        return [*start, *video, *COLOURS, *times, *(audio if sound else []), *container, *ending]

    def picture(self, pixels: NDArray[np.uint8], seconds: float, lasts: float | None = None) -> None:
        height, width = pixels.shape[:2]
        if height % 2 or width % 2:
            pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        data = np.ascontiguousarray(pixels)
        self._count, self._end = self._count + 1, seconds + (lasts or self._nominal)
        self._even &= abs(self._end - self._count * self._nominal) < TIMES_DIFFER
        self._send(matroska.block(matroska.PICTURES, seconds, data.nbytes, lasts), data.data)

    def sound(self, samples: NDArray[np.float32], seconds: float) -> None:
        data = np.ascontiguousarray(samples, np.float32)
        self._send(matroska.block(matroska.SOUND, seconds, data.nbytes), data.data)

    def close(self, keep: bool, on_share: OnShare | None = None) -> Path:
        """End the film and return its path; EngineError where its end could not be written.

        keep: False deletes the film; on_share: called now and then while the finished film is written.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # where ffmpeg has ended already, its exit status says why
            self._process.stdin.close()
        status = self._process.wait()
        self._listener.join()
        if not keep:
            self._unfinished.unlink(missing_ok=True)
            return self._path
        final = self._finish(on_share)
        if status:
            raise self._error(final)
        return final

    def _finish(self, on_share: OnShare | None) -> Path:
        """Write the film anew with its index first and the clip's sound, rename it and return its path.

        Where that fails, the film of fragments is kept.
        """
        with contextlib.suppress(OSError):  # the disk is full: what was recorded is kept as it is
            if self._remuxed(self.track, on_share):
                return self._path
            if self.track is not None and self._remuxed(None, on_share):
                raise EngineError(
                    f"The film {self._path.name} is written, but silent: the sound of {self.track.path.name} "
                    "cannot be read.",
                    "Convert the clip's sound to AAC or WAV, and drive with that clip again.",
                )
        if not self._unfinished.exists() or not self._unfinished.stat().st_size:
            self._unfinished.unlink(missing_ok=True)
            raise self._error(None)
        with contextlib.suppress(OSError):  # as above
            self._mark.append_to(self._unfinished, self._container)
        os.replace(self._unfinished, self._path)
        return self._path

    @property
    def _container(self) -> str:
        return "webm" if self._path.suffix.lower() == ".webm" else "mp4"

    @property
    def _sound_codec(self) -> str:
        return "libopus" if self._container == "webm" else "aac"

    def _last_picture_arguments(self) -> list[str]:
        """Return arguments of ffmpeg by which the last picture lasts until the film ends.

        An encoder does not know how long that is. Where all pictures last equally long, it guesses right.
        """
        if self._container != "mp4" or self._even:
            return []
        until_the_end = f"if(eq(N,{self._count - 1}),{self._end:.6f}/TB-PTS,DURATION)"
        return ["-bsf:v", f"setts=duration='{until_the_end}'"]

    def _remuxed(self, track: SoundTrack | None, on_share: OnShare | None) -> bool:
        """Write the finished film with this sound and its mark to its place; return False where ffmpeg cannot."""
        index = [] if self._container == "webm" else ["-movflags", "+faststart"]
        sound_codec = self._sound_codec if track else "copy"
        codec = ["-c:v", "copy", *self._last_picture_arguments(), "-c:a", sound_codec]
        source = ["-v", "error", "-y", "-i", ffmpeg.local(self._unfinished)]
        try:
            with written(self._path) as beside, tempfile.TemporaryDirectory() as folder:
                sound = track.unrolled(Path(folder)).as_input() if track else ([], [])
                ending = [*codec, *index, "-f", self._container, ffmpeg.local(beside)]
                self._run_ffmpeg([*source, *sound[0], *sound[1], *ending], beside, on_share)
                self._mark.append_to(beside, self._container)
        except subprocess.CalledProcessError:
            return False
        self._unfinished.unlink()
        return True

    def _run_ffmpeg(self, arguments: list[str], beside: Path, on_share: OnShare | None) -> None:
        """Let ffmpeg write the finished film `beside`, about as large as the unfinished one.

        CalledProcessError where ffmpeg fails.
        """
        whole = max(1, self._unfinished.stat().st_size) if self._unfinished.exists() else 1
        process = subprocess.Popen(
            [ffmpeg.executable(), *ffmpeg.QUIET, *arguments], stderr=subprocess.DEVNULL
        )
        while True:
            try:
                if status := process.wait(PROGRESS_EVERY):
                    raise subprocess.CalledProcessError(status, "ffmpeg")
                return
            except subprocess.TimeoutExpired:
                if on_share is not None and beside.exists():
                    on_share(min(1.0, beside.stat().st_size / whole))

    def _send(self, *parts: bytes | memoryview) -> None:
        assert self._process.stdin is not None
        try:
            for part in parts:
                self._process.stdin.write(part)
        except (OSError, ValueError) as error:
            raise BrokenPipeError from error

    def _error(self, kept: Path | None) -> EngineError:
        reason = ffmpeg.last_words("\n".join(self._words))
        full = "No space left" in reason
        remedy = "Free some space on the disk, or choose another folder."
        what = f"What was recorded until then is in {kept}." if kept else "Nothing could be kept."
        other = "Choose another folder or name."
        return EngineError(f"The recording stopped: {reason} {what}", remedy if full else other)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stderr:
            for line in stderr:
                self._words.append(line.decode("utf-8", "replace"))


class PngSink:
    """Writes a folder, new or empty, of 000001.png and so on without alpha, and `times.csv` (file, seconds)."""

    def __init__(self, path: Path, mark: Mark) -> None:
        self._folder, self._mark = path.with_suffix(""), mark
        self._made = not self._folder.exists()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._times = (self._folder / "times.csv").open("w", encoding="utf-8")
        self._times.write("file,seconds\n")
        self._count = 0

    def picture(self, pixels: NDArray[np.uint8], seconds: float, lasts: float | None = None) -> None:
        self._count += 1
        name = f"{self._count:06d}.png"
        with written(self._folder / name) as beside:
            Image.fromarray(pixels).save(beside, "PNG", compress_level=1, pnginfo=self._mark.as_png())
        self._times.write(f"{name},{seconds:.6f}\n")

    def sound(self, samples: NDArray[np.float32], seconds: float) -> None:
        """Ignore sound, which pictures do not have."""

    def close(self, keep: bool, on_share: OnShare | None = None) -> Path:
        self._times.close()
        if not keep:
            for file in self._folder.iterdir():
                file.unlink()
            if self._made:
                self._folder.rmdir()
        return self._folder


def timescale(rate: Fraction | None) -> int:
    """Return the ticks per second in which a rational rate is exact: 30000 for 30000/1001, 10000 for 25, 90000 for
    None.
    """
    if rate is None:
        return 90000
    return rate.numerator * max(1, -(-10000 // rate.numerator))
