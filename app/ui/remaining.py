"""Estimates how long work still takes, and writes durations in words."""

from __future__ import annotations

import time


class Remaining:
    """Estimates the time left, as if the rest took as long for each part as the parts done since `start`."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self._began = time.monotonic()

    def seconds(self, done: float, total: float) -> float:
        """Return the seconds left; 0 while nothing is done or the total is unknown."""
        if not done or not total:
            return 0.0
        return (time.monotonic() - self._began) / done * (total - done)


def duration(seconds: float) -> str:
    """Return a duration in minutes and seconds, in words."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
