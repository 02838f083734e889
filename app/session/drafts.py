"""Decides which generators are drafted: while the hand moves, the mesh warp shows their edits, and they draw
once the hand rests.
"""

from __future__ import annotations

from app.engine.measuring.speed import known_speeds
from app.session.document import DEFAULT_GENERATOR

# Milliseconds: a picture that takes longer does not follow a dragging hand; chosen by dragging sliders.
FRAME_MS = 100.0


class Pace:
    """Knows how long each generator takes for a picture on this machine, once it has drawn one."""

    def __init__(self) -> None:
        self._ms = {name: speed.ms for name, speed in known_speeds().items()}

    def note(self, generator: str, ms: float) -> None:
        """Note how long a picture of a generator took."""
        self._ms[generator] = ms

    def of(self, generator: str) -> float | None:
        """Return the milliseconds that a picture of a generator takes, None before it has drawn one."""
        return self._ms.get(generator)

    def is_drafted(self, generator: str) -> bool:
        """Return whether a hand would have to wait for this generator; one that has not drawn yet counts as
        slow.
        """
        return generator != DEFAULT_GENERATOR and self._ms.get(generator, FRAME_MS + 1) > FRAME_MS
