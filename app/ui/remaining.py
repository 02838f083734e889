"""Estimates how long work still takes, and writes durations in words."""

from __future__ import annotations

import time

# Seconds of work after its first part from which its rate is believed: the first frames of a film differ by half.
SETTLED_S = 3.0
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
        # When the first part was done and when the last one was, each with how many were done then.
        self._first: tuple[float, float] | None = None
        self._last = (0.0, 0.0)

    def seconds(self, done: float, total: float) -> float:
        """Return the seconds left; 0 while they are not known, because little is done or the total is unknown.

        While a part is at work, which may be asked about at any moment, they are counted down.
        """
        if done <= 0 or total <= 0:
            return 0.0
        now = time.monotonic()
        if self._first is None or done < self._last[1]:  # a job's second pass over a clip begins anew
            self._first = self._last = now, done
        elif done > self._last[1]:
            self._last = now, done
        (began, before), (at, after) = self._first, self._last
        if after <= before or at - began < SETTLED_S:
            return 0.0
        return max(0.0, (at - began) / (after - before) * (total - done) - (now - at))


def duration(seconds: float) -> str:
    """Return an estimated duration in minutes and seconds, in words, as exact as an estimate is."""
    step = 1 if seconds < TO_ONE_S else 5 if seconds < TO_FIVE_S else 10
    minutes, rest = divmod(step * round(seconds / step), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
