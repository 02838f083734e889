"""What is being opened, told in stages while the engine is at it, and let go between two of them."""

from __future__ import annotations

from collections.abc import Callable

from app.engine.contract import Step


class Cancelled(Exception):
    """Nobody waits for this any more."""


class Opening:
    """`tell` is called on the engine's thread; `cancelled` is set on the GUI's."""

    def __init__(self, report: Callable[[Step], None]) -> None:
        self._report = report
        self.cancelled = False

    def tell(self, step: Step) -> None:
        """Report a stage; ends the opening where it was cancelled meanwhile."""
        if self.cancelled:
            raise Cancelled
        self._report(step)
