"""Estimates how long work still takes, and writes durations in words."""

from __future__ import annotations

import time

# Seconds of work after its first part from which its rate is believed: the first frames of a film differ by half.
SETTLED_S = 1.0
# Seconds below which a duration is given to the second, and to five; longer ones are given to ten. By eye: the last
# digit of an estimate that is made anew with each frame must not dance.
TO_ONE_S, TO_FIVE_S = 10, 60


class Remaining:
    """Estimates the time left, as if each part that is left took as long as those since the first one.

    The first part bears what is prepared once, such as kernels that are compiled for half a minute.
    """

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Forget the work before."""
        self._first: tuple[float, float] | None = None  # when the first part was done, and how many were then
        self._done = 0.0

    def seconds(self, done: float, total: float) -> float:
        """Return the seconds left; 0 while they are not known, because little is done or the total is unknown."""
        if done <= 0 or total <= 0:
            return 0.0
        now = time.monotonic()
        if self._first is None or done < self._done:  # a job's second pass over a clip begins anew
            self._first = now, done
        self._done = done
        began, before = self._first
        if done <= before or now - began < SETTLED_S:
            return 0.0
        return (now - began) / (done - before) * max(0.0, total - done)


def duration(seconds: float) -> str:
    """Return an estimated duration in minutes and seconds, in words, as exact as an estimate is."""
    step = 1 if seconds < TO_ONE_S else 5 if seconds < TO_FIVE_S else 10
    minutes, rest = divmod(step * round(seconds / step), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
