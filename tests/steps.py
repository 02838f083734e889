"""Runs iterators of steps to their end."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

Shown = TypeVar("Shown")
Result = TypeVar("Result")


def drained(steps: Generator[Shown, Any, Result]) -> tuple[list[Shown], Result]:
    """Return all steps of a generator, and the value that it returns."""
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return seen, stop.value
