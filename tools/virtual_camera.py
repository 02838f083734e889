"""A virtual camera and a virtual microphone that flash and beep together, for tests and measurements.

Both give times as real ones do. The camera has jitter and loses frames. The microphone gives blocks whose
times jitter, and its quartz runs a little fast. For a tenth of every second the picture is white and the
sound is a tone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from app.engine.sources.frames import Frame

PERIOD, FLASH = 1.0, 0.1  # seconds
TONE = 1000.0  # Hz


def is_on(time: float) -> bool:
    """Return whether the devices flash and beep at `time` seconds."""
    return time % PERIOD < FLASH


def flash_picture(size: tuple[int, int]) -> Callable[[float], NDArray[np.uint8]]:
    """Return a function that draws black or white pictures (h, w, 3)."""
    black = np.zeros((size[1], size[0], 3), np.uint8)
    white = np.full_like(black, 255)
    return lambda time: white if is_on(time) else black


@dataclass
class VirtualCamera:
    """A `FrameSource` that shows `draw(time)` at about `frames_per_second`, as fast as it is asked.

    jitter: standard deviation of the capture times, seconds; lost: share of frames that never arrive.
    """

    draw: Callable[[float], NDArray[np.uint8]]
    duration: float
    frames_per_second: float = 30.0
    jitter: float = 0.0
    lost: float = 0.0
    seed: int = 0
    name: str = "Virtual camera"
    live: bool = True
    rate: Fraction | None = None

    def __post_init__(self) -> None:
        self.total = 0
        self._random = np.random.default_rng(self.seed)
        self._ticks = self._dropped = self._index = 0

    def take(self, timeout: float) -> Frame | None:
        while not self.ended:
            nominal = self._ticks / self.frames_per_second
            self._ticks += 1
            if self._random.random() >= self.lost:
                limit = 0.4 / self.frames_per_second
                time = nominal + float(np.clip(self._random.normal(0, self.jitter), -limit, limit))
                index, self._index = self._index, self._index + 1
                return Frame(self.draw(time), time, index, self._dropped)
            self._dropped += 1
        return None

    @property
    def ended(self) -> bool:
        return self._ticks / self.frames_per_second >= self.duration

    def close(self) -> None:
        self.duration = 0.0


def virtual_sound(
    duration: float,
    rate: int = 48000,
    block: int = 480,
    drift: float = 0.0,
    jitter: float = 0.0,
    seed: int = 0,
) -> Iterator[tuple[NDArray[np.float32], float]]:
    """Yield (samples (n, 1), measured time) of a microphone whose quartz is fast by the share `drift`."""
    random = np.random.default_rng(seed)
    heard = rate * (1 + drift)  # samples in a true second
    for start in range(0, int(duration * heard), block):
        times = (start + np.arange(block)) / heard
        tone = np.where(times % PERIOD < FLASH, np.sin(2 * np.pi * TONE * times), 0)
        yield tone.astype(np.float32)[:, None] * 0.5, float(times[0] + random.normal(0, jitter))
