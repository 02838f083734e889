"""Reads the sound of clips and microphones, and measures its level and its time."""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.sound import ffmpeg

SILENCE_DB = -90.0  # dB of full scale: the least level that a meter shows
# Share of a block's time error that is corrected at once; set with clocks 100 ppm apart (tools/av_sync.py).
NUDGE = 0.02
# Seconds of error from which there is a gap; a microphone's jitter is some milliseconds.
GAP = 0.25
FROM_ZERO = "aresample=first_pts=0"  # ffmpeg's filter by which the sound begins at time 0, as the pictures do
LOOP_RATE = 48000  # samples a second of a looped clip's sound
LOOP_FORMAT = ("-f", "s16le", "-ar", str(LOOP_RATE), "-ac", "2")

OnSound = Callable[[NDArray[np.float32], float], None]


@dataclass(frozen=True)
class SoundTrack:
    """A clip's sound for a film.

    path: the clip; offset: seconds into the clip at which the film starts; duration: the film's seconds; again: seconds
    of the film at which the clip began again, where it was looped.
    """

    path: Path
    offset: float
    duration: float
    again: tuple[float, ...] = ()

    @classmethod
    def of(cls, path: Path, begun: Sequence[float], start: float, duration: float) -> SoundTrack:
        """Return the sound for a film that starts at `start` on the clock and lasts `duration` seconds.

        begun: the clock's times at which the clip began, rising.
        """
        first = max((time for time in begun if time <= start), default=begun[0])
        again = tuple(time - start for time in begun if first < time < start + duration)
        return cls(path, start - first, duration, again)

    def as_input(self) -> tuple[list[str], list[str]]:
        """Return ffmpeg's arguments for the sound as second input, and those that choose tracks of both inputs."""
        seek = ["-ss", f"{self.offset:.6f}"] if self.offset > 0 else ["-itsoffset", f"{-self.offset:.6f}"]
        source = [*seek, "-t", f"{self.duration:.6f}", "-i", ffmpeg.local(self.path)]
        return source, ["-map", "0:v", "-map", "1:a:0?", "-b:a", "160k"]

    def unrolled(self, folder: Path) -> SoundTrack:
        """Return the same sound with every pass of a looped clip in one file, which is written into `folder`.

        Where the clip was not looped, that is this very sound.
        """
        if not self.again or not ffmpeg.media_info(self.path).has_sound:
            return self
        once, whole = folder / "once.raw", folder / "whole.flac"
        clip = ("-i", ffmpeg.local(self.path), "-map", "0:a:0", "-af", FROM_ZERO)
        if ffmpeg.run([*clip, *LOOP_FORMAT, ffmpeg.local(once)]).returncode or not once.stat().st_size:
            return self
        command = [ffmpeg.executable(), "-v", "error", *LOOP_FORMAT, "-i", "pipe:0", ffmpeg.local(whole)]
        encoder = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert encoder.stdin is not None
        with encoder.stdin as pipe:
            for piece in self._passes(np.memmap(once, np.int16, "r").reshape(-1, 2)):
                pipe.write(piece.tobytes())
        encoder.wait()
        return SoundTrack(whole, 0.0, self.duration)

    def _passes(self, once: NDArray[np.int16]) -> Iterator[NDArray[np.int16]]:
        """Yield each pass of `once` (n, 2), cut or filled with silence up to where the next begins."""
        starts = (-self.offset, *self.again)
        for start, end in zip(starts, (*self.again, self.duration)):
            first, last = (round(LOOP_RATE * max(0.0, time)) for time in (start, end))
            skipped = max(0, first - round(LOOP_RATE * start))
            piece = once[skipped : skipped + last - first]
            yield piece
            yield np.zeros((last - first - len(piece), 2), np.int16)


