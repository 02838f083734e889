"""Where driving frames come from: one small contract for clips, cameras, pictures and performances."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.parameters import FaceParams

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".avif")
FOLDER_RATE = Fraction(25)


@dataclass(frozen=True, eq=False)
class Frame:
    """One driving frame.

    pixels: (H, W, 3) uint8 sRGB, None where a performance file drives; time: seconds, of the monotonic
    clock when it was captured (live sources) or since the clip's start; index: number in the source, from
    0; dropped: frames lost before this one, counted from the start; params: what a performance file says.
    """

    pixels: NDArray[np.uint8] | None
    time: float
    index: int
    dropped: int = 0
    params: FaceParams | None = None


class FrameSource(Protocol):
    """Gives frames until it has `ended`; close it when done.

    name: for people; rate: frames per second as the file says, None where unknown; total: number of
    frames, estimated, 0 where unknown; live: frames come by themselves and the newest is given.
    """

    name: str
    rate: Fraction | None
    total: int
    live: bool

    def take(self, timeout: float) -> Frame | None:
        """The next frame (live: the newest one not yet taken); None if none came in `timeout` seconds."""

    @property
    def ended(self) -> bool:
        """No frame will come any more."""

    def close(self) -> None:
        """Release files, processes and devices; may be called twice."""


class PictureSource:
    """A still, or a folder of pictures in the order of their names, as frames at a constant rate."""

    live = False

    def __init__(self, paths: list[Path], rate: Fraction = FOLDER_RATE) -> None:
        self.name = paths[0].name if len(paths) == 1 else paths[0].parent.name
        self.rate: Fraction | None = rate
        self.total = len(paths)
        self._paths, self._next = paths, 0

    def take(self, timeout: float) -> Frame | None:
        if self.ended:
            return None
        from app.engine.imaging.colour import to_srgb8
        from app.engine.imaging.reading import open_photo

        index, self._next = self._next, self._next + 1
        pixels = to_srgb8(open_photo(self._paths[index]))
        return Frame(pixels, float(index / (self.rate or FOLDER_RATE)), index)

    @property
    def ended(self) -> bool:
        return self._next >= len(self._paths)

    def close(self) -> None:
        self._next = len(self._paths)


class LoopingSource:
    """What `open_again` opens, from the beginning again whenever it has ended while `loop` is set; times go on."""

    live = False

    def __init__(self, open_again: Callable[[], FrameSource], loop: bool = False) -> None:
        self.loop = loop
        self._open_again = open_again
        self._source = open_again()
        self.name, self.rate, self.total = self._source.name, self._source.rate, self._source.total
        self.neutral: FaceParams | None = getattr(self._source, "neutral", None)
        self.passes, self.offset = 0, 0.0  # how often it began again, and at which of its seconds
        self._next_start, self._index = 0.0, 0
        self._still: Frame | None = None  # of a source that holds nothing else
        self._closed = False

    def take(self, timeout: float) -> Frame | None:
        if self._source.ended and not self.ended:
            self.offset = self._next_start
            if self._still is None:
                self.passes += 1
                self._source.close()
                self._source = self._open_again()
        frame = self._still if self._source.ended else self._source.take(timeout)
        if frame is None:
            return None
        self._still = frame if self._index == 0 and self._source.ended else self._still
        time = self.offset + frame.time
        self._next_start = time + float(1 / (self.rate or FOLDER_RATE))
        index, self._index = self._index, self._index + 1
        return replace(frame, time=time, index=index)

    @property
    def ended(self) -> bool:
        return self._closed or (self._source.ended and not self.loop)

    def close(self) -> None:
        self._closed = True
        self._source.close()


class PacedSource:
    """A recorded source played like a camera: at its own speed, overdue frames dropped.

    A clip that is decoded slower than it plays still gives a frame now and then; a loop whose clip opens slower than
    it plays waits for it instead.
    begun: the clock's times at which the clip began, and began again; `clock` and `sleep` are there for tests.
    """

    live = True

    def __init__(
        self,
        source: FrameSource,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self.rate, self.total = source.name, source.rate, source.total
        self.neutral: FaceParams | None = getattr(source, "neutral", None)
        self._source, self._clock, self._sleep = source, clock, sleep
        self.begun: list[float] = []
        self._zero: float | None = None
        self._passes = 0
        self._waiting: Frame | None = None
        self._dropped = 0

    def take(self, timeout: float) -> Frame | None:
        newest = self._waiting or self._source.take(timeout)
        self._waiting = None
        if newest is None:
            return None
        if self._zero is None:
            self._zero = self._clock() - newest.time
            self.begun.append(self._zero)
        self._note_pass()
        wait = self._zero + newest.time - self._clock()
        self._sleep(max(0.0, min(wait, timeout)))
        if wait > timeout:
            self._waiting = newest
            return None
        newest = self._newest_due(newest, timeout)
        return replace(newest, time=self._zero + newest.time, dropped=self._dropped)

    def set_loop(self, loop: bool) -> None:
        """From now on, begin again at the end, or do not."""
        if isinstance(self._source, LoopingSource):
            self._source.loop = loop

    def _newest_due(self, newest: Frame, timeout: float) -> Frame:
        assert self._zero is not None
        since = self._clock()
        while (following := self._source.take(timeout)) is not None:
            self._note_pass()
            late = self._clock() - self._zero - following.time
            if late < 0:
                self._waiting = following
                break
            newest = following
            self._dropped += 1
            if self._clock() - since > timeout:
                if isinstance(self._source, LoopingSource):
                    self._zero += late
                    self.begun[-1] += late
                break
        return newest

    def _note_pass(self) -> None:
        """Keep when the clip began again."""
        source = self._source
        if isinstance(source, LoopingSource) and source.passes != self._passes and self._zero is not None:
            self.begun.append(self._zero + source.offset)
            self._passes = source.passes

    @property
    def ended(self) -> bool:
        return self._waiting is None and self._source.ended

    def close(self) -> None:
        self._waiting = None
        self._source.close()


def open_source(path: Path) -> FrameSource:
    """A clip, a picture, a folder of pictures or a performance file (also as CSV), told by its ending."""
    if path.is_dir():
        paths = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES)
        if not paths:
            raise EngineError(f"The folder {path.name} holds no pictures.", "Choose a folder of frames.")
        return PictureSource(paths)
    if not path.is_file():
        raise EngineError(f"There is no file {path}.", "Check the path.")
    if path.suffix.lower() in (".performance", ".csv"):
        from app.engine.driving.performance import PerformanceSource
        from app.engine.driving.performance_files import read_performance

        return PerformanceSource(read_performance(path), path.name)
    if path.suffix.lower() in PICTURES:
        return PictureSource([path])
    from app.engine.driving.video import VideoSource

    return VideoSource(path)
