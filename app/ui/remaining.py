"""Says how long something still takes, in words for people."""

from __future__ import annotations

import time


class Remaining:
    """Counts time from `start` on, and assumes that the rest is as slow as the part that is done."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self._began = time.monotonic()

    def seconds(self, done: float, total: float) -> float:
        """Return the seconds left; 0 while nothing is done or nothing is known."""
        if not done or not total:
            return 0.0
        return (time.monotonic() - self._began) / done * (total - done)


def duration(seconds: float) -> str:
    """Return a duration in minutes and seconds, in words."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
