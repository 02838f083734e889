"""Wraps recorded sources so that they begin again at their end, or play at their own speed like a camera."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from app.engine.face.parameters import FaceParams
from app.engine.sources.frames import FOLDER_RATE, Frame, FrameSource


class LoopingSource:
    """Plays the source that `open_again` opens, and opens it again at its end while `loop` is set.

    Times go on rising.
    """

    live = False

    def __init__(self, open_again: Callable[[], FrameSource], loop: bool = False) -> None:
        self.loop = loop
        self._open_again = open_again
        self._source = open_again()
        self.name, self.rate, self.total = self._source.name, self._source.rate, self._source.total
        self.neutral: FaceParams | None = getattr(self._source, "neutral", None)
        # The number of times that the source began again, and the seconds at which the present pass began.
        self.passes, self.offset = 0, 0.0
        self._next_start, self._index = 0.0, 0
        self._still: Frame | None = None  # the frame of a source that has only one
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
        self._next_start = time + (frame.duration or float(1 / (self.rate or FOLDER_RATE)))
        index, self._index = self._index, self._index + 1
        return replace(frame, time=time, index=index)

    @property
    def ended(self) -> bool:
        return self._closed or (self._source.ended and not self.loop)

    def close(self) -> None:
        self._closed = True
        self._source.close()


class PacedSource:
    """Plays a recorded source like a camera: at its own speed, and without overdue frames.

    A clip that is decoded more slowly than it plays still gives a frame now and then. A looped clip that takes longer
    to open than to play is waited for. begun: the clock's times at which the clip began and began again; clock, sleep:
    replaced in tests.
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
        """Choose whether the clip begins again at its end from now on."""
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
        """Note the time at which the clip began again."""
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
