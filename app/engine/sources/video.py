"""Reads clips as frames with their true presentation times, through ffmpeg's pipes and in constant memory."""

from __future__ import annotations

import queue
import re
import subprocess
import threading
from collections import deque
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.sound import ffmpeg
from app.engine.sources.frames import FOLDER_RATE, Frame

# A scale by which pixels become square (by the sample aspect ratio); ffmpeg itself rotates pictures before.
SQUARE = "if(lt(abs(sar-1)\\,0.02)\\,iw\\,max(2\\,2*round(iw*sar/2)))"
FILTERS = f"scale={SQUARE}:ih:flags=bicubic+accurate_rnd,setsar=1,showinfo=checksum=0"
SHOWN = re.compile(r"n:\s*\d+ pts:\s*(-?\d+|NOPTS) .*?duration:\s*(\d+|NOPTS) .*? s:(\d+)x(\d+)")
RATE_ROUNDED = 0.01  # frames per second by which ffmpeg's rounded mean may be off
CONFIG = re.compile(r"config in time_base: (\d+)/(\d+), frame_rate: (\d+)/(\d+)")


@dataclass(frozen=True)
class _Shown:
    """One frame as the showinfo filter reports it: its time and its duration in ticks, and its size."""

    ticks: int | None
    lasts: int | None
    size: tuple[int, int]


class VideoSource:
    """Gives all frames of a clip in order.

    Times are the file's presentation times: variable frame rates stay so, and a constant rational rate is met exactly
    even where the container rounds to milliseconds. resized: whether the file changes its resolution, so that ffmpeg
    scaled later frames to the first one's size; problem: ffmpeg's words where the file breaks off, None where it is
    whole.
    """

    live = False

    def __init__(self, path: Path) -> None:
        info = ffmpeg.media_info(path)
        if not info.has_pictures:
            raise EngineError(f"{path.name} has sound but no pictures.", "Choose a clip with a face in it.")
        self.name, self.has_sound = path.name, info.has_sound
        self._length, self._irregular, self._time = info.duration, False, 0.0
        self.problem: str | None = None
        self.resized = False
        self.rate: Fraction | None = None
        self._tick = Fraction(1, 1000)
        self._size: tuple[int, int] | None = None
        self._shown: queue.Queue[_Shown | None] = queue.Queue()
        self._words: deque[str] = deque(maxlen=20)
        self._index = 0
        self._done = False
        self._process = _decode(path)
        assert self._process.stderr is not None
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listener.start()
        self._upcoming = self._read()
        if self._upcoming is None:
            self.close()
            raise EngineError(
                f"{path.name} cannot be read as a clip: {ffmpeg.last_words(chr(10).join(self._words))}",
                "Choose a file that ffmpeg can play.",
            )
        self.total = round(info.duration * self._mean_rate(info.mean_rate))

    def _mean_rate(self, rounded: float) -> float:
        """Return frames per second on average, 0 where unknown; rounded: `MediaInfo.mean_rate`.

        A variable rate's mean is far from the rate on whose grid its times lie.
        """
        exact = float(self.rate or 0)
        return rounded if rounded and abs(rounded - exact) > RATE_ROUNDED else exact

    def take(self, timeout: float) -> Frame | None:
        frame = self._upcoming
        if frame is None:
            return None
        self._upcoming = self._read()
        lasts = frame.duration or float(1 / (self.rate or FOLDER_RATE))
        if self._upcoming is None and self._irregular:
            # MP4 stores no duration of a last frame that is not coded last.
            lasts = max(lasts, self._length - frame.time)
        return replace(frame, duration=lasts)

    @property
    def ended(self) -> bool:
        return self._upcoming is None

    def close(self) -> None:
        self._upcoming, self._done = None, True
        if self._process.poll() is None:
            self._process.kill()
        assert self._process.stdout is not None and self._process.stderr is not None
        self._process.stdout.close()
        self._process.wait()
        self._listener.join()
        self._process.stderr.close()

    def _read(self) -> Frame | None:
        shown = None if self._done else self._shown.get()
        pixels = None if shown is None else self._pixels(shown.size)
        if shown is None or pixels is None:
            self._finish()
            return None
        index, self._index = self._index, self._index + 1
        lasts = self._seconds(shown.lasts, 1) if shown.lasts else None
        time = self._seconds(shown.ticks, index)
        if index and self.rate:
            self._irregular |= abs(time - self._time - float(1 / self.rate)) > float(self._tick)
        self._time = time
        return Frame(pixels, time, index, duration=lasts)

    def _pixels(self, size: tuple[int, int]) -> NDArray[np.uint8] | None:
        assert self._process.stdout is not None
        self.resized |= self._size is not None and size != self._size
        size = self._size = self._size or size  # ffmpeg scales what follows to the first frame's size
        count = size[0] * size[1] * 3
        data = self._process.stdout.read(count)
        return np.frombuffer(data, np.uint8).reshape(size[1], size[0], 3) if len(data) == count else None

    def _seconds(self, ticks: int | None, index: int) -> float:
        if ticks is None:
            return float(index / (self.rate or FOLDER_RATE))
        time = ticks * self._tick
        if self.rate:
            on_grid = round(time * self.rate) / self.rate
            if abs(on_grid - time) <= self._tick / 2:
                time = on_grid
        return float(time)

    def _finish(self) -> None:
        if not self._done:
            self._done = True
            if self._process.wait() != 0:
                self.problem = ffmpeg.last_words("\n".join(self._words))

    def _listen(self, stderr: IO[bytes]) -> None:
        """Read ffmpeg's messages on a thread of its own, because a full pipe would stop ffmpeg."""
        for raw in stderr:
            line = raw.decode("utf-8", "replace")
            if match := SHOWN.search(line):
                ticks, lasts = (None if word == "NOPTS" else int(word) for word in match.groups()[:2])
                self._shown.put(_Shown(ticks, lasts, (int(match[3]), int(match[4]))))
            elif match := CONFIG.search(line):
                self._configure(*(int(number) for number in match.groups()))
            elif "showinfo" not in line:
                self._words.append(line)
        self._shown.put(None)

    def _configure(self, tick_up: int, tick_down: int, rate_up: int, rate_down: int) -> None:
        self._tick = Fraction(tick_up, tick_down or 1)
        self.rate = Fraction(rate_up, rate_down) if rate_up and rate_down else None


def _decode(path: Path) -> subprocess.Popen[bytes]:
    arguments = ["-loglevel", "info", "-nostats", "-i", ffmpeg.local(path), "-map", "0:V:0", "-vf", FILTERS]
    output = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    return subprocess.Popen(
        [ffmpeg.executable(), *ffmpeg.QUIET, *arguments, *output],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