class SoundClock:
    """Gives times to consecutive blocks of sound, without the jitter of the calls that deliver them.

    A block follows the one before at the nominal rate and is moved a little towards its measured time, so that the
    clock stays within milliseconds of the computer's, whatever the rate of the device's own clock is.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._next: float | None = None

    def place(self, measured: float, count: int) -> float:
        """Return the seconds at which a block of `count` samples starts that was measured to start at `measured`."""
        if self._next is None or abs(measured - self._next) > GAP:
            start = measured
        else:
            start = self._next + NUDGE * (measured - self._next)
        self._next = start + count / self._rate
        return start


class LevelMeter:
    """Measures the peak level in dBFS; the shown level falls by 20 dB a second after a peak, as meters do."""

    FALL = 20.0

    def __init__(self) -> None:
        self._level, self._time = SILENCE_DB, 0.0

    def add(self, samples: NDArray[np.float32], now: float) -> float:
        """Return the level in dBFS after samples (n, channels) that were recorded at `now` seconds."""
        peak = float(np.abs(samples).max(initial=0.0))
        heard = 20 * math.log10(peak) if peak > 0 else SILENCE_DB
        fallen = self._level - self.FALL * max(0.0, now - self._time)
        self._level, self._time = max(heard, fallen, SILENCE_DB), now
        return self._level


class Microphone:
    """Calls `on_sound(samples (n, channels) float32, time)` on a thread of its own until closed.

    time: seconds of the monotonic clock at which the first sample was heard.
    """

    def __init__(self, on_sound: OnSound, device: int | str | None = None, channels: int = 1) -> None:
        sounddevice = _sounddevice()
        self._on_sound = on_sound
        try:
            self.rate = int(sounddevice.query_devices(device, "input")["default_samplerate"])
            self._stream = sounddevice.InputStream(
                self.rate, device=device, channels=channels, dtype="float32", callback=self._heard
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise EngineError(
                f"The microphone cannot be opened: {error}.",
                "Plug it in and allow access to it in the system settings.",
            ) from error
        self.channels = channels

    def _heard(self, samples: NDArray[np.float32], count: int, times: Any, status: Any) -> None:
        since_heard = times.currentTime - times.inputBufferAdcTime
        if not 0 < since_heard < 1:  # some drivers deliver no times
            since_heard = count / self.rate
        self._on_sound(samples.copy(), time.monotonic() - since_heard)

    def close(self) -> None:
        self._stream.close()


def microphones() -> tuple[str, ...]:
    """Return the names of the sound inputs, the system's default first; empty where there is no sound system."""
    try:
        sounddevice = _sounddevice()
        devices = [d for d in sounddevice.query_devices() if d["max_input_channels"] > 0]
        default = sounddevice.default.device[0]
    except EngineError:
        return ()
    devices.sort(key=lambda device: device["index"] != default)
    return tuple(dict.fromkeys(device["name"] for device in devices))


def clip_sound(path: Path, rate: int = 48000, block: float = 1.0) -> Iterator[NDArray[np.float32]]:
    """Yield a clip's sound as mono blocks of `block` seconds, in constant memory; EngineError where it has none."""
    if not ffmpeg.media_info(path).has_sound:
        raise EngineError(f"{path.name} has no sound.", "Choose a clip with sound, or drive without it.")
    arguments = ["-v", "error", "-i", ffmpeg.local(path), "-map", "0:a:0", "-af", FROM_ZERO, "-ac", "1"]
    process = subprocess.Popen(
        [ffmpeg.executable(), *ffmpeg.QUIET, *arguments, "-ar", str(rate), "-f", "f32le", "pipe:1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        while data := process.stdout.read(4 * round(rate * block)):
            yield np.frombuffer(data[: len(data) // 4 * 4], np.float32)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # OSError: PortAudio itself is missing
        raise EngineError(
            "Sound cannot be recorded: sounddevice or PortAudio is not installed.",
            "Install it with “pip install sounddevice” (on Linux also the package libportaudio2).",
        ) from error
    return sounddevice
